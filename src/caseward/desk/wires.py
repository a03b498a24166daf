"""The lines to the vendors: what was seen of them last, and when one counts as lost, so that others are told.

A line is lost when nobody was connected for a while who should be, or when nothing could be sent several times over.
"""

from __future__ import annotations

from datetime import timedelta

from caseward.core.events import Trouble
from caseward.desk import tools
from caseward.store import db, log, running, wires
from caseward.store.wires import Wire

AUTO = "auto"
LOST_AFTER = timedelta(minutes=5)
"""How long a connection may be away before its channel counts as lost."""
FAILURES = 5
"""Sendings in a row that failed, after which a channel counts as lost."""


def heard(channel: str) -> None:
    """Note that a vendor told us something."""
    wires.saw(channel, "heard", tools.now())


def acknowledged(channel: str) -> None:
    """Note that a vendor told us that something of ours arrived."""
    wires.saw(channel, "acknowledged", tools.now())


def sent(channel: str) -> None:
    """Note that a vendor took something from us; one that had taken nothing several times over is back."""
    wire = _states().get(channel)
    if wire is not None and wire.failures and wire.lost_at is not None:
        connected(channel)
    wires.saw(channel, "sent", tools.now())


def failed(channel: str, why: str) -> None:
    """Count that a vendor did not take something because it, or the way to it, is away."""
    if wires.failed(channel, why) == FAILURES:
        wires.lost(channel, why, tools.now() - LOST_AFTER)
        watch()


def connected(channel: str) -> None:
    """Note that a channel is connected; where it counted as lost, everybody hears that it is back."""
    now = tools.now()
    before = wires.connected(channel, now)
    db.current().pending.pop("wires", None)
    if before is None or before.lost_at is None or before.alarm_at is None:
        return
    minutes = int((now - before.lost_at).total_seconds() // 60)
    log.append("trouble", "house", {"channel": channel, "what": f"connected again after {minutes} minutes"}, at=now)
    _declare(channel, degraded=False, why="")


def disconnected(channel: str, why: str) -> None:
    """Note that a channel's connection is lost; it counts as lost once it stays away."""
    wires.lost(channel, why, tools.now())
    watch()


def lost(channel: str) -> bool:
    """Return whether a channel counts as lost, so that what is to be said there goes another way."""
    return _is_lost(_states().get(channel))


def watch() -> list[str]:
    """Declare channels degraded that stay away, tell the team, and return which are newly so."""
    db.current().pending.pop("wires", None)
    now, fresh = tools.now(), []
    for name, wire in _states().items():
        if _is_lost(wire) and wire.alarm_at is None and wires.alarm(name, now):
            said = {"channel": name, "what": f"lost since {wire.lost_at:%Y-%m-%d %H:%M} UTC", "why": wire.error}
            log.append("trouble", "house", said, at=now)
            _declare(name, degraded=True, why=wire.error)
            fresh.append(name)
    return fresh


def trouble(event: Trouble) -> None:
    """Record that a vendor reports a fault of its own, and tell the team."""
    said = {"channel": event.channel, "code": event.code, "what": event.text}
    log.append("trouble", "house", said, at=tools.now())
    wires.complained(event.channel, f"{event.code}: {event.text}")
    tools.announce("alarm", f"channel:{event.channel}")


def _declare(channel: str, *, degraded: bool, why: str) -> None:
    """Say how the channel is, unless a person said so; and have the team's lanes show it."""
    tools.announce("alarm", f"channel:{channel}")
    known, now = running.systems().get(channel), tools.now()
    if known is not None and known.by != AUTO and known.degraded:
        return
    if (known is not None and known.degraded) != degraded:
        log.append("health", AUTO, {"system": channel, "degraded": degraded, "why": why}, at=now)
    running.set_health(channel, degraded=degraded, why=why, by=AUTO, now=now)


def _states() -> dict[str, Wire]:
    held = db.current().pending
    if "wires" not in held:
        held["wires"] = dict(wires.states())
    known: dict[str, Wire] = held["wires"]
    return known


def _is_lost(wire: Wire | None) -> bool:
    return wire is not None and wire.lost_at is not None and tools.now() - wire.lost_at >= LOST_AFTER
