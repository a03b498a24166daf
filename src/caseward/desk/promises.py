"""What we promised and by when: clocks in business time, and a warning before each breach."""

from __future__ import annotations

from datetime import datetime, timedelta

from caseward.core import promise
from caseward.core.case import Case
from caseward.core.policy import Tier
from caseward.desk import tools
from caseward.store import cases, log, timers

MOST_DOUBLED = 4
"""Whoever waits for days is told of it every day or two, and not every hour."""


def on_inbound(case: Case) -> None:
    """Start the clock of the first response when it is our move again, and let a paused resolution run on."""
    now, hours, sla = tools.now(), tools.pack().hours, tools.pack().profile.sla
    running = cases.clocks_of(case.id)
    answered = running.get("first_response")
    if answered is None:
        due = promise.due("first_response", now, hours=hours, sla=sla)
        cases.start_clock(case.id, "first_response", now=now, due=due)
        _watch(case, "first_response", due)
    resolution = running.get("resolution")
    if resolution is not None and resolution.paused_at is not None and resolution.met_at is None:
        left = hours.between(resolution.paused_at, resolution.due_at)
        due = hours.add(now, left)
        cases.set_clock(case.id, "resolution", due_at=due, paused_at=None)
        _watch(case, "resolution", due)


def on_decision(case: Case, tier: Tier) -> datetime:
    """Start the resolution clock for a tier, and return the instant we may promise to be back at."""
    now, hours, sla = tools.now(), tools.pack().hours, tools.pack().profile.sla
    due = promise.due("resolution", now, hours=hours, sla=sla, tier=tier, severity=case.severity)
    clock = cases.clocks_of(case.id).get("resolution")
    if clock is None or clock.met_at is not None:
        cases.start_clock(case.id, "resolution", now=now, due=due)
    else:
        cases.set_clock(case.id, "resolution", due_at=due, paused_at=None)
    _watch(case, "resolution", due)
    return due


def on_request(case: Case) -> None:
    """Watch the time that the people who were asked take to decide."""
    clock = cases.clocks_of(case.id).get("decision")
    if clock is not None:
        _watch(case, "decision", clock.due_at)


def next_promise(now: datetime, *, told: int = 0) -> datetime:
    """Return the next instant we can honestly promise to be back at: as long from now, in business time, as a decision
    may take, and twice as long each time that a contact was `told` before that it takes longer."""
    minutes = tools.pack().profile.sla.decision_minutes * 2 ** min(told, MOST_DOUBLED)
    return tools.pack().hours.add(now, timedelta(minutes=minutes))


def breach(case: Case, clock: str) -> None:
    """Record that a promise was missed, when it happens."""
    cases.set_clock(case.id, clock, breached_at=tools.now())
    _log(case, "breach", clock)
    tools.announce("warning", clock, case.id)


def warn(case: Case, clock: str) -> None:
    """Record that a promise is about to be missed; the console, the lanes and the metrics show it."""
    _log(case, "warning", clock)
    tools.announce("warning", clock, case.id)


def _watch(case: Case, clock: str, due: datetime) -> None:
    sla, now = tools.pack().profile.sla, tools.now()
    ahead = timedelta(minutes=sla.warn_before_minutes.get(clock, 0))
    timers.set_timer(case.id, f"{clock}_warn", max(now, due - ahead))
    timers.set_timer(case.id, f"{clock}_breach", due)
    if clock == "resolution":
        update = timedelta(minutes=sla.update_before_minutes)
        timers.set_timer(case.id, "resolution_update", max(now + timedelta(minutes=1), due - update))


def _log(case: Case, kind: str, clock: str) -> None:
    log.of_case(case, kind, "house", {"clock": clock}, at=tools.now())
