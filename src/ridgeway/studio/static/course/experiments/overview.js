// Overview: the race of the regularizers.

import { chart, mean, number, percent } from "./chart.js";
import { stage } from "./stage.js";

export function mount(element, given) {
  const figure = (name) => element.querySelector(`[data-figure="${name}"]`);
  stage(element, given, (state, data, t) => {
    const level = Number(state.level);
    const measure = state.measure;
    const names = {
      none: t("nothing"),
      weight_decay: t("weight decay"),
      l1: "L1",
      dropout: t("dropout"),
      label_smoothing: t("label smoothing"),
      batch: t("batch normalization"),
      layer: t("layer normalization"),
      early_stopping: t("early stopping"),
    };
    const measures = {
      val_nll: t("Validation loss"),
      val_accuracy: t("Validation accuracy"),
      gap: t("Gap: validation loss less the loss on training rows with right labels"),
    };
    const better = measure === "val_accuracy" ? -1 : 1;
    const rows = data.racers.map((racer) => ({ ...racer.levels[level], name: racer.name }));
    const order = [...rows].sort((a, b) => better * (mean(a[measure]) - mean(b[measure])));
    const worth = (row) => mean(row[measure]);
    const strength = (row) => (row.strength == null ? "" : ` (${number(row.strength)})`);
    const base = worth(rows[0]);
    chart(figure("race"), {
      label: measures[measure],
      x: { label: measures[measure] },
      y: { rows: true, reverse: true, ticks: order.map((row, place) => [place, names[row.name] + strength(row)]) },
      series: [
        { label: "", points: order.flatMap((row, place) => row[measure].map((value) => [value, place])), colour: 1, kind: "dots", size: 2.8, faint: true },
        { label: "", points: order.map((row, place) => [worth(row), place]), colour: 2, kind: "dots", size: 6 },
      ],
      marks: [{ x: base, label: t("nothing: %(value)s", { value: number(base, 3) }) }],
      height: 330,
      still: true,
      table: {
        head: [t("Regularizer"), t("Validation loss"), t("Validation accuracy"), t("gap")],
        body: order.map((row) => [names[row.name] + strength(row), number(mean(row.val_nll), 3), percent(mean(row.val_accuracy)), number(mean(row.gap), 3)]),
      },
    });
    chart(figure("curves"), {
      label: t("Validation loss by epoch, mean of five seeds"),
      x: { label: t("Epoch"), domain: [1, data.epochs] },
      y: { label: t("Validation loss"), domain: [0.4, 1.8] },
      series: rows.map((row, place) => ({
        label: names[row.name],
        points: row.curve.map((value, epoch) => [epoch + 1, value]),
        colour: [7, 1, 3, 2, 4, 5, 6, 8][place],
        dashed: place === 0 || place > 5,
      })),
      height: 320,
    });
    const helps = rows.slice(1).filter((row) => better * (worth(row) - base) < 0);
    element.querySelector("[data-said]").textContent = [
      t("First: %(name)s with %(value)s.", { name: names[order[0].name], value: number(worth(order[0]), 3) }),
      t("%(count)s of 7 do better than nothing (%(base)s).", { count: helps.length, base: number(base, 3) }),
      measure === "gap" ? t("A small gap alone is no merit: a network that learns nothing has none.") : "",
    ].join(" ");
  });
}
