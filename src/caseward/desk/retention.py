"""What is kept of people, and for how long: the pack says it, and what is older is deleted, on record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from caseward.desk import tools
from caseward.store import log, retention

KINDS = tuple(retention.KINDS)
BATCH = 500
"""Of a kind that go in one transaction: few enough that nobody waits for their locks."""
COUNTED = retention.COUNTED


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """How one kind of data is kept."""

    kind: str
    days: int
    """0 for ever."""
    oldest: datetime | None
    due: int
    """How many would be deleted now; more than COUNTED are counted no further."""


def keeping() -> Sequence[Keeping]:
    """Return what is kept, kind by kind, and how much of it is older than the pack says."""
    found = []
    for kind in KINDS:
        old = retention.look(kind, _before(kind))
        found.append(Keeping(kind=kind, days=_days(kind), oldest=old.oldest, due=old.due))
    return found


def delete(kind: str, *, by: str = "house") -> int:
    """Delete a batch of what is older than the pack says, on record; return how many, 0 when nothing is left."""
    before = _before(kind)
    if before is None:
        return 0
    gone = retention.delete(kind, before, now=tools.now(), most=BATCH)
    if gone:
        said = {"kind": kind, "count": gone, "before": before.isoformat(timespec="seconds"), "days": _days(kind)}
        log.append("retention", by, said, at=tools.now())
    return gone


def _days(kind: str) -> int:
    days: int = getattr(tools.pack().profile.retention, kind)
    return days


def _before(kind: str) -> datetime | None:
    days = _days(kind)
    return tools.now() - timedelta(days=days) if days else None
