// What all experiments share: controls and their values in the address, training anew with a progress bar, reset.

const HASH = "#lab?";
const ADDRESS = "/course/experiments";

/**
 * Brings an experiment's controls to life.
 *
 * @param {HTMLElement} element the experiment's section
 * @param {{lang: string, data: {result: object, texts: object}}} given as the lesson's script passes it
 * @param {(state: object, result: object, t: (message: string) => string, changed: string | null) => void} show draws
 *   everything for a state; `changed` is the control that moved, null for all
 */
export function stage(element, { data }, show) {
  const { texts } = data;
  const t = (message, values = {}) => (texts[message] ?? message).replace(/%\((\w+)\)s/g, (_, name) => values[name]);
  const controls = new Map([...element.querySelectorAll("[data-control]")].map((one) => [one.dataset.control, control(one)]));
  const training = element.querySelector("[data-training]");
  let result = data.result;

  const state = () => Object.fromEntries([...controls].map(([name, one]) => [name, one.value]));
  const paint = (changed = null) => show(state(), result?.data, t, changed);
  const remember = () => {
    const kept = new URLSearchParams();
    for (const [name, one] of controls) if (one.value !== one.initial) kept.set(name, one.value);
    if (training) for (const field of fields(training)) if (field.value !== field.dataset.initial) kept.set(field.name, field.value);
    const text = kept.toString();
    const here = location.pathname + location.search;
    if (text || location.hash.startsWith(HASH)) history.replaceState(null, "", text ? here + HASH + text : here);
  };

  for (const [name, one] of controls) {
    one.listen(() => {
      paint(name);
      remember();
    });
  }
  element.querySelector("[data-reset]")?.addEventListener("click", () => {
    for (const one of controls.values()) one.value = one.initial;
    if (training) for (const field of fields(training)) field.value = field.dataset.initial;
    result = data.result;
    badge(element, result, t);
    status(element, "");
    paint();
    remember();
  });
  // Whoever touches an experiment may train it anew: the process that does takes seconds to start. If it can't be had, the
  // training says so.
  if (training) {
    const touched = new AbortController();
    const ready = () => {
      touched.abort();
      fetch(`${ADDRESS}/ready`).catch(() => {});
    };
    for (const kind of ["pointerover", "focusin"]) element.addEventListener(kind, ready, { signal: touched.signal });
  }
  training?.addEventListener("submit", (event) => {
    event.preventDefault();
    remember();
    train();
  });

  async function train() {
    if (training.ariaBusy === "true") return;
    const settings = settingsOf(training);
    training.ariaBusy = "true";
    const bar = element.querySelector("progress");
    bar.hidden = false;
    bar.value = 0;
    status(element, t("Training …"));
    try {
      result = await fetchResult(element.dataset.experiment ?? element.dataset.name, settings, training.dataset.token, (progress, ahead) => {
        bar.value = progress;
        status(element, ahead ? t("Waiting for %(ahead)s trainings …", { ahead }) : `${t("Training …")} ${Math.round(100 * progress)}%`);
      });
      status(element, t("Done: these are the results of the new training."));
      badge(element, result, t);
      paint();
    } catch (error) {
      status(element, error.message || t("The training could not be started. Is the studio still running?"), true);
    } finally {
      training.ariaBusy = "false";
      bar.hidden = true;
    }
  }

  for (const one of element.querySelectorAll("[data-live]")) one.hidden = false;
  const asked = location.hash.startsWith(HASH) ? new URLSearchParams(location.hash.slice(HASH.length)) : new URLSearchParams();
  let anew = false;
  for (const [name, value] of asked) {
    if (controls.has(name)) controls.get(name).value = value;
    const field = training && fields(training).find((one) => one.name === name);
    if (field && field.value !== value) {
      field.value = value;
      anew = true;
    }
  }
  if (asked.size) element.scrollIntoView();
  paint();
  element.dataset.ready = "";
  if (training && (anew || !result)) train();
  return { paint, state, t, train };
}

/** A slider over lanes with its number box, a group of radios, a checkbox, a select or a text field. */
function control(one) {
  const range = one.querySelector('input[type="range"]');
  if (range) return slider(one, range);
  const inputs = [...one.querySelectorAll("input, select, textarea")];
  const single = inputs.length === 1 ? inputs[0] : null;
  const box = single?.type === "checkbox";
  const read = () => (box ? String(single.checked) : single ? single.value : inputs.find((input) => input.checked).value);
  return {
    initial: read(),
    get value() {
      return read();
    },
    set value(value) {
      if (box) single.checked = value === "true";
      else if (single) {
        if (single.tagName !== "SELECT" || [...single.options].some((option) => option.value === value)) single.value = value;
      } else for (const input of inputs) input.checked = inputs.some((other) => other.value === value) ? input.value === value : input.checked;
    },
    listen(call) {
      one.addEventListener(single && single.type !== "checkbox" ? "input" : "change", call);
    },
  };
}

function slider(one, range) {
  const values = JSON.parse(one.dataset.values);
  const box = one.querySelector('input[type="number"]');
  const output = one.querySelector("output");
  const show = () => {
    const value = values[range.value];
    const text = one.dataset.words ? JSON.parse(one.dataset.words)[range.value] : String(value).replace("inf", "∞");
    range.setAttribute("aria-valuetext", text);
    if (box) box.value = Number.isFinite(Number(value)) ? value : "";
    if (box) box.placeholder = text;
    if (output) output.textContent = text;
  };
  show();
  const made = {
    initial: range.value,
    /** The lane's number. */
    get value() {
      return range.value;
    },
    set value(value) {
      range.value = value;
      show();
    },
    listen(call) {
      range.addEventListener("input", () => {
        show();
        call();
      });
      box?.addEventListener("change", () => {
        // The nearest value that was trained.
        const wanted = Number(box.value);
        const distances = values.map((value) => (Number.isFinite(Number(value)) ? Math.abs(value - wanted) : Infinity));
        if (box.value !== "") range.value = distances.indexOf(Math.min(...distances));
        show();
        call();
      });
    },
  };
  return made;
}

const fields = (form) => [...form.querySelectorAll("input[name], select[name], textarea[name]")].filter((field) => field.name !== "csrf");

function settingsOf(form) {
  const found = {};
  for (const field of fields(form)) {
    if (field.closest("[hidden]") || (field.type === "radio" && !field.checked)) continue;
    found[field.name] = field.value;
  }
  return found;
}

/** Asks for a result, and waits for the training where there is none yet. */
async function fetchResult(name, settings, token, told) {
  const address = `${ADDRESS}/${name}`;
  const long = "csv" in settings;
  const answer = await fetch(long ? address : `${address}?${new URLSearchParams(settings)}`, {
    method: long ? "POST" : "GET",
    headers: { accept: "application/json", ...(long ? { "x-csrf-token": token, "content-type": "application/json" } : {}) },
    body: long ? JSON.stringify(settings) : undefined,
  });
  const body = await answer.json();
  if (answer.status === 200) return body;
  if (answer.status !== 202) throw new Error(body.detail);
  for (let wait = 150; ; wait = Math.min(500, wait + 50)) {
    await new Promise((done) => setTimeout(done, wait));
    const asked = await fetch(`${ADDRESS}/jobs/${body.job}`, { headers: { accept: "application/json" } });
    const job = await asked.json();
    if (!asked.ok) throw new Error(job.detail);
    if (job.state === "done") return job.result;
    if (job.state === "failed") throw new Error(job.error);
    told(job.progress, job.ahead);
  }
}

function badge(element, result, t) {
  const place = element.querySelector("[data-badge]");
  if (place && result) place.textContent = t("seed %(seed)s · %(ms)s ms", { seed: result.settings.seed, ms: result.milliseconds.toLocaleString("en") });
}

function status(element, text, bad = false) {
  const place = element.querySelector("[data-status]");
  place.textContent = text;
  place.classList.toggle("bad-text", bad);
}
