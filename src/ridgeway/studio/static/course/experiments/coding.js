// One-hot and dummy coding of the learner's own categories, and what a penalty makes of them.

import { chart, html, lanes, number } from "./chart.js";
import { stage } from "./stage.js";

const MOST = 8;

export function mount(element, given) {
  const figure = (name) => element.querySelector(`[data-figure="${name}"]`);
  const said = (name) => element.querySelector(`[data-said="${name}"]`);
  const select = element.querySelector("#c-reference");
  stage(element, given, (state, data, t) => {
    const typed = [...new Set(state.names.split(",").map((name) => name.trim().slice(0, 20)).filter(Boolean))].slice(0, MOST);
    const names = typed.length > 1 ? typed : ["1", "2"];
    [...select.options].forEach((option, place) => {
      option.hidden = option.disabled = place >= names.length;
      option.textContent = names[place] ?? String(place + 1);
    });
    const reference = Math.min(Number(state.reference), names.length - 1);
    const kept = names.filter((_, place) => place !== reference);
    codes(element.querySelector('[data-codes="one-hot"]'), names, names, t);
    codes(element.querySelector('[data-codes="dummy"]'), names, kept, t);
    said("said").textContent = t(
      "One-hot: %(count)s columns. Beside an intercept they have rank %(count)s of %(more)s, for they always add up to 1. Dummy coding without %(reference)s: %(less)s columns, rank %(count)s of %(count)s.",
      { count: names.length, more: names.length + 1, less: names.length - 1, reference: names[reference] },
    );

    const at = Number(state.lambda);
    // The training knows categories by number; names are the learner's where there are enough.
    const label = (place) => names[place] ?? String(place + 1);
    const groups = data.means.map((_, place) => place);
    const own = Math.min(reference, data.categories - 1);
    const [full, ...dummies] = data.lanes;
    const series = [
      { label: t("Mean of the category"), points: groups.map((place) => [place, data.means[place]]), colour: 8, kind: "dots", size: 6 },
      { label: t("one-hot"), points: groups.map((place) => [place, full[at].predictions[place]]), colour: 1, kind: "dots", size: 4.5 },
      ...dummies.map((rows, place) => ({
        label: t("without %(name)s", { name: label(place) }),
        points: groups.map((one) => [one + 0.06 * (place - dummies.length / 2), rows[at].predictions[one]]),
        colour: 2 + (place % 5),
        kind: "dots",
        size: place === own ? 4.5 : 2.8,
      })),
    ];
    chart(figure("predictions"), {
      label: t("Prediction for each category"),
      x: { label: t("Category"), ticks: groups.map((place) => [place, label(place)]), domain: [-0.5, groups.length - 0.5] },
      y: { label: t("Prediction") },
      series,
      height: 290,
      still: true,
      table: {
        head: [t("Category"), t("Rows"), t("Mean of the category"), t("one-hot"), ...dummies.map((_, place) => t("without %(name)s", { name: label(place) }))],
        body: groups.map((one) => [label(one), data.counts[one], number(data.means[one]), number(full[at].predictions[one]), ...dummies.map((rows) => number(rows[at].predictions[one]))]),
      },
    });
    const apart = (one) => {
      const found = data.lanes.map((rows) => rows[at].predictions[one]);
      return Math.max(...found) - Math.min(...found);
    };
    const most = at ? groups.reduce((best, one) => (apart(one) > apart(best) ? one : best), 0) : Math.min(2, groups.length - 1);
    chart(figure("path"), {
      label: t("Prediction for %(name)s against λ", { name: label(most) }),
      x: { label: "λ", ticks: lanes(data.strengths) },
      y: { label: t("Prediction for %(name)s", { name: label(most) }) },
      series: data.lanes.map((rows, place) => ({
        label: place ? t("without %(name)s", { name: label(place - 1) }) : t("one-hot"),
        points: rows.map((row, lane) => [lane, row.predictions[most]]),
        colour: 1 + (place % 6),
        dashed: place > 0,
        dotted: place === 0,
      })),
      marks: [{ x: at, label: `λ = ${data.strengths[at]}` }],
    });
    const dummy = dummies[own][at];
    chart(figure("weights"), {
      label: t("Weights and intercept"),
      x: { label: t("Column"), ticks: [[0, t("intercept")], ...groups.map((place) => [place + 1, label(place)])], domain: [-0.5, groups.length + 0.5] },
      y: { label: t("Weight") },
      series: [
        { label: t("one-hot"), points: [[0, full[at].intercept], ...groups.map((place) => [place + 1, full[at].weights[place]])], colour: 1, kind: "dots", size: 5 },
        { label: t("without %(name)s", { name: label(own) }), points: [[0, dummy.intercept], ...groups.map((place) => [place + 1, place === own ? null : dummy.weights[place]])], colour: 2, kind: "dots", size: 5 },
      ],
      marks: [{ y: 0 }],
      still: true,
    });
    said("lanes").textContent = at
      ? t("At λ = %(lambda)s the prediction for %(name)s depends on the coding by up to %(apart)s: the penalty pulls every category towards the reference, or with one-hot codes towards the middle.", {
          lambda: data.strengths[at],
          name: label(most),
          apart: number(apart(most), 2),
        })
      : t("Without a penalty all codings predict the mean of each category.");
  });
}

function codes(table, names, columns, t) {
  const caption = html("caption", { class: "visually-hidden" }, t("Code of each category"));
  const head = html("tr", {}, html("th", { scope: "col" }, t("Category")), ...columns.map((name) => html("th", { scope: "col" }, name)));
  const rows = names.map((name) => html("tr", {}, html("th", { scope: "row" }, name), ...columns.map((other) => html("td", { class: other === name ? "hot" : null }, other === name ? 1 : 0))));
  table.replaceChildren(caption, html("thead", {}, head), html("tbody", {}, ...rows));
}
