"""Keys that somebody chooses for themselves: kept on the server, two that would clash are named, all of it for them."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from httpx2 import Response

from caseward.core.roles import Role
from caseward.store import preferences
from caseward.store.db import transaction
from caseward.web import keys
from tests.e2e.console_house import House, house

PAGE = "/settings/keys"


@pytest.fixture
def desk(database: str) -> Iterator[House]:
    with house() as opened:
        yield opened


def field(key: str) -> str:
    """Return the field of the form in which the key of an action is chosen."""
    return next(line.name for line in keys.lines({}) if line.default == key)


def keymap(page: Response) -> str:
    found = re.search(r'data-keymap="([^"]*)"', page.text)
    assert found
    return found[1].replace("&#34;", '"')


@pytest.mark.parametrize("role", list(Role))
def test_everybody_has_keys_of_their_own_and_nobody_elses(desk: House, role: Role) -> None:
    mine, others = desk.browser(role), desk.browser(next(each for each in Role if each is not role))

    saved = mine.submit(mine.get(PAGE), PAGE, single="on", **{field("a"): "p"})

    assert "These keys follow you to every browser" in saved.text
    assert keymap(saved) == '{"a": "p"}'
    assert keymap(others.get(PAGE)) == "{}"
    assert keymap(desk.browser(role).get("/inbox")) == '{"a": "p"}'  # in another browser too


@pytest.mark.parametrize(
    ("chosen", "why"),
    [
        ({"a": "d"}, "Deny: D is “Approve” already; give one of the two another key"),
        ({"a": "5"}, "Approve: 5 opens evidence 5; choose a letter or a sign"),
        ({"r": "ab"}, "Resolve: “ab” is not one key; type one letter or sign"),
        ({"r": "<"}, ""),
        ({"a": "d", "d": "a"}, ""),
        ({"r": ""}, ""),
    ],
)
def test_a_key_that_cannot_be_is_refused_and_what_was_chosen_stays_on_the_page(
    desk: House, chosen: dict[str, str], why: str
) -> None:
    browser = desk.browser(Role.COACH)

    answer = browser.submit(
        browser.get(PAGE), PAGE, single="on", **{field(action): key for action, key in chosen.items()}
    )

    assert answer.status_code == (400 if why else 200)
    assert why in answer.text
    with transaction():
        kept = preferences.of(desk.person(Role.COACH)).keys
    assert kept == ({} if why else {action: key for action, key in chosen.items() if key})


def test_single_letters_are_turned_off_and_all_of_it_is_reset(desk: House) -> None:
    browser = desk.browser(Role.COACH)
    off = browser.submit(browser.get(PAGE), PAGE, **{field("a"): "p", "hold": "30"})
    assert 'data-letters="off"' in off.text
    assert browser.get(f"{PAGE}?part=sheet").text.count("<li>") > len(keys.ACTIONS)

    again = browser.submit(off, PAGE, reset="1", hold="0")

    assert 'data-letters="off"' not in again.text
    assert keymap(again) == "{}"


def test_the_menu_and_the_case_file_stay_as_somebody_left_them(desk: House) -> None:
    browser = desk.browser(Role.AGENT)
    page = browser.get("/inbox")
    assert 'data-menu="narrow"' not in page.text

    narrow = browser.submit(page, "/shell", menu="narrow")

    assert 'data-menu="narrow"' in narrow.text
    assert 'data-menu="narrow"' not in browser.submit(narrow, "/shell", menu="wide").text
    browser.submit(narrow, "/shell", file="hidden")
    assert 'data-file="hidden"' in browser.get("/inbox").text


def test_preferences_that_a_later_release_kept_break_nothing(desk: House) -> None:
    with transaction():
        preferences.change(desk.person(Role.COACH), unheard_of=[1], hold_seconds=10)
        assert preferences.of(desk.person(Role.COACH)).hold_seconds == 10
        assert preferences.of("tok_nobody") == preferences.NONE
