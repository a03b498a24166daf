"""Whoever writes in between: nobody is booked twice, no quota is passed without an exception, one key is one effect."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from itertools import combinations
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from caseward.adapters.records.calendar import Calendar, claims
from caseward.adapters.records.kinds import Write
from caseward.adapters.records.money import Till
from caseward.core.errors import SystemDown
from caseward.core.ports import Record
from caseward.core.sla import BusinessHours
from caseward.core.task import Result, ResultStatus
from tests.conftest import examples
from tests.memory_book import MemoryBook

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
HOURS = BusinessHours(
    zone=ZoneInfo("Asia/Jakarta"), week={day: ((time(9), time(20)),) for day in range(6)}, holidays=frozenset()
)
LIMIT = 2
SLOTS = [NOW + timedelta(days=day, hours=hour) for day in (1, 2) for hour in (1, 1.5, 3)]
"""Some of them overlap, so that not only the same time is contested."""


@dataclass(frozen=True)
class Ask:
    """One call of a skill."""

    session: str
    slot: datetime
    key: str
    exception: bool


def book() -> MemoryBook:
    made = MemoryBook()
    made.put("setting", {"id": "reschedule", "monthly_limit": LIMIT, "cutoff_minutes": 60})
    made.put("coach", {"id": "coach-0", "name": "Coach Nada"}, {"id": "coach-1", "name": "Coach Irama"})
    made.put("person", *({"id": f"stu-{n}", "coach": "coach-0"} for n in range(3)))
    sessions = [
        {
            "id": f"ses-{n}",
            "person": f"stu-{n // 2}",
            "coach": f"coach-{n % 2}",
            "starts": (NOW + timedelta(days=3 + n)).isoformat(),
            "minutes": 60,
            "status": "scheduled",
        }
        for n in range(6)
    ]
    made.put("session", *sessions, claims=claims(sessions))
    made.put(
        "slot",
        *(
            {"id": f"slot-{coach}-{n}", "coach": f"coach-{coach}", "starts": at.isoformat(), "minutes": 60}
            for coach in range(2)
            for n, at in enumerate(SLOTS)
        ),
    )
    return made


asks = st.builds(
    Ask,
    session=st.sampled_from([f"ses-{n}" for n in range(6)]),
    slot=st.sampled_from(SLOTS),
    key=st.sampled_from([f"k{n}" for n in range(8)]),
    exception=st.booleans(),
)


@examples(150)
@given(st.lists(asks, max_size=12), st.lists(st.booleans(), max_size=60))
def test_no_order_of_events_books_twice_or_passes_the_quota(wanted: list[Ask], interrupts: list[bool]) -> None:
    made = book()
    skill = Write(name="reschedule", system="calendar", book=made, plan=Calendar(book=made, hours=HOURS).reschedule)
    queue, chances, results = list(wanted), iter(interrupts), []

    def run_next() -> None:
        ask = queue.pop(0)
        args = {"session": ask.session, "slot": ask.slot.isoformat(), "contact": owner(made, ask.session)}
        try:
            result = skill.run({**args, "exception": ask.exception}, key=ask.key, now=NOW)
        except SystemDown:
            return
        results.append((ask, result))

    def meanwhile() -> None:
        while queue and next(chances, False):
            run_next()

    made.before_apply = meanwhile
    while queue:
        run_next()

    together = [pair for pair in combinations(made.find("session"), 2) if overlap(*pair)]
    assert not [pair for pair in together if shared(*pair)]
    for person, moved in moves(results).items():
        allowed = [ask for ask in moved if not ask.exception]
        assert len(allowed) <= LIMIT, f"{person} moved {len(allowed)} times without an exception"
    for key in {ask.key for ask, _result in results}:
        done = [result for ask, result in results if ask.key == key and result.status is ResultStatus.SUCCESS]
        assert all(result == done[0] for result in done)
    assert len(made.find("reschedule")) == len(made.effects)


def owner(made: MemoryBook, session: str) -> str:
    found = made.get("session", session)
    assert found is not None
    return str(found.data["person"])


def overlap(one: Record, other: Record) -> bool:
    starts, ends = {}, {}
    for each in (one, other):
        starts[each.id] = datetime.fromisoformat(each.data["starts"])
        ends[each.id] = starts[each.id] + timedelta(minutes=each.data["minutes"])
    return starts[one.id] < ends[other.id] and starts[other.id] < ends[one.id]


def shared(one: Record, other: Record) -> bool:
    """Return whether somebody would have to be in both sessions."""
    return one.data["coach"] == other.data["coach"] or one.data["person"] == other.data["person"]


def moves(results: list[tuple[Ask, Result]]) -> Mapping[str, list[Ask]]:
    """Return session owner → the asks that moved something, each key once."""
    first: dict[str, tuple[Ask, Result]] = {}
    for ask, result in results:
        if result.status is ResultStatus.SUCCESS and str(result.values["session"]) == ask.session:
            first.setdefault(ask.key, (ask, result))
    by: dict[str, list[Ask]] = {}
    for ask, _result in first.values():
        by.setdefault(f"stu-{int(ask.session[-1]) // 2}", []).append(ask)
    return by


@examples(60)
@given(st.lists(st.tuples(st.sampled_from(["a", "b", "c"]), st.booleans()), min_size=1, max_size=8))
def test_a_payment_goes_back_once_whatever_the_keys(calls: list[tuple[str, bool]]) -> None:
    made = MemoryBook()
    paid: dict[str, Any] = {"person": "stu-0", "amount": 1000, "currency": "IDR", "invoice": "INV-1", "method": "QRIS"}
    made.put("payment", {"id": "PAY-1", "state": "CONFIRMED", "at": NOW.isoformat(), **paid})
    skill = Write(name="refund", system="payments", book=made, plan=Till(book=made).refund)
    queue, results = list(calls), []

    def run_next() -> None:
        key, _interrupted = queue.pop(0)
        results.append((key, skill.run({"payment": "PAY-1", "contact": "stu-0"}, key=key, now=NOW)))

    def meanwhile() -> None:
        if queue and queue[0][1]:
            run_next()

    made.before_apply = meanwhile
    while queue:
        run_next()

    assert len(made.find("refund")) == len(made.effects) == 1
    winner = next(iter(made.effects))
    assert {key for key, result in results if result.status is ResultStatus.SUCCESS} == {winner}
    assert {result.detail for key, result in results if key != winner} <= {"refunded_before"}
