// One picture by keyboard: arrows go through the set, Escape goes back to the segment in the diary.
(() => {
  const keys = { ArrowLeft: "previous", ArrowRight: "next", Escape: "close" };
  addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    const link = keys[event.key] && document.getElementById(keys[event.key]);
    if (!link) return;
    event.preventDefault();
    link.click();
  });
  const show = () => document.querySelector(".film [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  addEventListener("htmx:afterSettle", show);
  show();
})();
