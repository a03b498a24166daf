"""A case's history adds up to time that was ours, settlements, returns, and consent: worked out by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from caseward.core.kpis.history import Asked, Event, Sums, add_up
from caseward.core.kpis.opening import Opening
from tests.unit.core.test_sla import HOUSE

MONDAY = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
"""10:00 in Jakarta; the house is open until 18:00."""


def at(**after: float) -> datetime:
    return MONDAY + timedelta(**after)


def became(status: str, **after: float) -> Event:
    return Event(at=at(**after), kind="case", status=status)


def summed(*events: Event, **more: Any) -> Sums:
    given: dict[str, Any] = {"resolved_at": None, "owner": "desk", "asked": {}, "consented": set()}
    opening = Opening(HOUSE, MONDAY, MONDAY + timedelta(days=40))
    return add_up(events, opened_at=MONDAY, lanes=("none", "qa", "coach"), opening=opening, **(given | more))


def test_only_time_in_which_the_move_was_ours_counts_and_only_while_the_house_is_open() -> None:
    # Ours for 10 min, the contact's for an hour, ours again from 17:50 until 09:20 the next morning: 10 + 20 min.
    sums = summed(
        became("opened"),
        became("waiting_customer", minutes=10),
        became("open", hours=7, minutes=50),
        became("resolved", hours=23, minutes=20),
    )

    assert sums.worked_seconds == (10 + 10 + 20) * 60
    assert (sums.settled_at, sums.closed_at) == (at(hours=23, minutes=20), at(hours=23, minutes=20))
    assert sums.running_since is None


def test_a_reopened_case_runs_on_and_counts_as_back_only_within_its_days() -> None:
    settled = (became("opened"), became("resolved", minutes=10), became("closed", days=2))

    soon = summed(*settled, became("reopened", days=3))
    late = summed(*settled, became("reopened", days=8))
    again = summed(*settled, became("reopened", days=3), became("open", days=3), became("resolved", days=3, minutes=5))

    assert (soon.returned_at, soon.closed_at, soon.running_since) == (at(days=3), None, at(days=3))
    assert (late.returned_at, late.closed_at) == (None, None)
    assert (again.worked_seconds, again.settled_at, again.closed_at) == (15 * 60, at(minutes=10), at(days=3, minutes=5))


def test_what_the_log_no_longer_tells_is_taken_from_the_case() -> None:
    sums = summed(became("opened"), resolved_at=at(minutes=7))

    assert (sums.worked_seconds, sums.closed_at) == (7 * 60, at(minutes=7))


SENT = Event(at=MONDAY, kind="send", digest="d", approvers=("policy",))


@pytest.mark.parametrize(
    ("sent", "asked", "consented", "mismatches"),
    [
        (SENT, Asked(auto_send=True, lane="none"), set(), 0),
        (SENT, Asked(auto_send=False, lane="qa"), set(), 1),
        (replace(SENT, approvers=("per_agent",)), Asked(auto_send=False, lane="qa"), {"qa"}, 0),
        (replace(SENT, approvers=("per_agent",)), Asked(auto_send=False, lane="coach"), {"qa"}, 1),
        (replace(SENT, approvers=("per_coach",)), Asked(auto_send=False, lane="coach"), {"qa", "coach"}, 0),
        (replace(SENT, approvers=("per_coach",)), Asked(auto_send=False, lane="gone"), {"qa"}, 0),
    ],
)
def test_a_reply_is_held_against_what_policy_asked_for(
    sent: Event, asked: Asked, consented: set[str], mismatches: int
) -> None:
    sums = summed(sent, replace(sent, digest="a courtesy"), asked={"d": asked}, consented=consented)

    assert (sums.answers, sums.mismatches) == (1, mismatches)


def test_a_person_who_takes_over_or_writes_is_a_handoff_and_an_unfounded_draft_is_seen() -> None:
    took = Event(at=MONDAY, kind="case", owner="per_coach")
    wrote = Event(at=MONDAY, kind="verdict", verdict="write")
    checks = [
        Event(at=MONDAY, kind="check"),
        Event(at=MONDAY, kind="check", failed=("figures are in the evidence: '9' is in no source",)),
        Event(at=MONDAY, kind="check", failed=("length fits: 901 characters; at most 900",)),
    ]

    assert [summed(each).handed for each in (took, wrote)] == [True, True]
    assert not summed(became("open"), Event(at=MONDAY, kind="case", owner="desk")).handed
    assert (summed(*checks).checks, summed(*checks).unfounded) == (3, 1)
