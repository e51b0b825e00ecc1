// What shows lanes lights up together: rows of tables, and panels. A panel has `light(numbers)`, the lanes to light up.

/** Tells that the reader points at lanes; at none where the list is empty. */
export function pointed(numbers) {
  document.dispatchEvent(new CustomEvent("lane-point", { detail: numbers }));
}

/** Tells that the reader picked a lane: it is kept lit, or no longer where it was. */
export function picked(lane) {
  document.dispatchEvent(new CustomEvent("lane-pick", { detail: lane }));
}

/** Points at, and picks, what lies under the mouse in a plot: `found(left, top)` gives the lanes there. */
export function pointable(plot, found) {
  let before = "";
  const point = (numbers) => {
    if (String(numbers) === before) return;
    before = String(numbers);
    pointed(numbers);
  };
  plot.over.addEventListener("mousemove", (event) => point(found(event.offsetX, event.offsetY)));
  plot.over.addEventListener("mouseleave", () => {
    before = "";
    pointed([]);
  });
  plot.over.addEventListener("click", (event) => {
    const [lane] = found(event.offsetX, event.offsetY);
    if (lane !== undefined) picked(lane);
  });
}

/**
 * Links panels and the rows of the page, under the mouse, with the focus, by a click or a row's button.
 *
 * @returns {{pinned: function(): ?number, again: function(), end: function()}} the lane that is kept lit; lights up anew
 *   what was drawn anew; ends it all
 */
export function linked(panels) {
  let pinned = null;
  let lit = [];
  const rows = () => {
    for (const row of document.querySelectorAll("tr[data-lane]")) {
      row.classList.toggle("is-hovered", lit.includes(Number(row.dataset.lane)));
    }
    for (const button of document.querySelectorAll("[data-pin]")) {
      button.setAttribute("aria-pressed", String(pinned !== null && Number(laneOf(button)) === pinned));
    }
  };
  const laneOf = (button) => button.dataset.pin || button.closest("tr")?.dataset.lane;
  const light = (numbers) => {
    lit = numbers.length || pinned === null ? numbers : [pinned];
    for (const panel of panels) panel.light(lit);
    rows();
  };
  const pick = (lane) => {
    pinned = pinned === lane ? null : lane;
    light([lane]);
  };
  const rowOf = (event) => event.target.closest?.("tr[data-lane]");
  const enter = (event) => rowOf(event) && light([Number(rowOf(event).dataset.lane)]);
  const leave = (event) => rowOf(event) && light([]);
  const listeners = {
    mouseover: enter,
    mouseout: leave,
    focusin: enter,
    focusout: leave,
    click: (event) => {
      const button = event.target.closest("[data-pin]");
      // A row's links and boxes have work of their own.
      const row = event.target.closest("a, button, input, label") ? null : rowOf(event);
      const lane = button ? laneOf(button) : row?.dataset.lane;
      if (lane) pick(Number(lane));
    },
    "lane-point": (event) => light(event.detail),
    "lane-pick": (event) => pick(event.detail),
  };
  for (const [kind, listener] of Object.entries(listeners)) document.addEventListener(kind, listener);
  return {
    pinned: () => pinned,
    again: rows,
    end: () => {
      for (const [kind, listener] of Object.entries(listeners)) document.removeEventListener(kind, listener);
    },
  };
}
