"""Who has a case: taken, given to somebody, given out in turn, given back.

While a person has it the desk drafts and asks them, and says nothing of its own but that the message was heard.
"""

from __future__ import annotations

from collections.abc import Sequence

from caseward.core.approval import in_lane
from caseward.core.case import DESK, DONE, Case, CaseStatus
from caseward.core.errors import BadInput, Conflict, Refused
from caseward.core.roles import HAND_OUT, WORK_ON_CASES
from caseward.desk import tools
from caseward.store import approvals, caselist, cases, log, people, shifts
from caseward.store.shifts import OnShift
from caseward.store.views import Asker

NEED_A_PERSON = frozenset({CaseStatus.OPEN, CaseStatus.WAITING_APPROVAL})
"""Statuses in which a case of the desk's own waits for a person to take it."""
AT_ONCE = 20
"""Cases that are given out in one go."""


def require_right(case: Case, *, person: str, role: str) -> None:
    """Return if somebody may say who has a case: anybody who works on cases while the desk has it, else whoever has it.

    Raises:
        Refused: their role does not work on cases, or a colleague has this one.
        Conflict: the case is settled.
    """
    if role not in WORK_ON_CASES:
        raise Refused(f"a {role.replace('_', ' ')} reads cases and does not take them")
    if case.status in DONE:
        raise Conflict(f"case #{case.number} is settled; reopen it first")
    colleagues = case.owner != person and people.known(case.owner) is not None
    if colleagues and role not in HAND_OUT:
        raise Refused("a colleague has this case; they can give it to you, and so can an ops lead")


def assign(case: Case, to: str, *, by: str) -> Case:
    """Give a case to a person; raise BadInput for one who cannot work on it."""
    person = people.known(to)
    if person is None or person.disabled or person.role not in WORK_ON_CASES:
        raise BadInput("to: this person does not work on cases; choose a coach, an agent or an ops lead")
    if case.owner == to:
        return case
    now = tools.now()
    shifts.was_given(to, now)
    log.of_case(case, "case", by, {"owner": to, "was": case.owner}, at=now)
    return cases.change(case, now, owner=to, lease_until=None)


def next_for(person: str, role: str) -> str | None:
    """Return the id of the unassigned case that needs them most; nobody else is given one until the commit."""
    shifts.one_at_a_time()
    lanes = tuple(name for name, lane in tools.pack().profile.lanes.items() if in_lane(lane, person, role))
    return caselist.next_unassigned(Asker(person_id=person, lanes=lanes))


def due() -> list[tuple[str, str, str]]:
    """Return story, subject and id for each case that is to be given out now, where the pack has it done in turn."""
    profile = tools.pack().profile
    on_shift = shifts.in_turn(WORK_ON_CASES) if profile.assignment == "in-turn" else ()
    if not on_shift:
        return []
    return [
        ("hand_out", each.id, f"hand_out:{each.id}:{each.version}")
        for each in caselist.unassigned(limit=AT_ONCE)
        if _able(on_shift, each.lanes)
    ]


def whose_turn(case: Case) -> str | None:
    """Return who on shift is to be given a case: whoever waited longest of those who may decide what is asked; nobody
    else is chosen until the commit."""
    shifts.one_at_a_time()
    able = _able(shifts.in_turn(WORK_ON_CASES), [each.lane for each in approvals.open_of(case.id)])
    return next(iter(able), None)


def needs_a_person(case: Case) -> bool:
    """Return whether a case is the desk's and waits for a person."""
    return case.owner == DESK and case.status in NEED_A_PERSON and case.snoozed_until is None


def _able(on_shift: Sequence[OnShift], lanes: Sequence[str]) -> list[str]:
    """Return who may decide in all of some lanes, in the order given."""
    asked = [lane for name, lane in tools.pack().profile.lanes.items() if name in lanes]
    return [each.id for each in on_shift if all(in_lane(lane, each.id, each.role) for lane in asked)]
