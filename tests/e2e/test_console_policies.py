"""The rules in the console: read by those who may, tried on any facts, and told beside every decision of a case."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest

from caseward.core.policy import Tier
from caseward.core.roles import Role
from caseward.store import phases
from caseward.store.db import transaction
from caseward.web.session import EVERYONE
from caseward.web.trying import NOTHING, READERS, form
from tests.e2e.console_house import House, house

TRY = "/settings/policies/try"
MOVE: dict[str, Any] = {
    "intent": "reschedule",
    "published_answer": False,
    "account_specific": True,
    "transactional": True,
    "exception_requested": False,
    "identity": "verified",
    "minutes_to_session": 300,
    "reschedules_this_month": 1,
    "chargeback_threat": False,
    "legal_threat": False,
    "abuse_or_safety": False,
    "minor_or_sensitive": False,
    "insists_unverified": False,
    "knowledge_contradiction": False,
    "degraded": [],
}


@pytest.fixture
def desk(database: str) -> Iterator[House]:
    with house() as opened:
        yield opened


def asked(**other: str) -> str:
    """Return the address that asks about MOVE, with some facts otherwise; an empty one is unknown."""
    plain = {name: str(value).lower() for name, value in MOVE.items() if name != "degraded"}
    return f"{TRY}?{urlencode({**plain, 'degraded': NOTHING, **other})}"


def words_of(page: str) -> str:
    """Return what a page says, without its markup."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


@pytest.mark.parametrize("role", sorted(EVERYONE))
@pytest.mark.parametrize("path", ["/settings/policies", TRY])
def test_rules_are_read_by_administrator_lead_and_coach_alone(desk: House, role: Role, path: str) -> None:
    answer = desk.browser(role).get(path)

    assert answer.status_code == (200 if role in READERS else 403)
    assert (role in READERS) is (role in (Role.ADMIN, Role.OPS_LEAD, Role.COACH))


def test_every_rule_trigger_and_promise_is_on_the_page_in_words(desk: House) -> None:
    page = words_of(desk.browser(Role.ADMIN).get("/settings/policies").text)

    policy = desk.pack.policy
    for rule in policy.rules:
        assert rule.id in page
        assert rule.because in page
    for because in (*(each.because for each in policy.triggers), *(each.because for each in desk.pack.invariants)):
        assert because in page
    assert "Minutes to session is less than 60 minutes and (transactional is yes or intent is reschedule)" in page


def test_trying_says_the_decision_why_and_what_would_have_to_change(desk: House) -> None:
    page = words_of(desk.browser(Role.COACH).get(asked()).text)

    assert "R2 Consent: Quality check" in page
    assert "transaction-within-policy" in page
    assert "Minutes to session is 60 minutes or more 300 minutes" in page
    assert "Asked for by the approval matrix, for R2" in page
    assert "R0 No change of up to three facts leads there." in page
    assert "Minutes to session is 59 minutes or less (now 300 minutes)" in page
    assert "On the same facts it would in production, empowered." in page


def test_what_is_left_out_is_unknown_and_the_phase_can_be_another(desk: House) -> None:
    browser = desk.browser(Role.COACH)

    unknown = words_of(browser.get(asked(minutes_to_session="")).text)
    production = words_of(browser.get(asked(phase="production")).text)

    assert "Not known Minutes to session" in unknown
    assert "R2 Goes out by itself" in production
    assert "production, empowered" in production


def test_the_address_fills_the_form_that_made_it(desk: House) -> None:
    page = desk.browser(Role.COACH).get(asked(degraded="calendar", phase="hardening")).text

    chosen = re.findall(r'<option value="([^"]+)" selected', page)
    ticked = re.findall(r'<input type="checkbox" name="degraded" value="([^"]+)" checked', page)
    assert chosen[:3] == ["reschedule", "false", "true"]
    assert "hardening" in chosen
    assert ticked == ["calendar"]
    assert 'name="minutes_to_session" value="300"' in page


def test_nothing_asked_is_nothing_decided(desk: House) -> None:
    page = words_of(desk.browser(Role.COACH).get(TRY).text)

    assert "Choose facts" in page
    assert "Matched" not in page


@pytest.mark.parametrize(
    ("other", "complaint"),
    [
        ({"minutes_to_session": "soon"}, "'soon' is not a whole number (minutes)"),
        ({"reschedules_this_month": "-1"}, "-1 is not a whole number >= 0"),
        ({"intent": "dance"}, "A field holds what its fact cannot be"),
        ({"degraded": "moon"}, "A field holds what its fact cannot be"),
        ({"minutes_to_session": "²"}, "is not a whole number"),
    ],
)
def test_what_a_fact_cannot_be_is_said_and_nothing_is_decided(
    desk: House, other: dict[str, str], complaint: str
) -> None:
    answer = desk.browser(Role.COACH).get(asked(**other))

    assert answer.status_code == 400
    assert complaint in words_of(answer.text)
    assert "Matched" not in words_of(answer.text)


@pytest.mark.parametrize(
    "query", ["intent=faq&intent=refund", "mood=good", "phase=dawn", "a" * 3000, "=x&degraded=&%ff=%ff"]
)
def test_any_address_is_answered(desk: House, query: str) -> None:
    assert desk.browser(Role.COACH).get(f"{TRY}?{query}").status_code == 200


def test_what_is_typed_comes_back_as_text(desk: House) -> None:
    page = desk.browser(Role.COACH).client.get(TRY, params={"minutes_to_session": '"><script>alert(1)</script>'}).text

    assert "<script>alert" not in page


def test_the_trace_explains_each_turn_and_leads_to_trying_other_facts(desk: House) -> None:
    case = desk.case("Citra Sample", "Can I move it?", tier=Tier.R2, facts=MOVE, rules=("transaction-within-policy",))
    browser = desk.browser(Role.COACH)

    page = browser.get(f"/cases/{case}?tab=trace").text
    link = re.search(r'href="(/settings/policies/try[^"]+)">Try other facts', page)

    told = words_of(page)
    assert "Minutes to session is 60 minutes or more 300 minutes" in told
    assert "Asked for by the approval matrix, for R2" in told
    assert "What would have to change" in told
    assert link
    assert "R2 Consent: Quality check" in words_of(browser.get(html.unescape(link[1])).text)
    assert "Try other facts" not in desk.browser(Role.AGENT).get(f"/cases/{case}?tab=trace").text


def test_the_trace_says_where_the_record_and_the_rules_differ(desk: House) -> None:
    facts = {**MOVE, "moon_phase": "full"}
    case = desk.case("Citra Sample", "Can I move it?", tier=Tier.R3, facts=facts, rules=("an-old-rule",))

    told = words_of(desk.browser(Role.COACH).get(f"/cases/{case}?tab=trace").text)

    assert "It was decided as R3; by these rules it is R2." in told
    assert "These rules do not know moon_phase." in told


def test_a_decision_is_explained_in_the_phase_it_was_made_in(desk: House) -> None:
    case = desk.case("Citra Sample", "Can I move it?", tier=Tier.R2, facts=MOVE, rules=("transaction-within-policy",))
    with transaction():
        phases.decide(
            "production", "empowered", follows=None, was="pilot, empowered", by="per_admin", role="admin",
            reason="it is time", criteria={}, at=desk.now,
        )  # fmt: skip
    browser = desk.browser(Role.COACH)

    before = words_of(browser.get(f"/cases/{case}?tab=trace").text)

    assert "pilot, empowered" in before
    assert "Asked for by the approval matrix, for R2" in before


def test_a_number_may_be_typed_as_the_pack_writes_it(desk: House) -> None:
    filled = form(desk.pack.policy, [("minutes_to_session", " -5 "), ("degraded", NOTHING), ("intent", "")])

    assert filled.facts == {"minutes_to_session": -5, "degraded": frozenset()}
    assert not filled.wrong
