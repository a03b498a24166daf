"""What the queue of approvals reads: one query, fifty rows. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from caseward.core.policy import Tier
from caseward.store import db

PAGE = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks for a list, as far as lists care."""

    person_id: str
    lanes: tuple[str, ...]
    """Lanes in which they may decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request for a decision that is open, or whose consent is still held, as the queue lists it."""

    id: str
    case_id: str
    number: int
    name: str
    question: str
    lane: str
    tier: Tier
    opened_at: datetime
    due_at: datetime
    """By when it is asked to be decided; it expires at the latest then or later."""
    needs: int
    votes: int
    voted: bool
    """Whether who asks has consented to it already."""
    held_until: datetime | None


def queue(lanes: Collection[str], *, person_id: str, limit: int = PAGE) -> Sequence[Ask]:
    """Return the requests of some lanes that are open or held, the next to be decided first, as a person sees them."""
    given = {"lanes": list(lanes), "person": person_id, "limit": limit}
    return [
        Ask(
            id=row.id,
            case_id=row.case_id,
            number=row.number,
            name=row.name or "",
            question=row.question,
            lane=row.lane,
            tier=Tier(row.tier),
            opened_at=row.opened_at,
            due_at=row.due,
            needs=row.needs,
            votes=row.given,
            voted=row.voted,
            held_until=row.held_until,
        )
        for row in db.run(_QUEUE, given)
    ]


_QUEUE: Final = """
    with chosen as (
        select a.id, coalesce(c.due_at, a.expires_at) as due
        from approvals a left join clocks c on c.case_id = a.case_id and c.kind = 'decision' and c.met_at is null
        where (a.state = 'open' or a.held_until is not null) and a.lane = any(%(lanes)s)
        order by due, a.opened_at, a.id limit %(limit)s
    )
    select a.*, chosen.due, cases.number, contacts.name,
        (select count(*) from votes v where v.approval_id = a.id and v.digest = a.digest) as given,
        exists (select from votes v where v.approval_id = a.id and v.digest = a.digest and v.person = %(person)s)
            as voted
    from chosen join approvals a using (id) join cases on cases.id = a.case_id
        left join contacts on contacts.id = cases.contact_id
    order by chosen.due, cases.number
"""
"""The requests are chosen first, and only then is looked up what is shown of them."""


def waiting(asker: Asker) -> int:
    """Return how many requests are open in somebody's lanes that they have not consented to yet."""
    return int(db.run(_WAITING, {"lanes": list(asker.lanes), "person": asker.person_id}).fetchall()[0].n)


_WAITING: Final = """
    select count(*) as n from approvals a where a.state = 'open' and a.lane = any(%(lanes)s) and not exists (
        select from votes v where v.approval_id = a.id and v.digest = a.digest and v.person = %(person)s
    )
"""


def last_decided_at(lanes: Collection[str]) -> datetime | None:
    """Return when a request of some lanes was last decided."""
    row = db.run("select max(decided_at) as at from approvals where lane = any(%s)", (list(lanes),)).fetchall()[0]
    found: datetime | None = row.at
    return found
