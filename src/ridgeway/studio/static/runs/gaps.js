// The gaps between the losses of lanes, before they are drawn.

/** Every so many of a list, so that there are at most `most`, and every how many. */
function thinned(list, most) {
  const every = Math.max(1, Math.ceil(list.length / most));
  return [list.filter((_, place) => place % every === 0), every];
}

/**
 * What the picture shows of lanes that train, as the server says it of lanes that have ended: those that there are, from
 * the least regularized to the most, with their gaps at the epochs that are drawn.
 */
export function gapsOf(lanes, most) {
  const told = lanes.filter((lane) => lane.logs.val_loss && lane.logs.loss);
  const sorted = [...told].sort((one, other) => one.strength - other.strength || one.lane - other.lane);
  const last = sorted.reduce((longest, lane) => Math.max(longest, lane.epochs), 0);
  const [epochs, every] = thinned(
    Array.from({ length: last }, (_, place) => place + 1),
    most.epochs,
  );
  const gap = ({ logs }, epoch) => {
    const [outside, inside] = [logs.val_loss[epoch - 1], logs.loss[epoch - 1]];
    return typeof outside === "number" && typeof inside === "number" ? outside - inside : null;
  };
  const shown = thinned(sorted, most.lanes)[0].map((lane) => ({
    lane: lane.lane,
    label: lane.label,
    strength: lane.strength,
    values: epochs.filter((epoch) => epoch <= lane.epochs).map((epoch) => gap(lane, epoch)),
  }));
  return { lanes: shown, count: told.length, epochs, every, last };
}

/** The largest and the smallest gap, each with its lane and epoch, and what all but one in fifty stay below in size. */
export function extremes(gaps) {
  let most = null;
  let least = null;
  const sizes = [];
  for (const { lane, values } of gaps.lanes) {
    values.forEach((gap, place) => {
      if (gap === null) return;
      sizes.push(Math.abs(gap));
      if (most === null || gap > most.gap) most = { gap, lane, epoch: gaps.epochs[place] };
      if (least === null || gap < least.gap) least = { gap, lane, epoch: gaps.epochs[place] };
    });
  }
  const sorted = Float64Array.from(sizes).sort();
  return { most, least, limit: sorted[Math.ceil(sorted.length * 0.98) - 1] ?? 0, largest: sorted.at(-1) ?? 0 };
}
