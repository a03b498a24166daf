"""What people ask and no page says: where it was seen, what is alike, and what became of it (KB-4)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Text, and_, cast, func, select, update
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, array
from sqlalchemy.dialects.postgresql import insert as upsert

from caseward.core.errors import NotFound
from caseward.core.policy import Tier
from caseward.store import db
from caseward.store.tables import approvals, cases, decisions, log, log_payloads, messages
from caseward.store.tables_console import candidates as table
from caseward.store.tables_console import sightings, sightings_read

ALIKE = 100
"""Earlier candidates with a word in common that are looked at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """Something that may want a page."""

    id: int
    words: tuple[str, ...]
    language: str
    count: int
    first_at: datetime
    last_at: datetime
    state: str
    """`open`, `drafted` or `dismissed`."""
    by: str = ""
    reason: str = ""
    release: str = ""
    decided_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """Where it was seen."""

    candidate_id: int
    case_id: str
    number: int
    turn: int
    why: str
    at: datetime
    text: str
    """What was asked; empty once it was erased."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A decision or a verdict that may show that a page is missing."""

    seq: int
    """Its number among decisions, or in the log."""
    case_id: str
    turn: int
    at: datetime
    language: str
    body: Mapping[str, Any]
    """Of the decision; of a verdict, its own words."""
    tier: Tier
    text: str


# --- reading on -------------------------------------------------------------------------------------------------------


def progress() -> tuple[int, int] | None:
    """Return up to which decision and entry was read, locked; None while another process reads on."""
    db.execute(upsert(sightings_read).values(id=1).on_conflict_do_nothing())
    row = db.execute(select(sightings_read).with_for_update(skip_locked=True)).first()
    return (row.decision, row.entry) if row else None


def read_up_to(decision: int, entry: int) -> None:
    """Note how far was read."""
    db.execute(update(sightings_read).values(decision=decision, entry=entry))


def decided(after: int, *, limit: int) -> Sequence[Seen]:
    """Return the next decisions with what was asked, oldest first."""
    query = (
        select(decisions.c.id, decisions.c.case_id, decisions.c.turn, decisions.c.at, decisions.c.tier,
               decisions.c.body, cases.c.conversation_id, cases.c.language)
        .join(cases, cases.c.id == decisions.c.case_id)
        .where(decisions.c.id > after)
        .order_by(decisions.c.id)
        .limit(limit)
    )  # fmt: skip
    rows = db.execute(query).all()
    said = _said([(row.conversation_id, row.turn) for row in rows])
    return [
        Seen(
            seq=row.id,
            case_id=row.case_id,
            turn=row.turn,
            at=row.at,
            language=row.language,
            body=row.body,
            tier=Tier(row.tier),
            text=said.get((row.conversation_id, row.turn), ""),
        )
        for row in rows
    ]


def judged(after: int, *, limit: int) -> Sequence[Seen]:
    """Return the next verdicts with what was asked last when they were given, oldest first."""
    latest = (
        select(decisions.c.turn)
        .where(decisions.c.case_id == log.c.case_id, decisions.c.at <= log.c.at)
        .order_by(decisions.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    of_request = log_payloads.c.payload.cast(JSONB)["approval"].astext
    query = (
        select(log.c.seq, log.c.case_id, log.c.at, latest.label("turn"), approvals.c.tier, cases.c.language,
               cases.c.conversation_id, log_payloads.c.payload.cast(JSONB).label("payload"))
        .join(log_payloads, log_payloads.c.seq == log.c.seq)
        .join(cases, cases.c.id == log.c.case_id)
        .join(approvals, approvals.c.id == of_request)
        .where(log.c.kind == "verdict", log.c.seq > after)
        .order_by(log.c.seq)
        .limit(limit)
    )  # fmt: skip
    rows = db.execute(query).all()
    said = _said([(row.conversation_id, row.turn or 0) for row in rows])
    return [
        Seen(
            seq=row.seq,
            case_id=row.case_id,
            turn=row.turn or 0,
            at=row.at,
            language=row.language,
            body=row.payload,
            tier=Tier(row.tier),
            text=said.get((row.conversation_id, row.turn or 0), ""),
        )
        for row in rows
    ]


def _said(turns: Collection[tuple[str, int]]) -> Mapping[tuple[str, int], str]:
    """Return what was asked in turns of conversations."""
    if not turns:
        return {}
    wanted = set(turns)
    query = (
        select(messages.c.conversation_id, messages.c.turn, messages.c.text)
        .where(
            messages.c.conversation_id.in_({conversation for conversation, _ in wanted}),
            messages.c.turn.in_({turn for _, turn in wanted}),
            messages.c.inbound,
            messages.c.withdrawn_at.is_(None),
        )
        .order_by(messages.c.seq)
    )
    found: dict[tuple[str, int], str] = {}
    for row in db.execute(query):
        key = (row.conversation_id, row.turn)
        if key in wanted and row.text:
            found[key] = f"{found[key]}\n{row.text}" if key in found else row.text
    return found


# --- keeping ----------------------------------------------------------------------------------------------------------


def near(words: Sequence[str]) -> Sequence[Candidate]:
    """Return earlier candidates that share a word with these, oldest first."""
    wanted = cast(array([*words]), ARRAY(Text))
    query = select(table).where(table.c.words.has_any(wanted)).order_by(table.c.id).limit(ALIKE)
    return [_candidate(row) for row in db.execute(query).mappings()]


def open_new(words: Sequence[str], *, language: str, at: datetime) -> int:
    """Keep a candidate that is like none before it; return its id."""
    made = upsert(table).values(words=list(words), language=language, first_at=at, last_at=at).returning(table.c.id)
    return int(db.execute(made).scalar_one())


def sight(candidate_id: int, seen: Seen, why: str) -> None:
    """Count where a candidate was seen, once for each turn and reason."""
    row = {"candidate_id": candidate_id, "case_id": seen.case_id, "turn": seen.turn, "why": why, "at": seen.at}
    written = upsert(sightings).values(row).on_conflict_do_nothing().returning(sightings.c.turn)
    if db.execute(written).first() is None:
        return
    last = func.greatest(table.c.last_at, seen.at)
    db.execute(update(table).where(table.c.id == candidate_id).values(count=table.c.count + 1, last_at=last))


def decide(candidate_id: int, state: str, *, by: str, at: datetime, reason: str = "", release: str = "") -> bool:
    """Say what became of an open candidate; False when somebody did before."""
    values = {"state": state, "by": by, "reason": reason, "release": release, "decided_at": at}
    moved = update(table).where(table.c.id == candidate_id, table.c.state == "open").values(**values)
    return db.execute(moved.returning(table.c.id)).first() is not None


def get(candidate_id: int) -> Candidate:
    """Return a candidate; raise NotFound."""
    row = db.execute(select(table).where(table.c.id == candidate_id)).mappings().first()
    if row is None:
        raise NotFound(f"there is no candidate {candidate_id}")
    return _candidate(row)


def listed(state: str, *, since: datetime | None = None, after: tuple[int, int] | None = None, limit: int,
           ) -> Sequence[Candidate]:  # fmt: skip
    """Return candidates of a state, those seen most often first; `after` is count and id of the last one shown."""
    query = select(table).where(table.c.state == state)
    if since is not None:
        query = query.where(table.c.last_at >= since)
    if after is not None:
        count, id = after
        query = query.where((table.c.count < count) | and_(table.c.count == count, table.c.id < id))
    rows = db.execute(query.order_by(table.c.count.desc(), table.c.id.desc()).limit(limit)).mappings()
    return [_candidate(row) for row in rows]


def sightings_of(candidate_ids: Collection[int], *, each: int) -> Mapping[int, Sequence[Sighting]]:
    """Return the latest sightings of each candidate, with what was asked."""
    if not candidate_ids:
        return {}
    place = func.row_number().over(partition_by=sightings.c.candidate_id, order_by=sightings.c.at.desc())
    ranked = select(sightings, place.label("place")).where(sightings.c.candidate_id.in_(list(candidate_ids))).subquery()
    query = (
        select(ranked, cases.c.number, cases.c.conversation_id)
        .join(cases, cases.c.id == ranked.c.case_id)
        .where(ranked.c.place <= each)
        .order_by(ranked.c.candidate_id, ranked.c.at.desc(), ranked.c.why)
    )
    rows = db.execute(query).all()
    said = _said([(row.conversation_id, row.turn) for row in rows])
    found: dict[int, list[Sighting]] = {}
    for row in rows:
        sighting = Sighting(
            candidate_id=row.candidate_id,
            case_id=row.case_id,
            number=row.number,
            turn=row.turn,
            why=row.why,
            at=row.at,
            text=said.get((row.conversation_id, row.turn), ""),
        )
        found.setdefault(row.candidate_id, []).append(sighting)
    return found


def _candidate(row: Mapping[Any, Any]) -> Candidate:
    told = {str(name): value for name, value in row.items()}
    return Candidate(**{**told, "words": tuple(told["words"])})
