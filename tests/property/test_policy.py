"""The gate's promises, for any rule table: what is not known can only ask for more care."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import combinations, product

from hypothesis import assume, example, given
from hypothesis import strategies as st

from caseward.core.conditions import All, Any, Condition, Not
from caseward.core.conditions import Test as Comparison
from caseward.core.facts import FactKind, FactSpec, Value
from caseward.core.policy import ALWAYS, Decision, Grant, Hold, Policy, Rule, Tier, Trigger, decide
from caseward.core.truths import Truths
from tests.conftest import examples

INFINITE = 10**9
LANES = ("none", "qa", "coach", "owner")
PHASES = ("pilot", "production")
TOPOLOGIES = ("hub", "empowered")
SYSTEMS = ("calendar", "payments")
INTENTS = ("faq", "move", "refund")
MINUTES = range(-1, 3)
SPECS = {
    "known": FactSpec(name="known", kind=FactKind.BOOL),
    "intent": FactSpec(name="intent", kind=FactKind.ENUM, values=INTENTS),
    "minutes": FactSpec(name="minutes", kind=FactKind.INTEGER, minimum=-1, maximum=2),
    "down": FactSpec(name="down", kind=FactKind.SET, values=SYSTEMS),
}
DOMAINS: Mapping[str, tuple[Value, ...]] = {
    "known": (False, True),
    "intent": INTENTS,
    "minutes": tuple(MINUTES),
    "down": tuple(frozenset(some) for n in range(len(SYSTEMS) + 1) for some in combinations(SYSTEMS, n)),
}
"""Every value a fact may take, so that all completions of unknown facts can be tried."""

equality = st.sampled_from(["is", "not"])
tests: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Comparison, st.just("known"), equality, st.booleans()),
    st.builds(Comparison, st.just("intent"), equality, st.sampled_from(INTENTS)),
    st.builds(Comparison, st.just("intent"), st.just("in"), st.frozensets(st.sampled_from(INTENTS), min_size=1)),
    st.builds(
        Comparison,
        st.just("minutes"),
        st.sampled_from(["is", "not", "lt", "lte", "gt", "gte"]),
        st.sampled_from(MINUTES),
    ),
    st.builds(Comparison, st.just("down"), st.just("has"), st.sampled_from(SYSTEMS)),
    st.builds(Comparison, st.just("down"), st.just("has_any"), st.frozensets(st.sampled_from(SYSTEMS), min_size=1)),
)
conditions: st.SearchStrategy[Condition] = st.recursive(
    tests,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: All(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: Any(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=6,
)
facts: st.SearchStrategy[dict[str, Value]] = st.fixed_dictionaries(
    {}, optional={name: st.sampled_from(values) for name, values in DOMAINS.items()}
)
whole: st.SearchStrategy[dict[str, Value]] = st.fixed_dictionaries(
    {name: st.sampled_from(values) for name, values in DOMAINS.items()}
)
grants = st.builds(
    Grant,
    tier=st.sampled_from(Tier),
    phases=st.frozensets(st.sampled_from(PHASES), min_size=1),
    topologies=st.frozensets(st.sampled_from(TOPOLOGIES), min_size=1),
    when=st.one_of(st.just(ALWAYS), conditions),
    lane=st.sampled_from(LANES),
    needs=st.integers(1, 3),
    auto_send=st.booleans(),
    confidence=st.sampled_from([0, 50, 90]),
    hold_seconds=st.sampled_from([0, 10, 30]),
    expires_minutes=st.sampled_from([None, 60, 240]),
)
triggers = st.builds(
    Trigger, id=st.sampled_from(["stuck", "anger"]), when=conditions, lane=st.sampled_from(LANES), because=st.just("")
)


@st.composite
def policies(draw: st.DrawFn) -> Policy:
    """Any table: overlapping, contradicting, with holes, holds and a matrix that may even be lenient on high tiers."""
    whens = draw(st.lists(conditions, max_size=5))
    rules = tuple(
        Rule(
            id=f"rule-{i}",
            tier=draw(st.sampled_from(Tier)),
            when=when,
            because="",
            hold=draw(st.sampled_from([None, None, *Hold])),
            executes=draw(st.booleans()),
            lane=draw(st.sampled_from(["", "", *LANES])),
            auto_send=draw(st.sampled_from([True, True, True, False])),
        )
        for i, when in enumerate(whens)
    )
    return Policy(
        release="test",
        phase=draw(st.sampled_from(PHASES)),
        topology=draw(st.sampled_from(TOPOLOGIES)),
        facts=SPECS,
        rules=rules,
        matrix=tuple(draw(st.lists(grants, max_size=8))),
        lanes=LANES,
        triggers=tuple(draw(st.lists(triggers, max_size=2))),
    )


def completions(known: Mapping[str, Value]) -> Iterator[dict[str, Value]]:
    """Yield every way in which the unknown facts may turn out."""
    unknown = [name for name in DOMAINS if name not in known]
    for values in product(*(DOMAINS[name] for name in unknown)):
        yield {**known, **dict(zip(unknown, values, strict=True))}


def strength(decision: Decision) -> int:
    return LANES.index(decision.approval)


KNOWN = Rule(id="known", tier=Tier.R1, when=Comparison("known", "is", True), because="")
LATE = Rule(id="late", tier=Tier.R2, when=Comparison("minutes", "lt", 1), because="")


def table(*rules: Rule, matrix: tuple[Grant, ...]) -> Policy:
    return Policy(release="test", phase="pilot", topology="hub", facts=SPECS, rules=rules, matrix=matrix, lanes=LANES)


def grant(tier: Tier, lane: str, *intents: str, auto_send: bool = False) -> Grant:
    return Grant(
        tier=tier,
        phases=frozenset(PHASES),
        topologies=frozenset(TOPOLOGIES),
        when=Comparison("intent", "in", frozenset(intents)) if intents else ALWAYS,
        lane=lane,
        auto_send=auto_send,
    )


@example(
    table(KNOWN, matrix=(grant(Tier.R1, "none", auto_send=True), grant(Tier.R1, "coach", "refund"))),
    {"known": True, "intent": "refund"},
    "intent",
)
@example(
    table(KNOWN, matrix=(grant(Tier.R1, "none", "faq", auto_send=True),)),
    {"known": True, "intent": "refund"},
    "intent",
)
@example(
    table(KNOWN, LATE, matrix=(grant(Tier.R1, "coach"), grant(Tier.R2, "qa"))),
    {"known": True, "minutes": 2},
    "minutes",
)
@given(policies(), facts, st.sampled_from(sorted(DOMAINS)))
@examples(400)
def test_forgetting_a_fact_only_asks_for_more_care(policy: Policy, known: dict[str, Value], forgotten: str) -> None:
    fewer = {name: value for name, value in known.items() if name != forgotten}

    before, after = decide(policy, known), decide(policy, fewer)

    assert after.tier >= before.tier
    assert strength(after) >= strength(before)
    assert after.hold_seconds >= before.hold_seconds
    assert (after.expires_minutes or INFINITE) <= (before.expires_minutes or INFINITE)
    assert after.needs >= before.needs
    assert after.confidence >= before.confidence
    assert set(before.break_glass) <= set(after.break_glass)
    assert before.auto_send or not after.auto_send
    assert before.executor or not after.executor
    assert before.holds <= after.holds
    assert set(after.rules) <= set(before.rules)


@given(policies(), facts)
def test_what_is_released_on_some_facts_is_released_however_the_others_turn_out(
    policy: Policy, known: dict[str, Value]
) -> None:
    early = decide(policy, known)
    assume(not early.missing)

    for facts_ in completions(known):
        late = decide(policy, facts_)

        assert (late.tier, late.hold) == (early.tier, early.hold)
        assert strength(late) <= strength(early)
        assert late.auto_send or not early.auto_send
        assert late.executor or not early.executor


@given(policies(), facts)
def test_the_tier_is_never_below_that_of_any_completion(policy: Policy, known: dict[str, Value]) -> None:
    early = decide(policy, known)

    assert all(early.tier >= decide(policy, facts_).tier for facts_ in completions(known) if early.rules)


@given(policies(), facts)
def test_missing_facts_release_nothing_and_are_unknown(policy: Policy, known: dict[str, Value]) -> None:
    decision = decide(policy, known)

    assert not set(decision.missing) & set(known)
    if decision.missing:
        assert decision.hold is not None
        assert not decision.auto_send
        assert decision.executor is None


@given(policies(), facts, st.randoms(use_true_random=False))
def test_the_order_of_rules_and_grants_is_irrelevant(policy: Policy, known: dict[str, Value], random: object) -> None:
    rules, matrix = list(policy.rules), list(policy.matrix)
    random.shuffle(rules)  # type: ignore[attr-defined]
    random.shuffle(matrix)  # type: ignore[attr-defined]

    one, other = decide(policy, known), decide(replace(policy, rules=tuple(rules), matrix=tuple(matrix)), known)

    assert set(one.rules) == set(other.rules)
    assert set(one.possible) == set(other.possible)
    assert replace(one, rules=(), possible=()) == replace(other, rules=(), possible=())


@given(policies(), facts)
def test_without_a_sure_match_it_is_r3(policy: Policy, known: dict[str, Value]) -> None:
    decision = decide(policy, known)

    if not decision.rules:
        assert decision.tier is Tier.R3
        assert decision.executor is None


@given(policies(), whole)
def test_of_known_facts_the_highest_matching_tier_wins(policy: Policy, known: dict[str, Value]) -> None:
    decision = decide(policy, known)

    matching = [rule for rule in policy.rules if rule.when.truth(known)]
    assert decision.tier == max((rule.tier for rule in matching), default=Tier.R3)
    assert set(decision.rules) == {rule.id for rule in matching}
    assert decision.possible == decision.missing == ()


@given(policies(), whole)
def test_the_strictest_wins_of_rows_rules_and_triggers_and_what_no_row_speaks_of_goes_to_the_strongest_lane(
    policy: Policy, known: dict[str, Value]
) -> None:
    decision = decide(policy, known)

    asked = [decision.tier] if decision.rules else list(Tier)  # nothing matches: it may be anything
    rows = [
        [
            row
            for row in policy.matrix
            if row.tier is tier
            and policy.phase in row.phases
            and policy.topology in row.topologies
            and row.when.truth(known)
        ]
        for tier in asked
    ]
    matching = [rule for rule in policy.rules if rule.when.truth(known)]
    lanes = [row.lane for of_tier in rows for row in of_tier] if all(rows) else [LANES[-1]]
    lanes += [rule.lane for rule in matching if rule.lane]
    lanes += [trigger.lane for trigger in policy.triggers if trigger.when.truth(known)]
    assert strength(decision) == max(map(LANES.index, lanes))
    if decision.auto_send:
        assert decision.approval == "none"
        assert all(row.auto_send for of_tier in rows for row in of_tier)
        assert all(rule.auto_send for rule in matching)


@given(conditions, facts)
def test_a_sure_truth_holds_in_every_completion(condition: Condition, known: dict[str, Value]) -> None:
    sure = condition.truth(known)

    for facts_ in completions(known):
        truth = condition.truth(facts_)
        assert truth is not None
        assert sure is None or truth is sure


@given(conditions, facts)
def test_a_condition_asks_only_the_facts_it_names(condition: Condition, known: dict[str, Value]) -> None:
    asked = {name: value for name, value in known.items() if name in condition.names()}

    assert condition.truth(asked) == condition.truth(known)


@given(st.lists(conditions, max_size=6), st.lists(facts, min_size=1, max_size=4))
def test_conditions_asked_together_say_what_each_says_alone(
    whens: list[Condition], asked: list[dict[str, Value]]
) -> None:
    together = Truths(whens)

    for known in [*asked, *({**known, "minutes": minutes} for known in asked for minutes in MINUTES)]:
        may, surely, unknown = together.ask(known)

        assert [bool(surely >> i & 1) for i in range(len(whens))] == [when.truth(known) is True for when in whens]
        assert [bool(may >> i & 1) for i in range(len(whens))] == [when.truth(known) is not False for when in whens]
        for i, when in enumerate(whens):
            assert together.names([1 << i], unknown) == tuple(sorted(when.names() - known.keys()))


@given(policies(), st.lists(facts, max_size=6), facts)
def test_a_decision_does_not_depend_on_what_was_asked_before(
    policy: Policy, before: list[dict[str, Value]], known: dict[str, Value]
) -> None:
    fresh = replace(policy)
    for each in before:
        decide(policy, each)

    assert decide(policy, known) == decide(fresh, known)


@given(st.lists(conditions, max_size=4), facts)
def test_all_any_and_not_agree_with_de_morgan(parts: list[Condition], known: dict[str, Value]) -> None:
    each = tuple(parts)

    assert Not(All(each)).truth(known) == Any(tuple(Not(part) for part in each)).truth(known)
    assert Not(Any(each)).truth(known) == All(tuple(Not(part) for part in each)).truth(known)
    assert All(()).truth(known) is True
    assert Any(()).truth(known) is False


@given(policies(), facts)
def test_a_hold_is_the_first_of_those_that_apply(policy: Policy, known: dict[str, Value]) -> None:
    decision = decide(policy, known)

    assert decision.hold == next((hold for hold in Hold if hold in decision.holds), None)
