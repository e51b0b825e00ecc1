// Norms: balls of any p with the contour that touches them, and the coefficient paths of L1 and L2.

import { chart, draw, lanes, number, svg, table } from "./chart.js";
import { stage } from "./stage.js";

export function mount(element, given) {
  const figure = (name) => element.querySelector(`[data-figure="${name}"]`);
  const said = (name) => element.querySelector(`[data-said="${name}"]`);
  stage(element, given, (state, data, t) => {
    const at = Number(state.p);
    const radius = Number(state.radius);
    const loss = data.contact.losses[state.contours];
    const point = loss.points[at][radius];
    const names = data.exponents.map((p) => (p === "inf" ? "∞" : String(p)));
    draw(figure("ball"), (plot, wide) => plot.replaceChildren(picture(data, at, data.radii[radius], loss.matrix, point, Math.min(wide, 460), t)));
    table(figure("ball"), {
      head: ["p", "w₁", "w₂", t("Loss above its least")],
      body: names.map((name, place) => {
        const one = loss.points[place][radius];
        return [name, number(one.w[0], 3), number(one.w[1], 3), number(one.loss, 3)];
      }),
      current: at,
    });
    chart(figure("triangle"), {
      label: t("Length of the sum and sum of the lengths"),
      x: { label: "p", ticks: names.map((name, place) => [place, name]) },
      y: { label: t("Length"), domain: [0, 5] },
      series: [
        { label: t("‖a + b‖"), points: data.triangle.map((one, place) => [place, one.sum]), colour: 1, dotted: true },
        { label: t("‖a‖ + ‖b‖"), points: data.triangle.map((one, place) => [place, one.parts]), colour: 2, dashed: true },
      ],
      marks: [{ x: at, label: `p = ${names[at]}` }],
    });
    const isNorm = data.triangle[at].sum <= data.triangle[at].parts + 1e-9;
    const zero = point.w.some((one) => one === 0);
    said("said").textContent = [
      point.inside
        ? t("p = %(p)s: the best point lies inside the ball, so nothing is held back.", { p: names[at] })
        : t("p = %(p)s: a contour touches the ball at (%(a)s, %(b)s).", { p: names[at], a: number(point.w[0], 3), b: number(point.w[1], 3) }),
      point.inside ? "" : zero ? t("It is a corner: one weight is exactly 0.") : t("Neither weight is 0."),
      isNorm ? "" : t("With p below 1 the triangle inequality fails: this is no norm, though it is often called one."),
    ].join(" ");

    const paths = data.paths;
    const kind = paths[state.penalty];
    const here = Number(state.lambda);
    chart(figure("paths"), {
      label: t("Coefficients against λ"),
      x: { label: "λ", ticks: lanes(paths.strengths, (value) => number(value, 2)) },
      y: { label: t("Coefficient") },
      series: paths.features.map((feature, place) => ({
        label: feature,
        points: kind.weights.map((row, lane) => [lane, row[place]]),
        colour: 1 + (place % 6),
        dashed: place > 5,
      })),
      marks: [{ x: here, label: `λ = ${number(paths.strengths[here], 2)}` }],
      height: 320,
    });
    const kinds = { l1: t("L1, proximal"), subgradient: t("L1, subgradients"), l2: "L2" };
    chart(figure("zeros"), {
      label: t("Coefficients that are exactly 0"),
      x: { label: "λ", ticks: lanes(paths.strengths, (value) => number(value, 2)) },
      y: { label: t("Zeros"), domain: [0, 10.4] },
      series: Object.entries(kinds).map(([name, label], place) => ({ label, points: paths[name].zeros.map((value, lane) => [lane, value]), colour: 1 + place, dotted: true, dashed: place === 1 })),
      marks: [{ x: here }],
    });
    said("paths").textContent = t("%(kind)s at λ = %(lambda)s: %(zeros)s of 10 coefficients are exactly 0, the mean squared error is %(error)s.", {
      kind: kinds[state.penalty],
      lambda: number(paths.strengths[here], 2),
      zeros: kind.zeros[here],
      error: number(kind.error[here], 3),
    });
  });
}

/** The ball, contours of the loss, and the one that touches. */
function picture(data, at, radius, matrix, point, wide, t) {
  const [low, high] = [-1.45, 1.95];
  const tall = wide * 0.86;
  const unit = wide / (high - low);
  const zero = [-low * unit, tall * 0.55];
  const place = ([x, y]) => [zero[0] + x * unit, zero[1] - y * unit];
  const label = t("The ball of p = %(p)s and size %(radius)s; a contour touches it at (%(a)s, %(b)s)", {
    p: data.exponents[at] === "inf" ? "∞" : data.exponents[at],
    radius: number(radius),
    a: number(point.w[0], 3),
    b: number(point.w[1], 3),
  });
  const root = svg("svg", { class: "chart cut", viewBox: `0 0 ${wide} ${tall}`, role: "img", "aria-label": label });
  root.append(svg("line", { class: "cross", x1: 0, x2: wide, y1: zero[1], y2: zero[1] }), svg("line", { class: "cross", x1: zero[0], x2: zero[0], y1: 0, y2: tall }));
  root.append(svg("text", { class: "tick end", x: wide - 4, y: zero[1] - 6 }, "w₁"), svg("text", { class: "tick", x: zero[0] + 6, y: 12 }, "w₂"));
  const edge = data.angles.map((angle, number_) => {
    const [x, y] = place([radius * data.balls[at][number_] * Math.cos(angle), radius * data.balls[at][number_] * Math.sin(angle)]);
    return `${x.toFixed(1)} ${y.toFixed(1)}`;
  });
  root.append(svg("path", { class: "ball", d: `M${edge.join("L")}Z` }));
  const centre = data.contact.centre;
  const touching = point.inside ? null : point.loss;
  for (const level of [0.05, 0.2, 0.45, 0.8, 1.25]) root.append(contour(matrix, centre, level, place, unit, "contour"));
  if (touching) root.append(contour(matrix, centre, touching, place, unit, "contour touching"));
  const [cx, cy] = place(centre);
  root.append(svg("circle", { class: "dot c2", cx, cy, r: 4 }), svg("text", { class: "mark-text mid", x: Math.min(cx, wide - 62), y: cy - 10 }, t("least loss")));
  const [x, y] = place(point.w);
  root.append(svg("circle", { class: "dot c8", cx: x, cy: y, r: 5.5 }));
  return root;
}

/** The ellipse (w − c)ᵀA(w − c) = level. */
function contour([[a, b], [, d]], centre, level, place, unit, kind) {
  const middle = (a + d) / 2;
  const away = Math.hypot((a - d) / 2, b);
  const angle = 0.5 * Math.atan2(2 * b, a - d);
  const [x, y] = place(centre);
  return svg("ellipse", {
    class: kind,
    cx: x,
    cy: y,
    rx: unit * Math.sqrt(level / (middle + away)),
    ry: unit * Math.sqrt(level / (middle - away)),
    transform: `rotate(${(-angle * 180) / Math.PI} ${x} ${y})`,
  });
}
