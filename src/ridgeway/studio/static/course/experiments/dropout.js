// Dropout: its rate along lanes, one unit under both scalings, masks that differ by sample.

import { chart, draw, lanes, mean, number, percent, svg } from "./chart.js";
import { stage } from "./stage.js";

export function mount(element, given) {
  const figure = (name) => element.querySelector(`[data-figure="${name}"]`);
  stage(element, given, (state, data, t) => {
    const at = Number(state.rate);
    const rate = data.rates[at];
    const ticks = lanes(data.rates);
    const along = (rows) => rows.map((row, place) => [place, mean(row)]);
    const seeds = (rows) => rows.flatMap((row, place) => row.map((value) => [place, value]));
    chart(figure("path"), {
      label: t("Loss against the rate"),
      x: { label: "p", ticks },
      y: { label: t("Loss") },
      series: [
        { label: t("Validation loss"), points: along(data.val_nll), colour: 1 },
        { label: t("Training loss without dropout"), points: along(data.train_nll), colour: 2 },
        { label: t("Training loss as training sees it"), points: along(data.train_loss), colour: 4, dashed: true },
        { label: "", points: seeds(data.val_nll), colour: 1, kind: "dots", size: 2.2 },
      ],
      marks: [{ x: at, label: `p = ${rate}` }],
    });
    const epochs = (curve) => curve.map((value, epoch) => [epoch + 1, value]);
    chart(figure("curves"), {
      label: t("Validation loss by epoch"),
      x: { label: t("Epoch") },
      y: { label: t("Loss"), domain: [0.4, 2.2] },
      series: [
        { label: `p = ${rate}`, points: epochs(data.curve[at]), colour: 1 },
        ...(at ? [{ label: "p = 0", points: epochs(data.curve[0]), colour: 7, dashed: true }] : []),
      ],
    });
    const unit = data.unit;
    const count = Number(state.masks);
    const kinds = [
      [t("Keras (inverted)"), unit.inverted[at], 1],
      [t("the lecture (classic)"), unit.classic[at], 2],
    ];
    chart(figure("unit"), {
      label: t("Mean output over n masks, beside the prediction"),
      x: { label: t("Masks n"), ticks: lanes(unit.counts) },
      y: { label: t("Output"), domain: [0, Math.max(2 * unit.value, ...kinds.flatMap(([, row]) => row.means)) * 1.05] },
      series: kinds.map(([label, row, colour]) => ({ label: t("%(kind)s: mean in training", { kind: label }), points: row.means.map((value, place) => [place, value]), colour, dotted: true })),
      marks: [
        { x: count },
        ...(rate ? kinds : kinds.slice(0, 1)).map(([label, row, colour]) => ({ y: row.prediction, label: t("%(kind)s: prediction", { kind: label }), colour })),
      ],
      table: {
        head: [t("Scaling"), t("Output without dropout"), t("Training: where it stays"), t("Training: where it is dropped"), t("Mean over %(n)s masks", { n: unit.counts[count] }), t("Prediction")],
        body: kinds.map(([label, row]) => [label, unit.value, row.survivor, 0, row.means[count], row.prediction].map((cell) => number(cell))),
      },
    });
    const outputs = ([, row, colour], shift) => row.outputs.map((value, place) => [place + 1 + shift, value]);
    chart(figure("outputs"), {
      label: t("What it puts out under 40 masks, in training"),
      x: { label: t("Mask"), domain: [0, 41] },
      y: { label: t("Output"), domain: [0, Math.max(...unit.inverted[at].outputs, unit.value) * 1.1] },
      series: kinds.map(([label, row, colour]) => ({ label, points: outputs([label, row, colour], 0), colour, kind: "dots", size: colour === 1 ? 4.2 : 2.6 })),
      still: true,
    });
    draw(figure("masks"), (plot, wide) => plot.replaceChildren(masks(data.masks[at], Math.min(wide, 420), t, rate)));
    const average = data.average;
    chart(figure("average"), {
      label: t("Loss of the mean prediction"),
      x: { label: "n", ticks: lanes(average.counts) },
      y: { label: t("Validation loss") },
      series: [{ label: t("Mean over n masks"), points: average.nll.map((value, place) => [place, value]), colour: 1, dotted: true }],
      marks: [{ y: average.once_nll, label: t("One pass without dropout"), colour: 2 }],
      table: {
        head: [t("Masks n"), t("Loss of the mean prediction"), t("Mean distance of a probability from the one pass")],
        body: average.counts.map((n, place) => [n, number(average.nll[place]), number(average.distance[place])]),
      },
    });
    const best = data.rates[along(data.val_nll).reduce((low, point) => (point[1] < low[1] ? point : low))[0]];
    element.querySelector("[data-said]").textContent = [
      t("p = %(rate)s: training loss %(train)s without dropout, validation loss %(val)s, accuracy %(accuracy)s. Validation is best at p = %(best)s.", {
        rate,
        train: number(mean(data.train_nll[at]), 3),
        val: number(mean(data.val_nll[at]), 3),
        accuracy: percent(mean(data.val_accuracy[at])),
        best,
      }),
      t("A unit that puts out %(value)s gives %(inverted)s or 0 in Keras's training and %(value)s in prediction; in the classic way %(value)s or 0, and then %(classic)s.", {
        value: number(unit.value, 3),
        inverted: number(unit.inverted[at].survivor, 3),
        classic: number(unit.classic[at].prediction, 3),
      }),
    ].join(" ");
  });
}

function masks(rows, wide, t, rate) {
  const size = wide / rows[0].length;
  const kept = rows.join("").split("1").length - 1;
  const label = t("Of %(all)s outputs %(kept)s stay; each sample has a mask of its own.", { all: rows.length * rows[0].length, kept });
  const root = svg("svg", { class: "chart", viewBox: `0 0 ${wide} ${size * rows.length}`, role: "img", "aria-label": label });
  rows.forEach((row, down) =>
    [...row].forEach((one, across) =>
      root.append(svg("rect", { class: one === "1" ? "cell on" : "cell", x: across * size + 1, y: down * size + 1, width: size - 2, height: size - 2, rx: 3 })),
    ),
  );
  const said = document.createElement("p");
  said.className = "meta";
  said.textContent = `p = ${rate}: ${label}`;
  const both = document.createDocumentFragment();
  both.append(root, said);
  return both;
}
