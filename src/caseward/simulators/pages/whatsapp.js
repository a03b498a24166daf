// The customers' phones: one chat is open, the simulator says what is in it.
import { act, el, fill, follow, keepAtEnd, time, wire } from "./look.js";

const EMOJI = ["👍", "❤️", "🙏", ""];
const find = (name) => document.querySelector(`[data-${name}]`);
const log = document.querySelector("#log");
const box = document.querySelector("#text");
const dialog = find("dialog");
let shown = { phones: [] };
let open = "";
let about = "";

const phone = () => shown.phones.find((each) => each.number === open);
const look = follow((state) => {
  shown = state;
  draw();
});

// Do something with the open chat, and look at once.
async function doing(verb, more = {}) {
  const done = await act(`page/${verb}`, { who: open, ...more });
  if (done) look();
  return done;
}

function ask(question, value = "") {
  find("asked").textContent = question;
  const answer = document.querySelector("#answer");
  answer.value = value;
  dialog.returnValue = "";
  dialog.showModal();
  answer.select();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => resolve(dialog.returnValue ? answer.value : ""), { once: true });
  });
}

// --- what the page shows ---------------------------------------------------------------------------------------------

function draw() {
  wire(shown.wire);
  if (!phone() && shown.phones.length) open = shown.phones[0].number;
  find("hook").textContent = shown.hook ? `The desk is called at ${shown.hook}` : "No desk is called: no webhook was named.";
  fill(document.querySelector("#samples"), ...shown.samples.map((number) => el("option", { value: `+${number}` })));
  fill(find("people"), ...shown.phones.map(person));
  const here = phone();
  find("empty").hidden = Boolean(here);
  for (const part of [find("head"), log, find("write")]) part.hidden = !here;
  if (!here) return;
  find("name").textContent = here.name;
  find("about").textContent = here.hidden ? `${here.user_id}, number hidden` : `+${here.number}`;
  const badge = find("window");
  badge.textContent = here.open_until ? `Window open until ${clock(here.open_until)}` : "Window closed";
  badge.className = `push badge ${here.open_until ? "badge-ok" : "badge-warn"}`;
  find("prefer").setAttribute("aria-pressed", here.stopped);
  find("status").textContent = here.typing ? "The business is writing" : "";
  const lines = here.chat.map(line);
  if (here.typing) lines.push(el("p", { class: "line-quiet" }, "writing …"));
  keepAtEnd(log, () => fill(log, ...lines));
  listen();
  if (here.chat.some((each) => each.by === "business" && each.state === "delivered") && !document.hidden) doing("look");
}

const clock = (moment) =>
  new Date(moment).toLocaleString("en-GB", { weekday: "short", hour: "2-digit", minute: "2-digit" });

function person(each) {
  const last = each.chat.at(-1);
  return el("li", {}, el("button", { class: "person", id: `p${each.number}`, type: "button", "data-open": each.number, "aria-current": each.number === open ? "true" : null },
    el("b", {}, each.name), last ? time(last.at) : "", el("span", {}, last ? last.text : `+${each.number}`)));
}

const TICKS = { sent: ["✓", "sent"], delivered: ["✓✓", "delivered"], read: ["✓✓", "read"], failed: ["!", "failed"] };

function line(said) {
  const own = said.by === "customer";
  const [ticks, word] = TICKS[said.state] || ["", ""];
  const quote = said.quoted ? el("p", { class: "quote" }, said.quoted) : "";
  const bubble = said.gone
    ? el("p", { class: "bubble bubble-gone" }, "Deleted")
    : el("div", { class: "bubble" }, quote, said.picture ? el("img", { src: said.picture, alt: said.text }) : "", said.text);
  const list = said.choices.length > 3 || said.choices.some((each) => each.description);
  const choices = said.choices.length
    ? el("div", { class: list ? "wa-list" : "choices", role: "group", "aria-label": "Choices" }, ...said.choices.map((each) =>
        el("button", { class: "btn", type: "button", "data-do": "tap", "data-message": said.id, "data-choice": each.id }, each.title,
          each.description ? el("span", { class: "quiet small" }, each.description) : "")))
    : "";
  const who = said.by === "phone" ? "business phone" : "";
  const under = el("div", { class: "under" }, who, time(said.at), said.edited ? "edited" : "",
    own && said.state !== "read" ? "" : ticks ? el("span", { class: `wa-ticks ${said.state === "read" ? "wa-ticks-read" : ""}`, "aria-hidden": "true" }, ticks) : "",
    word && (!own || said.state === "read") ? el("span", { class: said.state === "failed" ? "is-bad" : "" }, word) : "",
    said.reactions.length ? el("span", { class: "wa-reactions" }, said.reactions.join(" ")) : "",
    said.gone ? "" : more(said, own));
  return el("div", { class: `line wa-line ${own ? "line-own" : ""}` }, bubble, choices, under);
}

// What one may do with a message; folded away, so that a chat stays a chat.
function more(said, own) {
  const button = (verb, label, extra = {}) =>
    el("button", { class: "btn btn-small", type: "button", "data-do": verb, "data-message": said.id, ...extra }, label);
  return el("details", { "data-more": said.id, open: opened.has(said.id) }, el("summary", {}, "More"), el("div", { class: "wa-do" },
    button("reply", "Reply"), ...EMOJI.map((emoji) => button("react", emoji || "No reaction", { "data-emoji": emoji })),
    own ? button("edit", "Edit") : "", own ? button("delete", "Delete") : ""));
}

const opened = new Set();
function listen() {
  for (const each of log.querySelectorAll("[data-more]"))
    each.addEventListener("toggle", () => (each.open ? opened.add(each.dataset.more) : opened.delete(each.dataset.more)));
}

function answerTo(id) {
  about = id;
  const said = phone()?.chat.find((each) => each.id === id);
  const note = find("about-message");
  note.hidden = !said;
  note.textContent = said ? `Reply to: ${said.text.slice(0, 120)}` : "";
}

// --- what one does ---------------------------------------------------------------------------------------------------

find("new").addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const made = await act("page/phone", { who: form.elements.number.value, hidden: form.elements.hidden.checked });
  if (!made) return;
  open = made.number;
  form.reset();
  answerTo("");
  await look();
  box.focus();
});

find("people").addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-open]");
  if (!chosen) return;
  open = chosen.dataset.open;
  answerTo("");
  draw();
  log.scrollTop = log.scrollHeight;
});

log.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-do]");
  if (!button) return;
  const { do: verb, message, choice, emoji } = button.dataset;
  if (verb === "reply") {
    answerTo(message);
    box.focus();
  } else if (verb === "edit") {
    const text = await ask("New words", phone().chat.find((each) => each.id === message).text);
    if (text) doing("edit", { message, text });
  } else doing(verb, { message, choice, emoji });
});

find("write").addEventListener("submit", async (event) => {
  event.preventDefault();
  const verb = event.submitter?.value === "phone" ? "echo" : "say";
  if (await doing(verb, { text: box.value, reply_to: about })) {
    box.value = "";
    answerTo("");
    log.scrollTop = log.scrollHeight;
  }
});

box.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  find("write").requestSubmit();
});

document.querySelector("#picture").addEventListener("change", (event) => {
  const file = event.target.files[0];
  if (!file) return;
  const reader = new FileReader();
  reader.addEventListener("load", () => doing("picture", { mime: file.type, data: reader.result.split(",")[1], caption: box.value }));
  reader.readAsDataURL(file);
  event.target.value = "";
});

find("location").addEventListener("click", () => doing("location"));
find("jump").addEventListener("click", () => doing("jump", { hours: 25 }));
find("prefer").addEventListener("click", () => doing("prefer", { wanted: phone().stopped }));
find("move").addEventListener("click", async () => {
  const number = await ask("New number");
  if (number && (await doing("move", { number }))) open = number.replace(/\D/g, "");
});
