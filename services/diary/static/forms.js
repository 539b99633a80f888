// A date picked with the pointer is gone to at once, one that is typed when it is left or entered.
for (const date of document.querySelectorAll("input[data-go]")) {
  let typed = false;
  date.addEventListener("keydown", () => { typed = true; });
  date.addEventListener("pointerdown", () => { typed = false; });
  const leave = () => { if (date.value && date.value !== date.defaultValue && date.checkValidity()) date.form.requestSubmit(); };
  date.addEventListener("change", () => { if (!typed) leave(); });
  date.addEventListener("blur", () => { if (typed) leave(); });
}

// A choice of time zone begins with the reader's own.
for (const choice of document.querySelectorAll("select[data-here=zone]")) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (choice.value === "UTC" && [...choice.options].some((option) => option.value === here)) choice.value = here;
}

// In a form with a search, the return key searches there, and everywhere else sends the form as in any other.
addEventListener("keydown", (event) => {
  const field = event.key === "Enter" && !event.isComposing && event.target.closest("form.finds input");
  if (!field) return;
  event.preventDefault();
  if (field.type === "search") htmx.trigger(field, "find");
  else field.form.requestSubmit(field.form.querySelector(".btn.go"));
});

// What is chosen stands: the answer of a search that is still on its way would take the list away from under it.
addEventListener("change", (event) => {
  const found = event.target.closest("form.finds [id$='-found']");
  if (found) htmx.trigger(document.getElementById(found.id.replace(/-found$/, "-q")), "htmx:abort");
});
