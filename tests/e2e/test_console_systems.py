"""Degraded mode by hand, in the console: who may declare it, and what everybody sees of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from caseward.core.roles import DECLARE_HEALTH, Role
from caseward.desk import health
from caseward.store import log, running
from caseward.store.db import transaction
from tests.e2e.console_house import House, house


@pytest.fixture
def desk(database: str) -> Iterator[House]:
    with house() as opened:
        yield opened


def degraded() -> list[str]:
    with transaction():
        return [name for name, state in running.systems().items() if state.degraded]


@pytest.mark.parametrize("role", sorted(DECLARE_HEALTH))
def test_a_system_is_declared_degraded_and_well_again_without_scripts(desk: House, role: Role) -> None:
    browser = desk.browser(role)
    page = browser.get("/settings/systems")
    assert page.text.count("Healthy</span>") == len(desk.pack.profile.systems)

    page = browser.submit(page, "/settings/systems", system="payments", state="degraded", reason="the provider says so")
    assert (page.url.path, degraded()) == ("/settings/systems", ["payments"])
    assert "the provider says so" in page.text
    assert "Payments cannot be relied on" in browser.get("/inbox").text  # the banner of every page

    browser.submit(page, "/settings/systems", system="payments", state="healthy", reason="they say it is mended")
    assert degraded() == []
    with transaction():
        said = [(each.actor, each.payload["degraded"], each.payload["role"]) for each in log.entries(kind="health")]
    assert said == [(desk.person(role), True, role), (desk.person(role), False, role)]


@pytest.mark.parametrize("role", sorted(set(Role) - DECLARE_HEALTH))
def test_others_neither_see_the_page_nor_declare_anything(desk: House, role: Role) -> None:
    browser = desk.browser(role)
    csrf = re.findall(r'name="csrf" value="([^"]*)"', browser.get("/inbox").text)[0]

    tried = browser.client.post("/settings/systems", data={"csrf": csrf, "system": "payments", "reason": "because"})

    assert (browser.get("/settings/systems").status_code, tried.status_code) == (403, 403)
    assert 'href="/settings/systems"' not in browser.get("/inbox").text
    assert degraded() == []


@pytest.mark.parametrize(
    ("filled", "complaint"),
    [
        ({"system": "payments", "reason": "  "}, "say why"),
        ({"system": "payments", "reason": "x" * 501}, "say why in 1 to 500 characters"),
        ({"system": "paymnets", "reason": "a slip"}, "there is no system"),
    ],
)
def test_what_cannot_be_declared_is_given_back_as_it_was_filled_in(
    desk: House, filled: dict[str, str], complaint: str
) -> None:
    browser = desk.browser(Role.OPS_LEAD)

    page = browser.submit(browser.get("/settings/systems"), "/settings/systems", state="healthy", **filled)

    assert page.status_code == 400
    assert "Nothing was declared" in page.text
    assert complaint in page.text.lower()
    assert f'value="{filled["reason"]}"' in page.text
    assert '<option value="healthy" selected>' in page.text
    assert degraded() == []


def test_the_desk_does_not_end_by_itself_what_a_person_declared(desk: House) -> None:
    browser = desk.browser(Role.ON_CALL)
    browser.submit(
        browser.get("/settings/systems"), "/settings/systems", system="payments", state="degraded", reason="maintenance"
    )

    with transaction():
        health.note("payments", ok=True)

    assert degraded() == ["payments"]
    assert "On call" in browser.get("/settings/systems").text
