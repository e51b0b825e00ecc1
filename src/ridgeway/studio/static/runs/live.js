// A run while it trains: its events arrive as server-sent events, and the page follows.

import { Chart } from "./chart.js";
import { strengths } from "./curves.js";
import { gapsOf } from "./gaps.js";
import { linked } from "./linked.js";
import { panels } from "./panels.js";

const STALE = 15_000;
const RECENT = 30;

const told = JSON.parse(document.getElementById("live-told").textContent);
const standing = JSON.parse(document.getElementById("live-standing").textContent);
const section = document.querySelector("[data-live]");
const words = section.dataset;
const find = (name) => document.querySelector(`[data-live-${name}]`);
const chart = new Chart(document.querySelector("[data-chart]").closest("section"), {
  metrics: told.metrics,
  laneWord: told.lane,
  bandWord: told.band,
  distinct: false,
});
const about = { names: Object.keys(told.hyperparameters), regularizes: told.regularizes, orders: told.orders };
const beside = panels(told, told.mode);
const links = linked([chart, ...beside.all]);

const run = { lanes: new Map(), plan: null, began: null, time: null, paces: [], done: 0, names: [] };
let source = null;
let last = "";
let heard = Date.now();
let ended = false;

function forget() {
  run.lanes.clear();
  run.paces = [];
  run.done = 0;
  run.began = null;
}

function laneOf(number) {
  if (!run.lanes.has(number)) {
    run.lanes.set(number, {
      lane: number,
      label: "",
      strength: 0,
      group: String(number),
      values: {},
      logs: {},
      epochs: 0,
      stopped: "",
      best: null,
      norm: null,
      zeros: null,
    });
  }
  return run.lanes.get(number);
}

function take(news) {
  if (news.again) forget();
  if (news.plan) {
    run.plan = news.plan;
    run.began ??= news.plan.time;
    run.paces = [[news.plan.time, run.done]];
  }
  for (const [number, values, , fold] of news.begun) {
    const parts = about.names.filter((name) => name in values).map((name) => `${told.hyperparameters[name]} ${shown(values[name])}`);
    Object.assign(laneOf(number), { values, label: parts.join(" · "), group: JSON.stringify([values, fold]) });
  }
  if (news.begun.length) {
    const lanes = [...run.lanes.values()];
    strengths(lanes, about).forEach((strength, place) => (lanes[place].strength = strength));
  }
  for (const [number, epoch, ...values] of news.rows) {
    const lane = laneOf(number);
    lane.epochs = epoch;
    news.names.forEach((name, place) => {
      lane.logs[name] ??= [];
      lane.logs[name][epoch - 1] = values[place] ?? null;
    });
    const value = lane.logs[told.metric]?.[epoch - 1] ?? null;
    const better = told.mode === "min" ? value < lane.best?.value : value > lane.best?.value;
    if (value !== null && (lane.best === null || better)) lane.best = { value, epoch };
    run.done += 1;
  }
  for (const [number, why] of news.stopped) laneOf(number).stopped = why;
  for (const [number, norm, zeros] of news.weights) Object.assign(laneOf(number), { norm, zeros });
  run.names = news.names;
  if (news.time) {
    run.time = news.time;
    if (!run.paces.length || news.time - run.paces.at(-1)[0] > 0.5) run.paces.push([news.time, run.done]);
  }
}

function ranked() {
  const sign = told.mode === "min" ? 1 : -1;
  return [...run.lanes.values()].sort(
    (one, other) =>
      (one.best === null) - (other.best === null) ||
      sign * ((one.best?.value ?? 0) - (other.best?.value ?? 0)) ||
      one.lane - other.lane,
  );
}

function secondsLeft(live) {
  if (!run.plan || run.paces.length < 2) return null;
  const [since, before] = run.paces.find(([moment]) => run.time - moment <= RECENT) ?? run.paces[0];
  const [passed, done] = [run.time - since, run.done - before];
  if (passed <= 0 || done <= 0) return null;
  const started = live.reduce((sum, lane) => sum + run.plan.epochs - lane.epochs, 0);
  return ((started + Math.max(0, run.plan.lanes - run.lanes.size) * run.plan.epochs) * passed) / done;
}

function duration(seconds) {
  if (seconds === null || Number.isNaN(seconds)) return "–";
  const filled = (text, values) => text.replace(/%\((\w+)\)[ds]/g, (_, name) => values[name]);
  if (seconds < 59.5) return filled(told.durations.seconds, { seconds: seconds < 10 ? seconds.toFixed(1) : Math.round(seconds) });
  if (seconds < 3600) return filled(told.durations.minutes, { minutes: Math.floor(seconds / 60), seconds: Math.floor(seconds % 60) });
  const minutes = Math.round(seconds / 60);
  return filled(told.durations.hours, { hours: Math.floor(minutes / 60), minutes: minutes % 60 });
}

const shown = (value) =>
  value === null || value === undefined ? "–" : typeof value === "number" ? String(+value.toPrecision(4)) : String(value);

function cell(kind, text, number) {
  const made = document.createElement(kind);
  made.textContent = text;
  if (number) made.className = "number";
  if (kind === "th") made.scope = "row";
  return made;
}

/** The lane's number, as the button that keeps its curve lit. */
function numbered(lane) {
  const made = cell("th", "", true);
  const button = document.createElement("button");
  button.type = "button";
  button.className = "lane-button";
  button.dataset.pin = "";
  button.textContent = lane;
  button.setAttribute("aria-label", told.show.replace("{lane}", lane));
  button.setAttribute("aria-pressed", String(links.pinned() === lane));
  made.append(button);
  return made;
}

/** How far the loss of validation stands above that of training, at the last epoch. */
function gap(lane) {
  const [outside, inside] = ["val_loss", "loss"].map((name) => lane.logs[name]?.[lane.epochs - 1]);
  return typeof outside === "number" && typeof inside === "number" ? outside - inside : null;
}

function draw() {
  const lanes = ranked();
  const live = lanes.filter((lane) => !lane.stopped);
  if (run.plan) {
    const done = lanes.reduce((sum, lane) => sum + (lane.stopped ? 1 : lane.epochs / run.plan.epochs), 0);
    const share = Math.min(1, done / run.plan.lanes);
    find("progress").value = share;
    find("share").textContent = `${Math.round(share * 100)}%`;
    find("lanes").textContent = run.plan.lanes;
    find("slots").textContent = run.plan.slots ?? "–";
    find("time").textContent = duration(run.time - run.began);
    find("left").textContent = duration(standing.state === "running" ? secondsLeft(live) : null);
  }
  find("ended").textContent = lanes.length - live.length;
  find("now").textContent = standing.state === "running" ? live.length : 0;
  cells(standing.state === "running" ? live : []);
  board(lanes.slice(0, told.board));
  if (run.names.length) chart.offer(run.names.filter((name) => name !== told.metric), told.metric);
  const inOrder = [...lanes].sort((one, other) => one.lane - other.lane);
  chart.show(inOrder, lanes[0]?.best ? lanes[0].lane : null);
  const points = inOrder.map(({ lane, values, best, norm, zeros }) => ({
    lane,
    values,
    metric: best?.value ?? null,
    weight_norm: norm,
    zero_share: zeros,
  }));
  for (const panel of beside.strengths) panel.show(points);
  beside.map.show(gapsOf(inOrder, told.drawn));
  links.again();
}

function cells(live) {
  const slots = standing.state === "running" ? (run.plan?.slots ?? 0) : 0;
  const count = Math.min(128, Math.max(slots, live.length));
  const place = find("cells");
  const inOrder = [...live].sort((one, other) => one.lane - other.lane);
  place.replaceChildren(
    ...Array.from({ length: count }, (_, at) => {
      const made = document.createElement("span");
      made.className = inOrder[at] ? "slot busy" : "slot";
      if (inOrder[at]) made.textContent = inOrder[at].lane;
      return made;
    }),
  );
}

function board(best) {
  const rows = best.map((lane, place) => {
    const row = document.createElement("tr");
    row.dataset.lane = lane.lane;
    if (place === 0 && lane.best) row.className = "is-best";
    row.append(
      numbered(lane.lane),
      cell("td", lane.label || "–"),
      cell("td", shown(lane.best?.value), true),
      cell("td", shown(lane.logs[told.metric]?.[lane.epochs - 1]), true),
      cell("td", shown(gap(lane)), true),
      cell("td", `${lane.best?.epoch ?? "–"}/${lane.epochs}`, true),
      cell("td", lane.stopped ? (told.stopped[lane.stopped] ?? lane.stopped) : told.states[standing.state] ?? ""),
    );
    return row;
  });
  // Whoever stands on a lane's button stays there.
  const focused = document.activeElement?.closest?.("tr[data-lane]")?.dataset.lane;
  find("board").replaceChildren(...rows);
  if (focused) find("board").querySelector(`tr[data-lane="${focused}"] button`)?.focus();
}

function state(now) {
  const before = standing.state;
  Object.assign(standing, now);
  if (before === standing.state) return;
  const badge = find("state").firstElementChild;
  badge.className = `badge ${told.looks[standing.state] ?? ""}`;
  badge.textContent = told.states[standing.state] ?? standing.state;
  // What else the page says goes by the state, and needs the server.
  if (before === "waiting" || before === "starting" || standing.state === "gone") location.reload();
}

function listen() {
  if (ended || document.hidden || source) return;
  source = new EventSource(`${words.events}?after=${encodeURIComponent(last)}`);
  const on = (kind, act) =>
    source.addEventListener(kind, (event) => {
      heard = Date.now();
      find("stale").hidden = true;
      if (event.lastEventId) last = event.lastEventId;
      act(JSON.parse(event.data));
    });
  on("state", state);
  on("beat", () => {});
  on("news", (news) => {
    take(news);
    draw();
  });
  on("end", () => {
    ended = true;
    close();
    // A run that has ended is shown with its tables.
    if (standing.tables && standing.state !== "killed") location.reload();
  });
  source.onerror = () => {
    find("stale").hidden = false;
    if (source.readyState !== EventSource.CLOSED) return;
    // Refused, not merely cut off: the browser does not try again by itself.
    close();
    setTimeout(listen, 5000);
  };
}

function close() {
  source?.close();
  source = null;
}

document.addEventListener("visibilitychange", () => (document.hidden ? close() : listen()));
setInterval(() => {
  if (!ended && !document.hidden && Date.now() - heard > STALE) find("stale").hidden = false;
}, 2000);
listen();
