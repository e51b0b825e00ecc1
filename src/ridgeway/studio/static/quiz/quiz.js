// One question of the quiz: saves each answer as it is given, tells loudly when that fails, and tries again.
// Without this script the form's buttons save.

const form = document.getElementById("answer-form");
const texts = form.dataset;
const saved = document.getElementById("saved");
const failed = document.getElementById("save-failed");
const reason = document.getElementById("save-reason");
const refused = document.getElementById("answer-error");
const flag = document.getElementById("flag");
const order = document.getElementById("order");

const TYPING = 700; // milliseconds after the last key until a number is saved
const FIRST_WAIT = 2000;
const LONGEST_WAIT = 30000;

let dirty = false; // something is not saved
let running = null; // the one request under way: answers must arrive in the order in which they were given
let typing = 0;
let retry = 0;
let wait = FIRST_WAIT;
let asked = {}; // a button's name and value, for the next request

function show(state) {
  saved.dataset.state = state;
  saved.textContent = texts[state];
}

function changed(extra = {}) {
  dirty = true;
  Object.assign(asked, extra);
  window.clearTimeout(typing);
  if (saved.dataset.state !== "saving") show("unsaved");
}

/** Saves until nothing is left to save; whether that went well. */
async function save() {
  window.clearTimeout(typing);
  window.clearTimeout(retry);
  while (running) await running;
  if (!dirty) return true;
  running = send();
  const well = await running;
  running = null;
  return well && dirty ? save() : well;
}

async function send() {
  dirty = false;
  show("saving");
  const data = new FormData(form);
  const extra = asked;
  asked = {};
  for (const [name, value] of Object.entries(extra)) data.set(name, value);
  let answer;
  let body = {};
  try {
    answer = await fetch(form.action, {
      method: "POST",
      body: data,
      headers: { Accept: "application/json" },
      signal: AbortSignal.timeout(20000),
    });
    body = await answer.json();
  } catch {
    return lost(extra, texts.offline);
  }
  if (answer.status === 409 && body.location) {
    window.location.assign(body.location);
    return true;
  }
  if (answer.status === 422) {
    // The server can't read it: that is for the learner to mend, and the answer saved before stands.
    refused.hidden = false;
    refused.querySelector("p").textContent = body.detail;
    form.querySelector("#answer")?.setAttribute("aria-invalid", "true");
    show("unsaved");
    failed.hidden = true;
    return false;
  }
  if (!answer.ok) return lost(extra, body.detail ?? texts.offline, answer.status === 403 || answer.status === 404);
  refused.hidden = true;
  form.querySelector("#answer")?.removeAttribute("aria-invalid");
  failed.hidden = true;
  wait = FIRST_WAIT;
  show(body.has_answer ? "saved" : "open");
  note(body);
  return true;
}

/** What was to be saved is still to be saved. */
function lost(extra, why, final = false) {
  dirty = true;
  asked = { ...extra, ...asked };
  show("unsaved");
  reason.textContent = why;
  failed.hidden = false;
  if (!final) {
    retry = window.setTimeout(save, wait);
    wait = Math.min(2 * wait, LONGEST_WAIT);
  }
  return false;
}

function note(body) {
  const answered = document.getElementById("answered");
  answered.textContent = answered.dataset.text
    .replace("{answered}", body.answered)
    .replace("{total}", answered.dataset.total);
  const here = form.querySelector(".place[aria-current]");
  here.dataset.answered = body.has_answer ? "yes" : "no";
  here.dataset.flagged = body.flagged ? "yes" : "no";
  flag.setAttribute("aria-pressed", body.flagged);
  flag.value = body.flagged ? "off" : "on";
  if (order && body.has_answer) document.getElementById("order-as-it-is")?.remove();
}

form.addEventListener("change", () => {
  changed();
  save();
});

form.addEventListener("input", (event) => {
  if (event.target.id !== "answer") return;
  changed();
  typing = window.setTimeout(save, TYPING);
});

document.getElementById("save-again").addEventListener("click", save);
window.addEventListener("online", () => dirty && save());
window.addEventListener("beforeunload", (event) => {
  if (dirty || running) event.preventDefault();
});

form.addEventListener("submit", async (event) => {
  const button = event.submitter;
  if (button?.name === "flag" || button?.name === "move" || button?.value === "order") {
    event.preventDefault();
    if (button.name === "move") move(button);
    changed(button.name === "move" ? { move: "here" } : { [button.name]: button.value });
    await save();
    return;
  }
  // Leaving the page: not before what is there is saved.
  if (!dirty && !running) return;
  event.preventDefault();
  const well = await save();
  if (well) window.location.assign(target(button));
});

function target(button) {
  const place = button?.value || "review";
  return form.getAttribute("action").replace(/[^/]+$/, place);
}

/** Takes a thing up or down its list, and keeps the focus with it. */
function move(button) {
  const item = button.closest("li");
  const up = button.value.endsWith(":up");
  if (up) item.previousElementSibling?.before(item);
  else item.nextElementSibling?.after(item);
  for (const one of order.children) {
    const [first, second] = one.querySelectorAll("button");
    first.disabled = one === order.firstElementChild;
    second.disabled = one === order.lastElementChild;
  }
  if (button.disabled) item.querySelector("button:not(:disabled)").focus();
  else button.focus();
}

document.getElementById("keys").hidden = false;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const at = event.target;
  const inChoice = at.matches("input[type=radio], input[type=checkbox]");
  if (/^[1-9]$/.test(event.key) && (inChoice || !at.matches("input, select, textarea"))) {
    const choice = form.querySelectorAll(".options input")[Number(event.key) - 1];
    if (choice) {
      choice.focus();
      choice.click();
    }
  } else if (event.key === "Enter" && !at.closest("button, a, summary, input, select, textarea")) {
    form.requestSubmit(form.querySelector("button[name=go]"));
  }
});

if (texts.seconds !== undefined) {
  const clock = document.getElementById("clock");
  const told = document.getElementById("clock-said");
  const end = performance.now() + 1000 * Number(texts.seconds);
  const tick = () => {
    const left = Math.max(0, Math.round((end - performance.now()) / 1000));
    const minutes = Math.floor(left / 60);
    clock.textContent = `${texts.timeLeft}: ${minutes}:${String(left % 60).padStart(2, "0")}`;
    clock.classList.toggle("late", left <= 300);
    if (left === 300) told.textContent = texts.fewMinutes;
    if (left === 60) told.textContent = texts.lastMinute;
    if (left > 0) return;
    window.clearInterval(ticking);
    // The server hands in what it has once its own clock says so.
    save().finally(() => window.setTimeout(() => window.location.reload(), 12000));
  };
  const ticking = window.setInterval(tick, 1000);
  tick();
}
