// The people of a Telegram: one of them is played, who sees their groups and their own chat with the bot.
import { act, el, fill, follow, keepAtEnd, time, wire } from "./look.js";

const EMOJI = ["👍", "🙏", ""];
const TAGS = {
  bold: "strong", italic: "em", underline: "u", strikethrough: "s", spoiler: "span",
  code: "code", pre: "code", blockquote: "blockquote", expandable_blockquote: "blockquote",
};
const find = (name) => document.querySelector(`[data-${name}]`);
const log = document.querySelector("#log");
const box = document.querySelector("#text");
const as = document.querySelector("#as");
const toast = find("toast");

let state = { people: [], chats: [], answers: [], exchanges: [] };
let open = "";
let answering = null; // the message that is replied to, or is changed
let changing = false;
let more = ""; // the message whose menu is open
let pressed = ""; // the button that waits for an answer
let hiding = 0;
let stopping = 0;
const seen = new Map();

const look = follow((fresh) => {
  state = fresh;
  draw();
});

const chat = () => state.chats.find((each) => each.id === open);
const own = (each) => each.type === "private";
const mine = () => state.chats.filter((each) => each.members.includes(as.value));
const named = (each) => (own(each) ? "The desk's bot" : each.title);

async function doing(verb, given = {}) {
  const done = await act(`page/${verb}`, { user: as.value, chat: open, ...given });
  if (done) look();
  return done;
}

// --- what the page shows ---------------------------------------------------------------------------------------------

function draw() {
  wire(state.exchanges);
  const before = as.value;
  fill(as, ...state.people.map((each) => el("option", { value: each.id }, each.name)));
  if (before) as.value = before;
  if (!mine().some((each) => each.id === open)) choose(mine()[0]?.id ?? "");
  const here = chat();
  if (!here) return;
  seen.set(`${as.value} ${open}`, here.messages.length);
  fill(find("chats"), ...mine().map(room));
  find("title").textContent = named(here);
  const who = state.people.filter((each) => here.members.includes(each.id)).map((each) => each.name);
  clearTimeout(stopping);
  if (here.typing) stopping = setTimeout(() => { here.typing = 0; draw(); }, here.typing * 1000);
  find("about").textContent = here.typing ? "writing …" : own(here) ? "private chat" : who.join(", ");
  find("block").hidden = !own(here);
  find("block").textContent = here.blocked ? "Unblock the bot" : "Block the bot";
  find("hook").textContent = state.webhook
    ? `Updates go to ${state.webhook}; ${state.waiting} wait.`
    : `Updates wait to be fetched: ${state.waiting}.`;
  const lines = here.messages.map(line);
  keepAtEnd(log, () => fill(log, ...(lines.length ? lines : [el("p", { class: "sim-empty" }, empty(here))])));
  answered();
}

// What the bot says to whoever pressed, whichever comes first: its answer or the number of the press.
function answered() {
  const said = state.answers.find((each) => each.id === pressed);
  if (!said) return;
  pressed = "";
  if (said.text) tell(said.text);
}

function empty(here) {
  return own(here) ? "Write, and the bot may write to you from then on." : "Nothing was posted here yet.";
}

function room(each) {
  const last = each.messages.at(-1);
  const unread = each.messages.length - (seen.get(`${as.value} ${each.id}`) ?? 0);
  return el("li", {}, el("button", {
    class: "person", type: "button", id: `chat${each.id}`, "aria-current": each.id === open ? "true" : null,
    onclick: () => { choose(each.id); draw(); log.scrollTop = log.scrollHeight; },
  }, el("b", {}, named(each)),
    unread > 0 ? el("span", { class: "tg-unread" }, String(unread), el("span", { class: "sr-only" }, " new")) : el("span"),
    last ? el("span", {}, last.text || last.carries) : null));
}

function line(each) {
  const self = each.by === as.value;
  const bubble = el("div", { class: "bubble" },
    each.origin ? el("p", { class: "quote" }, `Forwarded from ${each.origin}`) : null,
    each.answers ? el("p", { class: "quote" }, `${each.answers.name}: ${each.answers.text}`) : null,
    each.carries ? el("p", { class: "quiet small" }, each.carries) : null,
    ...styled(each.text, each.entities));
  return el("article", { class: self ? "line line-own tg-line" : "line tg-line" },
    self ? null : el("p", { class: "tg-from" }, each.name),
    el("div", { class: "tg-box" }, bubble, ...each.rows.map((row, n) =>
      el("div", { class: "tg-row" }, ...row.map((button, m) => button_of(each, button, `${n}-${m}`))))),
    el("div", { class: "under" }, time(each.at), each.edited ? el("span", {}, "edited ", time(each.edited)) : null,
      ...each.reactions.map((emoji) => el("span", { class: "tg-reaction" }, emoji)),
      el("button", { class: "btn btn-quiet btn-small", type: "button", id: `reply${each.id}`, onclick: () => answer(each) }, "Reply"),
      menu(each, self)));
}

function menu(each, self) {
  const key = `${open} ${each.id}`;
  const button = (id, label, act) => el("button", { class: "btn btn-small", type: "button", id: `${id}${each.id}`, onclick: act }, label);
  return el("details", { class: "tg-more", open: more === key, ontoggle: (event) => toggled(event, key) },
    el("summary", {}, "More"),
    el("div", { class: "tg-do" },
      ...EMOJI.map((emoji, n) => button(`react${n}-`, emoji || "No reaction", () => doing("react", { message: each.id, emoji }))),
      ...mine().filter((other) => other.id !== open).map((other) =>
        button(`to${other.id}-`, `Forward to ${named(other)}`, () => doing("forward", { message: each.id, to: other.id }))),
      self && each.text ? button("edit", "Change", () => answer(each, true)) : null));
}

function toggled(event, key) {
  if (event.target.open) {
    more = key;
    event.target.scrollIntoView({ block: "nearest" });
  } else if (more === key) more = "";
}

function button_of(each, button, n) {
  if (button.url) return el("a", { class: "btn", href: button.url, rel: "noopener", target: "_blank" }, `${button.label} ↗`);
  return el("button", { class: "btn", type: "button", id: `press${each.id}-${n}`, onclick: async () => {
    const done = await doing("press", { message: each.id, label: button.label });
    if (done) pressed = done.id;
    answered();
  } }, button.label);
}

// Words with their entities, which Telegram counts in UTF-16 as a script does. Nothing is read as markup.
function styled(text, entities, from = 0, to = text.length) {
  const parts = [];
  let at = from;
  for (let n = 0; n < entities.length; n += 1) {
    const { type, offset, length, url } = entities[n];
    if (offset < at) continue;
    const inside = entities.slice(n + 1).filter((each) => each.offset + each.length <= offset + length);
    parts.push(text.slice(at, offset));
    const words = styled(text, inside, offset, offset + length);
    const link = url && /^https?:/.test(url);
    parts.push(link ? el("a", { href: url, rel: "noopener", target: "_blank" }, ...words) : el(TAGS[type] ?? "span", {}, ...words));
    at = offset + length;
  }
  parts.push(text.slice(at, to));
  return parts;
}

// --- what one does ---------------------------------------------------------------------------------------------------

function choose(id) {
  open = id;
  more = "";
  answer(null);
}

function answer(message, change = false) {
  answering = message;
  changing = change;
  const shown = find("answering");
  shown.hidden = find("alone").hidden = !message;
  shown.textContent = message ? `${change ? "Changing" : `Reply to ${message.name}`}: ${message.text.slice(0, 80)}` : "";
  find("send").textContent = change ? "Change" : "Send";
  if (change) box.value = message.text;
  if (message) box.focus();
}

function tell(text) {
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => { toast.hidden = true; }, 8000);
}

find("write").addEventListener("submit", async (event) => {
  event.preventDefault();
  const given = changing ? { message: answering.id, text: box.value } : { text: box.value, reply_to: answering?.id };
  if (!(await doing(changing ? "edit" : "write", given))) return;
  box.value = "";
  answer(null);
  log.scrollTop = log.scrollHeight;
});
box.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  find("write").requestSubmit();
});
find("alone").addEventListener("click", () => { box.value = ""; answer(null); });
as.addEventListener("change", () => { choose(""); toast.hidden = true; pressed = ""; draw(); });
find("block").addEventListener("click", () => doing("block", { blocked: !chat().blocked }));
find("trouble").addEventListener("change", () => doing("trouble", {
  duplicates: document.querySelector("#copies").value,
  delay: document.querySelector("#delay").value,
  shuffled: document.querySelector("#shuffled").checked,
}));
for (const button of document.querySelectorAll("[data-fail]")) {
  button.addEventListener("click", () => doing("fail", { how: button.dataset.fail }));
}
