"""The tool that lets a policy slip makes every slip there is, and tells a slip that is noticed from one that is not."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings

from caseward.core.conditions import All, Any, Condition, Not
from caseward.core.conditions import Test as Comparison
from caseward.core.errors import PackError
from caseward.core.facts import FactKind, FactSpec, Value
from caseward.core.invariant import SETTING, Invariant, outcome, outcome_specs
from caseward.core.pack import Pack
from caseward.core.policy import Grant, Policy, Rule, Tier, Trigger, decide
from caseward.packs.load import load
from tests.property.test_policy import facts as any_facts
from tests.property.test_policy import policies
from tools.cases_near import decisions, neighbours
from tools.mutants import Mutant, misread, mutants, narrower, weakened, wider
from tools.mutate import Trial, main, try_out

SCHOOL = Path(__file__).parents[3] / "packs" / "vocal-coaching"
SPECS = {
    "asked": FactSpec(name="asked", kind=FactKind.BOOL),
    "minutes": FactSpec(name="minutes", kind=FactKind.INTEGER),
    "what": FactSpec(name="what", kind=FactKind.ENUM, values=("faq", "move", "refund")),
    "down": FactSpec(name="down", kind=FactKind.SET, values=("calendar", "payments")),
}
ASKED = Comparison("asked", "is", True)
LATE = Comparison("minutes", "lt", 60)
KNOWN = Comparison("what", "in", frozenset({"faq", "move"}))
DOWN = Comparison("down", "has", "calendar")


def slips(condition: Condition) -> dict[str, Condition]:
    return dict(misread(condition, SPECS))


@pytest.fixture(scope="module")
def pack() -> Pack:
    return load(SCHOOL)


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        pytest.param(ASKED, {"not asked is true": Comparison("asked", "not", True)}, id="a switch"),
        pytest.param(DOWN, {"not down has calendar": Not(DOWN)}, id="a member of a set"),
        pytest.param(
            LATE,
            {
                "minutes lt 60 moved by -1": Comparison("minutes", "lt", 59),
                "minutes lt 60 moved by 1": Comparison("minutes", "lt", 61),
                "not minutes lt 60": Comparison("minutes", "gte", 60),
            },
            id="a bound",
        ),
        pytest.param(
            KNOWN,
            {
                "what no longer faq": Comparison("what", "in", frozenset({"move"})),
                "what no longer move": Comparison("what", "in", frozenset({"faq"})),
                "not what in [faq, move]": Not(KNOWN),
            },
            id="a list",
        ),
        pytest.param(
            All((ASKED, DOWN)),
            {
                "without asked is true": All((DOWN,)),
                "without down has calendar": All((ASKED,)),
                "not asked is true": All((Comparison("asked", "not", True), DOWN)),
                "not down has calendar": All((ASKED, Not(DOWN))),
            },
            id="several at once",
        ),
        pytest.param(
            Any((ASKED, DOWN)),
            {
                "without asked is true": Any((DOWN,)),
                "without down has calendar": Any((ASKED,)),
                "not asked is true": Any((Comparison("asked", "not", True), DOWN)),
                "not down has calendar": Any((ASKED, Not(DOWN))),
            },
            id="one of several",
        ),
    ],
)
def test_every_part_of_a_condition_is_misread_in_every_way(
    condition: Condition, expected: dict[str, Condition]
) -> None:
    assert slips(condition) == expected


@pytest.mark.parametrize(
    "condition",
    [LATE, KNOWN, All((LATE, KNOWN)), Any((LATE, KNOWN)), Not(Any((LATE, KNOWN))), Not(All((Not(LATE), DOWN)))],
    ids=["below", "one of", "all", "any", "not any", "not all, one denied"],
)
def test_what_is_narrower_never_holds_where_the_whole_does_not_and_what_is_wider_always_does(
    condition: Condition,
) -> None:
    every: list[dict[str, Value]] = [
        {"minutes": minutes, "what": what, "down": down}
        for minutes in (58, 59, 60, 61)
        for what in SPECS["what"].values
        for down in (frozenset[str](), frozenset({"calendar"}))
    ]

    assert list(narrower(condition, SPECS)) or list(wider(condition, SPECS))
    for facts in every:
        for what, less in narrower(condition, SPECS):
            assert not (less.truth(facts) and not condition.truth(facts)), what
        for what, more in wider(condition, SPECS):
            assert not (condition.truth(facts) and not more.truth(facts)), what


def test_every_demand_of_every_part_is_weakened(pack: Pack) -> None:
    rule = Rule(id="rule", tier=Tier.R2, when=ASKED, because="", lane="coach", auto_send=False)
    row = Grant(
        tier=Tier.R2,
        phases=frozenset({"pilot", "production"}),
        topologies=frozenset({"hub"}),
        lane="coach",
        needs=2,
        confidence=90,
        hold_seconds=10,
        expires_minutes=60,
    )
    trigger = Trigger(id="trigger", when=ASKED, lane="qa", because="")
    policy = replace(pack.policy, facts=SPECS, rules=(rule,), matrix=(row,), triggers=(trigger,))

    names = {f"{each.kind} {each.name}" for each in mutants(policy)}

    assert names == {
        *("rule rule: deleted", "rule rule: R1 instead of R2", "rule rule: lets operations run"),
        *("rule rule: lane weaker", "rule rule: may go out by itself", "rule rule: not asked is true"),
        *("row row 1 (R2): deleted", "row row 1 (R2): lane weaker", "row row 1 (R2): nobody asked"),
        *("row row 1 (R2): one person less", "row row 1 (R2): any confidence", "row row 1 (R2): expires later"),
        *("row row 1 (R2): no time to take it back", "row row 1 (R2): a second less to take it back"),
        *("row row 1 (R2): not in pilot", "row row 1 (R2): not in production"),
        *("trigger trigger: deleted", "trigger trigger: lane weaker", "trigger trigger: not asked is true"),
    }


def test_what_is_left_of_a_promise_never_says_more_than_the_whole(pack: Pack) -> None:
    asked, said = {**pack.policy.facts, **SETTING}, outcome_specs(pack.policy)
    near = [{**facts, "phase": "hardening", "topology": "hub"} for facts in list(neighbours(pack))[::50]]

    for each in weakened(pack.invariants, asked, said):
        whole, left = each.promise, each.left
        if left is not None:
            assert [facts for facts in near if left.when.truth(facts) and not whole.when.truth(facts)] == [], each.name
            every = decisions(pack.policy, (whole.then, left.then))
            assert [told for told in every if whole.then.truth(told) and not left.then.truth(told)] == [], each.name


@given(policies(), any_facts)
@settings(max_examples=150)
def test_whatever_a_gate_decides_is_among_all_that_it_can_say(policy: Policy, known: dict[str, Value]) -> None:
    said = outcome(decide(policy, known))

    shape = {name: said[name] for name in ("tier", "lane", "hold", "auto_send", "executes")}
    assert shape in [{name: each[name] for name in shape} for each in decisions(policy, ())]


def test_a_slip_that_a_golden_case_a_promise_or_a_proof_notices_is_told_by_whom(pack: Pack) -> None:
    few = {
        "refund-request: deleted",
        "published-answer: lets operations run",
        "nothing-published: without transactional is false",
        "own-record: without exception_requested is false",
    }

    fates = {each.name: each.fate for each in Trial(pack, accepted={}).sampled(_named(pack, few))}

    assert fates == {
        "refund-request: deleted": "golden case",
        "published-answer: lets operations run": "golden case",
        "nothing-published: without transactional is false": "proof",
        "own-record: without exception_requested is false": "no slip",
    }


def test_what_no_golden_case_notices_a_promise_does_and_what_no_promise_says_survives(pack: Pack) -> None:
    sends = next(each for each in mutants(pack.policy) if each.name == "row 3 (R1): nobody asked")
    waits = next(each for each in mutants(pack.policy) if each.name == "row 8 (R2): expires later")
    without_cases = replace(pack, golden=tuple(case for case in pack.golden if case.file == "golden/published.yaml"))

    fates = {each.name: (each.fate, each.by) for each in Trial(without_cases, accepted={}).sampled([sends, waits])}

    assert fates[sends.name][0] == "promise"
    assert fates[sends.name][1].startswith("pilot-sends-")
    assert fates[waits.name] == ("SURVIVED", "")


def test_a_survivor_is_accepted_for_a_reason_only(pack: Pack) -> None:
    bare = replace(pack, golden=(), invariants=())
    mutant = next(each for each in mutants(pack.policy) if each.name == "row 2 (R0): any confidence")
    name = f"row {mutant.name}"

    survived = next(Trial(bare, accepted={}).sampled([mutant]))
    accepted = next(Trial(bare, accepted={name: "It is read afterwards."}).sampled([mutant]))

    assert (survived.fate, survived.by) == ("SURVIVED", "")
    assert (accepted.fate, accepted.by) == ("accepted", "It is read afterwards.")


def test_a_promise_that_no_slip_breaks_survives_unless_no_gate_could_break_it(pack: Pack) -> None:
    faq = Comparison("intent", "is", "faq")
    few = Invariant(id="few", when=faq, then=Comparison("needs", "lt", 5), because="Five are too many.")
    some = Invariant(id="some", when=faq, then=Comparison("needs", "gte", 1), because="It is always so.")
    person = next(each for each in pack.invariants if each.id == "quota-needs-the-coach")
    rules = tuple(rule for rule in pack.policy.rules if rule.id == "quota-used")
    policy = replace(pack.policy, rules=rules, matrix=pack.policy.matrix[-3:], triggers=())
    small = replace(pack, invariants=(few, some, person), policy=policy, golden=pack.golden[-3:])

    fates = {each.name: each.fate for each in Trial(small, accepted={}).all() if each.kind == "promise"}

    assert fates["few: deleted"] == "SURVIVED"
    assert fates["some: deleted"] == "no slip"
    assert fates["quota-needs-the-coach: deleted"] == "promise"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("- slip: x\n", "an entry is a slip and a reason", id="no reason"),
        pytest.param("- {slip: x, because: ' '}\n", "an entry is a slip and a reason", id="an empty reason"),
        pytest.param("slip: x\n", "an entry is a slip and a reason", id="no list"),
    ],
)
def test_a_malformed_list_of_accepted_slips_is_one_clear_complaint(tmp_path: Path, text: str, message: str) -> None:
    folder = Path(shutil.copytree(SCHOOL, tmp_path / "school"))
    (folder / "mutants.yaml").write_text(text, "utf-8")

    with pytest.raises(PackError, match=message) as caught:
        try_out(folder, sample=1)

    assert (caught.value.file, caught.value.line) == ("mutants.yaml", 1)


def test_the_program_prints_a_table_and_says_in_its_status_whether_a_slip_survived(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main([str(SCHOOL), "--sample", "5"]) == 0
    assert "real slips are noticed (100.0%)" in capsys.readouterr().out

    assert main([str(tmp_path / "nowhere")]) == 2
    assert "there is no such folder" in capsys.readouterr().err


def _named(pack: Pack, names: set[str]) -> list[Mutant]:
    return [each for each in mutants(pack.policy) if each.name in names]
