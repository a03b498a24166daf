// --- returning: after a form was sent the focus is where it was, and what came of it is said -----------------------------

{
  const KEPT = "sent";
  let keyed = false; // pressed by a key, or by what reads the screen: a pointer needs no focus
  document.addEventListener("click", (event) => (keyed = event.detail === 0), true);

  const words = (element) => element.textContent.trim().replace(/\s+/g, " ");
  const alike = (form) => all("form").filter((each) => each.getAttribute("action") === form);
  const folds = () => all("main summary, aside summary");
  const controls = (form) => [...form.elements].filter((each) => each.type !== "hidden" && each.localName !== "fieldset");

  document.addEventListener("submit", (event) => {
    const { target: form, submitter } = event;
    if (event.defaultPrevented || form.method !== "post" || form.matches(".approval, .decided")) return;
    const action = form.getAttribute("action");
    const near = form.closest("section[aria-labelledby]")?.getAttribute("aria-labelledby");
    const from = form.contains(document.activeElement) ? document.activeElement.id : "";
    const fold = folds().indexOf(one("summary", form.closest("details") ?? form));
    const sent = { at: location.pathname, keyed, action, from, pressed: submitter && words(submitter), near, fold };
    sessionStorage.setItem(KEPT, JSON.stringify(sent));
  });

  /** Return what stands where the form stood: the same field or button, the menu it is in, or the heading above it. */
  function place({ action, from, pressed, near, fold }) {
    const own = alike(action).flatMap(controls).filter(shown);
    const heading = document.getElementById(near) ?? one("main h1, main h2");
    const same = own.find((each) => from && each.id === from) ?? own.find((each) => words(each) === pressed);
    const found = same ?? own[0] ?? folds()[fold];
    if (!found) heading?.setAttribute("tabindex", "-1");
    return found ?? heading;
  }

  const sent = JSON.parse(sessionStorage.getItem(KEPT) ?? "null");
  sessionStorage.removeItem(KEPT);
  if (sent) {
    const news = all("main .inline[role], main .handed").find(shown);
    if (news) setTimeout(() => say(words(news)), 300); // what is there from the start is not news to what reads the screen
    const here = [sent.at, sent.action?.split("#")[0]].includes(location.pathname) && ["", "#file"].includes(location.hash);
    const free = () => [document.body, one("#file")].includes(document.activeElement) && !one("[autofocus]");
    const back = () => sent.keyed && here && free() && place(sent)?.focus();
    if (location.hash) addEventListener("load", () => setTimeout(back)); // the place that the address points to has the focus first
    else back();
  }

  // Loading the page again gives no second secret away, and looks at nobody's data again.
  const once = one("[data-once], [data-shown]");
  if (once) history.replaceState(history.state, "", (once.dataset.once || root.dataset.from) + location.hash);
}
