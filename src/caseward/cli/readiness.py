"""The checklist at the start of a shift (OPS-3)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from caseward.adapters import find
from caseward.core.approval import ApprovalState
from caseward.core.pack import Pack
from caseward.flows.clockwork import SILENCE
from caseward.packs import check as pack_check
from caseward.settings import Settings
from caseward.store import effects, figures, migrate, running
from caseward.store.db import transaction

SWEPT_WITHIN = timedelta(seconds=60)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the list."""

    name: str
    ok: bool
    detail: str


def checks(settings: Settings) -> list[Check]:
    """Go through the list on the database that the store is connected to."""
    now = datetime.now(UTC)
    with transaction():
        found = list(_database())
        found += _workers(now)
        found += _plugs(settings)
        found += _pack(settings, now)
        found += _backlog(now)
    return found


def _database() -> Iterator[Check]:
    at = figures.revision()
    yield Check(name="database", ok=at == migrate.head(), detail=f"answers; tables at revision {at}")


def _workers(now: datetime) -> Iterator[Check]:
    rows = running.alive()
    alive = [row for row in rows if now - row.seen_at <= SILENCE]
    silent = len(rows) - len(alive)
    told = f"{len(alive)} at work" + (f", {silent} silent" if silent else "")
    yield Check(name="workers", ok=bool(alive), detail=told if rows else "none; start `caseward serve`")
    if alive:
        age = min(now - (row.swept_at or row.started_at) for row in alive)
        detail = f"last looked for due work {max(0, int(age.total_seconds()))} s ago"
        yield Check(name="sweeper", ok=age <= SWEPT_WITHIN, detail=detail)


def _plugs(settings: Settings) -> Iterator[Check]:
    for name in find.names("channels"):
        on = name in settings.channels
        yield Check(name=f"channel {name}", ok=True, detail="on" if on else "off: not in CASEWARD_CHANNELS")
    for system, health in running.systems().items():
        detail = f"{'degraded' if health.degraded else 'healthy'} since {health.since:%Y-%m-%d %H:%M} UTC {health.why}"
        yield Check(name=f"system {system}", ok=not health.degraded, detail=detail.strip())


def _pack(settings: Settings, now: datetime) -> Iterator[Check]:
    report = pack_check.check(settings.pack, skills=find.skill_names(settings.skills), today=now.date())
    wrong = [*(str(each) for each in report.errors), *(each.name for each in report.proofs if not each.holds)]
    yield Check(name="pack", ok=report.ok, detail=wrong[0] if wrong else f"{settings.pack.name} is sound")
    if report.pack is not None:
        yield _release(report.pack)
        due = [each for each in report.warnings if each.file.startswith("knowledge/")]
        yield Check(name="knowledge", ok=True, detail=f"{len(due)} pages past their review date")


def _release(pack: Pack) -> Check:
    published = running.release(pack.profile.release)
    name = pack.profile.release
    if published is None:
        return Check(name="release", ok=False, detail=f"{name} is not published; start the desk to publish it")
    if published.digest != pack.digest:
        return Check(name="release", ok=False, detail=f"{name} was published with other content; raise `release`")
    return Check(name="release", ok=True, detail=f"{name}, published {published.published_at:%Y-%m-%d %H:%M} UTC")


def _backlog(now: datetime) -> Iterator[Check]:
    seen = figures.read()
    waiting = now - seen.unanswered_since if seen.unanswered_since else timedelta()
    minutes = int(waiting.total_seconds() // 60)
    yield Check(
        name="backlog", ok=True, detail=f"longest unanswered message: {minutes} min" if minutes else "no backlog"
    )
    asked = seen.approvals.get(ApprovalState.OPEN, 0)
    yield Check(name="approvals", ok=True, detail=f"{asked} waiting for a person")
    for table, what in (("tasks", "tasks"), ("outbox", "replies")):
        counts = effects.count(table)
        unknown, failed = counts.get("unknown", 0), counts.get("failed", 0)
        yield Check(name=what, ok=not unknown, detail=f"{unknown} with an unknown outcome, {failed} failed")
