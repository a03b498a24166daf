// --- live: one stream a tab says what has changed; while it is lost nothing is decided ------------------------------------

{
  const FAILING = 5000; // until a lost stream is a lost connection
  const QUIET = 10000; // until the page says how old it is
  const DEAD = 20000; // until a stream that says nothing is taken for dead
  const status = one("[data-live]");
  const titled = document.title;
  let source, ended, failing, again, polling;
  let left; // what had the focus when it was turned off
  let seq = Number(root.dataset.seq);
  let heard = Date.now();
  let hiddenSince = 0;

  const clock = (at) =>
    new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: root.dataset.zone || undefined }).format(at);

  function follow() {
    clearTimeout(again);
    source?.close();
    source = new EventSource(`/events?after=${seq}`);
    const on = (name, work) =>
      source.addEventListener(name, (event) => {
        if (event.lastEventId) seq = Math.max(seq, Number(event.lastEventId)) || seq;
        heard = Date.now();
        work(JSON.parse(event.data), event);
      });
    on("hello", ({ now }) => {
      setTime(now);
      failing = 0;
      if (root.dataset.off) ask(); // decisions wait until the page has caught up
    });
    on("here", ({ now }) => setTime(now));
    on("change", ({ subjects }) => live.changed(subjects));
    on("reload", (_, event) => ((seq = Number(event.lastEventId)), live.everything()));
    on("presence", ({ cases }) => (live.changed(cases.map((id) => `presence:${id}`)), live.moved(cases)));
    on("displaced", () => (source.close(), (source = null)));
    on("signed-out", signedOut);
    source.onerror = () => {
      failing ||= Date.now();
      if (source?.readyState === EventSource.CLOSED) again = setTimeout(follow, 2000);
    };
  }

  function setTime(now) {
    heard = Date.now();
    drift = Date.parse(now) - heard;
  }

  /** The server answers, and the page has caught up. */
  function found() {
    failing = 0;
    mark();
    one("#offline").replaceChildren();
    if (root.dataset.off) decisions("");
  }

  /** Ask once what has happened, where a stream does not come through or may have slept. */
  async function ask() {
    if (polling || ended) return;
    polling = true;
    try {
      const answer = await fetch(`/events?after=${seq}`, {
        headers: { Accept: "application/json", "Caseward-Part": "1" },
        signal: AbortSignal.timeout(4000),
      });
      if (answer.redirected) return signedOut();
      if (!answer.ok) throw new Error(answer.statusText);
      const told = await answer.json();
      setTime(told.now);
      seq = told.seq;
      if (told.reload) live.everything();
      else live.changed(told.subjects);
      await live.refresh();
      await live.idle();
      found();
    } catch {
      failing ||= Date.now();
      if (Date.now() - failing >= FAILING || !navigator.onLine) lost();
    } finally {
      polling = false;
    }
  }

  function lost() {
    decisions("Decisions are off until you reconnect.");
    const place = one("#offline");
    if (!place.firstChild) {
      const bar = one("#lost").content.firstElementChild.cloneNode(true);
      one("b", bar).textContent = navigator.onLine ? "Reconnecting" : "You’re offline";
      one("span", bar).textContent = `Showing ${clock(heard + drift)}. Decisions are off until you reconnect.`;
      place.replaceChildren(bar);
    }
    const seconds = Math.round((Date.now() - heard) / 1000);
    one("[data-lost-for]", place).textContent = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  }

  function signedOut() {
    ended = true;
    source?.close();
    decisions("You are signed out.");
    const bar = one("#lost").content.firstElementChild.cloneNode(true);
    one("b", bar).textContent = "You are signed out";
    one("span", bar).textContent = "What you wrote is kept in this tab. Load the page again to sign in.";
    one("#offline").replaceChildren(bar);
    mark();
  }

  /** Turn decisions off for a reason, or on again. The forms stay: nothing here is trusted, the server decides. */
  function decisions(reason) {
    const focused = document.activeElement;
    root.dataset.off = reason;
    if (!reason) delete root.dataset.off;
    enforce(document);
    if (reason && focused?.disabled) left = focused;
    else if (!reason && left?.isConnected && document.activeElement === document.body) left.focus();
    if (!reason) left = null;
  }

  function enforce(within) {
    const reason = root.dataset.off;
    for (const button of all("main form[method=post] button:not([type=button]), aside form[method=post] button:not([type=button])", within)) {
      if (reason && !button.disabled) {
        button.dataset.barred = button.title;
        Object.assign(button, { disabled: true, title: reason });
      } else if (!reason && "barred" in button.dataset) {
        Object.assign(button, { disabled: false, title: button.dataset.barred });
        delete button.dataset.barred;
      }
    }
  }

  /** Say how fresh the page is. */
  function mark() {
    const old = Date.now() - heard >= QUIET;
    const lostNow = one("#offline").firstChild || (failing && Date.now() - failing >= FAILING);
    const words = ended ? "Signed out" : lostNow ? "Reconnecting" : old ? `As of ${clock(heard + drift)}` : "Live";
    if (status.textContent !== words) status.textContent = words;
  }

  function watch() {
    if (ended) return;
    const silent = Date.now() - heard;
    if (silent > DEAD && !document.hidden && !root.dataset.off) decisions("Catching up."); // the machine has slept
    if (source && !failing && silent > DEAD) {
      failing = Date.now();
      follow();
    }
    if (silent > QUIET && !document.hidden) ask(); // something on the way may hold streams back
    if (failing && (Date.now() - failing >= FAILING || !navigator.onLine)) {
      if (one("#offline").firstChild) lost();
      ask();
    }
    mark();
  }

  /** On return, decisions wait until the page has caught up. */
  function wake() {
    if (document.hidden) return void (hiddenSince = Date.now());
    document.title = titled;
    if (hiddenSince && Date.now() - hiddenSince > 2000) decisions("Catching up.");
    hiddenSince = 0;
    if (!source) follow();
    ask();
  }

  if (status && Number.isFinite(seq)) {
    enhance(enforce);
    follow();
    setInterval(watch, 1000);
    document.addEventListener("visibilitychange", wake);
    addEventListener("pageshow", (event) => event.persisted && (follow(), wake()));
    addEventListener("online", ask);
    addEventListener("offline", () => ((failing ||= Date.now()), lost()));
    addEventListener("pagehide", () => source?.close());
    enhance((part) => {
      if (!document.hidden || !all(".nav-count.is-hot", part).length) return;
      const hot = all(".nav-count.is-hot").reduce((sum, each) => sum + parseInt(each.textContent, 10), 0);
      document.title = hot ? `(${hot}) ${titled}` : titled;
    });
  }

  Object.assign(live, { signedOut });
}
