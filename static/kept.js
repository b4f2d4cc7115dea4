// What must not be lost when a page comes anew: where the focus was, and what stood in a form.

// --- The control that was used to sort, filter or turn the page has the focus again ------------------------------
{
  const PLACE = "portal-focus";
  const CONTROLS = "main :is(.list-table thead a, .pagination a, .filters button, .chips a, .period a)";
  const selectorOf = (control) => {
    if (control.matches(".filters button")) return ".filters button[type=submit]";
    if (control.rel) return `.pagination a[rel=${control.rel}]`;
    const arrow = [...document.querySelectorAll("main .period > a")].indexOf(control);
    if (arrow >= 0) return `.period > a:nth-of-type(${arrow + 1})`;
    const column = control.closest("thead th");
    if (column) return `.list-table thead th:nth-child(${column.cellIndex + 1}) a`;
    return ".table-wrap"; // it may be gone by then: what it changed is the next best
  };
  const remember = (selector) => sessionStorage.setItem(PLACE, JSON.stringify([window.location.pathname, selector]));
  document.addEventListener("click", (event) => {
    const control = event.target.closest?.(CONTROLS);
    if (control && event.detail === 0) remember(selectorOf(control)); // by mouse nobody has lost a focus
  });
  const kept = sessionStorage.getItem(PLACE);
  sessionStorage.removeItem(PLACE);
  if (kept && !document.querySelector("[data-error-summary]")) {
    const [path, selector] = JSON.parse(kept);
    if (path === window.location.pathname) document.querySelector(`main ${selector}`)?.focus();
  }
}

// --- What was entered before the session ended is back in its form ------------------------------------------------
{
  const ENTERED = "portal-entered";
  document.addEventListener("click", (event) => {
    const link = event.target.closest?.("a[data-fill]");
    if (link) {
      const entered = JSON.parse(link.dataset.fill);
      sessionStorage.setItem(ENTERED, JSON.stringify({ ...entered, text: link.dataset.fillText }));
    }
  });
  const pathOf = (address) => new URL(address, window.location.href).pathname;
  const fill = ({ path, fields, text }) => {
    const wanted = pathOf(path);
    const form = [...document.querySelectorAll("main form")].find(
      (each) => each.method === "post" && pathOf(each.getAttribute("action") || window.location.href) === wanted,
    );
    if (!form) return;
    const values = new Map();
    for (const [name, value] of fields) values.set(name, [...(values.get(name) ?? []), value]);
    let first = null;
    for (const control of form.elements) {
      // Hidden ones say what the page knew; a page of now knows better.
      if (!control.name || control.matches("[type=hidden], [type=password], [type=file], button")) continue;
      const own = values.get(control.name);
      if (control.matches("[type=checkbox], [type=radio]")) control.checked = own?.includes(control.value) ?? false;
      else if (own) control.value = own.shift() ?? control.value;
      first ??= control;
    }
    const note = document.createElement("div");
    note.className = "note note-good";
    note.setAttribute("role", "status");
    note.textContent = text;
    form.before(note);
    first?.focus();
  };
  const entered = sessionStorage.getItem(ENTERED);
  if (entered) {
    const found = JSON.parse(entered);
    if (pathOf(found.page) === window.location.pathname) {
      sessionStorage.removeItem(ENTERED);
      fill(found);
    }
  }
}
