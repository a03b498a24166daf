"""From a guess and what the detectors heard to what a message means: words set a floor, a guess may only raise it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from caseward.core.messages import Understanding
from caseward.core.pack import Intent, Lexicon
from caseward.core.signals import Detection
from caseward.core.text import words

UNCLEAR = "other"
"""The intent of a message that nothing explains; a pack without it is not understood at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What a classifier takes a message for."""

    intent: str
    confidence: float
    """0 to 1."""
    runner_up: str = ""


def conclude(
    guess: Guess,
    detection: Detection,
    *,
    facts: Iterable[str],
    intents: Mapping[str, Intent],
    limit: float,
    sentiment: str,
    language: str,
    entities: Mapping[str, tuple[str, ...]],
) -> Understanding:
    """Return the understanding of one message.

    A fired signal with a floor decides the intent, the first one in the pack's order if there are several. Otherwise
    the guess does, unless it is less sure than `limit`: then the intent is unclear and the guess stays as runner-up.

    Args:
        guess: what the classifier thinks.
        detection: what the detectors found.
        facts: every boolean fact that any signal settles; each becomes a flag, true or false.
        intents: the pack's intents by id.
        limit: the confidence below which a guess does not count.
        sentiment: `negative`, `neutral` or `positive`.
        language: ISO 639-1.
        entities: what the message names.
    """
    floor = next((signal.floor for signal in detection.fired if signal.floor), "")
    if floor:
        intent, confidence, runner_up = floor, 1.0, guess.intent if guess.intent != floor else guess.runner_up
    elif guess.confidence < limit:
        intent, confidence, runner_up = UNCLEAR, guess.confidence, guess.intent
    else:
        intent, confidence, runner_up = guess.intent, guess.confidence, guess.runner_up
    known = intents.get(intent)
    severities = [signal.severity for signal in detection.fired if signal.severity]
    return Understanding(
        intent=intent,
        category=known.category if known else UNCLEAR,
        severity=min([known.severity if known else "P3", *severities]),
        sentiment=sentiment,
        language=language,
        entities=entities,
        signals=tuple(signal.id for signal in detection.fired),
        confidence=round(confidence, 4),
        flags={fact: any(signal.fact == fact for signal in detection.fired) for fact in facts},
        runner_up=runner_up if runner_up != intent else "",
    )


class Mood:
    """Reads how a message sounds, by the words of a pack's lexicons."""

    def __init__(self, lexicon: Mapping[str, Lexicon]) -> None:
        """Compile the lexicon; raise BadInput that names the entry that is not a regular expression."""
        each = tuple(lexicon.values())
        self._negative = words((word for lex in each for word in lex.negative), where="lexicon, negative")
        self._positive = words((word for lex in each for word in lex.positive), where="lexicon, positive")

    def sentiment(self, text: str) -> str:
        """Return `negative`, `neutral` or `positive` for normalised `text`; at a tie the bad word counts."""
        bad = len(self._negative.findall(text)) if self._negative else 0
        good = (
            len(self._positive.findall(self._negative.sub(" ", text) if self._negative else text))
            if self._positive
            else 0
        )
        if bad and bad >= good:
            return "negative"
        return "positive" if good else "neutral"
