// Label smoothing: ε and the share of wrong labels, along lanes; accuracy, calibration, the distance of logits.

import { chart, lanes, number, percent } from "./chart.js";
import { stage } from "./stage.js";

export function mount(element, given) {
  const figure = (name) => element.querySelector(`[data-figure="${name}"]`);
  stage(element, given, (state, data, t) => {
    const at = Number(state.epsilon);
    const share = data.shares[Number(state.share)];
    const lane = share.lanes[at];
    const epsilon = data.epsilons[at];
    const ticks = lanes(data.epsilons);
    const column = (name) => share.lanes.map((one, place) => [place, one[name]]);
    const mark = [{ x: at, label: `ε = ${epsilon}` }];
    const fitted = share.wrong_rows ? [{ label: t("Wrong labels learned by heart"), points: column("wrong_fitted"), colour: 4, dashed: true, dotted: true }] : [];
    chart(figure("scores"), {
      label: t("Accuracy and calibration error against ε"),
      x: { label: "ε", ticks },
      y: { label: t("Share"), domain: [0, 1] },
      series: [
        { label: t("Accuracy"), points: column("accuracy"), colour: 1, dotted: true },
        { label: t("Calibration error (ECE)"), points: column("ece"), colour: 2, dotted: true },
        ...fitted,
      ],
      marks: mark,
    });
    const most = Math.max(...lane.bins.map((bin) => bin.count));
    chart(figure("reliability"), {
      label: t("How sure, and how right"),
      x: { label: t("Confidence"), domain: [0, 1] },
      y: { label: t("Accuracy"), domain: [0, 1] },
      series: [
        { label: t("Perfect calibration"), points: [[0, 0], [1, 1]], colour: 7, dashed: true },
        { label: `ε = ${epsilon}`, points: lane.bins.map((bin) => [bin.confidence, bin.accuracy]), colour: 1, dotted: true },
      ],
      paint(root, across, down, frame) {
        // How many rows there are at each confidence.
        for (const bin of lane.bins) {
          const tall = (0.16 * (frame.bottom - frame.top) * bin.count) / most;
          const made = document.createElementNS(root.namespaceURI, "rect");
          for (const [key, value] of Object.entries({ class: "bar c1 faint", x: across(bin.confidence) - 5, width: 10, y: frame.bottom - tall, height: tall })) made.setAttribute(key, value);
          root.append(made);
        }
      },
      still: true,
      table: {
        head: [t("Confidence"), t("Accuracy"), t("Rows")],
        body: lane.bins.map((bin) => [number(bin.confidence, 3), number(bin.accuracy, 3), bin.count]),
      },
    });
    chart(figure("nll"), {
      label: t("Loss on true labels against ε"),
      x: { label: "ε", ticks },
      y: { label: t("Loss") },
      series: data.shares.map((one, place) => ({
        label: t("%(share)s wrong", { share: percent(one.share, 0) }),
        points: one.lanes.map((row, lane_) => [lane_, row.nll]),
        colour: 1 + place,
        faint: one !== share,
        dotted: one === share,
      })),
      marks: mark,
    });
    chart(figure("gap"), {
      label: t("Distance of the logits"),
      x: { label: "ε", ticks },
      y: { label: t("Distance"), domain: [0, Math.max(...share.lanes.map((one) => one.gap), data.optimal_gap[1]) * 1.05] },
      series: [
        { label: t("Measured"), points: column("gap"), colour: 1, dotted: true },
        { label: t("Where the smoothed loss is least"), points: data.optimal_gap.map((value, place) => [place, value]), colour: 2, dashed: true, dotted: true },
      ],
      marks: mark,
    });
    const change = lane.ece - share.lanes[0].ece;
    const parts = [
      t("%(share)s of the labels wrong, ε = %(epsilon)s: accuracy %(accuracy)s, calibration error %(ece)s, loss on true labels %(nll)s.", {
        share: percent(share.share, 0),
        epsilon,
        accuracy: percent(lane.accuracy),
        ece: number(lane.ece, 3),
        nll: number(lane.nll, 3),
      }),
    ];
    if (at) parts.push(change > 0.005 ? t("Here smoothing makes calibration worse.") : change < -0.005 ? t("Here smoothing makes calibration better.") : t("Here smoothing changes calibration little."));
    element.querySelector("[data-said]").textContent = parts.join(" ");
    const [right, other] = data.targets[at].map((value) => number(value));
    element.querySelector("[data-targets]").textContent = t("Keras trains on (%(right)s, %(other)s, %(other)s, %(other)s) in the place of (1, 0, 0, 0).", { right, other });
  });
}
