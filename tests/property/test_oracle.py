"""The gate against a second one, written from what the pack's reference says and in the plainest way there is.

It knows nothing of unknown truths: it looks at every way in which the unknown facts may turn out. Something surely
holds where it holds in all of them, and may hold where it holds in one. Three-valued logic says the same of conditions
that ask about each fact once, with tests that some value passes and some does not; such conditions are drawn here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product
from typing import Any as Anything

from hypothesis import given, settings
from hypothesis import strategies as st

from caseward.core.conditions import All, Any, Condition, Not
from caseward.core.conditions import Test as Comparison
from caseward.core.facts import Value
from caseward.core.policy import ALWAYS, Decision, Hold, Policy, Tier, decide
from tests.conftest import examples
from tests.property.test_policy import DOMAINS, LANES, MINUTES, SYSTEMS, facts, policies, whole

World = Mapping[str, Value]


def passes(test: Comparison, value: Anything) -> bool:
    wanted: Anything = test.value
    match test.operator:
        case "is":
            return bool(value == wanted)
        case "not":
            return bool(value != wanted)
        case "in":
            return any(value == each for each in wanted)
        case "lt":
            return bool(value < wanted)
        case "lte":
            return bool(value < wanted or value == wanted)
        case "gt":
            return bool(value > wanted)
        case "gte":
            return bool(value > wanted or value == wanted)
        case "has":
            return any(each == wanted for each in value)
        case "has_any":
            return any(each == other for each in value for other in wanted)
    raise AssertionError(test.operator)


def true(condition: Condition, world: World) -> bool:
    match condition:
        case Comparison(fact=fact):
            return passes(condition, world[fact])
        case All(parts=parts):
            return not any(not true(part, world) for part in parts)
        case Any(parts=parts):
            return any(true(part, world) for part in parts)
        case Not(part=part):
            return not true(part, world)


def asked(condition: Condition) -> set[str]:
    match condition:
        case Comparison(fact=fact):
            return {fact}
        case Not(part=part):
            return asked(part)
        case All(parts=parts) | Any(parts=parts):
            return {name for part in parts for name in asked(part)}


def worlds(known: World) -> list[World]:
    unknown = [name for name in DOMAINS if name not in known]
    return [{**known, **dict(zip(unknown, way, strict=True))} for way in product(*(DOMAINS[name] for name in unknown))]


class Oracle:
    """What the reference says about some facts."""

    def __init__(self, policy: Policy, known: World) -> None:
        self.policy, self.known, self.worlds = policy, known, worlds(known)

    def surely(self, condition: Condition) -> bool:
        return all(true(condition, world) for world in self.worlds)

    def maybe(self, condition: Condition) -> bool:
        return any(true(condition, world) for world in self.worlds)

    def decide(self) -> Decision:
        policy = self.policy
        sure = [rule for rule in policy.rules if self.surely(rule.when)]
        possible = [rule for rule in policy.rules if self.maybe(rule.when) and rule not in sure]
        counting = sure + possible  # unknown counts as a match

        tier = Tier.R3  # no sure match is R3
        for candidate in (Tier.R2, Tier.R1, Tier.R0):
            if sure and all(rule.tier <= candidate for rule in counting):
                tier = candidate
        lowest = max((rule.tier for rule in sure), default=Tier.R0)
        might_turn_out = [each for each in Tier if lowest <= each <= tier]

        missing: set[str] = set()
        for rule in possible:
            raises = all(rule.tier > other.tier for other in sure)
            if raises or rule.hold is not None:  # also the only match there might be
                missing |= asked(rule.when) - set(self.known)
        holds = {rule.hold for rule in counting if rule.hold} | ({Hold.MISSING} if missing else set())
        order = [Hold.VERIFICATION, Hold.MISSING, Hold.DEGRADED]
        hold = ([each for each in order if each in holds] or [None])[0]

        rows = [row for row in self.rows(might_turn_out) if self.maybe(row.when)]
        spoken = all(any(self.surely(row.when) for row in self.rows([each])) for each in might_turn_out)
        woken = [trigger for trigger in policy.triggers if self.maybe(trigger.when)]
        lanes = [row.lane for row in rows] + [rule.lane for rule in counting if rule.lane]
        lanes += [trigger.lane for trigger in woken] + ([] if spoken else [LANES[-1]])
        lane = sorted(lanes, key=LANES.index)[-1]
        may_go = [
            *(row.auto_send for row in rows), *(rule.auto_send for rule in counting),
            lane == LANES[0], spoken, hold is None,
        ]  # fmt: skip
        top = [rule for rule in sure if rule.tier == tier and rule.executes]
        expiries = [row.expires_minutes for row in rows if row.expires_minutes is not None]
        return Decision(
            tier=tier,
            approval=lane,
            auto_send=False not in may_go,
            executor="operations" if top and hold is None else None,
            rules=tuple(rule.id for each in reversed(Tier) for rule in sure if rule.tier == each),
            possible=tuple(rule.id for rule in possible),
            missing=tuple(sorted(missing)),
            hold=hold,
            release=policy.release,
            holds=frozenset(holds),
            needs=max([1, *(row.needs for row in rows)]),
            confidence=max([0, *(row.confidence for row in rows)]),
            hold_seconds=max([0, *(row.hold_seconds for row in rows)]),
            expires_minutes=min(expiries) if expiries else None,
            break_glass=tuple(trigger.id for trigger in woken),
        )

    def rows(self, tiers: Sequence[Tier]) -> Iterator[Anything]:
        for row in self.policy.matrix:
            if row.tier in tiers and self.policy.phase in row.phases and self.policy.topology in row.topologies:
                yield row


def some(name: str) -> list[tuple[Value, ...]]:
    """Return every choice of one value or more."""
    return [each for n in range(1, len(DOMAINS[name])) for each in combinations(DOMAINS[name], n)]


EVERY_TEST = [
    *(Comparison("known", operator, value) for operator in ("is", "not") for value in DOMAINS["known"]),
    *(Comparison("intent", operator, value) for operator in ("is", "not") for value in DOMAINS["intent"]),
    *(Comparison("intent", "in", frozenset(map(str, values))) for values in some("intent")),
    *(Comparison("minutes", operator, n) for operator in ("is", "not", "lt", "lte", "gt", "gte") for n in MINUTES),
    *(Comparison("down", "has", system) for system in SYSTEMS),
    *(Comparison("down", "has_any", systems) for systems in DOMAINS["down"]),
]
DECIDING = {
    name: [
        test for test in EVERY_TEST if test.fact == name and len({passes(test, value) for value in DOMAINS[name]}) == 2
    ]
    for name in DOMAINS
}
"""Fact → tests that some value of it passes and some does not."""


@st.composite
def once(draw: st.DrawFn) -> Condition:
    """A condition that asks about each fact once at most."""
    parts: list[Condition] = []
    for name in draw(st.lists(st.sampled_from(sorted(DOMAINS)), min_size=1, max_size=4, unique=True)):
        part: Condition = draw(st.sampled_from(DECIDING[name]))
        parts.append(Not(part) if draw(st.booleans()) else part)
    while len(parts) > 1:
        size = draw(st.integers(2, len(parts)))
        group, parts = tuple(parts[:size]), parts[size:]
        joined: Condition = draw(st.sampled_from([All, Any]))(group)
        parts.append(Not(joined) if draw(st.booleans()) else joined)
    return parts[0]


@st.composite
def tables(draw: st.DrawFn) -> Policy:
    policy = draw(policies())
    free = draw(st.booleans())  # or next to nothing would ever be released
    return replace(
        policy,
        rules=tuple(
            replace(rule, when=draw(once()), hold=None if free else rule.hold, lane="" if free else rule.lane)
            for rule in policy.rules
        ),
        matrix=tuple(replace(row, when=draw(st.just(ALWAYS) | once())) for row in policy.matrix),
        triggers=tuple(replace(trigger, when=draw(once())) for trigger in policy.triggers),
    )


@given(tables(), facts | whole)
@examples(100)
def test_the_gate_decides_as_the_reference_says(policy: Policy, known: dict[str, Value]) -> None:
    assert decide(policy, known) == Oracle(policy, known).decide()


@given(once(), facts)
@settings(deadline=None)
def test_a_condition_is_unknown_exactly_if_it_may_turn_out_either_way(
    condition: Condition, known: dict[str, Value]
) -> None:
    outcomes = {true(condition, world) for world in worlds(known)}

    assert condition.truth(known) == (outcomes.pop() if len(outcomes) == 1 else None)


@given(policies(), facts)
@examples(100)
def test_of_any_table_the_gate_asks_for_no_less_than_the_reference(policy: Policy, known: dict[str, Value]) -> None:
    """What is settled however the facts turn out may be open to the gate, where a fact is asked about twice."""
    gate, oracle = decide(policy, known), Oracle(policy, known).decide()

    assert gate.tier >= oracle.tier
    assert LANES.index(gate.approval) >= LANES.index(oracle.approval)
    assert oracle.holds <= gate.holds
    assert oracle.auto_send or not gate.auto_send
    assert oracle.executor or not gate.executor
    assert (gate.needs, gate.hold_seconds) >= (oracle.needs, oracle.hold_seconds)
