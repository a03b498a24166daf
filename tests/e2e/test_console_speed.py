"""What a page asks the database does not grow with the desk; how long that takes is measured by bench/console."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from bench import crowd
from caseward.core.roles import Role
from caseward.desk import figuring
from caseward.store import people, tags
from caseward.store.db import transaction
from tests.e2e.console_house import House, house

MOST = {
    "/inbox?view=all-open": 42,
    "/inbox": 42,
    "/cases/{case}": 45,
    "/approvals": 42,
    "/overview": 30,
    "/overview?range=28d": 30,
}
"""Page → statements it may need at most."""


@pytest.fixture
def desk(database: str) -> Iterator[House]:
    with house() as opened:
        yield opened


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The statements that were sent so far."""
    sent: list[Any] = []
    execute = psycopg.Cursor.execute

    def counted(cursor: psycopg.Cursor[Any], query: Any, *args: Any, **more: Any) -> Any:
        sent.append(query)
        return execute(cursor, query, *args, **more)

    monkeypatch.setattr(psycopg.Cursor, "execute", counted)
    return sent


def test_a_page_of_a_large_desk_needs_no_more_statements_than_one_of_a_small_desk(
    desk: House, database: str, asked: list[Any]
) -> None:
    # given a desk with three thousand cases, whose figures are added up
    crowd.fill(database, 3_000, now=desk.now)
    while figuring.catch_up():
        pass
    lead = desk.browser(Role.OPS_LEAD)
    listed = re.search(r'href="/cases/([^?"]+)', lead.get("/inbox?view=all-open").text)
    assert listed

    # when pages are looked at a second time, which find what was learned at the first
    needed = {}
    for page in MOST:
        path = page.format(case=listed[1])
        lead.get(path)
        asked.clear()
        assert lead.get(path).status_code == 200
        needed[page] = len(asked)

    # then each needs about as many statements as it has kinds of things to show, not rows
    assert all(needed[page] <= most for page, most in MOST.items()), needed


def test_who_there_is_and_which_tags_there_are_is_read_once_and_again_after_a_change(
    desk: House, asked: list[Any]
) -> None:
    with transaction():
        people.names()
        asked.clear()
        assert people.names() == {each.id: each.name for each in people.every()}
        assert people.known("per_coach") in people.every()
        tags.used()
        assert tags.used() == []
        assert len(asked) == 1  # the tags, once

        people.rename("per_coach", "Somebody Else")
        assert people.names()["per_coach"] == "Somebody Else"
