"""What the prover finds in tables that look right: each hole is named by its plainest case, in the pack's own words."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from caseward.core.conditions import All
from caseward.core.conditions import Test as Comparison
from caseward.core.errors import CasewardError
from caseward.core.invariant import Invariant
from caseward.core.pack import Pack
from caseward.core.policy import Decision, Policy, Rule, Tier
from caseward.packs import prove, solve
from caseward.packs.inputs import any_of
from caseward.packs.load import load
from caseward.packs.prove import Proof
from caseward.packs.subject import Subject

SCHOOL = Path(__file__).parents[3] / "packs" / "vocal-coaching"
NAIVE = """
- id: published
  tier: R0
  when: {published_answer: true, account_specific: false, transactional: false, exception_requested: false}
  because: A page answers.
- id: own-record
  tier: R1
  when: {account_specific: true, transactional: false}
  because: It is only read.
- id: within-policy
  tier: R2
  when:
    transactional: true
    exception_requested: false
    intent: {in: [schedule, reschedule, cancel]}
    reschedules_this_month: {lt: 2}
    minutes_to_session: {gte: 60}
  because: It can be undone.
  executes: true
- id: person-decides
  tier: R3
  when:
    any:
      - {exception_requested: true}
      - {intent: refund, transactional: true}
      - {intent: cancel}
      - {minutes_to_session: {lt: 60}}
      - {reschedules_this_month: {gte: 2}}
  because: It cannot be undone.
"""
"""What one writes first: a line for each tier."""


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., Pack]:
    """Load the school with other files: name → text, or `(old, new)` to put words in the place of others."""

    def write(**files: str | tuple[str, str]) -> Pack:
        folder = Path(shutil.copytree(SCHOOL, tmp_path / "school", dirs_exist_ok=True))
        shutil.rmtree(folder / "golden")
        if "rules" in files:
            shutil.rmtree(folder / "rules")
            (folder / "rules").mkdir()
            (folder / "rules" / "all.yaml").write_text(str(files.pop("rules")), "utf-8")
        for name, words in files.items():
            path = folder / f"{name.replace('_', '-')}.yaml"
            if isinstance(words, tuple):
                text = path.read_text("utf-8")
                assert words[0] in text
                words = text.replace(*words, 1)
            path.write_text(words, "utf-8")
        return load(folder)

    return write


def failed(pack: Pack) -> Mapping[str, Proof]:
    """Return what does not hold; of a promise its id alone is the name."""
    return {proof.name.partition(":")[0]: proof for proof in prove.prove(pack) if not proof.holds}


def test_of_the_school_everything_holds() -> None:
    proofs = prove.prove(load(SCHOOL))

    assert [proof for proof in proofs if not proof.holds] == []
    assert len(proofs) >= 8 + 15


def test_a_naive_table_has_a_gap(written: Callable[..., Pack]) -> None:
    found = failed(written(rules=NAIVE))["every combination of known facts is decided by a rule"]

    assert found.counterexample == (
        "no rule decides on intent: faq, transactional: true, exception_requested: false, minutes_to_session: 60, "
        "reschedules_this_month: 0"
    )


def test_a_naive_table_contradicts_itself_and_every_pair_is_listed(written: Callable[..., Pack]) -> None:
    found = failed(written(rules=NAIVE))["rules that hold together and ask for different things say so"]

    assert [(fault.id, fault.message) for fault in found.faults] == [
        (
            "published",
            "matches together with person-decides, which asks for something else, on intent: cancel, "
            "published_answer: true, account_specific: false, transactional: false, exception_requested: false",
        ),
        (
            "own-record",
            "matches together with person-decides, which asks for something else, on intent: cancel, "
            "account_specific: true, transactional: false",
        ),
        (
            "within-policy",
            "matches together with person-decides, which asks for something else, on intent: cancel, "
            "transactional: true, exception_requested: false, minutes_to_session: 60, reschedules_this_month: 0",
        ),
    ]


@pytest.mark.parametrize(
    ("promise", "case"),
    [
        pytest.param(
            "refund-reaches-the-coach",
            "intent: refund, account_specific: true, transactional: false, exception_requested: false, "
            "minutes_to_session: 60, reschedules_this_month: 0: R1 ",
            id="a refund that changes nothing yet is taken for a question",
        ),
        pytest.param(
            "change-needs-identity",
            "intent: schedule, transactional: true, exception_requested: false, minutes_to_session: 60, "
            "reschedules_this_month: 0, identity unknown: R2 in lane coach, operations may run the task",
            id="somebody we do not know changes a booking",
        ),
        pytest.param(
            "degraded-pauses-changes",
            "intent: cancel, degraded unknown, transactional unknown: R3 in lane coach (by person-decides;",
            id="nothing pauses while a system is unhealthy",
        ),
    ],
)
def test_a_naive_table_breaks_promises(written: Callable[..., Pack], promise: str, case: str) -> None:
    found = failed(written(rules=NAIVE))

    assert case in found[promise].counterexample
    assert len([name for name in found if not name.startswith(("every", "rules"))]) >= 9


def test_a_rule_whose_conditions_exclude_each_other_is_named(written: Callable[..., Pack]) -> None:
    never = "- id: never\n  tier: R1\n  when: {minutes_to_session: {lt: 10, gte: 10}}\n  because: Never.\n"

    found = failed(written(rules=NAIVE + never))["every rule and every break-glass trigger can match"]

    assert found.counterexample == "never: this can never match: its conditions exclude each other"


def test_a_trigger_that_can_never_hold_is_named(written: Callable[..., Pack]) -> None:
    trigger = (
        "- {id: odd, when: {degraded: {has: records}, none: [{degraded: {has: records}}]}, lane: coach, because: x}"
    )

    found = failed(written(break_glass=trigger))["every rule and every break-glass trigger can match"]

    assert found.faults[0].file == "break-glass.yaml"


def test_a_matrix_that_forgets_some_facts_is_named_by_such_a_case(written: Callable[..., Pack]) -> None:
    pack = written(approvals=("{tier: R0, phases", "{tier: R0, when: {intent: faq}, phases"))

    found = failed(pack)["every decision finds its row of the approval matrix"]

    assert found.counterexample.startswith("no row speaks of R0 in pilot, empowered on intent: schedule, ")


def test_a_lane_of_one_person_is_never_asked_for_two(written: Callable[..., Pack]) -> None:
    pack = written(pack=("    roles: [coach]\n", "    roles: [coach]\n    people: [coach-ana]\n"))

    found = failed(pack)["whatever needs consent has somebody who may give it"]

    assert found.counterexample.startswith("lane coach: only 1 may decide, and it is asked: R3 in lane coach, 2 people")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(
            "    expires_minutes: 480\n    escalates_to: coach", "    expires_minutes: 480\n    escalates_to: qa",
            "lane coach: escalates to qa, which is weaker", id="downwards",
        ),
        pytest.param(
            "    roles: [agent, ops_lead]\n    expires_minutes: 240\n    escalates_to: coach",
            "    roles: [agent, ops_lead]\n    expires_minutes: 240\n    escalates_to: none",
            "lane qa: escalates to none, which is weaker", id="to nobody",
        ),
    ],
)  # fmt: skip
def test_an_escalation_never_ends_where_less_is_asked(
    written: Callable[..., Pack], old: str, new: str, message: str
) -> None:
    found = failed(written(pack=(old, new)))["whatever needs consent has somebody who may give it"]

    assert found.counterexample == message


def test_promises_hold_for_every_phase_unless_they_name_one(written: Callable[..., Pack]) -> None:
    promises = """
- {id: always, when: {intent: reschedule}, then: {auto_send: false}, because: x}
- {id: in-the-hub, when: {intent: reschedule, topology: hub}, then: {auto_send: false}, because: x}
"""

    found = failed(written(invariants=promises))

    assert list(found) == ["always"]
    assert "broken in production, empowered on intent: reschedule, " in found["always"].counterexample


def test_a_case_has_the_fewest_facts_there_can_be_and_not_merely_none_to_spare(written: Callable[..., Pack]) -> None:
    rules = """
- {id: first-two, tier: R3, when: {intent: refund, published_answer: true}, because: x}
- {id: middle, tier: R3, when: {account_specific: true}, because: x}
- {id: last-two, tier: R3, when: {transactional: true, exception_requested: true}, because: x}
"""
    subject = Subject(written(rules=rules, invariants="[]"))

    found = subject.search.example(any_of(subject.meaning.matches.sure))

    assert found is not None
    assert found.case.facts == {"account_specific": True}


def test_what_was_proved_is_not_proved_again_until_a_rule_a_promise_or_a_lane_changes() -> None:
    school = load(SCHOOL)
    policy, lanes = school.policy, school.profile.lanes
    renamed = {name: replace(lane, title=f"{lane.title} again") for name, lane in lanes.items()}

    first = prove.findings(school)

    assert first.proofs == prove.prove(school)
    assert prove.findings(replace(load(SCHOOL), templates={}, policy=replace(policy, release="2030-01-01.1"))) is first
    for other in (
        replace(school, policy=replace(policy, rules=policy.rules[1:])),
        replace(school, invariants=school.invariants[1:]),
        replace(school, profile=replace(school.profile, lanes=renamed)),
    ):
        assert prove.findings(other).proofs == prove.prove(other)
        assert prove.findings(other) is not first


# --- what has no use --------------------------------------------------------------------------------------------------


def useless(pack: Pack) -> list[tuple[str, str]]:
    return [(fault.id or fault.file, fault.message) for fault in prove.doubtful(Subject(pack))]


def test_the_school_has_nothing_useless() -> None:
    assert useless(load(SCHOOL)) == []


def test_what_changes_no_decision_is_pointed_out(written: Callable[..., Pack]) -> None:
    more = """
- id: twice
  tier: R3
  when: {intent: cancel, exception_requested: true}
  because: Said already by person-decides.
  over: [published]
"""
    rows = "- {tier: R0, phases: [pilot], topologies: [hub], when: {exception_requested: true}, lane: qa}\n"
    empty = "- {id: empty, when: {intent: faq, none: [{intent: faq}]}, then: {tier: R0}, because: x}\n"

    found = useless(written(rules=NAIVE + more, approvals=("- {tier: R0", rows + "- {tier: R0"), invariants=empty))

    assert found == [
        ("twice", "every decision would be the same without this rule"),
        ("twice", "`over` names 'published', with which this has no overlap that needs saying"),
        *(
            ("facts.yaml", f"no rule names intent {name}")
            for name in ("faq", "payment", "invoice", "privacy", "complaint", "other")
        ),
        ("empty", "this promises something of a case that cannot be: the conditions exclude each other"),
    ]


# --- the prover itself ------------------------------------------------------------------------------------------------


def test_if_prover_and_gate_ever_disagree_it_is_said_and_nothing_is_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    def otherwise(policy: Policy, facts: Mapping[str, object]) -> Decision:
        return replace(decide_honestly(policy, facts), tier=Tier.R0)  # type: ignore[arg-type]

    decide_honestly = solve.decide
    monkeypatch.setattr(solve, "decide", otherwise)
    school = load(SCHOOL)
    promise = Invariant(id="p", when=All(()), then=Comparison("tier", "is", "R0"), because="")

    with pytest.raises(CasewardError, match="a fault of this program and not of the pack"):
        prove.prove(replace(school, invariants=(promise,)))


def test_a_table_without_rules_sends_everything_to_people() -> None:
    school = load(SCHOOL)

    found = failed(replace(school, policy=replace(school.policy, rules=()), invariants=()))

    assert found["every combination of known facts is decided by a rule"].counterexample == (
        "no rule decides on nothing known"
    )
    assert "R3 always needs a person" not in found


def test_rules_may_ask_about_a_number_that_has_only_one_value() -> None:
    school = load(SCHOOL)
    spec = replace(school.policy.facts["reschedules_this_month"], minimum=3, maximum=3)
    rules = (
        Rule(id="same", tier=Tier.R3, when=Comparison("reschedules_this_month", "gte", 3), because=""),
        Rule(id="less", tier=Tier.R3, when=Comparison("reschedules_this_month", "lt", 3), because=""),
    )
    policy = replace(school.policy, facts={**school.policy.facts, spec.name: spec}, rules=rules)

    found = failed(replace(school, policy=policy, invariants=()))

    assert found["every rule and every break-glass trigger can match"].counterexample.startswith("less: ")
    assert "every combination of known facts is decided by a rule" not in found
