// --- keys: one letter, one action, on the open object only; the list is web/keys.py, a person may have their own ------

const sheet = one("#keys");
let own = JSON.parse(root.dataset.keymap ?? "{}"); // key of the list → the one this person presses
let actions = {}; // what is pressed → key of the list

function pressed(key) {
  return own[key] ?? key;
}

/** Say on every button which key presses it. */
function label(part) {
  const off = root.dataset.letters === "off";
  for (const target of all("[data-key]", part)) {
    const key = pressed(target.dataset.key).toUpperCase();
    const kbd = one("kbd", target);
    if (kbd) kbd.textContent = key;
    if (kbd) kbd.hidden = off;
    if (off) target.removeAttribute("aria-keyshortcuts");
    else target.setAttribute("aria-keyshortcuts", key);
  }
}

function learn(keys) {
  own = keys;
  const moved = new Set(Object.values(own));
  actions = Object.fromEntries(Object.entries(own).map(([key, chosen]) => [chosen, key]));
  for (const key of "/?jkaedxznrs[]g") if (!own[key] && !moved.has(key)) actions[key] = key;
  label(document);
}

learn(own);
enhance(label);

function move(step) {
  const rows = all("[data-row]").filter(shown);
  const focused = rows.indexOf(document.activeElement);
  const from = focused >= 0 ? focused : rows.findIndex((row) => row.ariaCurrent);
  rows[Math.min(rows.length - 1, Math.max(0, from + step))]?.focus();
}

function press(selector) {
  const target = all(selector).find((each) => shown(each) && !each.disabled);
  target?.click();
  return Boolean(target);
}

function back() {
  if (location.hash && shown(one("[data-close-file]"))) return press("[data-close-file]");
  return press("[data-cancel]") || press("[data-back]");
}

/** Remember how the page is laid out; the page itself has changed by then. */
function remember(what, value) {
  const body = new URLSearchParams({ csrf: one("[name=csrf]")?.value ?? "", [what]: value });
  fetch("/shell", { method: "POST", body, redirect: "manual", keepalive: true }).catch(() => {});
}

function toggleMenu() {
  const narrow = root.dataset.menu !== "narrow";
  if (narrow) root.dataset.menu = "narrow";
  else delete root.dataset.menu;
  const button = one("[data-menu-form] button");
  button.ariaLabel = button.title = narrow ? "Wide menu" : "Narrow menu";
  say(narrow ? "Narrow menu" : "Wide menu");
  remember("menu", narrow ? "narrow" : "wide");
}

function toggleFile() {
  if (!one("#file")) return false;
  const opener = all("[href='#file']").find(shown);
  if (opener) return press(location.hash && shown(one("[data-close-file]")) ? "[data-close-file]" : "[href='#file']");
  const hidden = shown(one("#file"));
  if (hidden && location.hash) location.replace("#main"); // what the address points to is never put away
  if (hidden) root.dataset.file = "hidden";
  else delete root.dataset.file;
  soon(() => one(hidden ? ".file-away button" : "#file").focus());
  say(hidden ? "Case file put away" : "Case file shown");
  remember("file", hidden ? "hidden" : "shown");
  return true;
}

one("[data-menu-form]")?.addEventListener("submit", (event) => {
  event.preventDefault();
  toggleMenu();
});

document.addEventListener("submit", (event) => {
  if (!event.target.matches("[data-file-form]")) return;
  event.preventDefault();
  toggleFile();
});

let going = 0;
let leaving = false;
addEventListener("beforeunload", () => {
  leaving = true;
  setTimeout(() => (leaving = false), 3000); // what was asked for came as a file, and the page stays
});
addEventListener("pageshow", () => (leaving = false));

const special = {
  "/": () => (soon(openPalette), true),
  "?": () => (soon(openSheet), true),
  j: () => (move(1), true),
  k: () => (move(-1), true),
  g: () => ((going = Date.now()), true),
  "[": () => (toggleMenu(), true),
  "]": () => toggleFile(),
};

function single(event) {
  const typed = event.key.toLowerCase();
  if (Date.now() - going < 1200) {
    going = 0;
    return press(`[data-go="${CSS.escape(typed)}"]`);
  }
  if (/^[1-9]$/.test(typed)) return openEvidence(typed) || press(`a[data-evidence="${typed}"]`);
  const key = actions[typed];
  if (!key) return false;
  return special[key] ? special[key]() : press(`[data-key="${CSS.escape(key)}"]`);
}

/** Whether what is typed there is text: then no letter is a key. */
function takesText(target) {
  return target.closest?.("input:not([type=radio], [type=checkbox], [type=submit], [type=button]), textarea, select, [contenteditable]");
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.isComposing || event.keyCode === 229 || leaving) return; // a page on its way out decides nothing
  if ((event.metaKey || event.ctrlKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k") {
    if (!one("dialog[open]:not(.palette)")) event.preventDefault(), soon(openPalette);
    return;
  }
  if (event.metaKey || event.ctrlKey || event.altKey) return;
  const dialog = one("dialog[open]");
  if (dialog) {
    if (event.key === "Escape") event.preventDefault(), soon(() => dialog.close());
    return;
  }
  const typing = shown(event.target) && takesText(event.target); // a box that was shut just now may be the target still
  if (event.key === "Escape") {
    if (typing) typing.blur();
    else if (back()) event.preventDefault();
    return;
  }
  if (typing || root.dataset.letters === "off" || openDrops().length) return; // in a menu a letter is for the menu
  if (!event.repeat || "jk".includes(actions[event.key.toLowerCase()] ?? " ")) {
    if (single(event)) event.preventDefault();
  }
});

// --- the help sheet: the same form as on its own page -------------------------------------------------------------------

async function fillSheet(request) {
  const place = one("[data-sheet]", sheet);
  const answer = await request.catch(() => null);
  if (!answer || ![200, 400].includes(answer.status)) {
    location.assign("/settings/keys");
    return;
  }
  place.innerHTML = await answer.text();
  if (answer.status === 400) return one(".inline", place)?.scrollIntoView({ block: "nearest" });
  const chosen = all(".key", place).map((field, at) => [field.dataset.default, field.value.toLowerCase()]);
  root.dataset.letters = one("[name=single]", place).checked ? "on" : "off";
  learn(Object.fromEntries(chosen.filter(([key, now]) => key !== now)));
}

function openSheet() {
  if (!sheet || sheet.open) return;
  one("[data-sheet]", sheet).replaceChildren(); // what is changed before the answer came would be lost
  sheet.showModal();
  fillSheet(fetch(one("[data-sheet]", sheet).dataset.sheet));
}

sheet?.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-keys-form]");
  if (!form) return;
  event.preventDefault();
  const body = new URLSearchParams(new FormData(form, event.submitter));
  fillSheet(fetch(form.action, { method: "POST", body }));
});

/** A field for a key holds the one that was pressed last. */
document.addEventListener("beforeinput", (event) => {
  if (event.target.matches?.(".key") && event.data) event.target.value = "";
});

const help = one("[data-keys]");
if (help) {
  help.hidden = false;
  help.addEventListener("click", openSheet);
}

sheet?.addEventListener("click", (event) => {
  if (event.target === sheet) sheet.close();
});
