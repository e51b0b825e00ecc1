// The chart of a run that has ended; rows of the table and lines of the chart light up together.

import { Chart } from "./chart.js";

const section = document.querySelector("[data-curves]");
if (section) await draw(section);

async function draw(place) {
  const told = JSON.parse(document.getElementById("chart-told").textContent);
  const chart = new Chart(place, { metrics: told.metrics, laneWord: told.lane, distinct: "distinct" in place.dataset });
  const answer = await fetch(place.dataset.curves);
  if (!answer.ok) {
    place.querySelector("[data-chart]").textContent = told.unavailable;
    return;
  }
  const curves = await answer.json();
  chart.offer(curves.names, curves.metric);
  chart.show(curves.lanes, place.dataset.best ? Number(place.dataset.best) : null);
  document.addEventListener("lane-hover", (event) => {
    for (const row of document.querySelectorAll("tr[data-lane]")) {
      row.classList.toggle("is-hovered", Number(row.dataset.lane) === event.detail);
    }
  });
  for (const row of document.querySelectorAll("tr[data-lane]")) {
    const index = curves.lanes.findIndex((lane) => lane.lane === Number(row.dataset.lane)) + 1;
    if (!index) continue;
    row.addEventListener("mouseenter", () => chart.plot?.setSeries(index, { focus: true }));
    row.addEventListener("mouseleave", () => chart.plot?.setSeries(null, { focus: true }));
  }
}
