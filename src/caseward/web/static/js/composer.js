// --- composer: unsent text outlives the tab, templates come in at the cursor, @ offers names ----------------------------

{
  const STEM = "compose:"; // what is kept of one person's text about one case, for all tabs of this browser
  const same = (text) => text.replace(/\s+/g, " ").trim();
  const read = (key) => JSON.parse(localStorage.getItem(key) ?? "null");
  const drafts = () => Object.keys(localStorage).filter((key) => key.startsWith(STEM));

  enhance((part) => all("[data-compose]", part).forEach(compose));

  function compose(field) {
    const key = STEM + field.dataset.compose;
    const notice = one("[data-compose-said]", field.form);
    let written = "";

    function keep() {
      written = field.value;
      if (written.trim()) localStorage.setItem(key, JSON.stringify({ text: written }));
      else localStorage.removeItem(key);
    }

    function tell(words, label, act) {
      notice.replaceChildren(words);
      notice.hidden = !words;
      if (!label) return;
      const button = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: label });
      button.addEventListener("click", () => (act(), tell(""), field.focus()));
      notice.append(button);
    }

    function take(text) {
      field.value = written = text;
      field.closest("details").open = true;
      places();
    }

    /** While a place of a template stands open the reply cannot be sent; the server would refuse it too. */
    function places() {
      const open = [...new Set(field.value.match(/\{[a-z_]+\}/g))];
      if (open.length) tell(`Still open: ${open.join(", ")}. Write what belongs there.`);
      else if (notice.textContent.startsWith("Still open")) tell("");
    }

    // What was sent stands in the conversation now, or in a request about it; what was not comes back.
    const sent = sessionStorage.getItem(key);
    sessionStorage.removeItem(key);
    const kept = read(key)?.text;
    if (sent && kept === sent && !field.value && same(one(".thread").textContent).includes(same(sent))) localStorage.removeItem(key);
    else if (field.value) keep();
    else if (kept) {
      take(kept);
      say("Your unsent text is back.");
    }
    places();

    field.addEventListener("input", () => (keep(), places()));
    field.form.addEventListener("submit", () => sessionStorage.setItem(key, field.value));
    field.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) one("[data-send]", field.form)?.click();
    });
    // Another tab of the same person: the words that were typed last count, and neither is lost.
    addEventListener("storage", (event) => {
      if (event.key !== key || !field.isConnected) return;
      const other = JSON.parse(event.newValue ?? "null")?.text ?? "";
      if (same(other) === same(field.value)) return;
      if (!other) return tell("Sent or cleared in another tab.", "Clear it here", () => take(""));
      const mine = field.value;
      take(other);
      const back = () => (take(mine), keep());
      tell("You typed this in another tab.", mine.trim() && !other.startsWith(mine) ? "Take back what was here" : "", back);
    });
    // Who opens it wants to write; what opens by itself, with words that were kept, takes no focus away.
    one("summary", field.closest("details"))?.addEventListener("click", () => setTimeout(() => shown(field) && field.focus()));
    macros(field, keep, places);
    callable(field, keep);
  }

  /** A template comes in where the cursor is; without this script it comes in behind what was typed. */
  function macros(field, keep, places) {
    const button = one("[data-macro]", field.form);
    const choice = one("#macro", field.form);
    let asked = false; // pressed twice it comes in once
    button?.addEventListener("click", async (event) => {
      event.preventDefault();
      if (!choice.value) return choice.focus();
      if (asked) return;
      asked = true;
      const body = new URLSearchParams(new FormData(field.form));
      const answer = await fetch(`${button.formAction}?part=text`, { method: "POST", body }).catch(() => null);
      const words = answer?.ok && !answer.redirected ? await answer.text().catch(() => "") : "";
      asked = false;
      if (!words) return say("The template could not be read. Try again.");
      field.setRangeText(words, field.selectionStart, field.selectionEnd, "end");
      choice.value = "";
      keep();
      places();
      field.focus();
    });
  }

  /** Names of the house behind an @: arrows choose, Enter or Tab takes one, Escape lets it be. */
  function callable(field, keep) {
    const list = one("#callable", field.form);
    const people = JSON.parse(field.dataset.people);
    let offered = [];
    let at = 0;

    const typed = () => field.value.slice(0, field.selectionStart).match(/(?:^|[^\w@])@([^@\n]{0,40})$/u)?.[1];

    function close() {
      offered = [];
      list.hidden = true;
      field.removeAttribute("aria-activedescendant");
    }

    function draw() {
      list.replaceChildren(...offered.map((name, n) => {
        const row = Object.assign(document.createElement("li"), { id: `callable-${n}`, role: "option", textContent: name });
        row.ariaSelected = String(n === at);
        row.addEventListener("pointerdown", (event) => (event.preventDefault(), pick(name)));
        return row;
      }));
      list.hidden = false;
      field.setAttribute("aria-activedescendant", `callable-${at}`);
    }

    function look() {
      const begun = typed()?.toLowerCase();
      offered = begun === undefined ? [] : people.filter((name) => name.toLowerCase().startsWith(begun) && name.toLowerCase() !== begun).slice(0, 6);
      at = 0;
      if (offered.length) draw();
      else close();
    }

    function pick(name) {
      const end = field.selectionStart;
      field.setRangeText(`${name} `, end - typed().length, end, "end");
      keep();
      close();
    }

    field.setAttribute("aria-autocomplete", "list");
    field.setAttribute("aria-controls", list.id);
    field.addEventListener("input", look);
    field.addEventListener("blur", close);
    field.addEventListener("keydown", (event) => {
      if (list.hidden || event.isComposing) return;
      const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
      if (step) {
        at = (at + step + offered.length) % offered.length;
        draw();
      } else if (event.key === "Escape") close();
      else if ((event.key === "Enter" && !event.ctrlKey && !event.metaKey) || event.key === "Tab") pick(offered[at]);
      else return;
      event.preventDefault();
      event.stopPropagation();
    });
  }

  // Who signs out leaves nothing behind in this browser, and is asked first.
  document.addEventListener("submit", (event) => {
    if (!event.target.matches("[data-sign-out]")) return;
    const left = drafts().length;
    const what = left === 1 ? "one case" : `${left} cases`;
    if (left && !confirm(`You have unsent text about ${what}. Sign out and lose it?`)) {
      event.preventDefault();
      event.stopImmediatePropagation();
    } else for (const key of drafts()) localStorage.removeItem(key);
  }, true);
}
