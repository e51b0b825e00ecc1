// What a lesson does beyond being read: it remembers the prediction, starts the experiment, and copies code.

const lang = document.documentElement.lang;
const words = document.querySelector("script[data-copy]").dataset;

rememberPrediction();
startExperiment();
offerCopies();
followReading();
foldContents();
reachWideFormulas();
openForPrint();

/** The choice stays in this browser, and is shown again beside the experiment and the answer. */
function rememberPrediction() {
  const choices = document.querySelector("[data-prediction]");
  const key = `prediction:${choices.dataset.prediction}`;
  const show = (value) => {
    for (const response of document.querySelectorAll(".response")) {
      response.classList.toggle("mine", response.dataset.choice === value);
    }
    const reminder = document.querySelector(".my-prediction");
    const chosen = choices.querySelector(`input[value="${value}"]`);
    if (!chosen) return;
    if (reminder) {
      reminder.hidden = false;
      reminder.lastElementChild.textContent = chosen.nextElementSibling.textContent;
    }
  };
  choices.addEventListener("change", (event) => {
    store(key, event.target.value);
    show(event.target.value);
  });
  const before = stored(key);
  const input = /^[1-4]$/.test(before ?? "") ? choices.querySelector(`input[value="${before}"]`) : null;
  if (input) {
    input.checked = true;
    show(before);
  }
}

/** Browsers may refuse to store anything; the page works without. */
function store(key, value) {
  try {
    sessionStorage.setItem(key, value);
  } catch (error) {
    console.info("The prediction is not remembered:", error);
  }
}

function stored(key) {
  try {
    return sessionStorage.getItem(key);
  } catch {
    return null;
  }
}

async function startExperiment() {
  const element = document.querySelector(".experiment[data-module]");
  if (!element) return;
  try {
    const { mount } = await import(element.dataset.module);
    const source = element.querySelector('script[type="application/json"]');
    await mount(element, { lang, data: source ? JSON.parse(source.textContent) : null });
  } catch (error) {
    console.error(error);
    document.querySelector(".experiment-failed").hidden = false;
  }
}

function offerCopies() {
  // Only pages that were fetched safely may write to the clipboard.
  if (!navigator.clipboard) return;
  for (const block of document.querySelectorAll("pre.code")) {
    const frame = document.createElement("div");
    frame.className = "code-block";
    const button = document.createElement("button");
    button.type = "button";
    button.className = "quiet small copy";
    button.textContent = words.copy;
    button.addEventListener("click", async () => {
      await navigator.clipboard.writeText(block.textContent);
      button.textContent = words.copied;
      setTimeout(() => (button.textContent = words.copy), 2000);
    });
    block.before(frame);
    frame.append(button, block);
  }
}

/** Marks in the list of sections the one that is being read. */
function followReading() {
  const links = new Map(
    [...document.querySelectorAll(".toc ol a")].map((link) => [link.getAttribute("href").slice(1), link]),
  );
  const seen = new Set();
  const observer = new IntersectionObserver(
    (entries) => {
      for (const entry of entries) {
        if (entry.isIntersecting) seen.add(entry.target.id);
        else seen.delete(entry.target.id);
      }
      const current = [...links.keys()].find((id) => seen.has(id));
      for (const [id, link] of links) {
        if (id === current) link.setAttribute("aria-current", "true");
        else link.removeAttribute("aria-current");
      }
    },
    { rootMargin: "-80px 0px -60% 0px" },
  );
  for (const id of links.keys()) {
    const section = document.getElementById(id);
    if (section) observer.observe(section);
  }
}

/** On a phone the list of sections would fill the first screen. */
function foldContents() {
  if (matchMedia("(max-width: 60rem)").matches) document.querySelector(".toc-fold").open = false;
}

/** A formula that is wider than the screen scrolls, so the keyboard must reach it. */
function reachWideFormulas() {
  const check = () => {
    for (const formula of document.querySelectorAll('p:has(> math[display="block"])')) {
      if (formula.scrollWidth > formula.clientWidth) formula.tabIndex = 0;
      else formula.removeAttribute("tabindex");
    }
  };
  check();
  addEventListener("resize", check);
}

/** Answers are printed too; of an experiment the figures are enough. */
function openForPrint() {
  let opened = [];
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details:not([open])")].filter((one) => !one.closest(".experiment"));
    for (const one of opened) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of opened) one.open = false;
  });
}
