"""What the team is shown in its lanes: a card for each chat, as it should be and as it is shown.

Posting is an effect: queued → running → posted, failed or unknown. What is posted is amended until it is shown as it
should be. A card that was over before it could be posted is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import func, insert, select, update

from caseward.core.errors import NotFound
from caseward.store import db
from caseward.store.tables_channels import cards as table


class CardState(StrEnum):
    """Where a card stands."""

    QUEUED = "queued"
    RUNNING = "running"
    """Handed to the vendor; what came of it is not recorded yet."""
    UNKNOWN = "unknown"
    """It may stand in the chat or not."""
    POSTED = "posted"
    FAILED = "failed"
    DROPPED = "dropped"
    """It was over before it could be posted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A card of one chat."""

    id: str
    kind: str
    subject: str
    case_id: str
    lane: str
    channel: str
    chat: str
    message: str
    """The vendor's id; empty until it is posted."""
    state: CardState
    shown: str
    wanted: str
    asks: str
    """Digest of the draft that the card as it should be asks about."""
    asked: str
    """Digest of the draft that the card as it is shown asks about."""
    asked_at: datetime | None
    act: str
    """The verdict whose reasons are offered, empty for none."""
    body: Mapping[str, Any]
    closed: bool
    attempts: int
    next_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A card as it should be."""

    body: Mapping[str, Any]
    digest: str
    """Of what is to be shown."""
    asks: str = ""
    act: str = ""
    closed: bool = False


def lock(kind: str, subject: str) -> None:
    """Have whoever plans the cards of one subject go one by one, until the commit."""
    db.run("select pg_advisory_xact_lock(hashtextextended(%(of)s, 0))", {"of": f"cards {kind} {subject}"})


def of(kind: str, subject: str) -> Sequence[Kept]:
    """Return the cards of a subject, oldest first."""
    query = select(table).where(table.c.kind == kind, table.c.subject == subject)
    return [_kept(row) for row in db.execute(query.order_by(table.c.created_at, table.c.id))]


def get(card_id: str, *, lock: bool = False) -> Kept:
    """Return a card; raise NotFound when there is none."""
    query = select(table).where(table.c.id == card_id)
    row = db.execute(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound(f"there is no card {card_id}")
    return _kept(row)


def at(channel: str, chat: str, message: str) -> Kept | None:
    """Return the card that a message of a chat shows, or None."""
    query = select(table).where(table.c.channel == channel, table.c.chat == chat, table.c.message == message)
    row = db.execute(query).first() if message else None
    return None if row is None else _kept(row)


def asking(channel: str, chat: str) -> bool:
    """Return whether a card stands in a chat that asks for a decision."""
    open_ = (table.c.kind == "approval", ~table.c.closed, table.c.message != "")
    query = select(table.c.id).where(table.c.channel == channel, table.c.chat == chat, *open_)
    return db.execute(query.limit(1)).first() is not None


def of_case(case_id: str, kind: str) -> Sequence[Kept]:
    """Return a case's cards of a kind, oldest first."""
    query = select(table).where(table.c.case_id == case_id, table.c.kind == kind)
    return [_kept(row) for row in db.execute(query.order_by(table.c.created_at, table.c.id))]


def shows(case_id: str) -> bool:
    """Return whether a card that is not closed shows a case, or a task or words of it."""
    query = "select from cards where case_id = %(case)s and not closed and kind <> 'approval' limit 1"
    return db.run(query, {"case": case_id}).rowcount > 0


def plan(
    card_id: str,
    key: str,
    kind: str,
    subject: str,
    case_id: str,
    *,
    lane: str,
    channel: str,
    chat: str,
    wanted: Wanted,
    now: datetime,
) -> None:
    """Queue a card for a chat, under a key of its own. Whoever plans holds the subject's lock."""
    db.execute(
        insert(table)
        .values(
            id=card_id, key=key, kind=kind, subject=subject, case_id=case_id or None, lane=lane,
            channel=channel, chat=chat, state=CardState.QUEUED, created_at=now, updated_at=now, next_at=now,
            **_columns(wanted),
        )
    )  # fmt: skip


def want(card_id: str, wanted: Wanted, *, now: datetime) -> bool:
    """Have a card be shown otherwise; return whether that has to be told to its chat."""
    here = update(table).where(table.c.id == card_id).values(updated_at=now, **_columns(wanted))
    row = db.execute(here.returning(table.c.shown, table.c.wanted, table.c.state)).one()
    due = bool(row.shown != row.wanted and row.state != CardState.FAILED)
    if due:  # at the latest the sweeper finds it, whatever becomes of the story that is begun now
        waits = update(table).where(table.c.id == card_id, table.c.state.in_((CardState.QUEUED, CardState.POSTED)))
        db.execute(waits.values(next_at=now))
    return due


def _columns(wanted: Wanted) -> dict[str, Any]:
    return {
        "body": dict(wanted.body), "wanted": wanted.digest, "asks": wanted.asks, "act": wanted.act,
        "closed": wanted.closed,
    }  # fmt: skip


def move(card_id: str, state: CardState, *, now: datetime, **fields: Any) -> None:
    """Move a card to a state, with whatever else is to be recorded."""
    db.execute(update(table).where(table.c.id == card_id).values(state=state, updated_at=now, **fields))


def due(now: datetime, *, limit: int = 100) -> list[tuple[str, datetime]]:
    """Return the cards whose next step is due, and since when."""
    rows = db.run(
        "select id, next_at from cards where next_at <= %(now)s order by next_at limit %(limit)s",
        {"now": now, "limit": limit},
    )
    return [(row.id, row.next_at) for row in rows]


def behind(since: datetime, *, limit: int = 50) -> list[tuple[str, str]]:
    """Return id and case of the requests that no card shows, or that a card shows as open though they are over."""
    rows = db.run(_BEHIND, {"since": since, "limit": limit})
    return [(row.id, row.case_id) for row in rows]


_BEHIND = """
    select a.id, a.case_id from approvals a
    where (a.state = 'open' or a.held_until is not null) and a.opened_at < %(since)s
        and not exists (select from cards c where c.kind = 'approval' and c.subject = a.id)
    union
    select a.id, a.case_id from cards c join approvals a on a.id = c.subject
    where c.kind = 'approval' and not c.closed and c.updated_at < %(since)s
        and a.state <> 'open' and a.held_until is null
    limit %(limit)s
"""


def count() -> Mapping[str, int]:
    """Return state → how many cards are in it."""
    return {
        row.state: row.n for row in db.execute(select(table.c.state, func.count().label("n")).group_by(table.c.state))
    }


def _kept(row: Any) -> Kept:
    return Kept(
        id=row.id,
        kind=row.kind,
        subject=row.subject,
        case_id=row.case_id or "",
        lane=row.lane,
        channel=row.channel,
        chat=row.chat,
        message=row.message,
        state=CardState(row.state),
        shown=row.shown,
        wanted=row.wanted,
        asks=row.asks,
        asked=row.asked,
        asked_at=row.asked_at,
        act=row.act,
        body=row.body,
        closed=row.closed,
        attempts=row.attempts,
        next_at=row.next_at,
    )
