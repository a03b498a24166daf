"""The post under any order of events: nothing goes out twice, out of order or too fast, and nothing is lost unseen."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from caseward.core.errors import SystemDown, Undeliverable
from caseward.core.events import Delivery, Status
from caseward.core.messages import Reply
from caseward.core.pack import Pack
from caseward.core.ports import Pace, Payload
from caseward.desk import post, tools
from caseward.desk.tools import Tools
from caseward.store import cases, db, messages, outbox
from caseward.store.effects import EffectState
from caseward.store.outbox import Parcel

START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
WINDOW = timedelta(hours=24)
BETWEEN = timedelta(seconds=6)
RANK = {None: 0, Delivery.SENT: 1, Delivery.DELIVERED: 2, Delivery.READ: 3, Delivery.FAILED: 9}

addresses = st.sampled_from(["1", "2"])
outcomes = st.sampled_from(["ok", "ok", "ok", "down", "refused", "shut", "lost before", "lost after"])


@dataclass
class Vendor:
    """Takes words, or not, and remembers what it took."""

    name: str = "vendor"
    pull: bool = False
    longest: int = 4000
    window: timedelta | None = WINDOW
    pace: Pace = field(default_factory=lambda: Pace(a_second=2, seconds_between=BETWEEN.total_seconds()))
    tells: bool = True
    """Whether it can be asked what it took."""
    next: str = "ok"
    taken: list[tuple[str, str]] = field(default_factory=list)
    """Address and key, oldest first."""

    def render(self, reply: Reply) -> Payload:
        return {"text": reply.text}

    def deliver(self, address: str, payload: Payload, *, key: str) -> str:
        match self.next:
            case "down":
                raise SystemDown(self.name, "busy")
            case "refused":
                raise Undeliverable(self.name, "131026", "has no account")
            case "shut":
                raise Undeliverable(self.name, "131047", "re-engage", closed=True)
            case "lost before":
                raise TimeoutError("no answer")
        self.taken.append((address, key))
        if self.next == "lost after":
            raise TimeoutError("no answer")
        return f"ref {key}"

    def lookup(self, address: str, *, key: str) -> str | None:
        if not self.tells:
            raise SystemDown(self.name, "it keeps no list")
        return f"ref {key}" if (address, key) in self.taken else None


@dataclass
class Worker:
    """Words in somebody's hands."""

    parcel: Parcel
    handed: dict[str, Any]
    outcome: dict[str, Any] | None = None
    died: bool = False
    """Whether who held them before died, so that nobody knows how far they came."""


class Post(RuleBasedStateMachine):
    """Two contacts and one vendor; each step is a transaction that commits or, as when its process dies, does not."""

    pack: Pack

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.vendor = Vendor()
        self.told: set[str] = set()
        """Words of which a person was told."""
        self.posted: list[str] = []
        self.workers: list[Worker] = []
        self.ranks: dict[str, int] = {}
        self.slots: list[tuple[str, datetime]] = []
        self.said = 0
        self.conversations, self.cases = {}, {}
        tools.use(
            Tools(
                pack=self.pack,
                brain=tools.NoBrain(),
                channels={"vendor": self.vendor},
                skills={},
                begin=self._begin,
                clock=lambda: self.now,
            )
        )
        with db.transaction():
            for row in db.run("select id from outbox"):
                db.run("delete from outbox where id = %(id)s", {"id": row.id})
            db.run("delete from paces")
            for address in ("1", "2"):
                opened = messages.open_conversation("vendor", address, token_hash=None, language="", now=START)
                db.run("update conversations set heard_at = null where id = %(id)s", {"id": opened})
                self.conversations[address] = opened
                self.cases[address] = cases.open_case(opened, channel="vendor", language="en", now=START)

    def _begin(self, story: str, subject: str, _id: str) -> None:
        if story == "undelivered":
            self.told.add(subject)

    def attempt(self, work: Callable[[], Any], *, dies: bool = False) -> Any:
        """Do `work` in a transaction, which does not commit where the process `dies`."""
        with db.engine().connect() as connection:
            before = set(self.told)
            with db.joining(connection):
                result = work()
            if dies:
                connection.rollback()
                self.told = before
                return None
            connection.commit()
            return result

    def parcels(self) -> list[Parcel]:
        with db.transaction():
            return [each for case in self.cases.values() for each in outbox.of_case(case.id)]

    @rule(seconds=st.sampled_from([0.1, 1, 6, 40, 200, 1000, 8000, 90_000]))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(address=addresses)
    def a_contact_writes(self, address: str) -> None:
        def write() -> None:
            query = "update conversations set heard_at = %(now)s where id = %(id)s"
            db.run(query, {"id": self.conversations[address], "now": self.now})
            post.heard("vendor", address)

        self.attempt(write)

    @rule(address=addresses, keeps=st.sampled_from([1, 30, 5000]), dies=st.sampled_from([False, False, True]))
    def words_are_said(self, address: str, keeps: int, dies: bool) -> None:
        self.said += 1

        def put() -> Any:
            return outbox.put(
                case_id=self.cases[address].id, message_id=f"msg_{self.said}", channel="vendor", address=address,
                text=f"number {self.said}", key=f"reply:{self.cases[address].id}:{self.said}", approvers=("per_coach",),
                delivered=False, now=self.now, keeps_until=self.now + timedelta(minutes=keeps),
            )  # fmt: skip

        posted = self.attempt(put, dies=dies)
        if posted is not None:
            self.posted.append(posted)

    @rule(data=st.data(), dies=st.sampled_from([False, False, True]))
    def somebody_takes_what_is_due(self, data: st.DataObject, dies: bool) -> None:
        with db.transaction():
            due = [id for id, _moves in outbox.due(self.now)]
        if not due:
            return
        chosen = data.draw(st.sampled_from(due))
        handed = self.attempt(lambda: post.hand_out(chosen), dies=dies)
        if handed is not None:
            with db.transaction():
                parcel = outbox.get(chosen)
            if handed["fresh"]:
                self.slots.append((parcel.address, self.now + timedelta(seconds=handed["wait"])))
            self.workers.append(Worker(parcel=parcel, handed=handed, died=not handed["fresh"]))

    @precondition(lambda self: self.workers)
    @rule(data=st.data(), outcome=outcomes, tells=st.booleans(), dies=st.sampled_from([False, False, True]))
    def somebody_hands_over(self, data: st.DataObject, outcome: str, tells: bool, dies: bool) -> None:
        worker = data.draw(st.sampled_from(self.workers))
        if worker.outcome is not None:
            return
        self.vendor.next, self.vendor.tells = outcome, tells
        with db.transaction():
            parcel = outbox.get(worker.parcel.id)
        if (parcel.state, parcel.attempts) != (EffectState.RUNNING, worker.handed["attempt"]):
            self.workers.remove(worker)
            return
        came = post.send(self.vendor, parcel, Reply(text=parcel.text), surely_new=not worker.died)
        worker.died = True
        worker.outcome = None if dies else came

    @precondition(lambda self: any(worker.outcome for worker in self.workers))
    @rule(data=st.data(), dies=st.sampled_from([False, False, True]))
    def somebody_reports(self, data: st.DataObject, dies: bool) -> None:
        worker = data.draw(st.sampled_from([each for each in self.workers if each.outcome]))
        outcome = worker.outcome
        assert outcome is not None
        self.attempt(lambda: post.report(worker.parcel.id, worker.handed, outcome), dies=dies)
        if dies:  # the outcome itself is kept, as a step's is
            return
        self.workers.remove(worker)

    @precondition(lambda self: self.vendor.taken)
    @rule(data=st.data(), state=st.sampled_from(Delivery), by_key=st.booleans(), shut=st.booleans())
    def the_vendor_says_what_became_of_words(
        self, data: st.DataObject, state: Delivery, by_key: bool, shut: bool
    ) -> None:
        _address, key = data.draw(st.sampled_from(self.vendor.taken))
        said = Status(channel="vendor", provider_id=f"ref {key}", key=key if by_key else "", state=state, at=self.now,
                      closed=shut, error="131047: re-engage" if state is Delivery.FAILED else "")  # fmt: skip
        self.attempt(lambda: post.settle(said))

    @invariant()
    def nothing_is_taken_twice(self) -> None:
        keys = [key for _address, key in self.vendor.taken]
        assert len(keys) == len(set(keys)), f"taken twice: {keys}"

    @invariant()
    def words_to_one_address_keep_their_order(self) -> None:
        order = {each.id: each.seq for each in self.parcels()}
        for address in ("1", "2"):
            taken = [order[key] for to, key in self.vendor.taken if to == address]
            assert taken == sorted(taken)

    @invariant()
    def a_delivery_never_moves_back_and_failed_sticks(self) -> None:
        for each in self.parcels():
            rank = RANK[each.delivery]
            assert rank >= self.ranks.get(each.id, 0)
            self.ranks[each.id] = rank

    @invariant()
    def everything_arrives_or_is_still_due_or_somebody_knows(self) -> None:
        found = self.parcels()
        assert {each.id for each in found} >= set(self.posted)
        for each in found:
            arrived = each.state is EffectState.DONE and each.delivery is not Delivery.FAILED
            again = any(other.key == f"{each.key}#again" for other in found)
            assert arrived or each.next_at is not None or each.id in self.told or again, each

    @invariant()
    def nobody_is_written_to_faster_than_the_vendor_allows(self) -> None:
        for address in ("1", "2"):
            slots = [at for to, at in self.slots if to == address]
            assert all(later - earlier >= BETWEEN for earlier, later in pairwise(slots))


@pytest.fixture
def office(database: str, school: Pack) -> Iterator[None]:
    Post.pack = school
    yield
    tools.use(None)


def test_whatever_happens_words_go_out_once_in_order_and_none_is_lost(office: None) -> None:
    run_state_machine_as_test(
        Post,
        settings=settings(max_examples=40, stateful_step_count=40, deadline=None, suppress_health_check=[*HealthCheck]),
    )
