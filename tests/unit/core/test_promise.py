"""By when something is promised, and how many promises other targets would have kept."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from caseward.core import promise
from caseward.core.pack import Sla
from caseward.core.policy import Tier
from caseward.core.promise import Promise
from caseward.core.sla import BusinessHours

HOURS = BusinessHours(
    zone=ZoneInfo("Europe/Berlin"), week={n: ((time(9), time(18)),) for n in range(5)}, holidays=frozenset()
)
MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
"""10:00 in Berlin."""
SLA = Sla(first_response_minutes=5, resolution_minutes={"R0": 30}, urgent_minutes=60, decision_minutes=45)


def ran(
    clock: str, *, minutes: float | None, tier: Tier = Tier.R0, start: datetime = MONDAY, paused: int = 0
) -> Promise:
    """Return a promise made on Monday that was kept after so many minutes, and whose deadline a pause moved."""
    due = promise.due(clock, start, hours=HOURS, sla=SLA, tier=tier)
    met = None if minutes is None else start + timedelta(minutes=minutes)
    return Promise(case=1, clock=clock, tier=tier, severity="P3", started_at=start,
                   due_at=HOURS.add(due, timedelta(minutes=paused)), met_at=met)  # fmt: skip


def test_a_resolution_without_a_figure_is_due_by_the_end_of_the_day_and_no_sooner_than_an_urgent_one() -> None:
    late = MONDAY.replace(hour=16, minute=30)

    assert promise.due("resolution", MONDAY, hours=HOURS, sla=SLA, tier=Tier.R3) == MONDAY.replace(hour=17)
    assert promise.due("resolution", late, hours=HOURS, sla=SLA, tier=Tier.R3) == datetime(
        2026, 11, 24, 8, 30, tzinfo=UTC
    )
    assert promise.due("resolution", MONDAY, hours=HOURS, sla=SLA, tier=Tier.R0, severity="P1") == MONDAY + timedelta(
        hours=1
    )


def test_what_was_paused_stays_paused_under_other_targets() -> None:
    slower = Sla(first_response_minutes=5, resolution_minutes={"R0": 40}, urgent_minutes=60)

    [kept] = promise.kept([ran("resolution", minutes=155, paused=120)], hours=HOURS, now=MONDAY, was=SLA, would=slower)

    assert (kept.was, kept.would) == (0, 1)  # five minutes late under 30 and two hours' pause, in time under 40


def test_an_open_promise_counts_once_it_is_late_under_both() -> None:
    slower = Sla(first_response_minutes=20, resolution_minutes={}, urgent_minutes=60)
    waiting = [ran("first_response", minutes=None)]

    assert promise.kept(waiting, hours=HOURS, now=MONDAY + timedelta(minutes=10), was=SLA, would=slower) == []
    [late] = promise.kept(waiting, hours=HOURS, now=MONDAY + timedelta(minutes=30), was=SLA, would=slower)
    assert (late.of, late.was, late.would) == (1, 0, 0)


@given(
    started=st.integers(0, 7 * 24 * 60),
    took=st.integers(0, 3 * 24 * 60),
    was=st.integers(1, 2_000),
    would=st.integers(1, 2_000),
)
def test_what_would_have_been_kept_is_what_the_calendar_says(started: int, took: int, was: int, would: int) -> None:
    start = MONDAY + timedelta(minutes=started)
    end = start + timedelta(minutes=took)
    old, new = (Sla(first_response_minutes=each, resolution_minutes={}, urgent_minutes=60) for each in (was, would))
    ran_ = Promise(case=1, clock="first_response", tier=None, severity="P3", started_at=start,
                   due_at=promise.due("first_response", start, hours=HOURS, sla=old), met_at=end)  # fmt: skip

    [kept] = promise.kept([ran_], hours=HOURS, now=end, was=old, would=new)

    taken = HOURS.between(start, end)
    assert kept.was == (end <= ran_.due_at)
    if taken != timedelta(minutes=would):  # at the very minute, closing and opening time are the same moment
        assert kept.would == (taken < timedelta(minutes=would))
