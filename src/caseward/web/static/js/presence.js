// --- presence: who else is here; one at a time may edit -------------------------------------------------------------------

{
  const tabId = [...crypto.getRandomValues(new Uint8Array(12))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const others = new Map(); // case → what stands beside it, in brief and in words
  const atCase = () => one("[data-presence-words]");
  const editor = () => one("form[data-approval] [data-preview]")?.form;
  const BEAT = 10000;
  const AWAY = 10 * 60000;
  let touched = Date.now();
  let present = false;

  function seats(root) {
    for (const seat of all("[data-presence]", root)) {
      const seen = others.get(seat.dataset.presence);
      const html = (seen && seen["presenceWords" in seat.dataset ? "words" : "brief"]) || "";
      if (seat.innerHTML !== html) seat.innerHTML = html;
    }
  }

  /** Look who is at these cases, where the page shows them. */
  async function moved(cases) {
    const here = new Set(all("[data-presence]").map((seat) => seat.dataset.presence));
    const asked = cases.filter((id) => here.has(id)).slice(0, 100);
    if (!asked.length) return;
    const query = new URLSearchParams(asked.map((id) => ["case", id]));
    const answer = await fetch(`/presence?${query}`, { headers: { "Caseward-Part": "1" } }).catch(() => null);
    if (!answer?.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of asked) {
      const seen = one(`[data-of="${CSS.escape(id)}"]`, page);
      if (!seen) others.delete(id);
      else others.set(id, { brief: one("[data-brief]", seen).innerHTML, words: one("[data-words]", seen).innerHTML });
    }
    seats(document);
  }

  function told(extra) {
    const editing = editor()?.dataset.approval ?? "";
    const csrf = one("input[name=csrf]").value;
    return new URLSearchParams({ csrf, tab: tabId, case: atCase()?.dataset.presence ?? "", editing, ...extra });
  }

  async function beat() {
    const form = editor();
    const seen = atCase();
    const here = seen && shown(seen.parentElement) && !document.hidden && Date.now() - touched < AWAY;
    if (!here && !(form && seen)) return leaveCase();
    present = true;
    const idle = Date.now() - touched > 60000; // an open page alone keeps no session alive
    const answer = await fetch("/presence", { method: "POST", body: told(), headers: idle ? { "Caseward-Part": "1" } : {} }).catch(() => null);
    if (!form?.isConnected || !answer || answer.redirected) return;
    if (answer.status === 409) live.warn(form, await answer.json());
    else if (answer.status === 204 && one("#changed-news")?.dataset.held) live.warn(form, null);
    if (answer.status === 409) one("#changed-news").dataset.held = "yes";
  }

  function leaveCase() {
    if (present) navigator.sendBeacon("/presence", told({ gone: "true" }));
    present = false;
  }

  if (root.dataset.seq && one("input[name=csrf]")) {
    enhance(seats);
    for (const event of ["pointerdown", "pointermove", "keydown"]) {
      addEventListener(event, () => (touched = Date.now()), { passive: true });
    }
    beat();
    setInterval(beat, BEAT);
    document.addEventListener("visibilitychange", beat);
    addEventListener("pagehide", leaveCase);
  }

  Object.assign(live, { moved });
}
