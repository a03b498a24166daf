// The console's script: theme, clocks, keys, kept drafts. Every page works without it.

const root = document.documentElement;
const one = (selector, within = document) => (within.matches?.(selector) ? within : within.querySelector(selector));
const all = (selector, within = document) =>
  [...(within.matches?.(selector) ? [within] : []), ...within.querySelectorAll(selector)];
const shown = (element) => element?.checkVisibility?.() ?? Boolean(element);

/** Say something to screen readers, and nothing else. */
function say(words) {
  const place = one("#said");
  if (place) place.textContent = words;
}

const later = []; // what waits for the next frame
function catchUp() {
  for (const work of later.splice(0)) work();
}

/** Do what has the page laid out anew when it is drawn, not while a key is answered; before the next key at the latest. */
function soon(work) {
  if (!later.length) requestAnimationFrame(catchUp);
  later.push(work);
}
document.addEventListener("keydown", catchUp, true);

const enhancers = [];
const live = {}; // what the live page's scripts offer each other and the rest

/** Have `work` done for what the page holds now, and for each part that takes another's place later. */
function enhance(work) {
  enhancers.push(work);
  work(document);
}

/** Do what `enhance` asked for in a part that has just come in. */
function enhanced(part) {
  for (const work of enhancers) work(part);
}
