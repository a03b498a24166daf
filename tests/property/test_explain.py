"""An explanation says nothing that the gate does not keep: every claim about other facts is tried by brute force."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product

import pytest
from hypothesis import example, given, settings

from caseward.core.changes import MOST_FACTS, Change, Found, Goal, search
from caseward.core.conditions import All, Any, Not
from caseward.core.conditions import Test as Comparison
from caseward.core.explain import NEAR, Need, Unmatched, explain
from caseward.core.facts import Value
from caseward.core.policy import Decision, Policy, Rule, Tier, decide
from caseward.core.ways import Choice, choices
from tests.property.test_policy import DOMAINS, KNOWN, LATE, PHASES, TOPOLOGIES, facts, grant, policies, table

INTENT_OR_LATE = Rule(
    id="either",
    tier=Tier.R2,
    when=Any((Comparison("intent", "is", "refund"), All((LATE.when, Not(Comparison("down", "has", "calendar")))))),
    because="",
)

BOTH = Rule(id="both", tier=Tier.R2, when=All((KNOWN.when, Comparison("down", "has", "calendar"))), because="")
PLAIN = Rule(id="plain", tier=Tier.R0, when=Comparison("intent", "is", "faq"), because="")


def neighbours(known: Mapping[str, Value]) -> Iterator[tuple[int, dict[str, Value]]]:
    """Yield all facts that differ from `known` in one, two or three, none of them forgotten, with how many differ."""
    for size in range(1, MOST_FACTS + 1):
        for names in combinations(DOMAINS, size):
            for values in product(*(DOMAINS[name] for name in names)):
                if all(name not in known or known[name] != value for name, value in zip(names, values, strict=True)):
                    yield size, {**known, **dict(zip(names, values, strict=True))}


def fewest(policy: Policy, known: Mapping[str, Value], goal: Goal) -> int | None:
    """Return how many facts have to change, found by trying everything; None where three are not enough."""
    return next((size for size, other in neighbours(known) if goal.reached(decide(policy, other))), None)


def meant(change: Change) -> Sequence[Value]:
    """Return every value of the domain that a change speaks of."""
    span = Choice(fact=change.fact, value=change.value, values=change.values, low=change.low, high=change.high)
    return [value for value in DOMAINS[change.fact] if span.has(value)]


def outcomes(policy: Policy, known: Mapping[str, Value], found: Found) -> Iterator[tuple[Sequence[Change], Decision]]:
    """Yield what the gate says to everything that the found changes speak of."""
    for changes in found.changes:
        for values in product(*(meant(change) for change in changes)):
            other = dict(zip((change.fact for change in changes), values, strict=True))
            yield changes, decide(policy, {**known, **other})


@settings(deadline=None)
@example(table(KNOWN, matrix=(grant(Tier.R1, "none", auto_send=True),)), {})
@example(table(KNOWN, LATE, matrix=()), {"known": False, "minutes": 2})
@example(table(BOTH, PLAIN, matrix=()), {"intent": "refund"})
@example(table(INTENT_OR_LATE, matrix=()), {"intent": "faq", "minutes": 2, "down": frozenset({"calendar"})})
@given(policies(), facts)
def test_a_change_leads_where_it_says_and_no_smaller_one_does(policy: Policy, known: dict[str, Value]) -> None:
    told = explain(policy, known)

    for another in told.another:
        goal = Goal(tier=another.tier)
        sizes = {len(changes) for changes in another.found.changes}
        assert another.found.complete
        assert sizes == ({size} if (size := fewest(policy, known, goal)) else set())
        for changes, decision in outcomes(policy, known, another.found):
            assert decision.tier == another.tier, changes
    assert {told.decision.tier, *(another.tier for another in told.another)} == set(Tier)


@settings(deadline=None)
@example(table(KNOWN, matrix=(grant(Tier.R1, "none", auto_send=True),)), {})
@given(policies(), facts)
def test_what_would_let_a_reply_go_by_itself_does_and_nothing_smaller(policy: Policy, known: dict[str, Value]) -> None:
    told = explain(policy, known).alone

    sizes = {len(changes) for changes in told.found.changes}
    if decide(policy, known).auto_send:
        assert (told.stops, sizes) == ((), set())
    else:
        smallest = min((s for tier in Tier if (s := fewest(policy, known, Goal(tier=tier, alone=True)))), default=None)
        assert told.stops
        assert sizes == ({smallest} if smallest else set())
    for changes, decision in outcomes(policy, known, told.found):
        assert decision.auto_send, changes


@given(policies(), facts)
def test_the_settings_in_which_it_would_go_by_itself_are_all_of_them(policy: Policy, known: dict[str, Value]) -> None:
    there = explain(policy, known).alone.settings

    for phase, topology in product(PHASES, TOPOLOGIES):
        goes = decide(replace(policy, phase=phase, topology=topology), known).auto_send
        assert ((phase, topology) in there) is goes


def satisfied(known: Mapping[str, Value], needs: Sequence[Need]) -> Iterator[dict[str, Value]]:
    """Yield the facts with every way to meet `needs`."""
    allowed = [[v for v in DOMAINS[need.fact] if all(line.holds_for(v) for line in need.lines)] for need in needs]
    for values in product(*allowed):
        yield {**known, **dict(zip((need.fact for need in needs), values, strict=True))}


def tried(policy: Policy, known: Mapping[str, Value], told: Unmatched) -> None:
    """Assert that each way told makes the rule match, whatever value it is met with, and that none is empty."""
    for needs in told.ways:
        others = list(satisfied(known, needs))
        assert others
        assert all(told.rule.id in decide(policy, other).rules for other in others)


@settings(deadline=None)
@example(table(INTENT_OR_LATE, matrix=()), {"intent": "faq", "minutes": 2, "down": frozenset({"calendar"})})
@given(policies(), facts)
def test_near_misses_are_the_rules_that_one_or_two_facts_keep_from_matching(
    policy: Policy, known: dict[str, Value]
) -> None:
    told = explain(policy, known)

    shown = {each.rule.id: len(each.ways[0]) for each in told.near}
    surely_not = [rule for rule in policy.rules if rule.when.truth(known) is False]
    wanted = {
        rule.id: size
        for rule in surely_not
        if (size := next((n for n, other in neighbours(known) if rule.when.truth(other)), 9)) <= NEAR
    }
    assert shown == wanted
    for each in told.near:
        tried(policy, known, each)


@settings(deadline=None)
@given(policies(), facts)
def test_a_rule_that_may_match_names_what_is_unknown_and_what_would_make_it_match(
    policy: Policy, known: dict[str, Value]
) -> None:
    told = explain(policy, known)

    assert [each.rule.id for each in told.possible] == list(told.decision.possible)
    for each in told.possible:
        assert each.unknown
        assert not set(each.unknown) & set(known)
        tried(policy, known, each)
    for missing in told.missing:
        assert missing.rules
    assert [missing.fact for missing in told.missing] == list(told.decision.missing)


@given(policies(), facts)
def test_the_lines_of_a_matched_rule_hold_and_are_enough(policy: Policy, known: dict[str, Value]) -> None:
    for matched in explain(policy, known).matched:
        assert all(met.line.truth(known) and known[met.line.fact] == met.value for met in matched.met)
        only = {met.line.fact: met.value for met in matched.met}
        assert matched.rule.when.truth(only) is True


@given(policies(), facts)
def test_every_lane_but_the_weakest_is_asked_for_by_something(policy: Policy, known: dict[str, Value]) -> None:
    told = explain(policy, known)

    assert bool(told.asked) is (told.decision.approval != policy.lanes[0])


@given(policies(), facts)
def test_a_search_that_may_not_try_everything_says_so(policy: Policy, known: dict[str, Value]) -> None:
    known_choices = choices(policy)
    for tier in Tier:
        found = search(policy, known, [Goal(tier=tier)], known_choices, tries=1)
        assert found.changes or not found.complete


@pytest.mark.parametrize("name", ["intent", "known", "minutes"])
def test_every_value_belongs_to_exactly_one_choice(name: str) -> None:
    whole = table(KNOWN, LATE, INTENT_OR_LATE, matrix=(grant(Tier.R1, "none", "faq", auto_send=True),))

    for value in DOMAINS[name]:
        assert sum(choice.has(value) for choice in choices(whole)[name]) == 1
