// Input normalization: descent on stretched contours, steps to a target, pixels on four scales.

import { chart, draw, lanes, number, svg, table } from "./chart.js";
import { stage } from "./stage.js";

export function mount(element, given) {
  const figure = (name) => element.querySelector(`[data-figure="${name}"]`);
  stage(element, given, (state, data, t, changed) => {
    const shape = data.stretches[Number(state.stretch)];
    const lane = data.lanes.find((one) => one.stretch === shape.stretch && one.rate === data.rates[Number(state.rate)]);
    draw(figure("descent"), (plot, wide) => plot.replaceChildren(picture(shape, lane, Math.min(wide, 520), t)));
    table(figure("descent"), {
      head: [t("Step"), "w₁", "w₂", t("Loss")],
      body: lane.weights.map(([a, b], step) => [step, number(a), number(b), number(lane.loss[step])]),
    });
    const stretches = data.stretches.map((one) => one.stretch);
    const places = stretches.map((_, place) => place);
    chart(figure("steps"), {
      label: t("Steps until a hundredth of the way is left"),
      x: { label: t("Stretch"), ticks: lanes(stretches) },
      y: { label: t("Steps"), log: true },
      series: data.rates.slice(0, -1).map((rate, place) => ({
        label: t("rate %(share)s", { share: rate }),
        points: places.map((at) => [at, data.lanes.find((one) => one.stretch === stretches[at] && one.rate === rate).steps_to_target]),
        colour: 1 + place,
        dashed: place === 1,
        dotted: true,
      })),
      marks: [{ x: Number(state.stretch) }],
    });
    element.querySelector("[data-said]").textContent = [
      t("Stretched %(stretch)s times, the contours are %(stretch)s times as long as wide (condition number %(condition)s), and a step may be no larger than %(largest)s.", {
        stretch: shape.stretch,
        condition: number(shape.condition),
        largest: number(shape.largest_rate, 3),
      }),
      lane.diverges
        ? t("At %(rate)s, beyond it, each step lands further away: descent diverges.", { rate: number(lane.learning_rate, 3) })
        : t("At %(rate)s, 99% of the way down takes %(steps)s steps.", { rate: number(lane.learning_rate, 3), steps: lane.steps_to_target.toLocaleString("en") }),
    ].join(" ");
    if (changed != null) return;
    const names = { raw: t("0 to 255"), unit: t("0 to 1"), symmetric: t("−1 to 1"), standardized: t("standardized") };
    const colours = { raw: 2, unit: 4, symmetric: 1, standardized: 3 };
    const pixels = data.pixels;
    chart(figure("pixels"), {
      label: t("Validation loss by learning rate"),
      x: { label: t("Learning rate"), log: true },
      y: { label: t("Validation loss"), log: true },
      series: pixels.scales.map((one) => ({
        label: names[one.scale],
        points: one.curve.map((curve, place) => [pixels.rates[place], curve.at(-1)]),
        colour: colours[one.scale],
        dotted: true,
        dashed: one.scale === "unit",
      })),
      table: {
        head: [t("Scale"), t("best learning rate"), t("Validation loss"), t("epochs until %(target)s", { target: pixels.target })],
        body: pixels.scales.map((one) => {
          const at = fastest(one);
          return [names[one.scale], number(pixels.rates[at]), number(one.curve[at].at(-1), 3), one.epochs_to_target[at] ?? t("never")];
        }),
      },
    });
    chart(figure("pixel-curves"), {
      label: t("Validation loss by epoch, each scale at its best learning rate"),
      x: { label: t("Epoch") },
      y: { label: t("Validation loss"), domain: [0, 3] },
      series: pixels.scales.map((one) => {
        const at = fastest(one);
        return {
          label: t("%(scale)s at %(rate)s", { scale: names[one.scale], rate: number(pixels.rates[at]) }),
          points: one.curve[at].map((value, epoch) => [epoch + 1, value]),
          colour: colours[one.scale],
          dashed: one.scale === "unit",
        };
      }),
      marks: [{ y: pixels.target, label: t("target") }],
    });
  });
}

/** The learning rate whose last loss is least. */
function fastest(scale) {
  const last = scale.curve.map((curve) => curve.at(-1) ?? Infinity);
  return last.indexOf(Math.min(...last));
}

/** Contours of the loss and the way down; both axes have one scale, that of the contours' long side. */
function picture(shape, lane, wide, t) {
  const [[a], [, d]] = shape.curvature;
  const tall = wide * 0.62;
  const long = Math.abs(shape.best[1]) || 1;
  const unit = (0.36 * wide) / long;
  // The second weight goes to the right, for contours are long that way; beyond a stretch of 8 they would be a line.
  const zoom = Math.max(1, shape.stretch / 8);
  const centre = [wide * 0.56, tall * 0.5];
  const side = shape.best[1] > 0 ? 1 : -1;
  const place = ([first, second]) => [centre[0] + side * (second - shape.best[1]) * unit, centre[1] - (first - shape.best[0]) * unit * zoom];
  const end = lane.weights.at(-1);
  const label = t("From (0, 0) towards (%(a)s, %(b)s): after 60 steps at (%(c)s, %(d)s)", {
    a: number(shape.best[0], 3),
    b: number(shape.best[1], 3),
    c: number(end[0], 3),
    d: number(end[1], 3),
  });
  const root = svg("svg", { class: "chart", viewBox: `0 0 ${wide} ${tall}`, role: "img", "aria-label": label });
  const clip = svg("clipPath", { id: "descent-frame" }, svg("rect", { x: 0, y: 0, width: wide, height: tall }));
  const inner = svg("g", { "clip-path": "url(#descent-frame)" });
  for (const size of [0.25, 0.5, 0.75, 1, 1.3, 1.7]) {
    const level = 0.5 * d * (size * long) ** 2;
    inner.append(svg("ellipse", { class: "contour", cx: centre[0], cy: centre[1], rx: Math.sqrt((2 * level) / d) * unit, ry: Math.sqrt((2 * level) / a) * unit * zoom }));
  }
  const steps = lane.weights.map(place).filter(([x, y]) => Math.abs(x) < 20 * wide && Math.abs(y) < 20 * wide);
  inner.append(svg("path", { class: "line c2", d: `M${steps.map((one) => one.map((at) => at.toFixed(1)).join(" ")).join("L")}` }));
  for (const [x, y] of steps.slice(0, 30)) inner.append(svg("circle", { class: "dot c2", cx: x, cy: y, r: 2.6 }));
  const [sx, sy] = place([0, 0]);
  inner.append(svg("circle", { class: "dot c8", cx: centre[0], cy: centre[1], r: 4.5 }));
  inner.append(svg("text", { class: "mark-text", x: centre[0] + 8, y: centre[1] - 8 }, t("least loss")));
  inner.append(svg("text", { class: "mark-text end", x: sx - 8, y: sy + 4 }, t("start")));
  root.append(clip, inner);
  root.append(svg("text", { class: "tick end", x: wide - 4, y: tall - 6 }, "w₂"), svg("text", { class: "tick", x: 4, y: 14 }, zoom > 1 ? `w₁ × ${zoom}` : "w₁"));
  return root;
}
