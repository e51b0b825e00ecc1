// A new run: says that a file is on its way, and counts the lanes that a form asks for.

const upload = document.querySelector("[data-upload]");
upload?.addEventListener("submit", () => {
  upload.querySelector("[data-upload-said]").textContent = upload.dataset.textSending;
});

const form = document.querySelector("[data-new-run]");
if (form) {
  form.addEventListener("input", count);
  form.addEventListener("change", count);
  count();
}

/** How many values are written: numbers or words with commas, or low:high:count. */
function values(text) {
  const parts = text.split(":");
  if (parts.length >= 3) return Number.parseInt(parts[2], 10) || 0;
  return text.split(",").filter((one) => one.trim()).length;
}

function count() {
  const searches = form.querySelector('[name="method"]:checked')?.value === "search";
  for (const part of form.querySelectorAll("[data-varied], [data-grid-only]")) part.hidden = searches;
  let lanes = Math.max(1, Number(form.elements.repeats.value) || 1);
  for (const box of form.querySelectorAll('input[name^="vary_"]')) {
    const field = form.elements[`values_${box.name.slice("vary_".length)}`];
    field.hidden = !box.checked;
    if (box.checked) lanes *= values(field.value);
  }
  const said = form.querySelector("[data-lanes]");
  said.textContent = searches ? "" : said.dataset.text.replace("{count}", lanes.toLocaleString(document.documentElement.lang));
}
