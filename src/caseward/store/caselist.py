"""Cases as the inbox lists them: which belong to a view, in which order, fifty rows a page. Nothing is changed here.

A page is found in two steps: its rows are chosen from the cases alone, then what is shown of them is looked up. Counts
stop at `MANY`. So a list costs the same whatever is stored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    Boolean,
    ColumnElement,
    CompoundSelect,
    ScalarSelect,
    Select,
    and_,
    case,
    exists,
    func,
    literal,
    literal_column,
    or_,
    select,
    true,
    union_all,
)

from caseward.core.case import DESK, DONE, OURS, CaseStatus
from caseward.core.policy import Tier
from caseward.store import db
from caseward.store.browse import HAS_FILES
from caseward.store.db import execute
from caseward.store.tables import OPEN, approvals, cases, clocks, contacts, messages
from caseward.store.tables_console import case_seen, case_tags, mentions
from caseward.store.views import Asker

PAGE = 50
MANY = 100
"""Where counting stops: this many, or more."""


class Group(StrEnum):
    """Where a case stands in a list, in this order."""

    DECIDE = "decide"
    """A person is asked to decide."""
    TODAY = "today"
    """The next move is ours, or a promise of ours is due today."""
    WAITING = "waiting"
    """The next move is not ours."""
    DONE = "done"
    """Settled."""


class View(StrEnum):
    """Which cases a list shows."""

    FOR_YOU = "for-you"
    """To be decided by them, owned by them, or they were called upon in a note."""
    ALL_OPEN = "all-open"
    UNASSIGNED = "unassigned"
    """Needs a person, and none has taken it."""
    AFFECTED = "affected"
    """Held up by a system outside: what on-call reads."""
    BREACHING = "breaching"
    """A promise is nearly due, or is late."""
    PENDING = "pending-verification"
    WAITING = "waiting-on-customer"
    REOPENED = "reopened"
    """Taken up again this week, and open."""
    SNOOZED = "snoozed"
    CLOSED = "closed"
    """Settled, the newest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """What narrows a view; an empty part does not."""

    tier: int | None = None
    channel: str = ""
    status: str = ""
    owner: str = ""
    """A person's id, or `desk`."""
    tag: str = ""
    language: str = ""
    intent: str = ""
    opened_from: datetime | None = None
    opened_until: datetime | None = None
    attachment: bool = False
    """Only cases in which somebody sent a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """What lists must know of the time."""

    now: datetime
    ends_at: datetime
    """When today ends, in the house's zone."""
    week_began_at: datetime
    near_minutes: Mapping[str, int]
    """Clock → how long before it is due it counts as nearly due."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which cases, for whom."""

    view: View
    asker: Asker
    day: Day
    filters: Filters = Filters()
    found: Sequence[str] | None = None
    """Only these ids, settled or not, whatever the view: what a search found. On-call finds what they may read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """One row of the inbox."""

    id: str
    number: int
    name: str
    """Empty for somebody not identified."""
    line: str
    """The contact's last words."""
    unread: bool
    """The contact said something that the asker has not seen."""
    tier: Tier | None
    status: CaseStatus
    owner: str
    group: Group
    lane: str
    """Lane of the open request, empty without one."""
    woken: tuple[str, ...]
    """Triggers that woke a person for it."""
    tags: tuple[str, ...]
    snoozed_until: datetime | None
    clock: str
    """Kind of the next deadline, empty without one."""
    due_at: datetime | None
    paused: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of rows, and what lies around it."""

    rows: Sequence[CaseRow]
    number: int
    """From 1."""
    before: Group | None
    """Group of the last row of the page before."""
    after: Group | None
    """Group of the first row of the next page; None where there is none."""


_UNDONE: ColumnElement[bool] = literal_column(f"cases.status in {OPEN}", Boolean)
_IS_ASKED: ColumnElement[bool] = literal_column("approvals.state = 'open'", Boolean)
"""Word for word what indexes hold, which are of use only where the planner can read that."""


_WHOLE = frozenset({View.ALL_OPEN, View.UNASSIGNED, View.WAITING, View.PENDING, View.AFFECTED})
"""Views that most open cases may be in."""


def page(wanted: Wanted, number: int = 1) -> Page:
    """Return a page of cases: decisions first, then our own moves, then the waiting; the next deadline first."""
    start = max(0, (number - 1) * PAGE - 1)
    rows = execute(_shown(wanted, start=start, count=PAGE + 1 + (number > 1))).mappings().all()
    earlier, here = (rows[:1], rows[1:]) if number > 1 else ([], rows)
    return Page(
        rows=[_row(row) for row in here[:PAGE]],
        number=number,
        before=_GROUPS[earlier[0]["grouped"]] if earlier else None,
        after=_GROUPS[here[PAGE]["grouped"]] if len(here) > PAGE else None,
    )


def counts(views: Sequence[View], asker: Asker, day: Day) -> dict[View, int]:
    """Return how many cases each view holds, `MANY` for so many or more; counted once a transaction."""
    held: dict[tuple[View, Asker], int] = db.current().pending.setdefault("counts", {})
    left = [view for view in views if (view, asker) not in held]
    numbers = count([Wanted(view=view, asker=asker, day=day) for view in left])
    held |= {(view, asker): number for view, number in zip(left, numbers, strict=True)}
    return {view: held[view, asker] for view in views}


def count(wanted: Sequence[Wanted]) -> list[int]:
    """Return how many cases each of some lists holds, `MANY` for so many or more."""
    if not wanted:
        return []
    return list(execute(select(*(_count(each).label(f"n{n}") for n, each in enumerate(wanted)))).one())


def next_unassigned(asker: Asker) -> str | None:
    """Return the id of the case that most needs a person and that the asker may decide, if one is asked about."""
    theirs = select(literal(1)).where(
        approvals.c.case_id == cases.c.id, _IS_ASKED, approvals.c.lane.not_in(asker.lanes)
    )
    query = (
        select(cases.c.id)
        .where(_needs_a_person(), ~exists(theirs))
        .order_by(cases.c.due_at.asc().nulls_last(), cases.c.number)
        .limit(1)
    )
    found: str | None = execute(query).scalar()
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Unassigned:
    """A case that needs a person, and what it asks."""

    id: str
    version: int
    lanes: tuple[str, ...]
    """Lanes that are asked about it."""


def unassigned(*, limit: int) -> Sequence[Unassigned]:
    """Return the cases that need a person and that none has, the next to be due first."""
    lanes = (
        select(func.array_agg(approvals.c.lane))
        .where(approvals.c.case_id == cases.c.id, _IS_ASKED)
        .scalar_subquery()
        .label("lanes")
    )
    query = (
        select(cases.c.id, cases.c.version, lanes)
        .where(_needs_a_person())
        .order_by(cases.c.due_at.asc().nulls_last(), cases.c.number)
        .limit(limit)
    )
    return [Unassigned(id=row.id, version=row.version, lanes=tuple(row.lanes or ())) for row in execute(query)]


def _count(wanted: Wanted) -> ScalarSelect[Any]:
    some = select(literal(1)).select_from(cases).where(*_conditions(wanted)).limit(MANY)
    if wanted.view in _WHOLE:
        some = some.order_by(cases.c.due_at)  # by the index of open cases: any hundred would be looked for among all
    return select(func.count()).select_from(some.subquery()).scalar_subquery()


def _shown(wanted: Wanted, *, start: int, count: int) -> Select[Any]:
    """Return the query of a page: its rows are chosen first, and only then is looked up what is shown of them."""
    chosen = select(cases, _group(wanted.day).label("grouped")).where(*_conditions(wanted))
    if wanted.view is View.CLOSED and wanted.found is None:
        chosen = chosen.order_by(cases.c.number.desc())  # by its index: settled cases are many
    else:
        chosen = chosen.order_by("grouped", cases.c.due_at.asc().nulls_last(), *_numbers(cases.c.number))
    at = chosen.offset(start).limit(count).subquery("chosen")
    ask, clock, said = _open_request(at), _next_clock(at), _last_words(at)
    tags = select(func.array_agg(case_tags.c.tag)).where(case_tags.c.case_id == at.c.id).scalar_subquery()
    seen = and_(case_seen.c.case_id == at.c.id, case_seen.c.person_id == wanted.asker.person_id)
    order = (at.c.grouped, at.c.due_at.asc().nulls_last(), *_numbers(at.c.number, at.c.grouped))
    return (
        select(
            *(at.c.id, at.c.number, at.c.tier, at.c.status, at.c.owner, at.c.woken, at.c.snoozed_until, at.c.grouped),
            *(contacts.c.name, ask.c.lane, clock.c.kind, clock.c.due_at, clock.c.paused_at, tags.label("tags")),
            said.c.text,
            func.coalesce(said.c.seq > func.coalesce(case_seen.c.seq, 0), literal(False)).label("unread"),
        )
        .select_from(
            at.outerjoin(contacts, contacts.c.id == at.c.contact_id)
            .outerjoin(ask, true())
            .outerjoin(clock, true())
            .outerjoin(said, true())
            .outerjoin(case_seen, seen)
        )
        .order_by(*order)
    )


def _conditions(wanted: Wanted) -> list[ColumnElement[bool]]:
    if wanted.found is not None:
        own = [_belongs(wanted.view, wanted.asker, wanted.day)] if wanted.view is View.AFFECTED else []
        return [cases.c.id.in_(list(wanted.found)), cases.c.merged.is_(None), *own, *_narrowed(wanted.filters)]
    return [_belongs(wanted.view, wanted.asker, wanted.day), *_narrowed(wanted.filters)]


def _belongs(view: View, asker: Asker, day: Day) -> ColumnElement[bool]:
    """Return the condition under which a case belongs to a view."""
    undone = and_(_UNDONE, cases.c.snoozed_until.is_(None))
    match view:
        case View.FOR_YOU:
            return and_(undone, cases.c.id.in_(_of_person(asker)))
        case View.ALL_OPEN:
            return undone
        case View.UNASSIGNED:
            return _needs_a_person()
        case View.AFFECTED | View.PENDING:
            return and_(cases.c.status == CaseStatus.PENDING_VERIFICATION, undone)
        case View.BREACHING:
            return and_(undone, *_nearly_due(day))
        case View.WAITING:
            return and_(cases.c.status == CaseStatus.WAITING_CUSTOMER, undone)
        case View.REOPENED:
            return and_(cases.c.reopened_at >= day.week_began_at, undone)
        case View.SNOOZED:
            return and_(cases.c.snoozed_until.is_not(None), _UNDONE)
        case View.CLOSED:
            return and_(cases.c.status.in_(sorted(DONE)), cases.c.merged.is_(None))


def _of_person(asker: Asker) -> CompoundSelect[Any]:
    """Return the cases that somebody may decide, has, or was called upon in, each found by an index of its own."""
    has = cases.alias("has")
    owned = literal_column(f"has.owner <> '{DESK}' and has.status in {OPEN}", Boolean)
    return union_all(
        select(approvals.c.case_id).where(_IS_ASKED, approvals.c.lane.in_(asker.lanes)),
        select(has.c.id).where(has.c.owner == asker.person_id, owned),
        select(mentions.c.case_id).where(mentions.c.person_id == asker.person_id, mentions.c.seen_at.is_(None)),
    )


def _needs_a_person() -> ColumnElement[bool]:
    return and_(
        cases.c.owner == DESK,
        cases.c.status.in_((CaseStatus.OPEN, CaseStatus.WAITING_APPROVAL)),
        cases.c.snoozed_until.is_(None),
        _UNDONE,
    )


def _nearly_due(day: Day) -> Sequence[ColumnElement[bool]]:
    """Return what holds for a case with a clock that is nearly due: roughly, which an index knows, and exactly."""
    minutes = max(day.near_minutes.values(), default=0)
    ahead = case(dict(day.near_minutes), value=clocks.c.kind, else_=0) if day.near_minutes else literal(0)
    near = clocks.c.due_at - ahead * func.make_interval(0, 0, 0, 0, 0, 1) <= day.now
    running = select(literal(1)).where(
        clocks.c.case_id == cases.c.id, clocks.c.met_at.is_(None), clocks.c.paused_at.is_(None), near
    )
    return cases.c.due_at <= day.now + timedelta(minutes=minutes), exists(running)


def _narrowed(filters: Filters) -> list[ColumnElement[bool]]:
    found = [
        column == value
        for column, value in (
            (cases.c.channel, filters.channel),
            (cases.c.status, filters.status),
            (cases.c.owner, filters.owner),
            (cases.c.language, filters.language),
            (cases.c.intent, filters.intent),
        )
        if value
    ]
    if filters.tier is not None:
        found.append(cases.c.tier == filters.tier)
    if filters.opened_from is not None:
        found.append(cases.c.opened_at >= filters.opened_from)
    if filters.opened_until is not None:
        found.append(cases.c.opened_at < filters.opened_until)
    if filters.tag:
        found.append(cases.c.id.in_(select(case_tags.c.case_id).where(case_tags.c.tag == filters.tag)))
    if filters.attachment:
        sent = select(messages.c.case_id).where(HAS_FILES)
        found.append(cases.c.id.in_(sent))
    return found


def _group(day: Day) -> ColumnElement[int]:
    asked = cases.c.id.in_(select(approvals.c.case_id).where(_IS_ASKED))
    ours = or_(cases.c.status.in_(sorted(OURS)), cases.c.due_at < day.ends_at)
    return case((cases.c.status.in_(sorted(DONE)), 3), (asked, 0), (ours, 1), else_=2)


def _numbers(number: Any, grouped: Any = None) -> tuple[ColumnElement[int], ...]:
    """Return the last of what rows are ordered by: what waits longest first, of what is settled the newest."""
    done = cases.c.status.in_(sorted(DONE)) if grouped is None else grouped == 3
    return (case((done, -number), else_=number),)


def _open_request(at: Any) -> Any:
    return (
        select(approvals.c.lane)
        .where(approvals.c.case_id == at.c.id, _IS_ASKED)
        .order_by(approvals.c.expires_at)
        .limit(1)
        .lateral("ask")
    )


def _next_clock(at: Any) -> Any:
    return (
        select(clocks.c.kind, clocks.c.due_at, clocks.c.paused_at)
        .where(clocks.c.case_id == at.c.id, clocks.c.met_at.is_(None))
        .order_by(clocks.c.paused_at.is_not(None), clocks.c.due_at)
        .limit(1)
        .lateral("clock")
    )


def _last_words(at: Any) -> Any:
    return (
        select(messages.c.text, messages.c.seq)
        .where(messages.c.case_id == at.c.id, messages.c.inbound)
        .order_by(messages.c.seq.desc())
        .limit(1)
        .lateral("said")
    )


_GROUPS = (Group.DECIDE, Group.TODAY, Group.WAITING, Group.DONE)


def _row(row: Any) -> CaseRow:
    return CaseRow(
        id=row["id"],
        number=row["number"],
        name=row["name"] or "",
        line=" ".join((row["text"] or "").split())[:160],
        unread=row["unread"],
        tier=None if row["tier"] is None else Tier(row["tier"]),
        status=CaseStatus(row["status"]),
        owner=row["owner"],
        group=_GROUPS[row["grouped"]],
        lane=row["lane"] or "",
        woken=tuple(row["woken"]),
        tags=tuple(sorted(row["tags"] or ())),
        snoozed_until=row["snoozed_until"],
        clock=row["kind"] or "",
        due_at=row["due_at"],
        paused=row["paused_at"] is not None,
    )
