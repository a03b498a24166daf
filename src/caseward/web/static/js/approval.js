// --- the approval card: what is being read is looked at again until it is there ------------------------------------------

enhance((part) => {
  const reading = one("[data-reading]", part);
  if (!reading) return;
  const again = one("a", reading.parentElement).href;
  let tries = 0;
  const look = async () => {
    const answer = await fetch(again).catch(() => null);
    const page = answer?.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
    if (page && !one("[data-reading]", page)) return location.replace(again.replace(/[?&]read=1$/, ""));
    if (++tries < 12) return setTimeout(look, 500 + tries * 250);
    reading.lastChild.textContent = "It has not answered yet. Look again in a while.";
  };
  setTimeout(look, 400);
});

// --- in the inbox the focus stays on the card that was decided; the queue's next question takes it by itself ------------

document.addEventListener("submit", (event) => {
  if (event.target.matches("form.approval:has([name=from][value=case])")) sessionStorage.setItem("decided", location.pathname);
});

if (sessionStorage.getItem("decided") === location.pathname) {
  const place = one("#question") ?? one("#outcome");
  place?.setAttribute("tabindex", "-1");
  if (!one("main [autofocus]")) place?.focus();
}
sessionStorage.removeItem("decided");
