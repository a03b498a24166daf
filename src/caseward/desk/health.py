"""How the systems outside are: counted by what they answer, or said by a person."""

from __future__ import annotations

from collections.abc import Mapping

from caseward.core.errors import BadInput, Refused
from caseward.core.roles import DECLARE_HEALTH
from caseward.core.text import clean
from caseward.desk import tools
from caseward.store import db, log, running

FAILURES = 3
"""Failures in a row after which a system counts as degraded."""
AUTO = "auto"
MAX_REASON = 500


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


def systems() -> Mapping[str, running.Health | None]:
    """Return the systems of the business and any other that was heard of; None for one that nothing was said about."""
    known = running.systems()
    return {name: known.get(name) for name in (*tools.pack().profile.systems, *known)}


def declare(system: str, *, degraded: bool, why: str, by: str, role: str) -> None:
    """Record that a person declares a system unhealthy, or healthy again; only a person ends what a person declared.

    Raises:
        Refused: the role does not look after systems. The attempt is logged whatever becomes of the transaction.
        BadInput: there is no such system, or no reason.
    """
    if role not in DECLARE_HEALTH:
        with db.apart():
            log.append("denied", by, {"effect": "health", "role": role, "system": system}, at=tools.now())
        raise Refused(f"the role {role.replace('_', ' ')} does not declare how systems are")
    if system not in systems():
        raise BadInput(f"there is no system {system!r}; there are {', '.join(systems())}")
    why = clean(why).strip()
    if not 0 < len(why) <= MAX_REASON:
        raise BadInput(f"reason: say why in 1 to {MAX_REASON} characters, for whoever reads it in the log")
    running.set_health(system, degraded=degraded, why=why, by=by, now=tools.now())
    log.append("health", by, {"system": system, "degraded": degraded, "why": why, "role": role}, at=tools.now())
    tools.announce("alarm", f"system:{system}")


def _set(system: str, *, degraded: bool, why: str, failures: int, was: bool) -> None:
    running.set_health(system, degraded=degraded, why=why, by=AUTO, now=tools.now(), failures=failures)
    if degraded != was:
        log.append("health", AUTO, {"system": system, "degraded": degraded, "why": why}, at=tools.now())
        tools.announce("alarm", f"system:{system}")
