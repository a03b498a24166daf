// --- parts: what has changed is asked for again and put in its place, and nothing else is touched -----------------------

{
  const served = new WeakMap(); // element → its HTML as the server sent it, whatever scripts have done to it since
  const written = (node) => (node.nodeType === 1 ? (served.get(node) ?? node.outerHTML) : node.data);
  const solid = (parent) => [...parent.childNodes].filter((node) => node.nodeType === 1 || (node.nodeType === 3 && node.data.trim()));
  const rowsOf = (part) => new Map(all("li[id]", part).map((row) => [row.id, row]));

  function remember(part) {
    for (const child of part.children) served.set(child, child.outerHTML);
    if ("hold" in part.dataset) for (const row of rowsOf(part).values()) served.set(row, row.outerHTML);
  }
  for (const part of all("[data-part]")) remember(part);

  const stale = new Set(); // parts to be asked for, by id
  const waiting = new Set(); // parts that are in use: asked for again once they are not
  let spent = 0; // how long the last answer took, in ms
  let last = -Infinity;
  let planned, loading;

  /** Note that the server says that something about these subjects has changed. */
  function changed(subjects) {
    const told = new Set(subjects);
    const about = (part) => part.dataset.part.split(" ").some((subject) => told.has(subject));
    for (const part of all("[data-part]")) if (about(part)) stale.add(part.id);
    plan();
  }

  /** Note that anything may have changed. */
  function everything() {
    for (const part of all("[data-part]")) stale.add(part.id);
    plan();
  }

  const partsOf = (ids) => [...ids].map((id) => document.getElementById(id)).filter(Boolean);

  /** Ask soon: at most once in 100 ms, more rarely where answers take long, and for counts alone every few seconds. */
  function plan() {
    clearTimeout(planned);
    const parts = partsOf(stale).filter((part) => !document.hidden || "slow" in part.dataset);
    if (!parts.length || loading) return;
    const slow = parts.every((part) => "slow" in part.dataset);
    const pause = document.hidden ? 15000 : Math.max(slow ? 3000 : 100, Math.min(spent, 1500));
    planned = setTimeout(refresh, Math.max(slow ? 300 : 0, last + pause - performance.now()));
  }

  async function refresh() {
    const parts = partsOf(stale).filter((part) => !document.hidden || "slow" in part.dataset);
    if (!parts.length || loading) return;
    const sources = new Map();
    const quick = parts.filter((part) => !("slow" in part.dataset));
    for (const part of quick) {
      const from = part.closest("[data-from]").dataset.from;
      sources.set(from, [...(sources.get(from) ?? []), part]);
    }
    const counts = parts.filter((part) => "slow" in part.dataset); // every page has them; alone they come from a small one
    const first = [...sources.keys()].find(Boolean) ?? "/more";
    if (counts.length) sources.set(first, [...(sources.get(first) ?? []), ...counts]);
    stale.clear();
    const began = performance.now();
    loading = Promise.all([...sources].map(([from, wanted]) => from && take(from, wanted)));
    await loading;
    loading = null;
    last = performance.now();
    spent = last - began;
    plan();
  }

  /** Wait until no answer is on its way. */
  async function idle() {
    while (loading) await loading;
  }

  /** Fetch a page and put its parts into place. What fails is tried again, and looks the same until then. */
  async function take(from, parts) {
    const abort = new AbortController();
    const busy = setTimeout(() => parts.forEach((part) => (part.ariaBusy = "true")), 300);
    const tired = setTimeout(() => slow(() => abort.abort()), 8000);
    try {
      const answer = await fetch(from, { headers: { "Caseward-Part": "1" }, signal: abort.signal });
      if (answer.redirected && new URL(answer.url).pathname === "/sign-in") return live.signedOut();
      if (answer.status === 404) return; // no longer ours to read: what stands here stays until the page is left
      if (!answer.ok) throw new Error(answer.statusText);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      for (const part of parts) put(part, page.getElementById(part.id), page);
    } catch {
      setTimeout(() => {
        for (const part of parts) stale.add(part.id);
        plan();
      }, abort.signal.aborted ? 0 : 2000);
    } finally {
      clearTimeout(busy);
      clearTimeout(tired);
      slow(null);
      for (const part of parts) part.ariaBusy = null;
    }
  }

  /** Say that an answer takes long, with a way to ask again; null takes that back. */
  function slow(retry) {
    const told = one("#slow-news");
    if (told?.contains(document.activeElement)) one("#main").focus();
    told?.remove();
    if (!retry) return;
    const bar = one("#slow").content.firstElementChild.cloneNode(true);
    bar.id = "slow-news";
    one("button", bar).addEventListener("click", retry);
    one(".sheet").append(bar);
  }

  function put(part, fresh, page) {
    if (!part.isConnected) return;
    const same = fresh?.dataset.part === part.dataset.part; // another case's conversation is not this one's news
    if ("case" in part.dataset) return decide(part, same ? fresh : null, page);
    if (!same) return;
    keepShown(part, fresh);
    if ("hold" in part.dataset) return hold(part, fresh);
    patch(part, fresh);
  }

  /** What somebody asked to see, and what is on record for it, stays in sight until they leave the page. */
  function keepShown(part, fresh) {
    for (const seen of all("[data-shown]", part)) {
      one(`[data-private="${CSS.escape(seen.dataset.private)}"]`, fresh)?.replaceWith(seen.cloneNode(true));
    }
  }

  const untouched = (field) =>
    field.type === "hidden" ||
    (field.matches("[type=checkbox], [type=radio]")
      ? field.checked === field.defaultChecked
      : field.matches("select")
        ? [...field.options].every((option) => option.selected === option.defaultSelected || !one("[selected]", field))
        : field.value === field.defaultValue);

  /** Whether somebody is at work in it: the focus is there, a menu is open, something is typed. */
  const inHand = (element) =>
    element.contains(document.activeElement) ||
    all("input, select, textarea", element).some((field) => !untouched(field)) ||
    all("details[open]", element).some((details) => one("form, [role=menu]", details));

  /** Replace the children of a part that differ; return whether it is now as served. One in hand waits. */
  function patch(part, fresh) {
    const old = solid(part);
    const now = solid(fresh);
    const most = Math.min(old.length, now.length);
    let head = 0;
    while (head < most && written(old[head]) === written(now[head])) head++;
    let tail = 0;
    while (tail < most - head && written(old.at(-1 - tail)) === written(now.at(-1 - tail))) tail++;
    const gone = old.slice(head, old.length - tail);
    const come = now.slice(head, now.length - tail);
    if (gone.some((node) => node.nodeType === 1 && inHand(node))) return waiting.add(part.id), false;
    for (const { name, value } of fresh.attributes) {
      if (name !== "aria-busy" && part.getAttribute(name) !== value) part.setAttribute(name, value);
    }
    if (!gone.length && !come.length) return true;
    const opened = gone.map((node) => node.nodeName === "DETAILS" && node.open);
    steady(part, () => {
      const next = old[old.length - tail] ?? null;
      gone.forEach((node) => node.remove());
      come.forEach((node, index) => {
        if (node.nodeType === 1) served.set(node, node.outerHTML);
        if (opened[index] && node.nodeName === "DETAILS") node.open = true;
        part.insertBefore(node, next);
      });
    });
    for (const node of come) if (node.nodeType === 1) enhanced(node);
    return true;
  }

  let pointer;
  addEventListener("pointermove", (event) => (pointer = event), { passive: true });

  /** Do something to a part, and keep what is under the hand, or else in the middle of the view, where it is. */
  function steady(part, work) {
    const view = part.closest(".scroll");
    const box = view?.getBoundingClientRect();
    const under = pointer && document.elementFromPoint(pointer.clientX, pointer.clientY);
    const still = [under, document.activeElement, view && document.elementFromPoint(box.x + 40, box.y + box.height / 2)].find(
      (element) => element && element !== view && view?.contains(element) && !element.contains(part),
    );
    const before = still?.getBoundingClientRect().top;
    work();
    if (still?.isConnected) view.scrollTop += still.getBoundingClientRect().top - before;
  }

  // --- lists: rows change one by one; what is new is counted, and the order stays until the hand has left ------------------

  const arrived = new WeakMap(); // part → the list as the server has it now
  const inUse = (part) =>
    [part, document.getElementById(`${part.id}-news`)].some((each) => each?.matches(":hover") || each?.contains(document.activeElement));
  const LEFT_ALONE = 10000;

  function hold(part, fresh) {
    const old = rowsOf(part);
    const now = rowsOf(fresh);
    const open = one("[data-row][aria-current]", part)?.closest("li")?.id;
    for (const [id, row] of now) {
      if (id === open) one("[data-row]", row).setAttribute("aria-current", "true");
      else one("[data-row]", row)?.removeAttribute("aria-current");
    }
    arrived.set(part, fresh);
    if (!old.size) return settle(part);
    for (const [id, row] of old) {
      const next = now.get(id);
      row.classList.toggle("is-gone", !next);
      if (!next || written(row) === written(next)) continue;
      if (inHand(row)) waiting.add(part.id);
      else swap(row, next.cloneNode(true));
    }
    count(part, [...now.keys()].filter((id) => !old.has(id)).length);
    if ([...old.keys()].join() !== [...now.keys()].join()) leave(part);
    else settle(part);
  }

  function swap(row, next) {
    served.set(next, next.outerHTML);
    row.replaceWith(next);
    enhanced(next);
  }

  /** Wait until pointer and focus have left a list, then let it be as the server has it. */
  function leave(part) {
    clearTimeout(part.leaving);
    part.leaving = setTimeout(() => (inUse(part) ? leave(part) : settle(part)), LEFT_ALONE);
  }

  /** Let a list be as the server has it. Rows that are the same stay the same elements. */
  function settle(part) {
    const fresh = arrived.get(part);
    if (!fresh) return;
    arrived.delete(part);
    clearTimeout(part.leaving);
    count(part, 0);
    const old = rowsOf(part);
    const ids = [...rowsOf(fresh).keys()].join();
    const headings = (list) => solid(list).map((node) => (one("li[id]", node) ? "" : node.textContent)).join();
    if ([...old.keys()].join() === ids && headings(part) === headings(fresh)) return;
    const kept = [];
    for (const [id, row] of rowsOf(fresh)) {
      if (!old.has(id) || written(old.get(id)) !== written(row)) served.set(row, row.outerHTML);
      else {
        const place = document.createComment("");
        kept.push([place, old.get(id)]);
        row.replaceWith(place);
      }
    }
    const top = part.scrollTop;
    const come = solid(fresh);
    part.replaceChildren(...come);
    for (const node of come) if (node.nodeType === 1) enhanced(node);
    for (const [place, row] of kept) {
      row.classList.remove("is-gone");
      place.replaceWith(row);
    }
    part.scrollTop = top;
  }

  /** Say how many are new; none takes the words away. */
  function count(part, number) {
    const id = `${part.id}-news`;
    let bar = document.getElementById(id);
    if (!number) return bar?.remove();
    if (!bar) {
      bar = one("#news").content.firstElementChild.cloneNode(true);
      bar.id = id;
      one("button", bar).addEventListener("click", () => {
        settle(part);
        part.scrollTop = 0;
        part.focus({ preventScroll: true });
      });
      part.after(bar);
    }
    const words = `${number} new ${part.dataset.hold || "case"}${number === 1 ? "" : "s"}`;
    if (one("b", bar).textContent !== words) one("b", bar).textContent = words;
  }

  // --- the decision: whoever is reading or writing is told what changed; nothing is taken out of their hands ----------------

  function decide(part, fresh, page) {
    const mine = one("form[data-approval]", part);
    const next = fresh && one("form[data-approval]", fresh);
    const key = (form) => [form.dataset.approval, form.elements.digest?.value, Boolean(one("[data-sends]", form))].join();
    if (mine && next && key(mine) === key(next)) {
      if (!one("[data-cancel]", mine)) patch(part, fresh);
      return;
    }
    if (!mine || (fresh && !one("[data-cancel]", mine) && !inHand(part))) return fresh && patch(part, fresh);
    const typed = all("[data-draft]", mine).some((field) => !untouched(field));
    const outcome = fresh && one("#case-state .outcome h2", page);
    const title = outcome ? outcome.textContent.trim().replace(/\s+/g, " ") : next ? "This changed while you were reading" : "This was decided";
    const kept = typed ? "What you wrote is kept here." : "Nothing you do here counts any more.";
    warn(mine, { title, text: kept, href: `/cases/${part.dataset.case}` });
  }

  /** Put a line above the buttons of a decision, which no longer counts; null takes it away and lets it count again. */
  function warn(form, line) {
    const id = "changed-news";
    const before = document.getElementById(id);
    if (before && line && one("b", before).textContent === line.title) return;
    before?.remove();
    const left = line && document.activeElement?.matches("button[name=verdict]") && form.contains(document.activeElement);
    for (const button of all("button[name=verdict]", form)) button.disabled = Boolean(line) || unfit(button);
    if (!line) return;
    const bar = one("#changed").content.firstElementChild.cloneNode(true);
    bar.id = id;
    one("b", bar).textContent = line.title;
    one("span", bar).textContent = line.text;
    if (line.href) one("a", bar).href = line.href;
    else one("a", bar).remove();
    one(".decisions", form)?.before(bar);
    if (left) one("a", bar)?.focus();
  }

  // What was in somebody's hands is asked for again once it is not.
  function freed() {
    if (!waiting.size) return;
    for (const id of waiting) stale.add(id);
    waiting.clear();
    plan();
  }
  for (const event of ["focusout", "toggle", "reset"]) document.addEventListener(event, () => setTimeout(freed, 0), true);

  Object.assign(live, { changed, everything, refresh, idle, warn });
}
