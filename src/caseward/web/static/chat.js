// The chat page, made lively: sends without leaving the page, keeps what could not be sent, follows the conversation.
// Words are only ever put in as text. Without this file the page works by its form and a link.

const TRIES = [1, 2, 4, 8, 15, 30];
const BROKEN_AFTER = 5000;
const RUN = 5 * 60 * 1000;

const chat = document.querySelector("[data-chat]");
const log = document.querySelector("#log");
const lines = document.querySelector("[data-lines]");
const form = document.querySelector("[data-form]");
const box = document.querySelector("#text");
const bar = document.querySelector("[data-bar]");
const wrong = document.querySelector("[data-wrong]");
const alert = document.querySelector("[data-alert]");
const leave = document.querySelector("[data-leave]");
const say = JSON.parse(chat.dataset.words);
const here = new URL(location.href);
const kept = `caseward-chat:${chat.dataset.as}`;
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: chat.dataset.zone });
const date = new Intl.DateTimeFormat(chat.dataset.language, { day: "numeric", month: "long", timeZone: chat.dataset.zone });

// In a frame of another site browsers keep no cookies: the token is kept here and sent along. Some keep nothing at all
// there; then the site keeps it, which whoever runs the desk has named as one that may show the chat.
const framed = "framed" in chat.dataset;
const TOKEN = "caseward-chat-token";
let token = framed ? stored(TOKEN, "localStorage") : "";
let away = false;
let open = framed ? Boolean(token) : chat.dataset.open === "yes";
let after = Number(chat.dataset.after);
let read = Number(chat.dataset.read);
let queue = JSON.parse(stored(kept) || "[]");
let sending = false;
let tries = 0;
let retry = 0;
let stream = null;
let broken = 0;
let unseen = 0;
const title = document.title;

function address(path, more = {}) {
  const parts = new URLSearchParams(more);
  if (chat.dataset.as) parts.set("as", chat.dataset.as);
  const query = parts.toString();
  return query ? `${path}?${query}` : path;
}

// --- what the page shows ---------------------------------------------------------------------------------------------

function element(name, className, text = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.textContent = text;
  return made;
}

function atEnd() {
  return log.scrollHeight - log.scrollTop - log.clientHeight < 80;
}

function toEnd() {
  log.scrollTop = log.scrollHeight;
}

function draw(message) {
  const ours = message.from === "desk";
  const line = element("li", `line ${ours ? "line-ours" : "line-theirs"}`);
  line.dataset.at = message.at;
  if (message.seq) line.dataset.seq = message.seq;
  if (message.key) line.dataset.key = message.key;
  const bubble = element("p", "bubble");
  bubble.append(element("span", "sr-only", `${ours ? say.support : say.you}: `), message.text);
  line.append(bubble, element("p", "line-when"));
  return line;
}

// Put words under a line unless they are there already: what is replaced may be read out again, and loses the focus.
function under(line, ...parts) {
  const when = line.querySelector(".line-when");
  if (when.textContent !== parts.map((part) => part.textContent ?? part).join("")) when.replaceChildren(...parts);
}

function describe(line) {
  const pending = queue.find((each) => each.key === line.dataset.key);
  line.classList.toggle("line-failed", Boolean(pending?.failed));
  if (pending?.failed) {
    const again = element("button", "line-retry", pending.failed);
    again.type = "button";
    again.addEventListener("click", () => tryAgain(pending.key));
    under(line, again);
  } else if (pending) {
    under(line, navigator.onLine ? say.sending : say.waiting);
  } else {
    const time = element("time", "", clock.format(new Date(line.dataset.at)));
    time.dateTime = line.dataset.at;
    if (line.classList.contains("line-ours")) under(line, `${say.support}, `, time);
    else under(line, time, `, ${Number(line.dataset.seq) <= read ? say.read : say.sent}`);
  }
}

// Show the time under the last message of a run only; one that is on its way always says so, and has no day yet.
function tidy() {
  const all = [...lines.querySelectorAll(".line")];
  let today = date.format(new Date());
  all.forEach((line, index) => {
    const next = all[index + 1];
    const day = line.dataset.seq ? date.format(new Date(line.dataset.at)) : today;
    head(line, day === today ? "" : day);
    today = day;
    const ends =
      !next || next.className !== line.className || !next.dataset.seq || new Date(next.dataset.at) - new Date(line.dataset.at) > RUN;
    describe(line);
    line.querySelector(".line-when").hidden = !ends && Boolean(line.dataset.seq);
  });
  document.querySelector("[data-hello]").hidden = all.length > 0;
}

// What may be picked as an answer to the last message stands as buttons until anything else is said.
function offer(choices = []) {
  const quick = document.querySelector("[data-quick]");
  const held = quick.querySelector("[data-pick]:focus");
  quick.querySelectorAll("[data-pick]").forEach((each) => each.remove());
  const buttons = choices.map((choice) => {
    const button = element("button", "chat-choice", choice.label);
    Object.assign(button, { name: "choice", value: choice.id });
    button.dataset.pick = "";
    return button;
  });
  quick.prepend(...buttons);
  if (held) (buttons.find((each) => each.value === held.value) ?? box).focus();
}

function head(line, day) {
  const before = line.previousElementSibling;
  const there = before?.matches(".chat-day") ? before : null;
  if (there && there.textContent === day) return;
  there?.remove();
  if (day) line.before(element("li", "chat-day", day));
}

function place(line) {
  const follow = atEnd();
  const seq = Number(line.dataset.seq) || Infinity;
  const next = [...lines.querySelectorAll(".line")].find((each) => (Number(each.dataset.seq) || Infinity) > seq);
  if (next) next.before(line);
  else lines.append(line);
  if (follow) toEnd();
}

function arrived(message) {
  after = Math.max(after, message.seq);
  if (lines.querySelector(`[data-seq="${message.seq}"]`)) return;
  const follow = atEnd();
  const own = message.from === "customer" && queue.find((each) => each.text.trim() === message.text.trim());
  if (own) {
    settle(own.key, message);
    return;
  }
  place(draw(message));
  tidy();
  if (message.seq === after) offer(message.choices);
  if (follow) toEnd();
  if (message.from === "desk" && (document.hidden || away)) {
    unseen += 1;
    document.title = `(${unseen}) ${title}`;
    outside({ caseward: "unread", count: unseen });
  }
}

// --- sending ---------------------------------------------------------------------------------------------------------

function stored(name, where = "sessionStorage") {
  try {
    return window[where].getItem(name) || "";
  } catch {
    return ""; // a browser that keeps nothing still sends
  }
}

function keep() {
  try {
    sessionStorage.setItem(kept, JSON.stringify(queue));
    sessionStorage.setItem(`${kept}:draft`, box.value);
  } catch {
    // a browser that keeps nothing still sends
  }
}

function put(text, choice = "") {
  const message = { key: crypto.randomUUID?.() || `${Date.now()}-${Math.random().toString(36).slice(2)}`, text, choice, at: new Date().toISOString(), failed: "" };
  queue.push(message);
  offer();
  keep();
  place(draw({ ...message, from: "customer" }));
  tidy();
  toEnd();
  flush();
}

function settle(key, message) {
  const line = lines.querySelector(`[data-key="${key}"]`);
  queue = queue.filter((each) => each.key !== key);
  keep();
  const twin = lines.querySelector(`[data-seq="${message.seq}"]`);
  if (line && twin && twin !== line) line.remove();
  else if (line) {
    line.dataset.seq = message.seq;
    line.dataset.at = message.at;
    delete line.dataset.key;
    const next = [...lines.querySelectorAll(".line")].find((each) => Number(each.dataset.seq) > message.seq);
    if (next) next.before(line);
  }
  tidy();
}

function tryAgain(key) {
  queue.forEach((each) => {
    if (each.key === key) each.failed = "";
  });
  keep();
  tidy();
  flush();
  box.focus();
}

function keepToken(given) {
  token = given;
  try {
    localStorage.setItem(TOKEN, given);
  } catch {
    outside({ caseward: "keep", token: given });
  }
}

function headers(more = {}) {
  return token ? { ...more, Authorization: `Bearer ${token}` } : more;
}

async function post(path, body) {
  return fetch(address(path), { method: "POST", headers: headers({ "Content-Type": "application/json" }), body: JSON.stringify(body), credentials: "same-origin" });
}

async function begin() {
  token = "";
  const answer = await post("/chat/session", { language: chat.dataset.language, ...(chat.dataset.as ? { as: chat.dataset.as } : {}) });
  if (answer.ok) {
    if (framed) keepToken((await answer.clone().json()).token);
    open = true;
    leave.hidden = false;
    if (mail) mail.hidden = false;
  }
  return answer;
}

// One at a time and in order. Each keeps its id, so that a repeat is the same message.
async function flush() {
  if (sending) return;
  sending = true;
  clearTimeout(retry);
  try {
    for (let message = next(); message; message = next()) {
      if (!(await send(message))) break;
    }
  } finally {
    sending = false;
  }
}

function next() {
  return queue.find((each) => !each.failed);
}

async function send(message) {
  let answer;
  try {
    if (!open) {
      const begun = await begin();
      if (!begun.ok) return refused(message, begun);
    }
    answer = await post("/chat/messages", { id: message.key, text: message.text, ...(message.choice ? { choice: message.choice } : {}) });
  } catch {
    return later(message);
  }
  if (answer.status === 401 && open) {
    open = false;
    after = 0;
    return send(message);
  }
  if (!answer.ok) return refused(message, answer);
  tries = 0;
  tell("");
  settle(message.key, await answer.json());
  follow();
  return true;
}

function refused(message, answer) {
  if (answer.status >= 500) return later(message);
  message.failed = answer.status === 429 ? say.too_many : answer.status === 413 ? say.too_long : say.refused;
  alert.textContent = message.failed;
  keep();
  tidy();
  return answer.status !== 429;
}

function later(message) {
  const wait = TRIES[Math.min(tries, TRIES.length - 1)];
  tries += 1;
  if (tries > 2) {
    queue.forEach((each) => (each.failed ||= say.failed));
    alert.textContent = say.failed;
  }
  if (!navigator.onLine) tell(say.offline);
  keep();
  tidy();
  retry = setTimeout(again, wait * 1000);
  return false;
}

function again() {
  queue.forEach((each) => {
    if (each.failed === say.failed) each.failed = "";
  });
  flush();
}

// --- by mail ---------------------------------------------------------------------------------------------------------

const mail = document.querySelector("[data-mail]");

mail?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const told = mail.querySelector("[data-mail-said]");
  try {
    const body = new URLSearchParams(new FormData(event.target));
    const answer = await fetch(event.target.action, { method: "POST", headers: headers({ Accept: "application/json" }), body, credentials: "same-origin" });
    const came = await answer.json();
    told.textContent = came.text ?? told.dataset.away;
    mail.querySelector("[data-mail-code]").hidden = !came.code;
    if (came.state !== "code") return;
    mail.querySelector("[name=code]").focus({ preventScroll: true });
    mail.scrollIntoView({ block: "nearest" });
  } catch {
    told.textContent = told.dataset.away;
  }
});

// --- following -------------------------------------------------------------------------------------------------------

function tell(text) {
  if (bar.textContent !== text) bar.textContent = text;
}

// What EventSource does, for a stream that needs a header.
class Stream extends EventTarget {
  constructor(path) {
    super();
    this.readyState = EventSource.CONNECTING;
    this.run(path);
  }

  async run(path) {
    try {
      const answer = await fetch(path, { headers: headers({ Accept: "text/event-stream" }), credentials: "same-origin" });
      if (!answer.ok) throw new Error(answer.status);
      this.readyState = EventSource.OPEN;
      this.dispatchEvent(new Event("open"));
      const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let kept = "", part = await reader.read(); !part.done; part = await reader.read()) {
        const events = (kept + part.value).split("\n\n");
        kept = events.pop();
        events.forEach((each) => this.tell(each));
      }
    } catch {
      // the page is told below, and comes back
    }
    this.readyState = EventSource.CLOSED;
    this.dispatchEvent(new Event("error"));
  }

  tell(event) {
    const given = Object.fromEntries(event.split("\n").map((line) => line.match(/^(\w+): ?(.*)$/)?.slice(1) ?? []));
    if (given.data) this.dispatchEvent(new MessageEvent(given.event || "message", { data: given.data }));
  }
}

function follow() {
  if (!open || (stream && stream.readyState !== EventSource.CLOSED)) return;
  const path = address("/chat/stream", { after });
  stream = framed ? new Stream(path) : new EventSource(path);
  stream.addEventListener("open", () => {
    clearTimeout(broken);
    broken = 0;
    tell("");
    again();
  });
  stream.addEventListener("message", (event) => arrived(JSON.parse(event.data)));
  stream.addEventListener("read", (event) => {
    read = Math.max(read, JSON.parse(event.data).seq);
    tidy();
  });
  stream.addEventListener("typing", (event) => {
    const follow = atEnd();
    document.querySelector("[data-typing]").hidden = event.data !== "true";
    if (follow) toEnd();
  });
  stream.addEventListener("error", () => {
    broken ||= setTimeout(() => tell(navigator.onLine ? say.reconnecting : say.offline), BROKEN_AFTER);
    if (stream.readyState === EventSource.CLOSED) setTimeout(follow, BROKEN_AFTER);
  });
}

// --- the page --------------------------------------------------------------------------------------------------------

function grow() {
  if (CSS.supports("field-sizing", "content")) return;
  box.style.height = "auto";
  box.style.height = `${box.scrollHeight + 2}px`;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  wrong.textContent = "";
  if (event.submitter?.name === "quick") {
    put(say.person);
  } else if (event.submitter?.name === "choice") {
    put(event.submitter.textContent, event.submitter.value);
  } else if (box.value.trim()) {
    put(box.value);
    box.value = "";
    grow();
    keep();
  }
  box.focus();
});

box.addEventListener("keydown", (event) => {
  const typing = event.isComposing || event.shiftKey || matchMedia("(pointer: coarse)").matches;
  if (event.key !== "Enter" || typing) return;
  event.preventDefault();
  form.requestSubmit(form.querySelector(".chat-send"));
});

box.addEventListener("input", () => {
  grow();
  keep();
});

leave.addEventListener("submit", (event) => {
  queue = [];
  box.value = "";
  keep();
  if (!framed) return;
  event.preventDefault();
  keepToken("");
  location.reload();
});

// --- in a frame: the site outside may only show and hide it -----------------------------------------------------------

function outside(message) {
  if (framed && parent !== window && document.referrer) parent.postMessage(message, new URL(document.referrer).origin);
}

document.querySelector("[data-close]")?.addEventListener("click", () => outside({ caseward: "close" }));
if (framed) {
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") outside({ caseward: "close" });
  });
  addEventListener("message", (event) => {
    if (event.source !== parent) return;
    if (event.data?.caseward === "kept" && !token && event.data.token) {
      token = String(event.data.token);
      open = true;
      leave.hidden = false;
      if (mail) mail.hidden = false;
      follow();
    }
    if (event.data?.caseward === "hidden") away = true;
    if (event.data?.caseward === "shown") {
      away = false;
      unseen = 0;
      box.focus();
    }
  });
}

window.addEventListener("online", () => {
  tell("");
  tries = 0;
  again();
  follow();
});

window.addEventListener("offline", () => {
  tell(say.offline);
  tidy();
});

document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  unseen = 0;
  document.title = title;
  follow();
});

box.value ||= stored(`${kept}:draft`);
if (here.hash) history.replaceState(null, "", here.pathname + here.search);
queue.forEach((message) => {
  message.failed = "";
  place(draw({ ...message, from: "customer" }));
});
tidy();
grow();
toEnd();
leave.hidden = !open;
if (mail) mail.hidden = !open;
if (framed && !token) outside({ caseward: "kept?" });
follow();
flush();
