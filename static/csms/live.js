/* Keeps the parts of a page marked data-live current.
 *
 * The server sends facts over one EventSource; a part names the facts that matter to it, such as
 * "charger:5", "command:7" or "transaction.*". When one happens the page is fetched again and
 * the marked parts are swapped by their id. Nothing is computed here: the server draws all.
 */
(() => {
  "use strict";
  const status = document.getElementById("live-state");
  if (!status || !window.EventSource) return;

  const SETTLE = 250; // ms: facts that come together are one refresh
  const PACE = 1500; // ms: a busy fleet refreshes no more often than this
  let after = status.dataset.after;
  let source = null;
  let timer = null;
  let retry = null;
  let fetching = false;
  let again = false;
  let last = 0;
  let pause = 1000;

  const parts = () => [...document.querySelectorAll("[data-live]")];

  function say(state, words) {
    if (status.dataset.state === state) return;
    status.dataset.state = state;
    status.querySelector(".sm-live-text").textContent = words;
  }

  function matches(patterns, fact) {
    return patterns.split(" ").some((pattern) => {
      if (pattern.endsWith(".*")) return fact.kind.startsWith(pattern.slice(0, -1));
      const [noun, id] = pattern.split(":");
      if (noun === "charger") return String(fact.charger) === id;
      return fact.kind.startsWith(noun + ".") && String(fact.object_id) === id;
    });
  }

  function concerns(fact) {
    if (status.dataset.also && matches(status.dataset.alsoOn, fact)) return true;
    return parts().some((part) => matches(part.dataset.live, fact));
  }

  function schedule() {
    if (timer !== null) return;
    timer = setTimeout(refresh, Math.max(SETTLE, last + PACE - Date.now()));
  }

  async function refresh() {
    timer = null;
    if (fetching) { again = true; return; }
    fetching = true;
    last = Date.now();
    try {
      const answer = await fetch(location.href, { headers: { "X-Requested-With": "live" } });
      if (answer.redirected) { stop("gone", "signed out"); return; }
      if (answer.ok) swap(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch { /* the connection is gone; the stream says so, and refreshes when it is back */ }
    fetching = false;
    if (again) { again = false; schedule(); }
  }

  function swap(fresh) {
    for (const part of parts()) replace(part, fresh.getElementById(part.id));
    if (status.dataset.also) {
      const list = document.querySelector(status.dataset.also);
      // A selection in progress must not be lost under the reader's hands.
      if (list && !list.querySelector(":checked")) replace(list, fresh.querySelector(status.dataset.also));
    }
    document.dispatchEvent(new CustomEvent("live:swapped"));
    if (!parts().length && !status.dataset.also) stop("done", "up to date");
  }

  function replace(old, fresh) {
    if (!fresh || old.outerHTML === fresh.outerHTML) return;
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const address = focused && focused.getAttribute("href");
    old.replaceWith(document.adoptNode(fresh));
    if (!focused) return;
    const same = [...fresh.querySelectorAll("a, button, [tabindex]")].find((each) =>
      address ? each.getAttribute("href") === address : each.textContent === focused.textContent);
    if (same) same.focus({ preventScroll: true });
  }

  function heard(event) {
    if (event.lastEventId) after = event.lastEventId;
    let fact;
    try { fact = JSON.parse(event.data); } catch { return; }
    if (fact.id) after = fact.id;
    if (fact.kind && concerns(fact)) schedule();
  }

  function connect() {
    if (source || document.hidden) return;
    source = new EventSource(`/api/v1/events/?stream=1&after=${encodeURIComponent(after)}`);
    source.onopen = () => { pause = 1000; say("live", "live"); };
    source.onmessage = heard;
    source.onerror = () => {
      say("waiting", "reconnecting");
      close();
      retry = setTimeout(() => { retry = null; connect(); schedule(); }, pause);
      pause = Math.min(pause * 2, 30000);
    };
  }

  function close() {
    if (source) source.close();
    source = null;
    clearTimeout(retry);
  }

  function stop(state, words) {
    close();
    document.removeEventListener("visibilitychange", seen);
    say(state, words);
  }

  // A browser allows six connections to a host: pages that no one looks at give theirs back.
  function seen() {
    if (document.hidden) { close(); say("waiting", "paused"); } else { connect(); schedule(); }
  }

  document.addEventListener("visibilitychange", seen);
  window.addEventListener("pagehide", close);
  window.addEventListener("pageshow", (event) => { if (event.persisted) seen(); });
  connect();
})();
