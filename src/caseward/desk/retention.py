"""What is kept of people, and for how long: the pack says it, and what is older is deleted, on record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from caseward.core.pack import Retention
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


def keeping(periods: Retention | None = None) -> Sequence[Keeping]:
    """Return what is kept, kind by kind, and how much of it is older than the pack, or other periods, say."""
    periods, now = periods or tools.pack().profile.retention, tools.now()
    found = []
    for kind in KINDS:
        days: int = getattr(periods, kind)
        old = retention.look(kind, now - timedelta(days=days) if days else None, now=now)
        found.append(Keeping(kind=kind, days=days, oldest=old.oldest, due=old.due))
    return found


def delete(kind: str, *, by: str = "house") -> int:
    """Delete a batch of what is older than the pack says, on record; return how many, 0 when nothing is left."""
    days: int = getattr(tools.pack().profile.retention, kind)
    if not days:
        return 0
    before = tools.now() - timedelta(days=days)
    gone = retention.delete(kind, before, now=tools.now(), most=BATCH)
    if gone:
        said = {"kind": kind, "count": gone, "before": before.isoformat(timespec="seconds"), "days": days}
        log.append("retention", by, said, at=tools.now())
    return gone
