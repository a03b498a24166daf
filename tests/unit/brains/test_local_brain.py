"""The local brain on messages it has never seen, held to the figures it is trusted for."""

from __future__ import annotations

import pickle
import re
import time
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseward.adapters.brains.local import PUBLISHED, LocalBrain, brain
from caseward.core.messages import Understanding
from caseward.core.pack import Entity, Pack
from caseward.core.text import normalise
from tests.unit.brains.heldout_intents import HASTY, MESSAGES, PLAIN
from tests.unit.brains.heldout_questions import ABOUT, NO_PAGE, NOT_WANTED, PAGES, TWO_AT_ONCE, WISHES

UNSEEN = [
    (intent, language, text)
    for part in (MESSAGES, PLAIN, HASTY)
    for intent, texts in part.items()
    for language, each in texts.items()
    for text in each
]
GRAVE = ("refund", "cancel", "privacy")
"""Intents that a person decides about."""


def test_there_are_unseen_messages_enough_and_none_of_them_stands_in_the_pack(school: Pack) -> None:
    seen = {
        bare(text)
        for words in (*(i.asked_as for i in school.intents.values()), *(a.asked_as for a in school.articles.values()))
        for texts in words.values()
        for text in texts
    }

    counts = Counter((intent, language) for intent, language, _ in UNSEEN)

    assert set(counts) == {(intent, language) for intent in school.intents for language in school.profile.languages}
    assert min(counts.values()) >= 15
    assert [text for *_, text in UNSEEN if bare(text) in seen] == []


def test_intents_of_unseen_messages(brain: LocalBrain) -> None:
    wrong = [(intent, text) for intent, _, text in UNSEEN if brain.understand(text).intent != intent]

    assert 1 - len(wrong) / len(UNSEEN) >= 0.92, wrong


@pytest.mark.parametrize("intent", sorted(MESSAGES))
def test_no_intent_is_weak(brain: LocalBrain, intent: str) -> None:
    texts = [text for each, _, text in UNSEEN if each == intent]

    right = [text for text in texts if brain.understand(text).intent == intent]

    assert len(right) / len(texts) >= 0.8, set(texts) - set(right)


def test_languages_of_unseen_messages(brain: LocalBrain) -> None:
    wrong = [text for _, language, text in UNSEEN if brain.understand(text).language != language]

    assert 1 - len(wrong) / len(UNSEEN) >= 0.97, wrong


def test_a_grave_request_is_never_taken_for_a_question_that_a_page_answers(brain: LocalBrain) -> None:
    requests = [(intent, text) for intent, _, text in UNSEEN if intent in GRAVE]
    requests += [(intent, text) for text, intent in WISHES]

    loose = [
        text
        for _, text in requests
        if brain.understand(text).intent == PUBLISHED and brain.find(text, language="id").sure
    ]

    assert loose == []


def test_an_unmistakable_wish_has_its_intent_however_it_is_put(brain: LocalBrain) -> None:
    understood = {text: brain.understand(text).intent for text, _ in WISHES}

    assert understood == dict(WISHES)


def test_asking_about_a_policy_is_not_asking_for_what_it_offers(brain: LocalBrain) -> None:
    flagged = [text for text in ABOUT if set(brain.understand(text).signals) & set(GRAVE)]
    not_questions = [text for text in ABOUT if brain.understand(text).intent != PUBLISHED]

    assert len(flagged) / len(ABOUT) <= 0.05, flagged
    assert len(not_questions) / len(ABOUT) <= 0.1, not_questions


def test_what_is_expressly_not_wanted_does_not_fire(brain: LocalBrain) -> None:
    assert [text for text in NOT_WANTED if {"refund", "cancel"} & set(brain.understand(text).signals)] == []


def test_pages_for_unseen_questions(brain: LocalBrain) -> None:
    asked = [(page, text) for page, texts in PAGES.items() for text in texts]
    found = {text: brain.find(text, language="en") for _, text in asked}

    first = [(page, text) for page, text in asked if found[text].hits[0].article_id == page]
    sure = [(page, text) for page, text in asked if found[text].sure]

    assert len(first) / len(asked) >= 0.93, set(asked) - set(first)
    assert len(sure) / len(asked) >= 0.85, set(asked) - set(sure)
    assert set(sure) <= set(first), "what goes out by itself is the right page"


def test_of_two_questions_at_once_a_page_that_answers_one_does_not_go_out_by_itself(brain: LocalBrain) -> None:
    for text in TWO_AT_ONCE:
        assert not brain.find(text, language="id").sure, text
    assert "two things are asked" in brain.find(TWO_AT_ONCE[0], language="id").why


def test_out_of_scope_questions_are_not_answered(brain: LocalBrain) -> None:
    sure = [text for text in NO_PAGE if brain.find(text, language="id").sure]

    assert len(sure) / len(NO_PAGE) <= 0.07, sure


def test_only_published_pages_are_found(brain: LocalBrain, school: Pack) -> None:
    hidden = [page for page in school.articles.values() if page.status != "published"]
    questions = [text for page in hidden for texts in page.asked_as.values() for text in texts]

    found = {hit.article_id for text in questions for hit in brain.find(text, language="en").hits}

    assert {page.status for page in hidden} == {"draft", "retired"}
    assert {school.articles[page].status for page in found} == {"published"}


def test_every_own_phrasing_of_a_page_finds_it(brain: LocalBrain, school: Pack) -> None:
    asked = [
        (page.id, text)
        for page in school.articles.values()
        if page.status == "published"
        for texts in page.asked_as.values()
        for text in texts
    ]

    missed = [(page, text) for page, text in asked if brain.find(text, language="id").hits[0].article_id != page]

    assert len(missed) / len(asked) <= 0.02, missed


@pytest.mark.parametrize(
    ("text", "prior", "language"),
    [
        ("ok", "en", "en"),
        ("ok", "id", "id"),
        ("2", "en", "en"),
        ("", "en", "en"),
        ("", None, "id"),
        ("INV-2026-0012", "en", "en"),
        ("makasih", "en", "id"),
        ("thank you", "id", "en"),
        ("when is my next lesson", "id", "en"),
        ("kapan les saya", "en", "id"),
        ("kapan les saya", "xx", "id"),
    ],
)
def test_the_conversation_decides_the_language_of_what_is_too_short_to_tell(
    brain: LocalBrain, text: str, prior: str | None, language: str
) -> None:
    assert brain.understand(text, language=prior).language == language


def test_words_set_the_floor_and_every_fact_is_settled(brain: LocalBrain) -> None:
    quiet = brain.understand("kapan jadwal les saya berikutnya")
    threat = brain.understand("minta uang saya kembali atau saya lapor polisi")

    assert quiet.flags == dict.fromkeys(quiet.flags, False)
    assert set(quiet.flags) == {
        "chargeback_threat",
        "legal_threat",
        "abuse_or_safety",
        "minor_or_sensitive",
        "exception_requested",
    }
    assert (threat.intent, threat.category, threat.confidence, threat.severity) == ("refund", "refund", 1.0, "P2")
    assert threat.flags["legal_threat"]
    assert not threat.flags["chargeback_threat"]
    assert {"refund", "legal"} <= set(threat.signals)


def test_an_unsure_guess_is_unclear_and_stays_as_runner_up(school: Pack) -> None:
    limits = replace(school.profile.limits, confidence=0.999)
    strict = LocalBrain(replace(school, profile=replace(school.profile, limits=limits)))

    seen = strict.understand("tolong aturkan ulang waktu kelas saya")

    assert seen.intent == "other"
    assert seen.runner_up == "reschedule"
    assert seen.confidence < 0.999


def test_a_message_names_what_it_is_about(brain: LocalBrain) -> None:
    seen = brain.understand("Kak, bayaran INV 2026 0012 Rp1.300.000 sudah masuk? Email saya Citra.Sample@example.com")

    assert seen.intent == "payment"
    assert seen.entities == {
        "invoice": ("INV-2026-0012",),
        "email": ("citra.sample@example.com",),
        "money": ("rp1.300.000",),
    }


@settings(max_examples=60, deadline=None)
@given(text=st.text(st.characters(), max_size=300))
def test_any_text_is_understood_somehow(brain: LocalBrain, text: str) -> None:
    seen = brain.understand(text)
    finding = brain.find(text, language=seen.language)

    assert isinstance(seen, Understanding)
    assert 0 <= seen.confidence <= 1
    assert all(0 <= hit.score <= 1 for hit in finding.hits)
    assert [hit.score for hit in finding.hits] == sorted((hit.score for hit in finding.hits), reverse=True)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00\x01\x02",
        "\ud800\udfff",
        "a" * 100_000,
        "refund " * 14_000,
        "r e f u n d " * 8_000,
        "(" * 100_000,
        "\u0627\u0644\u0633\u0644\u0627\u0645 \u0639\u0644\u064a\u0643\u0645",
        "\U0001f44d" * 5_000,
        "\u200b" * 5_000,
        "\n" * 5_000,
        "1.000.000," * 10_000,
        "kalau " * 15_000,
    ],
    ids=lambda text: f"{len(text)} times {text[:4]!a}",
)
def test_odd_texts_cost_little_and_break_nothing(brain: LocalBrain, text: str) -> None:
    began = time.process_time()

    brain.understand(text)
    brain.find(text, language="id")

    assert time.process_time() - began < 3


def test_understanding_is_the_same_whenever_it_is_learned(brain: LocalBrain, school: Pack) -> None:
    again = LocalBrain(school)

    assert [again.understand(text) for *_, text in UNSEEN[:40]] == [brain.understand(text) for *_, text in UNSEEN[:40]]
    assert again.find("jam buka studio", language="id") == brain.find("jam buka studio", language="id")


def test_a_brain_is_used_again_until_something_changes_that_it_learned_from(school: Pack) -> None:
    first = brain_of(school)
    greeting = replace(school.intents["reschedule"], asked_as={"en": ("may I come on another day",)})
    limits = replace(school.profile.limits, confidence=0.99)

    assert brain_of(replace(school, policy=replace(school.policy, phase="hardening"), templates={})) is first
    assert brain_of(pickle.loads(pickle.dumps(school))) is first
    for other in (
        replace(school, intents={**school.intents, "reschedule": greeting}),
        replace(school, articles={}),
        replace(school, signals=()),
        replace(school, entities={"receipt": Entity(patterns=(r"rc-\d+",))}),
        replace(school, lexicon={"en": school.lexicon["en"]}),
        replace(school, profile=replace(school.profile, languages=("en",))),
        replace(school, profile=replace(school.profile, limits=limits)),
    ):
        assert not first.knows(other)


def test_a_brain_that_another_process_learned_is_used_too(school: Pack) -> None:
    small = replace(school, articles={}, intents={"payment": school.intents["payment"]})
    handed = pickle.loads(pickle.dumps(LocalBrain(small)))

    assert brain_of(small) is handed


def test_a_pack_of_one_language_without_pages_still_understands(school: Pack) -> None:
    profile = replace(school.profile, languages=("en",))
    intents = {
        name: replace(intent, asked_as={"en": intent.asked_as["en"]})
        for name, intent in school.intents.items()
        if name in ("payment", "reschedule")
    }
    small = brain_of(
        replace(school, profile=profile, intents=intents, articles={}, lexicon={"en": school.lexicon["en"]})
    )

    assert small.understand("please move my lesson to friday").intent == "reschedule"
    assert small.understand("has my payment gone through").language == "en"
    assert small.find("when are you open", language="en").hits == ()


def bare(text: str) -> str:
    """The words alone: what differs only in punctuation is not unseen."""
    return " ".join(re.findall(r"\w+", normalise(text)))


def brain_of(pack: Pack) -> LocalBrain:
    made = brain(pack)
    assert isinstance(made, LocalBrain)
    return made
