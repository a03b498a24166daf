// --- the palette: what can be done here, where one can go, and what the server finds ------------------------------------

const palette = one("#palette");
const paletteWords = one("#palette-words");
const paletteList = one("#palette-list");
let palettePlaces = []; // what each option of the page itself presses
let paletteWait, paletteAsked;

/** The name of a button without the key that stands on it. */
function nameOf(target) {
  if (target.ariaLabel) return target.ariaLabel;
  const copy = target.cloneNode(true);
  for (const aside of all("kbd, .nav-count, .badge, .sr-only", copy)) aside.remove();
  return copy.textContent.trim() || target.title || target.textContent.trim();
}

const PALETTE_ICONS = { e: "pencil", d: "x", x: "arrow-up-right", n: "scroll-text", s: "clock", r: "circle-check" };

/** The icon that stands on a button, or one that fits what its key does. */
function iconOf(target) {
  const own = one("svg.icon", target);
  const made = (own ?? one(".nav svg.icon")).cloneNode(true);
  const name = PALETTE_ICONS[target.dataset.key];
  if (!own) one("use", made).setAttribute("href", one("use", made).getAttribute("href").replace(/#.*/, `#${name ?? "circle-dot"}`));
  return made;
}

function ownOptions() {
  const can = (each) => shown(each) && !each.disabled && !each.closest("dialog");
  const acts = [...all(".approval [data-key]"), ...all("main [data-key]:not(.approval *), aside [data-key]")].filter(can);
  const goes = all(".nav [data-go], .nav .nav-item").filter((each, at, many) => many.indexOf(each) === at);
  return [
    ["Actions", acts.map((target) => [target, pressed(target.dataset.key)])],
    ["Go to", goes.map((target) => [target, target.dataset.go ? `${pressed("g")} ${target.dataset.go}` : ""])],
    ["Help", [[one("[data-keys]"), pressed("?")]].filter(([target]) => target)],
  ];
}

function option(target, keys, id) {
  const made = document.createElement("div");
  made.role = "option";
  made.id = id;
  made.ariaSelected = "false";
  const name = document.createElement("span");
  name.className = "clip";
  name.textContent = nameOf(target);
  made.append(iconOf(target), name);
  for (const key of root.dataset.letters === "off" ? [] : keys.toUpperCase().split(" ").filter(Boolean)) {
    const kbd = document.createElement("kbd");
    kbd.textContent = key;
    kbd.ariaHidden = "true";
    made.append(kbd);
  }
  return made;
}

function listOwn(sought) {
  palettePlaces = [];
  const groups = [];
  for (const [title, targets] of ownOptions()) {
    const fitting = targets.filter(([target]) => sought.every((word) => nameOf(target).toLowerCase().includes(word)));
    if (!fitting.length) continue;
    const group = document.createElement("div");
    group.role = "group";
    group.ariaLabel = title;
    for (const [target, keys] of fitting) {
      group.append(option(target, keys, `palette-${palettePlaces.length}`));
      palettePlaces.push(target);
    }
    groups.push(group);
  }
  const found = document.createElement("div");
  found.dataset.server = "";
  found.role = "presentation";
  paletteList.replaceChildren(...groups, found);
}

const paletteOptions = () => all("[role=option]", paletteList);

function choose(chosen) {
  for (const each of paletteOptions()) each.ariaSelected = String(each === chosen);
  if (chosen) paletteWords.setAttribute("aria-activedescendant", chosen.id);
  else paletteWords.removeAttribute("aria-activedescendant");
  chosen?.scrollIntoView({ block: "nearest" });
}

const chosenOption = () => one("[aria-selected=true]", paletteList);

async function listFound(sought) {
  paletteAsked?.abort();
  if (!sought) return;
  const asked = (paletteAsked = new AbortController());
  const address = `/search?part=1&q=${encodeURIComponent(sought)}`;
  const answer = await fetch(address, { signal: asked.signal }).catch(() => null);
  if (asked.signal.aborted) return;
  const place = one("[data-server]", paletteList);
  if (!answer?.ok) return (one("[data-found]", palette).textContent = "The search did not answer. Enter opens it.");
  place.innerHTML = await answer.text();
  if (asked.signal.aborted) return;
  if (!chosenOption()) choose(paletteOptions()[0]);
  const count = paletteOptions().length;
  one("[data-found]", palette).textContent = count ? `${count} results` : "Nothing found";
  palette.dataset.empty = String(!count);
}

function listAll() {
  const sought = paletteWords.value.trim();
  listOwn(sought.toLowerCase().split(/\s+/).filter(Boolean));
  choose(paletteOptions()[0]);
  palette.dataset.empty = "false";
  clearTimeout(paletteWait);
  paletteAsked?.abort();
  paletteWait = setTimeout(() => listFound(sought), 150);
}

function openPalette(typed = "") {
  if (!palette || palette.open) return;
  paletteWords.value = typed;
  paletteList.replaceChildren();
  palette.showModal();
  setTimeout(listAll); // the box is there at once
}

function take(chosen) {
  const target = palettePlaces[Number(chosen.id.replace("palette-", ""))];
  palette.close();
  if (chosen.href) location.assign(chosen.href);
  else requestAnimationFrame(() => target.click());
}

paletteWords?.addEventListener("input", listAll);

paletteWords?.addEventListener("keydown", (event) => {
  if (event.isComposing) return;
  const options = paletteOptions();
  const at = options.indexOf(chosenOption());
  const to = { ArrowDown: at + 1, ArrowUp: at - 1, PageDown: at + 8, PageUp: at - 8 }[event.key];
  if (to !== undefined && options.length) {
    event.preventDefault();
    const single = Math.abs(to - at) === 1;
    choose(options[single ? (to + options.length) % options.length : Math.min(options.length - 1, Math.max(0, to))]);
  } else if (event.key === "Enter" && chosenOption()) {
    event.preventDefault();
    take(chosenOption());
  }
});

paletteList?.addEventListener("click", (event) => {
  const chosen = event.target.closest("[role=option]");
  if (!chosen || (chosen.href && (event.metaKey || event.ctrlKey))) return;
  event.preventDefault();
  take(chosen);
});

palette?.addEventListener("click", (event) => {
  if (event.target === palette) palette.close();
});

// The box in the menu is the palette's door; without scripts it is a search of its own.
const paletteDoor = one("[data-search]");
paletteDoor?.addEventListener("click", () => openPalette(paletteDoor.value));
paletteDoor?.addEventListener("input", () => {
  openPalette(paletteDoor.value);
  paletteDoor.value = "";
});
for (const mod of all("[data-mod]")) if (/Mac|iPhone|iPad/.test(navigator.platform)) mod.textContent = "⌘K";
