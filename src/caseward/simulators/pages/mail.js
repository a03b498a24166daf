// The customers' mailboxes: one is open, the simulator says what was sent to and from it.
import { act, el, fill, follow, keepAtEnd, time, wire } from "./look.js";

const MOST_BYTES = 10_000_000;
const find = (name) => document.querySelector(`[data-${name}]`);
const log = document.querySelector("#log");
const box = document.querySelector("#text");
const subject = document.querySelector("#subject");
const file = document.querySelector("#file");
const opened = new Set();
let shown = { mails: [], people: [] };
let open = "";
let about = "";

const look = follow((state) => {
  shown = state;
  draw();
});

const people = () => [...new Set([...opened, ...shown.people.map((each) => each.address), ...shown.mails.flatMap((each) => [each.from, ...each.to])])].filter((each) => each && each !== shown.desk);
const named = (who) => shown.people.find((each) => each.address === who)?.name || who;
const here = (who) => shown.mails.filter((each) => each.from === who || each.to.includes(who));

function draw() {
  wire(shown.wire);
  open ||= people()[0] ?? "";
  find("servers").textContent = `The desk is ${shown.desk}. IMAP: ${shown.imap} SMTP: ${shown.smtp}`;
  fill(find("people"), ...people().map(person));
  find("empty").hidden = Boolean(open);
  for (const part of [find("head"), log, find("write")]) part.hidden = !open;
  if (!open) return;
  find("name").textContent = named(open);
  find("vanish").setAttribute("aria-pressed", String(shown.gone.includes(open)));
  const mails = here(open);
  keepAtEnd(log, () => fill(log, ...(mails.length ? mails.map(mail) : [el("p", { class: "sim-empty" }, "No mail yet.")])));
}

function person(who) {
  const last = here(who).at(-1);
  return el("li", {}, el("button", { class: "person", id: `p${who}`, type: "button", "data-open": who, "aria-current": who === open ? "true" : null },
    el("b", {}, named(who)), last ? time(last.at) : "", el("span", {}, last ? last.subject : who)));
}

function mail(each) {
  const own = each.from === open;
  return el("article", { class: `line ${own ? "line-own" : ""}` },
    el("div", { class: "bubble ml-mail" }, el("h3", {}, each.subject || "(no subject)"), el("div", {}, each.text.trim()),
      each.files.length ? el("p", { class: "quiet small" }, `Files: ${each.files.join(", ")}`) : ""),
    el("div", { class: "under" }, el("span", {}, each.from), time(each.at),
      own ? el("span", { class: each.honest ? "" : "is-warn" }, each.honest ? "found authentic" : "found forged") : "",
      own ? "" : el("button", { class: "btn btn-quiet btn-small", type: "button", id: `reply-${each.id}`, "data-reply": each.id }, "Reply")));
}

function answer(id) {
  about = id;
  const to = shown.mails.find((each) => each.id === id);
  find("about").hidden = find("fresh").hidden = !to;
  find("about").textContent = to ? `Reply to: ${to.subject}` : "";
  if (to) subject.value = /^re:/i.test(to.subject) ? to.subject : `Re: ${to.subject}`;
  else subject.value = "";
}

const read = (each) => new Promise((resolve) => {
  const reader = new FileReader();
  reader.addEventListener("load", () => resolve({ name: each.name, mime: each.type, data: reader.result.split(",")[1] ?? "" }));
  reader.readAsDataURL(each);
});

find("new").addEventListener("submit", (event) => {
  event.preventDefault();
  open = event.target.elements.who.value.trim().toLowerCase();
  opened.add(open);
  event.target.reset();
  answer("");
  draw();
  subject.focus();
});

find("people").addEventListener("click", (event) => {
  const chosen = event.target.closest("[data-open]");
  if (!chosen) return;
  open = chosen.dataset.open;
  answer("");
  draw();
  log.scrollTop = log.scrollHeight;
});

log.addEventListener("click", (event) => {
  const button = event.target.closest("[data-reply]");
  if (!button) return;
  answer(button.dataset.reply);
  box.focus();
});

find("write").addEventListener("submit", async (event) => {
  event.preventDefault();
  const chosen = [...file.files];
  if (chosen.reduce((sum, each) => sum + each.size, 0) > MOST_BYTES) {
    find("wrong").textContent = "Files of more than 10 MB together are not sent.";
    return;
  }
  const files = await Promise.all(chosen.map(read));
  const forged = document.querySelector("#forged").checked;
  if (!await act("page/send", { who: open, subject: subject.value, text: box.value, reply_to: about, forged, files })) return;
  box.value = file.value = find("files").textContent = "";
  document.querySelector("#forged").checked = false;
  answer("");
  await look();
  log.scrollTop = log.scrollHeight;
});

file.addEventListener("change", () => { find("files").textContent = [...file.files].map((each) => each.name).join(", "); });
find("fresh").addEventListener("click", () => answer(""));
find("vanish").addEventListener("click", async () => { if (await act("page/vanish", { who: open })) look(); });
find("head").addEventListener("click", (event) => {
  const button = event.target.closest("[data-fail]");
  if (button) act("page/fail", { how: button.dataset.fail });
});
