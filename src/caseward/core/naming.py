"""What the team calls what is kept as codes: states, roles, lanes, facts, actors. In the console and in its lanes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from caseward.core.case import CaseStatus
from caseward.core.facts import NUMBERS, FactKind
from caseward.core.pack import Pack
from caseward.core.roles import Role

STATUS: Mapping[CaseStatus, tuple[str, str]] = {
    CaseStatus.NEW: ("New", "info"),
    CaseStatus.OPEN: ("Open", "info"),
    CaseStatus.WAITING_CUSTOMER: ("Waiting on customer", ""),
    CaseStatus.WAITING_APPROVAL: ("Needs approval", "warn"),
    CaseStatus.WAITING_EXECUTION: ("Being carried out", "info"),
    CaseStatus.PENDING_VERIFICATION: ("Pending verification", "warn"),
    CaseStatus.RESOLVED: ("Resolved", "ok"),
    CaseStatus.CLOSED: ("Closed", ""),
}
"""Status → words and the level they are drawn in."""

ROLES: Mapping[str, str] = {
    Role.COACH: "Coach",
    Role.AGENT: "Agent",
    Role.OPS_LEAD: "Ops lead",
    Role.ON_CALL: "On call",
    Role.ADMIN: "Administrator",
}

AGENTS: Mapping[str, str] = {
    "A": "Decision",
    "B": "Frontline",
    "C": "Operations",
    "D": "Review",
    "E": "Knowledge",
    "F": "Templates",
    "contact": "Customer",
    "customer": "Customer",
    "desk": "Desk",
    "house": "Desk",
    "phone": "Phone",
    "policy": "Policy",
}
"""Actors that are not people, by what they do."""

CHANNELS: Mapping[str, str] = {"webchat": "Web chat", "web_chat": "Web chat", "chat": "Web chat", "email": "E-mail",
                                "whatsapp": "WhatsApp"}  # fmt: skip

NOBODY = "Unknown contact"
"""How somebody not identified is called."""
LANGUAGE = "en"
"""The console's own language; what customers read is in theirs."""


def status(value: CaseStatus) -> tuple[str, str]:
    """Return a status in words, and its level."""
    return STATUS[value]


def channel(name: str) -> str:
    """Return a channel's name in words."""
    return CHANNELS.get(name, humane(name))


def who(actor: str, names: Mapping[str, str]) -> str:
    """Return an actor's name: a person as they gave it, an agent by what it does."""
    return names.get(actor) or AGENTS.get(actor) or actor


def everybody(actors: Sequence[str], names: Mapping[str, str]) -> str:
    """Return several actors by name: `Ana, Budi and Citra`."""
    told = [who(actor, names) for actor in actors]
    return " and ".join([", ".join(told[:-1]), told[-1]] if len(told) > 1 else told)


def lane(pack: Pack, name: str) -> str:
    """Return a lane's title."""
    found = pack.profile.lanes.get(name)
    return found.title if found else humane(name)


def deciders(pack: Pack, name: str) -> str:
    """Return who may decide in a lane, in words: `Coach or ops lead`."""
    found = pack.profile.lanes.get(name)
    titles = [ROLES.get(role, humane(role)) for role in found.roles] if found else []
    text = " or ".join(titles).lower()
    return text[:1].upper() + text[1:] if text else "Nobody here"


def handed_on(pack: Pack, name: str) -> str:
    """Return who decides what the people of a lane escalate: `Ops lead is asked`, or `It stays with the coach`."""
    lane = pack.profile.lanes.get(name)
    above = lane.escalates_to if lane else pack.policy.lanes[-1]
    if above not in ("", name):
        return f"{deciders(pack, above)} is asked"
    return f"It stays with the {deciders(pack, name).lower()}"


def matter(pack: Pack, intent: str) -> str:
    """Return what a case is about."""
    found = pack.intents.get(intent)
    if found is None:
        return humane(intent) if intent else "Not understood yet"
    return found.title.get(LANGUAGE) or next(iter(found.title.values()), humane(intent))


def fact_name(name: str) -> str:
    """Return a fact's name as a label."""
    return humane(name)


def fact_value(pack: Pack, name: str, value: Any) -> str:
    """Return a fact's value with its unit."""
    if isinstance(value, bool):
        return "Yes" if value else "No"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(sorted(map(str, value))) or "None"
    spec = pack.policy.facts.get(name)
    if spec and spec.kind is FactKind.INTEGER:
        return f"{value} {spec.unit}".strip()
    if spec and spec.kind in NUMBERS and isinstance(value, int):
        return spec.show(value)
    return humane(str(value)) if isinstance(value, str) else str(value)


def humane(code: str) -> str:
    """Return `waiting_customer` as `Waiting customer`."""
    text = code.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def instant(value: Any) -> datetime | None:
    """Return an instant kept as text in JSON, or None."""
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None


def local(at: datetime, zone: ZoneInfo, *, now: datetime, seconds: bool = False) -> str:
    """Return `16:20`, with the date when it is not today and the year when it is not this one."""
    there, today = at.astimezone(zone), now.astimezone(zone)
    text = there.strftime("%H:%M:%S" if seconds else "%H:%M")
    if there.date() == today.date():
        return text
    day = f"{there.day} {there:%b}" + (f" {there.year}" if there.year != today.year else "")
    return f"{day} {text}"
