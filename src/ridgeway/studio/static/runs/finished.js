// The charts of a run that has ended; rows of the table and lines of the chart light up together.

import { Chart, linked } from "./chart.js";
import { Strength } from "./strength.js";

let unlink = () => {};

async function draw() {
  const place = document.querySelector("[data-curves]");
  if (!place) return;
  unlink();
  const told = JSON.parse(document.getElementById("chart-told").textContent);
  const chart = new Chart(place, {
    metrics: told.metrics,
    laneWord: told.lane,
    bandWord: told.band,
    distinct: "distinct" in place.dataset,
  });
  const answer = place.dataset.curves ? await fetch(place.dataset.curves).catch(() => null) : null;
  if (place.dataset.curves && !answer?.ok) {
    place.querySelector("[data-chart]").textContent = told.unavailable;
    return;
  }
  const curves = answer ? await answer.json() : told.curves;
  chart.offer(curves.names, curves.metric);
  chart.show(curves.lanes, place.dataset.best ? Number(place.dataset.best) : null);
  unlink = linked(chart);
  const panel = document.querySelector("[data-strength]")?.closest("section");
  if (panel) new Strength(panel, { mode: curves.mode, names: told.hyperparameters, orders: told.orders }).show(curves.points);
}

document.addEventListener("htmx:afterSettle", draw);
draw();
