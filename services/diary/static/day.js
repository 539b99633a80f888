// The day by keyboard (one segment in the tab order at a time), the minutes' popover, the help.
(() => {
  const LETTERS = "daybook.letters";
  const $ = (id) => document.getElementById(id);
  const hours = $("hours");
  const cards = () => [...hours.querySelectorAll(".seg > .card")];
  let current = null; // id of the card that is in the tab order

  function place(card) {
    for (const other of hours.querySelectorAll(".seg [tabindex='0']")) other.tabIndex = -1;
    if (!card) return;
    current = card.id;
    for (const part of card.parentElement.querySelectorAll(":scope > .card, :scope > .meter, .pick input")) part.tabIndex = 0;
  }

  const chosen = () => (current && $(current)) || cards()[0];

  function go(card) {
    if (!card) return;
    place(card);
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "nearest" });
  }

  const centre = (card) => { const box = card.getBoundingClientRect(); return box.left + box.width / 2; };

  // the card of the nearest hour in a direction that stands closest below or above
  function vertical(card, step) {
    const shown = [...hours.querySelectorAll(".hour:not([hidden])")].filter((hour) => hour.querySelector(".seg"));
    const row = shown[shown.indexOf(card.closest(".hour")) + step];
    if (!row) return null;
    const from = centre(card);
    return [...row.querySelectorAll(".seg > .card")].reduce((best, one) => (Math.abs(centre(one) - from) < Math.abs(centre(best) - from) ? one : best));
  }

  // the card that an arrow leads to from another one
  function beside(from, key) {
    const all = cards();
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[key];
    return key === "ArrowLeft" || key === "ArrowRight" ? all[all.indexOf(from) + step] : vertical(from, step);
  }

  function arrows(event) {
    const card = event.target.closest?.(".seg")?.querySelector(".card");
    const inside = card || event.target === document.body;
    if (!inside || event.shiftKey || !cards().length) return;
    const sideways = event.key === "ArrowLeft" || event.key === "ArrowRight";
    if (!card && !sideways) return; // up and down scroll the page until a segment is in focus
    event.preventDefault();
    go(card ? beside(card, event.key) : chosen());
  }

  const letters = () => { try { return localStorage.getItem(LETTERS) !== "off"; } catch { return true; } };
  const follow = (id) => $(id).click();
  const keys = {
    m: () => chosen()?.parentElement.querySelector(".meter").click(),
    "[": () => follow("previous-day"),
    "]": () => follow("next-day"),
    t: () => follow("today"),
    "/": () => $("find").focus(),
    "?": () => help(),
  };

  function help() {
    $("letters").checked = letters();
    if (!$("help").open) $("help").showModal();
  }

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.matches?.("input:not([type=checkbox]), select, textarea, [contenteditable]") || document.querySelector("dialog[open]")) return;
    if (event.key.startsWith("Arrow")) arrows(event);
    else if (keys[event.key] && letters()) {
      event.preventDefault();
      keys[event.key]();
    }
  });

  // what selects and edits (editing.js) stands on the same cards
  window.daybookDay = { beside, cards, chosen, go, letters };

  hours.addEventListener("focusin", (event) => {
    const card = event.target.closest(".seg")?.querySelector(".card");
    if (card) place(card);
  });
  $("help-button").addEventListener("click", help);
  $("letters").addEventListener("change", (event) => { try { localStorage.setItem(LETTERS, event.target.checked ? "on" : "off"); } catch { /* private mode */ } });

  // the next segment whose memo holds the words, from the one in focus on and round again
  $("find").addEventListener("keydown", (event) => {
    if (event.key === "Escape") chosen()?.focus();
    if (event.key !== "Enter") return;
    event.preventDefault();
    const words = event.target.value.trim().toLowerCase();
    const holds = (card) => card.closest(".run").querySelector(".memo")?.textContent.toLowerCase().includes(words);
    const all = cards();
    const from = all.indexOf(chosen());
    const found = words && [...all.slice(from + 1), ...all.slice(0, from + 1)].find(holds);
    event.target.setAttribute("aria-invalid", String(Boolean(words) && !found));
    if (found) go(found);
  });

  // the minutes: fetched on first use, shown at the meter that asked
  const minutes = $("minutes");
  let asked = null;
  addEventListener("htmx:beforeRequest", (event) => { if (event.detail.target === minutes) asked = event.detail.elt; });
  function show() {
    if (!asked) return;
    const source = asked.id ? $(asked.id) || asked : asked;
    if (minutes.matches(":popover-open")) minutes.hidePopover();
    minutes.showPopover?.({ source });
    minutes.focus({ preventScroll: true });
  }
  minutes.addEventListener("htmx:afterSwap", show);
  minutes.addEventListener("daybook:failed", show);
  minutes.addEventListener("toggle", (event) => {
    if (event.newState !== "closed" || !asked) return;
    if (document.activeElement === document.body || minutes.contains(document.activeElement)) $(asked.id)?.focus({ preventScroll: true });
  });

  // after a change of an hour row its cards are new elements: the tab order finds the same segment again
  addEventListener("htmx:afterSettle", () => place(chosen()));
  place((location.hash && cards().find((card) => `#${card.id}` === decodeURIComponent(location.hash))) || chosen());
  if (location.hash && current && `#${current}` === decodeURIComponent(location.hash)) chosen().focus();
})();
