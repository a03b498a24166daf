"""Words that a person need not type: the pack's templates, filled with what is known of a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caseward.core.case import Case
from caseward.core.errors import NotFound
from caseward.desk import tools
from caseward.packs import wording
from caseward.store import cases, contacts, context


@dataclass(frozen=True, slots=True, kw_only=True)
class Macro:
    """A template as it is offered for one case."""

    id: str
    fits: bool
    """Whether the pack answers matters of this kind with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A template's words with what is known in their places."""

    text: str
    missing: Sequence[str]
    """Places that stand open, as `{name}`: nothing is known, or not any more."""


def offered(case: Case) -> list[Macro]:
    """Return the approved templates that have words in the case's language, those for its matter first."""
    pack = tools.pack()
    language, intent = pack.language(case.language), pack.intents.get(case.intent)
    plans = intent.plans if intent is not None else ()
    own = {name for plan in plans for name in (plan.template, plan.ask, plan.failed, plan.acknowledge) if name}
    found = [
        Macro(id=each.id, fits=each.id in own)
        for each in pack.templates.values()
        if each.status == "approved" and language in each.text
    ]
    return sorted(found, key=lambda each: (not each.fits, each.id))


def fill(case: Case, template_id: str) -> Filled:
    """Return a template's words for a case in its language; raise NotFound for one that is not offered for it."""
    pack, now = tools.pack(), tools.now()
    if template_id not in {each.id for each in offered(case)}:
        raise NotFound(f"no template {template_id!r} is offered for case #{case.number}")
    language, template = pack.language(case.language), pack.template(template_id)
    known = {name: value for name, value in _values(case).items() if value is not None}
    places = wording.places(template)[language]
    printed = {
        name: wording.show(pack, name, known[name], language, now=now) if name in known else f"{{{name}}}"
        for name in places
    }
    return Filled(text=wording.fill(template.text[language], printed), missing=sorted(places - known.keys()))


def open_places(text: str) -> list[str]:
    """Return the places of the pack's templates that stand open in a text, in its order."""
    known = {
        name for each in tools.pack().templates.values() for found in wording.places(each).values() for name in found
    }
    return list(dict.fromkeys(name for name in wording.PLACE.findall(text) if name in known))


def _values(case: Case) -> Mapping[str, Any]:
    """Return what may be said of a case: what the systems said of its contact and still holds, and our own."""
    pack, now = tools.pack(), tools.now()
    contact = contacts.get(case.contact_id) if case.contact_id else None
    read = context.fresh(case.contact_id, now) if case.contact_id else {}
    values: dict[str, Any] = {}
    for reading in read.values():
        values |= {name: value for name, value in reading.values.items() if not isinstance(value, dict)}
    decided = cases.decision(case.id) or {}
    stated = (decided.get("understanding") or {}).get("entities") or {}
    values |= {kind: found[0] for kind, found in stated.items() if kind in pack.entities and len(found) == 1}
    return values | {
        "business": pack.profile.title,
        "case": case.number,
        "reference": f"#{case.number}",
        "name": contact.name.split()[0] if contact and contact.name else None,
    }
