"""A tour of every page there is, found by the application itself; in its house each of them shows something."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import urlsplit

import uvicorn
from playwright.sync_api import Page

from caseward.core.approval import Terms
from caseward.core.case import CaseStatus
from caseward.core.ids import CaseId
from caseward.core.policy import Tier
from caseward.core.roles import Role
from caseward.desk import candidates, tools
from caseward.settings import Settings
from caseward.store import admissions, approvals, cases, people, ratings, tags, tokens
from caseward.store.db import transaction
from tests import channels_house
from tests.conftest import application, wait_until
from tests.e2e.console_house import House, a_full_desk, house
from tests.e2e.console_releases import FIRST, NEXT, light_school, stricter
from tests.e2e.test_console_access import DECLARED, LETTERS, OUTSIDE, STREAMS, TOKEN, routes

COOKIE = "caseward-session"
HOLE = re.compile(r"{(\w+)(:\w+)?}")
NO_PAGES = frozenset(
    {
        "GET /chat/messages",
        "GET /chat/theme.css",
        "GET /chat/widget.js",
        "GET /files/{file_id}",
        "GET /files/{file_id}/picture",
        "GET /healthz",
        "GET /metrics",
        "GET /openapi.json",
        "GET /overview/export.csv",
        "GET /overview/export.json",
        "GET /overview/figures",
        "GET /presence",
        "GET /readyz",
        "GET /static/{name}",
        "GET /webhooks/{channel}",
    }
    | STREAMS
)
"""What answers with something else than a page."""
SIGHT = "cAlao"
"""Whose page is looked at: the first of these letters that is let in may do the most there."""
STATES: Mapping[str, tuple[str, ...]] = {
    "GET /approvals": ("?act=deny",),
    "GET /audit": ("?actor=nobody",),
    "GET /cases/{case_id}": (
        "?tab=history#file",
        "?tab=trace#file",
        "?act=edit",
        "?act=deny",
        "?act=escalate",
        "{held}",
        "{settled}",
        "{open}",
    ),
    "GET /cases/{case_id}/merge": ("?q=budi", "?other={open}"),
    "GET /contacts": ("?q=citra",),
    "GET /contacts/{contact_id}/merge": ("?other=con_budi",),
    "GET /inbox": ("?view=all-open&q=nothing+like+this", "?view=all-open"),
    "GET /knowledge": ("?q=submarine",),
    "GET /knowledge/changes/{release_id}": ("{next}",),
    "GET /overview": ("?range=28d",),
    "GET /overview/cases": ("?figure=first_response_p90&range=28d",),
    "GET /search": ("?q=citra",),
    "GET /settings/phase/decide": ("?phase=hardening",),
    "GET /settings/policies/try": (
        "?intent=reschedule&transactional=true&minutes_to_session=41&degraded=-",
        "?minutes_to_session=soon",
    ),
}
"""Further states of an address: behind a `?`, or of something else than what the address is shown for first."""
BESIDE = ("c /nothing", "o /approvals", "- /sign-in?trouble=step", "- /sign-in/unknown", "l /overview", "a /inbox")
"""Pages that no route is for: what is not there, what is not theirs, and what another role sees."""
LEAD_ON = frozenset({"GET /", "GET /account/factor", "GET /second-step", "GET /settings", "GET /systems", BESIDE[2]})
"""What leads on to another page, at least as long as nobody has begun what it goes on with."""
ANSWERS: Mapping[str, int] = {
    "GET /overview/cases": 400,
    "GET /settings/policies/try?minutes_to_session=soon": 400,
    "GET /sso": 404,
    "GET /sso/back": 404,
    "c /nothing": 404,
    "o /approvals": 403,
    "- /sign-in/unknown": 404,
}
"""What says that it cannot be shown, and how: other pages are there."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Stop:
    """A page, who looks at it, and where it is in this house."""

    name: str
    letter: str
    path: str


@dataclass
class Tour:
    """A served house, what it holds, and every page of it."""

    house: House
    url: str
    known: Mapping[str, str]

    def stops(self) -> list[Stop]:
        """Return every page, each state of it, and what stands beside them."""
        found = []
        for method, path in routes():
            name = f"{method} {path}"
            who = DECLARED.get(name, OUTSIDE)
            if method != "GET" or name in NO_PAGES or who == TOKEN:
                continue
            letter = "-" if who == OUTSIDE else next(each for each in SIGHT if each in who)
            for state in ("", *STATES.get(name, ())):
                hole, _, more = state.partition("?") if state.startswith("{") else ("", "", state.lstrip("?"))
                ids = {**self.known, HOLE.findall(path)[0][0]: self.known[hole[1:-1]]} if hole else self.known
                query = f"?{more.format(**self.known)}" if more else ""
                found.append(Stop(name=f"{name}{state}", letter=letter, path=_filled(path, ids) + query))
        return [*found, *(Stop(name=each, letter=each[0], path=each[2:]) for each in BESIDE)]

    def sessions(self) -> dict[str, str]:
        """Sign everybody in; return the value of each one's cookie by letter."""
        return {letter: str(self.house.browser(role).client.cookies[COOKIE]) for letter, role in LETTERS.items()}

    def visit(self, page: Page, stop: Stop, sessions: Mapping[str, str]) -> None:
        """Go to a page as who looks at it; fail where another one is shown."""
        page.context.clear_cookies()
        if stop.letter in sessions:
            page.context.add_cookies([{"name": COOKIE, "value": sessions[stop.letter], "url": self.url}])
        answer = page.goto(self.url + stop.path)
        assert answer is not None
        assert answer.status == ANSWERS.get(stop.name, 200), (stop.name, answer.status)
        assert stop.name in LEAD_ON or urlsplit(page.url).path == stop.path.partition("?")[0], (stop.name, page.url)


@contextmanager
def tour() -> Iterator[Tour]:
    """Serve a house in which every page shows something."""
    with house() as opened, closing(socket.create_server(("127.0.0.1", 0))) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        opened.app = application(Settings(allowed_hosts=("testserver", "127.0.0.1")))
        known = _furnish(opened)
        server = uvicorn.Server(uvicorn.Config(opened.app, log_level="warning", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        wait_until(lambda: server.started, what="the server to start")
        yield Tour(opened, url, known)
        opened.app.state.live.closing = True
        server.should_exit = True
        thread.join(10)


def _filled(path: str, ids: Mapping[str, str]) -> str:
    """Return the path of a route with something that exists in each of its holes."""
    return HOLE.sub(lambda at: ids[at[1]], path)


def _furnish(desk: House) -> dict[str, str]:
    """Put something on every page; return what the holes of the addresses stand for."""
    stricter(light_school())
    channel = channels_house.plug_in(channels_house.House(name="whatsapp"))
    tools.use(replace(tools.given(), along=(channel.name,)))
    asked = a_full_desk(desk)["citra"]
    held = desk.case("Gita Example", "My lawyer will call you")
    desk.ask(held, terms=Terms(hold_seconds=30, needs=2))
    more = desk.case("Citra Sample", "And my invoice of November, where is it?", status=CaseStatus.OPEN, tier=Tier.R0)
    settled = desk.case("Hana Sample", "Do you teach at weekends?", status=CaseStatus.OPEN, tier=Tier.R1)
    unknown = desk.case("Fitri Testcase", "Can I bring my own backing track?", tier=Tier.R1)
    with transaction():
        case = approvals.get(asked).case_id
        cases.change(cases.get(held), desk.now, woken=("threat",))
        cases.change(cases.get(settled), desk.now, status=CaseStatus.RESOLVED)
        ratings.ask(settled, channel="webchat", now=desk.now)
        ratings.keep(settled, score=4, comment="Quick and friendly, thank you", now=desk.now)
        for tag in ("late", "second time this month", "needs the coach"):
            tags.add(case, tag, by="per_coach", at=desk.now)
        _understood(unknown)
        candidates.gather()
        people.add(
            people.Person(id="per_extra", name="Somebody else", role=Role.AGENT, email="x@studio.example"), now=desk.now
        )
        admissions.ask(channel.name, "6281200000001", wrong_code=False, now=desk.now)
        token = tokens.make("admin", name="Theirs", now=desk.now, made_by=desk.person(Role.ADMIN))
        link = people.link(desk.person(Role.AGENT), expires_at=desk.now + timedelta(days=1))
    return {
        "case_id": case, "held": held, "settled": settled, "open": more, "approval_id": asked, "token": link,
        "contact_id": "con_citra", "person_id": "per_extra", "token_id": token.id, "channel": channel.name,
        "week": "2026-W47", "place": "articles", "id": "age-minimum", "article_id": "age-minimum",
        "template_id": "invoice-resent", "release_id": FIRST, "next": NEXT,
    }  # fmt: skip


def _understood(case: CaseId) -> None:
    body = {
        "facts": [{"name": "published_answer", "value": False}],
        "understanding": {"intent": "faq", "confidence": 0.9, "language": "en"},
    }
    cases.record_decision(case, turn=1, tier=Tier.R1, release=FIRST, body=body, at=tools.now())
