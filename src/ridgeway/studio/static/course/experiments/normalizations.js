// The four normalizations: a cube of real activations whose cells light up with those they are averaged with.

import { chart, draw, lanes, number, percent, mean, svg } from "./chart.js";
import { stage } from "./stage.js";

export function mount(element, given) {
  const figure = (name) => element.querySelector(`[data-figure="${name}"]`);
  const said = (name) => element.querySelector(`[data-said="${name}"]`);
  const set = (name, value) => {
    const range = element.querySelector(`[data-control="${name}"] input[type="range"]`);
    range.value = value;
    range.dispatchEvent(new Event("input", { bubbles: true }));
  };
  stage(element, given, (state, data, t, changed) => {
    const kind = data.kinds.find((one) => one.kind === state.kind);
    const cell = { sample: Number(state.sample), place: Number(state.place), channel: Number(state.channel) };
    const member = kind.sets[cell.sample][cell.place][cell.channel];
    const cube = state.after === "true" ? kind.cube : data.cube;
    draw(figure("cube"), (plot, wide) =>
      plot.replaceChildren(
        picture(cube, kind.sets, member, cell, data, Math.min(wide, 760), t, (sample, place, channel) => {
          set("sample", sample);
          set("place", place);
          set("channel", channel);
        }),
      ),
    );
    const names = {
      batch: t("batch"),
      layer: t("layer"),
      instance: t("instance"),
      group: t("group (2 groups)"),
      keras_layer: t("layer, Keras's default"),
    };
    const value = data.cube[cell.sample][cell.place][cell.channel];
    said("said").textContent = t(
      "This cell is %(value)s. It is averaged with %(others)s others: mean %(mean)s, standard deviation %(spread)s. Normalized it is %(after)s.",
      {
        value: number(value, 3),
        others: kind.size - 1,
        mean: number(kind.means[member], 3),
        spread: number(kind.spreads[member], 3),
        after: number(kind.cube[cell.sample][cell.place][cell.channel], 3),
      },
    );
    if (changed == null || changed === "kind") {
      chart(figure("sets"), {
        label: t("How many statistics"),
        x: { label: t("Pairs of mean and standard deviation"), domain: [0, 100] },
        y: { rows: true, reverse: true, ticks: data.kinds.map((one, place) => [place, names[one.kind]]) },
        series: data.kinds.map((one, place) => ({ label: "", points: [[0, place], [one.means.length, place]], colour: one === kind ? 2 : 1, dotted: true })),
        height: 210,
        still: true,
        table: {
          head: [t("Normalization"), t("Pairs of mean and standard deviation"), t("Numbers in each")],
          body: data.kinds.map((one) => [names[one.kind], one.means.length, one.size]),
          current: data.kinds.indexOf(kind),
        },
      });
    }
    const at = Number(state.size);
    const row = data.noise[at];
    const sizes = data.noise.map((one) => one.size);
    chart(figure("noise"), {
      label: t("How far a batch's mean strays"),
      x: { label: t("Batch size"), ticks: lanes(sizes) },
      y: { label: t("Spread of the mean"), log: true, domain: [0.1, 1.1] },
      series: [
        { label: t("Measured"), points: data.noise.map((one, place) => [place, one.scatter]), colour: 1, dotted: true },
        { label: "1/√n", points: sizes.map((size, place) => [place, size ** -0.5]), colour: 2, dashed: true },
      ],
      marks: [{ x: at, label: `n = ${row.size}` }],
    });
    said("noise").textContent =
      row.size === 1
        ? t("A batch of one is its own mean: whatever comes in, batch normalization of a dense layer puts out 0.")
        : t("In batches of %(size)s the mean strays by %(scatter)s standard deviations: this is the noise that is said to regularize.", { size: row.size, scatter: number(row.scatter, 2) });
    if (changed != null) return;
    const trained = data.accuracy.sizes;
    const kinds = [
      ["none", t("without normalization"), 2],
      ["batch", t("with batch normalization"), 1],
    ];
    chart(figure("accuracy"), {
      label: t("Validation accuracy by batch size"),
      x: { label: t("Batch size"), ticks: trained.map((one, place) => [place, String(one.size)]), pad: 0.3 },
      y: { label: t("Accuracy"), domain: [0.7, 1] },
      series: [
        ...kinds.map(([name, label, colour]) => ({ label, points: trained.map((one, place) => [place, mean(one[name].accuracy)]), colour })),
        ...kinds.map(([name, , colour]) => ({ label: "", points: trained.flatMap((one, place) => one[name].accuracy.map((share) => [place, share])), colour, kind: "dots", size: 3 })),
      ],
      table: {
        head: [t("Batch size"), ...kinds.map(([, label]) => label)],
        body: trained.map((one) => [one.size, ...kinds.map(([name]) => percent(mean(one[name].accuracy)))]),
      },
    });
  });
}

/** Samples down, channels across, each a square of places; darker is larger. */
function picture(cube, sets, member, cell, data, wide, t, choose) {
  const [samples, side, , channels] = data.shape;
  const left = 26;
  const gap = 8;
  const square = (wide - left) / channels - gap;
  const size = square / side;
  const top = 22;
  const tall = top + samples * (square + gap);
  const root = svg("svg", { class: "chart", viewBox: `0 0 ${wide} ${tall}`, role: "img", "aria-label": t("The cube of activations: %(lit)s cells are lit", { lit: sets.flat(2).filter((one) => one === member).length }) });
  const values = cube.flat(2);
  const most = Math.max(...values.map(Math.abs));
  for (let channel = 0; channel < channels; channel++) {
    root.append(svg("text", { class: "tick mid", x: left + channel * (square + gap) + square / 2, y: 14 }, String(channel + 1)));
  }
  const late = [];
  for (let sample = 0; sample < samples; sample++) {
    root.append(svg("text", { class: "tick mid", x: 11, y: top + sample * (square + gap) + square / 2 + 4 }, String(sample + 1)));
    for (let channel = 0; channel < channels; channel++) {
      for (let place = 0; place < side * side; place++) {
        const value = cube[sample][place][channel];
        const lit = sets[sample][place][channel] === member;
        const chosen = sample === cell.sample && place === cell.place && channel === cell.channel;
        const rect = svg("rect", {
          class: `cube-cell ${value < 0 ? "c2" : "c1"}${lit ? " lit" : " dimmed"}${chosen ? " chosen" : ""}`,
          x: left + channel * (square + gap) + (place % side) * size,
          y: top + sample * (square + gap) + Math.floor(place / side) * size,
          width: size,
          height: size,
          fill: "var(--c)",
          "fill-opacity": (0.06 + 0.94 * Math.min(1, Math.abs(value) / most)).toFixed(2),
        });
        rect.addEventListener("click", () => choose(sample, place, channel));
        if (lit) late.push([chosen, rect]);
        else root.append(rect);
      }
    }
  }
  // What is lit lies above its neighbours.
  late.sort(([a], [b]) => a - b);
  root.append(...late.map(([, rect]) => rect));
  return root;
}
