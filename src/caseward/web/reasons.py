"""Why a decision is what it is, in the words that pages print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from caseward.core import explain as core
from caseward.core.changes import Found
from caseward.core.explain import Explanation, Matched, Unmatched
from caseward.core.facts import NUMBERS, FactKind, FactSpec, Value
from caseward.core.pack import Pack
from caseward.core.policy import Hold, Policy, Rule, Tier
from caseward.core.telling import Tongue, demands, either, joined
from caseward.web import words

NO_CHANGE = "No change of up to three facts leads there"
NOT_FOUND = "No change was found; there are too many to try them all"


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """A line of a rule, and the value that met it."""

    says: str
    value: str
    """Empty where the line says it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleShown:
    """A rule with what it says, and why it matches or what would make it match."""

    id: str
    tier: Tier
    because: str
    source: str
    also: str
    """What it asks for beside its tier."""
    met: Sequence[Met] = ()
    ways: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A name and what is said of it."""

    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Otherwise:
    """Another tier, or going out by itself, and the changes that lead there."""

    tier: Tier | None
    changes: Sequence[str]
    """Each is enough; without one, what is said instead."""
    found: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Reasons:
    """Everything that the templates print about one decision."""

    tier: Tier
    consent: str
    hold: str
    runs: bool
    """Whether operations may run the task once consent is given."""
    matched: Sequence[RuleShown]
    possible: Sequence[RuleShown]
    near: Sequence[RuleShown]
    missing: Sequence[Pair]
    asked: Sequence[str]
    """What asks for that consent."""
    stops: Sequence[str]
    """What keeps it from going out by itself; empty when it goes."""
    settings: str
    """Where it would, on the same facts."""
    alone: Otherwise
    another: Sequence[Otherwise]


def tongue(policy: Policy) -> Tongue:
    """Return the console's way to write facts and values in a sentence."""
    return Tongue(facts=policy.facts, name=in_words, show=show)


def in_words(name: str) -> str:
    """Return a fact's name as it stands in a sentence: `minutes to session`."""
    return name.replace("_", " ")


def show(spec: FactSpec, value: Value) -> str:
    """Return a value as it stands in a sentence: `yes`, `60 minutes`, `calendar and payments`."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, frozenset):
        return joined(name.replace("_", " ") for name in spec.values if name in value) or "nothing"
    if spec.kind is FactKind.INTEGER:
        return f"{value} {spec.unit}".strip()
    return spec.show(value) if spec.kind in NUMBERS else str(value).replace("_", " ")


def reasons(pack: Pack, policy: Policy, told: Explanation) -> Reasons:
    """Return an explanation in words; lanes have the titles that `pack` gives them."""
    say, decision = tongue(policy), told.decision
    unmatched = partial(_unmatched, say)
    return Reasons(
        tier=decision.tier,
        consent=_consent(pack, told),
        hold=joined(words.humane(hold).lower() for hold in Hold if hold in decision.holds),
        runs=decision.executor is not None,
        matched=[_matched(say, each) for each in told.matched],
        possible=[unmatched(each) for each in sorted(told.possible, key=lambda each: -each.rule.tier)],
        near=[unmatched(each) for each in told.near],
        missing=[Pair(label=words.fact_name(each.fact), text=policy.facts[each.fact].because) for each in told.missing],
        asked=[say.asks(each) for each in told.asked],
        stops=list(_stops(pack, told)),
        settings=either([f"{phase}, {topology}" for phase, topology in told.alone.settings]),
        alone=_otherwise(say, None, told.alone.found),
        another=[_otherwise(say, each.tier, each.found) for each in told.another],
    )


def _consent(pack: Pack, told: Explanation) -> str:
    decision = told.decision
    if decision.auto_send:
        return "Goes out by itself"
    if not told.asked:
        return "Nobody is asked"
    people = f", {decision.needs} people" if decision.needs > 1 else ""
    return f"Consent: {words.lane(pack, decision.approval)}{people}"


def _stops(pack: Pack, told: Explanation) -> Iterator[str]:
    said = {
        "hold": f"It is held: {words.humane(told.decision.hold or '').lower()}",
        "lane": f"{words.lane(pack, told.decision.approval)} must consent",
        "rule": f"{joined(told.alone.rules)} says that nothing goes out by itself",
        "row": f"The approval matrix does not let {told.decision.tier} go",
    }
    yield from (said[name] for name in told.alone.stops)


def _matched(say: Tongue, told: Matched) -> RuleShown:
    return _rule(told.rule, met=[_line(say, met) for met in told.met])


def _line(say: Tongue, met: core.Met) -> Met:
    says, value = say.line(met.line), say.value(met.line.fact, met.value)
    return Met(says=_sentence(says), value="" if says.endswith(f" is {value}") else value)


def _unmatched(say: Tongue, told: Unmatched) -> RuleShown:
    return _rule(told.rule, ways=[_sentence(joined(map(say.needed, needs))) for needs in told.ways])


def _rule(rule: Rule, *, met: Sequence[Met] = (), ways: Sequence[str] = ()) -> RuleShown:
    return RuleShown(
        id=rule.id,
        tier=rule.tier,
        because=rule.because,
        source=rule.source,
        also=_sentence(demands(rule)),
        met=met,
        ways=ways,
    )


def _otherwise(say: Tongue, tier: Tier | None, found: Found) -> Otherwise:
    changes = [_sentence(joined(map(say.changed, each))) for each in found.changes]
    return Otherwise(
        tier=tier, changes=changes or [NO_CHANGE if found.complete else NOT_FOUND], found=bool(found.changes)
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
