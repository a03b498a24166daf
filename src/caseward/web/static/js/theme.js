// --- theme: the form works alone; here it works without loading the page ------------------------------------------------

one("[data-theme-form]")?.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  const system = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  const theme = (root.dataset.theme || system) === "dark" ? "light" : "dark";
  const body = new URLSearchParams(new FormData(form));
  body.set("theme", theme);
  root.dataset.theme = theme;
  fetch(form.action, { method: "POST", body, redirect: "manual", keepalive: true });
});
