// --- drafts: what a person typed survives a lost page, in this tab only -------------------------------------------------

enhance((part) => all("[data-draft]", part).forEach(keepDraft));

function keepDraft(field) {
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
enhance((part) => all("[data-preview]", part).forEach(checkEdit));

function checkEdit(checked) {
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
      send.disabled = "off" in send.dataset || Boolean(one(".inline-bad", place));
    }, 600);
  });
}

enhance((part) => {
  for (const cancel of all("[data-cancel]", part)) {
    cancel.addEventListener("click", () => {
      for (const field of all("[data-draft]")) sessionStorage.removeItem(`draft:${field.dataset.draft}`);
    });
  }
  for (const form of all("[data-sign-out]", part)) form.addEventListener("submit", () => sessionStorage.clear());

  // A second click on a decision is the same decision: the server says so, and the page does not even ask.
  for (const form of all("form.approval", part)) {
    form.addEventListener("submit", (event) => {
      if (form.dataset.sent) event.preventDefault();
      form.dataset.sent = "yes";
      setTimeout(() => delete form.dataset.sent, 5000);
    });
  }
});
