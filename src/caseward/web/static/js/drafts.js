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

/** Whether a decision stays off by itself: a fact is stale, or its words do not pass the checks. */
function unfit(button) {
  return "off" in button.dataset || ("send" in button.dataset && Boolean(one("[data-outcomes] .inline-bad", button.form)));
}

/** The checks look at an edit as somebody stops typing; the server alone says what they make of it. */
enhance((part) => all("[data-preview]", part).forEach(checkEdit));

function checkEdit(checked) {
  const form = checked.form;
  const send = one("[data-send]", form);
  const text = one("textarea[name=text]", form);
  let waiting, latest = 0;
  const check = async () => {
    const asked = ++latest;
    const body = new URLSearchParams(new FormData(form));
    body.set("verdict", "edit");
    const answer = await fetch(`${checked.formAction}?part=checks`, { method: "POST", body }).catch(() => null);
    const told = answer?.ok && !answer.redirected ? await answer.text() : "";
    if (asked !== latest || !told) return;
    const place = one("[data-outcomes]", form);
    place.innerHTML = told;
    if (!root.dataset.off && !one("#changed-news", form)) send.disabled = unfit(send); // what stands in the way still does
  };
  text.addEventListener("input", () => {
    clearTimeout(waiting);
    latest++; // an answer about other words counts no more
    waiting = setTimeout(check, 600);
  });
  if (text.value.trim() !== one("[data-proposed]", form).textContent.trim()) check(); // words that came back, or were refused
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
