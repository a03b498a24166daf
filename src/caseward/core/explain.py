"""Why a decision is what it is, and what would have to be otherwise for another one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from caseward.core.changes import Found, Goal, search
from caseward.core.facts import Facts, Value
from caseward.core.invariant import PHASES, TOPOLOGIES
from caseward.core.policy import Decision, Grant, Policy, Rule, Tier, decide
from caseward.core.ways import Choices, Line, Way, choices, held, to_change, ways

NEAR = 2
"""A rule that does not match is near when at most so many facts keep it from matching."""
MOST_WAYS = 3
"""Ways to make one rule match that are told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """A line of a rule that holds, and the value with which it holds."""

    line: Line
    value: Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """A rule that surely matches, and why: the lines that hold."""

    rule: Rule
    met: tuple[Met, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """What one fact would have to be: all of these lines would have to hold."""

    fact: str
    now: Value | None
    """None where it is not known."""
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Unmatched:
    """A rule that may match or nearly matches, and what would make it match."""

    rule: Rule
    unknown: tuple[str, ...]
    """Facts it asks about that are not known."""
    ways: tuple[tuple[Need, ...], ...]
    """The ways with the fewest facts, each enough; empty where its lines contradict each other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """An unknown fact that holds the decision up, and the rules that it decides."""

    fact: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Another:
    """Another tier, and the smallest changes of facts that lead to it."""

    tier: Tier
    found: Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What asks for the lane of the decision."""

    by: Literal["row", "no row", "rule", "trigger"]
    """A row of the matrix; that no row surely speaks for the tier; a rule's or a break-glass trigger's own lane."""
    tier: Tier | None = None
    """Of a row, or the one for which none speaks."""
    id: str = ""
    """Of the rule or trigger."""
    row: Grant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Alone:
    """What keeps a reply from going out by itself, and what would let it."""

    stops: tuple[str, ...]
    """Of `hold`, `lane`, `rule` (one says so) and `row` (the matrix does not let the tier go); empty when it goes."""
    rules: tuple[str, ...]
    """Rules that say that nothing goes out by itself."""
    found: Found
    settings: tuple[tuple[str, str], ...]
    """Phases with their topologies in which it would go out by itself on the same facts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """A decision, and all that speaks for and against it."""

    decision: Decision
    matched: tuple[Matched, ...]
    possible: tuple[Unmatched, ...]
    near: tuple[Unmatched, ...]
    """Rules that surely do not match, and would if one or two facts were otherwise; those with one first."""
    missing: tuple[Missing, ...]
    another: tuple[Another, ...]
    """For every other tier, the lowest first."""
    asked: tuple[Asked, ...]
    alone: Alone


def explain(policy: Policy, facts: Facts) -> Explanation:
    """Return the decision on `facts` and why it is that.

    What it says of other facts is tried with `decide` before it is said (tests/property/test_explain.py).
    """
    decision = decide(policy, facts)
    known = choices(policy)
    rules = {rule.id: rule for rule in policy.rules}
    possible = [rules[name] for name in decision.possible]
    others = [rule for rule in policy.rules if rule.id not in decision.rules and rule.id not in decision.possible]
    near = [told for rule in others if (told := _unmatched(rule, facts, NEAR, known)).ways]
    return Explanation(
        decision=decision,
        matched=tuple(_matched(rules[name], facts) for name in decision.rules),
        possible=tuple(_unmatched(rule, facts, len(rule.when.names()), known) for rule in possible),
        near=tuple(sorted(near, key=lambda told: (len(told.ways[0]), -told.rule.tier))),
        missing=tuple(
            Missing(fact=name, rules=tuple(rule.id for rule in possible if name in rule.when.names()))
            for name in decision.missing
        ),
        another=tuple(
            Another(tier=tier, found=search(policy, facts, [Goal(tier=tier)], known))
            for tier in Tier
            if tier != decision.tier
        ),
        asked=tuple(_asked(policy, facts, decision)),
        alone=_alone(policy, facts, decision, known),
    )


def _matched(rule: Rule, facts: Facts) -> Matched:
    lines = dict.fromkeys(held(rule.when, facts))
    return Matched(rule=rule, met=tuple(Met(line=line, value=facts[line.fact]) for line in lines))


def _unmatched(rule: Rule, facts: Facts, most: int, known: Choices) -> Unmatched:
    """Return what would make a rule match by changing at most `most` facts; where learning what is unknown can do it,
    nothing else is told."""
    tried = (_needs(way, facts) for way in ways(rule.when, facts, most))
    found = [needs for needs in tried if all(_can_be(need, known) for need in needs)]
    learned = [needs for needs in found if all(needed.now is None for needed in needs)]
    fewest = min(map(len, learned or found), default=0)
    return Unmatched(
        rule=rule,
        unknown=tuple(sorted(rule.when.names() - facts.keys())),
        ways=tuple(dict.fromkeys(needs for needs in learned or found if len(needs) == fewest))[:MOST_WAYS],
    )


def _needs(way: Way, facts: Facts) -> tuple[Need, ...]:
    return tuple(
        Need(fact=name, now=facts.get(name), lines=tuple(line for line in way if line.fact == name))
        for name in to_change(way, facts)
    )


def _can_be(need: Need, known: Choices) -> bool:
    """Return whether any value of the fact is all that is needed of it."""
    return any(all(line.holds_for(choice.value) for line in need.lines) for choice in known[need.fact])


def _asked(policy: Policy, facts: Facts, decision: Decision) -> Iterator[Asked]:
    """Yield what asks for the decision's lane; nothing where it asks for nobody."""
    if decision.approval == policy.lanes[0]:
        return
    rows, silent = _spoken(policy, facts, decision)
    if silent and decision.approval == policy.lanes[-1]:
        yield from (Asked(by="no row", tier=tier) for tier in silent)
    elif not silent:
        yield from (Asked(by="row", tier=row.tier, row=row) for row in rows if row.lane == decision.approval)
    awake = {*decision.rules, *decision.possible}
    yield from (Asked(by="rule", id=r.id) for r in policy.rules if r.id in awake and r.lane == decision.approval)
    woken = decision.break_glass
    yield from (Asked(by="trigger", id=t.id) for t in policy.triggers if t.id in woken and t.lane == decision.approval)


def _spoken(policy: Policy, facts: Facts, decision: Decision) -> tuple[list[Grant], list[Tier]]:
    """Return the rows of the matrix that speak, or may, for the tiers it may turn out to be, and those tiers for which
    none surely does."""
    floor = max((rule.tier for rule in policy.rules if rule.id in decision.rules), default=Tier.R0)
    tiers = [tier for tier in Tier if floor <= tier <= decision.tier]
    rows = [
        (row, truth)
        for row in policy.matrix
        if row.tier in tiers and policy.phase in row.phases and policy.topology in row.topologies
        if (truth := row.when.truth(facts)) is not False
    ]
    sure = {row.tier for row, truth in rows if truth}
    return [row for row, _truth in rows], [tier for tier in tiers if tier not in sure]


def _alone(policy: Policy, facts: Facts, decision: Decision, known: Choices) -> Alone:
    awake = {*decision.rules, *decision.possible}
    silent = tuple(rule.id for rule in policy.rules if rule.id in awake and not rule.auto_send)
    settings = tuple(
        (phase, topology)
        for phase in PHASES
        for topology in TOPOLOGIES
        if decide(replace(policy, phase=phase, topology=topology), facts).auto_send
    )
    if decision.auto_send:
        return Alone(stops=(), rules=silent, found=Found(changes=(), complete=True), settings=settings)
    rows, _silent = _spoken(policy, facts, decision)
    stops = {
        "hold": decision.hold is not None,
        "lane": decision.approval != policy.lanes[0],
        "rule": bool(silent),
        "row": decision.approval == policy.lanes[0] and not all(row.auto_send for row in rows),
    }
    goals = [Goal(tier=tier, alone=True) for tier in Tier if _may_go(policy, tier)]
    return Alone(
        stops=tuple(name for name, stopped in stops.items() if stopped),
        rules=silent,
        found=search(policy, facts, goals, known),
        settings=settings,
    )


def _may_go(policy: Policy, tier: Tier) -> bool:
    """Return whether the matrix lets anything of a tier go out by itself, in the policy's phase and topology."""
    return any(
        row.tier == tier and row.auto_send and policy.phase in row.phases and policy.topology in row.topologies
        for row in policy.matrix
    )
