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
  one("[data-close-file]", part)?.addEventListener("click", () => one("[href='#file']")?.focus());
});
