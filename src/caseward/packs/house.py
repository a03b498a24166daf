"""What the desk itself relies on: the facts it fills, the intents it knows by name, the proofs it asks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from caseward.core.case import IdentityState
from caseward.core.contrast import READABLE, is_colour, ratio
from caseward.core.errors import PackError
from caseward.core.facts import FactKind
from caseward.core.pack import Pack
from caseward.core.understanding import UNCLEAR
from caseward.packs.places import Places
from caseward.packs.schema import did_you_mean

SETTLED = (
    *("published_answer", "account_specific", "transactional", "insists_unverified", "knowledge_contradiction"),
    "attachment",
)
"""Yes-or-no facts that the desk fills."""
OWN = ("email", "phone")
ON_ACCENT: Mapping[str, str] = {"light": "#FFFFFF", "dark": "#141417"}
"""Theme → what is written in on the chat's accent."""


def check(pack: Pack, places: Places) -> Iterator[PackError]:
    """Yield where the pack gives a name of the house another meaning than the desk will give it."""
    if UNCLEAR not in pack.intents:
        fix = f"add an intent {UNCLEAR!r}, whose plan has a person take over"
        yield PackError("what nobody understands has no intent", file="intents.yaml", fix=fix)
    yield from _facts(pack, places)
    for i, name in enumerate(pack.profile.identity.fields):
        at = ("identity", "fields", i)
        if name not in OWN and name not in pack.entities and name != "invoice":
            fix = did_you_mean(name, (*OWN, *pack.entities))
            yield places.error("pack.yaml", f"no message is known to name {name!r}", at=at, fix=fix)
    yield from _chat(pack, places)
    if not pack.profile.identity.fields:
        yield places.error("pack.yaml", "nobody could prove who they are", at=("identity",), fix="name a field")
    for name in pack.profile.identity.match:
        if name not in pack.profile.identity.fields:
            fix = did_you_mean(name, pack.profile.identity.fields)
            yield places.error("pack.yaml", f"{name!r} is not asked for", at=("identity", "match", name), fix=fix)


def _chat(pack: Pack, places: Places) -> Iterator[PackError]:
    for theme, colour in pack.profile.chat.accent.items():
        at, on = ("chat", "accent", theme), ON_ACCENT[theme]
        if not is_colour(colour):
            yield places.error("pack.yaml", f"{colour!r} is no colour", at=at, fix='write such as "#3B4CC0"')
        elif ratio(colour, on) < READABLE:
            message = f"{on} on {colour} has a contrast of {ratio(colour, on):.1f}"
            fix = f"take a {'darker' if theme == 'light' else 'lighter'} one, with {READABLE} or more"
            yield places.error("pack.yaml", message, at=at, fix=fix)
    for language in pack.profile.chat.greeting:
        if language not in pack.profile.languages:
            fix = did_you_mean(language, pack.profile.languages)
            message = f"the business does not speak {language!r}"
            yield places.error("pack.yaml", message, at=("chat", "greeting", language), fix=fix)


def _facts(pack: Pack, places: Places) -> Iterator[PackError]:
    values: Mapping[str, tuple[FactKind, tuple[str, ...]]] = {
        "intent": (FactKind.ENUM, tuple(pack.intents)),
        "identity": (FactKind.ENUM, tuple(map(str, IdentityState))),
        "degraded": (FactKind.SET, pack.profile.systems),
        **dict.fromkeys(SETTLED, (FactKind.BOOL, ())),
    }
    for name, (kind, needed) in values.items():
        spec = pack.policy.facts.get(name)
        if spec is None:
            continue
        if spec.kind is not kind:
            message, fix = f"the desk fills this fact, as {kind}", f"write `kind: {kind}`, or rename the fact"
            yield places.error("facts.yaml", message, at=(name, "kind"), rule=name, fix=fix)
        lacking = [each for each in needed if each not in spec.values]
        if spec.kind is kind and lacking:
            message, fix = f"the desk may say {', '.join(lacking)}", "add to `values:`"
            yield places.error("facts.yaml", message, at=(name, "values"), rule=name, fix=fix)
