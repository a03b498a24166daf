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
