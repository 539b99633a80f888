// Dialogues opened by commandfor where a browser does not know it yet: a few lines do the same.
(() => {
  if ("commandForElement" in HTMLButtonElement.prototype) return;
  addEventListener("click", (event) => {
    const button = event.target.closest("button[commandfor]");
    const dialog = button && document.getElementById(button.getAttribute("commandfor"));
    if (!dialog) return;
    if (button.getAttribute("command") === "close") dialog.close();
    else dialog.showModal();
  });
})();
