// Questions of the quiz, one on a page or all: saves each answer as it is given, tells loudly when that fails, and
// tries again. Without this script the forms' buttons save.

const texts = document.getElementById("texts").dataset;
const failed = document.getElementById("save-failed");
const reason = document.getElementById("save-reason");
const answered = document.getElementById("answered");

const TYPING = 700; // milliseconds after the last key until a number is saved
const FIRST_WAIT = 2000;
const LONGEST_WAIT = 30000;

const failing = new Set(); // forms whose answers are not saved

/** Shows that a form's answer can't be saved, or hides it once none is left. */
function tell(form, why) {
  if (why) failing.add(form);
  else failing.delete(form);
  if (why) reason.textContent = why;
  failed.hidden = failing.size === 0;
}

/** Makes a form save by itself. */
function attach(form) {
  const state = form.querySelector(".saved");
  const refused = form.querySelector(".answer-error");
  const flag = form.querySelector(".flag");
  const order = form.querySelector(".order");

  let dirty = false; // something is not saved
  let running = null; // the one request under way: answers must arrive in the order in which they were given
  let typing = 0;
  let retry = 0;
  let wait = FIRST_WAIT;
  let sent = 0; // by it the server tells a request that was given up from the one that was sent after it
  let asked = {}; // a button's name and value, for the next request

  function show(name) {
    state.dataset.state = name;
    state.textContent = texts[name];
  }

  function changed(extra = {}) {
    dirty = true;
    Object.assign(asked, extra);
    window.clearTimeout(typing);
    if (state.dataset.state !== "saving") show("unsaved");
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
    sent += 1;
    data.set("sent", sent);
    for (const [name, value] of Object.entries(extra)) data.set(name, value);
    let answer;
    let body = {};
    try {
      answer = await fetch(form.action, {
        method: "POST",
        // Shorter than a form of parts, and quicker to read for the server.
        body: new URLSearchParams(data),
        headers: { Accept: "application/json" },
        signal: AbortSignal.timeout(20000),
      });
      body = await answer.json();
    } catch {
      return lost(extra, texts.offline);
    }
    if (answer.status === 409 && body.location) {
      // Handed in, or answered from elsewhere: the page as it is now says so.
      window.history.replaceState(null, "", body.location);
      window.location.reload();
      return false;
    }
    if (answer.status === 422) {
      // The server can't read it: that is for the learner to mend, and the answer saved before stands.
      refused.hidden = false;
      refused.querySelector("p").textContent = body.detail;
      form.querySelector("input[type=text]")?.setAttribute("aria-invalid", "true");
      show("unsaved");
      tell(form, "");
      return false;
    }
    if (!answer.ok) return lost(extra, body.detail ?? texts.offline, answer.status === 403 || answer.status === 404);
    refused.hidden = true;
    form.querySelector("input[type=text]")?.removeAttribute("aria-invalid");
    tell(form, "");
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
    tell(form, why);
    if (!final) {
      // Not all at once when a server that was gone is back.
      retry = window.setTimeout(save, wait * (0.75 + Math.random() / 2));
      wait = Math.min(2 * wait, LONGEST_WAIT);
    }
    return false;
  }

  function note(body) {
    form.elements.seen.value = body.seen;
    form.elements.shown.value = body.shown;
    answered.textContent = answered.dataset.text
      .replace("{answered}", body.answered)
      .replace("{total}", answered.dataset.total);
    const here = form.querySelector(".place[aria-current]");
    if (here) {
      here.dataset.answered = body.has_answer ? "yes" : "no";
      here.dataset.flagged = body.flagged ? "yes" : "no";
    }
    flag.setAttribute("aria-pressed", body.flagged);
    flag.value = body.flagged ? "off" : "on";
    if (order && body.has_answer) form.querySelector(".order-as-it-is")?.remove();
    if (body.seconds_left !== null) setClock(body.seconds_left);
  }

  /** Takes a thing up or down its list, keeps the focus with it, and says where it is now. */
  function move(button) {
    const item = button.closest("li");
    const up = button.value.endsWith(":up");
    if (up) item.previousElementSibling?.before(item);
    else item.nextElementSibling?.after(item);
    const all = [...order.children];
    for (const one of all) {
      const [first, second] = one.querySelectorAll("button");
      first.disabled = one === order.firstElementChild;
      second.disabled = one === order.lastElementChild;
    }
    if (button.disabled) item.querySelector("button:not(:disabled)").focus();
    else button.focus();
    form.querySelector(".moved").textContent = texts.moved
      .replace("{item}", item.querySelector(".order-text").textContent)
      .replace("{place}", all.indexOf(item) + 1)
      .replace("{total}", all.length);
  }

  form.addEventListener("change", () => {
    changed();
    save();
  });

  form.addEventListener("input", (event) => {
    if (event.target.type !== "text") return;
    changed();
    typing = window.setTimeout(save, TYPING);
  });

  form.addEventListener("submit", async (event) => {
    const button = event.submitter;
    const here = button?.name === "flag" || button?.name === "move" || button?.value === "order";
    if (here) {
      event.preventDefault();
      if (button.name === "move") move(button);
      changed(button.name === "move" ? { move: "here" } : { [button.name]: button.value });
      await save();
      return;
    }
    // Leaving the page: not before what is there is saved.
    if (!dirty && !running && !form.elements.on) return;
    event.preventDefault();
    if ((await save()) && !form.elements.on) window.location.assign(target(button));
  });

  function target(button) {
    return form.getAttribute("action").replace(/[^/]+$/, button?.value || "review");
  }

  return { save, unsaved: () => dirty || running !== null };
}

let setClock = () => {};
const forms = [...document.querySelectorAll("form.answer-form")].map(attach);
const saveAll = () => Promise.all(forms.map((one) => one.save()));

document.getElementById("save-again").addEventListener("click", saveAll);
window.addEventListener("online", saveAll);
window.addEventListener("beforeunload", (event) => {
  if (forms.some((one) => one.unsaved())) event.preventDefault();
});

const keys = document.getElementById("keys");
if (keys) keys.hidden = false;
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  const at = event.target;
  if (/^[1-9]$/.test(event.key)) {
    // Only from within the options: elsewhere a key by itself must do nothing (WCAG 2.1.4).
    const choice = at.closest(".options")?.querySelectorAll("input")[Number(event.key) - 1];
    choice?.focus();
    choice?.click();
  } else if (event.key === "Enter" && !at.closest("button, a, summary, input, select, textarea")) {
    const form = document.getElementById("answer-form");
    form?.requestSubmit(form.querySelector("button[name=go]"));
  }
});

const clock = document.getElementById("clock");
if (clock) {
  const told = document.getElementById("clock-said");
  let end = 0;
  let ticking = 0;
  let before = Infinity; // seconds left at the tick before
  const tick = () => {
    const left = Math.max(0, Math.round((end - performance.now()) / 1000));
    const minutes = Math.floor(left / 60);
    clock.textContent = `${texts.timeLeft}: ${minutes}:${String(left % 60).padStart(2, "0")}`;
    clock.classList.toggle("late", left <= 300);
    if (before > 300 && left <= 300 && left > 60) told.textContent = texts.fewMinutes;
    if (before > 60 && left <= 60) told.textContent = texts.lastMinute;
    before = left;
    if (left > 0) return;
    window.clearInterval(ticking);
    // The server hands in what it has once its own clock says so.
    saveAll().finally(() => window.setTimeout(() => window.location.reload(), 12000));
  };
  // The server's clock counts: a laptop that slept, and more time that a teacher gave, come with the next answer.
  setClock = (seconds) => {
    end = performance.now() + 1000 * seconds;
  };
  setClock(Number(clock.dataset.seconds));
  before = Number(clock.dataset.seconds) + 1;
  ticking = window.setInterval(tick, 1000);
  tick();
}
