"""The school's rules against POL-1 to POL-3, written a second time here, from their words and not from the rules."""

from collections.abc import Mapping
from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from caseward.core.facts import Facts, Value
from caseward.core.invariant import PHASES, TOPOLOGIES, Invariant, broken
from caseward.core.policy import Decision, Tier, decide
from caseward.packs.load import load
from tests.conftest import examples

PACK = load(Path(__file__).parents[2] / "packs" / "vocal-coaching")
POLICY = PACK.policy
STANDING = {where: replace(POLICY, phase=where[0], topology=where[1]) for where in product(PHASES, TOPOLOGIES)}
"""The policy in every phase and topology."""

FLAGS = ("published_answer", "account_specific", "transactional", "exception_requested")
SIGNALS = (
    "chargeback_threat",
    "legal_threat",
    "abuse_or_safety",
    "minor_or_sensitive",
    "insists_unverified",
    "knowledge_contradiction",
)
ALWAYS_ASKED = ("refund", "cancel", "privacy")
SYSTEMS = frozenset({"knowledge", "calendar", "payments", "records"})

NATURAL: dict[str, dict[str, Value]] = {
    **{name: {"account_specific": True, "transactional": False} for name in ("schedule", "payment", "invoice")},
    **{name: {"account_specific": True, "transactional": True} for name in ("reschedule", "refund", "cancel")},
    "faq": {"account_specific": False, "transactional": False},
}
"""What the flags are for a message that asks for one plain thing."""

anything: st.SearchStrategy[dict[str, Value]] = st.fixed_dictionaries(
    {
        "intent": st.sampled_from(POLICY.facts["intent"].values),
        "identity": st.sampled_from(["verified", "verified", "unknown", "mismatch"]),
        "minutes_to_session": st.sampled_from([59, 60, 61, 0, -1, 2880]) | st.integers(-2000, 50_000),
        "reschedules_this_month": st.integers(0, 4),
        "degraded": st.frozensets(st.sampled_from(sorted(SYSTEMS))) | st.just(frozenset[str]()),
        **{name: st.booleans() for name in FLAGS},
        # mostly quiet, or every example would be R3
        **{name: st.sampled_from([False] * 11 + [True]) for name in SIGNALS},
    }
)
plain = st.builds(
    lambda facts, intent: {
        **facts,
        **{"intent": intent, "exception_requested": False, "degraded": frozenset()},
        **NATURAL[intent],
    },
    anything,
    st.sampled_from(sorted(NATURAL)),
)
whole = anything | plain
"""All facts known: contradicting each other as they like, or describing one plain wish."""

settings_of_policy = st.tuples(
    st.sampled_from(["pilot", "hardening", "production"]), st.sampled_from(["hub", "empowered"])
)


@st.composite
def forgotten(draw: st.DrawFn) -> tuple[dict[str, Value], dict[str, Value]]:
    """Facts, and the same facts with some of them forgotten."""
    facts = draw(whole)
    gone = draw(st.sets(st.sampled_from(sorted(facts)), min_size=1))
    return facts, {name: value for name, value in facts.items() if name not in gone}


def number(value: Value) -> int:
    assert isinstance(value, int)
    return value


def changes_something(facts: Facts) -> bool:
    return bool(facts["transactional"]) or facts["intent"] in ("reschedule", "refund", "cancel")


def touches_an_account(facts: Facts) -> bool:
    return bool(facts["account_specific"]) or changes_something(facts) or facts["intent"] == "privacy"


def demanded(facts: Facts) -> Tier:
    """The tier that POL-1 demands for facts that are all known."""
    moves = bool(facts["transactional"]) or facts["intent"] == "reschedule"
    if facts["exception_requested"] or any(facts[name] for name in SIGNALS) or facts["intent"] in ALWAYS_ASKED:
        return Tier.R3
    if moves and (number(facts["minutes_to_session"]) < 60 or number(facts["reschedules_this_month"]) >= 2):
        return Tier.R3
    if moves:
        return Tier.R2
    if facts["account_specific"]:
        return Tier.R1
    return Tier.R0 if facts["published_answer"] else Tier.R3


def rests_on(facts: Mapping[str, Value]) -> frozenset[str]:
    """The systems without which a message like this cannot be settled."""
    if changes_something(facts):
        return SYSTEMS - {"knowledge"}
    if facts["account_specific"]:
        return frozenset({"records"}) | {
            "schedule": frozenset({"calendar"}),
            "payment": frozenset({"payments"}),
            "invoice": frozenset({"payments"}),
        }.get(str(facts["intent"]), frozenset())
    if facts["intent"] in ("privacy", "complaint") or not facts["published_answer"]:
        return frozenset()
    return frozenset({"knowledge"}) if demanded(facts) == Tier.R0 else frozenset()


def make_sense(facts: Facts) -> bool:
    """Whether the intent and the flags describe one and the same message."""
    reads, moves = facts["account_specific"], facts["transactional"]
    match facts["intent"]:
        case "faq":
            return not moves
        case "schedule" | "payment" | "invoice":
            return True
        case "reschedule" | "refund" | "cancel":
            return bool(reads and moves)
        case "privacy":
            return bool(reads)
        case "other":
            return not reads and not moves
        case _:
            return False


def asked(facts: Facts, where: tuple[str, str] = ("pilot", "empowered")) -> Decision:
    return decide(STANDING[where], facts)


@given(whole)
@examples(150)
def test_the_tier_is_never_lower_than_pol_1_demands(facts: dict[str, Value]) -> None:
    assert asked(facts).tier >= demanded(facts)


@given(whole)
@examples(150)
def test_facts_that_make_sense_get_exactly_the_tier_that_pol_1_demands(facts: dict[str, Value]) -> None:
    assume(make_sense(facts))

    assert asked(facts).tier == demanded(facts)


@given(whole)
def test_a_complaint_is_always_heard_by_a_person(facts: dict[str, Value]) -> None:
    assert asked({**facts, "intent": "complaint"}).tier == Tier.R3


@given(forgotten(), settings_of_policy)
@examples(150)
def test_forgetting_facts_never_asks_for_less_care(
    pair: tuple[dict[str, Value], dict[str, Value]], where: tuple[str, str]
) -> None:
    facts, fewer = pair

    before, after = asked(facts, where), asked(fewer, where)

    assert after.tier >= before.tier
    assert before.holds <= after.holds
    assert POLICY.lanes.index(after.approval) >= POLICY.lanes.index(before.approval)
    assert not after.auto_send or before.auto_send
    assert not after.executor or before.executor


@given(whole, settings_of_policy)
@examples(150)
def test_operations_run_only_a_known_persons_move_invoice_copy_or_refund(
    facts: dict[str, Value], where: tuple[str, str]
) -> None:
    decision = asked(facts, where)

    if decision.executor is None:
        return
    assert facts["identity"] == "verified"
    assert decision.hold is None
    assert facts["intent"] in ("invoice", "reschedule", "refund")
    if facts["intent"] == "refund" or decision.tier is Tier.R3:
        assert decision.approval == "coach"
    if decision.tier >= Tier.R2:
        assert facts["transactional"]
        assert not facts["degraded"] & {"calendar", "payments", "records"}  # type: ignore[operator]


@given(whole, settings_of_policy)
@examples(150)
def test_nothing_of_an_account_is_released_to_somebody_unknown(facts: dict[str, Value], where: tuple[str, str]) -> None:
    assume(facts["identity"] != "verified" and touches_an_account(facts))

    decision = asked(facts, where)

    assert decision.executor is None
    assert not decision.auto_send
    assert decision.hold == ("verification" if not facts["insists_unverified"] else decision.hold)
    if facts["insists_unverified"]:
        assert decision.tier == Tier.R3


@given(whole)
@examples(150)
def test_the_pilot_sends_only_published_answers_by_itself(facts: dict[str, Value]) -> None:
    decision = asked(facts)

    if decision.auto_send:
        assert decision.tier == Tier.R0
        assert facts["published_answer"]
        assert not touches_an_account(facts)
        assert "knowledge" not in facts["degraded"]  # type: ignore[operator]
    assert decision.executor is None or decision.tier > Tier.R0


@given(whole, settings_of_policy)
@examples(150)
def test_the_matrix_asks_whom_pol_3_names(facts: dict[str, Value], where: tuple[str, str]) -> None:
    phase, topology = where

    decision = asked(facts, where)

    if decision.tier == Tier.R3:
        assert (decision.approval, decision.auto_send) == ("coach", False)
    elif decision.tier > Tier.R0 and (phase == "pilot" or topology == "hub"):
        assert (decision.approval, decision.auto_send) == ("qa", False)
    elif decision.tier == Tier.R2 and decision.approval == "none":
        assert (phase, topology, facts["intent"]) == ("production", "empowered", "reschedule")


@given(whole, st.data())
@examples(150)
def test_one_unhealthy_system_holds_whatever_rests_on_it(facts: dict[str, Value], data: st.DataObject) -> None:
    assume(rests_on(facts))
    down = frozenset({data.draw(st.sampled_from(sorted(rests_on(facts))))})

    decision = asked({**facts, "degraded": down})

    assert decision.hold is not None
    assert decision.executor is None
    assert not decision.auto_send


PROMISED = {
    "always reaches the coach": (
        "refund",
        "cancellation",
        "privacy",
        "complaint",
        "chargeback",
        "legal",
        "abuse",
        "minors",
    ),
    "waits for proof of identity": ("account-needs-identity", "change-needs-identity", "operations-need-identity"),
    "does not go out by itself": ("pilot-sends-only-published", "pilot-sends-nothing", "hub-sends", "contradiction"),
    "is not run": (
        "r0-executes-nothing",
        "cutoff-needs",
        "quota-needs",
        "insisting",
        "what-is-held",
        "degraded-pauses",
    ),
    "needs a person": ("a-person-for-r3", "exception", "degraded-knowledge-pauses"),
}
"""What the field asks a business to promise → beginnings of the school's promises."""


@pytest.mark.parametrize("what", sorted(PROMISED))
def test_what_the_field_asks_for_is_promised(what: str) -> None:
    ids = [promise.id for promise in PACK.invariants]

    assert [each for each in PROMISED[what] if not any(id.startswith(each) for id in ids)] == []
    assert len(ids) >= 18


@pytest.mark.parametrize("promise", PACK.invariants, ids=lambda promise: promise.id)
def test_a_promise_is_kept_in_every_golden_case_and_is_about_some(promise: Invariant) -> None:
    settled = [{**case.facts, "phase": phase, "topology": "hub"} for case in PACK.golden for phase in PHASES]

    assert [case.case for case in PACK.golden if breaks(promise, case.facts)] == []
    assert any(promise.when.truth(facts) for facts in settled)


@given(whole | forgotten().map(lambda pair: pair[1]))
@examples(60)
def test_every_promise_is_kept_whatever_is_known_and_whatever_is_not(facts: dict[str, Value]) -> None:
    assert [promise.id for promise in PACK.invariants if breaks(promise, facts)] == []


@given(whole, settings_of_policy)
@examples(150)
def test_a_person_is_woken_by_what_pol_3_names_and_by_nothing_else(
    facts: dict[str, Value], where: tuple[str, str]
) -> None:
    decision = asked(facts, where)

    failing = facts["transactional"] and facts["degraded"] & (SYSTEMS - {"knowledge"})  # type: ignore[operator]
    named = [name for name in SIGNALS if facts[name] and name != "minor_or_sensitive"]
    assert bool(decision.break_glass) == bool(
        named or failing or facts["exception_requested"] or facts["intent"] == "complaint"
    )
    if decision.break_glass:
        assert decision.approval != "none"
        assert not decision.auto_send


@given(whole, settings_of_policy)
@examples(100)
def test_consent_past_the_pilot_can_be_taken_back_and_two_answer_a_wish_about_personal_data(
    facts: dict[str, Value], where: tuple[str, str]
) -> None:
    decision = asked(facts, where)

    tried = where[0] != "pilot"
    assert decision.hold_seconds == (10 if tried and decision.tier >= Tier.R2 else 0)
    assert decision.needs == (2 if tried and facts["intent"] == "privacy" else 1)
    assert not (tried and decision.auto_send) or decision.confidence >= 80


def breaks(promise: Invariant, facts: Facts) -> bool:
    """Whether the school breaks a promise on these facts in any phase and topology."""
    return any(broken(policy, promise, facts) for policy in STANDING.values())
