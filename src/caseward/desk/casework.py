"""A case is held still and moved on here: its status, and with it the clocks that run on it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from caseward.core.case import DONE, OURS, Case, CaseStatus
from caseward.desk import tools
from caseward.store import approvals, cards, cases, log, messages, timers

RATING = "rating"
"""Timer at which the contact of a settled case is asked how it was."""


def hold_still(case_id: str) -> Case:
    """Lock the case's conversation and the case: its stories go one by one."""
    messages.lock(cases.get(case_id).conversation_id)
    return cases.get(case_id, lock=True)


def become(case: Case, status: CaseStatus, **fields: Any) -> str:
    """Give a case its new status, and return it.

    Nothing is settled while something of it waits for consent, or while a person answers outside the desk.
    """
    now = tools.now()
    if status is CaseStatus.RESOLVED:
        if approvals.open_of(case.id):
            status = CaseStatus.WAITING_APPROVAL
        elif case.leased(now):
            status = CaseStatus.OPEN
        else:
            fields["resolved_at"] = now
    if status in DONE and case.snoozed_until is not None:
        fields["snoozed_until"] = None
    case = cases.change(case, now, status=status, **fields)
    _run_clocks(case)
    log.of_case(case, "case", "house", {"status": status}, at=now)
    if status in DONE and tools.lanes() and cards.shows(case.id):
        tools.announce("packet", case.id, case.id)
    return str(status)


def is_unmet(case: Case, clock: str) -> bool:
    """Return whether a promise still runs."""
    row = cases.clocks_of(case.id).get(clock)
    return row is not None and row.met_at is None and row.paused_at is None and case.status not in DONE


def address(case: Case) -> str:
    """Return `channel:address` to which the case's replies go."""
    return messages.address(case)


def _run_clocks(case: Case) -> None:
    """Pause the resolution clock while the next move is not ours, and stop it when the matter is settled."""
    now = tools.now()
    if case.status in DONE:
        cases.set_clock(case.id, "resolution", met_at=now)
        cases.set_clock(case.id, "first_response", met_at=now)
        timers.cancel(case.id)
    elif case.status not in OURS:
        clock = cases.clocks_of(case.id).get("resolution")
        if clock is not None and clock.paused_at is None:
            cases.set_clock(case.id, "resolution", paused_at=now)
        timers.cancel(case.id, "resolution_warn", "resolution_update", "resolution_breach")
    if case.status is CaseStatus.RESOLVED:
        after, rated = tools.pack().profile.limits.close_after_hours, tools.pack().channels.rate_after_minutes
        timers.set_timer(case.id, "close", now + timedelta(hours=after))
        if rated:
            timers.set_timer(case.id, RATING, now + timedelta(minutes=rated))
