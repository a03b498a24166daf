"""What runs: worker heartbeats, system health."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from caseward.store import db
from caseward.store.tables import health, workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a system is."""

    system: str
    degraded: bool
    why: str
    by: str
    """`auto`, or the person who said so."""
    since: datetime
    failures: int


def beat(executor_id: str, *, host: str, pid: int, now: datetime, swept: bool, release: str = "") -> None:
    """Record that a worker is alive, what it serves, and that its sweeper began or ran."""
    seen: dict[str, Any] = {"seen_at": now, "release": release} | ({"swept_at": now} if swept else {})
    db.execute(
        upsert(workers)
        .values(executor_id=executor_id, host=host, pid=pid, started_at=now, **seen)
        .on_conflict_do_update(index_elements=["executor_id"], set_=seen)
    )


def leave(executor_id: str) -> None:
    """Record that a worker stopped in good order."""
    db.execute(delete(workers).where(workers.c.executor_id == executor_id))


def bury(silent_since: datetime, *, host: str, dead: Sequence[str]) -> list[str]:
    """Remove workers that fell silent, or of this host that are known dead, once each; return who they were."""
    silent = workers.c.seen_at < silent_since
    gone = (workers.c.host == host) & workers.c.executor_id.in_(dead)
    rows = db.execute(delete(workers).where(silent | gone).returning(workers.c.executor_id))
    return [row.executor_id for row in rows]


def alive() -> Sequence[Any]:
    """Return the rows of all workers: executor_id, host, pid, started_at, seen_at, swept_at, release."""
    rows: Sequence[Any] = db.execute(select(workers).order_by(workers.c.started_at)).all()
    return rows


def systems() -> dict[str, Health]:
    """Return what is recorded of each system, read once a transaction; one never heard of is healthy."""
    held = db.current().pending
    if "health" not in held:
        remember(db.run("select * from health"))
    known: dict[str, Health] = held["health"]
    return known


def remember(rows: Iterable[Any]) -> None:
    """Take the rows of all systems as read until one is changed."""
    db.current().pending["health"] = {
        row.system: Health(
            system=row.system,
            degraded=row.state == "degraded",
            why=row.why,
            by=row.by,
            since=row.since,
            failures=row.failures,
        )
        for row in rows
    }


def set_health(system: str, *, degraded: bool, why: str, by: str, now: datetime, failures: int = 0) -> None:
    """Record how a system is."""
    db.current().pending.pop("health", None)
    state = {"state": "degraded" if degraded else "healthy", "why": why, "by": by, "failures": failures}
    db.execute(
        upsert(health)
        .values(system=system, since=now, **state)
        .on_conflict_do_update(index_elements=["system"], set_={**state, "since": now})
    )


def count_failures(system: str, failures: int) -> None:
    """Write how often in a row a system failed."""
    db.current().pending.pop("health", None)
    db.execute(update(health).where(health.c.system == system).values(failures=failures))
