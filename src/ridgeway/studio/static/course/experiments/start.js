// Starts the experiment of a page that has no lesson around it.

const element = document.querySelector("[data-start]");
const source = element.querySelector('script[type="application/json"]');
const { mount } = await import(element.dataset.start);
mount(element, { lang: document.documentElement.lang, data: JSON.parse(source.textContent) });
