"""How the systems outside are: counted by what they answer, or said by a person."""

from __future__ import annotations

from collections.abc import Mapping

from caseward.desk import tools
from caseward.store import log, running

FAILURES = 3
"""Failures in a row after which a system counts as degraded."""
AUTO = "auto"


def note(system: str, *, ok: bool, why: str = "") -> None:
    """Count an answer or a failure of a system; what a person declared is theirs to end."""
    known = running.systems().get(system)
    if ok:
        if known is not None and known.failures and known.by == AUTO:
            _set(system, degraded=False, why="", failures=0, was=known.degraded)
        return
    failures = (known.failures if known else 0) + 1
    if known is not None and known.degraded:
        running.count_failures(system, failures)
        return
    _set(system, degraded=failures >= FAILURES, why=why, failures=failures, was=False)


def listen(heard: Mapping[str, str]) -> None:
    """Count what the systems that were just asked said: an empty reason is an answer."""
    for system, why in heard.items():
        note(system, ok=not why, why=why)


def declare(system: str, *, degraded: bool, why: str, by: str) -> None:
    """Record that a person declares a system unhealthy, or healthy again."""
    running.set_health(system, degraded=degraded, why=why, by=by, now=tools.now())
    log.append("health", by, {"system": system, "degraded": degraded, "why": why}, at=tools.now())


def _set(system: str, *, degraded: bool, why: str, failures: int, was: bool) -> None:
    running.set_health(system, degraded=degraded, why=why, by=AUTO, now=tools.now(), failures=failures)
    if degraded != was:
        log.append("health", AUTO, {"system": system, "degraded": degraded, "why": why}, at=tools.now())
