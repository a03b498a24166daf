"""What each figure counts, by a worked example: a Monday at the school with a handful of cases, summed up by hand."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from caseward.core import kpis, review
from caseward.core.kpis import Watch, provisional, state
from caseward.core.kpis.measures import Measured
from caseward.core.kpis.records import UNFOUNDED, CaseRecord, GuardRecord, RequestRecord, Window, WorkRecord

START = datetime(2026, 11, 23, 0, 0, tzinfo=UTC)
END = START + timedelta(days=1)
NOW = START + timedelta(hours=20)
LATER = START + timedelta(days=30)


def case(id: str, **fields: Any) -> CaseRecord:
    """A case that the desk answered within a minute and settled after ten, an hour into the day."""
    at = START + timedelta(hours=1)
    settled = CaseRecord(
        id=id,
        number=1001,
        channel="webchat",
        tier=0,
        owner="desk",
        sample=False,
        opened_at=at,
        first_seconds=60,
        answered=True,
        first_at=at + timedelta(minutes=3),
        first_late=False,
        worked_seconds=600,
        due_at=at + timedelta(minutes=30),
        due_late=False,
        settled_at=at + timedelta(minutes=10),
        closed_at=at + timedelta(minutes=10),
        returned_at=None,
        turns=1,
        asked=0,
        handed=False,
        answers=1,
        mismatches=0,
        checks=1,
        unfounded=0,
        cost=0.0,
        score=None,
        scored_at=None,
    )
    return replace(settled, **fields)


def still_open(id: str, **fields: Any) -> CaseRecord:
    """One that is not settled yet."""
    return case(id, **{"settled_at": None, "closed_at": None, **fields})


def request(case_id: str, **fields: Any) -> RequestRecord:
    """A request of R3 that the coach decided after twenty minutes."""
    at = START + timedelta(hours=2)
    decided = RequestRecord(
        case_id=case_id,
        tier=3,
        lane="coach",
        channel="webchat",
        opened_at=at,
        seconds=1200,
        decided=True,
        decided_by="per_coach",
        decided_at=at + timedelta(minutes=20),
    )
    return replace(decided, **fields)


def day(*cases: CaseRecord, now: datetime = NOW, **more: Any) -> Window:
    return Window(start=START, end=END, now=now, cases=cases, **more)


def measure(id: str, window: Window, watch: Watch | None = None) -> Measured:
    return kpis.FIGURES[id].measure(window, watch or Watch())


TWO_DAYS_BEFORE = {"opened_at": START - timedelta(days=2), "settled_at": START - timedelta(days=2)}


def test_every_figure_has_an_example_here() -> None:
    assert set(kpis.FIGURES) == set(EXAMPLES)


EXAMPLES: dict[str, tuple[Window, float | None, int, int]] = {
    # Five cases: 30 s, 60 s, 90 s, 120 s, and one that waits since 300 s. Half of five is the third.
    "first_response_p50": (
        day(*(case(f"{n}", first_seconds=n) for n in (30, 60, 90, 120)),
            still_open("e", first_seconds=300, answered=False), case("nobody wrote", first_seconds=None)),
        1.5, 5, 1,
    ),
    # Nine of ten of them: the fifth, which is not over: at least its five minutes.
    "first_response_p90": (
        day(*(case(f"{n}", first_seconds=n) for n in (30, 60, 90, 120)),
            still_open("e", first_seconds=300, answered=False)),
        5.0, 5, 1,
    ),
    # Ten, twenty and thirty minutes of ours; one opened the day before is of that day.
    "resolution_p50": (
        day(*(case(f"{n}", worked_seconds=60 * n) for n in (10, 20, 30)), case("old", **TWO_DAYS_BEFORE)), 20.0, 3, 0,
    ),
    "resolution_p90": (day(*(case(f"{n}", worked_seconds=60 * n) for n in (10, 20, 30))), 30.0, 3, 0),
    # Only R0 and R1: the R3 case of 500 minutes and the one without a tier are left out.
    "resolution_simple_p90": (
        day(case("a", worked_seconds=600), case("b", tier=1, worked_seconds=1800),
            case("c", tier=3, worked_seconds=30_000), case("d", tier=None, worked_seconds=30_000)),
        30.0, 2, 0,
    ),
    # Ten and twenty minutes decided, one open since forty: half of three is the second. R1 is not counted.
    "decision_p50": (
        day(requests=(request("a", seconds=600), request("b"), request("c", seconds=2400, decided=False),
                      request("d", tier=1, seconds=9000))),
        20.0, 3, 1,
    ),
    # Nine of ten: the one that ran out after 240 minutes; nobody decided, so it took at least that.
    "decision_p90": (
        day(requests=(request("a", seconds=600), request("b", seconds=14_400, decided=False, decided_at=None))),
        240.0, 2, 1,
    ),
    # Kept: both of the first, the first answer of the second. Broken: the settlement of the second. Neither yet: the
    # open case's settlement.
    "sla_attainment": (day(case("a"), case("b", due_late=True), still_open("c")), 80.0, 5, 0),
    "handoff_rate": (day(case("a"), case("b", handed=True), case("c"), still_open("d", handed=True)), 50.0, 4, 1),
    # The open one may still be asked about.
    "escalation_rate": (day(case("a", asked=2), case("b"), case("c"), still_open("d")), 25.0, 4, 1),
    # Of three settled, one was asked about and one was taken over.
    "automation_share": (day(case("a"), case("b", asked=1), case("c", handed=True), still_open("d")), 100 / 3, 3, 0),
    # By themselves are two; one of them came back. Whether the other does is open until its week is over.
    "deflection_rate": (
        day(case("a"), case("b", returned_at=NOW), case("c", asked=1), case("d", handed=True)), 25.0, 4, 1,
    ),
    "first_contact_rate": (
        day(case("a"), case("b", turns=2), case("c", returned_at=NOW), case("d"), now=LATER), 50.0, 4, 0,
    ),
    # The week of the one settled on Monday morning is not over on Monday evening.
    "reopened_rate": (
        day(case("a", returned_at=NOW), still_open("b", settled_at=START + timedelta(hours=2)),
            case("c", **TWO_DAYS_BEFORE)),
        50.0, 2, 1,
    ),
    # Four replies in two cases, one on the consent of nobody.
    "policy_mismatch": (day(case("a", answers=3, mismatches=1), case("b")), 25.0, 4, 0),
    # Two refused effects; a refused look at something is no action.
    "unverified_actions": (
        day(guards=(
            GuardRecord(case_id="a", kind="denied", name="execute", at=NOW),
            GuardRecord(case_id="a", kind="denied", name="send", at=NOW),
            GuardRecord(case_id="a", kind="denied", name="release", at=NOW),
            GuardRecord(case_id="a", kind="denied", name="send", at=START - timedelta(hours=1)),
        )),
        2.0, 2, 0,
    ),
    "unfounded_rate": (day(case("a", checks=4, unfounded=1), case("b", checks=0)), 25.0, 4, 0),
    # Of the reschedules one failed and one has no outcome yet; a refund is none.
    "reschedule_success": (
        day(work=tuple(WorkRecord(case_id="a", skill=skill, state=state, created_at=NOW) for skill, state in (
            ("reschedule", "done"), ("reschedule", "failed"), ("reschedule", "running"), ("refund", "failed"),
        ))),
        50.0, 2, 0,
    ),
    "cost_per_resolved": (day(case("a", cost=0.02), case("b"), still_open("c", cost=0.5)), 0.01, 2, 0),
    # Rated today, though opened before; asked and not answered is none.
    "csat": (
        day(case("a", score=5, scored_at=NOW, **TWO_DAYS_BEFORE), case("b", score=2, scored_at=NOW), case("c")),
        3.5, 2, 0,
    ),
    # The coach decided three, the agent one; what ran out was nobody's.
    "workload": (
        day(requests=(*(request(f"{n}") for n in range(3)), request("d", decided_by="per_agent"),
                      request("e", decided=False))),
        2.0, 2, 0,
    ),
    # Open for over a day, whenever the range begins.
    "backlog": (
        day(still_open("a"), still_open("b", opened_at=NOW - timedelta(hours=25)), case("c", **TWO_DAYS_BEFORE)),
        1.0, 1, 0,
    ),
}  # fmt: skip
"""Figure → a day, and by hand: the value, the observations it rests on, and how many of them may still change."""


@pytest.mark.parametrize("id", list(EXAMPLES))
def test_a_figure_is_what_its_definition_says(id: str) -> None:
    window, value, n, running = EXAMPLES[id]

    found = measure(id, window, Watch(skills=("reschedule",)))

    assert found.value == pytest.approx(value)
    assert (found.n, found.running) == (n, running)


@pytest.mark.parametrize("id", list(EXAMPLES))
def test_an_empty_day_has_no_figures_but_counts(id: str) -> None:
    found = measure(id, day())

    assert (found.value, found.n) == (0 if kpis.FIGURES[id].unit == "count" and id != "workload" else None, 0)


def test_a_percentile_that_rests_on_what_still_runs_says_that_it_is_a_bound() -> None:
    window = EXAMPLES["first_response_p90"][0]

    found = measure("first_response_p90", window)

    assert found.at_least
    assert not measure("first_response_p50", window).at_least


def test_the_cases_behind_a_figure_are_those_to_look_at_first() -> None:
    slow = day(*(case(f"{n}", first_seconds=n) for n in (30, 120, 60)))
    promises = day(case("kept"), case("broken", first_late=True))
    back = day(case("stayed"), case("returned", returned_at=NOW))
    rated = day(*(case(f"{score}", score=score, scored_at=NOW) for score in (5, 1, 3)))

    def behind(id: str, window: Window) -> list[str]:
        return [each.case_id for each in kpis.FIGURES[id].behind(window, Watch())]

    assert behind("first_response_p90", slow) == ["120", "60", "30"]
    assert behind("sla_attainment", promises) == ["broken"]
    assert behind("reopened_rate", back) == ["returned"]
    assert behind("csat", rated) == ["1", "3", "5"]


def test_a_part_of_a_window_holds_only_what_is_of_that_tier_and_channel() -> None:
    window = day(case("a"), case("b", tier=3), case("c", tier=3, channel="email"), requests=(request("b"),))

    assert [each.id for each in window.of(tier=3).cases] == ["b", "c"]
    assert [each.id for each in window.of(tier=3, channel="email").cases] == ["c"]
    assert not window.of(channel="email").requests


@pytest.mark.parametrize(
    ("id", "watch", "value", "expected"),
    [
        ("first_response_p90", Watch(target=3), 1.8, "met"),
        ("first_response_p90", Watch(target=3), 2.9, "near"),
        ("first_response_p90", Watch(target=3), 3.0, "near"),
        ("first_response_p90", Watch(target=3), 3.1, "missed"),
        ("sla_attainment", Watch(target=95), 95.0, "met"),
        ("sla_attainment", Watch(target=95), 94.9, "missed"),
        ("policy_mismatch", Watch(target=0), 0.0, "met"),
        ("policy_mismatch", Watch(target=0), 0.1, "missed"),
        ("workload", Watch(target=5), 9.0, ""),
        ("csat", Watch(), 4.0, ""),
        ("csat", Watch(target=4), None, ""),
    ],
)
def test_a_value_is_held_against_its_target(id: str, watch: Watch, value: float | None, expected: str) -> None:
    assert state(kpis.FIGURES[id], watch, value) == expected


def test_a_figure_says_why_it_may_still_change() -> None:
    assert provisional(Measured(value=3.0, n=4, running=2), 20) == "4 of at least 20, 2 still running"
    assert provisional(Measured(value=3.0, n=20), 20) == ""
    assert provisional(Measured(value=None, n=0), 20) == ""


def test_an_unfounded_claim_is_what_the_review_calls_one() -> None:
    assert set(review.RULES) >= UNFOUNDED
