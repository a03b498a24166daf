"""The online shop as data: its files hang together, its words say only what is so, and its brain has learned enough."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from caseward.adapters import find
from caseward.adapters.brains.local import LocalBrain
from caseward.core.pack import Pack
from caseward.core.signals import Detectors
from caseward.core.text import alternatives, normalise, sentences
from caseward.packs import check, samples, wording
from caseward.packs.load import load
from tests.unit.brains.heldout_shop import FRESH, INTENTS, LAST, OUT_OF_SCOPE, PAGES

FOLDER = Path(__file__).parents[3] / "packs" / "online-shop"
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
GRAVE = ("refund", "cancel_order", "change_address", "return_goods", "privacy")
"""Intents that change something or touch personal data."""
ALL = {**INTENTS, **FRESH, **LAST}


@pytest.fixture(scope="module")
def shop() -> Pack:
    return load(FOLDER)


@pytest.fixture(scope="module")
def brain(shop: Pack) -> LocalBrain:
    return LocalBrain(shop)


# --- the files --------------------------------------------------------------------------------------------------------


def test_the_shop_is_sound_and_nothing_is_left_to_look_at() -> None:
    report = check.check(FOLDER, skills=find.skill_names(("records",)), today=date(2026, 11, 23))

    assert report.ok, [str(error) for error in report.errors]
    assert list(map(str, report.warnings)) == []
    assert all(proof.holds for proof in report.proofs)


def test_the_shop_is_a_whole_business(shop: Pack) -> None:
    assert len(shop.golden) >= 60
    assert len(shop.invariants) >= 12
    assert len([page for page in shop.articles.values() if page.status == "published"]) >= 15
    assert len(shop.records["person"]) >= 20
    assert {order["state"] for order in shop.records["order"]} == set(shop.policy.facts["order_state"].values) - {
        "unclear"
    }


def test_every_order_has_its_payment_and_every_parcel_its_order(shop: Pack) -> None:
    records = samples.resolve(shop, NOW)
    orders = {order["id"]: order for order in records["order"]}

    assert {payment["id"] for payment in records["payment"]} == set(orders)
    assert all(parcel["id"] == parcel["order"] for parcel in records["parcel"])
    for row in (*records["payment"], *records["parcel"]):
        assert row["person"] == orders[row["id"]]["person"]
    assert all(payment["amount"] == orders[payment["id"]]["total"] for payment in records["payment"])
    people = {person["id"] for person in records["person"]}
    assert {order["person"] for order in orders.values()} <= people


def test_sample_people_are_plainly_invented(shop: Pack) -> None:
    names = ("Example", "Sample", "Demo", "Beispiel", "Muster")

    for person in shop.records["person"]:
        assert person["name"].endswith(names)
        assert person["email"].endswith(("@example.com", "@example.org"))


def test_every_case_to_try_by_hand_is_understood_as_its_intent(shop: Pack, brain: LocalBrain) -> None:
    tried = [case for case in shop.golden if case.text]
    people = {person["id"] for person in shop.records["person"]}

    wrong = [(case.case, brain.understand(case.text).intent) for case in tried
             if brain.understand(case.text).intent != case.facts["intent"]]  # fmt: skip
    assert len(tried) >= 30
    assert wrong == []
    assert {case.try_as for case in tried if case.try_as} <= people


def test_what_the_demo_says_to_try_can_be_tried(shop: Pack) -> None:
    people = {person["id"] for person in shop.records["person"]}

    assert len(shop.records["tour"]) >= 5
    assert {each["as"] for each in shop.records["tour"] if "as" in each} <= people


def test_no_page_and_no_template_says_what_may_not_be_said(shop: Pack) -> None:
    pattern = alternatives(
        [each for of_language in shop.voice.forbidden.values() for each in of_language], where="voice"
    )
    assert pattern is not None
    said = {
        **{f"page {page.id}": page.answer for page in shop.articles.values()},
        **{f"template {template.id}": template.text for template in shop.templates.values()},
    }
    found = {
        (name, language, match[0])
        for name, texts in said.items()
        for language, text in texts.items()
        for match in pattern.finditer(normalise(text))
    }
    assert found == set()


def test_days_and_amounts_are_written_as_each_language_writes_them(shop: Pack) -> None:
    at = datetime(2026, 11, 25, 10, 30, tzinfo=ZoneInfo("Europe/Berlin"))

    assert wording.show(shop, "scan_at", at, "de", now=NOW) == "Mittwoch, 25. November, 10:30"
    assert wording.show(shop, "scan_at", at, "en", now=NOW) == "Wednesday 25 November, 10:30"
    assert wording.show(shop, "order_amount", "1249.50 EUR", "de", now=NOW) == "1.249,50 €"
    assert wording.show(shop, "order_amount", "64.80 EUR", "en", now=NOW) == "€64.80"


# --- what it understands ----------------------------------------------------------------------------------------------


def test_no_unseen_message_stands_in_the_pack(shop: Pack) -> None:
    seen = {
        normalise(text)
        for words in (*(i.asked_as for i in shop.intents.values()), *(a.asked_as for a in shop.articles.values()))
        for texts in words.values()
        for text in texts
    }

    assert len(LAST) >= 60
    assert [text for text in (*ALL, *PAGES, *OUT_OF_SCOPE) if normalise(text) in seen] == []


@pytest.mark.parametrize("texts", [LAST, ALL], ids=["last", "all"])
def test_intents_of_unseen_messages(brain: LocalBrain, texts: dict[str, str]) -> None:
    wrong = {text: brain.understand(text).intent for text, intent in texts.items()
             if brain.understand(text).intent != intent}  # fmt: skip

    assert 1 - len(wrong) / len(texts) >= 0.9, wrong


def test_a_grave_wish_is_never_taken_for_a_question_that_a_page_answers(brain: LocalBrain) -> None:
    missed = [text for text, intent in ALL.items() if intent in GRAVE and brain.understand(text).intent == "faq"]

    assert missed == []


def test_languages_of_unseen_messages(brain: LocalBrain) -> None:
    german = ("ä", "ö", "ü", "ß", " ist ", " ich ", "bitte ", " mein", " wie ", " der ", " die ", " das ", " nicht ")
    texts = [text for text in ALL if any(sign in f" {text.lower()} " for sign in german)]

    assert len(texts) >= 50
    wrong = [text for text in texts if brain.understand(text).language != "de"]
    assert len(wrong) / len(texts) <= 0.03, wrong


def test_pages_for_unseen_questions(brain: LocalBrain) -> None:
    found = {text: brain.find(text, language="en") for text in PAGES}
    wrong = [text for text, page in PAGES.items() if found[text].sure and found[text].hits[0].article_id != page]

    assert wrong == []
    assert sum(found[text].sure for text in PAGES) / len(PAGES) >= 0.8


def test_out_of_scope_questions_are_not_answered(brain: LocalBrain) -> None:
    assert [text for text in OUT_OF_SCOPE if brain.find(text, language="en").sure] == []


# --- what must never be missed ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("the lamp caught fire last night", "safety_risk"),
        ("ich habe von der Lampe einen Stromschlag bekommen", "safety_risk"),
        ("somebody hacked my account", "account_takeover"),
        ("diese Bestellung ist nicht von mir", "account_takeover"),
        ("I will do a chargeback with my bank", "chargeback_threat"),
        ("dann hole ich mir das Geld über den Käuferschutz", "chargeback_threat"),
        ("you will hear from my lawyer", "legal_threat"),
        ("ich gehe zur Verbraucherzentrale", "legal_threat"),
        ("can you make an exception for me", "exception_requested"),
        ("vielleicht geht es aus Kulanz", "exception_requested"),
    ],
)
def test_words_that_wake_a_person_are_heard_in_both_languages(brain: LocalBrain, text: str, fact: str) -> None:
    assert brain.understand(text).flags[fact] is True


@pytest.mark.parametrize(
    "text",
    [
        "what is the burning time of the candle",
        "how long is the brenndauer of the kerze",
        "is there a cancellation fee",
        "are there exceptions to the return window",
        "do you accept bank transfer",
    ],
)
def test_a_question_about_a_rule_wakes_nobody(brain: LocalBrain, text: str) -> None:
    seen = brain.understand(text)

    assert not any(seen.flags.values()), seen.flags
    assert seen.intent in ("faq", "other")


@pytest.mark.parametrize(
    ("text", "intent"),
    [
        ("what is your refund policy? I want my money back for SD-100103", "refund"),
        ("how do cancellations work? please cancel my order", "cancel_order"),
        ("Wie lange dauert eine Erstattung? Ich will mein Geld zurück", "refund"),
        ("thanks for the lamp, but please delete my account", "privacy"),
        ("where is my parcel? if it is not here by monday I want to cancel my order", "cancel_order"),
        ("I cancelled last week and want my money back", "refund"),
    ],
)
def test_of_two_things_asked_at_once_the_graver_decides(brain: LocalBrain, text: str, intent: str) -> None:
    assert brain.understand(text).intent == intent


def test_signals_are_quiet_on_the_questions_that_pages_answer(shop: Pack) -> None:
    detectors = Detectors(shop.signals, shop.profile.languages)
    asked = [text for page in shop.articles.values() for texts in page.asked_as.values() for text in texts]

    fired = {text: [each.id for each in detectors.detect(sentences(text)).fired if each.floor or each.fact]
             for text in asked}  # fmt: skip
    assert {text: ids for text, ids in fired.items() if ids} == {}
