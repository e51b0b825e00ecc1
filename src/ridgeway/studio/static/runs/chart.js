// Curves of lanes by epoch, on uPlot: one line a lane, or one a configuration, the best one on top.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { banded, smoothed } from "./curves.js";
import { picked, pointed } from "./linked.js";

const HEIGHT = 340;
/** Distances between the marks of an axis of whole numbers. */
export const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000];

/** A colour of the page by its name. */
export function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** A number as an axis has it. */
export const short = (value) => (value === null || value === undefined ? "" : String(+Number(value).toPrecision(4)));

/** A text with values in the places that it names in braces. */
export const filled = (text, values) => text.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);

/** How axes look. */
export function axis() {
  const grid = { stroke: colour("--chart-grid"), width: 1 };
  return { stroke: colour("--chart-axis"), grid, ticks: grid };
}

/** Red, green and blue of a colour. */
export function channels(hex) {
  return [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
}

/** The colour of a strength from 0 (weak) to 1 (strong). */
export function ramp(strength, alpha = 1) {
  const stops = ["--ramp-weak", "--ramp-middle", "--ramp-strong"].map((name) => channels(colour(name)));
  const place = Math.min(Math.max(strength, 0), 1) * 2;
  const from = Math.min(Math.floor(place), 1);
  const mixed = stops[from].map((value, at) => Math.round(value + (stops[from + 1][at] - value) * (place - from)));
  return `rgba(${mixed.join(",")},${alpha})`;
}

/**
 * A chart in a section that has `[data-chart]` and its tools.
 *
 * A lane is `{lane, label, strength, group, logs: {name: [value by epoch]}}`; lanes of one configuration have one group.
 */
export class Chart {
  /**
   * @param {Element} section that holds the chart and its tools
   * @param {{metrics: Object, laneWord: string, bandWord: string, distinct: boolean}} options names of logs; the word for
   *   a lane, and for several; whether each lane has a colour of its own
   */
  constructor(section, options) {
    this.options = options;
    const find = (name) => section.querySelector(`[data-chart-${name}]`);
    this.place = section.querySelector("[data-chart]");
    [this.choice, this.scale, this.smooth, this.bands, this.hover] = ["log", "scale", "smooth", "bands", "hover"].map(find);
    this.lanes = [];
    this.lines = [];
    this.focused = null;
    this.best = null;
    this.lit = [];
    // Told by the reader's mouse, not by `light`.
    this.pointing = true;
    this.plot = null;
    this.drawn = "";
    this.zoomed = false;
    for (const tool of [this.choice, this.scale, this.smooth, this.bands]) {
      tool.addEventListener("input", () => this.draw(true));
    }
    find("reset").addEventListener("click", () => {
      this.zoomed = false;
      this.draw(true);
    });
    for (const button of section.querySelectorAll("[data-chart-zoom]")) {
      button.addEventListener("click", () => this.zoom(Number(button.dataset.chartZoom), Number(button.dataset.chartMove)));
    }
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
    this.bands.closest("label").hidden = new Set(lanes.map((lane) => lane.group)).size === lanes.length;
    this.draw(false);
  }

  /** Lights lanes up; none for an empty list. */
  light(numbers) {
    this.lit = numbers;
    const place = this.lines.findIndex((line) => line.main && line.numbers.some((lane) => numbers.includes(lane)));
    this.pointing = false;
    this.plot?.setSeries(place < 0 ? null : place + 1, { focus: true });
    this.pointing = true;
  }

  /** The part of the epochs that is shown, by a factor, and moved by a share of it. */
  zoom(factor, move) {
    if (!this.plot) return;
    const { min, max } = this.plot.scales.x;
    const all = this.plot.data[0];
    const half = Math.max(0.5, ((max - min) * factor) / 2);
    const middle = (min + max) / 2 + (max - min) * move;
    this.zoomed = true;
    this.plot.setScale("x", { min: Math.max(all[0], middle - half), max: Math.min(all.at(-1), middle + half) });
  }

  /** What is drawn: lines, of which the main ones can be lit up. */
  made() {
    const log = this.choice.value;
    const weight = Number(this.smooth.value);
    const several = this.bands.checked && !this.bands.closest("label").hidden;
    const lines = [];
    const curves = several
      ? banded(this.lanes, log)
      : this.lanes.map((lane) => ({ ...lane, numbers: [lane.lane], mean: lane.logs[log] ?? [] }));
    curves.forEach((curve, place) => {
      const paint = (alpha) =>
        this.options.distinct ? `${colour(`--chart-${(place % 8) + 1}`)}${alpha < 1 ? "40" : ""}` : ramp(curve.strength, alpha);
      const told = { numbers: curve.numbers, label: curve.label };
      if (several) {
        lines.push({ ...told, values: curve.high, stroke: "transparent", width: 0 });
        lines.push({ ...told, values: curve.low, stroke: "transparent", width: 0, fill: paint(0.18) });
      }
      if (weight) lines.push({ ...told, values: curve.mean, stroke: paint(0.25), width: 1 });
      const values = weight ? smoothed(curve.mean, weight) : curve.mean;
      lines.push({ ...told, values, stroke: paint(1), width: this.options.distinct || several ? 2.5 : 1.4, main: true });
    });
    const best = lines.find((line) => line.main && line.numbers.includes(this.best));
    if (best) lines.push({ ...best, stroke: colour("--best"), width: 3, main: false });
    return lines;
  }

  draw(anew) {
    if (!this.lanes.length || !this.choice.value) return;
    this.lines = this.made();
    const most = Math.max(1, ...this.lines.map((line) => line.values.length));
    const epochs = Array.from({ length: most }, (_, place) => place + 1);
    const data = [epochs, ...this.lines.map((line) => epochs.map((_, place) => line.values[place] ?? null))];
    const key = this.lines.map((line) => `${line.numbers}${line.stroke}`).join(";");
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
    if (this.lit.length) this.light(this.lit);
  }

  settings() {
    return {
      ...this.size(),
      legend: { show: false },
      cursor: { focus: { prox: 24 }, drag: { x: true, y: true, uni: 20 }, points: { show: false } },
      focus: { alpha: 0.25 },
      scales: { x: { time: false }, y: { distr: this.scale.checked ? 3 : 1 } },
      axes: [
        { ...axis(), incrs: STEPS, space: 40 },
        { ...axis(), size: 56, values: (_, ticks) => ticks.map(short) },
      ],
      series: [
        {},
        ...this.lines.map(({ values, stroke, width }) => ({
          stroke,
          width,
          points: { show: width > 0 && values.length < 3, size: 5 },
          spanGaps: true,
        })),
      ],
      bands: this.lines.flatMap((line, place) => (line.fill ? [{ series: [place, place + 1], fill: line.fill }] : [])),
      hooks: {
        ready: [
          (plot) =>
            plot.over.addEventListener("click", () => {
              if (this.focused) picked(this.focused.numbers[0]);
            }),
        ],
        setSeries: [(_, index) => this.told(index)],
        setSelect: [(plot) => (this.zoomed = this.zoomed || plot.select.width > 0)],
      },
    };
  }

  told(index) {
    const line = index ? this.lines[index - 1] : null;
    this.focused = line;
    const { laneWord, bandWord } = this.options;
    const who = line && (line.numbers.length > 1 ? `${bandWord} ${line.numbers.join(", ")}` : `${laneWord} ${line.numbers[0]}`);
    this.hover.textContent = line ? `${who}${line.label ? `: ${line.label}` : ""}` : "";
    if (this.pointing) pointed(line?.numbers ?? []);
  }
}
