// The calendar by keyboard: arrows go from day to day and on into the next month, Page Up and Page Down by months.
"use strict";

let pressed = ""; // the button that another month was asked for with, so that the new one's has the focus

document.addEventListener("keydown", (event) => {
  const month = event.target.closest?.("#month");
  if (!month || event.ctrlKey || event.metaKey || event.altKey) return;
  const days = [...month.querySelectorAll(".cal a")];
  const at = days.indexOf(event.target);
  const step = at < 0 ? 0 : { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 }[event.key] || 0;
  const turn = { PageUp: "before", PageDown: "after" }[event.key];
  if (!step && !turn) return;
  event.preventDefault();
  if (days[at + step] && !turn) return days[at + step].focus();
  month.querySelector(`[data-month=${turn || (step < 0 ? "before" : "after")}]`).click();
  pressed = "";
});

document.addEventListener("click", (event) => {
  pressed = event.target.closest?.("[data-month]")?.dataset.month || "";
});

document.addEventListener("htmx:afterSwap", (event) => {
  const month = document.querySelector("#calendar #month");
  if (!month || !document.getElementById("calendar").contains(event.target)) return;
  const day = month.querySelector("[aria-current]") || month.querySelector(".cal a");
  (pressed ? month.querySelector(`[data-month=${pressed}]`) : day).focus({ preventScroll: true });
});
