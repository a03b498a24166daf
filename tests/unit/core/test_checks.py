from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from caseward.core import naming
from caseward.core.checks import Check, Fact, Source, checks
from caseward.core.pack import Pack
from caseward.core.policy import Tier
from caseward.packs.load import load

SCHOOL = Path(__file__).parents[3] / "packs" / "vocal-coaching"
NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def school() -> Pack:
    return load(SCHOOL)


@pytest.fixture(scope="module")
def shop() -> Pack:
    return load(SCHOOL.parent / "online-shop")


def card(school: Pack, rules: list[str], tier: Tier, **values: Any) -> list[Check]:
    facts = [Fact(name=name, value=value, source="calendar", at=NOW) for name, value in values.items()]
    sources = [
        Source(number=1, kind="identity", id="identity", source="records", title="Student record"),
        Source(number=2, kind="reading", id="next_session", source="calendar", title="Schedule"),
        Source(number=3, kind="article", id="refund-policy", source="2026-11-21.1", title="Refunds"),
    ]
    return checks(school, facts=facts, rules=rules, tier=tier, verified_at=NOW, sources=sources)


def test_broken_limits_are_named_with_what_was_needed_and_their_source(school: Pack) -> None:
    shown = card(
        school,
        ["session-too-near", "quota-used"],
        Tier.R3,
        intent="reschedule",
        transactional=True,
        identity="verified",
        minutes_to_session=41,
        reschedules_this_month=2,
    )

    assert [(check.name, check.level, check.value, check.limit, check.cite) for check in shown] == [
        ("Identity", "ok", "Matches record", "Verified", 1),
        ("Minutes to session", "bad", "41 minutes", "Needs 60 or more", 2),
        ("Reschedules this month", "bad", "2 changes", "Needs fewer than 2", 2),
    ]


def test_amounts_and_times_are_limited_as_the_pack_writes_them(shop: Pack) -> None:
    paid_back = {"intent": "refund", "order_state": "returned", "payment_state": "paid", "identity": "verified"}

    dear = card(shop, ["refund-dear"], Tier.R3, **paid_back, order_amount=12900)
    small = card(shop, ["refund-may-run"], Tier.R3, **paid_back, order_amount=4000)

    assert ("Order amount", "bad", "129.00 EUR", "Needs 100.00 EUR or less") in seen(dear)
    assert ("Order amount", "ok", "40.00 EUR", "Needs 100.00 EUR or less") in seen(small)
    assert naming.fact_value(shop, "minutes_since_delivered", 20160) == "14d"


def seen(shown: list[Check]) -> list[tuple[str, str, str, str]]:
    return [(check.name, check.level, check.value, check.limit) for check in shown]


def test_limits_that_are_kept_are_shown_as_kept(school: Pack) -> None:
    shown = card(
        school,
        ["transaction-within-policy"],
        Tier.R2,
        intent="reschedule",
        transactional=True,
        identity="verified",
        minutes_to_session=60,
        reschedules_this_month=1,
    )

    assert {check.name: check.level for check in shown if check.name != "Rule"} == {
        "Identity": "ok",
        "Minutes to session": "ok",
        "Reschedules this month": "ok",
    }


def test_a_rule_without_a_limit_is_shown_with_its_reason_and_page(school: Pack) -> None:
    shown = card(school, ["refund-request", "refund-may-run"], Tier.R3, intent="refund", identity="verified")

    assert [(check.name, check.value, check.cite) for check in shown[1:]] == [("Rule", "Refund request", 3)]


@pytest.mark.parametrize(("state", "level"), [("verified", "ok"), ("unknown", "warn"), ("mismatch", "bad")])
def test_identity_is_the_first_check_whatever_it_is(school: Pack, state: str, level: str) -> None:
    shown = card(school, [], Tier.R3, identity=state)

    assert (shown[0].name, shown[0].level) == ("Identity", level)


def test_identity_that_nobody_looked_at_counts_as_not_proved(school: Pack) -> None:
    assert card(school, [], Tier.R3)[0].value == "Not proved"
