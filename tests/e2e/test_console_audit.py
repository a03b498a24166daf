"""The audit trail: filtered in any way, with its details, walked beside the work, taken out on record."""

from __future__ import annotations

import csv
import html
import io
import json
import re
from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import text

from caseward.core.roles import Role
from caseward.store import chain, log, trail
from caseward.store.db import execute, transaction
from caseward.store.trail import Filter
from caseward.web.session import EVERYONE
from tests.e2e.console_house import Browser, House, a_full_desk, house

BOUND = {
    "digest": "4fb6b5ee19fa6b585e137b7508ae11c28478a14538feec12bf68712366477a26",
    "at": "2026-11-22T00:19:46.128776+00:00",
}


@pytest.fixture
def desk(database: str) -> Iterator[House]:
    with house() as opened:
        yield opened


def words_of(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def said(
    desk: House, number: int, *, kind: str = "note", actor: str = "per_coach", days: int = 0, **payload: str
) -> None:
    """Write entries of a kind, each saying its number."""
    for n in range(number):
        with transaction():
            log.append(kind, actor, {"text": f"number {n}", **payload}, at=desk.now + timedelta(days=days))


def rows(page: str) -> int:
    return page.count("<tr>") - 1 if "<tbody>" in page else 0


def export(browser: Browser, form: str, query: str = "") -> tuple[int, str]:
    token = re.search(r'name="csrf" value="([^"]+)"', browser.get("/more").text)
    assert token
    answer = browser.client.post(f"/audit/export{query}", data={"csrf": token[1], "format": form})
    return answer.status_code, answer.text


def test_entries_are_narrowed_by_day_reference_and_order_a_page_at_a_time(desk: House) -> None:
    said(desk, 60, days=1)
    said(desk, 3, days=2, reference="INV-2026-0412")
    lead = desk.browser(Role.OPS_LEAD)

    day = lead.get("/audit?from=2026-11-24&to=2026-11-24").text
    older = lead.get(html.unescape(re.findall(r'href="(/audit\?[^"]*before=\d+)"', day)[0])).text
    found = lead.get("/audit?q=inv-2026-0412&kind=note").text
    oldest = words_of(lead.get("/audit?from=2026-11-24&order=oldest").text)
    wrong = lead.get("/audit?from=yesterday")

    assert (rows(day), rows(older), rows(found)) == (50, 10, 3)
    assert oldest.index("number 0") < oldest.index("number 1 ") < oldest.index("number 9 ")
    assert "Reference INV-2026-0412" in words_of(found)
    assert wrong.status_code == 400
    assert "write a day such as 2026-11-23" in words_of(wrong.text)


def test_a_search_stops_after_so_many_entries_says_how_far_it_looked_and_goes_on(
    desk: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail, "SCANNED", 20)
    said(desk, 1, needle="found at last")
    said(desk, 30)
    lead = desk.browser(Role.OPS_LEAD)

    first = lead.get("/audit?q=found+at+last").text
    then = lead.get(html.unescape(re.findall(r'href="(/audit\?[^"]*before=\d+)"', first)[0])).text

    assert "No entries match so far" in first
    assert "Looked through earlier entries as far as" in words_of(first)
    assert rows(then) == 1


def test_each_role_sees_its_own_and_an_administrator_no_words_of_people(desk: House) -> None:
    a_full_desk(desk)
    said(desk, 2, text="secret words")
    said(desk, 1, kind="health", actor="auto", system="payments")

    seen = {role: desk.browser(role).get("/audit").text for role in EVERYONE}
    own = {role: rows(desk.browser(role).get("/audit?kind=note").text) for role in EVERYONE}
    health = {role: rows(desk.browser(role).get("/audit?kind=health").text) for role in EVERYONE}
    searched = desk.browser(Role.ADMIN).get("/audit?q=secret").text

    assert own == {Role.COACH: 2, Role.AGENT: 0, Role.ON_CALL: 0, Role.OPS_LEAD: 2, Role.ADMIN: 2}
    assert health == {Role.COACH: 0, Role.AGENT: 0, Role.ON_CALL: 1, Role.OPS_LEAD: 1, Role.ADMIN: 1}
    assert "secret words" in seen[Role.OPS_LEAD]
    assert "secret words" not in seen[Role.ADMIN]
    assert rows(searched) == 0, "a search must not tell what may not be read"


def test_the_log_is_taken_out_masked_without_formulas_and_that_is_on_record(desk: House) -> None:
    hostile = "=HYPERLINK(1)"
    said(desk, 1, kind="fact", actor=hostile, name="phone", value="+62 812 0000 0147", text="x")
    said(desk, 1, text="secret words", actor="＝HYPERLINK(2)")
    said(desk, 1, kind="check", **BOUND)
    admin = desk.browser(Role.ADMIN)

    status, table = export(admin, "csv")
    _, lines = export(admin, "jsonl", "?kind=fact")
    _, bound = export(admin, "jsonl", "?kind=check")
    _, listed = export(admin, "json", "?kind=nothing")
    refused = {role: export(desk.browser(role), "csv")[0] for role in EVERYONE - {Role.ADMIN}}

    cells = [cell for row in csv.reader(io.StringIO(table)) for cell in row]
    assert status == 200
    assert {f"'{hostile}", "'＝HYPERLINK(2)"} <= set(cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    assert "secret words" not in table
    assert [json.loads(line)["payload"]["value"] for line in lines.splitlines()] == ["+62 ••• •••• 0147"]
    assert json.loads(bound)["payload"] == {"text": "number 0", **BOUND}, "what binds an entry tells nobody apart"
    assert BOUND["digest"] in admin.get("/audit?kind=check").text
    assert json.loads(listed) == []
    assert set(refused.values()) == {403}
    with transaction():
        taken = trail.entries(Filter(kind="export"))
    assert [(each.actor, each.payload and each.payload["format"]) for each in taken] == [
        ("per_admin", form) for form in ("json", "jsonl", "jsonl", "csv")
    ]  # fmt: skip


def test_the_chain_is_walked_in_stretches_and_a_changed_entry_is_named(desk: House) -> None:
    said(desk, 30)
    admin = desk.browser(Role.ADMIN)
    assert "it has not begun yet" in words_of(admin.get("/audit").text)
    with transaction():
        chain.walk_on(desk.now, limit=10)
        half = chain.standing()
    while half.walked < half.length:
        with transaction():
            chain.walk_on(desk.now, limit=10)
            half = chain.standing()
    assert "The log is whole entry" in words_of(admin.get("/audit").text)

    with transaction():
        execute(text("update log set actor = 'per_nobody' where seq = 7"))
    desk.now += timedelta(days=1)
    with transaction():
        chain.walk_on(desk.now, limit=1000)
        broken = chain.standing()

    assert (broken.broken, broken.why) == (7, "its columns were changed, or the entry before it was")
    assert "The log is broken at entry 7" in words_of(desk.browser(Role.ADMIN).get("/audit").text)


def test_an_entry_that_is_gone_is_named(desk: House) -> None:
    said(desk, 5)
    with transaction():
        execute(text("delete from log where seq = (select max(seq) from log)"))
        chain.walk_on(desk.now)
        found = chain.standing()

    assert found.broken == found.length
    assert found.why == f"entry {found.length} is missing"
