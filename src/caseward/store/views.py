"""What the console's lists read: one query a list, fifty rows a page. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, exists, false, func, literal, or_, select, true

from caseward.core.approval import ApprovalState
from caseward.core.case import DONE, OURS, CaseStatus
from caseward.core.policy import Tier
from caseward.store.db import execute
from caseward.store.tables import approvals, cases, clocks, contacts, messages, votes

PAGE = 50


class Group(StrEnum):
    """Where a case stands in the inbox, in this order."""

    DECIDE = "decide"
    """A person is asked to decide."""
    TODAY = "today"
    """The next move is ours."""
    WAITING = "waiting"
    """The next move is not ours."""


class View(StrEnum):
    """Which cases a list shows."""

    FOR_YOU = "for-you"
    ALL_OPEN = "all-open"
    UNASSIGNED = "unassigned"
    """Needs a person, and none has taken it."""
    AFFECTED = "affected"
    """Held up by a system outside: what on-call reads."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who asks for a list, as far as lists care."""

    person_id: str
    lanes: tuple[str, ...]
    """Lanes in which they may decide."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One row of the inbox."""

    id: str
    number: int
    name: str
    """Empty for somebody not identified."""
    line: str
    """The contact's last words."""
    unanswered: bool
    tier: Tier | None
    status: CaseStatus
    intent: str
    owner: str
    group: Group
    lane: str
    """Lane of the open request, empty without one."""
    woken: tuple[str, ...]
    """Triggers that woke a person for it."""
    clock: str
    """Kind of the next deadline, empty without one."""
    due_at: datetime | None
    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of rows, and whether there are more."""

    rows: Sequence[CaseRow]
    number: int
    """From 1."""
    more: bool


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


def inbox(view: View, asker: Asker, *, search: str = "", page: int = 1) -> Page:
    """Return one page of cases: decisions first, then our own moves, then the waiting; the next deadline first."""
    rows = execute(_rows(view, asker, search).limit(PAGE + 1).offset((page - 1) * PAGE)).mappings().all()
    return Page(rows=[_row(row) for row in rows[:PAGE]], number=page, more=len(rows) > PAGE)


def counts(asker: Asker) -> dict[View, int]:
    """Return how many cases each view holds."""
    open_request = _open_request()
    columns = [func.count().filter(_belongs(view, asker, open_request)).label(view.name) for view in View]
    query = select(*columns).select_from(cases.outerjoin(open_request, true())).where(cases.c.status.not_in(DONE))
    row = execute(query).mappings().one()
    return {view: row[view.name] for view in View}


def queue(lanes: Collection[str], *, person_id: str, limit: int = PAGE) -> Sequence[Ask]:
    """Return the requests of some lanes that are open or held, the next to be decided first, as a person sees them."""
    due = func.coalesce(
        select(clocks.c.due_at)
        .where(clocks.c.case_id == approvals.c.case_id, clocks.c.kind == "decision", clocks.c.met_at.is_(None))
        .scalar_subquery(),
        approvals.c.expires_at,
    ).label("due_at")
    given = select(func.count()).where(*_VOTES).scalar_subquery().label("given")
    voted = exists().where(*_VOTES, votes.c.person == person_id).label("voted")
    query = (
        select(approvals, cases.c.number, contacts.c.name, due, given, voted)
        .join(cases, cases.c.id == approvals.c.case_id)
        .outerjoin(contacts, contacts.c.id == cases.c.contact_id)
        .where(or_(_IS_OPEN, approvals.c.held_until.is_not(None)), approvals.c.lane.in_(list(lanes)))
        .order_by(due, cases.c.number)
        .limit(limit)
    )
    return [
        Ask(
            id=row["id"],
            case_id=row["case_id"],
            number=row["number"],
            name=row["name"] or "",
            question=row["question"],
            lane=row["lane"],
            tier=Tier(row["tier"]),
            opened_at=row["opened_at"],
            due_at=row["due_at"],
            needs=row["needs"],
            votes=row["given"],
            voted=row["voted"],
            held_until=row["held_until"],
        )
        for row in execute(query).mappings()
    ]


_IS_OPEN = approvals.c.state == ApprovalState.OPEN
_VOTES = (votes.c.approval_id == approvals.c.id, votes.c.digest == approvals.c.digest)


def waiting(asker: Asker) -> int:
    """Return how many requests are open in somebody's lanes that they have not consented to yet."""
    voted = exists().where(*_VOTES, votes.c.person == asker.person_id)
    query = select(func.count()).where(_IS_OPEN, approvals.c.lane.in_(asker.lanes), ~voted)
    return int(execute(query).scalar_one())


def last_decided_at(lanes: Collection[str]) -> datetime | None:
    """Return when a request of some lanes was last decided."""
    query = select(func.max(approvals.c.decided_at)).where(approvals.c.lane.in_(list(lanes)))
    found: datetime | None = execute(query).scalar()
    return found


def _rows(view: View, asker: Asker, search: str) -> Select[Any]:
    ask = _open_request()
    clock = _next_clock()
    said = _last_message(inbound=True)
    last = _last_message(inbound=None)
    group = case((ask.c.id.is_not(None), 0), (cases.c.status.in_(OURS), 1), else_=2).label("group")
    query = (
        select(
            cases,
            contacts.c.name,
            said.c.text.label("line"),
            func.coalesce(last.c.inbound, false()).label("unanswered"),
            ask.c.lane,
            clock.c.kind.label("clock"),
            clock.c.due_at,
            clock.c.paused_at,
            group,
        )
        .select_from(
            cases.outerjoin(contacts, contacts.c.id == cases.c.contact_id)
            .outerjoin(ask, true())
            .outerjoin(clock, true())
            .outerjoin(said, true())
            .outerjoin(last, true())
        )
        .where(_belongs(view, asker, ask))
        .order_by(group, clock.c.due_at.asc().nulls_last(), cases.c.number)
    )
    if search:
        return query.where(_matches(search))
    return query.where(cases.c.status.not_in(DONE))


def _belongs(view: View, asker: Asker, ask: Any) -> ColumnElement[bool]:
    """Return the condition under which a case belongs to a view."""
    match view:
        case View.FOR_YOU:
            return or_(ask.c.lane.in_(asker.lanes), cases.c.owner == asker.person_id)
        case View.UNASSIGNED:
            return and_(cases.c.owner == "desk", cases.c.status.in_((CaseStatus.OPEN, CaseStatus.WAITING_APPROVAL)))
        case View.AFFECTED:
            return cases.c.status == CaseStatus.PENDING_VERIFICATION
        case View.ALL_OPEN:
            return true()


def _matches(search: str) -> ColumnElement[bool]:
    """Return the condition under which a case, open or done, answers a search: its number, its contact or its words."""
    wanted = search.strip().lstrip("#")
    pattern = "%" + wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    said = select(literal(1)).where(messages.c.case_id == cases.c.id, messages.c.text.ilike(pattern)).exists()
    by_number = cases.c.number == int(wanted) if wanted.isdecimal() and len(wanted) < 10 else false()
    return or_(by_number, contacts.c.name.ilike(pattern), said)


def _open_request() -> Any:
    return (
        select(approvals.c.id, approvals.c.lane)
        .where(approvals.c.case_id == cases.c.id, approvals.c.state == ApprovalState.OPEN)
        .order_by(approvals.c.expires_at)
        .limit(1)
        .lateral("ask")
    )


def _next_clock() -> Any:
    return (
        select(clocks.c.kind, clocks.c.due_at, clocks.c.paused_at)
        .where(clocks.c.case_id == cases.c.id, clocks.c.met_at.is_(None))
        .order_by(clocks.c.paused_at.is_not(None), clocks.c.due_at)
        .limit(1)
        .lateral("clock")
    )


def _last_message(*, inbound: bool | None) -> Any:
    mine = (messages.c.case_id == cases.c.id, messages.c.kind == "text")
    query = select(messages.c.text, messages.c.inbound).where(*mine)
    if inbound is not None:
        query = query.where(messages.c.inbound == inbound)
    return query.order_by(messages.c.seq.desc()).limit(1).lateral("said" if inbound else "last")


_GROUPS = (Group.DECIDE, Group.TODAY, Group.WAITING)


def _row(row: Any) -> CaseRow:
    return CaseRow(
        id=row["id"],
        number=row["number"],
        name=row["name"] or "",
        line=" ".join((row["line"] or "").split())[:160],
        unanswered=row["unanswered"],
        tier=None if row["tier"] is None else Tier(row["tier"]),
        status=CaseStatus(row["status"]),
        intent=row["intent"],
        owner=row["owner"],
        group=_GROUPS[row["group"]],
        lane=row["lane"] or "",
        woken=tuple(row["woken"]),
        clock=row["clock"] or "",
        due_at=row["due_at"],
        paused=row["paused_at"] is not None,
    )
