"""The outbox: words once per key, in the order they were said, settled ones settled; and the pace they go out at."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from threading import Barrier
from typing import Any

import pytest

from caseward.core.case import Case
from caseward.core.errors import NotFound
from caseward.core.events import Delivery
from caseward.core.ids import OutboxId
from caseward.store import cases, db, messages, outbox, paces
from caseward.store.effects import EffectState
from caseward.store.outbox import Parcel

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)


@pytest.fixture
def case(database: str) -> Case:
    with db.transaction():
        conversation = messages.open_conversation("house", "62811", token_hash=None, language="id", now=NOW)
        return cases.open_case(conversation, channel="house", language="id", now=NOW)


def put(case: Case, key: str = "reply:1", *, delivered: bool = False, **more: Any) -> OutboxId | None:
    given = {"address": "62811", "text": "Halo.", **more}
    with db.transaction():
        return outbox.put(
            case_id=case.id, message_id="msg_one", channel="house", key=key, approvers=("policy",),
            delivered=delivered, now=NOW, **given,
        )  # fmt: skip


def move(id: OutboxId | None, state: EffectState, *, wait: float | None = None, **more: Any) -> Parcel:
    assert id is not None
    with db.transaction():
        next_at = None if wait is None else NOW + timedelta(minutes=wait)
        outbox.move(id, state, now=NOW, next_at=next_at, **more)
        return outbox.get(id)


def due(after: float = 0) -> list[OutboxId]:
    with db.transaction():
        return outbox.due(NOW + timedelta(minutes=after))


def test_the_same_words_are_put_into_the_outbox_once(case: Case) -> None:
    assert put(case) is not None
    assert put(case) is None
    assert put(case, "reply:2") is not None

    with db.transaction():
        assert outbox.said("reply:1")
        assert not outbox.said("reply:3")
        assert [each.key for each in outbox.of_case(case.id)] == ["reply:1", "reply:2"]


def test_words_are_read_as_they_were_put(case: Case) -> None:
    id = put(case, reply={"template": "thanks"}, keeps_until=NOW + timedelta(hours=1))

    with db.transaction():
        found = outbox.get(str(id))

    assert (found.text, found.reply, found.keeps_until) == ("Halo.", {"template": "thanks"}, NOW + timedelta(hours=1))
    assert (found.state, found.attempts, found.delivery, found.shut) == (EffectState.QUEUED, 0, None, False)


def test_words_that_are_delivered_by_being_stored_need_nothing_more(case: Case) -> None:
    id = put(case, delivered=True)

    assert due(60) == []
    with db.transaction():
        assert outbox.get(str(id)).state is EffectState.DONE


@pytest.mark.parametrize("settled", [EffectState.DONE, EffectState.FAILED])
def test_settled_words_stay_settled_and_are_never_due_again(case: Case, settled: EffectState) -> None:
    id = put(case)
    move(id, EffectState.RUNNING)
    before = move(id, settled, wait=1, provider_ref="wamid.1", error="why")

    for state in EffectState:
        assert move(id, state, wait=0, provider_ref="other") == before
    assert due(60) == []
    assert (before.state, before.provider_ref, before.attempts, before.next_at) == (settled, "wamid.1", 1, None)


def test_what_is_not_settled_is_due_at_its_time(case: Case) -> None:
    id = put(case)
    assert due() == [id]

    for state in (EffectState.RUNNING, EffectState.UNKNOWN, EffectState.HELD, EffectState.QUEUED):
        move(id, state, wait=2)
        assert due(1.9) == []
        assert due(2) == [id]


def test_doubt_begins_when_words_are_handed_out_and_ends_when_they_surely_did_not_go(case: Case) -> None:
    id = put(case)

    assert move(id, EffectState.RUNNING, wait=1).doubt_at == NOW
    assert move(id, EffectState.UNKNOWN, wait=1).doubt_at == NOW
    assert move(id, EffectState.QUEUED, wait=1).doubt_at is None


def test_earlier_words_to_the_same_address_hold_later_ones_back_until_they_are_settled_or_wait(case: Case) -> None:
    first, second, other = put(case, "1"), put(case, "2"), put(case, "3", address="62899")

    def held_back(id: OutboxId | None) -> bool:
        with db.transaction():
            return outbox.held_back(outbox.get(str(id)))

    assert (held_back(first), held_back(second), held_back(other)) == (False, True, False)
    move(first, EffectState.UNKNOWN, wait=1)
    assert held_back(second)
    move(first, EffectState.UNKNOWN)  # a person was asked
    assert not held_back(second)
    move(first, EffectState.HELD, wait=1)
    assert not held_back(second)


def test_a_vendor_names_words_by_our_id_or_by_theirs(case: Case) -> None:
    id = put(case)
    move(id, EffectState.RUNNING)
    move(id, EffectState.DONE, provider_ref="wamid.1")

    def named(channel: str = "house", **by: str) -> str | None:
        with db.transaction():
            found = outbox.named(channel, **{"key": "", "provider_ref": "", **by})
            return found.id if found else None

    assert named(key=str(id)) == named(provider_ref="wamid.1") == named(key="?", provider_ref="wamid.1") == id
    assert named() is named(key="?") is named(provider_ref="?") is named("other", key=str(id)) is None


def test_what_failed_and_what_waits_is_listed_and_counted(case: Case) -> None:
    failed, waits, again, came_back = (put(case, str(n)) for n in range(4))
    move(failed, EffectState.FAILED, error="no account")
    move(waits, EffectState.HELD, wait=9)
    move(again, EffectState.RUNNING)
    move(again, EffectState.QUEUED, wait=1, error="busy")
    move(came_back, EffectState.DONE)
    with db.transaction():
        outbox.tell_delivery(str(came_back), Delivery.FAILED, at=NOW, fault="131026")

    with db.transaction():
        assert [each.id for each in outbox.refused()] == [came_back, failed]
        assert [each.id for each in outbox.retried()] == [waits, again]
        assert outbox.count() == {"failed": 1, "held": 1, "queued": 1, "done": 1}
        assert outbox.failed_since(NOW) == 2
        assert outbox.failed_since(NOW + timedelta(seconds=1)) == 0


def test_what_does_not_exist_is_named(database: str) -> None:
    with db.transaction(), pytest.raises(NotFound, match="there is no out_none in outbox"):
        outbox.get("out_none")


def test_who_reserves_at_once_never_gets_the_same_time(database: str) -> None:
    together, span = Barrier(8), timedelta(milliseconds=100)

    def reserve(_thread: int) -> datetime:
        together.wait()
        with db.transaction():
            return paces.reserve("house", span, NOW)

    with ThreadPoolExecutor(8) as pool:
        slots = sorted(pool.map(reserve, range(8)))

    assert slots[0] == NOW
    assert {later - earlier for earlier, later in pairwise(slots)} == {span}


def test_what_is_free_is_reserved_from_when_it_is_wanted(database: str) -> None:
    later = NOW + timedelta(minutes=1)

    with db.transaction():
        assert paces.free_at("house") is None
        assert paces.reserve("house", timedelta(seconds=6), NOW) == NOW
        assert paces.free_at("house") == NOW + timedelta(seconds=6)
        assert paces.reserve("house", timedelta(seconds=1), later) == later
        assert paces.free_at("house") == later + timedelta(seconds=1)
