"""Whether the pack's safeguards are there at all: promises, detectors, the limits of the voice. A missing one is silent
at run time, where a wrong one would be seen."""

from __future__ import annotations

from collections.abc import Iterator

from caseward.core.conditions import Condition, Test
from caseward.core.errors import PackError
from caseward.core.facts import FactKind
from caseward.core.pack import Pack
from caseward.packs.house import SETTLED
from caseward.packs.places import Places
from caseward.packs.schema import did_you_mean


def check(pack: Pack, places: Places) -> Iterator[PackError]:
    """Yield the safeguards that are missing, and facts that cannot be."""
    for name in ("forbidden", "promises"):
        if not getattr(pack.voice, name):
            message = f"without `{name}` no reply is ever held back for its words"
            yield places.error("voice.yaml", message, fix=f"write `{name}:` with patterns for each language")
    for name, spec in pack.policy.facts.items():
        if spec.minimum is not None and spec.maximum is not None and spec.minimum > spec.maximum:
            fix = "exchange the two"
            yield places.error("facts.yaml", "its minimum is above its maximum", at=(name,), rule=name, fix=fix)
        if len(set(spec.values)) < len(spec.values):
            yield places.error("facts.yaml", "a value stands twice", at=(name, "values"), rule=name, fix="take one out")


def doubtful(pack: Pack, places: Places) -> Iterator[PackError]:
    """Yield the promises and detectors that one would expect and that are not there."""
    if not pack.invariants:
        message = "nothing is promised, and so nothing of this business's own is proved"
        fix = "say what must hold of every decision, whatever the facts"
        yield PackError(message, file="invariants.yaml", fix=fix)
    floors = {signal.floor for signal in pack.signals}
    for promise in pack.invariants:
        intent = _intent(promise.when)
        if intent and intent not in floors:
            message = f"this is promised of {intent!r}, which only the classifier tells and may miss"
            fix = f"add a signal with `floor: {intent}` to signals.yaml"
            yield places.entry("invariants.yaml", promise.id, message, at=("when",), fix=fix)
    yield from _unheld(pack, places)
    filled = {*SETTLED, *(signal.fact for signal in pack.signals)}
    filled |= {name for skill in pack.skills.values() if skill.reads for name in skill.reads.values}
    asked = {name for rule in pack.policy.rules for name in rule.when.names()}
    for name, spec in pack.policy.facts.items():
        if spec.kind is FactKind.BOOL and name in asked and name not in filled:
            message = "no signal and no reading fills this fact, so that it is never known"
            fix = f"add a signal with `fact: {name}`, or a reading with a value of that name"
            yield places.error("facts.yaml", message, at=(name,), rule=name, fix=fix)


def _unheld(pack: Pack, places: Places) -> Iterator[PackError]:
    """Yield kinds of record that are looked up and of which there is no sample, which is mostly a slip of the pen."""
    if not pack.records:
        return
    kinds = {*pack.records, *(each.kind for skill in pack.skills.values() if skill.writes for each in skill.writes.add)}
    for name, match in pack.profile.identity.match.items():
        if match.kind not in kinds:
            fix = did_you_mean(match.kind, kinds)
            yield places.error(
                "pack.yaml", f"no sample record is a {match.kind!r}", at=("identity", "match", name), fix=fix
            )
    for id, skill in pack.skills.items():
        look = skill.reads or skill.lists
        if look is not None and look.kind not in kinds:
            at, fix = ("reads" if skill.reads else "lists", "kind"), did_you_mean(look.kind, kinds)
            yield places.entry("skills.yaml", id, f"no sample record is a {look.kind!r}", at=at, fix=fix)


def _intent(when: Condition) -> str:
    """Return the intent that is all a condition asks for; empty when it asks for more."""
    alone = isinstance(when, Test) and (when.fact, when.operator) == ("intent", "is")
    return str(when.value) if isinstance(when, Test) and alone else ""
