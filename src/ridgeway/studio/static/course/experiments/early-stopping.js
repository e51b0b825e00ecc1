// Early stopping: patience moved along a real curve, as Keras's callback would follow it.

import { chart, lanes, number, percent } from "./chart.js";
import { stage } from "./stage.js";

export function mount(element, given) {
  const figure = (name) => element.querySelector(`[data-figure="${name}"]`);
  stage(element, given, (state, data, t, changed) => {
    const size = data.sizes[Number(state.rows)];
    const [patience, delta] = [Number(state.patience), Number(state.delta)];
    const stopped = size.stopped[delta][patience];
    const kept = size.kept[delta][patience];
    const left = state.restore === "true" ? kept : stopped;
    const epochs = (curve) => curve.map((value, epoch) => [epoch + 1, value]);
    const seen = epochs(size.curve);
    chart(figure("curves"), {
      label: t("Loss by epoch"),
      x: { label: t("Epoch"), domain: [1, data.epochs] },
      y: { label: t("Loss"), domain: [0, 1.6] },
      series: [
        { label: t("Validation loss, while it trains"), points: seen.slice(0, stopped), colour: 1 },
        { label: t("Validation loss that is never seen"), points: seen.slice(stopped - 1), colour: 1, dashed: true, faint: true },
        { label: t("Training loss"), points: epochs(data.train), colour: 2 },
        { label: t("Loss on the test rows"), points: epochs(data.test), colour: 3 },
      ],
      marks: [
        { x: kept, label: t("best so far: %(epoch)s", { epoch: kept }), colour: 3 },
        { x: stopped, label: t("stops: %(epoch)s", { epoch: stopped }) },
      ],
      height: 320,
      table: {
        head: [t("Epoch"), t("Validation loss"), t("Training loss"), t("Loss on the test rows")],
        body: seen.map(([epoch, value]) => [epoch, ...[value, data.train[epoch - 1], data.test[epoch - 1]].map((one) => number(one))]),
        current: left - 1,
      },
    });
    if (changed == null || changed === "rows") {
      chart(figure("noise"), {
        label: t("The same network, judged by 20 to 800 rows"),
        x: { label: t("Epoch"), domain: [1, data.epochs] },
        y: { label: t("Validation loss"), domain: [0.3, 1.6] },
        series: data.sizes.map((one, place) => ({
          label: t("%(rows)s rows", { rows: one.rows }),
          points: epochs(one.curve),
          colour: 1 + place,
          faint: one !== size,
          dashed: place % 2 === 1,
        })),
      });
    }
    if (changed == null) {
      const rows = data.ridge;
      chart(figure("ridge"), {
        label: t("Length of the weights"),
        x: { label: "t", ticks: lanes(rows.map((row) => row.epochs)) },
        y: { label: "‖w‖" },
        series: [
          { label: t("Descent after t steps"), points: rows.map((row, place) => [place, row.descent_norm]), colour: 1, dotted: true },
          { label: t("Ridge with λ = 1/(ηt)"), points: rows.map((row, place) => [place, row.ridge_norm]), colour: 2, dashed: true, dotted: true },
        ],
        table: {
          head: ["t", "λ", t("Descent after t steps"), t("Ridge with λ = 1/(ηt)"), t("Cosine between them")],
          body: rows.map((row) => [row.epochs, number(row.lambda), number(row.descent_norm), number(row.ridge_norm), row.cosine.toFixed(4)]),
        },
      });
    }
    const most = 1 + size.curve.indexOf(Math.min(...size.curve));
    const parts = [
      size.early[delta][patience]
        ? t("With patience %(patience)s training stops after epoch %(stopped)s; the best epoch it has seen is %(kept)s.", { patience, stopped, kept })
        : t("With patience %(patience)s training goes on to the last epoch; the best is %(kept)s.", { patience, kept }),
      t("The model has the weights of epoch %(left)s: loss %(nll)s and accuracy %(accuracy)s on the test rows.", {
        left,
        nll: number(data.test[left - 1], 3),
        accuracy: percent(data.test_accuracy[left - 1]),
      }),
    ];
    if (most > stopped) parts.push(t("The best epoch of the whole curve, %(epoch)s, is never seen.", { epoch: most }));
    if (patience < 2) parts.push(t("In Keras patience 0 and 1 are the same."));
    element.querySelector("[data-said]").textContent = parts.join(" ");
  });
}
