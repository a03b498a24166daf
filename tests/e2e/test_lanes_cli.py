"""Lanes on the command line: where they are read, and codes that link a person's chat."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from caseward.store import db, lanes
from tests.conftest import Cluster
from tests.e2e.test_people_commands import House


@pytest.fixture
def house(cluster: Cluster, empty_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A database with a release and people, and a bot that is set up and never called."""
    monkeypatch.setenv("CASEWARD_TELEGRAM_TOKEN", "123456:sample-token-of-nobody")
    yield House(empty_database, tmp_path)
    db.disconnect()


def test_lanes_are_bound_listed_and_unbound(house: House) -> None:
    bound = house.type("lane", "bind", "approvals", "telegram", "-100", "--by", "per_ops_lead")
    again = house.type("lane", "bind", "approvals", "telegram", "-100", "--by", "per_ops_lead")
    refused = house.type("lane", "bind", "ops", "telegram", "-200", "--by", "per_coach")
    unknown = house.type("lane", "bind", "everything", "telegram", "-200", "--by", "per_admin")
    silent = house.type("lane", "bind", "ops", "webchat", "-200", "--by", "per_admin")
    listed = json.loads(house.type("lane", "list", "--json").out)
    gone = house.type("lane", "unbind", "approvals", "telegram", "-100", "--by", "per_admin")
    empty = house.type("lane", "list")

    assert (bound.out, again.out) == (
        "approvals is read in telegram -100\n",
        "approvals is read in telegram -100 already\n",
    )
    assert refused.code == 1
    assert "the role coach does not say where lanes are read" in refused.err
    assert unknown.code == silent.code == 2
    assert "there are ops, approvals, incidents" in unknown.err
    assert "webchat reaches no team: there is telegram" in silent.err
    assert [(each["lane"], each["chat"], each["by"]) for each in listed["lanes"]] == [
        ("approvals", "-100", "per_ops_lead")
    ]
    assert gone.code == 0
    assert empty.out.startswith("No lane is read anywhere")


def test_a_code_is_printed_once_and_a_lost_phone_is_forgotten(house: House) -> None:
    code = house.type("person", "link-chat", "coach@school.example", "telegram").out.strip()
    with db.transaction():
        linked = lanes.use_code(code, "telegram", "77", now=datetime.now(UTC))
        lanes.link(lanes.Handle(channel="telegram", handle="77", person_id="per_coach"), now=datetime.now(UTC))
    listed = house.type("lane", "list").out
    gone = house.type("person", "unlink-chat", "per_coach", "telegram").out

    assert linked == "per_coach"
    assert "Example coach is 77 in telegram" in listed
    assert gone == "Example coach is no longer known in 1 chat of telegram\n"
    with db.transaction():
        assert lanes.linked("telegram", "77") is None
    assert house.type("person", "link-chat", "nobody@school.example", "telegram").code == 2
