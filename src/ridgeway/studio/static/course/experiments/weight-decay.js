// Weight decay: λ moved along lanes of three optimizers, decoupled and as L2 in the loss.

import { chart, html, lanes, number } from "./chart.js";
import { stage } from "./stage.js";

const fixed = (value) => value.toFixed(5).replace("-", "−");

export function mount(element, given) {
  const figure = (name) => element.querySelector(`[data-figure="${name}"]`);
  stage(element, given, (state, data, t) => {
    const at = Number(state.lambda);
    const optimizer = data.optimizers[Number(state.optimizer)];
    const lane = optimizer[state.kind];
    const other = optimizer[state.kind === "l2" ? "decoupled" : "l2"];
    const ticks = lanes(data.lambdas);
    const along = (values) => values.map((value, place) => [place, value]);
    const best = lane.val_nll.indexOf(Math.min(...lane.val_nll.filter((value) => value != null)));

    chart(figure("path"), {
      label: t("Loss against λ, after the last epoch"),
      x: { label: "λ", ticks },
      // The dip is small beside the end, where nothing is learned any more.
      y: { label: t("Loss"), domain: [0, 1.6] },
      series: [
        { label: t("Validation loss"), points: along(lane.val_nll), colour: 1, dotted: true },
        { label: t("Training loss"), points: along(lane.train_nll), colour: 2, dotted: true },
        { label: state.kind === "l2" ? t("Validation loss, decoupled") : t("Validation loss, L2"), points: along(other.val_nll), colour: 1, dashed: true, faint: true },
      ],
      marks: [{ x: at, label: `λ = ${number(data.lambdas[at])}` }],
    });
    const epochs = (curve) => curve.map((value, epoch) => [epoch + 1, value]);
    chart(figure("curves"), {
      label: t("Validation loss by epoch"),
      x: { label: t("Epoch") },
      y: { label: t("Loss"), domain: [0, 1.05 * Math.max(...optimizer.decoupled.curve[0], lane.curve[at][2] ?? 0)] },
      series: [
        { label: t("Validation loss"), points: epochs(lane.curve[at]), colour: 1 },
        ...(at ? [{ label: t("Validation loss at λ = 0"), points: epochs(lane.curve[0]), colour: 7, dashed: true }] : []),
      ],
    });
    const middles = data.edges.slice(1).map((edge, place) => (edge + data.edges[place]) / 2);
    const counts = (histogram) => middles.map((middle, place) => [middle, histogram?.[place] ?? 0]);
    chart(figure("weights"), {
      label: t("The network's weights"),
      x: { label: t("Weight") },
      y: { label: t("Number"), domain: [0, Math.min(900, 1.05 * Math.max(...(lane.histogram[at] ?? [1]), ...lane.histogram[0]))] },
      series: [
        { label: `λ = ${number(data.lambdas[at])}`, points: counts(lane.histogram[at]), colour: 1, kind: "bars" },
        { label: "λ = 0", points: counts(lane.histogram[0]), colour: 8, kind: "step" },
      ],
    });
    const names = { sgd: "SGD", momentum: t("SGD with momentum"), adam: "Adam" };
    chart(figure("difference"), {
      label: t("Largest difference between a weight with decay and the same weight with L2"),
      x: { label: "λ", ticks },
      y: { label: t("Difference"), log: true },
      series: data.optimizers.map((one, place) => ({
        label: names[one.name],
        points: along(one.difference.map((value) => value || null)),
        colour: place + 1,
        dashed: place === 1,
        dotted: true,
      })),
      marks: [{ x: at }],
    });
    const apart = optimizer.difference[at];
    const same = state.optimizer === "0" ? t("Under plain SGD both are one and the same, but for rounding.") : t("Under this optimizer the two are different methods.");
    element.querySelector("[data-said]").textContent = [
      t("λ = %(lambda)s: training loss %(train)s, validation loss %(val)s, length of the weights %(norm)s. Validation is best at λ = %(best)s.", {
        lambda: number(data.lambdas[at]),
        train: number(lane.train_nll[at], 3),
        val: number(lane.val_nll[at], 3),
        norm: number(lane.norm[at], 3),
        best: number(data.lambdas[best]),
      }),
      at ? t("Decay and L2 differ by up to %(difference)s in a weight.", { difference: number(apart, 2) }) : "",
      at ? same : "",
    ].join(" ");
    const { weights, learning_rate: rate } = data.step;
    element.querySelector("[data-step] tbody").replaceChildren(
      ...weights.map((one) =>
        html(
          "tr",
          {},
          html("th", { scope: "row" }, fixed(one.before)),
          ...[fixed(one.gradient), number(1 - rate * data.lambdas[at]), fixed(one.hand[at]), fixed(one.engine[at])].map((cell) => html("td", { class: "number" }, cell)),
        ),
      ),
    );
  });
}
