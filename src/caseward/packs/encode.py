"""A policy as formulas: what core's `decide` answers, for all questions at once.

`decide` is the one truth. What is here says the same in another form: `tests/property/test_prover.py` shows that they
agree, and whoever finds a case here asks `decide` about it (`packs/solve.py`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import z3

from caseward.core.conditions import OPERATORS, All, Condition, Not, Test
from caseward.core.facts import Value
from caseward.core.policy import Decision, Grant, Hold, Policy, Tier
from caseward.packs.inputs import Inputs, Term, all_of, any_of, negated, true_in, unlike

V = TypeVar("V")


@dataclass(frozen=True, slots=True, kw_only=True)
class Matches:
    """Which rules match, and what tier that makes."""

    sure: tuple[Term, ...]
    """Rule by rule: it surely matches."""
    may: tuple[Term, ...]
    """Rule by rule: it matches or might."""
    above: tuple[Term, ...]
    """Tier by tier, and one beyond: a rule of this tier or a higher one surely matches."""
    tier: Mapping[Tier, Term]

    @property
    def any(self) -> Term:
        """Some rule surely matches."""
        return self.above[0]

    def asked(self, tier: Tier) -> Term:
        """Return when the matrix is asked about `tier`: it may turn out to be that one."""
        reached = any_of(self.tier[each] for each in Tier if each >= tier)
        return all_of((reached, negated(self.above[tier + 1])))


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """What the rows of a matrix ask for."""

    spoken: Term
    """For every tier that is asked about a row surely speaks."""
    rows: Sequence[tuple[Grant, Term]]
    """Each row with when it speaks or might."""

    def lanes(self, policy: Policy) -> list[tuple[str, Term]]:
        """Return the lanes that must consent, each with when."""
        return [(policy.lanes[-1], negated(self.spoken)), *((row.lane, speaks) for row, speaks in self.rows)]

    def silent(self) -> Term:
        """Return when the rows let it go out by itself, whatever the lane."""
        return all_of((self.spoken, *(negated(speaks) for row, speaks in self.rows if not row.auto_send)))

    def most(self, name: str, otherwise: int, inputs: Inputs) -> Mapping[int, Term]:
        """Return the highest that any row asks for of needs, confidence or hold_seconds."""
        asked = [(getattr(row, name), speaks) for row, speaks in self.rows]
        return first(sorted(asked, key=_value, reverse=True), otherwise, inputs)

    def soonest(self, inputs: Inputs) -> Mapping[int | None, Term]:
        """Return the earliest expiry that any row asks for."""
        asked = [(row.expires_minutes, speaks) for row, speaks in self.rows if row.expires_minutes is not None]
        return first(sorted(asked, key=_value), None, inputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """What a policy decides: the fields of a Decision, as formulas over the inputs.

    Of a mapping exactly one value holds; any number of `holds`, `missing` and `break_glass`.
    """

    policy: Policy
    matches: Matches
    consent: Consent
    tier: Mapping[Any, Term]
    approval: Mapping[Any, Term]
    auto_send: Mapping[Any, Term]
    executor: Mapping[Any, Term]
    hold: Mapping[Any, Term]
    needs: Mapping[Any, Term]
    confidence: Mapping[Any, Term]
    hold_seconds: Mapping[Any, Term]
    expires_minutes: Mapping[Any, Term]
    holds: Mapping[Any, Term]
    missing: Mapping[Any, Term]
    break_glass: Mapping[Any, Term]

    def keeps(self, then: Condition) -> Term:
        """Return when the decision is as `then`, the second half of a promise, says."""
        if isinstance(then, Test):
            name, shown = OUTCOME[then.fact]
            wanted = OPERATORS[then.operator]
            return any_of(term for value, term in getattr(self, name).items() if wanted(shown(value), then.value))
        if isinstance(then, Not):
            return negated(self.keeps(then.part))
        return (all_of if isinstance(then, All) else any_of)(self.keeps(part) for part in then.parts)

    def differs(self, other: Meaning, fields: Iterable[str]) -> Term:
        """Return when the other policy's decision is another one in any of those fields."""
        return any_of(
            unlike(mine.get(value, False), theirs.get(value, False))
            for name in fields
            for mine, theirs in [(getattr(self, name), getattr(other, name))]
            for value in {**mine, **theirs}
        )

    def answers(self, decision: Decision, fields: Iterable[str]) -> Term:
        """Return when the decision is like this one in those fields, each of which has one value."""
        return all_of(getattr(self, name).get(getattr(decision, name), False) for name in fields)

    def read(self, model: z3.ModelRef) -> Decision:
        """Return the decision of a model."""
        rules = list(zip(self.policy.rules, self.matches.sure, self.matches.may, strict=True))
        sure = [rule for rule, surely, _may in rules if true_in(model, surely)]
        listed = {
            name: [value for value, term in getattr(self, name).items() if true_in(model, term)] for name in LISTS
        }
        return Decision(
            **{
                name: next(value for value, term in getattr(self, name).items() if true_in(model, term))
                for name in ANSWERS
            },
            rules=tuple(rule.id for rule in sorted(sure, key=lambda rule: -rule.tier)),
            possible=tuple(rule.id for rule, _surely, may in rules if rule not in sure and true_in(model, may)),
            release=self.policy.release,
            holds=frozenset(listed["holds"]),
            missing=tuple(listed["missing"]),
            break_glass=tuple(listed["break_glass"]),
        )


LISTS = ("holds", "missing", "break_glass")
ANSWERS = tuple(each.name for each in fields(Meaning) if each.name not in ("policy", "matches", "consent", *LISTS))
"""Fields of a decision with one value each."""
FIELDS = (*ANSWERS, *LISTS)
"""All that counts of a decision: which rules led there does not."""
OUTCOME: Mapping[str, tuple[str, Callable[[Any], Value]]] = {
    "tier": ("tier", str),
    "lane": ("approval", str),
    "auto_send": ("auto_send", bool),
    "executes": ("executor", bool),
    "hold": ("hold", lambda hold: str(hold or "none")),
    "needs": ("needs", int),
    "hold_seconds": ("hold_seconds", int),
}
"""What promises speak of (`core.invariant.outcome`) → field of a decision, and how they name its values."""


def meaning(policy: Policy, inputs: Inputs, *, without: Sequence[Term] = ()) -> Meaning:
    """Translate `policy`. `without` says rule by rule when it is not there; left out, all always are."""
    matches = _matches(policy, inputs, without)
    missing, lacking = _missing(policy, matches, inputs)
    holds: dict[Hold, Term] = {
        hold: any_of(may for rule, may in zip(policy.rules, matches.may, strict=True) if rule.hold is hold)
        for hold in Hold
    }
    holds[Hold.MISSING] = any_of((holds[Hold.MISSING], lacking))
    hold = first(((each, holds[each]) for each in Hold), None, inputs)

    consent = ask(policy, inputs, matches.asked)
    woken = [(trigger, inputs.truth(trigger.when)[1]) for trigger in policy.triggers]
    lanes = consent.lanes(policy) + [(trigger.lane, may) for trigger, may in woken]
    lanes += [(rule.lane, may) for rule, may in zip(policy.rules, matches.may, strict=True) if rule.lane]
    approval = strongest(lanes, policy, inputs)
    aloud = [may for rule, may in zip(policy.rules, matches.may, strict=True) if not rule.auto_send]
    free = hold[None]
    goes_out = inputs.named(all_of((consent.silent(), approval[policy.lanes[0]], free, negated(any_of(aloud)))))
    runs = (
        all_of((sure, matches.tier[rule.tier]))
        for rule, sure in zip(policy.rules, matches.sure, strict=True)
        if rule.executes
    )
    executes = inputs.named(all_of((any_of(runs), free)))
    break_glass: dict[str, Term] = {}
    for trigger, may in woken:
        break_glass[trigger.id] = any_of((break_glass.get(trigger.id, False), may))
    return Meaning(
        policy=policy,
        matches=matches,
        consent=consent,
        tier=matches.tier,
        approval=approval,
        auto_send={True: goes_out, False: negated(goes_out)},
        executor={"operations": executes, None: negated(executes)},
        hold=hold,
        needs=consent.most("needs", 1, inputs),
        confidence=consent.most("confidence", 0, inputs),
        hold_seconds=consent.most("hold_seconds", 0, inputs),
        expires_minutes=consent.soonest(inputs),
        holds=holds,
        missing=missing,
        break_glass=break_glass,
    )


def ask(policy: Policy, inputs: Inputs, asked: Callable[[Tier], Term]) -> Consent:
    """Translate the matrix alone, where it is asked about the tiers for which `asked(tier)` holds."""
    rows: list[tuple[Grant, Term]] = []
    spoken = []
    for tier in Tier:
        wanted = inputs.named(asked(tier))
        surely = []
        for row in policy.matrix:
            if row.tier is tier:
                here = all_of((inputs.standing("phase", row.phases), inputs.standing("topology", row.topologies)))
                sure, may = inputs.truth(row.when)
                rows.append((row, inputs.named(all_of((wanted, here, may)))))
                surely.append(all_of((here, sure)))
        spoken.append(any_of((negated(wanted), *surely)))
    return Consent(spoken=inputs.named(all_of(spoken)), rows=rows)


def strongest(lanes: Iterable[tuple[str, Term]], policy: Policy, inputs: Inputs) -> Mapping[str, Term]:
    """Return the strongest of the lanes that are asked for."""
    ordered = sorted(lanes, key=lambda each: policy.lanes.index(each[0]), reverse=True)
    return dict.fromkeys(policy.lanes, False) | first(ordered, policy.lanes[0], inputs)


def first(options: Iterable[tuple[V, Term]], otherwise: V, inputs: Inputs) -> dict[V, Term]:
    """Return value → when it is the first one, in the order given, whose term holds; `otherwise` where none does."""
    found: dict[V, Term] = {}
    before: Term = False
    for value, terms in _grouped(options):
        here = inputs.named(any_of(terms))
        found[value] = inputs.named(all_of((here, negated(before))))
        before = inputs.named(any_of((before, here)))
    found[otherwise] = inputs.named(any_of((found.get(otherwise, False), negated(before))))
    return found


def _matches(policy: Policy, inputs: Inputs, without: Sequence[Term]) -> Matches:
    truths = [inputs.truth(rule.when) for rule in policy.rules]
    there = [negated(gone) for gone in without] or [True] * len(truths)
    sure = tuple(inputs.named(all_of((each, here))) for (each, _may), here in zip(truths, there, strict=True))
    may = tuple(inputs.named(all_of((each, here))) for (_sure, each), here in zip(truths, there, strict=True))
    above = tuple(
        inputs.named(any_of(each for rule, each in zip(policy.rules, sure, strict=True) if rule.tier >= tier))
        for tier in range(len(Tier) + 1)
    )
    tiers = [(rule.tier, each) for rule, each in zip(policy.rules, may, strict=True)]
    tiers = [(Tier.R3, negated(above[0])), *sorted(tiers, key=_value, reverse=True)]
    tier: dict[Tier, Term] = dict.fromkeys(Tier, False)
    return Matches(sure=sure, may=may, above=above, tier=tier | first(tiers, Tier.R3, inputs))


def _missing(policy: Policy, matches: Matches, inputs: Inputs) -> tuple[dict[str, Term], Term]:
    """Return fact → when it is missing, and when any is."""
    facts: dict[str, list[Term]] = defaultdict(list)
    lacking = []
    for rule, sure, may in zip(policy.rules, matches.sure, matches.may, strict=True):
        matters = True if rule.hold else negated(matches.above[rule.tier])
        unsettled = inputs.named(all_of((may, negated(sure), matters)))
        lacking.append(unsettled)
        for name in sorted(rule.when.names()):
            facts[name].append(all_of((unsettled, negated(inputs.known[name]))))
    return {name: inputs.named(any_of(facts[name])) for name in sorted(facts)}, inputs.named(any_of(lacking))


def _grouped(options: Iterable[tuple[V, Term]]) -> Iterator[tuple[V, list[Term]]]:
    groups: dict[V, list[Term]] = {}
    for value, term in options:
        groups.setdefault(value, []).append(term)
    yield from groups.items()


def _value(option: tuple[Any, Term]) -> int:
    return int(option[0])
