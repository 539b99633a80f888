// The page's one dialogue, #dialog: it opens with what htmx brings into it, and gives the focus back when it closes.
// And dialogues opened by commandfor where a browser does not know it yet: a few lines do the same.
(() => {
  const dialog = document.getElementById("dialog");
  let opener = null;

  if (dialog) {
    addEventListener("htmx:beforeRequest", (event) => {
      if (event.detail.target === dialog && !dialog.contains(event.detail.elt)) opener = event.detail.elt;
    });
    const open = () => { if (dialog.childElementCount && !dialog.open) dialog.showModal(); };
    dialog.addEventListener("htmx:afterSwap", open);
    dialog.addEventListener("daybook:failed", open);
    dialog.addEventListener("htmx:afterSettle", () => (dialog.querySelector("[aria-invalid=true]") ?? dialog.querySelector("[autofocus]"))?.focus());
    dialog.addEventListener("click", (event) => { if (event.target.closest("[data-close]")) dialog.close(); });
    dialog.addEventListener("close", () => {
      dialog.replaceChildren();
      const there = opener && document.contains(opener) && opener.checkVisibility?.() && !opener.closest(".selbar");
      (there ? opener : window.daybookDay?.chosen())?.focus({ preventScroll: true });
    });
  }

  if ("commandForElement" in HTMLButtonElement.prototype) return;
  addEventListener("click", (event) => {
    const button = event.target.closest("button[commandfor]");
    const named = button && document.getElementById(button.getAttribute("commandfor"));
    if (!named) return;
    if (button.getAttribute("command") === "close") named.close();
    else named.showModal();
  });
})();
