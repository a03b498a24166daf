"""What another pack would decide otherwise, told entry by entry and case by case."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from caseward.core.conditions import All
from caseward.core.conditions import Test as Comparison
from caseward.core.errors import BadInput
from caseward.core.facts import FactKind, FactSpec
from caseward.core.pack import Pack
from caseward.core.policy import Rule, Tier
from caseward.packs.whatif import Comparison as Compared
from caseward.packs.whatif import Past, compare, differences

SCHOOL = Path(__file__).parents[3] / "packs" / "vocal-coaching"
MOVE = {
    **{"intent": "reschedule", "published_answer": False, "account_specific": True, "transactional": True},
    **{"exception_requested": False, "identity": "verified", "minutes_to_session": 90, "reschedules_this_month": 0},
    **{"chargeback_threat": False, "legal_threat": False, "abuse_or_safety": False, "minor_or_sensitive": False},
    **{"insists_unverified": False, "knowledge_contradiction": False, "degraded": []},
}


def strict(pack: Pack, minutes: int = 120) -> Pack:
    """The pack with one more rule: a move is the coach's when less than so many minutes are left."""
    late = All((Comparison("intent", "is", "reschedule"), Comparison("minutes_to_session", "lt", minutes)))
    rule = Rule(id="late", tier=Tier.R3, when=late, because="It is late.", over=("all",))
    return replace(pack, policy=replace(pack.policy, rules=(*pack.policy.rules, rule)))


def without(pack: Pack, name: str) -> Pack:
    rules = tuple(rule for rule in pack.policy.rules if rule.id != name)
    return replace(pack, policy=replace(pack.policy, rules=rules))


def test_a_pack_and_itself_are_proved_the_same(school: Pack) -> None:
    found = compare(school, school, [Past(where="1", facts=MOVE)])

    assert found == Compared(differences=(), golden=(), cases=(), tried=1, unreadable=(), rules=())
    assert found.same


def test_another_rule_differs_where_it_alone_holds_and_nowhere_else(school: Pack) -> None:
    found = differences(school.policy, strict(school).policy)

    settled = [each for each in found if not each.before.missing and not each.after.missing]
    assert settled
    for each in found:
        assert each.facts.get("intent", "reschedule") == "reschedule"
    decided = [(str(each.before.tier), str(each.after.tier)) for each in settled]
    assert ("R2", "R3") in decided
    assert settled == list(found[: len(settled)])


def test_examples_stand_at_the_boundary_and_name_no_fact_that_does_not_matter(school: Pack) -> None:
    move = Rule(id="move", tier=Tier.R2, when=Comparison("intent", "is", "reschedule"), because="")
    plain = replace(school, policy=replace(school.policy, rules=(move,), triggers=()))

    first = differences(plain.policy, strict(plain).policy)[0]

    assert first.facts == {"intent": "reschedule", "minutes_to_session": 119}
    assert (first.before.tier, first.after.tier) == (Tier.R2, Tier.R3)
    assert (first.phase, first.topology) == (school.policy.phase, school.policy.topology)


def test_as_many_kinds_are_shown_as_were_asked_for(school: Pack) -> None:
    policies = (school.policy, replace(school.policy, rules=()))

    assert [len(differences(*policies, limit=limit)) for limit in (1, 3)] == [1, 3]


def test_golden_cases_of_both_packs_are_decided_again(school: Pack) -> None:
    case = next(case for case in school.golden if case.file == "golden/reschedule.yaml")
    mine = replace(case, case="mine", facts={**case.facts, "minutes_to_session": 90})

    found = compare(school, replace(strict(school), golden=(mine,)))

    names = [change.where.partition(", ")[2] for change in found.golden]
    assert names[0] == "mine"
    assert any("60 minutes before" in name for name in names[1:])
    assert found.golden[0].differs[:2] == ("tier", "approval")


def test_a_golden_case_that_both_packs_have_is_told_once(school: Pack) -> None:
    found = compare(school, strict(school))

    names = [change.where for change in found.golden]
    assert len(set(names)) == len(names)


def test_past_cases_that_would_be_decided_otherwise_are_told(school: Pack) -> None:
    past = [
        Past(where="case 1001", facts=MOVE),
        Past(where="case 1002", facts={**MOVE, "minutes_to_session": 600}),
        Past(where="case 1003", facts={**MOVE, "mood": "good"}),
        Past(where="case 1004", facts={**MOVE, "intent": "dance"}),
    ]

    found = compare(school, strict(school), past)

    assert [change.where for change in found.cases] == ["case 1001"]
    assert (found.cases[0].before.tier, found.cases[0].after.tier) == (Tier.R2, Tier.R3)
    assert found.tried == 2
    assert [each.partition(":")[0] for each in found.unreadable] == ["case 1003", "case 1004"]
    assert "unknown fact 'mood'" in found.unreadable[0]


def test_a_fact_or_a_value_that_only_one_pack_knows_is_free_in_the_other(school: Pack) -> None:
    policy = school.policy
    intents = replace(policy.facts["intent"], values=(*policy.facts["intent"].values, "gift"))
    vip = FactSpec(name="vip", kind=FactKind.BOOL)
    rule = Rule(id="vip", tier=Tier.R3, when=Comparison("vip", "is", True), because="", over=("all",))
    newer = replace(policy, facts={**policy.facts, "intent": intents, "vip": vip}, rules=(*policy.rules, rule))

    found = compare(school, replace(school, policy=newer), [Past(where="1", facts={**MOVE, "vip": True})])

    assert any(each.facts.get("vip") is True for each in found.differences)
    assert [change.where for change in found.cases] == ["1"]
    assert not compare(school, replace(school, policy=newer), [Past(where="2", facts={"intent": "gift"})]).unreadable


def test_a_fact_that_became_another_kind_is_not_compared(school: Pack) -> None:
    spec = FactSpec(name="intent", kind=FactKind.BOOL)
    other = replace(school.policy, facts={**school.policy.facts, "intent": spec}, rules=(), matrix=(), triggers=())

    with pytest.raises(BadInput, match=r"fact intent is one of faq.* give the new fact another name"):
        differences(school.policy, other)


def test_what_is_written_otherwise_is_told_entry_by_entry(school: Pack) -> None:
    rules = [
        replace(rule, tier=Tier.R3, executes=True) if rule.id == "own-record" else rule
        for rule in without(school, "complaint").policy.rules
    ]
    first, *others = school.policy.matrix
    rows = (replace(first, confidence=first.confidence + 1), *others)
    profile = replace(school.profile, phase="hardening")
    policy = replace(school.policy, rules=tuple(rules), matrix=rows, phase="hardening")

    found = {
        (each.kind, each.change): each
        for each in compare(school, replace(school, profile=profile, policy=policy)).rules
    }

    assert found["rule", "changed"].what == ("tier: R1 → R3", "executes: nothing → yes")
    assert found["rule", "removed"].id == "complaint"
    assert "when: intent is complaint" in found["rule", "removed"].what
    assert found["row", "changed"].what == (f"confidence: {first.confidence} → {first.confidence + 1}",)
    assert found["setting", "changed"].what == ("is: pilot → hardening",)


def test_another_phase_alone_decides_golden_and_past_cases_otherwise(school: Pack) -> None:
    later = replace(school, policy=replace(school.policy, phase="production"))

    found = compare(school, later, [Past(where="1", facts=MOVE)])

    assert found.differences == ()
    assert [change.where for change in found.cases] == ["1"]
    assert not found.same


def test_everything_that_may_stand_in_a_policy_is_told_of(school: Pack) -> None:
    nothing = replace(school, policy=replace(school.policy, rules=(), matrix=(), triggers=()), invariants=())

    added = compare(nothing, school, limit=1).rules

    assert {each.kind for each in added if each.change == "added"} == {"rule", "row", "trigger", "promise"}
    assert len(added) == sum(
        map(len, (school.policy.rules, school.policy.matrix, school.policy.triggers, school.invariants))
    )
