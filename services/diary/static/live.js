// An open day stays true: hours that changed are fetched and replaced, and the page says how old it is when nothing comes.
(() => {
  const STALE_MS = 30_000;
  const SPEAK_MS = 60_000;
  const RETRY_MS = 5_000;
  const ANSWER_MS = 15_000;
  const $ = (id) => document.getElementById(id);
  const live = $("live");
  const stale = $("stale");
  const pending = new Set();
  let all = false;
  let sent = null;
  let sentAll = false;
  let opened = false;
  let heard = Date.now();
  let streamed = Date.now();
  let stream = null;
  let asked = 0;
  let spoken = 0;
  let waiting = null;
  let retry = null;

  function alive() {
    heard = Date.now();
    stale.hidden = true;
  }

  function told() {
    streamed = Date.now();
    alive();
  }

  // a stream that died without a word, as while the computer slept, is ended here, and htmx opens another
  const connect = htmx.createEventSource;
  htmx.createEventSource = (address) => (stream = connect(address));
  function reopen() {
    streamed = Date.now();
    if (stream.readyState === EventSource.CLOSED) return; // htmx knows
    stream.close();
    stream.dispatchEvent(new Event("error"));
  }

  live.addEventListener("htmx:sseOpen", () => {
    told();
    // what changed while the connection was away was not heard
    if (opened) { all = true; htmx.trigger("#changes", "catchup"); }
    opened = true;
    live.dataset.open = "yes";
  });
  live.addEventListener("htmx:sseMessage", told);
  live.addEventListener("htmx:sseBeforeMessage", told);
  // one's own change is read whether the stream tells of it or not
  addEventListener("daybook:edited", () => { all = true; htmx.trigger("#changes", "catchup"); });

  // every hour that was named since the last answer goes into one request
  $("changes").addEventListener("sse:changed", (event) => {
    for (const hour of JSON.parse(event.detail.data ?? event.detail.value?.data ?? "[]")) pending.add(hour);
  }, true);
  addEventListener("htmx:configRequest", (event) => {
    if (event.detail.elt.id !== "changes") return;
    event.detail.timeout = ANSWER_MS; // what never comes would keep all that is asked after it waiting
    sent = [...pending];
    sentAll = all;
    pending.clear();
    all = false;
    if (!sentAll) event.detail.parameters.set?.("hours", sent.join(",")) ?? (event.detail.parameters.hours = sent.join(","));
  });
  addEventListener("htmx:afterRequest", (event) => {
    if (event.detail.elt.id !== "changes") return;
    if (!event.detail.successful) {
      for (const hour of sent) pending.add(hour);
      all = all || sentAll;
      again(event.detail.xhr.status);
      return;
    }
    alive();
    speak();
  });

  // a store or network that is away comes back; a session that is over does not, and neither does a page one may not read
  function again(status) {
    if (status === 401) location.reload();
    else if (!retry && (status === 0 || status >= 500)) retry = setTimeout(() => { retry = null; htmx.trigger("#changes", "catchup"); }, RETRY_MS);
  }

  // totals are announced politely, at most once a minute
  function speak() {
    const text = $("sum").dataset.spoken;
    if ($("said").dataset.last === text || waiting) return;
    const rest = spoken + SPEAK_MS - Date.now();
    const say = () => {
      waiting = null;
      spoken = Date.now();
      $("said").dataset.last = $("sum").dataset.spoken;
      $("said").textContent = window.daybookFill($("said").dataset.words, { day: $("sum").dataset.spoken });
    };
    if (rest <= 0) say();
    else waiting = setTimeout(say, rest);
  }

  setInterval(() => {
    if (Date.now() - streamed >= STALE_MS) reopen();
    const age = Date.now() - heard;
    if (age < STALE_MS) return;
    stale.querySelector(".grow").textContent = window.daybookFill(stale.dataset.words, { seconds: Math.floor(age / 1000) });
    stale.hidden = false;
    // a dead stream says nothing, and neither does one that a session's end keeps from opening again
    if (Date.now() - asked < STALE_MS) return;
    asked = Date.now();
    all = true;
    htmx.trigger("#changes", "catchup");
  }, 1000);
})();
