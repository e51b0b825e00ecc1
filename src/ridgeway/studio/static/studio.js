// What every page can use: small things that a page can be read without.

/** Asks before a form is sent that says so by data-confirm. */
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

/** Sends a form as soon as one of its fields changes, where it says so by data-autosubmit. */
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-autosubmit]");
  if (form) form.requestSubmit();
});

/** Times are written in the reader's own zone: <time datetime="…"> */
function localize() {
  for (const time of document.querySelectorAll("time[datetime][data-local]")) {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.valueOf())) continue;
    time.textContent = new Intl.DateTimeFormat(document.documentElement.lang, {
      dateStyle: "medium",
      timeStyle: "short",
    }).format(moment);
  }
}
localize();
// Parts of a page that are loaded anew have times too.
document.addEventListener("htmx:afterSettle", localize);
