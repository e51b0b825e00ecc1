// Curves of lanes by epoch, on uPlot: one line a lane, the best one on top.

import uPlot from "../vendor/uplot/uPlot.esm.js";

const HEIGHT = 340;
const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000];

/** A colour of the page by its name. */
function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

function channels(hex) {
  return [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
}

/** The colour of a strength from 0 (weak) to 1 (strong). */
export function ramp(strength) {
  const stops = ["--ramp-weak", "--ramp-middle", "--ramp-strong"].map((name) => channels(colour(name)));
  const place = Math.min(Math.max(strength, 0), 1) * 2;
  const from = Math.min(Math.floor(place), 1);
  const mixed = stops[from].map((value, at) => Math.round(value + (stops[from + 1][at] - value) * (place - from)));
  return `rgb(${mixed.join(",")})`;
}

/**
 * A chart in a section that has `[data-chart]` and its tools.
 *
 * A lane is `{lane, label, strength, logs: {name: [value by epoch]}}`.
 */
export class Chart {
  /**
   * @param {Element} section that holds the chart and its tools
   * @param {{metrics: Object, laneWord: string, distinct: boolean}} options names of logs; the word for a lane; whether
   *   each lane has a colour of its own
   */
  constructor(section, options) {
    this.options = options;
    this.place = section.querySelector("[data-chart]");
    this.choice = section.querySelector("[data-chart-log]");
    this.scale = section.querySelector("[data-chart-scale]");
    this.hover = section.querySelector("[data-chart-hover]");
    this.lanes = [];
    this.best = null;
    this.plot = null;
    this.drawn = "";
    this.zoomed = false;
    this.choice.addEventListener("change", () => this.draw(true));
    this.scale.addEventListener("change", () => this.draw(true));
    section.querySelector("[data-chart-reset]").addEventListener("click", () => {
      this.zoomed = false;
      this.draw(true);
    });
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(this.place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw(true));
  }

  size() {
    return { width: Math.max(240, this.place.clientWidth), height: HEIGHT };
  }

  /** Offers the logs that there are; keeps the chosen one. */
  offer(names, metric) {
    const there = [...this.choice.options].map((option) => option.value);
    for (const name of names) {
      if (there.includes(name)) continue;
      this.choice.append(new Option(this.options.metrics[name] ?? name, name, false, name === metric));
    }
  }

  /** Draws other lanes, or the same ones with more epochs. */
  show(lanes, best) {
    this.lanes = lanes;
    this.best = best;
    this.draw(false);
  }

  data() {
    const log = this.choice.value;
    const most = Math.max(1, ...this.lanes.map((lane) => lane.logs[log]?.length ?? 0));
    const epochs = Array.from({ length: most }, (_, place) => place + 1);
    const curves = this.lanes.map((lane) => epochs.map((_, place) => lane.logs[log]?.[place] ?? null));
    const best = this.lanes.findIndex((lane) => lane.lane === this.best);
    curves.push(best < 0 ? epochs.map(() => null) : curves[best]);
    return [epochs, ...curves];
  }

  draw(anew) {
    if (!this.lanes.length || !this.choice.value) return;
    const data = this.data();
    const key = this.lanes.map((lane) => lane.lane).join();
    if (!anew && this.plot && key === this.drawn) {
      // What the reader has enlarged stays as it is.
      this.plot.setData(data, !this.zoomed);
      if (this.zoomed) this.plot.redraw(true);
      return;
    }
    const before = this.zoomed && this.plot ? { ...this.plot.scales } : null;
    this.plot?.destroy();
    this.drawn = key;
    this.plot = new uPlot(this.settings(), data, this.place);
    if (before && !anew) {
      this.plot.setScale("x", { min: before.x.min, max: before.x.max });
      this.plot.setScale("y", { min: before.y.min, max: before.y.max });
    } else {
      this.zoomed = false;
    }
  }

  settings() {
    const axis = { stroke: colour("--chart-axis"), grid: { stroke: colour("--chart-grid"), width: 1 }, ticks: { stroke: colour("--chart-grid"), width: 1 } };
    const curves = this.lanes.map((lane, place) => ({
      label: String(lane.lane),
      stroke: this.options.distinct ? colour(`--chart-${(place % 8) + 1}`) : ramp(lane.strength),
      width: this.options.distinct ? 2.5 : 1.4,
      alpha: this.options.distinct ? 1 : 0.85,
      points: { show: (lane.logs[this.choice.value]?.length ?? 0) < 3, size: 5 },
      spanGaps: true,
    }));
    const best = { label: "", stroke: colour("--best"), width: 3, points: { show: false }, spanGaps: true };
    return {
      ...this.size(),
      legend: { show: false },
      cursor: { focus: { prox: 24 }, drag: { x: true, y: true, uni: 20 }, points: { show: false } },
      focus: { alpha: 0.25 },
      scales: { x: { time: false }, y: { distr: this.scale.checked ? 3 : 1 } },
      axes: [
        { ...axis, incrs: STEPS, space: 40 },
        { ...axis, size: 56, values: (_, ticks) => ticks.map((tick) => (tick === null ? "" : String(+tick.toPrecision(4)))) },
      ],
      series: [{}, ...curves, best],
      hooks: {
        setSeries: [(_, index) => this.told(index)],
        setSelect: [(plot) => (this.zoomed = this.zoomed || plot.select.width > 0)],
      },
    };
  }

  told(index) {
    const best = index === this.lanes.length + 1 ? this.lanes.find((lane) => lane.lane === this.best) : null;
    const lane = best ?? (index ? this.lanes[index - 1] : null);
    this.hover.textContent = lane ? `${this.options.laneWord} ${lane.lane}${lane.label ? `: ${lane.label}` : ""}` : "";
    document.dispatchEvent(new CustomEvent("lane-hover", { detail: lane?.lane ?? null }));
  }
}
