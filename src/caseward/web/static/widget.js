// Puts the chat on another site: one button, and the chat in a frame of its own once it is pressed. The chat cannot
// touch the site, nor the site read what is in the frame. `settings` are handed in by the server.
//
//   <script async src="https://desk.example/chat/widget.js?lang=en" data-side="left"></script>

((settings) => {
  const script = document.currentScript;
  const home = new URL(script.src).origin;
  const wanted = script.dataset;
  const address = new URL("/chat/widget", home);
  if (settings.language) address.searchParams.set("lang", settings.language);

  const host = document.createElement("div");
  host.dataset.caseward = "chat";
  const root = host.attachShadow({ mode: "open" });
  const style = new CSSStyleSheet();
  style.replaceSync(`
    :host { all: initial; position: fixed; inset: auto 16px 16px auto; z-index: 2147483000; font: 500 16px/1.4 system-ui, sans-serif; }
    :host([data-side="left"]) { inset: auto auto 16px 16px; }
    button { display: flex; align-items: center; gap: 8px; min-height: 48px; padding: 0 20px; border: 0; border-radius: 24px;
      background: ${settings.solid[0]}; color: ${settings.onSolid[0]}; font: inherit; cursor: pointer; box-shadow: 0 8px 24px -8px rgb(0 0 0 / 40%); }
    button:focus-visible { outline: 2px solid ${settings.solid[0]}; outline-offset: 2px; }
    iframe { display: block; position: fixed; inset: auto 16px 80px auto; width: min(400px, calc(100vw - 32px)); height: min(640px, calc(100dvh - 104px));
      border: 1px solid rgb(128 128 128 / 40%); border-radius: 12px; background: Canvas; box-shadow: 0 8px 24px -8px rgb(0 0 0 / 40%); }
    :host([data-side="left"]) iframe { inset: auto auto 80px 16px; }
    iframe[hidden] { display: none; }
    span:empty { display: none; }
    span { min-width: 20px; padding: 0 6px; border-radius: 10px; background: ${settings.onSolid[0]}; color: ${settings.solid[0]}; text-align: center; font-size: 13px; }
    @media (max-width: 480px) {
      iframe { inset: 0; width: 100vw; height: 100dvh; border: 0; border-radius: 0; }
      :host([data-side="left"]) iframe { inset: 0; }
    }
    @media (prefers-color-scheme: dark) {
      button { background: ${settings.solid[1]}; color: ${settings.onSolid[1]}; }
      span { background: ${settings.onSolid[1]}; color: ${settings.solid[1]}; }
    }
    @media (forced-colors: active) { button { border: 1px solid; } }
  `);
  root.adoptedStyleSheets = [style];
  if (wanted.side === "left") host.dataset.side = "left";

  const button = document.createElement("button");
  const unread = document.createElement("span");
  button.append(settings.label, unread);
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  root.append(button);
  let frame = null;
  let loaded = false;

  function show() {
    if (!frame) {
      frame = document.createElement("iframe");
      frame.src = address;
      frame.title = settings.label;
      frame.setAttribute("sandbox", "allow-scripts allow-same-origin allow-forms allow-popups");
      frame.referrerPolicy = "origin";
      frame.addEventListener("load", () => ((loaded = true), tell(frame.hidden ? "hidden" : "shown"))); // nobody listens before
      root.prepend(frame);
    }
    frame.hidden = false;
    unread.textContent = "";
    button.setAttribute("aria-expanded", "true");
    frame.focus();
    if (loaded) tell("shown");
  }

  function hide() {
    frame.hidden = true;
    button.setAttribute("aria-expanded", "false");
    button.focus();
    if (loaded) tell("hidden");
  }

  function tell(what, more = {}) {
    frame.contentWindow?.postMessage({ caseward: what, ...more }, home);
  }

  // Where the browser lets the frame keep nothing, its token is kept here, so that a visitor finds the chat again.
  const KEPT = `caseward-chat:${home}`;

  function remember(token) {
    try {
      localStorage.setItem(KEPT, token);
    } catch {
      // then it holds as long as the page is open
    }
  }

  function remembered() {
    try {
      return localStorage.getItem(KEPT) || "";
    } catch {
      return "";
    }
  }

  button.addEventListener("click", () => (frame && !frame.hidden ? hide() : show()));
  addEventListener("message", (event) => {
    if (event.origin !== home || !frame || event.source !== frame.contentWindow) return;
    const { caseward: what, token } = event.data ?? {};
    if (what === "close") hide();
    if (what === "keep") remember(String(token));
    if (what === "kept?") tell("kept", { token: remembered() });
    if (what === "unread" && frame.hidden) unread.textContent = String(Number(event.data.count) || "");
  });
  addEventListener("keydown", (event) => {
    if (event.key === "Escape" && frame && !frame.hidden) hide();
  });

  document.body ? document.body.append(host) : addEventListener("DOMContentLoaded", () => document.body.append(host));
})
