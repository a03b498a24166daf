"""The overview as each role sees it: figures with what they rest on, cases behind them, exports, the weekly report."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from datetime import timedelta

import pytest

from caseward.core.case import CaseStatus
from caseward.core.policy import Tier
from caseward.core.roles import Role
from caseward.store import cases, log, ratings
from caseward.store.db import transaction
from caseward.web import exported
from tests.e2e.console_house import House, house


@pytest.fixture
def desk(database: str) -> Iterator[House]:
    with house() as opened:
        a_morning(opened)
        yield opened


def a_morning(house: House) -> None:
    """Three cases that came at 09:20: two answered within a minute and settled, one still waiting, and late."""
    for n, name in enumerate(("Citra Sample", "Budi Example", "Dewi Demo")):
        settled = n < 2
        status = CaseStatus.RESOLVED if settled else CaseStatus.OPEN
        tier = Tier(n)
        case_id = house.case(name, f"question {n}", tier=tier, status=status, clock="resolution", due_minutes=-4)
        at = house.now - timedelta(minutes=40)
        with transaction():
            cases.start_clock(case_id, "first_response", now=at, due=at + timedelta(minutes=3))
            if settled:
                cases.set_clock(case_id, "first_response", met_at=at + timedelta(seconds=30 + 30 * n))
                done = at + timedelta(minutes=10)
                cases.set_clock(case_id, "resolution", met_at=done)
                log.append("case", "house", {"status": "resolved"}, at=done, case_id=case_id)
                cases.change(cases.get(case_id), done, resolved_at=done)
                ratings.ask(case_id, channel="webchat", now=done)
                ratings.keep(case_id, score=5 - 2 * n, comment="", now=done)


def test_a_lead_sees_figures_with_what_they_rest_on_and_the_cases_behind_them(desk: House) -> None:
    browser = desk.browser(Role.OPS_LEAD)

    page = browser.get("/overview")

    assert page.status_code == 200
    # Of three cases, answered after 30 s, 60 s and not yet after 40 min: nine of ten is at least the third.
    assert "≥ 40" in page.text
    assert "n 3" in page.text
    assert "3 of at least 20, 1 still running" in page.text
    assert "Over target, 3:00" in page.text
    assert 'aria-label="First responses by hour: 2 in time, 1 late."' in page.text
    assert "No model is used" in page.text
    assert "3 cases opened, 3 of them of sample contacts" in page.text
    assert "4.0" in page.text  # ratings of 5 and 3
    assert " style=" not in page.text

    behind = browser.get("/overview/cases?figure=first_response_p90&range=today")
    first, *_ = [line for line in behind.text.splitlines() if 'href="/cases/' in line]
    assert "#1003" in first  # the slowest stands first
    assert "still running" in behind.text


def test_every_range_has_its_address_and_one_that_cannot_be_says_why(desk: House) -> None:
    browser = desk.browser(Role.OPS_LEAD)

    for address in (
        "/overview?range=7d",
        "/overview?from=2026-11-01&to=2026-11-23",
        "/overview/figures?range=28d",
        "/overview/report/2026-W48",
        "/overview/cases?figure=csat&range=7d&tier=1",
    ):
        assert browser.get(address).status_code == 200, address
    for address, says in {
        "/overview?range=fortnight": "there is no &#39;fortnight&#39;",
        "/overview?from=2026-11-23&to=2026-11-01": "must not come after",
        "/overview?from=yesterday&to=today": "write days as",
        "/overview?from=2020-01-01&to=2026-11-01": "at most 366 days",
        "/overview?from=2030-01-01&to=2030-01-02": "has not begun",
        "/overview/report/2026-W60": "is no week",
        "/overview/cases?figure=happiness": "watches no",
    }.items():
        page = browser.get(address)
        assert (page.status_code, says in page.text) == (400, True), address


def test_each_role_sees_its_own(desk: House) -> None:
    agent, on_call = desk.browser(Role.AGENT), desk.browser(Role.ON_CALL)

    own = agent.get("/overview").text
    assert "figures of your own work" in own
    assert "Guardrails" not in own
    assert agent.get("/overview/export.csv").status_code == 403
    assert agent.get("/overview/report/2026-W48").status_code == 403

    health = on_call.get("/overview").text
    assert "Systems" in health
    assert 'class="figure-strip"' not in health
    assert on_call.get("/overview/cases?figure=csat").status_code == 403


def test_figures_are_exported_for_other_programs(desk: House) -> None:
    browser = desk.browser(Role.ADMIN)
    browser.get("/overview")

    rows = list(csv.DictReader(io.StringIO(browser.get("/overview/export.csv?range=today").text)))
    [whole] = [row for row in rows if row["figure"] == "first_response_p50" and not (row["tier"] or row["channel"])]
    assert (whole["value"], whole["n"], whole["unit"], whole["target"]) == ("1.0", "3", "minutes", "1.0")
    assert {row["tier"] for row in rows if row["figure"] == "first_response_p50"} == {"", "R0", "R1", "R2"}

    document = json.loads(browser.get("/overview/export.json?range=today").text)
    assert (document["cases"], document["sample_cases"], document["zone"]) == (3, 3, "Asia/Jakarta")
    assert all("example.com" not in json.dumps(row) for row in document["figures"])


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_no_cell_of_an_export_is_a_formula(value: str) -> None:
    assert exported.as_csv([{"name": value}]).splitlines()[1].lstrip(',"').startswith("'")
