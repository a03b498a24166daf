// --- knowledge: an edit is looked at, and kept, as somebody stops typing --------------------------------------------------

enhance((root) => {
  for (const form of all("form[data-edit]", root)) {
    const place = one("[data-look]");
    let waiting, latest = 0;
    const look = async () => {
      const asked = ++latest;
      const body = new URLSearchParams(new FormData(form));
      body.set("do", "look");
      const slow = setTimeout(() => place.setAttribute("aria-busy", "true"), 300);
      const url = new URL(form.action);
      url.searchParams.set("part", "look");
      const answer = await fetch(url, { method: "POST", body }).catch(() => null);
      const words = answer?.ok ? await answer.text() : "";
      clearTimeout(slow);
      if (asked !== latest) return;
      place.removeAttribute("aria-busy");
      if (!words) return;
      place.innerHTML = words;
      const wrong = all(".inline-bad, .is-bad", place).length;
      say(wrong ? "The check found something to mend." : "Kept. The check found nothing wrong.");
    };
    form.addEventListener("input", () => {
      clearTimeout(waiting);
      waiting = setTimeout(look, 700);
    });
    form.addEventListener("submit", () => { clearTimeout(waiting); latest++; });
    if (one(".diff", place) && !one("#check", place)) look();
  }
});

// What a change would do is being proved: the page asks again until it is there.
enhance((part) => one("[data-proving]", part) && setTimeout(() => live.changed(["releases"]), 1500));
