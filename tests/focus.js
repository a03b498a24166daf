// What a keyboard meets: run inside the page after a key was pressed, it returns one line for each fault it finds.
() => {
  const faults = [];
  const name = (element) => `${element.localName}.${[...element.classList].join(".")} “${(element.ariaLabel ?? element.textContent ?? "").trim().replace(/\s+/g, " ").slice(0, 40)}”`;
  const shown = (element) => element.checkVisibility({ visibilityProperty: true });
  const modal = document.querySelector("dialog[open]") ?? document.body;

  // Whatever takes the focus shows it, and nothing lies over it.
  const reached = "a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]";
  for (const element of modal.querySelectorAll(reached)) {
    if (element.tabIndex < 0 || element.disabled || !shown(element)) continue;
    element.focus();
    if (document.activeElement !== element) continue; // one of several in a group of choices
    const around = [element, element.parentElement, element.parentElement.parentElement].map((each) => getComputedStyle(each));
    const rings = [...around, getComputedStyle(element, "::after")];
    if (!rings.some((style) => style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2)) faults.push(`no ring: ${name(element)}`);
    const box = (element.closest("label") ?? element).getBoundingClientRect();
    const [left, right] = [Math.max(0, box.left), Math.min(innerWidth, box.right)];
    const [top, bottom] = [Math.max(0, box.top), Math.min(innerHeight, box.bottom)];
    const at = (x, y) => document.elementFromPoint(left + (right - left) * x, top + (bottom - top) * y);
    const hits = [at(0.5, 0.5), at(0.1, 0.2), at(0.9, 0.2), at(0.1, 0.8), at(0.9, 0.8)];
    const seen = (hit) => hit && (element.contains(hit) || (element.closest("label") ?? element).contains(hit));
    if (!hits.some(seen)) faults.push(`focus is hidden: ${name(element)}, under ${hits[0] ? name(hits[0]) : "the edge"}`);
  }

  // What is chosen is told by more than its ground.
  const told = (element) => {
    const style = getComputedStyle(element);
    const before = getComputedStyle(element, "::before");
    return [style.outlineStyle, style.outlineWidth, style.borderTopWidth, style.borderBottomWidth, style.borderTopColor, style.fontWeight,
      style.textDecorationLine, style.color, before.content, before.borderTopWidth, before.backgroundColor].join(); // prettier-ignore
  };
  document.activeElement?.blur();
  for (const chosen of modal.querySelectorAll("[aria-current], [aria-selected=true], [aria-pressed=true]")) {
    const others = [...(chosen.parentElement.closest("ul, ol, nav, div, section")?.querySelectorAll(chosen.localName) ?? [])];
    const other = others.find((each) => each.className === chosen.className && each.ariaCurrent === null && each.ariaSelected !== "true");
    if (other && shown(chosen) && shown(other) && told(other) === told(chosen)) faults.push(`told by its ground alone: ${name(chosen)}`);
  }
  return [...new Set(faults)];
};
