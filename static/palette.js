// The command palette: a dialog with a combobox. Without script its button is a link to the search page.
{
  const dialog = document.getElementById("palette");
  const opener = document.querySelector("[data-palette]");
  const input = document.getElementById("palette-input");
  const WAIT = 180; // milliseconds without a key until the search is asked
  const SHORTEST = 2; // letters

  if (dialog && opener) {
    const actions = dialog.querySelector("[data-palette-actions]");
    const pages = dialog.querySelector("[data-palette-pages]");
    const hits = dialog.querySelector("[data-palette-hits]");
    const status = dialog.querySelector("[data-palette-status]");
    const targets = new Map(); // option -> button or link of the page
    let timer;
    let asked = new AbortController();

    const options = () => [...dialog.querySelectorAll("[role=option]:not([hidden])")];
    const active = () => dialog.querySelector("[role=option][aria-selected=true]");

    const choose = (option) => {
      active()?.setAttribute("aria-selected", "false");
      option?.setAttribute("aria-selected", "true");
      option?.scrollIntoView({ block: "nearest" });
      if (option) input.setAttribute("aria-activedescendant", option.id);
      else input.removeAttribute("aria-activedescendant");
    };

    const tell = () => {
      const count = options().length;
      const { none, one, many } = status.dataset;
      status.textContent = count === 0 ? none : count === 1 ? one : many.replace("#", count);
    };

    // What the page offers at its head, and whatever else has a key.
    const readActions = () => {
      actions.replaceChildren();
      targets.clear();
      const offered = document.querySelectorAll("main .page-head .actions :is(a, button), main .selection-bar button, main [data-key]");
      for (const target of offered) {
        const name = target.textContent.trim().replace(/\s+/g, " ");
        if (!name || target.disabled || !target.getClientRects().length) continue;
        const option = document.createElement("div");
        option.id = `palette-action-${targets.size}`;
        option.setAttribute("role", "option");
        option.setAttribute("aria-selected", "false");
        option.textContent = name;
        targets.set(option, target);
        actions.append(option);
      }
    };

    const narrow = () => {
      const words = input.value.toLocaleLowerCase().split(/\s+/).filter(Boolean);
      for (const group of [actions, pages]) {
        for (const option of group.children) {
          const text = option.textContent.toLocaleLowerCase();
          option.hidden = !words.every((word) => text.includes(word));
        }
        group.hidden = ![...group.children].some((option) => !option.hidden);
      }
      hits.replaceChildren();
      choose(words.length ? options()[0] : null);
    };

    const ask = async () => {
      asked.abort();
      asked = new AbortController();
      const text = input.value.trim();
      if (text.length >= SHORTEST) {
        try {
          const url = `${input.dataset.suggest}?${new URLSearchParams({ q: text })}`;
          const answer = await fetch(url, { signal: asked.signal });
          if (answer.redirected) return window.location.reload(); // the session has ended
          if (answer.ok) hits.innerHTML = await answer.text(); // escaped by the server
        } catch (error) {
          if (error.name === "AbortError") return undefined;
          throw error;
        }
        if (!active()) choose(options()[0]);
      }
      tell();
      return undefined;
    };

    const open = () => {
      if (document.querySelector("dialog[open]")) return;
      input.value = "";
      readActions();
      dialog.showModal();
      narrow();
      tell();
      input.focus();
    };

    const take = (option) => {
      const target = targets.get(option);
      dialog.close();
      if (!target) return window.location.assign(option.dataset.href);
      target.focus();
      return target.click();
    };

    input.addEventListener("input", () => {
      narrow();
      clearTimeout(timer);
      asked.abort();
      timer = setTimeout(ask, WAIT);
    });
    input.addEventListener("keydown", (event) => {
      if (event.isComposing) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        event.preventDefault();
        const all = options();
        const here = all.indexOf(active());
        if (all.length) choose(all[here < 0 ? (step > 0 ? 0 : all.length - 1) : (here + step + all.length) % all.length]);
      } else if (event.key === "Enter" && active()) {
        event.preventDefault();
        take(active());
      }
    });
    dialog.addEventListener("click", (event) => {
      const option = event.target.closest("[role=option]");
      if (option) take(option);
      else if (event.target === dialog) dialog.close();
    });
    dialog.addEventListener("close", () => {
      clearTimeout(timer);
      asked.abort();
      choose(null);
    });
    opener.setAttribute("role", "button");
    opener.setAttribute("aria-haspopup", "dialog");
    opener.addEventListener("click", (event) => {
      event.preventDefault();
      open();
    });
    opener.addEventListener("keydown", (event) => {
      if (event.key !== " ") return;
      event.preventDefault();
      open();
    });
    // With Ctrl or Cmd it is no single key, so it stays where those are switched off.
    document.addEventListener("keydown", (event) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
      event.preventDefault();
      if (dialog.open) dialog.close();
      else open();
    });
  }
}
