"""Whether the places of a pack's words can be filled: each `{value}` is known to whoever says the words.

A place that nothing fills would be found when a contact waits for the reply; here it is found before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from string import Formatter

from caseward.core.declared import TOLD
from caseward.core.errors import PackError
from caseward.core.pack import Intent, Pack, Plan, Template
from caseward.packs import wording
from caseward.packs.places import Places
from caseward.packs.schema import did_you_mean
from caseward.packs.yamlfile import Place

COURTESIES: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(("acknowledgement", "degraded", "identity-locked", "stalled"), ("promise_time",)),
    **dict.fromkeys(("closing", "declined", "greeting", "identity-mismatch", "identity-request", "reopened"), ()),
    **dict.fromkeys(("message-too-long", "message-unreadable", "rating-request", "rating-thanks", "thanks"), ()),
    "continues-by-email": ("masked_email",),
    "formal-verification": ("reference",),
    "person-takes-over": ("case", "language", "promise_time", "reference", "tier"),
}
"""Template that the desk says by name → the values it always has then, beside the business's name."""
ALWAYS = ("business", "case", "exception", "language", "promise_time", "reference", "tier")
"""Values that every plan has."""
PERHAPS = ("answer", "article", "choice", "name", "slot", "slots")
"""Values that a plan has where they are known; a plan whose words need one that is not gives way to a person."""


def check(pack: Pack, places: Places) -> Iterator[PackError]:
    """Yield braces that are no place, and places that nobody fills."""
    for template in pack.templates.values():
        yield from _braces(template, places)
    plans = [plan for intent in pack.intents.values() for plan in intent.plans]
    said = dict(COURTESIES)
    said |= {plan.acknowledge: ("promise_time",) for plan in plans if plan.acknowledge}
    said |= {plan.ask: ("options",) for plan in plans if plan.ask}
    for name, values in said.items():
        if name in pack.templates:
            yield from _filled(pack.templates[name], {*values, "business"}, places)
    for intent in pack.intents.values():
        known = _known(pack, intent)
        if known is None:
            continue
        for i, plan in enumerate(intent.plans):
            for part in ("template", "failed"):
                said_here = pack.templates.get(getattr(plan, part))
                if said_here is not None:
                    yield from _filled(said_here, known | {*(plan.says if part == "template" else ())}, places)
            for at, name in _named(plan):
                if name not in known:
                    message, fix = f"nothing that it reads is called {name!r}", did_you_mean(name, known)
                    yield places.entry("intents.yaml", intent.id, message, at=("plans", i, *at), fix=fix)


def _braces(template: Template, places: Places) -> Iterator[PackError]:
    for language, text in template.text.items():
        rest = wording.PLACE.sub("", text)
        if "{" in rest or "}" in rest:
            message, fix = f"{language} has a brace that is no place", "write places as {value}: lower case, no spaces"
            yield places.error(f"templates/{template.id}.yaml", message, at=("text", language), fix=fix)


def _filled(template: Template, known: Set[str], places: Places) -> Iterator[PackError]:
    for language, names in wording.places(template).items():
        for name in sorted(names - known):
            message, fix = f"nothing fills the place {name!r} where this is said", did_you_mean(name, known)
            yield places.error(f"templates/{template.id}.yaml", message, at=("text", language), fix=fix)


def _known(pack: Pack, intent: Intent) -> set[str] | None:
    """Return the names that the plans of an intent may use, None where a system it reads from does not say them."""
    known = {*ALWAYS, *PERHAPS, *pack.entities}
    for name in intent.reads:
        skill = pack.skills.get(name)
        if skill is not None and skill.reads is not None:
            look = skill.reads
            known |= {*look.values, *look.lists, *look.otherwise, *filter(None, (look.found, look.count))}
        elif name in TOLD:
            known |= {*TOLD[name]}
        else:
            return None
    return known


def _named(plan: Plan) -> Iterator[tuple[Place, str]]:
    """Yield where a plan names a value, and the name."""
    for name in plan.when:
        yield ("when", name), name
    for part, named in (("args", plan.args), ("says", plan.says)):
        for name, value in named.items():
            yield (part, name), value
    for part in ("key", "summary"):
        for name in _fields(getattr(plan, part)):
            yield (part,), name


def _fields(text: str) -> list[str]:
    """Return the names of a text's places; none where they cannot be told, which is named elsewhere."""
    try:
        return [name for _before, name, _spec, _conversion in Formatter().parse(text) if name]
    except ValueError:
        return []
