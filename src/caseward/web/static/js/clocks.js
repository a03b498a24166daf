// --- clocks: the server sends the instant, the page only draws it ------------------------------------------------------

let drift = Date.parse(root.dataset.now) - Date.now(); // the desk's clock less this one; measured anew by the stream
let clocks = [];
enhance((part) => {
  for (const element of all("[data-due]", part)) {
    clocks.push({
      element,
      count: one("[data-count]", element),
      due: Date.parse(element.dataset.due),
      warn: Number(element.dataset.warn),
      bad: Number(element.dataset.bad),
    });
  }
});

/** The same words as times.py `countdown`. */
function countdown(seconds) {
  const left = Math.abs(seconds);
  const two = (number) => String(number).padStart(2, "0");
  let text;
  if (left < 3600) text = `${two(Math.floor(left / 60))}:${two(left % 60)}`;
  else if (left < 86400) text = `${Math.floor(left / 3600)} h ${Math.floor((left % 3600) / 60)} m`;
  else text = `${Math.floor(left / 86400)} d ${Math.floor((left % 86400) / 3600)} h`;
  return seconds < 0 ? `+${text}` : text;
}

function tick() {
  const now = Date.now() + drift;
  clocks = clocks.filter((clock) => clock.element.isConnected);
  for (const clock of clocks) {
    const left = Math.floor((clock.due - now) / 1000);
    const text = countdown(left);
    if (clock.count.textContent !== text) clock.count.textContent = text;
    const level = left <= clock.bad ? "bad" : left <= clock.warn ? "warn" : "";
    if (level === (clock.element.dataset.level ?? "")) continue;
    if (level) clock.element.dataset.level = level;
    else delete clock.element.dataset.level;
    if (clock.element.closest(".approval")) say(`${clock.element.title}, ${text} left`);
  }
}

if (Number.isFinite(drift)) setInterval(tick, 1000);

// --- held consent: the page counts down to when it leaves, and looks once it has ---------------------------------------

enhance((part) => {
  for (const held of all("[data-sends]", part)) {
    const ends = Date.parse(held.dataset.sends);
    const count = () => {
      const left = Math.ceil((ends - Date.now() - drift) / 1000);
      held.textContent = left > 0 ? `Sending in ${left} s` : "Sending now";
      if (left > 0 && held.isConnected) return;
      clearInterval(counting);
      one("[data-undo]", held.closest("form"))?.remove();
      setTimeout(() => held.isConnected && !("stays" in held.dataset) && location.reload(), 3000); // the stream was quicker, or there is none
    };
    const counting = setInterval(count, 1000);
    if (Number.isFinite(drift)) count();
  }
});
