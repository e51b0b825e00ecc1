// What is made of curves before they are drawn.

/** A moving average that weighs the past by `weight`, without its bias at the start; where there is no value it has none. */
export function smoothed(values, weight) {
  let sum = 0;
  let total = 0;
  return values.map((value) => {
    if (value === null || value === undefined) return null;
    sum = weight * sum + (1 - weight) * value;
    total = weight * total + (1 - weight);
    return sum / total;
  });
}

/**
 * Lanes of one configuration as one curve: the mean, and the standard error around it, of the epochs that all of them
 * did. Where one has stopped there is no mean: the others' would be of a sample that changed unseen.
 */
export function banded(lanes, log) {
  const groups = new Map();
  for (const lane of lanes) {
    if (!groups.has(lane.group)) groups.set(lane.group, []);
    groups.get(lane.group).push(lane);
  }
  return [...groups.values()].map((several) => {
    const length = Math.min(...several.map((lane) => lane.logs[log]?.length ?? 0));
    const at = Array.from({ length }, (_, epoch) => {
      const values = several.map((lane) => lane.logs[log][epoch]);
      if (values.some((value) => value === null || value === undefined)) return [null, null];
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const spread = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
      return [mean, values.length > 1 ? Math.sqrt(spread / (values.length - 1) / values.length) : null];
    });
    return {
      numbers: several.map((lane) => lane.lane),
      label: several[0].label,
      strength: several[0].strength,
      mean: at.map(([mean]) => mean),
      low: at.map(([mean, error]) => (error === null ? null : mean - error)),
      high: at.map(([mean, error]) => (error === null ? null : mean + error)),
    };
  });
}

/**
 * How regularized each lane is, from 0 to 1 among those given: the ranks of its values, of those hyperparameters that
 * regularize; of the first that varies where none does.
 */
export function strengths(lanes, about) {
  const numeric = about.names.filter((name) => lanes.some((lane) => typeof lane.values[name] === "number"));
  const counted = numeric.filter((name) => about.regularizes.includes(name));
  const totals = lanes.map(() => 0);
  for (const name of counted.length ? counted : numeric.slice(0, 1)) {
    const order = about.orders[name] ?? [...new Set(lanes.map((lane) => lane.values[name]))].sort((one, other) => one - other);
    if (order.length < 2) continue;
    lanes.forEach((lane, place) => (totals[place] += Math.max(0, order.indexOf(lane.values[name])) / (order.length - 1)));
  }
  const most = Math.max(...totals, 0);
  return totals.map((total) => (most ? total / most : 0));
}
