// What the pages of all simulators share. Words are only ever put in as text.

const EVERY = 700;
const wrong = document.querySelector("[data-wrong]");

// Make an element: attributes, listeners as functions under `onclick` and the like, then children (text or elements).
export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((each) => each !== null && each !== undefined && each !== ""));
  return made;
}

export function time(moment) {
  const at = new Date(moment);
  const shown = at.toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit" });
  return el("time", { datetime: at.toISOString() }, shown);
}

// Send what was done on the page; a refusal is shown in the page's own words.
export async function act(path, body = {}) {
  try {
    const answer = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const said = await answer.json();
    wrong.textContent = answer.ok ? "" : said.error || `Not done (${answer.status}).`;
    return answer.ok ? said : null;
  } catch {
    wrong.textContent = "The simulator does not answer. Start it again; nothing was done.";
    return null;
  }
}

// Call `draw` with the simulator's state whenever it has changed. The state has a number, `version`.
export function follow(draw, path = "page/state") {
  let version = -1;
  let lost = false;
  let timer = 0;
  async function look() {
    clearTimeout(timer);
    try {
      const answer = await fetch(`${path}?after=${version}`);
      if (answer.status === 200) {
        const state = await answer.json();
        version = state.version;
        draw(state);
      }
      if (lost) wrong.textContent = "";
      lost = false;
    } catch {
      lost = true;
      wrong.textContent = "The simulator does not answer. The page goes on when it is back.";
    }
    timer = setTimeout(look, document.hidden ? 4 * EVERY : EVERY);
  }
  document.addEventListener("visibilitychange", () => document.hidden || look());
  look();
  return look;
}

// Replace what is inside `parent`, unless it would look the same: focus and what is being read stay where they are.
export function fill(parent, ...children) {
  const made = el("div", {}, ...children);
  if (parent.innerHTML === made.innerHTML) return false;
  const held = parent.contains(document.activeElement) ? document.activeElement.id : "";
  parent.replaceChildren(...made.childNodes);
  if (held) document.getElementById(held)?.focus();
  return true;
}

// Follow a log to its end, unless somebody reads further up.
export function keepAtEnd(log, change) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 60;
  if (change() && atEnd) log.scrollTop = log.scrollHeight;
}

// The drawer of what goes over the wire; `exchanges` are the newest first: {id, at, way, what, status, ok, sent, answered}.
const drawn = new Map();

export function wire(exchanges) {
  const list = document.querySelector("[data-wire]");
  const kept = new Set(exchanges.map((each) => each.id));
  for (const [id, { item }] of drawn) if (!kept.has(id)) { item.remove(); drawn.delete(id); }
  for (const each of [...exchanges].reverse()) {
    const mark = JSON.stringify(each);
    const before = drawn.get(each.id);
    if (before?.mark === mark) continue;
    const item = el(
      "details",
      { open: before?.item.open },
      el("summary", {}, time(each.at), el("span", { class: "badge" }, each.way), el("span", {}, each.what),
        el("span", { class: `push badge ${each.ok ? "badge-ok" : "badge-bad"}` }, each.status)),
      ...[["Sent", each.sent], ["Answered", each.answered]].filter(([, text]) => text).map(([title, text]) =>
        el("div", {}, el("p", { class: "quiet small" }, title), el("pre", { tabindex: "0", role: "region", "aria-label": title }, text))),
    );
    if (before) before.item.replaceWith(item);
    else list.prepend(item);
    drawn.set(each.id, { item, mark });
  }
}

const page = document.querySelector(".sim");
const toggle = document.querySelector("[data-toggle-wire]");
toggle.addEventListener("click", () => {
  const open = page.classList.toggle("with-wire");
  toggle.setAttribute("aria-expanded", open);
});
