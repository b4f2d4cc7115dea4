// Single keys for whoever wants them (data-shortcuts="off" on the body: nobody does), never while somebody types.
// What a key does stands in the pages: data-key="a" names the button that "a" presses, data-go="o" the page of "g o".

const keysAreOn = () => document.body.dataset.shortcuts !== "off";
const typesInto = (element) =>
  element.isContentEditable || element.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=submit])");
const isSeen = (element) => element.getClientRects().length > 0;

const PATIENCE = 1500; // milliseconds between "g" and the next key
let goingSince = -Infinity;

const rows = () => [...document.querySelectorAll("main .list-table tbody tr")].filter(isSeen);
const rowInFocus = () => document.activeElement?.closest("main .list-table tbody tr");

const focusRow = (row) => {
  if (!row) return;
  row.tabIndex = -1;
  row.focus({ preventScroll: true });
  row.scrollIntoView({ block: "nearest" });
};

const moveRow = (step) => {
  const all = rows();
  const here = all.indexOf(rowInFocus());
  focusRow(here < 0 ? all[step > 0 ? 0 : all.length - 1] : all[here + step]);
};

const press = (key) => {
  const wanted = `[data-key="${CSS.escape(key)}"]`;
  const own = rowInFocus()?.querySelector(wanted);
  const target = own ?? [...document.querySelectorAll(`main ${wanted}`)].find(isSeen);
  target?.click();
  return Boolean(target);
};

const boxOf = (row) => row?.querySelector("input[type=checkbox]:not(:disabled)");

const goTo = (key) => {
  const page = document.querySelector(`[data-go="${CSS.escape(key)}"]`);
  if (page) window.location.assign(page.dataset.href);
  return Boolean(page);
};

const openSearch = () => {
  const box = document.getElementById("site-search");
  if (box && isSeen(box)) box.focus();
  else document.querySelector("[data-palette]")?.click();
  return true;
};

const openHelp = () => {
  document.getElementById("keys-help")?.showModal();
  return true;
};

const openRow = () => {
  const link = rowInFocus()?.querySelector("a[href]");
  link?.click();
  return Boolean(link);
};

const act = (key, shift) => {
  if (key === "/") return openSearch();
  if (key === "?") return openHelp();
  switch (key.toLowerCase()) {
    case "j":
      moveRow(1);
      return true;
    case "k":
      moveRow(-1);
      return true;
    case "o":
      return openRow();
    case "x": {
      const box = boxOf(rowInFocus());
      box?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey: shift }));
      return Boolean(box);
    }
    case "g":
      goingSince = performance.now();
      return true;
    default:
      return press(key);
  }
};

document.addEventListener("keydown", (event) => {
  const { key, target } = event;
  if (!keysAreOn() || event.defaultPrevented || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
  if (typesInto(target) || document.querySelector("dialog[open]")) return;
  if (key === "Enter") {
    if (target === rowInFocus() && openRow()) event.preventDefault();
    return;
  }
  // A key that is held down moves on in a list; it presses no button a second time, on this page or the next one.
  if (key.length !== 1 || (event.repeat && !/^[jk]$/i.test(key))) return;
  const goes = performance.now() - goingSince < PATIENCE;
  goingSince = -Infinity;
  if (goes ? goTo(key.toLowerCase()) : act(key, event.shiftKey)) event.preventDefault();
});

// With Shift the boxes from the last one chosen to this one become what this one becomes, by mouse or by "x".
let lastBox = null;
document.addEventListener("click", (event) => {
  const box = event.target.closest?.("main .list-table tbody input[type=checkbox]");
  if (!box) return;
  const all = rows().map(boxOf).filter(Boolean);
  const [from, to] = [all.indexOf(lastBox), all.indexOf(box)].sort((one, other) => one - other);
  if (event.shiftKey && from >= 0) {
    for (const each of all.slice(from, to + 1)) {
      if (each === box || each.checked === box.checked) continue;
      each.checked = box.checked;
    }
    box.dispatchEvent(new Event("change", { bubbles: true }));
  }
  lastBox = box;
});
