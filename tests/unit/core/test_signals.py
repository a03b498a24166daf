from __future__ import annotations

import pytest

from caseward.core.errors import BadInput
from caseward.core.pack import Signal
from caseward.core.signals import Detectors
from caseward.core.text import sentences

REFUND = Signal(
    id="refund",
    floor="refund",
    patterns={"en": ("refund",), "id": ("uang kembali",)},
    unless={"en": ("policy",), "id": ("aturan",)},
    always={"en": ("i want my refund",)},
)
THREAT = Signal(id="legal", fact="legal_threat", patterns={"en": ("lawyer",)})
ANGER = Signal(id="anger", severity="P2", patterns={"en": ("!!",)})


def heard(text: str, *languages: str) -> tuple[list[str], list[str]]:
    """What fires, and what is only asked about."""
    detection = Detectors((REFUND, THREAT, ANGER), languages or ("en", "id")).detect(sentences(text))
    return [signal.id for signal in detection.fired], [signal.id for signal in detection.silenced]


@pytest.mark.parametrize(
    ("text", "fired", "silenced"),
    [
        ("hello", [], []),
        ("a refund, please", ["refund"], []),
        ("what is your refund policy", [], ["refund"]),
        ("what is your refund policy? a refund, please", ["refund"], []),
        ("by your policy i want my refund", ["refund"], []),
        ("apa aturan uang kembali", [], ["refund"]),
        ("aturan refund", [], ["refund"]),
        ("minta uang kembali!!", ["refund", "anger"], []),
        ("refund or my lawyer calls", ["refund", "legal"], []),
    ],
)
def test_a_sentence_fires_unless_it_only_asks(text: str, fired: list[str], silenced: list[str]) -> None:
    assert heard(text) == (fired, silenced)


def test_only_the_languages_of_the_business_are_listened_for() -> None:
    assert heard("uang kembali", "en") == ([], [])
    assert heard("uang kembali", "en", "id") == (["refund"], [])


def test_every_fact_is_named_once_and_only_facts_are() -> None:
    assert Detectors((REFUND, THREAT, THREAT, ANGER), ("en",)).facts == ("legal_threat",)


def test_a_broken_pattern_names_its_signal() -> None:
    broken = Signal(id="broken", patterns={"en": ("ok",)}, unless={"en": ("[",)})

    with pytest.raises(BadInput, match="signal broken, unless"):
        Detectors((broken,), ("en",))
