// Small helps for pages that work without them.

// Notes can be closed; the focus goes back to the page that they stood on.
for (const button of document.querySelectorAll("[data-close]")) {
  button.hidden = false;
  button.addEventListener("click", () => {
    button.closest(".note").remove();
    document.getElementById("main").focus();
  });
}

// The way back to a list keeps its filters: each list is remembered with what it showed, in this tab alone.
const LISTS = "lists";
const lists = JSON.parse(sessionStorage.getItem(LISTS) ?? "{}");
if (document.querySelector("form.filters, .period")) {
  lists[location.pathname] = location.search;
  sessionStorage.setItem(LISTS, JSON.stringify(lists));
}
for (const link of document.querySelectorAll(".crumbs a")) {
  const kept = new URLSearchParams(lists[link.pathname] ?? "");
  const asked = new URLSearchParams(link.search);
  if ([...asked].every(([name, value]) => kept.get(name) === value)) link.search = kept.toString();
}

// What does not fit on a narrow screen scrolls sideways; where one is must be in sight.
for (const here of document.querySelectorAll(".site-nav [aria-current], .tabs [aria-current]")) {
  here.parentElement.scrollLeft = here.offsetLeft - here.parentElement.clientWidth / 3;
}

// A form that acts is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || "download" in form.dataset) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", (event) => {
  if (event.persisted) for (const form of document.forms) delete form.dataset.sent;
});

// Menus made of <details> close on Escape and on a click elsewhere.
const openMenus = () => document.querySelectorAll("details.menu[open]");
document.addEventListener("click", (event) => {
  for (const menu of openMenus()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of openMenus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});

// Choosing rows: select all, count, and sum per currency (whole cents, so that no sum is off).
const cents = { minimumFractionDigits: 2, maximumFractionDigits: 2 };
const formatSum = (sum, currency) =>
  `${new Intl.NumberFormat(document.documentElement.lang, cents).format(sum / 100)} ${currency}`;

// The boxes stand in the table, outside their form; the form knows them all the same.
const rowsOf = (form) => [...form.elements].filter((element) => element.matches("input[data-select]"));

const showSelection = (form) => {
  const boxes = rowsOf(form);
  const chosen = boxes.filter((box) => box.checked);
  const sums = new Map();
  for (const box of chosen) {
    const { currency, cents } = box.dataset;
    sums.set(currency, (sums.get(currency) ?? 0) + Number(cents));
  }
  const all = form.querySelector("input[data-select-all]");
  if (all) {
    all.checked = boxes.length > 0 && chosen.length === boxes.length;
    all.indeterminate = chosen.length > 0 && chosen.length < boxes.length;
  }
  for (const target of form.querySelectorAll("[data-selected-count]")) target.textContent = chosen.length;
  for (const target of form.querySelectorAll("[data-selected-sum]")) {
    target.textContent = [...sums].map(([currency, sum]) => formatSum(sum, currency)).join(" + ");
  }
};

document.addEventListener("change", (event) => {
  const form = event.target.form;
  if (!form?.matches("[data-selection]")) return;
  if (event.target.matches("input[data-select-all]")) {
    for (const box of rowsOf(form)) box.checked = event.target.checked;
  }
  showSelection(form);
});
for (const form of document.querySelectorAll("form[data-selection]")) {
  for (const hidden of form.querySelectorAll("[data-needs-script]")) hidden.hidden = false;
  showSelection(form);
}

// An answer from elsewhere is the sign-in page: the session has ended, and the whole page has to say so.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { xhr, pathInfo } = event.detail;
  if (new URL(xhr.responseURL).pathname === new URL(pathInfo.requestPath, location.href).pathname) return;
  event.detail.shouldSwap = false;
  window.location.reload();
});

// A file can be dropped onto the form that takes it; its button sends it, as always.
for (const form of document.querySelectorAll("form[data-drop-zone]")) {
  const input = form.querySelector("input[type=file]");
  const zone = form.querySelector(".drop-zone");
  for (const hidden of form.querySelectorAll("[data-needs-script]")) hidden.hidden = false;
  for (const name of ["dragenter", "dragover"]) {
    zone.addEventListener(name, (event) => {
      event.preventDefault();
      zone.classList.add("is-over");
    });
  }
  zone.addEventListener("dragleave", () => zone.classList.remove("is-over"));
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    zone.classList.remove("is-over");
    if (event.dataTransfer.files.length) input.files = event.dataTransfer.files;
    input.focus();
  });
}

// What went wrong is the first thing to be read out after a form came back.
document.querySelector("[data-error-summary]")?.focus();
