// The day by keyboard (one segment in the tab order at a time), the minutes' popover, the help, the date field.
(() => {
  const LETTERS = "daybook.letters";
  const $ = (id) => document.getElementById(id);
  const hours = $("hours");
  const cards = () => [...hours.querySelectorAll(".seg > .shot")];
  let current = null; // id of the card that is in the tab order

  function place(card) {
    for (const other of hours.querySelectorAll(".seg > [tabindex='0']")) other.tabIndex = -1;
    if (!card) return;
    current = card.id;
    for (const part of card.parentElement.querySelectorAll(":scope > .shot, :scope > .meter")) part.tabIndex = 0;
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
    return [...row.querySelectorAll(".seg > .shot")].reduce((best, one) => (Math.abs(centre(one) - from) < Math.abs(centre(best) - from) ? one : best));
  }

  function arrows(event) {
    const card = event.target.closest?.(".seg")?.querySelector(".shot");
    const inside = card || event.target === document.body;
    if (!inside || event.shiftKey) return;
    const from = card || null;
    const all = cards();
    const steps = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 };
    const step = steps[event.key];
    if (!step || !all.length) return;
    const sideways = event.key === "ArrowLeft" || event.key === "ArrowRight";
    if (!from && !sideways) return; // up and down scroll the page until a segment is in focus
    event.preventDefault();
    if (!from) go(chosen());
    else go(sideways ? all[all.indexOf(from) + step] : vertical(from, step));
  }

  const letters = () => { try { return localStorage.getItem(LETTERS) !== "off"; } catch { return true; } };
  const follow = (id) => $(id).click();
  const keys = {
    m: () => chosen()?.parentElement.querySelector(".meter").click(),
    "[": () => follow("previous-day"),
    "]": () => follow("next-day"),
    t: () => follow("today"),
    "?": () => help(),
  };

  function help() {
    $("letters").checked = letters();
    if (!$("help").open) $("help").showModal();
  }

  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.matches?.("input, select, textarea, [contenteditable]") || $("help").open) return;
    if (event.key.startsWith("Arrow")) arrows(event);
    else if (keys[event.key] && letters()) {
      event.preventDefault();
      keys[event.key]();
    }
  });

  hours.addEventListener("focusin", (event) => {
    const card = event.target.closest(".seg")?.querySelector(".shot");
    if (card) place(card);
  });
  $("help-button").addEventListener("click", help);
  $("letters").addEventListener("change", (event) => { try { localStorage.setItem(LETTERS, event.target.checked ? "on" : "off"); } catch { /* private mode */ } });

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

  // picked with the pointer the date is gone to at once, typed when it is left or entered
  const date = $("date");
  let typed = false;
  date.addEventListener("keydown", () => { typed = true; });
  date.addEventListener("pointerdown", () => { typed = false; });
  const leave = () => { if (date.value && date.value !== date.defaultValue && date.checkValidity()) date.form.requestSubmit(); };
  date.addEventListener("change", () => { if (!typed) leave(); });
  date.addEventListener("blur", () => { if (typed) leave(); });

  // after a change of an hour row its cards are new elements: the tab order finds the same segment again
  addEventListener("htmx:afterSettle", () => place(chosen()));
  place((location.hash && cards().find((card) => `#${card.id}` === decodeURIComponent(location.hash))) || chosen());
  if (location.hash && current && `#${current}` === decodeURIComponent(location.hash)) chosen().focus();
})();
