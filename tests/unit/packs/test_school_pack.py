"""The worked example: one business's rules, words and sample records hang together."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from caseward.core.pack import Golden, Pack
from caseward.core.policy import decide
from caseward.core.signals import Detectors
from caseward.core.text import sentences
from caseward.packs.load import load

FOLDER = Path(__file__).parents[3] / "packs" / "vocal-coaching"
PACK = load(FOLDER)

NEEDED = [
    "acknowledgement",
    "faq-answer",
    "identity-request",
    "identity-mismatch",
    "identity-locked",
    "schedule",
    "schedule-none",
    "payment-confirmed",
    "payment-pending",
    "payment-failed",
    "payment-expired",
    "payment-none",
    "invoice-resent",
    "invoice-none",
    "slot-choice",
    "slot-none",
    "reschedule-done",
    "reschedule-failed",
    "reschedule-exception",
    "refund-received",
    "refund-done",
    "refund-failed",
    "cancellation-received",
    "cancellation-done",
    "privacy-received",
    "privacy-done",
    "complaint-received",
    "person-takes-over",
    "declined",
    "degraded",
    "stalled",
    "closing",
    "reopened",
    "greeting",
    "thanks",
    "limit-reached",
    "message-too-long",
    "message-unreadable",
]
MAY_CLAIM = {"reschedule-done", "invoice-resent", "refund-done", "refund-receipt"}
MAY_CLAIM |= {"payment-confirmed", "payment-refunded"}
"""Templates used only on a result or a reading that bears them out."""
SENT_TO_STRANGERS = {
    *("acknowledgement", "faq-answer", "identity-request", "identity-mismatch", "identity-locked", "degraded"),
    *("refund-received", "cancellation-received", "privacy-received", "complaint-received", "person-takes-over"),
    *("declined", "stalled", "closing", "reopened", "greeting", "thanks", "limit-reached", "message-too-long"),
    *("message-unreadable", "slot-choice", "formal-verification", "continues-by-email"),
}


def places(text: str) -> set[str]:
    return set(re.findall(r"\{(\w+)\}", text))


def matching(patterns: Mapping[str, tuple[str, ...]], text: str) -> list[str]:
    return [pattern for each in patterns.values() for pattern in each if re.search(pattern, text.lower())]


def decided(pack: Pack, case: Golden) -> list[str]:
    policy = replace(pack.policy, phase=case.phase or pack.policy.phase, topology=case.topology or pack.policy.topology)
    return case.differs(decide(policy, case.facts))


def rows(kind: str) -> tuple[Mapping[str, Any], ...]:
    return PACK.records[kind]


@pytest.mark.parametrize("case", PACK.golden, ids=lambda case: case.case)
def test_the_rules_decide_every_golden_case_as_expected(case: Golden) -> None:
    assert decided(PACK, case) == []


@pytest.mark.parametrize("case", [case for case in PACK.golden if case.text], ids=lambda case: case.case)
def test_a_text_to_try_by_hand_fires_the_detectors_that_its_facts_name(case: Golden) -> None:
    detectors = Detectors(PACK.signals, PACK.profile.languages)

    fired = detectors.detect(sentences(case.text)).fired

    floors = {signal.floor for signal in fired if signal.floor}
    assert {signal.fact for signal in fired if signal.fact} == {
        fact for fact in detectors.facts if case.facts.get(fact) is True
    }
    if case.facts["intent"] in ("refund", "cancel", "privacy"):
        assert floors == {case.facts["intent"]}
    else:
        assert floors <= {case.facts["intent"]}


def test_there_are_enough_golden_cases_and_no_two_have_the_same_name() -> None:
    names = Counter(case.case for case in PACK.golden)

    assert len(names) >= 100
    assert not [name for name, count in names.items() if count > 1]


def test_no_rule_could_be_lost_without_a_golden_case_noticing() -> None:
    unnoticed = []
    for rule in PACK.policy.rules:
        others = tuple(each for each in PACK.policy.rules if each is not rule)
        thinner = replace(PACK, policy=replace(PACK.policy, rules=others))
        if not any(decided(thinner, case) for case in PACK.golden):
            unnoticed.append(rule.id)

    assert unnoticed == []


def test_the_facts_are_the_ones_that_others_rely_on() -> None:
    assert set(PACK.policy.facts) == {
        *("intent", "published_answer", "account_specific", "transactional", "exception_requested", "identity"),
        *("minutes_to_session", "reschedules_this_month", "chargeback_threat", "legal_threat", "abuse_or_safety"),
        *("minor_or_sensitive", "insists_unverified", "knowledge_contradiction", "degraded"),
    }


def test_every_rule_rests_on_a_published_page_or_on_none() -> None:
    sources = {rule.source for rule in PACK.policy.rules if rule.source}

    assert {source for source in sources if source not in PACK.articles} == set()
    assert {PACK.articles[source].status for source in sources} == {"published"}


@pytest.mark.parametrize("name", NEEDED)
def test_every_needed_template_is_approved_in_both_languages(name: str) -> None:
    template = PACK.template(name)

    assert set(template.text) == {"id", "en"}
    assert all(text.strip() for text in template.text.values())


@pytest.mark.parametrize("name", PACK.templates)
def test_a_template_has_the_same_places_in_every_language(name: str) -> None:
    texts = PACK.templates[name].text

    assert len({frozenset(places(text)) for text in texts.values()}) == 1


@pytest.mark.parametrize("name", PACK.templates)
def test_a_template_keeps_to_the_voice(name: str) -> None:
    for text in PACK.templates[name].text.values():
        assert matching(PACK.voice.forbidden, text) == []
        assert len(text) <= PACK.voice.max_chars


@pytest.mark.parametrize("name", sorted(PACK.templates))
def test_only_what_a_result_bears_out_claims_that_something_was_done(name: str) -> None:
    claims = {language for language, text in PACK.templates[name].text.items() if matching(PACK.voice.promises, text)}

    assert claims == ({"id", "en"} if name in MAY_CLAIM else set())


@pytest.mark.parametrize("name", sorted(SENT_TO_STRANGERS))
def test_what_a_stranger_may_be_sent_holds_nothing_of_an_account(name: str) -> None:
    allowed = {"promise_time", "business", "answer", "options", "reference", "masked_email"}

    assert all(places(text) <= allowed for text in PACK.templates[name].text.values())


@pytest.mark.parametrize(
    "broken",
    [
        "We guarantee your refund.",
        "We'll reply soon.",
        "This was your fault.",
        "Great!",
        "Your case is R3.",
        "Agent B will answer.",
        "Kami jamin uang kembali.",
        "Pasti dikembalikan besok.",
        "Segera kami kabari.",
        "Itu kesalahan kamu sendiri.",
    ],
)
def test_the_voice_forbids_promises_blame_and_internals(broken: str) -> None:
    assert matching(PACK.voice.forbidden, broken)


@pytest.mark.parametrize(
    "claim",
    [
        "Your lesson has been moved.",
        "We have refunded Rp 350.000.",
        "Your payment is confirmed.",
        "We moved your lesson.",
        "Sesi kamu sudah dipindahkan.",
        "Uangnya sudah kami kembalikan.",
        "Uang kamu sudah dikembalikan.",
        "Pembayaran kamu sudah masuk.",
        "Kami sudah mengirim invoicenya.",
    ],
)
def test_the_voice_knows_a_claim_when_it_sees_one(claim: str) -> None:
    assert matching(PACK.voice.promises, claim)


@pytest.mark.parametrize("article", PACK.articles.values(), ids=lambda article: article.id)
def test_published_answers_pass_the_voice(article: Any) -> None:
    for text in article.answer.values():
        assert matching(PACK.voice.forbidden, text) == []
        assert matching(PACK.voice.promises, text) == []


def test_every_intent_has_a_last_plan_that_always_applies_and_names_templates_that_exist() -> None:
    assert set(PACK.intents) == set(PACK.policy.facts["intent"].values)
    for intent in PACK.intents.values():
        assert intent.plans[-1].when == {}
        for plan in intent.plans:
            for name in filter(None, (plan.template, plan.ask, plan.failed, plan.acknowledge)):
                PACK.template(name)


def test_every_task_has_a_key_a_summary_and_words_for_failure() -> None:
    tasks = [plan for intent in PACK.intents.values() for plan in intent.plans if plan.task]

    assert {plan.task for plan in tasks} == {"reschedule", "resend_invoice", "refund"}
    for plan in tasks:
        assert plan.key.startswith(f"{plan.task}:")
        assert places(plan.key)
        assert plan.summary
        assert plan.failed


def test_the_sample_students_are_many_distinct_and_clearly_invented() -> None:
    people = rows("person")

    assert len(people) >= 42
    assert len({person["email"] for person in people}) == len(people)
    assert len({person["phone"] for person in people}) == len(people)
    for person in people:
        assert person["email"].endswith(("@example.com", "@example.org"))
        assert person["name"].split()[-1] in {"Sample", "Example", "Demo", "Contoh", "Percobaan", "Fiktif"}
        assert person["locale"] in PACK.profile.languages


@pytest.mark.parametrize("kind", ["session", "invoice", "payment", "reschedule", "slot"])
def test_sample_records_point_at_records_that_exist(kind: str) -> None:
    known = {name: {row["id"] for row in rows(name)} for name in PACK.records}

    for row in rows(kind):
        for field in ("person", "coach", "session", "invoice"):
            assert field not in row or row[field] in known[field], row


def test_no_coach_is_booked_or_free_twice_at_one_time() -> None:
    times = Counter(
        (row["coach"], tuple(row["starts"].items()))
        for row in (*rows("session"), *rows("slot"))
        if row.get("status", "scheduled") == "scheduled"
    )

    assert [time for time, count in times.items() if count > 1] == []


def test_the_samples_cover_every_state_that_a_rule_or_a_reply_depends_on() -> None:
    moves = Counter(row["person"] for row in rows("reschedule") if row["at"]["month"] == 0)
    minutes = {row["starts"]["in_minutes"] for row in rows("session") if "in_minutes" in row["starts"]}
    without_session = {row["id"] for row in rows("person")} - {row["person"] for row in rows("session")}

    assert {0, 1, 2, 3} == set(moves.values()) | {0}
    assert {59, 60, 61} <= minutes
    assert min(minutes) < 0
    assert {row["state"] for row in rows("payment")} == {"PENDING", "CONFIRMED", "FAILED", "EXPIRED"}
    assert {row["state"] for row in rows("invoice")} == {"open", "paid"}
    assert without_session


def test_every_contact_to_try_a_golden_case_as_exists() -> None:
    known = {row["id"] for row in rows("person")}

    tried = {case.try_as for case in PACK.golden if case.try_as}

    assert tried <= known
    assert len(tried) >= 30
