"""The post under any order of events: nothing goes out twice, out of order or too fast, and nothing is lost unseen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import HealthCheck
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from caseward.core.errors import SystemDown, Undeliverable
from caseward.core.events import Delivery, Status
from caseward.core.ids import ConversationId
from caseward.core.messages import Reply
from caseward.core.pack import Pack
from caseward.core.ports import Pace, Payload
from caseward.desk import post, tools
from caseward.desk.tools import Tools
from caseward.store import cases, db, messages, outbox
from caseward.store.effects import EffectState
from caseward.store.outbox import Parcel
from tests.conftest import examples

START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
WINDOW = timedelta(hours=24)
BETWEEN = timedelta(seconds=3)
RANK = {None: 0, Delivery.SENT: 1, Delivery.DELIVERED: 2, Delivery.READ: 3, Delivery.FAILED: 9}

addresses = st.sampled_from(["1", "1", "2"])
outcomes = st.sampled_from(
    ["ok", "ok", "ok", "down", "down", "refused", "shut", "lost before", "lost after", "lost after"]
)
STOPS = ("before it is marked", "when it is marked", "when it is handed over", "when it is reported")
"""Where a process dies, or another one goes on."""
stops = st.sampled_from([*["never"] * 4, *STOPS])
STEPS = ["time", "time", "heard", "say", "say", "work", "work", "work", "work", "go on", "status"]
BURST = 160
MOST = 8
"""Words that are said in one run."""


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
        self.conversations: dict[str, ConversationId] = {}
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
            db.run("delete from outbox")
            db.run("delete from paces")
            for address in ("1", "2"):
                opened = messages.open_conversation("vendor", address, token_hash=None, language="", now=START)
                db.run("update conversations set heard_at = %(now)s where id = %(id)s", {"id": opened, "now": START})
                self.conversations[address] = opened
            self.case = cases.open_case(opened, channel="vendor", language="en", now=START)

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
            return outbox.of_case(self.case.id)

    @rule(data=st.data(), what=st.sampled_from(STEPS))
    def something_happens(self, data: st.DataObject, what: str) -> None:
        """Do one thing. A rule of its own for each would leave most of them out of most runs."""
        draw, lasts = data.draw, st.sampled_from([False, False, False, True])
        match what:
            case "time":
                self.time_passes(draw(st.sampled_from([0.1, 1, 6, 40, 40, 200, 1000, 8000, 90_000])))
            case "heard":
                self.a_contact_writes(draw(addresses))
            case "say" if self.said < MOST:
                self.words_are_said(draw(addresses), draw(st.sampled_from([1, 30, 5000])), draw(lasts))
            case "work":
                self.somebody_works(data, draw(outcomes), draw(st.booleans()), draw(stops))
            case "go on" if self.workers:
                self.somebody_goes_on(data, draw(outcomes), draw(st.booleans()), draw(stops))
            case "status" if self.vendor.taken:
                state, by_key, shut = draw(st.sampled_from(Delivery)), draw(st.booleans()), draw(st.booleans())
                self.the_vendor_says_what_became_of_words(data, state, by_key, shut)

    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def a_contact_writes(self, address: str) -> None:
        def write() -> None:
            query = "update conversations set heard_at = %(now)s where id = %(id)s"
            db.run(query, {"id": self.conversations[address], "now": self.now})
            post.heard("vendor", address)

        self.attempt(write)

    def words_are_said(self, address: str, keeps: int, dies: bool) -> None:
        self.said += 1

        def put() -> Any:
            return outbox.put(
                case_id=self.case.id, message_id=f"msg_{self.said}", channel="vendor", address=address,
                text=f"number {self.said}", key=f"reply:{self.case.id}:{self.said}", approvers=("per_coach",),
                delivered=False, now=self.now, keeps_until=self.now + timedelta(minutes=keeps),
            )  # fmt: skip

        posted = self.attempt(put, dies=dies)
        if posted is not None:
            self.posted.append(posted)

    def somebody_works(self, data: st.DataObject, outcome: str, tells: bool, stops: str) -> None:
        with db.transaction():
            due = outbox.due(self.now)
        if not due:
            return
        chosen = data.draw(st.sampled_from(due[:2]))
        handed = self.attempt(lambda: post.hand_out(chosen), dies=stops == "before it is marked")
        if handed is None:
            return
        with db.transaction():
            worker = Worker(parcel=outbox.get(chosen), handed=handed, died=not handed["fresh"])
        if handed["fresh"]:
            self.slots.append((worker.parcel.address, self.now + timedelta(seconds=handed["wait"])))
        self.workers.append(worker)
        if stops != "when it is marked":
            self._go_on(worker, outcome, tells, stops)

    def somebody_goes_on(self, data: st.DataObject, outcome: str, tells: bool, stops: str) -> None:
        worker = data.draw(st.sampled_from(self.workers))
        worker.died = worker.died or stops == "before it is marked"  # so it is another who goes on
        self._go_on(worker, outcome, tells, stops)

    def _go_on(self, worker: Worker, outcome: str, tells: bool, stops: str) -> None:
        if worker.outcome is None:
            self.vendor.next, self.vendor.tells = outcome, tells
            with db.transaction():
                parcel = outbox.get(worker.parcel.id)
            if (parcel.state, parcel.attempts) != (EffectState.RUNNING, worker.handed["attempt"]):
                self.workers.remove(worker)
                return
            came = post.send(self.vendor, parcel, Reply(text=parcel.text), surely_new=not worker.died)
            worker.died = True
            if stops == "when it is handed over":
                return
            worker.outcome = came
        done = worker.outcome
        self.attempt(lambda: post.report(worker.parcel.id, worker.handed, done), dies=stops == "when it is reported")
        if stops != "when it is reported":
            self.workers.remove(worker)

    def the_vendor_says_what_became_of_words(
        self, data: st.DataObject, state: Delivery, by_key: bool, shut: bool
    ) -> None:
        _address, key = data.draw(st.sampled_from(self.vendor.taken))
        said = Status(channel="vendor", provider_id=f"ref {key}", key=key if by_key else "", state=state, at=self.now,
                      closed=shut, error="131047: re-engage" if state is Delivery.FAILED else "")  # fmt: skip
        self.attempt(lambda: post.settle(said))

    @invariant()
    def all_is_well(self) -> None:
        found = self.parcels()
        self.nothing_is_taken_twice()
        self.words_to_one_address_keep_their_order({each.id: each.seq for each in found})
        self.a_delivery_never_moves_back_and_failed_sticks(found)
        self.everything_arrives_or_is_still_due_or_somebody_knows(found)
        self.nobody_is_written_to_faster_than_the_vendor_allows()

    def nothing_is_taken_twice(self) -> None:
        keys = [key for _address, key in self.vendor.taken]
        assert len(keys) == len(set(keys)), f"taken twice: {keys}"

    def words_to_one_address_keep_their_order(self, order: Mapping[str, int]) -> None:
        for address in ("1", "2"):
            taken = [order[key] for to, key in self.vendor.taken if to == address]
            assert taken == sorted(taken), f"out of order: {taken}"

    def a_delivery_never_moves_back_and_failed_sticks(self, found: Sequence[Parcel]) -> None:
        for each in found:
            assert RANK[each.delivery] >= self.ranks.get(each.id, 0), f"moved back: {each}"
            self.ranks[each.id] = RANK[each.delivery]

    def everything_arrives_or_is_still_due_or_somebody_knows(self, found: Sequence[Parcel]) -> None:
        assert {each.id for each in found} >= set(self.posted)
        keys = {each.key for each in found}
        for each in found:
            arrived = each.state is EffectState.DONE and each.delivery is not Delivery.FAILED
            known = each.id in self.told or f"{each.key}#again" in keys
            assert arrived or each.next_at is not None or known, f"lost: {each}"

    def nobody_is_written_to_faster_than_the_vendor_allows(self) -> None:
        for address in ("1", "2"):
            slots = [at for to, at in self.slots if to == address]
            assert all(later - earlier >= BETWEEN for earlier, later in pairwise(slots)), f"too fast: {slots}"


@pytest.fixture
def office(database: str, school: Pack) -> Iterator[None]:
    Post.pack = school
    yield
    tools.use(None)


def test_whatever_happens_words_go_out_once_in_order_and_none_is_lost(office: None) -> None:
    run_state_machine_as_test(
        Post,
        settings=examples(25, stateful_step_count=40, suppress_health_check=[*HealthCheck]),
    )


def test_a_burst_keeps_the_order_of_each_contact_and_the_pace_of_the_number(office: None) -> None:
    now, vendor = START, Vendor(window=None, pace=Pace(a_second=80))
    tools.use(
        Tools(
            pack=Post.pack,
            brain=tools.NoBrain(),
            channels={"vendor": vendor},
            skills={},
            begin=lambda _story, _subject, _id: None,
            clock=lambda: now,
        )
    )
    with db.transaction():
        opened = messages.open_conversation("vendor", "0", token_hash=None, language="", now=now)
        case = cases.open_case(opened, channel="vendor", language="en", now=now)
        for n in range(BURST):
            outbox.put(
                case_id=case.id, message_id=f"msg_{n}", channel="vendor", address=str(n % 40), text=str(n),
                key=f"reply:{n}", approvers=("policy",), delivered=False, now=now,
            )  # fmt: skip

    times = []
    while len(vendor.taken) < BURST:
        with db.transaction():
            due = outbox.due(now)
        for id in due:
            with db.transaction():
                handed = post.hand_out(id)
                parcel = outbox.get(id)
            if handed is not None:
                times.append(now + timedelta(seconds=handed["wait"]))
                outcome = post.send(vendor, parcel, Reply(text=parcel.text), surely_new=True)
                with db.transaction():
                    post.report(id, handed, outcome)
        now += timedelta(seconds=0.5)
        assert now - START < timedelta(minutes=1)

    with db.transaction():
        order = {each.id: int(each.text) for each in outbox.of_case(case.id)}
    for address in map(str, range(40)):
        taken = [order[key] for to, key in vendor.taken if to == address]
        assert taken == sorted(taken)
        assert len(taken) == BURST // 40
    times.sort()
    assert all(later - earlier >= timedelta(seconds=0.99) for earlier, later in zip(times, times[80:], strict=False))
