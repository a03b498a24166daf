// --- menus of the list and of a case: they close when one goes elsewhere; S opens the times of a snooze ----------------

const openDrops = () => all("[data-drop][open]");

document.addEventListener("click", (event) => {
  for (const drop of openDrops()) if (!drop.contains(event.target)) drop.open = false;
});

document.addEventListener(
  "keydown",
  (event) => {
    const drop = event.key === "Escape" && openDrops()[0];
    if (!drop) return;
    event.preventDefault();
    event.stopPropagation();
    drop.open = false;
    one("summary", drop).focus();
  },
  true,
);

// Who goes on by Tab leaves the menu behind, and nothing of it stays over what is reached next.
document.addEventListener("focusin", (event) => {
  for (const drop of openDrops()) if (!drop.contains(event.target)) drop.open = false;
});

enhance((part) => {
  for (const drop of all("[data-drop]", part))
    drop.addEventListener("toggle", () => drop.open && one("[data-first]", drop)?.focus());
  for (const opener of all("[data-open-snooze]", part)) {
    opener.hidden = false;
    opener.addEventListener("click", (event) => {
      event.stopPropagation();
      const first = one("[data-snooze]");
      first.closest("details").open = true;
      setTimeout(() => first.focus());
    });
  }
});
