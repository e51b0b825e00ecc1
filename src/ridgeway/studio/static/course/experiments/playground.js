// The playground: a film strip of decision regions along a path.

import { chart, html, lanes, legend, mean, number, percent } from "./chart.js";
import { stage } from "./stage.js";

const COLOURS = ["--chart-1", "--chart-2", "--chart-3", "--chart-4"];

export function mount(element, given) {
  const strip = element.querySelector("[data-film]");
  const figure = (name) => element.querySelector(`[data-figure="${name}"]`);
  const form = element.querySelector("[data-training]");
  const range = element.querySelector('[data-control="frame"] input[type="range"]');
  let drawn = null;
  let fresh = false;

  const own = form.querySelector("[data-own]");
  const made = form.querySelector("[data-made]");
  const kind = form.querySelector('[name="data"]');
  const choose = () => {
    own.hidden = kind.value !== "csv";
    made.hidden = !own.hidden;
  };
  kind.addEventListener("change", choose);
  form.addEventListener("submit", () => (fresh = true));
  choose();
  form.querySelector("[data-file]").addEventListener("change", async (event) => {
    const [file] = event.target.files;
    if (file && file.size <= 120000) form.querySelector('[name="csv"]').value = await file.text();
    else if (file) element.querySelector("[data-status]").textContent = element.querySelector("[data-file]").dataset.tooLarge;
  });

  stage(element, given, (state, data, t) => {
    if (fresh && drawn !== data) {
      // After a new training the best is shown, not the strength that stood at the same place before.
      fresh = false;
      range.value = data.best;
      range.dispatchEvent(new Event("input", { bubbles: true }));
      return;
    }
    const chosen = Number(state.frame);
    const rows = data.frames;
    if (drawn !== data) {
      const named = data.classes.map((name, place) => ({ label: t("class %(name)s", { name }), points: [], colour: place + 1, kind: "dots" }));
      element.querySelector("[data-classes]").replaceChildren(legend(named));
      drawn = data;
      strip.replaceChildren(...rows.map((frame, place) => html("li", {}, card(frame, place))));
    }
    function card(frame, place) {
      const canvas = html("canvas", { width: 220, height: 220, "aria-hidden": "true" });
      paint(canvas, data, frame, false);
      const tags = [];
      if (place === data.best) tags.push(html("span", { class: "tag" }, t("best")));
      if (place === data.one_se) tags.push(html("span", { class: "tag se" }, t("one SE")));
      const button = html(
        "button",
        { type: "button", class: `frame${place === data.best ? " best" : ""}` },
        canvas,
        html("span", { class: "facts-line tags" }, html("strong", {}, number(frame.strength)), ...tags),
        html("span", { class: "facts-line" }, t("validation %(value)s", { value: number(mean(frame.val_nll), 3) })),
      );
      button.addEventListener("click", () => {
        range.value = place;
        range.dispatchEvent(new Event("input", { bubbles: true }));
      });
      return button;
    }
    [...strip.querySelectorAll(".frame")].forEach((button, place) => button.setAttribute("aria-pressed", String(place === chosen)));
    const frame = rows[chosen];
    const big = element.querySelector("[data-big]");
    paint(big, data, frame, true);
    const slider = element.querySelector('[data-control="frame"]');
    slider.querySelector("output").textContent = number(frame.strength);
    range.setAttribute("aria-valuetext", number(frame.strength));
    const strengths = rows.map((one) => one.strength);
    const along = (name) => rows.map((one, place) => [place, mean(one[name])]);
    chart(figure("path"), {
      label: t("Loss against the strength"),
      x: { label: t("Strength"), ticks: lanes(strengths) },
      y: { label: t("Loss") },
      series: [
        { label: t("Validation loss"), points: along("val_nll"), colour: 1, dotted: true },
        { label: t("Training loss"), points: along("train_nll"), colour: 2, dotted: true },
        { label: "", points: rows.flatMap((one, place) => one.val_nll.map((value) => [place, value])), colour: 1, kind: "dots", size: 2.2, faint: true },
      ],
      marks: [
        { x: chosen },
        { x: data.best, y: mean(rows[data.best].val_nll), label: t("best"), colour: 2 },
        ...(data.one_se === data.best ? [] : [{ x: data.one_se, y: mean(rows[data.one_se].val_nll), label: t("one SE"), colour: 5 }]),
      ],
      table: {
        head: [t("Strength"), t("Validation loss"), t("Training loss"), t("Validation accuracy"), "‖w‖"],
        body: rows.map((one) => [number(one.strength), number(mean(one.val_nll), 3), number(mean(one.train_nll), 3), percent(mean(one.val_accuracy)), number(one.norm, 3)]),
        current: chosen,
      },
    });
    element.querySelector("[data-said]").textContent = [
      t("Strength %(strength)s: validation loss %(val)s, accuracy %(accuracy)s; training loss %(train)s.", {
        strength: number(frame.strength),
        val: number(mean(frame.val_nll), 3),
        accuracy: percent(mean(frame.val_accuracy)),
        train: number(mean(frame.train_nll), 3),
      }),
      t("Validation chooses %(best)s; the strongest within one standard error of it is %(one)s.", { best: number(rows[data.best].strength), one: number(rows[data.one_se].strength) }),
    ].join(" ");
    big.setAttribute("aria-label", t("Decision regions at strength %(strength)s", { strength: number(frame.strength) }));
  });
}

/** Regions as colours whose strength is the confidence, with training points, and validation points as rings. */
function paint(canvas, data, frame, points) {
  const context = canvas.getContext("2d");
  const style = getComputedStyle(document.documentElement);
  const colours = COLOURS.map((name) => rgb(style.getPropertyValue(name).trim()));
  const paper = rgb(style.getPropertyValue("--paper").trim());
  const codes = Uint8Array.from(atob(frame.region), (letter) => letter.charCodeAt(0));
  const { side } = data;
  const image = new ImageData(side, side);
  const least = 1 / data.classes.length;
  codes.forEach((code, place) => {
    const sure = Math.max(0, ((code % 64) / 63 - least) / (1 - least));
    const share = 0.12 + 0.6 * sure;
    colours[code >> 6].forEach((value, channel) => (image.data[4 * place + channel] = share * value + (1 - share) * paper[channel]));
    image.data[4 * place + 3] = 255;
  });
  const small = new OffscreenCanvas(side, side);
  small.getContext("2d").putImageData(image, 0, 0);
  context.imageSmoothingEnabled = true;
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
  const [left, right, bottom, top] = data.box;
  const place = ([x, y]) => [((x - left) / (right - left)) * canvas.width, ((top - y) / (top - bottom)) * canvas.height];
  const size = canvas.width / (points ? 95 : 75);
  const css = (colour) => `rgb(${colour.join(" ")})`;
  data.points.forEach((point, row) => {
    const [x, y] = place(point);
    context.beginPath();
    context.arc(x, y, size, 0, 7);
    context.fillStyle = css(colours[data.labels[row]]);
    context.strokeStyle = css(paper);
    context.lineWidth = size / 3;
    context.fill();
    context.stroke();
  });
  if (!points) return;
  data.val_points.forEach((point, row) => {
    const [x, y] = place(point);
    context.beginPath();
    context.arc(x, y, size * 0.85, 0, 7);
    // Filled with paper, or a ring would be lost on a region of its own colour.
    context.fillStyle = css(paper);
    context.fill();
    context.strokeStyle = css(colours[data.val_labels[row]]);
    context.lineWidth = size / 2.4;
    context.stroke();
  });
}

function rgb(text) {
  const hex = text.replace("#", "");
  return [0, 2, 4].map((place) => parseInt(hex.slice(place, place + 2), 16));
}
