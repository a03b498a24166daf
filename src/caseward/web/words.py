"""The console's words for what the store keeps as codes: those of the whole team (core/naming.py), and its own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from babel import Locale, UnknownLocaleError

from caseward.core.approval import in_lane
from caseward.core.masking import masked_address as masked_address
from caseward.core.masking import masked_email as masked_email
from caseward.core.masking import masked_name as masked_name
from caseward.core.masking import masked_number as masked_number
from caseward.core.naming import AGENTS as AGENTS
from caseward.core.naming import CHANNELS as CHANNELS
from caseward.core.naming import LANGUAGE as LANGUAGE
from caseward.core.naming import NOBODY as NOBODY
from caseward.core.naming import ROLES as ROLES
from caseward.core.naming import STATUS as STATUS
from caseward.core.naming import channel as channel
from caseward.core.naming import deciders as deciders
from caseward.core.naming import everybody as everybody
from caseward.core.naming import fact_name as fact_name
from caseward.core.naming import fact_value as fact_value
from caseward.core.naming import handed_on as handed_on
from caseward.core.naming import humane as humane
from caseward.core.naming import instant as instant
from caseward.core.naming import lane as lane
from caseward.core.naming import matter as matter
from caseward.core.naming import status as status
from caseward.core.naming import who as who
from caseward.core.pack import Pack
from caseward.packs import wording
from caseward.store.people import Person

SHOWN = 3
"""Values of a list that a line shows."""


def lanes_of(pack: Pack, person: Person) -> tuple[str, ...]:
    """Return the lanes in which a person may decide."""
    return tuple(name for name, lane in pack.profile.lanes.items() if in_lane(lane, person.id, person.role))


def woken(triggers: Sequence[str]) -> str:
    """Return by what a person was woken: `Woken by somebody unsafe`; empty for nothing."""
    return f"Woken by {', '.join(humane(each.replace('-', '_')).lower() for each in triggers)}" if triggers else ""


def language(code: str) -> str:
    """Return a language's English name."""
    try:
        return Locale.parse(code).get_language_name(LANGUAGE) or code
    except (UnknownLocaleError, ValueError):
        return code or "No language"


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


def role(name: str) -> str:
    """Return what a person is in the house, in words."""
    said = ROLES.get(name) or humane(name)
    return said[:1].upper() + said[1:]
