// What one hyperparameter does to lanes: a point a lane, and a line through the best of each value, or through the means.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { STEPS, axis, colour, filled, short } from "./chart.js";
import { pointable } from "./linked.js";

const HEIGHT = 260;
// Pixels from the mouse within which a point is meant.
const NEAR = 18;

const percent = (value) => (value === null || value === undefined ? "" : `${+(100 * value).toPrecision(3)}%`);
const mean = (values) => (values.length ? values.reduce((sum, value) => sum + value, 0) / values.length : null);

/** A panel in a section that has a choice of hyperparameters, and plots `[data-plot]` that say what they draw of a lane. */
export class Strength {
  /**
   * @param {Element} section that holds the panel
   * @param {{mode: string, names: Object, orders: Object, lane: string, partly: string}} about "min" or "max"; names of
   *   hyperparameters; their values from the weakest to the strongest; words
   */
  constructor(section, about) {
    this.about = about;
    this.choice = section.querySelector("[data-strength-choice]");
    this.reading = section.querySelector("[data-strength-reading]");
    this.rows = section.querySelector("[data-strength-rows]");
    this.plots = [...section.querySelectorAll("[data-plot]")].map((place) => ({
      place,
      key: place.dataset.plot,
      said: place.dataset.said,
      shown: place.dataset.plot === "zero_share" ? percent : short,
      none: section.querySelector(`[data-plot-none="${place.dataset.plot}"]`),
      partly: section.querySelector(`[data-plot-partly="${place.dataset.plot}"]`),
      plot: null,
      points: [],
    }));
    this.points = [];
    this.lit = [];
    this.told = "";
    this.choice.addEventListener("change", () => this.draw());
    for (const one of this.plots) {
      new ResizeObserver(() => one.plot?.setSize(this.size(one))).observe(one.place);
    }
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
  }

  size({ place }) {
    return { width: Math.max(240, place.clientWidth), height: HEIGHT };
  }

  /** Draws points `{lane, values: {name: value}, metric, weight_norm, zero_share}`. */
  show(points) {
    const told = JSON.stringify(points);
    if (told === this.told) return;
    this.told = told;
    this.points = points;
    const there = Object.keys(this.about.names).filter((name) => new Set(points.map((point) => point.values[name])).size > 1);
    const offered = [...this.choice.options].map((option) => option.value);
    for (const name of there) if (!offered.includes(name)) this.choice.append(new Option(this.about.names[name], name));
    this.draw();
  }

  /** Lights lanes up. */
  light(numbers) {
    this.lit = numbers;
    const point = this.points.find(({ lane }) => lane === numbers[0]);
    this.reading.textContent = point ? this.described(point) : "";
    for (const { plot } of this.plots) plot?.redraw(false, false);
  }

  /** A lane in words. */
  described(point) {
    const { names } = this.about;
    const values = Object.keys(names).map((name) => `${names[name]} ${this.named(point.values[name]) || "–"}`);
    const numbers = this.plots.map(({ key, shown, said }) => `${said} ${shown(point[key]) || "–"}`);
    return `${this.about.lane} ${point.lane} (${values.join(" · ")}): ${numbers.join(", ")}`;
  }

  draw() {
    const name = this.choice.value;
    const found = [...new Set(this.points.map((point) => point.values[name]))];
    const known = (this.about.orders[name] ?? []).filter((value) => found.includes(value));
    const order = known.length === found.length ? known : found.sort((one, other) => (one < other ? -1 : 1));
    for (const one of this.plots) this.drawOne(one, name, order);
    this.list(name, order);
  }

  drawOne(one, name, order) {
    one.plot?.destroy();
    one.plot = null;
    one.points = this.points
      .filter((point) => typeof point[one.key] === "number")
      .map((point) => ({ lane: point.lane, at: order.indexOf(point.values[name]), value: point[one.key] }))
      .sort((one, other) => one.at - other.at);
    const [known, count] = [one.points.length, this.points.length];
    one.partly.textContent = known < count ? filled(this.about.partly, { known, count }) : "";
    // Where no weight is zero a line at the bottom would say no more than the sentence does.
    const flat = one.key === "zero_share" && known > 0 && one.points.every(({ value }) => value === 0);
    if (one.none) one.none.hidden = !flat;
    one.place.hidden = flat;
    if (!name || !known || flat) return;
    const middle = order.map((_, place) => this.middle(one, place));
    const first = order.map((_, place) => one.points.findIndex(({ at }) => at === place));
    const line = one.points.map(({ at }, place) => (first[at] === place ? middle[at] : null));
    const dot = colour("--chart-1");
    one.plot = new uPlot(
      {
        ...this.size(one),
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, range: [-0.5, order.length - 0.5] },
          // Sizes are read against nothing at all.
          ...(one.key === "metric" ? {} : { y: { range: (_, low, high) => [0, (high || 1) * 1.08] } }),
        },
        axes: [
          // Values stand side by side as they follow one another: grids go by powers, and have a zero.
          {
            ...axis(),
            incrs: STEPS,
            space: 48,
            values: (_, ticks) => ticks.map((at) => this.named(order[at])),
          },
          { ...axis(), size: 56, values: (_, ticks) => ticks.map(one.shown) },
        ],
        series: [
          {},
          { stroke: dot, paths: () => null, points: { show: true, size: 6, stroke: dot, fill: dot } },
          { stroke: colour("--best"), width: 2.5, points: { show: order.length < 2 }, spanGaps: true },
        ],
        hooks: { draw: [(plot) => this.ring(plot, one)] },
      },
      [one.points.map(({ at }) => at), one.points.map(({ value }) => value), line],
      one.place,
    );
    pointable(one.plot, (left, top) => this.near(one, left, top));
  }

  /** What the line joins: of metrics the best of a value, of sizes their mean. */
  middle(one, place) {
    const values = one.points.filter(({ at }) => at === place).map(({ value }) => value);
    if (one.key !== "metric" || !values.length) return mean(values);
    return this.about.mode === "max" ? Math.max(...values) : Math.min(...values);
  }

  /** The lane whose point is near a place. */
  near({ plot, points }, left, top) {
    let best = [];
    let least = NEAR;
    for (const { lane, at, value } of points) {
      const away = Math.hypot(plot.valToPos(at, "x") - left, plot.valToPos(value, "y") - top);
      if (away < least) [least, best] = [away, [lane]];
    }
    return best;
  }

  /** A ring around each point that is lit. */
  ring(plot, { points }) {
    const pen = plot.ctx;
    pen.save();
    pen.lineWidth = 2.5 * devicePixelRatio;
    pen.strokeStyle = colour("--ink");
    for (const { lane, at, value } of points) {
      if (!this.lit.includes(lane)) continue;
      pen.beginPath();
      pen.arc(plot.valToPos(at, "x", true), plot.valToPos(value, "y", true), 7 * devicePixelRatio, 0, 2 * Math.PI);
      pen.stroke();
    }
    pen.restore();
  }

  /** The numbers of the line, a row a value. */
  list(name, order) {
    this.rows.replaceChildren(
      ...order.map((value, place) => {
        const row = document.createElement("tr");
        const head = document.createElement("th");
        head.scope = "row";
        head.textContent = this.named(value) || "–";
        row.append(head);
        // A mean is of those lanes whose number is known, which may be fewer.
        const count = this.points.filter((point) => point.values[name] === value).length;
        const known = this.plots[0].points.filter(({ at }) => at === place).length;
        const numbers = this.plots.map((one) => one.shown(this.middle(one, place)) || "–");
        for (const text of [known < count ? `${known}/${count}` : count, ...numbers]) {
          const cell = row.insertCell();
          cell.className = "number";
          cell.textContent = text;
        }
        return row;
      }),
    );
  }

  named(value) {
    return value === undefined || value === null ? "" : typeof value === "number" ? short(value) : String(value);
  }
}
