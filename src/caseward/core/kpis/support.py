"""The figures of support: how fast, how surely, by whom, at what cost cases are answered.

What all definitions share is said once, in `SHARED`, and printed with them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta

from caseward.core.kpis.measures import Observation, mean, percentile, share, total
from caseward.core.kpis.records import CaseRecord, Window
from caseward.core.kpis.registry import Watch, figure

SHARED = (
    "Durations are business time: they run only while the house is open, by its hours and holidays.",
    "A range begins at midnight in the house's time zone. A case belongs to the range in which it was opened, or, "
    "where a definition says so, in which it was settled for the first time.",
    "A reopened case stays one case: the time in which it was settled does not count, the time after it does.",
    "A case that is still open counts as at least its age: a percentile takes it as longer than its age and never as "
    "over. Such a figure is marked provisional.",
    "A case that was merged into another is part of that one and not counted by itself.",
    "Cases of sample contacts count like any other; where there are some, their number is said.",
    "A figure that rests on fewer observations than the pack's minimum is marked provisional.",
)
"""What holds for every definition."""
OLD = timedelta(hours=24)
"""From this age an open case is in the backlog."""
SIMPLE = 1
"""The highest tier of a matter that needs no decision about anybody's account."""
MINUTE = 60


@figure(
    "first_response_p90",
    "First response, p90",
    "minutes",
    percentile(90),
    "The same time, which nine of ten cases did not exceed.",
)
@figure(
    "first_response_p50",
    "First response, p50",
    "minutes",
    percentile(50),
    "Of the cases opened, the business time from the first message to the first answer that half of them did not "
    "exceed. An acknowledgement with a promised time is an answer; a case that nobody wrote in to is left out.",
)
def first_response(window: Window, _watch: Watch) -> Iterator[Observation]:
    """Minutes until a case was answered first."""
    for case in window.opened:
        if case.first_seconds is not None:
            yield Observation(case.id, case.first_seconds / MINUTE, case.answered)


@figure(
    "resolution_p90",
    "Resolved, p90",
    "minutes",
    percentile(90),
    "The same time, which nine of ten cases did not exceed.",
)
@figure(
    "resolution_p50",
    "Resolved, p50",
    "minutes",
    percentile(50),
    "Of the cases opened, the business time in which the next move was ours, from opening to the last settlement, that "
    "half of them did not exceed. Time in which we waited for the contact, or for a system outside, does not count.",
)
def resolution(window: Window, _watch: Watch) -> Iterator[Observation]:
    """Minutes of ours until a case was settled last."""
    return _worked(window.opened)


@figure(
    "resolution_simple_p90",
    "Resolved R0–R1, p90",
    "minutes",
    percentile(90),
    "The same time, which nine of ten cases of the tiers R0 and R1 did not exceed. A case's tier is that of its last "
    "decision.",
)
def resolution_simple(window: Window, _watch: Watch) -> Iterator[Observation]:
    """Minutes of ours until a case that needs no decision was settled last."""
    return _worked(case for case in window.opened if case.tier is not None and case.tier <= SIMPLE)


@figure(
    "decision_p90",
    "Decided R2–R3, p90",
    "minutes",
    percentile(90),
    "The same time, which nine of ten requests did not exceed.",
)
@figure(
    "decision_p50",
    "Decided R2–R3, p50",
    "minutes",
    percentile(50),
    "Of the requests for consent of the tiers R2 and R3 that were made, the business time until a person decided that "
    "half of them did not exceed. A request that ran out or was withdrawn took at least the time it stood open.",
)
def decision(window: Window, _watch: Watch) -> Iterator[Observation]:
    """Minutes until people decided."""
    for request in window.asked:
        if request.tier > SIMPLE:
            yield Observation(request.case_id, request.seconds / MINUTE, request.decided)


@figure(
    "sla_attainment",
    "Promises kept",
    "percent",
    share,
    "Of the promises of cases opened, the first response and the settlement, the share that was kept. One that is "
    "neither kept nor broken yet is left out. Of a reopened case the settlement promised last counts.",
    better="higher",
)
def sla_attainment(window: Window, _watch: Watch) -> Iterator[Observation]:
    """Promises, kept or not."""
    for case in window.opened:
        if case.first_seconds is not None and (case.answered or case.first_late):
            yield Observation(case.id, 0 if case.first_late else 1)
        if case.due_at is not None and (case.closed_at or case.due_late):
            yield Observation(case.id, 0 if case.due_late else 1)


@figure(
    "handoff_rate",
    "Taken over by a person",
    "percent",
    share,
    "Of the cases opened, the share that a person took over or wrote in.",
)
def handoff(window: Window, _watch: Watch) -> Iterator[Observation]:
    """Cases, taken over or not."""
    return (Observation(case.id, int(case.handed), _is_over(case)) for case in window.opened)


@figure(
    "escalation_rate",
    "Asked a person",
    "percent",
    share,
    "Of the cases opened, the share in which people were asked to decide, once or more often.",
)
def escalation(window: Window, _watch: Watch) -> Iterator[Observation]:
    """Cases, about which somebody was asked or not."""
    return (Observation(case.id, int(case.asked > 0), case.asked > 0 or _is_over(case)) for case in window.opened)


@figure(
    "automation_share",
    "Sent automatically",
    "percent",
    share,
    "Of the cases settled, the share in which nobody of the house was asked, wrote, or took over: all of it went out "
    "on policy's word.",
    better="higher",
)
def automation(window: Window, _watch: Watch) -> Iterator[Observation]:
    """Settled cases, by themselves or not."""
    return (Observation(case.id, int(case.by_itself)) for case in window.settled)


@figure(
    "deflection_rate",
    "Settled without a person",
    "percent",
    share,
    "Of the cases settled, the share that needed nobody of the house and was not reopened within 7 days.",
    better="higher",
)
def deflection(window: Window, _watch: Watch) -> Iterator[Observation]:
    """Settled cases that nobody had to touch, then or later."""
    for case in window.settled:
        good = case.by_itself and case.returned_at is None
        yield Observation(case.id, int(good), not good or window.returned_for_good(case))


@figure(
    "first_contact_rate",
    "Settled at first contact",
    "percent",
    share,
    "Of the cases settled, the share that took one turn of the contact and was not reopened within 7 days.",
    better="higher",
)
def first_contact(window: Window, _watch: Watch) -> Iterator[Observation]:
    """Settled cases, at the first turn or not."""
    for case in window.settled:
        good = case.turns <= 1 and case.returned_at is None
        yield Observation(case.id, int(good), not good or window.returned_for_good(case))


@figure(
    "reopened_rate",
    "Reopened in 7 days",
    "percent",
    share,
    "Of the cases settled, the share that was taken up again within 7 days. A case whose 7 days are not over counts as "
    "not reopened, and as still running.",
)
def reopened(window: Window, _watch: Watch) -> Iterator[Observation]:
    """Settled cases, reopened or not."""
    for case in window.settled:
        yield Observation(case.id, int(case.returned_at is not None), window.returned_for_good(case))


@figure(
    "policy_mismatch",
    "Sent on too little consent",
    "percent",
    share,
    "Of the replies that rest on a decision of policy, in cases opened, the share that went out on less consent than "
    "the decision asked for under the release in force: without any where it wanted a person, or on that of a weaker "
    "lane.",
)
def policy_mismatch(window: Window, _watch: Watch) -> Iterator[Observation]:
    """Replies, on enough consent or not."""
    for case in window.opened:
        for n in range(case.answers):
            yield Observation(case.id, int(n < case.mismatches))


@figure(
    "unverified_actions",
    "Unverified actions attempted",
    "count",
    total,
    "How often something was to be sent or changed without the right or the consent for it. Each was refused and is in "
    "the action log.",
)
def unverified_actions(window: Window, _watch: Watch) -> Iterator[Observation]:
    """Refused effects."""
    for guard in window.guarded:
        if guard.kind == "denied" and guard.name in ("send", "execute"):
            yield Observation(guard.case_id, 1)


@figure(
    "unfounded_rate",
    "Drafts with an unfounded claim",
    "percent",
    share,
    "Of the reviews of drafts in cases opened, the share that found a claim, figure, date or page which no source "
    "bears out. None of these goes out; a person mends it first.",
)
def unfounded(window: Window, _watch: Watch) -> Iterator[Observation]:
    """Reviews, with a claim that no source bears out or without."""
    for case in window.opened:
        for n in range(case.checks):
            yield Observation(case.id, int(n < case.unfounded))


@figure(
    "reschedule_success",
    "Reschedules done",
    "percent",
    share,
    "Of the tasks asked for whose skill the pack names, and which have come to an end, the share that succeeded. One "
    "without an outcome is left out.",
    better="higher",
)
def reschedule_success(window: Window, watch: Watch) -> Iterator[Observation]:
    """Tasks of some skills, done or failed."""
    for work in window.worked:
        if work.skill in watch.skills and work.state in ("done", "failed"):
            yield Observation(work.case_id, int(work.state == "done"))


@figure(
    "cost_per_resolved",
    "Cost per resolved",
    "money",
    mean,
    "What models cost for a case settled, on average. The local brain asks no model, so this is zero as long as no "
    "other is connected.",
)
def cost_per_resolved(window: Window, _watch: Watch) -> Iterator[Observation]:
    """What models cost, a case."""
    return (Observation(case.id, case.cost) for case in window.settled)


@figure(
    "csat",
    "Rating by contacts",
    "score",
    mean,
    "The mean of the scores, 1 to 5, that contacts gave after their case was settled; of several answers about one "
    "case the last counts. n says how many answered.",
    better="higher",
)
def csat(window: Window, _watch: Watch) -> Iterator[Observation]:
    """Scores."""
    return (Observation(case.id, case.score) for case in window.rated if case.score is not None)


@figure(
    "workload",
    "Decisions a person",
    "count",
    mean,
    "How many requests each person decided, on average over those who decided any.",
    better="neither",
)
def workload(window: Window, _watch: Watch) -> Iterator[Observation]:
    """Decisions, a person."""
    decided = Counter(request.decided_by for request in window.decided)
    return (Observation("", n) for n in decided.values())


@figure(
    "backlog",
    "Open for over 24 h",
    "count",
    total,
    "How many cases are open now that were opened more than 24 hours ago, by the clock on the wall.",
)
def backlog(window: Window, _watch: Watch) -> Iterator[Observation]:
    """Cases that are open and old."""
    return (Observation(case.id, 1) for case in window.open if window.now - case.opened_at > OLD)


def _worked(cases: Iterable[CaseRecord]) -> Iterator[Observation]:
    return (Observation(case.id, case.worked_seconds / MINUTE, _is_over(case)) for case in cases)


def _is_over(case: CaseRecord) -> bool:
    return case.closed_at is not None
