"""What could go wrong with a pack's policy, one slip at a time: a part lost, a demand weakened, a condition misread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeAlias, TypeVar

from caseward.core.conditions import OPERATORS_OF, All, Any, Condition, Not, Test
from caseward.core.facts import Facts, FactSpec, Value
from caseward.core.invariant import Invariant
from caseward.core.policy import Grant, Policy, Rule, Tier, Trigger

Specs: TypeAlias = Mapping[str, FactSpec]
Slips: TypeAlias = Iterator[tuple[str, Condition]]
"""What slipped, and the condition that came of it."""
P = TypeVar("P", Rule, Grant, Trigger)
OPPOSITE = {"is": "not", "not": "is", "lt": "gte", "gte": "lt", "lte": "gt", "gt": "lte"}
NARROWER = {"lt": -1, "lte": -1, "gt": 1, "gte": 1}
"""Comparison → which way its bound moves so that it holds for less."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """A policy with one slip in it."""

    kind: str
    """`rule`, `row` or `trigger`."""
    name: str
    """Which part, and what happened to it."""
    policy: Policy
    before: Condition
    """When the part speaks."""
    after: Condition | None
    """When it speaks now; None for a part that is lost."""
    demands: bool
    """Whether what it asks for has changed."""

    def touches(self, facts: Facts) -> bool:
        """Return whether the slip can change the decision on these facts."""
        before = self.before.truth(facts)
        if self.after is None or self.demands:
            return before is not False
        return self.after.truth(facts) is not before


@dataclass(frozen=True, slots=True, kw_only=True)
class Weakened:
    """A promise that promises less."""

    name: str
    promise: Invariant
    left: Invariant | None
    """What is left of it; None when it is lost."""


def mutants(policy: Policy) -> Iterator[Mutant]:
    """Yield the policy once for every slip in a rule, a row of the matrix, or a break-glass trigger."""
    for i, rule in enumerate(policy.rules):
        for what, mutated in _changed(rule, _of_rule(rule, policy), policy):
            changed = replace(policy, rules=_with(policy.rules, i, mutated))
            yield _mutant("rule", f"{rule.id}: {what}", changed, rule, mutated)
    for i, row in enumerate(policy.matrix):
        for what, mutated_row in _changed(row, _of_row(row, policy), policy):
            changed = replace(policy, matrix=_with(policy.matrix, i, mutated_row))
            yield _mutant("row", f"row {i + 1} ({row.tier}): {what}", changed, row, mutated_row)
    for i, trigger in enumerate(policy.triggers):
        for what, mutated_trigger in _changed(trigger, _of_trigger(trigger, policy), policy):
            changed = replace(policy, triggers=_with(policy.triggers, i, mutated_trigger))
            yield _mutant("trigger", f"{trigger.id}: {what}", changed, trigger, mutated_trigger)


def weakened(invariants: tuple[Invariant, ...], asked: Specs, said: Specs) -> Iterator[Weakened]:
    """Yield every promise lost, and every promise that says less or says it more seldom."""
    for promise in invariants:
        yield Weakened(name=f"{promise.id}: deleted", promise=promise, left=None)
        for what, when in narrower(promise.when, asked):
            yield Weakened(name=f"{promise.id}: when {what}", promise=promise, left=replace(promise, when=when))
        for what, then in wider(promise.then, said):
            if then != All(()):  # nothing left to promise is the promise lost
                yield Weakened(name=f"{promise.id}: then {what}", promise=promise, left=replace(promise, then=then))


def misread(condition: Condition, specs: Specs) -> Slips:
    """Yield the condition with one slip in it, and what the slip is: too narrow, too wide, or the wrong way round."""
    yield from narrower(condition, specs)
    yield from wider(condition, specs)
    yield from _negated(condition, specs)


def narrower(condition: Condition, specs: Specs) -> Slips:
    """Yield conditions that hold for less."""
    match condition:
        case Test(fact=fact, operator=operator, value=int() as bound) if operator in NARROWER:
            step = NARROWER[operator]
            yield f"{shown(condition, specs)} moved by {step}", Test(fact, operator, bound + step)
        case Test(fact=fact, operator="in" | "has_any" as operator, value=frozenset() as members):
            for member in sorted(members) if len(members) > 1 else ():
                yield f"{fact} no longer {member}", Test(fact, operator, members - {member})
        case All(parts=parts):
            yield from _inside(condition, parts, specs, narrower)
        case Any(parts=parts):
            yield from _without(condition, parts, specs)
            yield from _inside(condition, parts, specs, narrower)
        case Not(part=part):
            yield from ((what, Not(other)) for what, other in wider(part, specs))
        case _:
            pass


def wider(condition: Condition, specs: Specs) -> Slips:
    """Yield conditions that hold for more."""
    match condition:
        case Test(fact=fact, operator=operator, value=int() as bound) if operator in NARROWER:
            step = -NARROWER[operator]
            yield f"{shown(condition, specs)} moved by {step}", Test(fact, operator, bound + step)
        case All(parts=parts):
            yield from _without(condition, parts, specs)
            yield from _inside(condition, parts, specs, wider)
        case Any(parts=parts):
            yield from _inside(condition, parts, specs, wider)
        case Not(part=part):
            yield from ((what, Not(other)) for what, other in narrower(part, specs))
        case _:
            pass


def shown(condition: Condition, specs: Specs) -> str:
    """Return a condition in one short line."""
    match condition:
        case Test(fact=fact, operator=operator, value=value):
            return f"{fact} {operator} {_value(value, specs[fact])}"
        case All(parts=parts):
            return "(" + " and ".join(shown(part, specs) for part in parts) + ")"
        case Any(parts=parts):
            return "(" + " or ".join(shown(part, specs) for part in parts) + ")"
        case Not(part=part):
            return f"not {shown(part, specs)}"


def _mutant(kind: str, name: str, policy: Policy, before: P, after: P | None) -> Mutant:
    changed = after is not None and replace(after, when=before.when) != before
    when = after.when if after is not None else None
    return Mutant(kind=kind, name=name, policy=policy, before=before.when, after=when, demands=changed)


def _changed(part: P, weaker: Iterator[tuple[str, P]], policy: Policy) -> Iterator[tuple[str, P | None]]:
    yield "deleted", None
    yield from weaker
    for what, when in misread(part.when, policy.facts):
        yield what, replace(part, when=when)


def _of_rule(rule: Rule, policy: Policy) -> Iterator[tuple[str, Rule]]:
    if rule.tier > Tier.R0:
        yield f"{Tier(rule.tier - 1)} instead of {rule.tier}", replace(rule, tier=Tier(rule.tier - 1))
    if rule.hold:
        yield "holds nothing", replace(rule, hold=None)
    if not rule.executes:
        yield "lets operations run", replace(rule, executes=True)
    if rule.lane:
        yield "lane weaker", replace(rule, lane=_weaker(rule.lane, policy))
    if not rule.auto_send:
        yield "may go out by itself", replace(rule, auto_send=True)


def _of_row(row: Grant, policy: Policy) -> Iterator[tuple[str, Grant]]:
    if row.lane != policy.lanes[0]:
        yield "lane weaker", replace(row, lane=_weaker(row.lane, policy))
    if not row.auto_send and row.lane == policy.lanes[0]:
        yield "goes out by itself", replace(row, auto_send=True)
    if row.lane != policy.lanes[0]:
        yield "nobody asked", replace(row, lane=policy.lanes[0], auto_send=True)
    if row.needs > 1:
        yield "one person less", replace(row, needs=row.needs - 1)
    if row.confidence:
        yield "any confidence", replace(row, confidence=0)
    if row.hold_seconds:
        yield "no time to take it back", replace(row, hold_seconds=0)
        yield "a second less to take it back", replace(row, hold_seconds=row.hold_seconds - 1)
    if row.expires_minutes is not None:
        yield "expires later", replace(row, expires_minutes=None)
    for phase in sorted(row.phases) if len(row.phases) > 1 else ():
        yield f"not in {phase}", replace(row, phases=row.phases - {phase})
    for topology in sorted(row.topologies) if len(row.topologies) > 1 else ():
        yield f"not in {topology}", replace(row, topologies=row.topologies - {topology})


def _of_trigger(trigger: Trigger, policy: Policy) -> Iterator[tuple[str, Trigger]]:
    if trigger.lane != policy.lanes[0]:
        yield "lane weaker", replace(trigger, lane=_weaker(trigger.lane, policy))


def _weaker(lane: str, policy: Policy) -> str:
    return policy.lanes[max(policy.lanes.index(lane) - 1, 0)]


def _with(parts: tuple[P, ...], i: int, part: P | None) -> tuple[P, ...]:
    return (*parts[:i], *((part,) if part is not None else ()), *parts[i + 1 :])


def _negated(condition: Condition, specs: Specs) -> Slips:
    match condition:
        case Test(fact=fact, operator=operator, value=value):
            other = OPPOSITE.get(operator)
            allowed = other in OPERATORS_OF[specs[fact].kind]
            yield f"not {shown(condition, specs)}", Test(fact, str(other), value) if allowed else Not(condition)
        case All(parts=parts) | Any(parts=parts):
            yield from _inside(condition, parts, specs, _negated)
        case Not(part=part):
            yield f"not {shown(condition, specs)}", part


def _without(whole: All | Any, parts: tuple[Condition, ...], specs: Specs) -> Slips:
    for i, part in enumerate(parts) if len(parts) > 1 else ():
        yield f"without {shown(part, specs)}", type(whole)((*parts[:i], *parts[i + 1 :]))


def _inside(
    whole: All | Any, parts: tuple[Condition, ...], specs: Specs, slip: Callable[[Condition, Specs], Slips]
) -> Slips:
    for i, part in enumerate(parts):
        for what, other in slip(part, specs):
            yield what, type(whole)((*parts[:i], other, *parts[i + 1 :]))


def _value(value: Value, spec: FactSpec) -> str:
    return spec.show(value) if not isinstance(value, str) else value
