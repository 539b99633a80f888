// One picture by keyboard: arrows go through the set, b blurs, Del deletes, Escape goes back to the segment.
(() => {
  const keys = { ArrowLeft: "previous", ArrowRight: "next", Escape: "close", b: "do-blur", Delete: "do-remove" };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey || document.querySelector("dialog[open]")) return;
    if (event.target.matches?.("input, select, textarea")) return;
    const link = keys[event.key] && document.getElementById(keys[event.key]);
    if (!link) return;
    event.preventDefault();
    link.click();
  });
  const show = () => document.querySelector(".film [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  addEventListener("htmx:afterSettle", show);
  show();
})();
