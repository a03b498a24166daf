"""The door of a channel on the command line, and what the checklist says of channels."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from caseward.store import db, hooks, wires
from tests.conftest import Cluster
from tests.e2e.test_people_commands import House

LEAD = ("--by", "ops_lead@school.example")


@pytest.fixture(scope="module")
def house(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    url = cluster.create()
    yield House(url, tmp_path_factory.mktemp("house"))
    db.disconnect()


def test_addresses_are_admitted_refused_and_listed(house: House) -> None:
    admitted = house.told("channel", "admit", "telegram", "1001", *LEAD)
    house.told("channel", "refuse", "telegram", "1002", *LEAD)
    listed = house.told("channel", "list")
    refused = house.type("channel", "list", "telegram", "--state", "refused")

    assert admitted == {"channel": "telegram", "address": "1001", "state": "admitted"}
    assert {(each["address"], each["state"], each["by"]) for each in listed} == {
        ("1001", "admitted", "per_ops_lead"),
        ("1002", "refused", "per_ops_lead"),
    }
    assert refused.out.startswith("telegram  1002  refused by per_ops_lead")


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (("channel", "code", "telegram", *LEAD), 2, "access: pairing"),
        (("channel", "admit", "pigeon", "1001", *LEAD), 2, "'pigeon'"),
        (("channel", "admit", "telegram", " ", *LEAD), 2, "the address is empty"),
        (("channel", "admit", "telegram", "1001", "--by", "coach@school.example"), 1, "lets nobody in"),
        (("channel", "list", "--state", "lost"), 2, "asked, admitted, refused"),
    ],
    ids=["no pairing", "no channel", "no address", "no right", "no state"],
)
def test_what_cannot_be_done_is_said_with_the_fix(house: House, words: tuple[str, ...], code: int, says: str) -> None:
    done = house.type(*words)

    assert done.code == code
    assert says in done.err + done.out


def test_what_could_not_be_read_is_read_again_on_request(house: House) -> None:
    with db.transaction():
        hooks.keep("webchat", "digest", b"?", at=datetime.now(UTC))
        hook = hooks.following("webchat")
        assert hook is not None
        hooks.settle(hook.id, error="no idea", next_at=None)
        hooks.keep("slack", "digest", b"?", at=datetime.now(UTC) - hooks.AT_ONCE)

    before = house.type("doctor")
    again = house.told("channel", "reread", "webchat")
    after = house.type("doctor")

    line = "channel webchat unread: 0 bodies wait to be read, 1 were given up (no idea)"
    assert f"FAIL  {line}; after an upgrade, `caseward channel reread webchat`" in before.out
    assert "ok    channel slack unread: 1 bodies wait to be read, 0 were given up\n" in before.out
    assert again == {"again": 1}
    assert "ok    channel webchat unread: 1 bodies wait to be read, 0 were given up" in after.out


def test_the_checklist_says_when_a_channel_was_heard_and_since_when_it_is_away(house: House) -> None:
    now = datetime.now(UTC)
    with db.transaction():
        wires.saw("webchat", "heard", now - timedelta(minutes=3))
        wires.failed("webchat", "timed out")
    heard = house.type("doctor").out
    with db.transaction():
        wires.lost("webchat", "timed out", now - timedelta(minutes=9))
    away = house.type("doctor").out

    assert "ok    channel webchat: on; heard 3 min ago; 1 failures in a row; last trouble: timed out" in heard
    assert "FAIL  channel webchat: on; heard 3 min ago; 1 failures in a row; away since" in away
