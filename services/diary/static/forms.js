// A choice of time zone begins with the reader's own.
for (const choice of document.querySelectorAll("select[data-here=zone]")) {
  const here = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (choice.value === "UTC" && [...choice.options].some((option) => option.value === here)) choice.value = here;
}
