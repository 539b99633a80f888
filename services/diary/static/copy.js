// Buttons that copy what an element says; without script the text selects itself whole on a click.
for (const button of document.querySelectorAll("[data-copy]")) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent.trim());
    button.textContent = button.dataset.done;
    const said = document.getElementById("copied");
    if (said) said.textContent = button.dataset.done;
  });
}
