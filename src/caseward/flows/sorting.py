"""How the inbox is kept in order: who has a case, when it comes back, what it is marked with."""

from __future__ import annotations

from caseward.core.case import Case
from caseward.core.errors import BadInput, Conflict, Refused
from caseward.core.roles import WORK_ON_CASES
from caseward.core.text import clean
from caseward.desk import assigning, casework, snoozing, takeover, tools
from caseward.durable import story
from caseward.store import db, log, people, tags

TAG_CHARS = 32
TRIES = 5
"""How often somebody looks for a next case when others are quicker."""


def assign(case_id: str, to: str, *, person: str, role: str) -> None:
    """Have a person give a case to somebody, themselves included; an empty `to` gives it back to the desk.

    Raises:
        NotFound: there is no such case.
        Refused: this role does not work on cases, or a colleague has it.
        Conflict: the case is settled.
        BadInput: `to` does not work on cases.
    """
    with db.transaction():
        case = _held(case_id, person, role)
        if to:
            assigning.assign(_answered_here(case, person), to, by=person)
        else:
            takeover.end(case, person)


def take_next(*, person: str, role: str) -> str | None:
    """Give a person the unassigned case that needs one most, and return its id; None where there is none.

    Raises Refused for a role that does not work on cases.
    """
    if role not in WORK_ON_CASES:
        raise Refused(f"a {role.replace('_', ' ')} reads cases and does not take them")
    for _ in range(TRIES):
        with db.transaction():
            case_id = assigning.next_for(person, role)
            if case_id is None:
                return None
            case = casework.hold_still(case_id)
            if assigning.needs_a_person(case):  # else somebody took it while we waited for it
                assigning.assign(case, person, by=person)
                return case.id
    return None


def leave_it(case_id: str) -> str:
    """It could not be given out: it stays where everybody sees it."""
    return case_id


@story(otherwise=leave_it)
def hand_out(case_id: str) -> str:
    """Give a case that needs a person to whoever on shift waited longest, if it still needs one."""
    case = casework.hold_still(case_id)
    to = assigning.whose_turn(case) if assigning.needs_a_person(case) else None
    if to is None:
        return "left"
    assigning.assign(case, to, by="house")
    return to


def tag(case_id: str, name: str, *, person: str, role: str) -> None:
    """Have a person mark a case with a word; raise BadInput for none, or one too long."""
    word = " ".join(clean(name).lower().split())
    if not 0 < len(word) <= TAG_CHARS:
        raise BadInput(f"tag: write between 1 and {TAG_CHARS} characters")
    with db.transaction():
        case = _worked_on(case_id, role)
        if tags.add(case.id, word, by=person, at=tools.now()):
            _log_tag(case, person, {"added": word})


def untag(case_id: str, name: str, *, person: str, role: str) -> None:
    """Have a person take a word off a case."""
    with db.transaction():
        case = _worked_on(case_id, role)
        if tags.remove(case.id, name):
            _log_tag(case, person, {"removed": name})


def snooze(case_id: str, wanted: str, day: str = "", *, person: str, role: str) -> None:
    """Have a person put a case out of sight until one of the times that desk/snoozing.py offers, or until a day.

    Raises NotFound, Refused, BadInput for a time that is none, Conflict for a settled case.
    """
    with db.transaction():
        case = _worked_on(case_id, role)
        snoozing.snooze(case, snoozing.until(wanted, day, tools.now(), tools.pack().hours), by=person)


def wake(case_id: str, *, person: str, role: str) -> None:
    """Have a person bring a snoozed case back at once."""
    with db.transaction():
        snoozing.wake(_worked_on(case_id, role), by=person, why="by hand")


def go_on_shift(person: str, available: bool) -> None:
    """Record that somebody is there to be given cases, or is not."""
    with db.transaction():
        if people.is_available(person) is not available:
            people.set_available(person, available)
            log.append("shift", person, {"on shift": available}, at=tools.now())


def _held(case_id: str, person: str, role: str) -> Case:
    case = casework.hold_still(case_id)
    assigning.require_right(case, person=person, role=role)
    return case


def _worked_on(case_id: str, role: str) -> Case:
    if role not in WORK_ON_CASES:
        raise Refused(f"a {role.replace('_', ' ')} reads cases and changes nothing in them")
    case = casework.hold_still(case_id)
    if case.merged is not None:
        raise Conflict(f"case #{case.number} is part of another now; open that one")
    return case


def _answered_here(case: Case, person: str) -> Case:
    """End the lease of somebody who answers outside the desk: whoever takes the case answers here."""
    return takeover.end(case, person) if case.lease_until is not None else case


def _log_tag(case: Case, person: str, said: dict[str, str]) -> None:
    log.of_case(case, "tag", person, said, at=tools.now())
