// The panels of a run beside its curves, those that its page has.

import { GapMap } from "./gapmap.js";
import { Strength } from "./strength.js";

/**
 * @param {Object} told what the page calls things
 * @param {string} mode "min" or "max"
 * @returns {{strengths: Strength[], map: ?GapMap, all: Array}}
 */
export function panels(told, mode) {
  const { hyperparameters: names, orders, lane, partly } = told;
  const sections = [...document.querySelectorAll("[data-strength-choice]")].map((choice) => choice.closest("section"));
  const strengths = sections.map((section) => new Strength(section, { mode, names, orders, lane, partly }));
  const place = document.querySelector("[data-gaps]")?.closest("section");
  const map = place ? new GapMap(place, told) : null;
  return { strengths, map, all: [...strengths, ...(map ? [map] : [])] };
}
