"""The console with a hundred thousand cases: what a page takes, what a first load weighs, how soon news are there.

Pages are asked for by a plain client over one connection, so that the time is the server's and the wire's. What only a
browser knows (requests, shifts, keys at a quarter of the speed) is measured in one, where there is one; Lighthouse
looks at some pages where it is installed.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import crowd
from bench.served import Served, post, served
from caseward.store import db, people, sessions

CASES = 100_000
PAGES: Mapping[str, str] = {
    "inbox": "/inbox?view=all-open",
    "for_you": "/inbox",
    "breaching": "/inbox?view=breaching-soon",
    "search": "/search?q=move+my+lesson",
    "case": "/cases/{case}",
    "approvals": "/approvals",
    "contact": "/contacts/{contact}",
    "overview_today": "/overview",
    "overview_28d": "/overview?range=28d",
    "knowledge": "/knowledge",
    "article": "/knowledge/articles/parking-transport",
    "templates": "/knowledge/templates",
    "audit": "/audit",
    "hours": "/settings/hours",
    "targets": "/settings/targets",
    "channels": "/settings/channels",
    "systems": "/settings/systems",
    "retention": "/settings/retention",
    "people": "/settings/people",
}
"""Name → address; what stands in braces is found first."""
OF_ADMINISTRATORS = ("retention", "people")
"""Pages that an ops lead does not see."""
LIGHTHOUSE: Mapping[str, tuple[str, str]] = {
    "inbox": ("/inbox?view=all-open", "desktop"),
    "case": ("{case}", "desktop"),
    "overview": ("/overview", "desktop"),
    "approvals": ("/approvals", "desktop"),
    "sign_in": ("/sign-in", "desktop"),
    "chat": ("/chat", "mobile"),
}
"""Name → address, and as what Lighthouse looks at it."""
CATEGORIES = ("performance", "accessibility", "best-practices")
ROLES = ("ops_lead", "admin")
SLOWDOWN = 4


def measure(*, quick: bool = False) -> dict[str, Any]:
    """Return the figures, in the units that their names say, with targets beside some."""
    with _crowded(CASES // 5 if quick else CASES) as (desk, cookie, administrator):
        figures = _pages(desk, cookie, administrator, rounds=10 if quick else 40)
        browser = shutil.which("chromium")
        if browser:
            figures |= _in_a_browser(desk, cookie, browser)
            figures |= _by_lighthouse(desk, cookie, browser)
    return figures


@contextmanager
def _crowded(cases: int) -> Iterator[tuple[Served, str, str]]:
    """Serve a desk with so many cases; yield it and the cookies of its ops lead and of its administrator."""
    with tempfile.TemporaryDirectory(prefix="caseward-bench-") as scratch:
        Path(scratch).chmod(0o755)
        with served(Path(scratch), workers=2) as desk:
            now = datetime.now(UTC)
            crowd.fill(desk.database_url, cases, now=now)
            db.connect(desk.database_url)
            try:
                with db.transaction():
                    tokens = [sessions.open_session(people.get(f"sample_{role}"), now=now) for role in ROLES]
                lead, administrator = (f"caseward-session={token}" for token in tokens)
                yield desk, lead, administrator
            finally:
                db.disconnect()


# --- pages ------------------------------------------------------------------------------------------------------------


def _pages(desk: Served, lead: str, administrator: str, *, rounds: int) -> dict[str, Any]:
    connection = desk.connection()
    listed = _get(connection, PAGES["inbox"], lead)
    case = re.search(r'href="/cases/([^?"]+)', listed)
    assert case is not None, "the inbox lists no case"
    with db.transaction():
        [contact] = db.run("select contact_id as id from cases where contact_id is not null limit 1").fetchall()
    found = {"case": case[1], "contact": contact.id}
    connection.close()
    _settled(desk, lead)
    figures: dict[str, Any] = {"cases": db_count()}
    for name, address in PAGES.items():
        path, cookie = address.format_map(found), administrator if name in OF_ADMINISTRATORS else lead
        for _warm in range(2):
            _get(connection, path, cookie)
        before, taken = desk.cost(), []
        for _round in range(rounds):
            began = time.perf_counter()
            _get(connection, path, cookie)
            taken.append((time.perf_counter() - began) * 1000)
        spent = desk.cost() - before
        figures[f"{name}_p95_ms"] = round(statistics.quantiles(taken, n=20)[-1], 1)
        cpu = spent.desk / rounds * 1000
        figures[f"{name}_p95_ms_target"] = f"<= 60; p50 {statistics.median(taken):.1f}, CPU {cpu:.1f}"
        print(name, figures[f"{name}_p95_ms"], figures[f"{name}_p95_ms_target"], file=sys.stderr, flush=True)
    return figures


def db_count() -> int:
    """Return how many cases there are."""
    with db.transaction():
        return int(db.run("select count(*) as n from cases").fetchall()[0].n)


def _settled(desk: Served, cookie: str) -> None:
    """Wait until what follows the log has caught up with the crowd, which came in at once."""
    deadline = time.monotonic() + 600
    quiet = 0
    while quiet < 3:
        before = desk.cost()
        time.sleep(1)
        quiet = quiet + 1 if (desk.cost() - before).desk < 0.1 else 0
        assert time.monotonic() < deadline, "the desk never came to rest"
    with contextlib.closing(desk.connection()) as connection:
        _get(connection, "/overview?range=28d", cookie)


def _get(connection: http.client.HTTPConnection, path: str, cookie: str) -> str:
    connection.request("GET", path, headers={"Cookie": cookie})
    answer = connection.getresponse()
    body = answer.read().decode()
    assert answer.status == 200, (path, answer.status, body[:300])
    return body


# --- in a browser -----------------------------------------------------------------------------------------------------


def _in_a_browser(desk: Served, cookie: str, executable: str) -> dict[str, Any]:
    from playwright.sync_api import sync_playwright

    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=flags)
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        name, _, value = cookie.partition("=")
        home = f"http://127.0.0.1:{desk.port}"
        context.add_cookies([{"name": name, "value": value, "url": home}])
        page = context.new_page()
        wire = context.new_cdp_session(page)
        wire.send("Network.enable")
        requests, weight = [], [0.0]
        wire.on("Network.requestWillBeSent", lambda event: requests.append(event["request"]["url"]))
        wire.on("Network.loadingFinished", lambda event: weight.__setitem__(0, weight[0] + event["encodedDataLength"]))
        page.add_init_script(_WATCH)
        page.goto(f"{home}/inbox?view=all-open", wait_until="load")
        page.wait_for_timeout(1500)
        first = [each for each in requests if "/events" not in each and "/presence" not in each]
        figures: dict[str, Any] = {
            "first_load_kb": round(weight[0] / 1024, 1),
            "first_load_kb_target": "<= 120",
            "first_load_requests": len(first),
            "first_load_requests_target": "<= 10",
            "layout_shift": round(page.evaluate("window.shifted"), 4),
            "layout_shift_target": "<= 0.05",
        }
        figures |= _news(desk, page, home)
        wire.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
        for key in ("j", "k", "j", "]", "]", "?", "Escape", "j"):
            page.keyboard.press(key)
            page.wait_for_timeout(200)
        figures["key_handler_ms_at_4x"] = round(page.evaluate("window.slowest"), 1)
        figures["key_handler_ms_at_4x_target"] = "<= 50"
        browser.close()
    return figures


_WATCH = """
window.shifted = 0; window.slowest = 0;
new PerformanceObserver((list) => list.getEntries().forEach((each) => {
  if (!each.hadRecentInput) window.shifted += each.value;
})).observe({ type: "layout-shift", buffered: true });
new PerformanceObserver((list) => list.getEntries().forEach((each) => {
  if (each.name === "keydown") window.slowest = Math.max(window.slowest, each.processingEnd - each.processingStart);
})).observe({ type: "event", durationThreshold: 16, buffered: true });
"""


def _news(desk: Served, page: Any, home: str) -> dict[str, Any]:
    """Have somebody write in the chat, and time until their open case shows it."""
    opened = post(desk.connection(), "/chat/session", {})

    def write(n: int) -> None:
        post(desk.connection(), "/chat/messages", {"id": f"n{n}", "text": f"Word {n}"}, opened["token"])

    write(0)
    page.goto(f"{home}/cases/{_case_of(opened['conversation'])}")
    page.locator("[data-live]", has_text="Live").wait_for(timeout=20_000)
    taken = []
    for n in range(1, 8):
        began = time.perf_counter()
        write(n)
        page.get_by_text(f"Word {n}", exact=True).first.wait_for(timeout=20_000)
        taken.append((time.perf_counter() - began) * 1000)
        page.wait_for_timeout(1500)
    return {"update_after_event_ms": round(statistics.median(taken), 1), "update_after_event_ms_target": "<= 300"}


def _by_lighthouse(desk: Served, cookie: str, executable: str) -> dict[str, Any]:
    """Return the lowest score of each page in the three categories, where Lighthouse is on the PATH."""
    lighthouse = shutil.which("lighthouse")
    if lighthouse is None:
        return {"lighthouse": "not measured: no lighthouse on the PATH (npm install -g lighthouse)"}
    with contextlib.closing(desk.connection()) as connection:
        case = re.search(r'href="(/cases/[^?"]+)', _get(connection, PAGES["inbox"], cookie))
    assert case is not None, "the inbox lists no case"
    figures: dict[str, Any] = {}
    for name, (path, kind) in LIGHTHOUSE.items():
        signed_in = {"Cookie": "" if name == "sign_in" else cookie}
        ran = subprocess.run(
            [
                *(lighthouse, f"http://127.0.0.1:{desk.port}{path.format(case=case[1])}", "--quiet", "--output=json"),
                *(f"--extra-headers={json.dumps(signed_in)}", f"--only-categories={','.join(CATEGORIES)}"),
                "--chrome-flags=--headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage",
                *(["--preset=desktop"] if kind == "desktop" else []),
            ],
            env={**os.environ, "CHROME_PATH": executable},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=180,
            check=True,
        )
        found = json.loads(ran.stdout)["categories"]
        figures[f"{name}_lighthouse"] = round(min(found[each]["score"] for each in CATEGORIES) * 100)
        figures[f"{name}_lighthouse_target"] = ">= 95"
    return figures


def _case_of(conversation: str) -> str:
    """Wait for a conversation's case, and return it."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with db.transaction():
            row = db.run("select id from cases where conversation_id = %(id)s", {"id": conversation}).fetchone()
        if row is not None:
            return str(row.id)
        time.sleep(0.05)
    raise AssertionError("nobody took the message up")
