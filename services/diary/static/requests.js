// What every request of a page shares: fragments that fail say so in place, and slow ones show that they are on their way.
(() => {
  const SLOW_MS = 400;
  const words = document.getElementById("page-words"); // templates/words.html, in the reader's language

  // a message of the page with its values in their places
  window.daybookFill = (message, values) => message.replace(/\{(\w+)\}/g, (_place, name) => values[name]);

  // A form that htmx brings is its own at once. Sent within the 20 ms of its default, which somebody quick or a busy
  // computer does, the browser sent it itself: nothing was saved, the page was left, and what was typed was in its address.
  htmx.config.defaultSettleDelay = 0;

  function problem(target, status) {
    if (status === 401) {
      location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`);
      return;
    }
    const note = document.createElement("p");
    note.className = "note bad";
    note.setAttribute("role", "alert");
    note.textContent = status ? words.dataset.failed : words.dataset.away;
    target.replaceChildren(note);
    target.dispatchEvent(new CustomEvent("daybook:failed", { bubbles: true }));
  }

  // a session that ended while something was typed: that is said in the form, and what was typed stays
  function ended(form) {
    form.querySelector(".ended")?.remove();
    form.prepend(words.content.cloneNode(true));
    form.querySelector(".ended a").focus();
  }

  // the target of a request that swaps nothing is the page's own plumbing: live.js speaks for it
  const shows = (event) => event.detail.target && event.detail.target !== document.body && event.detail.elt.getAttribute("hx-swap") !== "none";

  addEventListener("htmx:responseError", (event) => {
    const { elt, requestConfig, target, xhr } = event.detail;
    const form = requestConfig.verb !== "get" && elt.closest("form");
    if (xhr.status === 401 && form) ended(form);
    else if (shows(event)) problem(target, xhr.status);
  });
  addEventListener("htmx:sendError", (event) => shows(event) && problem(event.detail.target, 0));

  // a form that was refused comes back with the words at its fields: it is swapped in like any other answer
  addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, requestConfig } = event.detail;
    if (requestConfig.verb !== "get" && [400, 403, 404, 409, 413, 422, 429].includes(xhr.status)) {
      event.detail.shouldSwap = true;
      event.detail.isError = false;
    }
  });

  // what was done is said in a toast, also to those who hear the page: it is put in once the page is there
  function toast(done) {
    const said = document.createElement("p");
    said.className = "toast";
    const text = document.createElement("span");
    text.textContent = done;
    const close = document.createElement("button");
    close.type = "button";
    close.textContent = words.dataset.close;
    close.addEventListener("click", () => said.remove());
    said.append(text, close);
    document.getElementById("toasts")?.append(said);
  }
  const waiting = document.querySelector("#toasts .toast span");
  if (waiting) setTimeout(() => { toast(waiting.textContent); waiting.parentElement.remove(); }, 150);
  addEventListener("htmx:afterRequest", (event) => {
    const done = event.detail.xhr?.getResponseHeader("Daybook-Said");
    if (done) toast(decodeURIComponent(done));
  });

  addEventListener("htmx:beforeRequest", (event) => {
    const { elt } = event.detail;
    if (elt.querySelector("progress")) return; // it says itself how far it is
    elt.setAttribute("aria-busy", "true");
    elt.slowly = setTimeout(() => {
      const bar = document.createElement("progress");
      bar.className = "wait";
      bar.setAttribute("aria-label", words.dataset.loading);
      elt.after(bar);
      elt.waiting = bar;
    }, SLOW_MS);
  });
  addEventListener("htmx:afterRequest", (event) => {
    const { elt } = event.detail;
    clearTimeout(elt.slowly);
    elt.waiting?.remove();
    elt.removeAttribute("aria-busy");
  });

  // popovers and menus where the attribute is not known: a few lines do the same
  if (!("popover" in HTMLElement.prototype)) {
    addEventListener("click", (event) => {
      const id = event.target.closest("[popovertarget]")?.getAttribute("popovertarget");
      for (const open of document.querySelectorAll("[popover].open")) if (open.id !== id && !open.contains(event.target)) open.classList.remove("open");
      if (id) document.getElementById(id).classList.toggle("open");
    });
  }
})();
