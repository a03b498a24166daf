"""The console's words for what the store keeps as codes: states, lanes, facts, entries of the log."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from babel import Locale, UnknownLocaleError

from caseward.core.approval import in_lane
from caseward.core.case import CaseStatus
from caseward.core.facts import FactKind
from caseward.core.pack import Pack
from caseward.core.roles import Role
from caseward.packs import wording
from caseward.store.people import Person

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
    "policy": "Policy",
}
"""Actors that are not people, by what they do."""

CHANNELS: Mapping[str, str] = {"webchat": "Web chat", "web_chat": "Web chat", "chat": "Web chat", "email": "E-mail"}

SHOWN = 3
"""Values of a list that a line shows."""
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


def lanes_of(pack: Pack, person: Person) -> tuple[str, ...]:
    """Return the lanes in which a person may decide."""
    return tuple(name for name, lane in pack.profile.lanes.items() if in_lane(lane, person.id, person.role))


def woken(triggers: Sequence[str]) -> str:
    """Return by what a person was woken: `Woken by somebody unsafe`; empty for nothing."""
    return f"Woken by {', '.join(humane(each.replace('-', '_')).lower() for each in triggers)}" if triggers else ""


def deciders(pack: Pack, name: str) -> str:
    """Return who may decide in a lane, in words: `Coach or ops lead`."""
    found = pack.profile.lanes.get(name)
    titles = [ROLES.get(role, humane(role)) for role in found.roles] if found else []
    text = " or ".join(titles).lower()
    return text[:1].upper() + text[1:] if text else "Nobody here"


def matter(pack: Pack, intent: str) -> str:
    """Return what a case is about."""
    found = pack.intents.get(intent)
    if found is None:
        return humane(intent) if intent else "Not understood yet"
    return found.title.get(LANGUAGE) or next(iter(found.title.values()), humane(intent))


def language(code: str) -> str:
    """Return a language's English name."""
    try:
        return Locale.parse(code).get_language_name(LANGUAGE) or code
    except (UnknownLocaleError, ValueError):
        return code or "No language"


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
    return humane(str(value)) if isinstance(value, str) else str(value)


def humane(code: str) -> str:
    """Return `waiting_customer` as `Waiting customer`."""
    text = code.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def reading(pack: Pack, values: Mapping[str, Any], now: datetime) -> str:
    """Return what a system said, in a line: its values as people write them, without the ids."""
    return joined(_value(pack, name, value, now) for name, value in values.items() if not name.endswith("_id"))


def _value(pack: Pack, name: str, value: Any, now: datetime) -> str:
    if isinstance(value, list | tuple):
        shown = ", ".join(_value(pack, name, each, now) for each in value[:SHOWN])
        return f"{shown} and {len(value) - SHOWN} more" if len(value) > SHOWN else shown or "none"
    at = instant(value) if isinstance(value, str) and "T" in value else None
    text = wording.show(pack, "_at" if at else name, value, LANGUAGE, now=now)
    return text.capitalize() if text.isupper() and text.isalpha() and len(text) > SHOWN + 1 else text.replace("_", " ")


def joined(parts: Iterable[str]) -> str:
    """Return the parts that say something, with a middle dot between."""
    return " · ".join(part for part in parts if part)


def masked_number(number: str) -> str:
    """Return a number with only its country code and last four digits: `+62 ••• •••• 0147`."""
    digits = "".join(char for char in number if char.isdigit())
    if len(digits) < 7:
        return "•••" if number else ""
    code = f"+{digits[:2]} " if number.strip().startswith("+") else ""
    return f"{code}••• •••• {digits[-4:]}"


def masked_email(address: str) -> str:
    """Return an e-mail address with only its first letter and its domain."""
    name, _at, domain = address.partition("@")
    return f"{name[:1]}•••@{domain}" if domain else ""


def masked_name(name: str) -> str:
    """Return a name as initials."""
    return " ".join(f"{part[0]}•••" for part in name.split()) or ""


def instant(value: Any) -> datetime | None:
    """Return an instant kept as text in JSON, or None."""
    if isinstance(value, datetime):
        return value
    try:
        return datetime.fromisoformat(str(value))
    except ValueError:
        return None
