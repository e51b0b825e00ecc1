// The list follows the runs that train: the table alone is loaded again, while nobody is in it.

const EVERY = 3000;

setInterval(async () => {
  const table = document.getElementById("runs-table");
  if (!table || table.dataset.refresh !== "1" || document.hidden || table.contains(document.activeElement)) return;
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const fresh = page.getElementById("runs-table");
  if (fresh) table.replaceWith(fresh);
}, EVERY);
