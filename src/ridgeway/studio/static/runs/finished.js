// The charts of a run that has ended; rows of the table and what the charts show of a lane light up together.

import { Chart } from "./chart.js";
import { linked } from "./linked.js";
import { panels } from "./panels.js";

let unlink = () => {};

const asked = async (address) => {
  const answer = await fetch(address).catch(() => null);
  return answer?.ok ? answer.json() : null;
};

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
  const gaps = document.querySelector("[data-gaps]");
  const [curves, found] = await Promise.all([
    place.dataset.curves ? asked(place.dataset.curves) : told.curves,
    gaps ? asked(gaps.dataset.gaps) : null,
  ]);
  if (!curves) {
    place.querySelector("[data-chart]").textContent = told.unavailable;
    return;
  }
  chart.offer(curves.names, curves.metric);
  chart.show(curves.lanes, place.dataset.best ? Number(place.dataset.best) : null);
  const { strengths, map, all } = panels(told, curves.mode);
  for (const panel of strengths) panel.show(curves.points);
  if (found) map.show(found);
  else if (gaps) gaps.textContent = told.unavailable;
  unlink = linked([chart, ...all]).end;
}

document.addEventListener("htmx:afterSettle", draw);
draw();
