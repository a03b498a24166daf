"""The checklist at the start of a shift (OPS-3)."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from caseward.core.approval import ApprovalState
from caseward.core.errors import PackError
from caseward.core.release import Files, business, changes
from caseward.flows import clockwork
from caseward.packs import check as pack_check
from caseward.packs import shelf
from caseward.settings import Settings
from caseward.store import effects, factors, figures, hooks, migrate, outbox, phases, releases, running, wires
from caseward.store.db import transaction
from caseward.store.wires import Wire
from caseward.web import words

SWEPT_WITHIN = timedelta(seconds=60)
FOLLOWS_WITHIN = timedelta(seconds=60)
"""Within what time every worker serves what became current."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One line of the list."""

    name: str
    ok: bool
    detail: str
    title: str = ""
    """The name in words; empty where the name is made of words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugs:
    """What a desk could be plugged into."""

    channels: Sequence[str]
    """Names of those that came along."""
    set_up: Collection[str]
    """Of those, the ones whose secrets are given."""
    skills: Collection[str]
    """Names of the skills that any pack may use."""


def checks(settings: Settings, plugs: Plugs, *, now: datetime | None = None, prove: bool = True) -> list[Check]:
    """Go through the list on the database that the store is connected to.

    Args:
        settings: which channels are allowed, and where the pack's folder is.
        plugs: what came along, and what is set up.
        now: the instant to look from; the present one when left out.
        prove: whether the pack is checked and proved anew, which takes a second or two, or what was found when it was
            published is believed.
    """
    now = now or datetime.now(UTC)
    with transaction():
        found = list(_database())
        found += _workers(now)
        found += _plugs(settings, plugs, now)
        found += _served(now)
        found += _pack(settings, plugs, now) if prove else _published(settings)
        found += _backlog(now)
    return found


def _database() -> Iterator[Check]:
    at = figures.revision()
    yield Check(name="database", ok=at == migrate.head(), detail=f"answers; tables at revision {at}")
    lost = factors.lost() if at == migrate.head() else 0
    if lost:
        fix = "give the secret before as CASEWARD_FORMER_SECRET and start again, or remove them (People)"
        yield Check(name="second factors", ok=False, detail=f"{lost} were sealed with another secret; {fix}")


def _workers(now: datetime) -> Iterator[Check]:
    rows, alive = running.alive(), clockwork.at_work(now)
    silent = len(rows) - len(alive)
    told = f"{len(alive)} at work" + (f", {silent} silent" if silent else "")
    yield Check(name="workers", ok=bool(alive), detail=told if rows else "none; start `caseward serve`")
    if alive:
        ages = [now - row.swept_at for row in alive if row.swept_at]
        seconds = max(0, int(min(ages).total_seconds())) if ages else 0
        detail = f"last looked for due work {seconds} s ago" if ages else "none looks for due work yet"
        yield Check(name="sweeper", ok=bool(ages) and min(ages) <= SWEPT_WITHIN, detail=detail)


def _plugs(settings: Settings, plugs: Plugs, now: datetime) -> Iterator[Check]:
    set_up, known, unread, waiting = plugs.set_up, wires.states(), hooks.unread(now), outbox.waiting()
    for name in plugs.channels:
        allowed = settings.channels is None or name in settings.channels
        off = "off: its secrets are not given" if allowed else "off: not in CASEWARD_CHANNELS"
        wire = known.get(name, Wire(channel=name))
        lost = wire.lost_at is not None and name in set_up
        left = waiting.get(name, 0) if name not in set_up else 0
        off += f"; {left} waiting to go out there" if left else ""
        told, title = _line(wire, now) if name in set_up else off, f"Channel {words.channel(name)}"
        yield Check(name=f"channel {name}", title=title, ok=not (lost or left), detail=told)
        if name in unread:
            yield _unread(name, unread[name])
    for system, health in running.systems().items():
        detail = f"{'degraded' if health.degraded else 'healthy'} since {health.since:%Y-%m-%d %H:%M} UTC {health.why}"
        yield Check(name=f"system {system}", ok=not health.degraded, detail=detail.strip())


def _line(wire: Wire, now: datetime) -> str:
    """Say of a channel what last came and went."""
    seen = {"heard": wire.heard_at, "sent": wire.sent_at, "arrived": wire.acknowledged_at}
    parts = [f"{what} {_ago(now - at)}" for what, at in seen.items() if at is not None]
    if wire.failures:
        parts.append(f"{wire.failures} failures in a row")
    if wire.error and wire.lost_at is None:
        parts.append(f"last trouble: {wire.error}")
    if wire.lost_at is not None:
        parts.append(f"away since {wire.lost_at:%Y-%m-%d %H:%M} UTC: {wire.error}")
    return "; ".join(["on", *parts])


def _ago(span: timedelta) -> str:
    minutes = max(0, int(span.total_seconds() // 60))
    return f"{minutes} min ago" if minutes < 120 else f"{minutes // 60} h ago"


def _unread(name: str, counts: tuple[int, int, str]) -> Check:
    waiting, given_up, error = counts
    fix = f"; after an upgrade, `caseward channel reread {name}`" if given_up else ""
    why = f" ({error})" if error else ""
    detail = f"{waiting} bodies wait to be read, {given_up} were given up{why}{fix}"
    title = f"Channel {words.channel(name)}, unread"
    return Check(name=f"channel {name} unread", title=title, ok=not given_up, detail=detail)


def _served(now: datetime) -> Iterator[Check]:
    current, decided = releases.current(), phases.current()
    if current is None:
        yield Check(name="release", ok=False, detail="none is published; start the desk, which publishes its pack")
        return
    behind = sum(row.release != current.release for row in clockwork.at_work(now))
    since = f"{current.release}, current since {current.at:%Y-%m-%d %H:%M} UTC by {current.by}"
    late = behind and now - current.at > FOLLOWS_WITHIN
    yield Check(name="release", ok=not late, detail=since + (f"; {behind} workers serve another" if behind else ""))
    waiting = sum(each.state in ("proposed", "approved") for each in releases.every())
    if waiting:
        yield Check(name="proposals", ok=True, detail=f"{waiting} wait to be decided or published")
    if decided:
        detail = f"{decided.phase}, {decided.topology}, decided {decided.at:%Y-%m-%d %H:%M} UTC by {decided.by}"
        yield Check(name="phase", ok=True, detail=detail)


def _pack(settings: Settings, plugs: Plugs, now: datetime) -> Iterator[Check]:
    current = releases.current()
    kept = current is not None and releases.get(current.release).kept
    files = releases.files(current.release) if current is not None and kept else {}
    yield from _folder(settings, files)
    with shelf.laid_out(files) if files else contextlib.nullcontext(settings.pack) as folder:
        report = pack_check.check(folder, skills=plugs.skills, today=now.date())
    wrong = [*(str(each) for each in report.errors), *(each.name for each in report.proofs if not each.holds)]
    name = report.pack.profile.name if report.pack else settings.pack.name
    yield Check(name="pack", ok=report.ok, detail=wrong[0] if wrong else f"{name} is sound")
    if report.pack is not None:
        if phases.current() is None:
            standing = f"{report.pack.profile.phase}, {report.pack.profile.topology}, as the pack says"
            yield Check(name="phase", ok=True, detail=standing)
        due = [each for each in report.warnings if each.file.startswith("knowledge/")]
        yield Check(name="knowledge", ok=True, detail=f"{len(due)} pages past their review date")


def _published(settings: Settings) -> Iterator[Check]:
    """Say what was found of the pack when it was published."""
    current = releases.current()
    if current is None:
        return
    release = releases.get(current.release)
    yield from _folder(settings, releases.files(current.release) if release.kept else {})
    yield Check(
        name="pack", ok=True, detail=f"{release.pack} is {release.checked}" if release.checked else release.pack
    )


def _folder(settings: Settings, served: Files) -> Iterator[Check]:
    """Say whether the folder has changes that nobody is served; one of another business is not asked about."""
    try:
        files = shelf.snapshot(settings.pack)
    except PackError as error:
        yield Check(name="folder", ok=True, detail=f"{settings.pack} cannot be read: {error}")
        return
    if not served or business(files) != business(served):
        return
    changed = changes(served, files)
    fix = f"propose them with `caseward release propose {settings.pack} --reason ...`"
    detail = f"{len(changed)} files of {settings.pack} differ from what is served; {fix}" if changed else "as served"
    yield Check(name="folder", ok=True, detail=detail)


def _backlog(now: datetime) -> Iterator[Check]:
    seen = figures.read()
    waiting = now - seen.unanswered_since if seen.unanswered_since else timedelta()
    minutes = int(waiting.total_seconds() // 60)
    yield Check(
        name="backlog", ok=True, detail=f"longest unanswered message: {minutes} min" if minutes else "no backlog"
    )
    asked = seen.approvals.get(ApprovalState.OPEN, 0)
    yield Check(name="approvals", ok=True, detail=f"{asked} waiting for a person")
    tasks = effects.count()
    unknown, failed = tasks.get("unknown", 0), tasks.get("failed", 0)
    yield Check(name="tasks", ok=not unknown, detail=f"{unknown} with an unknown outcome, {failed} failed")
    yield _outbox(now)


def _outbox(now: datetime) -> Check:
    """Say how words to contacts are on their way; those of which nobody knows whether they went out are not well."""
    words = outbox.count()
    waiting, held, unknown = (
        words.get("queued", 0) + words.get("running", 0),
        words.get("held", 0),
        words.get("unknown", 0),
    )
    failed = outbox.failed_since(now - timedelta(days=1))
    told = [f"{waiting} waiting", f"{held} held", f"{failed} failed in a day"]
    if unknown:
        told.append(f"{unknown} with an unknown outcome")
    return Check(name="outbox", ok=not unknown, detail=", ".join(told))
