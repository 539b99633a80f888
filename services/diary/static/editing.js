// Selecting segments and what is done to them: by box, by keyboard, through a swap of an hour, and in one dialogue.
(() => {
  const $ = (id) => document.getElementById(id);
  const hours = $("hours");
  const bar = $("selected");
  const selected = new Set(); // the values of the boxes that are ticked: a swapped hour finds them again

  // what is selected ---------------------------------------------------------------------------------------------

  const boxes = () => [...hours.querySelectorAll(".pick input")];
  const ticked = () => boxes().filter((box) => box.checked);
  const boxOf = (card) => card?.closest(".seg")?.querySelector(".pick input");

  function remember() {
    selected.clear();
    for (const box of ticked()) selected.add(box.value);
    describe();
  }

  function put(box, on) {
    if (!box) return;
    box.checked = on;
    remember();
  }

  function clear() {
    for (const box of ticked()) box.checked = false;
    hours.classList.remove("selecting");
    remember();
  }

  const sum = (chosen, name) => chosen.reduce((total, box) => total + Number(box.dataset[name]), 0);
  // what is said stands in the page, in the reader's language (templates/selected.html)
  const fill = window.daybookFill;
  const plurals = new Intl.PluralRules(document.documentElement.lang);
  const counted = ({ one, many }, count, more) => fill(plurals.select(count) === "one" ? one : many, { count, ...more });

  function span(minutes) {
    const rest = minutes % 60;
    if (minutes < 60) return fill(bar.dataset.minutes, { minutes });
    return fill(bar.dataset.hours, { hours: (minutes - rest) / 60, minutes: String(rest).padStart(2, "0") });
  }

  // why a button does nothing for this selection, in words; undefined where it does
  function reason({ dataset }, chosen) {
    const states = new Set(chosen.map((box) => box.dataset.state));
    if (dataset.until && states.has("locked")) return dataset.locked;
    if (dataset.until === "approved" && states.has("approved")) return dataset.approved;
    if (dataset.needs === "pictures" && !sum(chosen, "pictures")) return dataset.none;
  }

  // what a button does to this selection, in words
  function deed(button, chosen) {
    if (button.dataset.span) return fill(button.dataset.span, { time: span(sum(chosen, "minutes")) });
    return button.dataset.one && counted(button.dataset, sum(chosen, "pictures"));
  }

  function describe() {
    if (!bar) return;
    const chosen = ticked();
    bar.classList.toggle("shown", chosen.length > 0);
    if (!chosen.length) return;
    const number = chosen.reduce((total, box) => total + box.value.split(" ").length, 0);
    $("selected-n").textContent = counted(bar.dataset, number, { time: span(sum(chosen, "minutes")) });
    $("selected-at").textContent = fill(bar.dataset.span, { first: chosen[0].dataset.clock, last: chosen.at(-1).dataset.end });
    for (const button of bar.querySelectorAll("button[id^=do-]")) {
      const words = button.querySelector("span");
      words.dataset.plain ??= words.textContent;
      const why = reason(button, chosen);
      words.textContent = why ?? deed(button, chosen) ?? words.dataset.plain;
      button.disabled = Boolean(why);
    }
  }

  hours.addEventListener("change", remember);
  hours.addEventListener("reset", (event) => {
    event.preventDefault();
    clear();
    window.daybookDay.chosen()?.focus({ preventScroll: true });
  });
  hours.addEventListener("submit", (event) => event.preventDefault());
  $("select")?.addEventListener("click", () => {
    hours.classList.add("selecting");
    $("day-menu").hidePopover?.();
    window.daybookDay.chosen()?.focus();
  });

  // an hour that was replaced comes with empty boxes
  addEventListener("htmx:afterSettle", () => {
    for (const box of boxes()) box.checked = selected.has(box.value);
    remember();
  });
  for (const box of boxes()) box.checked = false; // what a browser kept from before is not selected here

  // by keyboard --------------------------------------------------------------------------------------------------

  let anchor = null;
  let spread = [];

  function extend(event, card) {
    const next = window.daybookDay.beside(card, event.key);
    event.preventDefault();
    if (!next) return;
    const all = window.daybookDay.cards();
    if (!anchor || !spread.length) anchor = card.id;
    for (const box of spread) box.checked = false;
    const ends = [all.findIndex((one) => one.id === anchor), all.indexOf(next)].sort((a, b) => a - b);
    spread = all.slice(ends[0], ends[1] + 1).map(boxOf).filter(Boolean);
    for (const box of spread) box.checked = true;
    remember();
    window.daybookDay.go(next);
  }

  const letters = {
    x: (card) => put(boxOf(card), !boxOf(card)?.checked),
    e: (card) => act(card, $("do-memo") || $("do-label")),
    Delete: (card) => act(card, $("do-remove") || $("do-pictures")),
  };

  // what is done by key is done to the selection, or else to the segment in focus
  function act(card, button) {
    if (!button) return;
    if (!ticked().length) put(boxOf(card), true);
    if (!button.disabled) button.click();
    else button.closest("[role=toolbar]").querySelector("button:not(:disabled)").focus();
  }

  addEventListener("keydown", (event) => {
    if (!bar || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.target.matches?.("input:not([type=checkbox]), select, textarea") || document.querySelector("dialog[open]")) return;
    if (event.key === "Escape" && (ticked().length || hours.classList.contains("selecting")) && !document.querySelector(":popover-open")) return clear();
    const card = event.target.closest?.(".seg")?.querySelector(".card") || (event.target === document.body ? window.daybookDay.chosen() : null);
    if (!card) return;
    if (event.shiftKey && event.key.startsWith("Arrow")) return extend(event, card);
    anchor = null;
    spread = [];
    if (event.shiftKey || !letters[event.key] || (event.key.length === 1 && !window.daybookDay.letters())) return;
    event.preventDefault();
    letters[event.key](card);
  });

  // what is asked for --------------------------------------------------------------------------------------------

  addEventListener("htmx:configRequest", (event) => {
    const { elt, parameters } = event.detail;
    if (!elt.closest("#selected")) return;
    const values = ticked().map((box) => box.value).join(" ");
    parameters.set?.("segment", values) ?? (parameters.segment = values);
  });
  // done: the selection has served, and live.js reads the hours anew
  addEventListener("daybook:edited", () => {
    clear();
    $("dialog").close();
  });
})();
