// Covariate shift: what goes into each layer over epochs, and the learning rates that still train.

import { chart, lanes, number, percent } from "./chart.js";
import { stage } from "./stage.js";

export function mount(element, given) {
  const figure = (name) => element.querySelector(`[data-figure="${name}"]`);
  const said = (name) => element.querySelector(`[data-said="${name}"]`);
  stage(element, given, (state, data, t) => {
    const names = { none: t("without normalization"), batch: t("with batch normalization"), noisy: t("batch normalization and noise") };
    const colours = { none: 2, batch: 1, noisy: 4 };
    const epoch = Number(state.epoch);
    const layer = Number(state.layer);
    const middles = data.edges.slice(1).map((edge, place) => (edge + data.edges[place]) / 2);
    const rows = data.kinds.map((kind) => ({ kind: kind.kind, accuracy: kind.accuracy, epochs: kind.layers[layer], now: kind.layers[layer][epoch] }));
    const all = rows[0].now.histogram.reduce((sum, count) => sum + count, 0);
    chart(figure("histogram"), {
      label: t("Distribution at this epoch"),
      x: { label: t("What goes into the activation"), domain: [-4, 4] },
      y: { label: t("Share"), domain: [0, 0.4] },
      series: rows.map((row) => ({ label: names[row.kind], points: middles.map((middle, place) => [middle, row.now.histogram[place] / all]), colour: colours[row.kind], kind: "step", dashed: row.kind === "noisy" })),
      table: {
        head: [t("Normalization"), t("Mean"), t("Standard deviation"), t("beyond ±3, where the sigmoid is flat"), t("Validation accuracy")],
        body: rows.map((row) => [names[row.kind], number(row.now.mean, 3), number(row.now.spread, 3), percent(row.now.saturated), percent(row.accuracy[epoch])]),
      },
    });
    chart(figure("moments"), {
      label: t("Mean by epoch, with one standard deviation to either side"),
      x: { label: t("Epoch") },
      y: { label: t("What goes into the activation") },
      series: rows.flatMap((row) => [
        { label: "", points: row.epochs.map((one, place) => [place + 1, one.mean - one.spread, one.mean + one.spread]), colour: colours[row.kind], kind: "band" },
        { label: names[row.kind], points: row.epochs.map((one, place) => [place + 1, one.mean]), colour: colours[row.kind], dashed: row.kind === "noisy" },
      ]),
      marks: [{ x: epoch + 1 }],
    });
    chart(figure("accuracy"), {
      label: t("Validation accuracy by epoch"),
      x: { label: t("Epoch") },
      y: { label: t("Accuracy"), domain: [0, 1] },
      series: rows.map((row) => ({ label: names[row.kind], points: row.accuracy.map((value, place) => [place + 1, value]), colour: colours[row.kind], dashed: row.kind === "noisy" })),
      marks: [{ x: epoch + 1 }],
    });
    // How far the units' means have moved from one epoch to the next, on average over all epochs.
    const moved = (row) => {
      let sum = 0;
      for (let one = 1; one < row.epochs.length; one++) {
        row.epochs[one].unit_means.forEach((value, unit) => (sum += Math.abs(value - row.epochs[one - 1].unit_means[unit])));
      }
      return sum / ((row.epochs.length - 1) * row.epochs[0].unit_means.length);
    };
    said("said").textContent = t(
      "From epoch to epoch a unit's mean moves by %(none)s without normalization, by %(batch)s with it and by %(noisy)s with noise; accuracy ends at %(a)s, %(b)s and %(c)s. The noise moves the distribution again, and the network learns as well: against the explanation by covariate shift.",
      {
        none: number(moved(rows[0]), 2),
        batch: number(moved(rows[1]), 2),
        noisy: number(moved(rows[2]), 2),
        a: percent(rows[0].accuracy.at(-1), 0),
        b: percent(rows[1].accuracy.at(-1), 0),
        c: percent(rows[2].accuracy.at(-1), 0),
      },
    );
    const { rates, nets, trains } = data.ladder;
    const chosen = nets.filter((net) => net.activation === state.activation);
    const at = Number(state.rate);
    chart(figure("ladder"), {
      label: t("Validation accuracy by learning rate"),
      x: { label: t("Learning rate"), ticks: lanes(rates) },
      y: { label: t("Accuracy"), domain: [0, 1] },
      series: chosen.map((net) => ({ label: names[net.kind], points: net.accuracy.map((value, place) => [place, value]), colour: colours[net.kind], dotted: true })),
      marks: [{ x: at }, { y: 0.1, label: t("guessing") }],
    });
    const layers = [...new Set(chosen.flatMap((net) => Object.keys(net.gradients[at])))];
    const label = (name) => (name === "output" ? t("output") : String(Number(name.split("_")[1]) + 1));
    chart(figure("gradients"), {
      label: t("Size of the gradient by layer"),
      x: { label: t("Layer"), ticks: layers.map((name, place) => [place, label(name)]), pad: 0.2 },
      y: { label: t("Gradient"), log: true },
      series: chosen.map((net) => ({ label: names[net.kind], points: layers.map((name, place) => [place, net.gradients[at][name] || null]), colour: colours[net.kind], dotted: true })),
      table: {
        head: [t("Layer"), ...chosen.map((net) => t("Gradient, %(kind)s", { kind: names[net.kind] })), ...chosen.map((net) => t("Units that are flat, %(kind)s", { kind: names[net.kind] }))],
        body: layers.map((name) => [
          label(name),
          ...chosen.map((net) => number(net.gradients[at][name], 3)),
          ...chosen.map((net) => percent(net.saturation[at][name.replace("hidden", "activation")])),
        ]),
      },
    });
    const highest = (net) => {
      const good = rates.filter((_, place) => net.accuracy[place] > trains);
      return good.length ? number(good.at(-1)) : t("none");
    };
    said("ladder").textContent = t("The highest learning rate that still gets half of the digits right: %(none)s without normalization, %(batch)s with batch normalization.", {
      none: highest(chosen.find((net) => net.kind === "none")),
      batch: highest(chosen.find((net) => net.kind === "batch")),
    });
  });
}
