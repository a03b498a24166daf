"""The prover's formulas say what the gate does, and what it claims survives trying everything."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import combinations, pairwise, product
from pathlib import Path

from hypothesis import assume, given
from hypothesis import strategies as st

from caseward.core.conditions import All, Any, Condition, Not
from caseward.core.conditions import Test as Comparison
from caseward.core.facts import FactKind, FactSpec, Value
from caseward.core.invariant import PHASES, TOPOLOGIES, Invariant, broken
from caseward.core.pack import Lane, Pack
from caseward.core.policy import ALWAYS, Decision, Grant, Hold, Policy, Rule, Tier, decide
from caseward.packs import matrix, prove, table
from caseward.packs.encode import ANSWERS, LISTS, meaning
from caseward.packs.inputs import Case, Inputs, Term, negated
from caseward.packs.load import load
from caseward.packs.solve import Search
from caseward.packs.subject import Fault, Subject
from caseward.packs.whatif import differences
from tests.conftest import examples
from tests.property.test_policy import DOMAINS, LANES, SPECS, conditions, policies
from tests.property.test_policy import facts as partly

SCHOOL = Path(__file__).parents[2] / "packs" / "vocal-coaching"
EVERY_PARTIAL = [
    {name: value for name, value in zip(DOMAINS, values, strict=True) if value is not None}
    for values in product(*((None, *domain) for domain in DOMAINS.values()))
]
"""Everything that may be known: 3 x 4 x 5 x 5 ways."""
EVERY_CASE = [
    Case(facts=facts, phase=phase, topology=topology)
    for phase, topology, facts in product(PHASES, TOPOLOGIES, EVERY_PARTIAL)
]
phases, topologies = st.sampled_from(PHASES), st.sampled_from(TOPOLOGIES)
some = examples(16)
"""Trying everything takes a while."""


def distinct(policy: Policy) -> bool:
    """Ids are unique in a pack, and the loader sees to it."""
    return len({trigger.id for trigger in policy.triggers}) == len(policy.triggers)


tables = policies().filter(distinct)


def everything(policy: Policy) -> list[tuple[Case, Decision]]:
    """Every case there is, and what is decided there."""
    places = {place: replace(policy, phase=place[0], topology=place[1]) for place in product(PHASES, TOPOLOGIES)}
    return [(case, decide(places[case.phase, case.topology], case.facts)) for case in EVERY_CASE]


@cache
def school() -> Pack:
    return load(SCHOOL)


def pack_of(policy: Policy, *invariants: Invariant, lanes: Mapping[str, Lane] | None = None) -> Pack:
    """The school with other rules, in which every lane but the weakest has somebody who may decide."""
    staffed = {name: Lane(title=name, roles=() if name == LANES[0] else ("coach",)) for name in LANES}
    profile = replace(school().profile, lanes=staffed | dict(lanes or {}))
    return replace(school(), policy=policy, profile=profile, invariants=invariants)


def fixed(inputs: Inputs, case: Case) -> list[Term]:
    """Return what makes the inputs be one case; a number lies in the last stretch that begins at it or below."""
    terms = [inputs.standing("phase", {case.phase}), inputs.standing("topology", {case.topology})]
    terms += [known if name in case.facts else negated(known) for name, known in inputs.known.items()]
    for name, value in case.facts.items():
        if isinstance(value, frozenset):
            terms += [term if each in value else negated(term) for each, term in inputs.members[name].items()]
        else:
            choices = inputs.choices[name]
            terms.append(next((term for each, term in reversed(choices) if fits(each, value)), choices[0][1]))
    return terms


def fits(representative: Value, value: Value) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        assert isinstance(representative, int)
        return representative <= value
    return representative == value


# --- formulas and gate ------------------------------------------------------------------------------------------------

EVERY_KIND = {
    "vip": FactSpec(name="vip", kind=FactKind.BOOL),
    "wish": FactSpec(name="wish", kind=FactKind.ENUM, values=("ask", "change", "leave")),
    "standing": FactSpec(name="standing", kind=FactKind.RANK, values=("new", "known", "trusted")),
    "tries": FactSpec(name="tries", kind=FactKind.INTEGER, minimum=0),
    "paid": FactSpec(name="paid", kind=FactKind.MONEY, unit="EUR", minimum=0, maximum=1_000_00),
    "since": FactSpec(name="since", kind=FactKind.DURATION),
    "down": FactSpec(name="down", kind=FactKind.SET, values=("clock", "till", "post")),
}
NUMBERS = {"tries": st.integers(0, 9), "paid": st.integers(0, 1_000_00), "since": st.integers(-90, 90)}
values: Mapping[str, st.SearchStrategy[Value]] = {
    "vip": st.booleans(),
    "wish": st.sampled_from(EVERY_KIND["wish"].values),
    "standing": st.sampled_from(EVERY_KIND["standing"].values),
    **NUMBERS,
    "down": st.frozensets(st.sampled_from(EVERY_KIND["down"].values)),
}
every_test: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Comparison, st.just("vip"), st.sampled_from(["is", "not"]), values["vip"]),
    *(
        strategy
        for name in ("wish", "standing")
        for strategy in (
            st.builds(Comparison, st.just(name), st.sampled_from(["is", "not"]), values[name]),
            st.builds(Comparison, st.just(name), st.just("in"), st.frozensets(values[name], min_size=1)),
        )
    ),
    *(
        st.builds(Comparison, st.just(name), st.sampled_from(["is", "not", "lt", "lte", "gt", "gte"]), number)
        for name, number in (*NUMBERS.items(), ("tries", st.integers(-2, 12)), ("paid", st.integers(-5, 1_000_05)))
    ),
    st.builds(Comparison, st.just("down"), st.just("has"), st.sampled_from(EVERY_KIND["down"].values)),
    st.builds(Comparison, st.just("down"), st.just("has_any"), values["down"]),
)
every_condition: st.SearchStrategy[Condition] = st.recursive(
    every_test,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: All(tuple(parts))),
        st.lists(inner, max_size=3).map(lambda parts: Any(tuple(parts))),
        inner.map(Not),
    ),
    max_leaves=5,
)


@st.composite
def rich(draw: st.DrawFn) -> tuple[Policy, dict[str, Value]]:
    """A table whose conditions ask about facts of every kind, and facts that stand near the bounds it names."""
    policy = draw(tables)
    policy = replace(
        policy,
        facts=EVERY_KIND,
        rules=tuple(replace(rule, when=draw(every_condition)) for rule in policy.rules),
        matrix=tuple(replace(row, when=draw(st.just(ALWAYS) | every_condition)) for row in policy.matrix),
        triggers=tuple(replace(trigger, when=draw(every_condition)) for trigger in policy.triggers),
    )
    if draw(st.booleans()):
        policy = lenient(policy)
    named = sorted({number for rule in policy.rules for number in numbers(rule.when)})
    facts: dict[str, Value] = draw(st.fixed_dictionaries({}, optional=dict(values)))
    for name in NUMBERS:
        if named and name in facts and draw(st.booleans()):
            near = draw(st.sampled_from(named)) + draw(st.integers(-1, 1))
            low, high = EVERY_KIND[name].minimum, EVERY_KIND[name].maximum
            facts[name] = max(near if high is None else min(near, high), near if low is None else low)
    return policy, facts


def lenient(policy: Policy) -> Policy:
    """The table where nothing is held and nobody has to be asked, so that rules alone keep a reply from going out."""
    row = Grant(tier=Tier.R0, phases=frozenset(PHASES), topologies=frozenset(TOPOLOGIES), lane=LANES[0], auto_send=True)
    return replace(
        policy,
        rules=tuple(replace(rule, lane="", hold=None) for rule in policy.rules),
        matrix=tuple(replace(row, tier=tier) for tier in Tier),
        triggers=(),
    )


def numbers(condition: Condition) -> Iterator[int]:
    if isinstance(condition, Comparison):
        if isinstance(condition.value, int) and not isinstance(condition.value, bool):
            yield condition.value
        return
    for part in (condition.part,) if isinstance(condition, Not) else condition.parts:
        yield from numbers(part)


@given(rich(), phases, topologies)
@examples(80)
def test_the_formulas_decide_as_the_gate_does(
    asked: tuple[Policy, dict[str, Value]], phase: str, topology: str
) -> None:
    policy, facts = asked
    inputs = Inputs(policy)
    formulas = meaning(policy, inputs)
    case = Case(facts=facts, phase=phase, topology=topology)

    answer = inputs.solver.check(*fixed(inputs, case))

    assert str(answer) == "sat"
    assert formulas.read(inputs.solver.model()) == decide(case.of(policy), facts)


@given(
    st.lists(
        st.builds(
            Comparison, st.just("since"), st.sampled_from(["is", "not", "lt", "lte", "gt", "gte"]), st.integers(-9, 9)
        ),
        min_size=1,
        max_size=4,
    ),
    st.integers(-12, 12),
    st.sampled_from([(None, None), (-5, None), (None, 5), (-5, 5), (3, 3)]),
)
@some
def test_every_number_is_like_the_one_that_stands_for_its_stretch(
    asked: list[Comparison], number: int, limits: tuple[int | None, int | None]
) -> None:
    spec = replace(EVERY_KIND["since"], minimum=limits[0], maximum=limits[1])
    number = max(number, limits[0] if limits[0] is not None else number)
    number = min(number, limits[1] if limits[1] is not None else number)
    rules = tuple(Rule(id=str(i), tier=Tier.R0, when=test, because="") for i, test in enumerate(asked))
    policy = Policy(
        release="", phase="pilot", topology="hub", facts={"since": spec}, rules=rules, matrix=(), lanes=LANES
    )

    stretches = [value for value, _term in Inputs(policy).choices["since"]]

    standing = next((each for each in reversed(stretches) if fits(each, number)), stretches[0])
    for test in asked:
        assert test.truth({"since": standing}) == test.truth({"since": number})
    assert all(spec.parse(each) == each for each in stretches)


@given(tables, st.sampled_from([*ANSWERS, *LISTS]), st.data())
@some
def test_an_answer_has_an_example_exactly_if_some_case_leads_to_it(
    policy: Policy, field: str, data: st.DataObject
) -> None:
    inputs = Inputs(policy)
    formulas = meaning(policy, inputs)
    assume(getattr(formulas, field))
    value, term = data.draw(st.sampled_from(list(getattr(formulas, field).items())))

    found = Search(inputs, policy).example(term, of=[formulas])

    leading = [case for case, decision in everything(policy) if gives(decision, field, value)]
    assert (found is None) == (not leading)
    if found:
        assert gives(decide(found.case.of(policy), found.case.facts), field, value)
        assert len(found.case.facts) == min(len(case.facts) for case in leading)


def gives(decision: Decision, field: str, value: object) -> bool:
    answer = getattr(decision, field)
    return value in answer if field in LISTS else bool(answer == value)


# --- what is proved ---------------------------------------------------------------------------------------------------

said: st.SearchStrategy[Condition] = st.one_of(
    st.builds(Comparison, st.just("tier"), st.just("in"), st.frozensets(st.sampled_from(list(Tier.__members__)))),
    st.builds(Comparison, st.just("lane"), st.just("in"), st.frozensets(st.sampled_from(LANES))),
    st.builds(Comparison, st.sampled_from(["auto_send", "executes"]), st.just("is"), st.booleans()),
    st.builds(Comparison, st.just("hold"), st.sampled_from(["is", "not"]), st.sampled_from(["none", "missing"])),
    st.builds(Comparison, st.just("needs"), st.sampled_from(["gte", "lt"]), st.integers(1, 3)),
    st.builds(Comparison, st.just("hold_seconds"), st.sampled_from(["gt", "lte"]), st.integers(0, 30)),
)
promised = st.one_of(
    said, st.builds(lambda one, other: Any((one, other)), said, said), st.builds(lambda one: Not(All((one,))), said)
)
asked_about = st.one_of(
    conditions,
    st.just(ALWAYS),
    st.builds(
        lambda phase, when: All((Comparison("phase", "is", phase), when)),
        phases,
        st.one_of(st.just(ALWAYS), conditions),
    ),
)


@given(tables, asked_about, promised)
@some
def test_a_promise_is_proved_exactly_if_no_case_breaks_it(policy: Policy, when: Condition, then: Condition) -> None:
    promise = Invariant(id="promise", when=when, then=then, because="")

    proof = prove.prove(pack_of(policy, promise))[-1]

    places = {
        (phase, topology): replace(policy, phase=phase, topology=topology)
        for phase in PHASES
        for topology in TOPOLOGIES
    }
    breaking = [case for case in EVERY_CASE if broken(places[case.phase, case.topology], promise, case.facts)]
    assert proof.holds == (not breaking)
    if breaking:
        fewest = min(len(case.facts) for case in breaking)
        assert proof.counterexample.count(": ") - 1 == fewest + ("held: " in proof.counterexample)


def faults(statement: Callable[[Subject], Iterator[Fault]], policy: Policy) -> list[Fault]:
    return list(statement(Subject(pack_of(policy))))


WHOLE = [facts for facts in EVERY_PARTIAL if len(facts) == len(SPECS)]


@given(tables)
@some
def test_the_table_has_a_gap_exactly_if_some_known_facts_match_no_rule(policy: Policy) -> None:
    gaps = [facts for facts in WHOLE if not decide(policy, facts).rules]

    assert bool(faults(table.gaps, policy)) == bool(gaps)


@given(tables)
@some
def test_a_rule_is_unreachable_exactly_if_no_facts_match_it(policy: Policy) -> None:
    matched = {rule for facts in EVERY_PARTIAL for rule in decide(policy, facts).rules}
    held = {each.id for each in policy.triggers for facts in EVERY_PARTIAL if each.when.truth(facts)}

    named = {fault.id for fault in faults(table.unreachable, policy)}

    assert named == {each.id for each in (*policy.rules, *policy.triggers)} - matched - held


@given(tables, st.data())
@some
def test_every_overlap_with_different_demands_is_listed_unless_declared(policy: Policy, data: st.DataObject) -> None:
    names = ["all", *Tier.__members__, *(rule.id for rule in policy.rules)]
    overs = st.lists(st.sampled_from(names), max_size=1).map(tuple)
    policy = replace(policy, rules=tuple(replace(rule, over=data.draw(overs)) for rule in policy.rules))

    listed = {
        fault.fix.partition("over: [")[2].strip("]`") + " " + fault.id for fault in faults(table.overlaps, policy)
    }

    together = {pair for facts in EVERY_PARTIAL for pair in combinations(rules_of(policy, facts), 2)}
    undeclared = {
        f"{other.id} {one.id}"
        for one, other in combinations(policy.rules, 2)
        if (one.id, other.id) in together
        and one.demands() != other.demands()
        and not (declares(one, other) or declares(other, one))
    }
    assert listed == undeclared


def rules_of(policy: Policy, facts: Mapping[str, Value]) -> list[str]:
    return [rule.id for rule in policy.rules if rule.when.truth(facts)]


def declares(one: Rule, other: Rule) -> bool:
    return any(name in ("all", other.id, other.tier.name) for name in one.over)


@given(tables)
@some
def test_a_rule_is_idle_exactly_if_every_decision_is_the_same_without_it(policy: Policy) -> None:
    named = {fault.id for fault in faults(table.idle, policy)}

    decided = everything(policy)
    for rule in policy.rules:
        without = everything(replace(policy, rules=tuple(each for each in policy.rules if each is not rule)))
        same = all(answers(one) == answers(other) for (_, one), (_, other) in zip(decided, without, strict=True))
        assert (rule.id in named) == same


def answers(decision: Decision) -> Decision:
    """A decision without the rules that led to it."""
    return replace(decision, rules=(), possible=(), release="")


@st.composite
def in_lane_none(draw: st.DrawFn) -> Policy:
    """One row for each tier, all in the weakest lane: consent differs by needs and by what goes out alone."""
    rows = [
        Grant(
            tier=tier,
            phases=frozenset(PHASES),
            topologies=frozenset(TOPOLOGIES),
            lane=LANES[0],
            auto_send=draw(st.booleans()),
            needs=draw(st.integers(1, 2)),
        )
        for tier in Tier
    ]
    return replace(draw(tables), matrix=tuple(rows))


@given(tables | in_lane_none())
@examples(25)
def test_consent_is_called_weaker_exactly_if_the_matrix_asks_a_higher_tier_for_less(policy: Policy) -> None:
    lonely = {tier: matrix_alone(policy, tier) for tier in Tier}

    named = {fault.message.rpartition(": ")[2].split()[0] for fault in faults(matrix.weaker, policy)}

    asked = {tier: [strength(decision) for _case, decision in everything(lonely[tier])] for tier in Tier}
    assert named == {
        str(low)
        for low, high in pairwise(Tier)
        if any(above < below for below, above in zip(asked[low], asked[high], strict=True))
    }


@given(tables)
@some
def test_a_tier_lacks_a_row_exactly_if_no_row_speaks_of_some_known_facts_that_lead_to_it(policy: Policy) -> None:
    named = {fault.message.removeprefix("no row speaks of ")[:2] for fault in faults(matrix.unspoken, policy)}

    assert named == {
        str(decision.tier)
        for case, decision in everything(policy)
        if len(case.facts) == len(SPECS) and decision.rules
        if not any(speaks(row, case) for row in policy.matrix if row.tier is decision.tier)
    }


def speaks(row: Grant, case: Case) -> bool:
    return case.phase in row.phases and case.topology in row.topologies and row.when.truth(case.facts) is True


def matrix_alone(policy: Policy, tier: Tier) -> Policy:
    return replace(policy, triggers=(), rules=(Rule(id="it", tier=tier, when=ALWAYS, because=""),))


def strength(decision: Decision) -> tuple[int, bool, int]:
    return LANES.index(decision.approval), not decision.auto_send, decision.needs


@given(tables)
@some
def test_r3_is_proved_attended_exactly_if_no_case_of_it_goes_without_a_lane(policy: Policy) -> None:
    alone = any(each.tier is Tier.R3 and each.approval == LANES[0] for _case, each in everything(policy))

    assert bool(faults(matrix.unattended, policy)) == alone


@given(tables)
@some
def test_whatever_is_held_stays(policy: Policy) -> None:
    assert faults(matrix.released_in_spite, policy) == []


@given(tables, st.integers(1, 2))
@some
def test_a_lane_is_short_of_people_exactly_if_some_case_asks_for_more(policy: Policy, count: int) -> None:
    people = tuple(f"person-{i}" for i in range(count))
    lanes = {"coach": Lane(title="Coach", roles=("coach",), people=people)}

    named = list(matrix.undecidable(Subject(pack_of(policy, lanes=lanes))))

    assert bool(named) == any(each.approval == "coach" and each.needs > count for _case, each in everything(policy))


# --- differences ------------------------------------------------------------------------------------------------------


@given(tables, tables)
@some
def test_two_tables_differ_exactly_where_some_case_is_decided_otherwise(one: Policy, other: Policy) -> None:
    found = differences(one, other, limit=3)

    differing = [
        (case, Hold.MISSING in before.holds | after.holds)
        for (case, before), (_, after) in zip(everything(one), everything(other), strict=True)
        if answers(before) != answers(after)
    ]
    assert bool(found) == bool(differing)
    for each in found:
        case = Case(facts=each.facts, phase=each.phase, topology=each.topology)
        assert each.before == decide(case.of(one), case.facts)
        assert each.after == decide(case.of(other), case.facts)
        assert answers(each.before) != answers(each.after)
    if found:
        open_ = all(missing for _case, missing in differing)
        assert len(found[0].facts) == min(len(case.facts) for case, missing in differing if missing == open_)
    kinds = [kind(each.before) + kind(each.after) for each in found]
    assert len(set(kinds)) == len(kinds)


def kind(decision: Decision) -> tuple[object, ...]:
    return tuple(getattr(decision, name) for name in ANSWERS)


@given(tables)
@some
def test_a_table_is_proved_equal_to_itself_in_any_order(policy: Policy) -> None:
    other = replace(policy, rules=policy.rules[::-1], matrix=policy.matrix[::-1], release="another")

    assert differences(policy, other) == ()


@given(tables, partly)
@some
def test_the_same_question_always_finds_the_same_case(policy: Policy, facts: dict[str, Value]) -> None:
    promise = Invariant(id="promise", when=ALWAYS, then=Comparison("tier", "is", "R0"), because="")

    first, second = (prove.prove(pack_of(policy, promise))[-1] for _again in range(2))

    assert first == second
