"""Case files, their decisions, and the clocks that run on them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import Any

from psycopg import sql
from psycopg.types.json import Jsonb
from sqlalchemy import select

from caseward.core import ids
from caseward.core.case import Case, CaseStatus
from caseward.core.errors import NotFound
from caseward.core.ids import CaseId, ContactId, ConversationId
from caseward.core.policy import Tier
from caseward.store import db
from caseward.store.tables import cases as table
from caseward.store.tables import decisions

_LATEST = """
    select * from cases where conversation_id = %(conversation)s and merged is null
    order by number desc limit 1 for update
"""
LARGEST = 2**31 - 1
"""The largest case number that the column holds."""
CHANGEABLE = frozenset(
    {
        *("contact_id", "status", "owner", "language", "intent", "category", "severity", "tier", "questions", "turns"),
        *("pending", "resolved_at", "reopened", "disposition", "woken"),
        *("reach", "merged", "lease_until", "snoozed_until", "reopened_at"),
    }
)


def open_case(conversation_id: ConversationId, *, channel: str, language: str, now: datetime) -> Case:
    """Open a case on a conversation."""
    given = {
        "id": ids.new("case"),
        "conversation": conversation_id,
        "channel": channel,
        "language": language,
        "status": str(CaseStatus.NEW),
        "now": now,
    }
    row = db.run(_OPEN, given).fetchone()
    db.current().pending.setdefault("clocks read", set()).add(given["id"])
    return _case(row)


_OPEN = """
    insert into cases (id, conversation_id, channel, language, status, opened_at, updated_at)
    values (%(id)s, %(conversation)s, %(channel)s, %(language)s, %(status)s, %(now)s, %(now)s)
    returning *
"""


def get(case_id: str, *, lock: bool = False) -> Case:
    """Return a case by id or number; raise NotFound when there is none.

    The number of one that was merged into another means the other; its id means itself.
    """
    _flush(db.current())
    is_number = case_id.isascii() and case_id.isdigit() and int(case_id) <= LARGEST
    by = table.c.number == int(case_id) if is_number else table.c.id == case_id
    query = select(table).where(by)
    row = db.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound(f"there is no case {case_id}")
    return get(row.merged, lock=lock) if is_number and row.merged else _case(row)


def some(ids: Sequence[str]) -> list[Case]:
    """Return the cases of some ids, in no order."""
    _flush(db.current())
    return [_case(row) for row in db.execute(select(table).where(table.c.id.in_(list(ids))))]


def latest(conversation_id: ConversationId) -> Case | None:
    """Return the conversation's most recent case, locked until the commit, or None."""
    _flush(db.current())
    row = db.run(_LATEST, {"conversation": conversation_id}).fetchone()
    return _case(row) if row else None


def change(case: Case, now: datetime, **fields: Any) -> Case:
    """Change fields of a case and return it as it is then; all changes of a transaction are written as one."""
    unknown = set(fields) - CHANGEABLE
    if unknown:
        raise TypeError(f"a case has no changeable field {', '.join(sorted(unknown))}")
    held = db.current().pending.setdefault("cases", {})
    held[case.id] = {**held.get(case.id, {}), **fields, "updated_at": now}
    return replace(case, **fields, updated_at=now)


def _flush(opened: db.Transaction) -> None:
    changed = {case_id for (case_id, _kind), clock in opened.pending.get("clocks", {}).items() if clock.changed}
    held = opened.pending.pop("cases", {})
    for case_id, at in _next_due(opened, changed).items():
        if case_id in held:
            held[case_id]["due_at"] = at
        else:
            opened.driver.execute(_DUE, {"id": case_id, "due": at})
    for case_id, fields in held.items():
        opened.driver.execute(_change(tuple(fields)), {**_plain(fields), "id": case_id})
    clocks = [
        {"case_id": case_id, "kind": clock.kind, **{name: getattr(clock, name) for name in INSTANTS}}
        for (case_id, _kind), clock in opened.pending.get("clocks", {}).items()
        if clock.changed
    ]
    if clocks:
        opened.driver.execute(_KEEP_CLOCKS, {"clocks": db.dumps(clocks)})
        for clock in opened.pending["clocks"].values():
            clock.changed = False


def _next_due(opened: db.Transaction, case_ids: Collection[CaseId]) -> dict[CaseId, datetime | None]:
    """Return case → when the next of its clocks that run is due; None where none runs."""
    dues: dict[CaseId, list[datetime]] = {case_id: [] for case_id in case_ids}
    for (case_id, _kind), clock in opened.pending.get("clocks", {}).items():
        if case_id in dues and clock.met_at is None and clock.paused_at is None:
            dues[case_id].append(clock.due_at)
    return {case_id: min(each, default=None) for case_id, each in dues.items()}


_DUE = "update cases set due_at = %(due)s where id = %(id)s and due_at is distinct from %(due)s"


@cache
def _change(names: tuple[str, ...]) -> bytes:
    """Return the statement that changes these columns of a case."""
    places = [sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in names]
    changes = sql.SQL(", ").join(places)
    return sql.SQL("update cases set {}, version = version + 1 where id = %(id)s").format(changes).as_bytes()


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return a case's fields as the driver takes them."""
    return {name: Jsonb(value) if name in ("pending", "woken") else value for name, value in fields.items()}


db.on_flush(1, _flush)


def of_contact(contact_id: ContactId, *, limit: int = 20) -> list[Case]:
    """Return a contact's cases, newest first."""
    rows = db.execute(
        select(table).where(table.c.contact_id == contact_id).order_by(table.c.number.desc()).limit(limit)
    )
    return [_case(row) for row in rows]


def record_decision(
    case_id: CaseId, *, turn: int, tier: Tier, release: str, body: Mapping[str, Any], at: datetime
) -> int:
    """Store a decision of a case and return its id."""
    row = {"case": case_id, "turn": turn, "tier": int(tier), "release": release, "body": Jsonb(dict(body)), "at": at}
    return int(db.run(_DECIDED, row).fetchall()[0].id)


_DECIDED = """
    insert into decisions (case_id, turn, at, tier, release, body)
    values (%(case)s, %(turn)s, %(at)s, %(tier)s, %(release)s, %(body)s)
    returning id
"""


def decision(case_id: CaseId, decision_id: int = 0) -> dict[str, Any] | None:
    """Return a decision of a case, the latest if none is named: its body with tier, release, turn and time."""
    query = select(decisions).where(decisions.c.case_id == case_id).order_by(decisions.c.id.desc()).limit(1)
    row = db.execute(query.where(decisions.c.id == decision_id) if decision_id else query).first()
    return (
        None
        if row is None
        else {**row.body, "tier": str(Tier(row.tier)), "release": row.release, "turn": row.turn, "at": row.at}
    )


@dataclass(slots=True, kw_only=True)
class Clock:
    """One promise of a case and how it stands; written with the transaction that changed it."""

    kind: str
    started_at: datetime
    due_at: datetime
    paused_at: datetime | None = None
    met_at: datetime | None = None
    breached_at: datetime | None = None
    changed: bool = False


INSTANTS = ("started_at", "due_at", "paused_at", "met_at", "breached_at")
"""What is written of a clock."""


def start_clock(case_id: CaseId, kind: str, *, now: datetime, due: datetime) -> None:
    """Start a clock, or start it anew."""
    clocks_of(case_id)
    _held_clocks()[case_id, kind] = Clock(kind=kind, started_at=now, due_at=due, changed=True)


def clocks_of(case_id: CaseId) -> dict[str, Clock]:
    """Return a case's clocks by kind, read once a transaction."""
    if case_id not in db.current().pending.get("clocks read", ()):
        remember_clocks(case_id, db.run(_CLOCKS, {"case": case_id}))
    return {kind: clock for (of, kind), clock in _held_clocks().items() if of == case_id}


def remember_clocks(case_id: CaseId, rows: Iterable[Any]) -> None:
    """Take the rows of a case's clocks as read, unless they were read before."""
    read = db.current().pending.setdefault("clocks read", set())
    if case_id in read:
        return
    read.add(case_id)
    for row in rows:
        clock = Clock(kind=row.kind, **{name: getattr(row, name) for name in INSTANTS})
        _held_clocks().setdefault((case_id, row.kind), clock)


def set_clock(case_id: CaseId, kind: str, **instants: datetime | None) -> None:
    """Set instants of a clock; one that was met stays met, and one that never ran is left alone."""
    clock = clocks_of(case_id).get(kind)
    if clock is None or clock.met_at is not None:
        return
    for name, at in instants.items():
        setattr(clock, name, at)
    clock.changed = True


def _held_clocks() -> dict[tuple[CaseId, str], Clock]:
    held: dict[tuple[CaseId, str], Clock] = db.current().pending.setdefault("clocks", {})
    return held


_CLOCKS = "select * from clocks where case_id = %(case)s"
_KEEP_CLOCKS = """
    insert into clocks (case_id, kind, started_at, due_at, paused_at, met_at, breached_at)
    select case_id, kind, started_at, due_at, paused_at, met_at, breached_at
    from json_populate_recordset(null::clocks, %(clocks)s::json)
    on conflict (case_id, kind) do update set
        started_at = excluded.started_at, due_at = excluded.due_at, paused_at = excluded.paused_at,
        met_at = excluded.met_at, breached_at = excluded.breached_at
"""


def _case(row: Any) -> Case:
    return Case(
        id=CaseId(row.id),
        number=row.number,
        conversation_id=ConversationId(row.conversation_id),
        contact_id=ContactId(row.contact_id) if row.contact_id else None,
        channel=row.channel,
        status=CaseStatus(row.status),
        owner=row.owner,
        language=row.language,
        intent=row.intent,
        category=row.category,
        severity=row.severity,
        tier=None if row.tier is None else Tier(row.tier),
        questions=row.questions,
        turns=row.turns,
        pending=row.pending,
        opened_at=row.opened_at,
        updated_at=row.updated_at,
        resolved_at=row.resolved_at,
        reopened=row.reopened,
        reopened_at=row.reopened_at,
        version=row.version,
        disposition=row.disposition,
        woken=tuple(row.woken),
        reach=row.reach,
        merged=CaseId(row.merged) if row.merged else None,
        lease_until=row.lease_until,
        snoozed_until=row.snoozed_until,
    )
