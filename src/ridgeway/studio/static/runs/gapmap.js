// The gap between the losses as a picture: a row a lane, a column an epoch, a cell a pixel that is enlarged.

import uPlot from "../vendor/uplot/uPlot.esm.js";
import { STEPS, axis, channels, colour, filled, ramp, short } from "./chart.js";
import { extremes } from "./gaps.js";
import { pointable, pointed } from "./linked.js";

const AXES = 62;
// Pixels that a row has at least, and of rows together where they need not be so narrow.
const NARROW = 2;
const [LOW, HIGH, ROW] = [120, 420, 22];

/** A panel in a section that has `[data-gaps]`. */
export class GapMap {
  /**
   * @param {Element} section that holds the panel
   * @param {Object} told what the page calls things
   */
  constructor(section, told) {
    this.told = told;
    this.words = told.gaps;
    const find = (name) => section.querySelector(`[data-gaps-${name}]`);
    this.place = section.querySelector("[data-gaps]");
    [this.reading, this.summary, this.low, this.high] = ["reading", "summary", "low", "high"].map(find);
    [this.keep, this.numbers, this.rows] = ["keep", "numbers", "rows"].map(find);
    this.gaps = { lanes: [], count: 0, epochs: [], every: 1, last: 0 };
    this.lit = [];
    this.row = this.column = null;
    this.plot = null;
    this.image = document.createElement("canvas");
    for (const button of section.querySelectorAll("[data-gaps-step]")) {
      const [rows, columns] = button.dataset.gapsStep.split(",").map(Number);
      button.addEventListener("click", () => this.step(rows, columns));
    }
    // What links the panels picks the lane that the button names; here only one is found for it.
    this.keep.addEventListener("click", () => this.row === null && this.step(0, 0));
    this.numbers.addEventListener("toggle", () => this.list());
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(this.place);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw(true));
  }

  size() {
    const rows = this.gaps.lanes.length;
    const height = Math.max(LOW, Math.min(HIGH, rows * ROW), rows * NARROW);
    return { width: Math.max(240, this.place.clientWidth), height: height + AXES };
  }

  /** Draws gaps `{lanes: [{lane, label, strength, values}], count, epochs, every, last}`. */
  show(gaps) {
    // A lane keeps its place under the reader's eyes although others begin beside it.
    const at = this.row === null ? null : this.gaps.lanes[this.row]?.lane;
    const before = this.gaps;
    this.gaps = gaps;
    this.row = at === null ? null : gaps.lanes.findIndex(({ lane }) => lane === at);
    if (this.row === -1) this.row = this.column = null;
    this.draw(before.lanes.length !== gaps.lanes.length);
    this.read(this.lit[0]);
  }

  draw(anew) {
    const { lanes, epochs } = this.gaps;
    this.found = extremes(this.gaps);
    this.say();
    this.list();
    if (!lanes.length) {
      this.plot?.destroy();
      this.plot = null;
      return;
    }
    this.paint();
    const data = [epochs, epochs.map(() => null)];
    if (this.plot && !anew) {
      this.plot.setData(data);
      return;
    }
    this.plot?.destroy();
    this.plot = new uPlot(this.settings(), data, this.place);
    pointable(this.plot, (left, top) => this.at(left, top));
  }

  settings() {
    const plain = { ...axis(), ticks: { show: false }, grid: { show: false } };
    return {
      ...this.size(),
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, range: () => [0.5, this.gaps.epochs.at(-1) + this.gaps.every - 0.5] },
        y: { range: () => [-0.5, this.gaps.lanes.length - 0.5] },
      },
      axes: [
        { ...plain, incrs: STEPS, space: 40, size: 30, label: this.told.epoch, labelSize: 20 },
        {
          ...plain,
          incrs: STEPS,
          space: 20,
          size: 44,
          gap: 10,
          label: this.told.lane,
          labelSize: 20,
          values: (_, ticks) => ticks.map((place) => this.gaps.lanes[place]?.lane ?? ""),
        },
      ],
      series: [{}, { show: true, paths: () => null, points: { show: false } }],
      hooks: { draw: [(plot) => this.fill(plot)] },
    };
  }

  /** The colours of all cells, a pixel each; what was not trained stays clear. */
  paint() {
    const { lanes, epochs } = this.gaps;
    const [below, none, above] = ["--gap-below", "--gap-none", "--gap-above"].map((name) => channels(colour(name)));
    this.image.width = epochs.length;
    this.image.height = lanes.length;
    const pen = this.image.getContext("2d");
    const pixels = pen.createImageData(epochs.length, lanes.length);
    const limit = this.found.limit || 1;
    lanes.forEach(({ values }, row) => {
      // The first row stands at the bottom.
      const start = (lanes.length - 1 - row) * epochs.length;
      values.forEach((gap, column) => {
        if (gap === null) return;
        const share = Math.min(1, Math.abs(gap) / limit);
        const end = gap < 0 ? below : above;
        const place = 4 * (start + column);
        // Without an array a cell: there are tens of thousands, five times a second.
        for (let part = 0; part < 3; part += 1) {
          pixels.data[place + part] = none[part] + (end[part] - none[part]) * share;
        }
        pixels.data[place + 3] = 255;
      });
    });
    pen.putImageData(pixels, 0, 0);
    this.ramps = lanes.map(({ strength }) => ramp(strength));
  }

  fill(plot) {
    const { lanes, epochs, every } = this.gaps;
    const pen = plot.ctx;
    const x = (epoch) => plot.valToPos(epoch, "x", true);
    const y = (row) => plot.valToPos(row, "y", true);
    const [left, top] = [x(0.5), y(lanes.length - 0.5)];
    const [wide, high] = [x(epochs.at(-1) + every - 0.5) - left, y(-0.5) - top];
    pen.save();
    pen.imageSmoothingEnabled = false;
    pen.drawImage(this.image, left, top, wide, high);
    const [cell, line] = [wide / epochs.length, high / lanes.length];
    const dot = devicePixelRatio;
    const stripes = this.stripes(pen);
    lanes.forEach(({ values }, row) => {
      const upper = y(row + 0.5);
      pen.fillStyle = this.ramps[row];
      // On whole pixels, so that narrow neighbours leave no seam.
      pen.fillRect(left - 7 * dot, Math.round(upper), 5 * dot, Math.round(y(row - 0.5)) - Math.round(upper));
      pen.fillStyle = stripes;
      for (const [from, to] of missing(values)) pen.fillRect(left + from * cell, upper, (to - from) * cell, line);
    });
    for (const lane of this.lit) {
      const row = lanes.findIndex((one) => one.lane === lane);
      if (row >= 0) this.frame(pen, left, y(row + 0.5), wide, line);
    }
    if (this.row !== null && this.column !== null) {
      this.frame(pen, left + this.column * cell, y(this.row + 0.5), cell, line);
    }
    pen.restore();
  }

  /** What cells without a finite gap are filled with. */
  stripes(pen) {
    const tile = document.createElement("canvas");
    const size = (tile.width = tile.height = Math.round(6 * devicePixelRatio));
    const own = tile.getContext("2d");
    own.strokeStyle = colour("--chart-axis");
    own.lineWidth = devicePixelRatio;
    own.beginPath();
    // Beyond the corners, so that tiles join.
    for (const at of [-size, 0, size]) {
      own.moveTo(at - 1, size + 1);
      own.lineTo(at + size + 1, -1);
    }
    own.stroke();
    return pen.createPattern(tile, "repeat");
  }

  /** A frame around cells, however narrow they are; it shows on light ones and on dark ones. */
  frame(pen, left, top, wide, high) {
    const dot = devicePixelRatio;
    for (const [name, width] of [["--paper", 3], ["--ink", 1.5]]) {
      pen.strokeStyle = colour(name);
      pen.lineWidth = width * dot;
      pen.strokeRect(left - dot, top - dot, wide + 2 * dot, high + 2 * dot);
    }
  }

  /** The lane under the mouse, and its cell. */
  at(left, top) {
    const { lanes, epochs, every } = this.gaps;
    const row = Math.round(this.plot.posToVal(top, "y"));
    const column = Math.floor((this.plot.posToVal(left, "x") - 0.5) / every);
    if (!lanes[row] || !epochs[column]) return [];
    [this.row, this.column] = [row, column];
    this.read();
    this.plot.redraw(false, false);
    return [lanes[row].lane];
  }

  /** To another lane or epoch by the buttons. */
  step(rows, columns) {
    const { lanes, epochs } = this.gaps;
    if (!lanes.length) return;
    const within = (place, length) => Math.min(Math.max(place, 0), length - 1);
    this.row = this.row === null ? 0 : within(this.row + rows, lanes.length);
    const last = lanes[this.row].values.length - 1;
    this.column = this.column === null ? last : within(this.column + columns, epochs.length);
    pointed([lanes[this.row].lane]);
  }

  /** Lights lanes up; the reading is of the first of them. */
  light(numbers) {
    this.lit = numbers;
    const lane = numbers[0];
    if (lane === undefined) {
      this.row = this.column = null;
    } else if (this.gaps.lanes[this.row]?.lane !== lane) {
      const row = this.gaps.lanes.findIndex((one) => one.lane === lane);
      this.row = row < 0 ? null : row;
      this.column = row < 0 ? null : this.gaps.lanes[row].values.length - 1;
    }
    this.read(lane);
    this.plot?.redraw(false, false);
  }

  read(lane) {
    const one = this.gaps.lanes[this.row];
    this.keep.dataset.pin = one ? one.lane : "";
    if (!one) {
      const hidden = lane !== undefined && this.gaps.lanes.length > 0;
      this.reading.textContent = hidden ? filled(this.words.hidden, { lane }) : "";
      return;
    }
    const gap = one.values[this.column];
    const values = { lane: one.lane, label: one.label || "–", epoch: this.gaps.epochs[this.column] };
    const said = gap === undefined ? this.words.ended : this.words.at;
    this.reading.textContent = filled(said, { ...values, gap: gap === null ? this.words.none : short(gap) });
  }

  /** The picture in words, and the ends of the scale. */
  say() {
    const { lanes, count, every, last } = this.gaps;
    const { most, least, limit, largest } = this.found;
    const said = [];
    if (!most) {
      said.push(this.words.empty);
    } else {
      const other = { least: short(least.gap), other: least.lane, then: least.epoch };
      said.push(filled(this.words.range, { most: short(most.gap), lane: most.lane, epoch: most.epoch, ...other }));
    }
    if (lanes.length < count) said.push(filled(this.words.lanes, { drawn: lanes.length, count }));
    if (every > 1) said.push(filled(this.words.epochs, { last, every }));
    if (largest > limit) said.push(filled(this.words.beyond, { limit: short(limit) }));
    this.summary.textContent = said.join(" ");
    this.low.textContent = limit ? short(-limit) : "";
    this.high.textContent = limit ? `+${short(limit)}` : "";
  }

  /** The numbers, where the reader has opened them: of each drawn lane the last, the smallest and the largest gap. */
  list() {
    if (!this.numbers.open) return;
    this.rows.replaceChildren(
      ...this.gaps.lanes.map(({ lane, label, values }) => {
        const row = document.createElement("tr");
        row.dataset.lane = lane;
        const finite = values.filter((gap) => gap !== null);
        const last = values.at(-1);
        const ends = [lowest(finite), highest(finite)].map(short);
        const told = [label, last === null ? this.words.none : short(last), ...ends];
        const head = document.createElement("th");
        head.scope = "row";
        head.className = "number";
        head.textContent = lane;
        row.append(head);
        told.forEach((text, place) => {
          const cell = row.insertCell();
          cell.textContent = text || "–";
          if (place) cell.className = "number";
        });
        return row;
      }),
    );
  }
}

/** Where a list has nothing: beginnings and ends. */
function missing(values) {
  const found = [];
  values.forEach((value, place) => {
    if (value !== null) return;
    if (found.at(-1)?.[1] === place) found.at(-1)[1] = place + 1;
    else found.push([place, place + 1]);
  });
  return found;
}

const lowest = (values) => (values.length ? Math.min(...values) : null);
const highest = (values) => (values.length ? Math.max(...values) : null);
