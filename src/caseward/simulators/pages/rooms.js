// A page of rooms: who plays picks a room and somebody to be, writes, replies and presses buttons.
import { act, el, fill, follow, keepAtEnd, time, wire } from "./look.js";

const find = (name) => document.querySelector(`[data-${name}]`);
const log = find("log");
const text = document.getElementById("text");
const as = document.getElementById("as");

let state = { rooms: [], people: [], messages: [], notes: [] };
let room = "";
let thread = "";
let mayReply = false;

export function rooms({ replies }) {
  mayReply = replies;
  const look = follow((fresh) => {
    state = fresh;
    room ||= state.rooms[0]?.id ?? "";
    wire(state.exchanges);
    draw();
  });
  find("write").addEventListener("submit", async (event) => {
    event.preventDefault();
    const said = await act("page/say", { user: as.value, room, text: text.value, thread });
    if (!said) return;
    text.value = "";
    answer("");
    look();
  });
  text.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      find("write").requestSubmit();
    }
  });
  find("alone").addEventListener("click", () => answer(""));
}

function answer(message) {
  thread = message;
  find("label").textContent = message ? "Reply in the thread" : "Message";
  find("alone").hidden = !message;
  if (message) text.focus();
}

function draw() {
  const shown = state.rooms.find((each) => each.id === room);
  find("room").textContent = shown?.name ?? "";
  fill(find("rooms"), ...state.rooms.map((each) =>
    el("li", {}, el("button", {
      class: "person", type: "button", id: `room-${each.id}`, "aria-current": each.id === room ? "true" : null,
      onclick: () => { room = each.id; answer(""); draw(); },
    }, el("b", {}, each.name), el("span", { class: "quiet" }, String(count(each.id) || ""))))));
  const own = shown?.person;
  const people = own ? state.people.filter((each) => each.id === own) : state.people;
  const before = as.value;
  fill(as, ...people.map((each) => el("option", { value: each.id }, each.name)));
  if (people.some((each) => each.id === before)) as.value = before;
  const said = state.messages.filter((each) => each.room === room);
  keepAtEnd(log, () => fill(log,
    ...(said.length ? said.map(message) : [el("p", { class: "sim-empty" }, "Nothing was said here yet.")]),
    ...state.notes.filter((each) => each.room === room).map((each) => el("p", { class: "line line-quiet" }, each.text))));
}

function count(id) {
  return state.messages.filter((each) => each.room === id).length;
}

function message(each) {
  const reply = mayReply && !each.thread
    ? el("button", { class: "btn btn-quiet btn-small", type: "button", id: `reply-${each.id}`, onclick: () => answer(each.id) }, "Reply")
    : null;
  return el("article", { class: each.ours ? "line" : "line line-own" },
    each.thread ? el("p", { class: "quote" }, "in a thread") : null,
    el("p", { class: "bubble" }, each.text),
    each.buttons.length ? el("div", { class: "choices" }, ...each.buttons.map((button, n) => press(each, button, n))) : null,
    el("div", { class: "under" }, el("span", {}, each.by), time(each.at), each.edited ? el("span", {}, "changed") : null, reply));
}

function press(each, button, n) {
  if (button.url) return el("a", { class: "btn btn-small", href: button.url, rel: "noopener", target: "_blank" }, button.label);
  return el("button", {
    class: "btn btn-small", type: "button", id: `press-${each.id}-${n}`,
    onclick: () => act("page/press", { user: as.value, message: each.id, label: button.label }),
  }, button.label);
}
