from __future__ import annotations

import pytest

from caseward.core.messages import Understanding
from caseward.core.pack import Intent, Lexicon, Signal
from caseward.core.signals import Detection
from caseward.core.understanding import Guess, Mood, conclude

INTENTS = {
    name: Intent(id=name, title={"en": name}, category=category, severity="P3")
    for name, category in (("faq", "other"), ("refund", "refund"), ("cancel", "scheduling"), ("other", "other"))
}
REFUND = Signal(id="refund", patterns={}, floor="refund")
CANCEL = Signal(id="cancel", patterns={}, floor="cancel")
LEGAL = Signal(id="legal", patterns={}, fact="legal_threat", severity="P1")
URGENT = Signal(id="urgent", patterns={}, severity="P2")


def meant(guess: Guess, *fired: Signal, silenced: tuple[Signal, ...] = ()) -> Understanding:
    return conclude(
        guess,
        Detection(fired=fired, silenced=silenced),
        facts=("legal_threat", "abuse"),
        intents=INTENTS,
        limit=0.5,
        sentiment="neutral",
        language="en",
        entities={},
    )


def test_a_sure_guess_counts() -> None:
    seen = meant(Guess(intent="faq", confidence=0.8, runner_up="other"))

    assert (seen.intent, seen.category, seen.confidence, seen.runner_up) == ("faq", "other", 0.8, "other")
    assert (seen.severity, seen.signals) == ("P3", ())


def test_an_unsure_guess_is_unclear() -> None:
    seen = meant(Guess(intent="faq", confidence=0.49))

    assert (seen.intent, seen.runner_up) == ("other", "faq")


@pytest.mark.parametrize("guess", ["faq", "cancel", "other"])
def test_a_floor_beats_every_guess(guess: str) -> None:
    seen = meant(Guess(intent=guess, confidence=0.99), REFUND, CANCEL)

    assert (seen.intent, seen.category, seen.confidence) == ("refund", "refund", 1.0)
    assert seen.signals == ("refund", "cancel")
    assert seen.runner_up == guess


def test_a_guess_may_raise_what_the_words_left_low() -> None:
    assert meant(Guess(intent="refund", confidence=0.9), silenced=(REFUND,)).intent == "refund"


def test_every_fact_is_explicit_and_severity_only_rises() -> None:
    calm, grave = meant(Guess(intent="faq", confidence=0.9)), meant(Guess(intent="faq", confidence=0.9), URGENT, LEGAL)

    assert calm.flags == {"legal_threat": False, "abuse": False}
    assert grave.flags == {"legal_threat": True, "abuse": False}
    assert grave.severity == "P1"


def test_an_intent_the_pack_does_not_know_is_still_told() -> None:
    seen = meant(Guess(intent="faq", confidence=0.9), Signal(id="x", patterns={}, floor="unheard"))

    assert (seen.intent, seen.category) == ("unheard", "other")


@pytest.mark.parametrize(
    ("text", "mood"),
    [
        ("when are you open", "neutral"),
        ("this is bad", "negative"),
        ("great, thanks", "positive"),
        ("not good", "negative"),
        ("great coach but bad room", "negative"),
        ("great coach, great room, bad coffee", "positive"),
    ],
)
def test_the_mood_is_in_the_words(text: str, mood: str) -> None:
    english = Lexicon(
        weekdays=((),) * 7,
        months=((),) * 12,
        today=(),
        tomorrow=(),
        negative=("bad", "not good"),
        positive=("great", "good", "thanks"),
    )

    assert Mood({"en": english}).sentiment(text) == mood
    assert Mood({}).sentiment(text) == "neutral"
