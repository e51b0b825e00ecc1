// What one hyperparameter does to the metric: a point a lane, and a line through the best of each value.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { axis, colour, short } from "./chart.js";

const HEIGHT = 260;

/** A panel in a section that has `[data-strength]` and a choice of hyperparameters. */
export class Strength {
  /**
   * @param {Element} section that holds the panel
   * @param {{mode: string, names: Object, orders: Object}} about "min" or "max"; names of hyperparameters; their values
   *   from the weakest to the strongest
   */
  constructor(section, about) {
    this.about = about;
    this.place = section.querySelector("[data-strength]");
    this.choice = section.querySelector("[data-strength-choice]");
    this.points = [];
    this.plot = null;
    this.told = "";
    this.choice.addEventListener("change", () => this.draw());
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(this.place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  size() {
    return { width: Math.max(240, this.place.clientWidth), height: HEIGHT };
  }

  /** Draws points `{values: {name: value}, metric}`. */
  show(points) {
    const told = JSON.stringify(points);
    if (told === this.told) return;
    this.told = told;
    this.points = points.filter((point) => point.metric !== null && point.metric !== undefined);
    const there = Object.keys(this.about.names).filter((name) => new Set(points.map((point) => point.values[name])).size > 1);
    const offered = [...this.choice.options].map((option) => option.value);
    for (const name of there) if (!offered.includes(name)) this.choice.append(new Option(this.about.names[name], name));
    this.draw();
  }

  draw() {
    const name = this.choice.value;
    this.plot?.destroy();
    this.plot = null;
    if (!name || !this.points.length) return;
    const found = [...new Set(this.points.map((point) => point.values[name]))];
    const known = (this.about.orders[name] ?? []).filter((value) => found.includes(value));
    const order = known.length === found.length ? known : found.sort((one, other) => (one < other ? -1 : 1));
    const sorted = this.points
      .map((point) => [order.indexOf(point.values[name]), point.metric])
      .sort((one, other) => one[0] - other[0]);
    const best = order.map((_, place) => {
      const values = sorted.filter(([at]) => at === place).map(([, metric]) => metric);
      return this.about.mode === "max" ? Math.max(...values) : Math.min(...values);
    });
    const first = order.map((_, place) => sorted.findIndex(([at]) => at === place));
    const line = sorted.map(([at], place) => (first[at] === place ? best[at] : null));
    const dot = colour("--chart-1");
    this.plot = new uPlot(
      {
        ...this.size(),
        legend: { show: false },
        cursor: { show: false },
        scales: { x: { time: false, range: [-0.5, order.length - 0.5] } },
        axes: [
          // Values stand side by side as they follow one another: grids go by powers, and have a zero.
          {
            ...axis(),
            incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500],
            space: 48,
            values: (_, ticks) => ticks.map((at) => this.named(order[at])),
          },
          { ...axis(), size: 56, values: (_, ticks) => ticks.map(short) },
        ],
        series: [
          {},
          { stroke: dot, paths: () => null, points: { show: true, size: 6, stroke: dot, fill: dot } },
          { stroke: colour("--best"), width: 2.5, points: { show: order.length < 2 }, spanGaps: true },
        ],
      },
      [sorted.map(([at]) => at), sorted.map(([, metric]) => metric), line],
      this.place,
    );
  }

  named(value) {
    return value === undefined ? "" : typeof value === "number" ? short(value) : String(value);
  }
}
