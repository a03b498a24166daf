// The console's script: theme, clocks, keys, kept drafts. Every page works without it.

const root = document.documentElement;
const one = (selector, within = document) => within.querySelector(selector);
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const shown = (element) => element?.checkVisibility?.() ?? Boolean(element);

/** Say something to screen readers, and nothing else. */
function say(words) {
  const place = one("#said");
  if (place) place.textContent = words;
}

// --- clocks: the server sends the instant, the page only draws it ------------------------------------------------------

const drift = Date.parse(root.dataset.now) - Date.now();
const clocks = all("[data-due]").map((element) => ({
  element,
  count: one("[data-count]", element),
  due: Date.parse(element.dataset.due),
  warn: Number(element.dataset.warn),
  bad: Number(element.dataset.bad),
}));

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

if (clocks.length && Number.isFinite(drift)) setInterval(tick, 1000);

// --- held consent: the page counts down to when it leaves, and looks once it has ---------------------------------------

for (const held of all("[data-sends]")) {
  const ends = Date.parse(held.dataset.sends);
  const count = () => {
    const left = Math.ceil((ends - Date.now() - drift) / 1000);
    held.textContent = left > 0 ? `Sending in ${left} s` : "Sending now";
    if (left > 0) return;
    clearInterval(counting);
    one("[data-undo]", held.closest("form"))?.remove();
    setTimeout(() => location.reload(), 2000);
  };
  const counting = setInterval(count, 1000);
  if (Number.isFinite(drift)) count();
}

// --- theme: the form works alone; here it works without loading the page ------------------------------------------------

one("[data-theme-form]")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const theme = (root.dataset.theme || system) === "dark" ? "light" : "dark";
  const body = new URLSearchParams(new FormData(form));
  body.set("theme", theme);
  root.dataset.theme = theme;
  fetch(form.action, { method: "POST", body, redirect: "manual", keepalive: true });
});

// --- drafts: what a person typed survives a lost page, in this tab only -------------------------------------------------

for (const field of all("[data-draft]")) {
  const key = `draft:${field.dataset.draft}`;
  const kept = sessionStorage.getItem(key);
  if (kept && kept !== field.value && !one(".approval .inline")) {
    field.value = kept;
    say("Your unsent text is back.");
  }
  field.addEventListener("input", () => sessionStorage.setItem(key, field.value));
  field.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) one("[data-send]", field.form)?.click();
  });
}

/** The checks look at an edit as somebody stops typing; the server alone says what they make of it. */
const checked = one("[data-preview]");
if (checked) {
  const form = checked.form;
  const send = one("[data-send]", form);
  const text = one("textarea[name=text]", form);
  let waiting, latest = 0;
  text?.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(async () => {
      const asked = ++latest;
      const body = new URLSearchParams(new FormData(form));
      body.set("verdict", "edit");
      const answer = await fetch(`${checked.formAction}?part=checks`, { method: "POST", body }).catch(() => null);
      if (asked !== latest || !answer?.ok) return;
      const place = one("[data-outcomes]", form);
      place.innerHTML = await answer.text();
      send.disabled = Boolean(one(".inline-bad", place));
    }, 600);
  });
}

for (const cancel of all("[data-cancel]")) {
  cancel.addEventListener("click", () => {
    for (const field of all("[data-draft]")) sessionStorage.removeItem(`draft:${field.dataset.draft}`);
  });
}

for (const form of all("[data-sign-out]")) form.addEventListener("submit", () => sessionStorage.clear());

// A second click on a decision is the same decision: the server says so, and the page does not even ask.
for (const form of all("form.approval")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
    setTimeout(() => delete form.dataset.sent, 5000);
  });
}

// --- evidence: a chip shows its source where the eye already is ---------------------------------------------------------

function openEvidence(number) {
  const place = document.getElementById(`evidence-${number}`);
  if (!place) return false;
  if (!shown(place)) location.hash = place.id;
  place.focus();
  place.scrollIntoView({ block: "nearest" });
  return true;
}

for (const chip of all("a[data-evidence]")) {
  chip.addEventListener("click", (event) => {
    if (openEvidence(chip.dataset.evidence)) event.preventDefault();
  });
}

one("[data-close-file]")?.addEventListener("click", () => one("[href='#file']")?.focus());

// --- keys: one letter, one action, on the open object only --------------------------------------------------------------

const sheet = one("#keys");
const singles = one("#single-keys");
if (singles) {
  singles.checked = localStorage.getItem("single-keys") !== "off";
  singles.addEventListener("change", () => localStorage.setItem("single-keys", singles.checked ? "on" : "off"));
}

function move(step) {
  const rows = all("[data-row]").filter(shown);
  const focused = rows.indexOf(document.activeElement);
  const from = focused >= 0 ? focused : rows.findIndex((row) => row.ariaCurrent);
  rows[Math.min(rows.length - 1, Math.max(0, from + step))]?.focus();
}

function press(selector) {
  const target = all(selector).find(shown);
  target?.click();
  return Boolean(target);
}

function back() {
  if (location.hash && shown(one("[data-close-file]"))) return press("[data-close-file]");
  return press("[data-cancel]") || press("[data-back]");
}

let going = 0;
let leaving = false;
addEventListener("beforeunload", () => (leaving = true));
addEventListener("pageshow", () => (leaving = false));

function single(event) {
  const key = event.key.toLowerCase();
  if (Date.now() - going < 1200) {
    going = 0;
    return press(`[data-go="${CSS.escape(key)}"]`);
  }
  if (key === "j") return move(1), true;
  if (key === "k") return move(-1), true;
  if (key === "g") return (going = Date.now()), true;
  if (key === "]") return press("[href='#file']") || (one("#file")?.focus(), true);
  if (key === "/") return one("[data-search]")?.focus(), true;
  if (/^[1-9]$/.test(key)) return openEvidence(key);
  if ("aedxnrz".includes(key)) return press(`[data-key="${key}"]`);
  return false;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.metaKey || event.ctrlKey || event.altKey) return;
  if (sheet?.open || leaving) return; // a page on its way out decides nothing
  const typing = event.target.closest("input:not([type=radio], [type=checkbox]), textarea, select, [contenteditable]");
  if (event.key === "Escape") {
    if (typing) typing.blur();
    else if (back()) event.preventDefault();
    return;
  }
  if (typing) return;
  if (singles && !singles.checked) return;
  if (event.key === "?") {
    event.preventDefault();
    sheet?.showModal();
    return;
  }
  if (!event.repeat || "jk".includes(event.key)) {
    if (single(event)) event.preventDefault();
  }
});

const help = one("[data-keys]");
if (help) {
  help.hidden = false;
  help.addEventListener("click", () => sheet?.showModal());
}

sheet?.addEventListener("click", (event) => {
  if (event.target === sheet) sheet.close();
});
