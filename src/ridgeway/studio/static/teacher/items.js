// The table's links open the part that they lead to.
const open = () => {
  const part = document.getElementById(decodeURIComponent(window.location.hash.slice(1)));
  if (part instanceof HTMLDetailsElement) part.open = true;
};
window.addEventListener("hashchange", open);
open();
