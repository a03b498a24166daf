// --- overview: how long ago the figures were measured ------------------------------------------------------------------

function tellAge() {
  for (const place of all("[data-measured]")) {
    const seconds = Math.max(0, Math.round((Date.now() + drift - Date.parse(place.dataset.measured)) / 1000));
    if (!Number.isFinite(seconds)) continue;
    const ago = seconds < 60 ? `${seconds} s` : `${Math.floor(seconds / 60)} min`;
    place.textContent = `Updated ${ago} ago`;
  }
}

if (one("[data-measured]")) {
  tellAge();
  setInterval(tellAge, 1000);
}
