// --- evidence: a chip shows its source where the eye already is ---------------------------------------------------------

function openEvidence(number) {
  const place = document.getElementById(`evidence-${number}`);
  if (!place) return false;
  if (!shown(place)) location.hash = place.id;
  place.focus();
  place.scrollIntoView({ block: "nearest" });
  return true;
}

enhance((part) => {
  for (const chip of all("a[data-evidence]", part)) {
    chip.addEventListener("click", (event) => {
      if (openEvidence(chip.dataset.evidence)) event.preventDefault();
    });
  }
  one("[data-close-file]", part)?.addEventListener("click", () => setTimeout(() => (cover(), one("[href='#file']")?.focus())));
});

// On a phone the case file lies over the whole page; nothing under it takes the focus.
function cover() {
  const file = one("#file");
  const over = shown(file) && getComputedStyle(file).position === "fixed" && file.offsetWidth >= innerWidth;
  for (const under of all("#main, .bottom-bar")) under.inert = Boolean(over);
}

if (one("#file")) {
  for (const event of ["hashchange", "resize", "load"]) addEventListener(event, cover);
  cover();
}
