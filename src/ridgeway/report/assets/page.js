"use strict";

// Figures. On a narrow screen labels at line ends leave no room for lines: they move into the legend.
function narrow(figure) {
  const layout = figure.layout;
  const labelled = (layout.annotations || []).some((note) => note.name === "line label");
  layout.annotations = (layout.annotations || []).filter((note) => note.name !== "line label");
  layout.margin = { ...layout.margin, l: Math.min(layout.margin.l, 52), r: 14 };
  layout.dragmode = false;
  layout.legend.x = -0.12;
  for (const note of layout.annotations) if (note.name === "headline") note.xshift = -44;
  if (layout.legend.title) layout.legend.title.side = "top";
  const titles = layout.annotations.filter((note) => note.name === "axis title");
  titles.forEach((note, place) => { note.yshift += place % 2 ? 0 : 32; });
  if (titles.length) layout.margin.t += 34;
  if (titles.length) layout.xaxis.range = [-0.13 * titles.length, titles.length - 1 + 0.13 * titles.length];
  const named = new Set();
  for (const trace of figure.data) {
    if (labelled && trace.meta === "line" && !named.has(trace.name)) {
      named.add(trace.name);
      trace.showlegend = true;
    }
  }
}

const plots = [];
for (const source of document.querySelectorAll("script[data-plot]")) {
  const place = document.getElementById(source.dataset.plot);
  const figure = JSON.parse(source.textContent);
  if (place.clientWidth < 600) narrow(figure);
  const options = {
    responsive: true,
    displaylogo: false,
    displayModeBar: place.clientWidth < 600 ? false : "hover",
    modeBarButtons: [["toImage", "resetScale2d"]],
  };
  Plotly.newPlot(place, figure.data, figure.layout, options);
  plots.push(place);
}

// Paper is narrower than the screen, and an SVG of plotly's does not shrink by itself.
window.addEventListener("beforeprint", () => plots.forEach((place) => Plotly.relayout(place, { width: 670 })));
window.addEventListener("afterprint", () => plots.forEach((place) => Plotly.relayout(place, { width: null, autosize: true })));

// Tables: a click on a heading sorts, a second one the other way; empty cells stay last.
function key(row, column) {
  const cell = row.cells[column];
  if (!("v" in cell.dataset)) return cell.textContent;
  return cell.dataset.v === "" ? null : Number(cell.dataset.v);
}

for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...table.tBodies[0].rows].map((row) => [key(row, column), row]);
      rows.sort(([a], [b]) => {
        if (a === null || b === null) return (a === null) - (b === null);
        const order = typeof a === "string" ? a.localeCompare(b) : a - b;
        return down ? -order : order;
      });
      table.tBodies[0].append(...rows.map(([, row]) => row));
    });
  });
}

for (const button of document.querySelectorAll(".copy")) {
  if (!navigator.clipboard) continue;
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(button.parentElement.querySelector("code").textContent);
    button.textContent = button.dataset.done;
    setTimeout(() => { button.textContent = label; }, 1600);
  });
}
