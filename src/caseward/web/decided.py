"""The line above the queue that says what became of the last decision, with Undo for as long as that is possible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from caseward.core.approval import AGREED, ApprovalState
from caseward.core.errors import NotFound
from caseward.core.pack import Pack
from caseward.desk import verdicts
from caseward.store import approvals, cases, votes
from caseward.store.approvals import Request
from caseward.store.people import Person
from caseward.web import card, times

SAID: Mapping[ApprovalState, tuple[str, str]] = {
    ApprovalState.APPROVED: ("circle-check", "Approved"),
    ApprovalState.EDITED: ("circle-check", "Approved with other words"),
    ApprovalState.DENIED: ("circle-x", "Denied"),
    ApprovalState.ESCALATED: ("arrow-up-right", "Escalated"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Last:
    """What became of the last decision."""

    id: str
    icon: str
    said: str
    question: str
    number: int
    href: str
    until: datetime | None
    """While its consent is held."""
    clock: str
    undo: bool
    """Whether this person may take it back."""


def last(approval_id: str, *, pack: Pack, person: Person, now: datetime) -> Last | None:
    """Return the line about a request that a person has said something to; None for any other."""
    try:
        request = approvals.get(approval_id)
    except NotFound:
        return None
    case = cases.get(request.case_id)
    given = votes.of([request])[request.id]
    if request.decided_by != person.id and not any(vote.person == person.id for vote in given):
        return None
    icon, said = SAID.get(request.state, ("users", "Your approval counts"))
    if request.state is ApprovalState.OPEN:
        said = f"{said}, {card.consents(request, len(given))}"
    held = request.held_until if request.state in AGREED else None
    return Last(
        id=request.id,
        icon=icon,
        said=said,
        question=request.question,
        number=case.number,
        href=f"/cases/{case.id}",
        until=held,
        clock=times.local(held, pack.hours.zone, now=now, seconds=True) if held else "",
        undo=held is not None and now < held and _may(request, person),
    )


def _may(request: Request, person: Person) -> bool:
    return not verdicts.barred(cases.get(request.case_id), request, person.id, person.role)
