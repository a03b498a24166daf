"""The school's rules against POL-1 to POL-3, written a second time here, from their words and not from the rules."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from caseward.core.facts import Facts, Value
from caseward.core.policy import Decision, Tier, decide
from caseward.packs.load import load

POLICY = load(Path(__file__).parents[2] / "packs" / "vocal-coaching").policy

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
    return decide(replace(POLICY, phase=where[0], topology=where[1]), facts)


@given(whole)
@settings(max_examples=500)
def test_the_tier_is_never_lower_than_pol_1_demands(facts: dict[str, Value]) -> None:
    assert asked(facts).tier >= demanded(facts)


@given(whole)
@settings(max_examples=500)
def test_facts_that_make_sense_get_exactly_the_tier_that_pol_1_demands(facts: dict[str, Value]) -> None:
    assume(make_sense(facts))

    assert asked(facts).tier == demanded(facts)


@given(whole)
def test_a_complaint_is_always_heard_by_a_person(facts: dict[str, Value]) -> None:
    assert asked({**facts, "intent": "complaint"}).tier == Tier.R3


@given(forgotten(), settings_of_policy)
@settings(max_examples=500)
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
@settings(max_examples=500)
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
@settings(max_examples=500)
def test_nothing_of_an_account_is_released_to_somebody_unknown(facts: dict[str, Value], where: tuple[str, str]) -> None:
    assume(facts["identity"] != "verified" and touches_an_account(facts))

    decision = asked(facts, where)

    assert decision.executor is None
    assert not decision.auto_send
    assert decision.hold == ("verification" if not facts["insists_unverified"] else decision.hold)
    if facts["insists_unverified"]:
        assert decision.tier == Tier.R3


@given(whole)
@settings(max_examples=500)
def test_the_pilot_sends_only_published_answers_by_itself(facts: dict[str, Value]) -> None:
    decision = asked(facts)

    if decision.auto_send:
        assert decision.tier == Tier.R0
        assert facts["published_answer"]
        assert not touches_an_account(facts)
        assert "knowledge" not in facts["degraded"]  # type: ignore[operator]
    assert decision.executor is None or decision.tier > Tier.R0


@given(whole, settings_of_policy)
@settings(max_examples=500)
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
@settings(max_examples=500)
def test_one_unhealthy_system_holds_whatever_rests_on_it(facts: dict[str, Value], data: st.DataObject) -> None:
    assume(rests_on(facts))
    down = frozenset({data.draw(st.sampled_from(sorted(rests_on(facts))))})

    decision = asked({**facts, "degraded": down})

    assert decision.hold is not None
    assert decision.executor is None
    assert not decision.auto_send
