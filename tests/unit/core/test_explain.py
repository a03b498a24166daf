"""What is told about a decision, in words, and within what bounds it is searched for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caseward.core.changes import Change
from caseward.core.conditions import All, Any, Condition, Not
from caseward.core.conditions import Test as Comparison
from caseward.core.explain import explain
from caseward.core.facts import FactKind, Facts, FactSpec, Value
from caseward.core.pack import Pack
from caseward.core.policy import Grant, Policy, Rule, Tier, Trigger
from caseward.core.telling import Tongue, demands, either, joined
from caseward.core.ways import Line

EVER = frozenset({"pilot", "hardening", "production"})
SPECS = {
    "intent": FactSpec(name="intent", kind=FactKind.ENUM, values=("faq", "refund", "cancel", "move")),
    "known": FactSpec(name="known", kind=FactKind.BOOL),
    "level": FactSpec(name="level", kind=FactKind.RANK, values=("bronze", "silver", "gold")),
    "amount": FactSpec(name="amount", kind=FactKind.MONEY, unit="EUR", minimum=0),
    "left": FactSpec(name="left", kind=FactKind.DURATION),
    "down": FactSpec(name="down", kind=FactKind.SET, values=("calendar", "payments", "records")),
}
TONGUE = Tongue(facts=SPECS)


def rule(id: str, tier: Tier, when: Condition, **more: object) -> Rule:
    return replace(Rule(id=id, tier=tier, when=when, because="because"), **more)  # type: ignore[arg-type]


def row(tier: Tier, lane: str, *, auto_send: bool = False) -> Grant:
    return Grant(tier=tier, phases=EVER, topologies=frozenset({"hub", "empowered"}), lane=lane, auto_send=auto_send)


def policy(*rules: Rule, matrix: tuple[Grant, ...] = (), triggers: tuple[Trigger, ...] = ()) -> Policy:
    return Policy(
        release="test", phase="pilot", topology="hub", facts=SPECS, rules=rules, matrix=matrix,
        lanes=("none", "qa", "coach"), triggers=triggers,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("test", "plain", "turned"),
    [
        (("intent", "is", "faq"), "intent is faq", "intent is not faq"),
        (("intent", "in", frozenset({"move", "refund"})), "intent is refund or move", "intent is not refund or move"),
        (("known", "is", True), "known is true", "known is false"),
        (("known", "not", True), "known is false", "known is true"),
        (("amount", "lt", 5000), "amount is less than 50.00 EUR", "amount is 50.00 EUR or more"),
        (("left", "gt", 90), "left is more than 1h 30m", "left is 1h 30m or less"),
        (("down", "has", "calendar"), "down has calendar", "down does not have calendar"),
        (("down", "has_any", frozenset({"records", "calendar"})), "down has calendar or records",
         "down does not have calendar or records"),
    ],
)  # fmt: skip
def test_a_line_reads_as_people_say_it_and_so_does_its_opposite(
    test: tuple[str, str, Value], plain: str, turned: str
) -> None:
    assert TONGUE.line(Line(Comparison(*test))) == plain
    assert TONGUE.line(Line(Comparison(*test), negated=True)) == turned


def test_a_condition_reads_as_one_sentence_with_alternatives_in_brackets() -> None:
    faq, known, down = (
        Comparison("intent", "is", "faq"),
        Comparison("known", "is", True),
        Comparison("down", "has", "calendar"),
    )

    assert TONGUE.condition(All((faq, Any((known, down))))) == "intent is faq and (known is true or down has calendar)"
    assert TONGUE.condition(Not(All((faq, known)))) == "(intent is not faq or known is false)"
    assert TONGUE.condition(All(())) == ""


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (Change(fact="intent", before="faq", value="refund", values=("refund", "cancel")), "refund or cancel"),
        (Change(fact="known", before=None, value=True, values=(True, False)), "anything, once it is known"),
        (Change(fact="amount", before=0, value=5000, low=5000), "50.00 EUR or more"),
        (Change(fact="left", before=500, value=59, high=59), "59m or less"),
        (Change(fact="left", before=500, value=60, low=0, high=60), "0m to 1h"),
        (Change(fact="left", before=500, value=60, low=60, high=60), "1h"),
        (Change(fact="down", before=frozenset({"records"}), value=frozenset()), "[]"),
    ],
)
def test_a_change_names_all_values_that_lead_there(change: Change, words: str) -> None:
    assert TONGUE.target(change) == words


def test_what_is_known_now_stands_in_brackets_and_what_is_unknown_does_not() -> None:
    told = explain(policy(rule("back", Tier.R3, Comparison("intent", "is", "refund"))), {"intent": "faq"})
    unknown = explain(policy(rule("back", Tier.R3, Comparison("intent", "is", "refund"))), {})

    assert [TONGUE.needed(need) for need in told.near[0].ways[0]] == ["intent is refund (now faq)"]
    assert [TONGUE.needed(need) for need in unknown.possible[0].ways[0]] == ["intent is refund"]


def test_a_rule_whose_lines_contradict_each_other_may_match_but_nothing_would_make_it() -> None:
    never = All((Comparison("left", "lt", 0), Comparison("left", "gt", 5)))

    told = explain(policy(rule("never", Tier.R3, never)), {})

    assert [(each.rule.id, each.unknown, each.ways) for each in told.possible] == [("never", ("left",), ())]


def test_changes_that_lead_to_the_same_are_told_as_one() -> None:
    table = policy(
        rule("all", Tier.R0, All(())),
        rule("back", Tier.R3, Comparison("intent", "is", "refund")),
        rule("gone", Tier.R3, Comparison("intent", "is", "cancel")),
        rule("late", Tier.R3, Any((Comparison("left", "lt", 0), Comparison("left", "is", 0)))),
        rule("stop", Tier.R3, Comparison("down", "has_any", frozenset({"calendar", "records"}))),
    )
    facts: Facts = {"intent": "faq", "left": 600, "down": frozenset({"payments"})}

    told = explain(table, facts).another[-1]

    said = [[TONGUE.changed(change) for change in each] for each in told.found.changes]
    assert said == [
        ["intent is refund or cancel (now faq)"],
        ["left is 0m or less (now 10h)"],
        ["down is [calendar] (now [payments])"],
    ]


def test_consent_is_traced_to_the_row_the_rule_or_the_trigger_that_asks_for_it() -> None:
    answers = rule("answers", Tier.R0, Comparison("intent", "is", "faq"))
    careful = rule("careful", Tier.R0, Comparison("known", "is", False), lane="coach", auto_send=False)
    woken = Trigger(id="anger", when=Comparison("down", "has", "records"), lane="coach", because="because")
    table = policy(answers, careful, matrix=(row(Tier.R0, "none", auto_send=True),), triggers=(woken,))
    well: Facts = {"intent": "faq", "known": True, "down": frozenset()}

    quiet = explain(table, well)
    asked = explain(table, {**well, "known": False, "down": frozenset({"records"})})
    unforeseen = explain(replace(table, matrix=()), well)

    assert (quiet.asked, quiet.alone.stops) == ((), ())
    assert [TONGUE.asks(each) for each in asked.asked] == ["rule careful", "break-glass trigger anger"]
    assert (asked.alone.stops, asked.alone.rules) == (("lane", "rule"), ("careful",))
    assert [TONGUE.asks(each) for each in unforeseen.asked] == [
        "the approval matrix, as no row of it surely speaks for R0"
    ]


def test_a_row_for_a_condition_names_it() -> None:
    moved = replace(row(Tier.R2, "qa"), when=Comparison("intent", "is", "move"))
    told = explain(policy(rule("moves", Tier.R2, All(())), matrix=(moved,)), {"intent": "move"})

    assert [TONGUE.asks(each) for each in told.asked] == ["the approval matrix, for R2 where intent is move"]


def test_what_a_rule_asks_for_beside_its_tier_is_told() -> None:
    assert demands(rule("plain", Tier.R1, All(()))) == ""
    assert demands(rule("more", Tier.R1, All(()), lane="qa", auto_send=False, executes=True)) == (
        "lane qa, never by itself, may be run"
    )


def test_words_are_listed() -> None:
    assert (joined(["a"]), joined(["a", "b", "c"]), either(["a", "b"]), either([])) == ("a", "a, b and c", "a or b", "")


def test_for_the_schools_golden_cases_every_search_tries_all_there_is(school: Pack) -> None:
    for case in school.golden:
        told = explain(school.policy, case.facts)

        searches = [told.alone.found, *(each.found for each in told.another)]
        assert all(found.complete for found in searches), case.case
