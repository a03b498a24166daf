"""Consents to the words of a request: one a person, and only those to the words it stands for now count."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import and_, delete, select
from sqlalchemy.dialects.postgresql import insert as upsert

from caseward.core.approval import Vote, Word
from caseward.core.ids import ApprovalId
from caseward.store import db
from caseward.store.approvals import Request
from caseward.store.tables import approvals
from caseward.store.tables import votes as table


def cast(approval_id: ApprovalId, digest: str, vote: Vote) -> bool:
    """Record a person's consent to words; return False when they gave it before."""
    row = db.execute(
        upsert(table)
        .values(
            approval_id=approval_id,
            digest=digest,
            person=vote.person,
            role=vote.role,
            word=vote.word,
            conditions=vote.conditions,
            at=vote.at,
        )
        .on_conflict_do_nothing()
        .returning(table.c.person)
    ).first()
    return row is not None


def of(requests: Iterable[Request]) -> dict[ApprovalId, tuple[Vote, ...]]:
    """Return the consents to the words that requests stand for now, in the order in which they were given."""
    found: dict[ApprovalId, list[Vote]] = {request.id: [] for request in requests}
    current = and_(approvals.c.id == table.c.approval_id, approvals.c.digest == table.c.digest)
    query = select(table).join(approvals, current).where(table.c.approval_id.in_(list(found)))
    for row in db.execute(query.order_by(table.c.at, table.c.person)) if found else ():
        found[ApprovalId(row.approval_id)].append(
            Vote(person=row.person, role=row.role, word=Word(row.word), at=row.at, conditions=row.conditions)
        )
    return {approval_id: tuple(votes) for approval_id, votes in found.items()}


def discard(approval_id: ApprovalId, people: Collection[str]) -> None:
    """Forget what some people consented to; what they said stays in the action log."""
    db.execute(delete(table).where(table.c.approval_id == approval_id, table.c.person.in_(list(people))))
