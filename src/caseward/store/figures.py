"""Counts of what the desk did and what waits, for metrics and for the probe that asks whether it serves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, exists, func, select, text, true

from caseward.core.case import OURS
from caseward.core.policy import Tier
from caseward.store.db import execute
from caseward.store.tables import approvals, cases, conversations, decisions, log, messages, workers

Counts = Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """One look at the desk."""

    messages_in: int
    turns: int
    decisions: Counts
    """By tier."""
    cases: Counts
    """By status."""
    approvals: Counts
    """By state."""
    denied: int
    """Attempts to do what the actor may not."""
    break_glass: Counts
    """Cases by the trigger that woke a person for them."""
    unanswered_since: datetime | None
    """When the longest waiting message came in that no turn has taken up, or whose case still awaits our move."""
    swept_at: datetime | None
    """When a sweeper last ran."""


def read() -> Figures:
    """Return the figures as they are now."""
    return Figures(
        messages_in=_number(select(func.count()).where(messages.c.inbound)),
        turns=_number(select(func.coalesce(func.sum(conversations.c.turn), 0))),
        decisions={str(Tier(int(tier))): n for tier, n in _by(decisions.c.tier).items()},
        cases=_by(cases.c.status),
        approvals=_by(approvals.c.state),
        denied=_number(select(func.count()).where(log.c.kind == "denied")),
        break_glass=_woken(),
        unanswered_since=_unanswered_since(),
        swept_at=execute(select(func.max(workers.c.swept_at))).scalar(),
    )


def revision() -> str | None:
    """Return the revision that the tables are at."""
    found: str | None = execute(text("select max(version_num) from alembic_version")).scalar()
    return found


def _unanswered_since() -> datetime | None:
    """Return when the oldest message came in that no turn has taken up, or after which nothing was said though the next
    move is ours.

    Each half looks only at what waits, by an index, so that a long history costs nothing.
    """
    said = messages.alias("said")
    said_since = exists().where(
        said.c.case_id == messages.c.case_id, ~said.c.inbound, said.c.kind != "note", said.c.seq > messages.c.seq
    )
    untaken = select(func.min(messages.c.at)).where(messages.c.inbound, messages.c.turn.is_(None))
    unanswered = (
        select(func.min(messages.c.at))
        .join(cases, cases.c.id == messages.c.case_id)
        .where(cases.c.status.in_(OURS), messages.c.inbound, ~said_since)
    )
    found: list[datetime | None] = [execute(query).scalar() for query in (untaken, unanswered)]
    return min((at for at in found if at is not None), default=None)


def _woken() -> dict[str, int]:
    trigger = func.jsonb_array_elements_text(cases.c.woken).table_valued("id").render_derived()
    query = (
        select(trigger.c.id, func.count().label("n")).select_from(cases.join(trigger, true())).group_by(trigger.c.id)
    )
    return {str(row.id): row.n for row in execute(query)}


def _by(column: Any) -> dict[str, int]:
    query = select(column, func.count().label("n")).group_by(column)
    return {str(value): n for value, n in execute(query)}


def _number(query: Select[Any]) -> int:
    return int(execute(query).scalar_one())
