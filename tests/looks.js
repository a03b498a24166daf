// What a page may not do to who reads it: run inside the page, it returns one line for each fault it finds.
({ touch, large }) => {
  const faults = [];
  const name = (element) => {
    const classes = [...element.classList].slice(0, 3).join(".");
    const own = element.localName + (element.id ? `#${element.id}` : "") + (classes ? `.${classes}` : "");
    const said = (element.ariaLabel ?? element.textContent ?? "").trim().replace(/\s+/g, " ").slice(0, 40);
    return `${own} “${said}”`;
  };
  const shown = (element) =>
    element.checkVisibility({ opacityProperty: true, visibilityProperty: true }) && !element.closest(".sr-only, .skip, .off-screen, [aria-hidden=true]");
  const modal = document.querySelector("dialog[open]");
  const every = [...(modal ?? document.body).querySelectorAll("*")].filter(shown);
  const round = (box) => [box.x, box.y, box.width, box.height].map(Math.round).join(" ");

  // Nothing has to be scrolled sideways but what says that it can be.
  const most = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > most) {
    const wide = [...document.body.querySelectorAll("*")].filter((each) => each.getBoundingClientRect().right > most + 1).slice(-3);
    faults.push(`scrolls sideways: ${wide.map(name).join(", ")}`);
  }
  for (const element of every) {
    const style = getComputedStyle(element);
    // Nobody who asked for stillness sees anything move.
    if (parseFloat(style.transitionDuration) || style.animationName !== "none") faults.push(`moves: ${name(element)}`);
    const named = element.closest("[tabindex='0'][aria-label], [tabindex='0'][aria-labelledby], .tabs, .settings-nav, textarea, input, select, pre[tabindex]");
    const free = !named || (named === element && element.matches(".scroll")); // a page's own view scrolls down alone
    if (["auto", "scroll"].includes(style.overflowX) && element.scrollWidth > element.clientWidth + 1 && free) {
      const edge = element.getBoundingClientRect().left + element.clientLeft + element.clientWidth;
      const wide = [...element.querySelectorAll("*")].filter((each) => each.getBoundingClientRect().right > edge + 1).slice(0, 3);
      faults.push(`scrolls sideways inside ${name(element)}: ${wide.map(name).join(", ")}`);
    }
    // Nothing is cut off, but for what ends in an ellipsis and is whole elsewhere.
    const clips = ["hidden", "clip"];
    if (element.matches("input, select")) continue; // they show a part of what is in them, and move along it
    if (element.matches(".row-tags")) continue; // a tag for which a row has no room stands in the case
    if (clips.includes(style.overflowX) && style.textOverflow !== "ellipsis" && element.scrollWidth > element.clientWidth + 2 && element.clientWidth)
      faults.push(`cut off at the side: ${name(element)}`);
    if (clips.includes(style.overflowY) && style.webkitLineClamp === "none" && style.textOverflow !== "ellipsis" && element.scrollHeight > element.clientHeight + 3 && element.clientHeight)
      faults.push(`cut off below: ${name(element)}`);
    if (style.textOverflow === "ellipsis" && element.scrollWidth > element.clientWidth + 1 && element.clientWidth < 36)
      faults.push(`hardly anything is left of ${name(element)}`);
  }
  if (document.getAnimations().length) faults.push("something moves");

  // Words stay in their box, and on no other words.
  const lines = [];
  const walker = document.createTreeWalker(modal ?? document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const text = walker.currentNode;
    const parent = text.parentElement;
    if (!text.data.trim() || !shown(parent) || parent.closest("svg, option, datalist, select")) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    let box = parent;
    while (getComputedStyle(box).display === "inline") box = box.parentElement;
    const outer = box.getBoundingClientRect();
    const clipped = [];
    for (let up = parent; up; up = up.parentElement)
      if (getComputedStyle(up).overflow !== "visible" || getComputedStyle(up).overflowY !== "visible") clipped.push(up.getBoundingClientRect());
    let fixed = "";
    for (let up = parent; up; up = up.parentElement)
      if (["fixed", "sticky", "absolute"].includes(getComputedStyle(up).position)) fixed ||= getComputedStyle(up).position + name(up);
    for (const line of range.getClientRects()) {
      const ellipsis = getComputedStyle(box).textOverflow === "ellipsis" || getComputedStyle(box).webkitLineClamp !== "none";
      const slack = 2 + 0.18 * line.height; // the room a font keeps above and below its letters
      if (!ellipsis && (line.right > outer.right + 2 || line.left < outer.left - 2 || line.bottom > outer.bottom + slack || line.top < outer.top - slack))
        faults.push(`outside of its box: ${name(box)} “${text.data.trim().slice(0, 30)}” ${round(line)} in ${round(outer)}`);
      const seen = { left: line.left, right: line.right, top: line.top + line.height * 0.2, bottom: line.bottom - line.height * 0.2 };
      for (const clip of clipped) {
        seen.left = Math.max(seen.left, clip.left);
        seen.right = Math.min(seen.right, clip.right);
        seen.top = Math.max(seen.top, clip.top);
        seen.bottom = Math.min(seen.bottom, clip.bottom);
      }
      if (seen.right - seen.left > 1 && seen.bottom - seen.top > 1) lines.push({ ...seen, node: text, text: text.data.trim(), fixed, parent });
    }
  }
  lines.sort((a, b) => a.top - b.top);
  for (let i = 0; i < lines.length; i++) {
    for (let j = i + 1; j < lines.length && lines[j].top < lines[i].bottom - 1; j++) {
      const [a, b] = [lines[i], lines[j]];
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
      if (a.node !== b.node && a.fixed === b.fixed && wide > 2 && a.bottom - b.top > 2)
        faults.push(`on each other: ${name(a.parent)} “${a.text.slice(0, 25)}” and ${name(b.parent)} “${b.text.slice(0, 25)}”`);
    }
  }

  // What is pressed is big enough for what presses it.
  const floor = touch ? 44 : 24;
  const dense = touch ? 40 : 24;
  const pressed = every.filter((each) =>
    each.matches("a[href], button, input:not([type=hidden]), select, textarea, summary, [role=button], [role=option]"),
  );
  for (const element of pressed) {
    const label = element.matches("[type=checkbox], [type=radio]") ? element.closest("label") : null;
    const target = label ?? element;
    const style = getComputedStyle(target);
    if (getComputedStyle(element, "::after").position === "absolute") continue; // what is pressed is larger than its words
    const inText = style.display.startsWith("inline") && element.matches("a") && element.closest("p, li, dd, td, small, span, caption, q, blockquote");
    if (inText && (element.parentElement.textContent.trim() !== element.textContent.trim() || style.display === "inline" || element.matches(".cite, .link"))) continue;
    const box = target.getBoundingClientRect();
    const need = target.matches(large) ? floor : dense;
    if (Math.round(box.height) < need || Math.round(box.width) < need) faults.push(`too small to press: ${name(element)} ${round(box)}`);
  }
  return [...new Set(faults)];
}
