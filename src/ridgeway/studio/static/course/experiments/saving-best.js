// Saving the best: each saved epoch of one seed, and last against best over twenty.

import { chart, number, percent } from "./chart.js";
import { stage } from "./stage.js";

export function mount(element, given) {
  const figure = (name) => element.querySelector(`[data-figure="${name}"]`);
  stage(element, given, (state, data, t) => {
    const epoch = Number(state.epoch) + 1;
    const score = state.score;
    const scrub = data.scrub;
    const best = 1 + scrub.val_nll.indexOf(Math.min(...scrub.val_nll));
    const epochs = (curve) => curve.map((value, place) => [place + 1, value]);
    chart(figure("scrub"), {
      label: t("One seed, epoch by epoch"),
      x: { label: t("Epoch"), domain: [1, data.epochs] },
      y: { label: t("Loss"), domain: [0, 1.6] },
      series: [
        { label: t("Validation loss"), points: epochs(scrub.val_nll), colour: 1 },
        { label: t("Training loss"), points: epochs(scrub.train_nll), colour: 2 },
        { label: t("Loss on the test rows"), points: epochs(scrub.test_nll), colour: 3, dashed: true },
      ],
      marks: [
        { x: epoch, label: t("loaded: %(epoch)s", { epoch }) },
        { x: best, label: t("best: %(epoch)s", { epoch: best }), colour: 1 },
      ],
      height: 300,
      table: {
        head: [t("Epoch"), t("Validation loss"), t("Training loss"), t("Loss on the test rows"), t("Test accuracy")],
        body: scrub.val_nll.map((value, place) => [
          place + 1,
          number(value),
          number(scrub.train_nll[place]),
          number(scrub.test_nll[place]),
          percent(scrub.test_accuracy[place]),
        ]),
        current: epoch - 1,
      },
    });
    const kinds = { last: t("last epoch"), best: t("best epoch"), patience: t("best within patience 3") };
    const kept = Object.keys(kinds).map((kind) => data.kept[kind]);
    chart(figure("seeds"), {
      label: score === "test_nll" ? t("Loss on the test rows, 20 seeds") : t("Test accuracy, 20 seeds"),
      x: { label: score === "test_nll" ? t("Loss on the test rows") : t("Test accuracy") },
      y: { rows: true, reverse: true, ticks: Object.values(kinds).map((label, place) => [place, label]) },
      series: [
        ...kept[0][score].map((_, seed) => ({ label: "", points: kept.map((one, place) => [one[score][seed], place]), colour: 7, faint: true })),
        ...kept.map((one, place) => ({ label: "", points: one[score].map((value) => [value, place]), colour: [2, 1, 4][place], kind: "dots", size: 3.5 })),
      ],
      height: 230,
      still: true,
      table: {
        head: [t("Seed"), t("best epoch"), t("stopped by patience 3"), ...Object.values(kinds)],
        body: kept[0][score].map((_, seed) => [
          seed + 1,
          kept[1].epoch[seed],
          kept[2].trained[seed],
          ...kept.map((one) => (score === "test_nll" ? number(one[score][seed]) : percent(one[score][seed]))),
        ]),
      },
    });
    element.querySelector('[data-said="said"]').textContent = t(
      "The weights of epoch %(epoch)s: validation loss %(val)s, test loss %(test)s, test accuracy %(accuracy)s. The callback saves epoch %(best)s, where validation is best.",
      {
        epoch,
        val: number(scrub.val_nll[epoch - 1], 3),
        test: number(scrub.test_nll[epoch - 1], 3),
        accuracy: percent(scrub.test_accuracy[epoch - 1]),
        best,
      },
    );
    const format = score === "test_nll" ? (value) => number(value, 2) : (value) => percent(value);
    const { mean: middle, low, high } = data.paired.best[score];
    const missed = kept[2].epoch.filter((one, seed) => one !== kept[1].epoch[seed]).length;
    element.querySelector('[data-said="paired"]').textContent = [
      score === "test_nll"
        ? t("Loading the best epoch instead of the last changes the test loss by %(middle)s on average (95% interval %(low)s to %(high)s).", { middle: format(middle), low: format(low), high: format(high) })
        : t("Loading the best epoch instead of the last changes the test accuracy by %(middle)s on average (95% interval %(low)s to %(high)s).", { middle: format(middle), low: format(low), high: format(high) }),
      t("With patience 3, %(missed)s of 20 trainings stop before their best epoch: what comes later is never saved.", { missed }),
    ].join(" ");
  });
}
