// Charts as SVG, drawn at the width of their place, each with a table of its numbers beside it.

const NS = "http://www.w3.org/2000/svg";

/** An SVG element with attributes and children. */
export function svg(name, attributes = {}, ...children) {
  const made = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

/** An HTML element with attributes and children. */
export function html(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(key, "");
    else if (value !== false && value != null) made.setAttribute(key, value);
  }
  made.append(...children.map((child) => (child instanceof Node ? child : String(child))));
  return made;
}

/** A number as people read it: four digits, no more than are needed. */
export function number(value, digits = 4) {
  if (value == null || Number.isNaN(value)) return "–";
  if (typeof value === "string") return value;
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size < 1e-4 || size >= 1e6) return value.toExponential(1).replace("e-", "e−").replace("e+", "e");
  const text = value.toPrecision(digits);
  return (text.includes("e") ? String(Number(text)) : text.replace(/(\.\d*?)0+$/, "$1").replace(/\.$/, "")).replace("-", "−");
}

/** A share as per cent. */
export const percent = (value, digits = 1) => (value == null ? "–" : `${(100 * value).toFixed(digits)}%`);

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** About so many round numbers from low to high. */
export function ticks(low, high, count = 5) {
  if (!(high > low)) high = low + 1;
  const raw = (high - low) / count;
  const unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => unit * factor).find((one) => one >= raw * 0.999);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const found = [];
  for (let place = Math.ceil(low / step - 1e-9); place <= high / step + 1e-9; place++) {
    found.push([place * step, (place * step).toFixed(digits).replace("-", "−")]);
  }
  return found;
}

const RAISED = { "-": "⁻", 0: "⁰", 1: "¹", 2: "²", 3: "³", 4: "⁴", 5: "⁵", 6: "⁶", 7: "⁷", 8: "⁸", 9: "⁹" };

function powers(low, high) {
  const found = [];
  for (let power = Math.ceil(low - 1e-9); power <= high + 1e-9; power++) {
    found.push([power, Math.abs(power) > 3 ? `10${[...String(power)].map((one) => RAISED[one]).join("")}` : number(10 ** power)]);
  }
  if (found.length < 3) {
    // Less than two powers of ten: 2 and 5 between them.
    for (let power = Math.floor(low); power <= high; power++) {
      for (const factor of [2, 5]) found.push([power + Math.log10(factor), number(factor * 10 ** power)]);
    }
  }
  const every = Math.ceil(found.length / 7);
  return found.filter((_, place) => place % every === 0);
}

/** About how wide a text is drawn; Korean letters are square. */
function width(text) {
  let sum = 0;
  for (const letter of text) sum += letter.codePointAt(0) > 0x1100 ? 12 : 6.6;
  return sum;
}

const WIDEST = 736;
let clips = 0;
const observed = new WeakMap();
const observer = new ResizeObserver((entries) => {
  for (const { target } of entries) {
    const known = observed.get(target);
    if (known && known.width !== target.clientWidth) {
      known.width = target.clientWidth;
      known.draw();
    }
  }
});

/** Draws into a figure now, and again whenever its width changes. */
export function draw(host, paint) {
  const plot = host.querySelector(".plot");
  // No wider than charts are shown, so that letters keep their size.
  const again = () => paint(plot, Math.min(WIDEST, Math.max(260, plot.clientWidth)));
  observed.set(plot, { draw: again, width: plot.clientWidth });
  observer.observe(plot);
  again();
}

/**
 * A chart of lines, dots, bars and bands.
 *
 * spec: label; x and y: {label, log, domain, ticks, reverse, rows}; series: [{label, points, colour, kind, dashed, faint}]
 * with kind "line", "dots", "bars", "step" or "band" (points [x, low, high]); marks: [{x | y, label, colour, row}];
 * height; table: {head, body} or false; equal: whether both axes have one scale; paint: draws more, given the scales.
 */
export function chart(host, spec) {
  draw(host, (plot, wide) => plot.replaceChildren(legend(spec.series), drawing(spec, wide)));
  if (spec.table !== false) table(host, spec.table ?? tableOf(spec));
}

function drawing(spec, wide) {
  const high = spec.height ?? Math.round(Math.min(320, Math.max(210, wide * 0.55)));
  const x = axis(spec, "x");
  const y = axis(spec, "y");
  const left = (spec.y.label ? 30 : 12) + Math.max(0, ...y.ticks.map(([, text]) => width(text)));
  const frame = { left, right: wide - 14, top: (spec.marks ?? []).some((mark) => mark.x != null && mark.label) ? 30 : 12, bottom: high - 44 };
  if (spec.equal) {
    const unit = Math.min((frame.right - frame.left) / (x.high - x.low), (frame.bottom - frame.top) / (y.high - y.low));
    const spare = frame.right - frame.left - unit * (x.high - x.low);
    frame.left += spare / 2;
    frame.right -= spare / 2;
    frame.top = frame.bottom - unit * (y.high - y.low);
  }
  const across = scale(x, frame.left, frame.right);
  const down = y.reverse ? scale(y, frame.top, frame.bottom) : scale(y, frame.bottom, frame.top);
  const root = svg("svg", { class: "chart", viewBox: `0 0 ${wide} ${high}`, role: "img", "aria-label": spec.label });
  for (const [place, text] of y.ticks) {
    const at = down.raw(place);
    root.append(svg("line", { class: "grid", x1: frame.left, x2: frame.right, y1: at, y2: at }));
    root.append(svg("text", { class: "tick end", x: frame.left - 6, y: at + 4 }, text));
  }
  let taken = -Infinity;
  for (const [place, text] of x.ticks) {
    const at = across.raw(place);
    const half = width(text) / 2;
    if (at - half < taken + 6) continue;
    taken = at + half;
    root.append(svg("text", { class: "tick mid", x: Math.min(at, wide - half), y: frame.bottom + 16 }, text));
  }
  root.append(svg("line", { class: "axis", x1: frame.left, x2: frame.right, y1: frame.bottom, y2: frame.bottom }));
  root.append(svg("text", { class: "name mid", x: (frame.left + frame.right) / 2, y: high - 8 }, spec.x.label ?? ""));
  if (spec.y.label) {
    const middle = (frame.top + frame.bottom) / 2;
    root.append(svg("text", { class: "name mid", transform: `translate(12 ${middle}) rotate(-90)` }, spec.y.label));
  }
  spec.paint?.(root, across, down, frame);
  // What is beyond a given range ends at the frame.
  const clip = `chart-clip-${clips++}`;
  const room = 7;
  const box = { x: frame.left - room, y: frame.top - (spec.y.domain ? 0 : room), width: frame.right - frame.left + 2 * room, height: frame.bottom - frame.top + (spec.y.domain ? 1 + room : 2 * room) };
  root.append(svg("clipPath", { id: clip }, svg("rect", box)));
  const inner = svg("g", { "clip-path": `url(#${clip})` });
  for (const one of spec.series) inner.append(marksOf(one, across, down));
  root.append(inner);
  marks(root, spec.marks ?? [], across, down, frame, wide);
  if (!spec.still) readout(root, spec, across, frame);
  return root;
}

function axis(spec, name) {
  const given = spec[name];
  const place = name === "x" ? 0 : 1;
  let values = [];
  for (const one of spec.series) {
    for (const point of one.points) {
      if (point[1] == null) continue;
      values.push(...(name === "y" ? point.slice(1) : [point[0]]));
      if (name === "y" && one.kind === "bars") values.push(0);
    }
  }
  values = values.filter((value) => value != null && (!given.log || value > 0));
  if (name === "y") values.push(...(spec.marks ?? []).map((mark) => mark.y).filter((value) => value != null));
  if (given.log) values = values.map(Math.log10);
  const fixed = given.domain?.map((value) => (given.log ? Math.log10(value) : value));
  let low = fixed?.[0] ?? Math.min(...values);
  let high = fixed?.[1] ?? Math.max(...values);
  if (!Number.isFinite(low)) [low, high] = [0, 1];
  if (!fixed) {
    const pad = given.rows ? 0.6 : place === 1 ? 0.05 * (high - low || 1) : given.pad ?? (spec.y.rows ? 0.03 * (high - low) : 0);
    const floor = place === 1 && low === 0 && !given.rows;
    low -= floor ? 0 : pad;
    high += pad;
  }
  const made = given.ticks ?? (given.log ? powers(low, high) : ticks(low, high));
  return { low, high, log: given.log, reverse: given.reverse, ticks: made.filter(([at]) => at >= low - 1e-9 && at <= high + 1e-9) };
}

function scale(one, start, end) {
  const span = one.high - one.low || 1;
  const raw = (value) => start + ((value - one.low) / span) * (end - start);
  const made = (value) => raw(one.log ? Math.log10(Math.max(value, 1e-300)) : value);
  made.raw = raw;
  made.back = (at) => one.low + ((at - start) / (end - start)) * span;
  return made;
}

function marksOf(one, across, down) {
  const group = svg("g", { class: `c${one.colour ?? 1}${one.dashed ? " dashed" : ""}${one.faint ? " faint" : ""}` });
  const kind = one.kind ?? "line";
  if (kind === "dots") {
    for (const [x, y] of one.points) {
      if (y != null) group.append(svg("circle", { class: "dot", cx: across(x), cy: down(y), r: one.size ?? 3.5 }));
    }
  } else if (kind === "bars") {
    const half = one.points.length > 1 ? 0.46 * Math.abs(across(one.points[1][0]) - across(one.points[0][0])) : 12;
    for (const [x, y] of one.points) {
      const top = down(y);
      group.append(svg("rect", { class: "bar", x: across(x) - half, width: 2 * half, y: top, height: Math.max(0, down(0) - top) }));
    }
  } else if (kind === "band") {
    const up = one.points.map(([x, , y]) => `${across(x)} ${down(y)}`);
    const back = one.points.map(([x, y]) => `${across(x)} ${down(y)}`).reverse();
    group.append(svg("path", { class: "band", d: `M${[...up, ...back].join("L")}Z` }));
  } else {
    let path = "";
    let pen = "M";
    let before = null;
    for (const [x, y] of one.points) {
      if (y == null) {
        pen = "M";
        continue;
      }
      const [at, high] = [across(x), down(y)];
      if (kind === "step" && pen === "L") path += `L${at.toFixed(1)} ${before.toFixed(1)}`;
      path += `${pen}${at.toFixed(1)} ${high.toFixed(1)}`;
      before = high;
      pen = "L";
    }
    group.append(svg("path", { class: "line", d: path }));
    if (one.dotted) {
      for (const [x, y] of one.points) {
        if (y != null) group.append(svg("circle", { class: "dot", cx: across(x), cy: down(y), r: 2.6 }));
      }
    }
  }
  return group;
}

function marks(root, given, across, down, frame, wide) {
  let level = 0;
  for (const mark of given) {
    const colour = mark.colour ? ` c${mark.colour}` : "";
    if (mark.x != null && mark.y == null) {
      const at = across(mark.x);
      root.append(svg("line", { class: `mark${colour}`, x1: at, x2: at, y1: frame.top - 2, y2: frame.bottom }));
      if (mark.label) {
        const half = width(mark.label) / 2;
        const place = Math.min(wide - half - 2, Math.max(half + 2, at));
        root.append(svg("text", { class: `mark-text mid${colour}`, x: place, y: level % 2 ? 25 : 11 }, mark.label));
        level++;
      }
    } else if (mark.x == null) {
      root.append(svg("line", { class: `mark${colour}`, x1: frame.left, x2: frame.right, y1: down(mark.y), y2: down(mark.y) }));
      if (mark.label) root.append(svg("text", { class: `mark-text end${colour}`, x: frame.right, y: down(mark.y) - 5 }, mark.label));
    } else {
      root.append(svg("circle", { class: `ring${colour}`, cx: across(mark.x), cy: down(mark.y), r: 6.5 }));
      if (mark.label) {
        // To the left of its ring where there is no room to the right.
        const left = across(mark.x) + 12 + width(mark.label) > wide;
        const at = across(mark.x) + (left ? -10 : 10);
        root.append(svg("text", { class: `mark-text${left ? " end" : ""}${colour}`, x: at, y: Math.max(11, down(mark.y) - (left ? 14 : 8)) }, mark.label));
      }
    }
  }
}

/** The numbers under the pointer; the table has them for everybody else. */
function readout(root, spec, across, frame) {
  const lines = spec.series.filter((one) => one.label && ["line", "step", "bars", undefined].includes(one.kind));
  if (!lines.length || spec.y.rows) return;
  const cursor = svg("g", { class: "cursor", visibility: "hidden" });
  const rule = svg("line", { y1: frame.top, y2: frame.bottom });
  const text = svg("text", { class: "cursor-text mid", y: frame.top - 2 });
  cursor.append(rule, text);
  root.append(cursor);
  root.addEventListener("pointermove", (event) => {
    const box = root.getBoundingClientRect();
    const at = ((event.clientX - box.left) / box.width) * root.viewBox.baseVal.width;
    let best = null;
    for (const [x] of lines[0].points) if (best == null || Math.abs(across(x) - at) < Math.abs(across(best) - at)) best = x;
    if (best == null || at < frame.left - 8 || at > frame.right + 8) {
      cursor.setAttribute("visibility", "hidden");
      return;
    }
    const values = lines
      .map((one) => [one, one.points.find(([x]) => x === best)])
      .filter(([, point]) => point && point[1] != null)
      .map(([one, point]) => (lines.length > 1 ? `${one.label} ${number(point[1], 3)}` : number(point[1], 3)));
    const named = spec.x.ticks?.find(([place]) => place === best)?.[1] ?? number(best, 3);
    const shown = `${named}: ${values.join(", ")}`;
    rule.setAttribute("x1", across(best));
    rule.setAttribute("x2", across(best));
    const half = width(shown) / 2;
    text.setAttribute("x", Math.min(root.viewBox.baseVal.width - half - 2, Math.max(half + 2, across(best))));
    text.textContent = shown;
    cursor.setAttribute("visibility", "visible");
  });
  root.addEventListener("pointerleave", () => cursor.setAttribute("visibility", "hidden"));
}

/** Names of the series with a sample of each; nothing where there is but one. */
export function legend(series) {
  const named = series.filter((one) => one.label);
  if (named.length < 2) return document.createDocumentFragment();
  return html(
    "ul",
    { class: "legend" },
    ...named.map((one) => {
      const sample = svg("svg", { class: `swatch c${one.colour ?? 1}${one.dashed ? " dashed" : ""}${one.faint ? " faint" : ""}`, viewBox: "0 0 24 10", "aria-hidden": "true" });
      if (one.kind === "dots") sample.append(svg("circle", { class: "dot", cx: 12, cy: 5, r: 4 }));
      else if (one.kind === "bars" || one.kind === "band") sample.append(svg("rect", { class: one.kind === "bars" ? "bar" : "band", x: 2, y: 0, width: 20, height: 10 }));
      else sample.append(svg("path", { class: "line", d: "M1 5H23" }));
      return html("li", {}, sample, one.label);
    }),
  );
}

function tableOf(spec) {
  const named = spec.series.filter((one) => one.label && one.kind !== "band");
  const places = [...new Set(named.flatMap((one) => one.points.map(([x]) => x)))].sort((a, b) => a - b);
  const text = (x) => spec.x.ticks?.find(([place]) => place === x)?.[1] ?? number(x);
  return {
    head: [spec.x.label, ...named.map((one) => one.label)],
    body: places.map((x) => [text(x), ...named.map((one) => number(one.points.find(([place]) => place === x)?.[1]))]),
  };
}

/** Fills the table beside a figure. The first column heads its row. */
export function table(host, { head, body, current }) {
  const place = host.querySelector("table");
  if (!place) return;
  const caption = place.querySelector("caption");
  const rows = body.map((row, at) =>
    html(
      "tr",
      current === at ? { "aria-current": "true" } : {},
      html("th", { scope: "row" }, row[0]),
      ...row.slice(1).map((cell) => html("td", { class: "number" }, cell)),
    ),
  );
  const top = html("tr", {}, ...head.map((cell, at) => html("th", { scope: "col", class: at ? "number" : null }, cell)));
  place.replaceChildren(...(caption ? [caption] : []), html("thead", {}, top), html("tbody", {}, ...rows));
}

/** Ticks of a path: a place for each lane, named by its value. */
export const lanes = (values, format = number) => values.map((value, place) => [place, format(value)]);
