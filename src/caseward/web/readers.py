"""Who may read a case, asked before anything of it is touched."""

from __future__ import annotations

from caseward.core.case import Case
from caseward.core.errors import NotFound
from caseward.core.roles import Role
from caseward.store import casefile, watching
from caseward.store.people import Person


def find(person: Person, case_id: str) -> Case:
    """Return a case by its id or number; raise NotFound where there is none, or none that the person may read."""
    case = casefile.find(case_id)
    if person.role is Role.ON_CALL and case.id not in watching.affected([case.id]):
        raise NotFound(f"no case {case_id!r}")
    return case
