"""Markup that somebody writes is text wherever it is shown: in every page, every answer to a form, every export.

The pages are found by the application itself, and every field of every form they hold is filled in, so that a new page
is tried without a line here.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from httpx2 import Response
from selectolax.lexbor import LexborHTMLParser, LexborNode

from caseward.core.policy import Tier
from caseward.core.roles import Role
from caseward.settings import Settings
from caseward.store import cases, files, log, messages, people, sessions, tokens
from caseward.store.db import transaction
from caseward.store.people import Person
from tests.conftest import application
from tests.e2e.console_house import House, house
from tests.e2e.test_console_access import DECLARED, LETTERS, OUTSIDE, STREAMS, TOKEN, places

PWN = '=cmd"\'></textarea></script><img src=pwn onerror=pwn()><svg/onload=pwn()><a href="javascript:pwn()">p</a>{{7*7}}'
"""Breaks out of attributes, of text areas, of scripts; runs as a formula; is a template's expression."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
LEFT_ALONE = ("/sign-out", "/settings/people/per_", "/account/sessions", "/account/factor", "/theme")
"""Forms that would end what the test goes on with, or hold no words."""


@pytest.fixture
def desk(database: str) -> Iterator[House]:
    with house() as opened:
        opened.app = application(Settings(allowed_hosts=("testserver",)))
        yield opened


def faults(answer: Response) -> list[str]:
    """Return what of an answer a browser would run, or what is no longer text."""
    if "text/html" not in answer.headers.get("content-type", ""):
        return []
    page = LexborHTMLParser(answer.text)
    found = []
    for node in page.css("*"):
        for name, value in node.attributes.items():
            if (
                name.startswith("on")
                or name in ("style", "srcdoc")
                or (value or "").strip().lower().startswith("javascript:")
            ):
                found.append(f"<{node.tag} {name}={value!r}>")
        inline = node.tag == "script" and not (node.attributes.get("src") or "").startswith("/static/")
        if inline or node.tag in ("iframe", "object", "embed", "base") or node.attributes.get("src") == "pwn":
            found.append(f"<{node.tag}>")
    return found + (["49"] if "p</a>49" in (page.body.text() if page.body else "") else [])


def fill(form: LexborNode) -> dict[str, str]:
    """Return a form's fields, each that takes words filled with what should stay text."""
    filled: dict[str, str] = {}
    for node in form.css("input, textarea, select"):
        name, kind = node.attributes.get("name"), node.attributes.get("type") or "text"
        if not name:
            continue
        if node.tag == "select":
            chosen = node.css_first("option[selected]") or node.css_first("option")
            filled[name] = (chosen.attributes.get("value") or chosen.text()) if chosen else ""
        elif kind in ("hidden", "number", "date", "datetime-local", "time"):
            filled[name] = node.attributes.get("value") or ""
        elif kind in ("checkbox", "radio"):
            filled.setdefault(name, node.attributes.get("value") or "on")
        elif kind == "email":
            filled[name] = "pwn@studio.example"
        else:
            filled[name] = PWN[: int(node.attributes.get("maxlength") or 10_000)]
    return filled


def seed(desk: House) -> str:
    """Have a customer write it, as their name, their words and the name of a file; return their case."""
    case = desk.case(f"Zed {PWN}", PWN, tier=Tier.R3)
    desk.ask(case, question=PWN, reply=PWN, failed=PWN)
    with transaction():
        [message] = [each for each in messages.visible(cases.get(case).conversation_id, after=0) if each.inbound]
        files.want(
            message.id, 0, channel="webchat", ref="r", kind="document", mime="text/html", name=PWN, size=9, refused="",
            now=desk.now,
        )  # fmt: skip
        people.add(Person(id="per_pwn", name=PWN, role=Role.ADMIN, email="p@studio.example"), now=desk.now)
        sessions.open_session(people.get("per_pwn"), now=desk.now, agent=PWN, address=PWN, method=PWN)
        tokens.make("admin", name=PWN, now=desk.now, made_by="per_pwn")
        log.append("note", "per_pwn", {"text": PWN, "reason": PWN, PWN[:6]: PWN}, at=desk.now, case_id=case)
    return case


def test_what_anybody_writes_is_text_on_every_page_and_in_every_answer(desk: House) -> None:
    every = [place for place in places(desk) if DECLARED.get(place.name, OUTSIDE) not in (OUTSIDE, TOKEN)]
    case = seed(desk)
    pages = [
        re.sub(r"case_\w+", case, place.path).replace("con_citra", "con_zed").replace("per_extra", "per_pwn")
        for place in every
        if place.method == "GET" and place.name not in STREAMS
    ]
    clients: dict[str, TestClient] = {letter: desk.browser(role).client for letter, role in LETTERS.items()}
    wrong: list[str] = []
    posted: set[str] = set()
    shown = 0

    def look(answer: Response, where: str) -> None:
        nonlocal shown
        assert answer.status_code < 500, where
        wrong.extend(f"{where}: {fault}" for fault in faults(answer))
        shown += "onerror=pwn()&gt;" in answer.text

    for letter, client in clients.items():
        for path in pages:
            answer = client.get(path)
            look(answer, f"{letter} GET {path}")
            for form in LexborHTMLParser(answer.text).css("form[method=post]"):
                action = form.attributes.get("action") or path
                if re.sub(r"\w+_\w{8,}", "", action) in posted or action.startswith(LEFT_ALONE):
                    continue
                posted.add(re.sub(r"\w+_\w{8,}", "", action))
                look(client.post(action, data=fill(form)), f"{letter} POST {action}")
    for path in pages:  # once more, with what the forms have left
        look(clients["l"].get(path), f"l GET {path}")

    assert wrong == []
    assert len(posted) > 12, posted
    assert shown > 20


def test_a_table_for_a_spreadsheet_holds_no_formula(desk: House) -> None:
    case = seed(desk)
    client = desk.browser(Role.ADMIN).client
    csrf = re.findall(r'name="csrf" value="([^"]+)"', client.get("/more").text)[0]

    answers = [
        client.get("/overview/export.csv"),
        client.post("/audit/export", data={"csrf": csrf, "format": "csv", "reason": PWN, "case": case}),
    ]

    for answer in answers:
        assert answer.status_code == 200, answer.text
        cells = [cell for row in csv.reader(io.StringIO(answer.text.lstrip("\ufeff"))) for cell in row]
        assert cells
        assert [cell for cell in cells if cell.startswith(FORMULA) and not re.fullmatch(r"-?[\d.]+", cell)] == []


def test_a_fault_of_each_kind_would_be_found() -> None:
    for body in (
        "<p onclick=x>",
        "<script>x</script>",
        "<a href=' JavaScript:x'>",
        "<p style=x>",
        "<iframe>",
        "<img src=pwn>",
    ):
        page = Response(200, headers={"content-type": "text/html"}, text=f"<html><body>{body}</body></html>")
        assert faults(page), body
    assert not faults(Response(200, headers={"content-type": "text/html"}, text="<p>&lt;script&gt;</p>"))
