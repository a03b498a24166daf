"""How far the desk is trusted, as people decided it: the last decision counts, each follows the one before it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert as upsert

from caseward.core.errors import Conflict
from caseward.store import db
from caseward.store.tables import phase_decisions as table

Phase = Literal["pilot", "hardening", "production"]
Topology = Literal["hub", "empowered"]


@dataclass(frozen=True, slots=True, kw_only=True)
class PhaseDecision:
    """Somebody decided how far the desk is trusted."""

    id: int
    phase: Phase
    topology: Topology
    was: str
    """Phase and topology before, as `pilot, empowered`."""
    by: str
    role: str
    reason: str
    criteria: Mapping[str, bool]
    """Criterion, as the pack stated it then → whether it was ticked."""
    at: datetime


def current() -> PhaseDecision | None:
    """Return the decision that counts; None while the pack's own phase does."""
    row = db.execute(select(table).order_by(table.c.id.desc()).limit(1)).mappings().first()
    return _decision(row) if row else None


def every(*, limit: int = 100) -> Sequence[PhaseDecision]:
    """Return the decisions, the latest first."""
    return [_decision(row) for row in db.execute(select(table).order_by(table.c.id.desc()).limit(limit)).mappings()]


def decide(
    phase: str,
    topology: str,
    *,
    follows: PhaseDecision | None,
    was: str,
    by: str,
    role: str,
    reason: str,
    criteria: Mapping[str, bool],
    at: datetime,
) -> None:
    """Record a decision; raise Conflict when somebody decided meanwhile."""
    values = {
        "follows": follows.id if follows else 0,
        "phase": phase,
        "topology": topology,
        "was": was,
        "by": by,
        "role": role,
        "reason": reason,
        "criteria": [{"criterion": text, "ticked": ticked} for text, ticked in criteria.items()],
        "at": at,
    }
    made = upsert(table).values(values).on_conflict_do_nothing().returning(table.c.id)
    if db.execute(made).first() is None:
        raise Conflict("somebody else decided the phase meanwhile; look at it and try again")


def _decision(row: Mapping[Any, Any]) -> PhaseDecision:
    criteria = {each["criterion"]: each["ticked"] for each in row["criteria"]}
    told = {str(key): value for key, value in row.items() if str(key) not in ("follows", "criteria")}
    return PhaseDecision(**told, criteria=criteria)
