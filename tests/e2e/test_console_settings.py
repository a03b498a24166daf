"""The settings that the pack holds: seen by who may, tried before they are proposed, proposed as any other change."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from caseward.adapters import find
from caseward.core.roles import Role
from caseward.desk import library, tools
from caseward.store import log, releases
from caseward.store.db import transaction
from tests.e2e.console_house import Browser, House, a_full_desk, house
from tests.e2e.console_releases import light_school

SEEN = {
    Role.COACH: {"policies", "hours"},
    Role.OPS_LEAD: {"policies", "hours", "systems"},
    Role.ADMIN: {"policies", "hours", "systems"},
    Role.ON_CALL: {"systems"},
    Role.AGENT: set(),
}
"""Role → the pages of the business's settings that it has."""


@pytest.fixture
def desk(database: str) -> Iterator[House]:
    with house() as opened:
        tools.use(replace(tools.given(), built_in=frozenset(find.skill_names(("records",)))))
        with transaction():
            library.open_with(light_school())
        yield opened


def proposal() -> releases.Release:
    """Return the one change that was proposed."""
    with transaction():
        [found] = [each for each in releases.every() if each.state == "proposed"]
    return found


def written(release: str, file: str = "pack.yaml") -> str:
    with transaction():
        return releases.files(release)[file]


def no_proposal() -> bool:
    with transaction():
        return all(each.state == "published" for each in releases.every())


def edited(browser: Browser, path: str, **fields: str) -> str:
    """Return the form's page with these fields asked about."""
    return html.unescape(browser.client.get(path, params=fields).text)


# --- hours ------------------------------------------------------------------------------------------------------------


def test_the_week_and_the_closed_days_that_come_are_shown(desk: House) -> None:
    page = html.unescape(desk.browser(Role.COACH).get("/settings/hours").text)

    assert "Open now." in page
    assert "09:00 to 20:00" in page
    assert "Christmas" in page  # a public holiday, by its name
    assert re.search(r'datetime="2026-12-24">Thu 24 Dec 2026</time><span class="">Own day', page)
    assert 'datetime="2026-12-27"' not in page  # a Sunday, closed by the week


def test_other_hours_are_shown_with_what_they_would_change_and_proposed(desk: House) -> None:
    # given cases with promises that run, and an ops lead who wants to close on Mondays and on a day of their own
    a_full_desk(desk)
    browser = desk.browser(Role.OPS_LEAD)
    form = browser.get("/settings/hours/edit")
    closed = re.search(r'name="closed"[^>]*>([^<]*)<', form.text)
    assert closed
    asked = {"mon": "", "sat": "09:00-12:00, 13:00-18:00", "closed": f"{closed[1]}\n2026-12-02"}

    # when they look at it
    page = browser.client.get("/settings/hours/edit", params=asked)
    text = html.unescape(page.text)

    # then the days and the promises that would have been otherwise are named, and nothing has changed
    assert "63 h a week become 52 h" in text
    assert "Mon 23 Nov 2026: closed, it was 09:00 to 20:00" in text
    assert "Wed 2 Dec 2026: closed, it was 09:00 to 20:00" in text
    assert re.search(r"#\d+</a> Decide by .*? later", text, re.S)
    assert no_proposal()

    # when they propose it
    after = browser.submit(page, "/settings/hours/propose", reason="Nobody comes on Mondays")

    # then it waits for consent as any change does, with the comments of the file in their places
    made = proposal()
    assert after.url.path == f"/knowledge/changes/{made.id}"
    assert (made.author, made.reason, made.lane) == (desk.person(Role.OPS_LEAD), "Nobody comes on Mondays", "coach")
    text = written(made.id)
    assert 'sat: ["09:00-12:00", "13:00-18:00"]' in text
    assert "\n  mon:" not in text
    assert "    - 2026-12-02\n" in text
    assert "# The studio also closes from 24 December" in text
    with transaction():
        said = [(each.actor, each.payload["state"]) for each in log.entries(kind="release")]
    assert (desk.person(Role.OPS_LEAD), "proposed") in said


SLIPS: list[tuple[dict[str, str], str]] = [
    ({"mon": "nine to five"}, "Monday: 'nine to five' is no span"),
    ({"mon": "18:00-09:00"}, "ends before it starts"),
    ({"zone": "Asia/Nowhere"}, "Unknown time zone"),
    ({"country": "XX"}, "No public holidays known"),
    ({"closed": "25 December"}, "'25' is no day"),
    ({"closed": "2026-02-30"}, "'2026-02-30' is no day"),
    (dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), ""), "never be open"),
    ({"mon": "09:00-20:00"}, "Nothing would change"),
]


def test_hours_that_cannot_be_are_given_back_as_they_were_filled_in(desk: House) -> None:
    browser = desk.browser(Role.ADMIN)

    for fields, complaint in SLIPS:
        page = browser.client.get("/settings/hours/edit", params=fields)

        assert page.status_code == 400, fields
        text = html.unescape(page.text)
        assert complaint in text, fields
        assert all(value in text for value in fields.values()), fields
        assert 'action="/settings/hours/propose"' not in text, fields


def test_what_was_looked_at_before_another_release_is_looked_at_again(desk: House) -> None:
    browser = desk.browser(Role.ADMIN)
    page = browser.client.get("/settings/hours/edit", params={"mon": "10:00-20:00"})
    with transaction():
        files = {**releases.files(releases.current().release)}  # type: ignore[union-attr]
        files["pack.yaml"] = files["pack.yaml"].replace("attempts: 3", "attempts: 4")
        library.follow(files)

    answer = browser.submit(page, "/settings/hours/propose", reason="Later")

    assert answer.status_code == 409
    assert "became current meanwhile" in answer.text
    assert no_proposal()


@pytest.mark.parametrize("role", [Role.AGENT, Role.ON_CALL])
def test_others_propose_nothing(desk: House, role: Role) -> None:
    browser = desk.browser(role)
    csrf = re.findall(r'name="csrf" value="([^"]*)"', browser.get("/audit").text)[0]

    answers = [
        browser.client.post(path, data={"csrf": csrf, "mon": "", "reason": "because", "base": "2026-11-21.1"})
        for path in ("/settings/hours/propose",)
    ]

    assert {each.status_code for each in answers} == {403}
    assert no_proposal()
