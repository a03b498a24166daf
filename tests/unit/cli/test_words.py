"""Trying the words: what a message means, what would be answered, what would be masked."""

from __future__ import annotations

import json

import pytest

from caseward.adapters import find
from caseward.core.pack import Pack
from caseward.core.ports import Brain
from tests.unit.cli.conftest import Typed

KEYS = {"intent", "category", "severity", "sentiment", "language", "entities", "signals", "confidence"}


@pytest.fixture(autouse=True)
def _trained_once(monkeypatch: pytest.MonkeyPatch, brain: Brain) -> None:
    """The brain of the session, so that each command does not learn anew."""

    def trained(_allowed: object, _pack: Pack) -> Brain:
        return brain

    monkeypatch.setattr(find, "brain", trained)


def test_a_message_is_understood(typed: Typed) -> None:
    said = typed("triage", "--pack", "vocal-coaching", "saya mau refund, invoice INV-2026-0003")

    assert said.code == 0
    assert set(said.json) == KEYS
    assert (said.json["intent"], said.json["category"], said.json["language"]) == ("refund", "refund", "id")
    assert said.json["entities"]["invoice"] == ["INV-2026-0003"]
    assert "refund" in said.json["signals"]


def test_standard_input_is_one_message(typed: Typed) -> None:
    assert typed("triage", stdin="what are your opening hours?\n").json["language"] == "en"


def test_several_messages_are_a_list(typed: Typed) -> None:
    assert [each["intent"] for each in typed("triage", "saya mau refund", "mau pindah jadwal").json] == [
        "refund",
        "reschedule",
    ]


def test_many_messages_are_read_line_by_line_plain_or_as_json(typed: Typed) -> None:
    lines = ["saya mau refund", "", '"mau pindah jadwal"', '{"text": "kapan les saya berikutnya?", "id": 7}']

    said = typed("triage", "--jsonl", stdin="\n".join(lines))

    assert [json.loads(line)["intent"] for line in said.out.splitlines()] == ["refund", "reschedule", "schedule"]


@pytest.mark.parametrize("line", ['{"words": "x"}', '{"text": 7}', "{broken"])
def test_a_line_that_is_no_message_is_refused_by_number(typed: Typed, line: str) -> None:
    said = typed("triage", "--jsonl", stdin=f"halo\n{line}\n")

    assert said.code == 2
    assert said.err.startswith("caseward: line 2")


@pytest.mark.parametrize("text", ["", " ", "\x00", "\u202e", "🙂" * 5000, "a" * 100_000])
def test_any_text_is_understood_somehow(typed: Typed, text: str) -> None:
    assert set(typed("triage", text).json) == KEYS


def test_a_published_question_has_an_answer_with_its_page(typed: Typed) -> None:
    said = typed("ask", "--pack", "vocal-coaching", "--json", "jam buka studio kapan?")

    assert said.code == 0
    assert said.json["answer"]
    assert [each["article"] for each in said.json["citations"]] == ["opening-hours"]
    assert said.json["tier"] == "R0"
    assert said.json["why"]


@pytest.mark.parametrize("text", ["saya mau refund", "kapan les saya berikutnya?", "xyzzy plugh", ""])
def test_what_no_page_may_answer_by_itself_has_no_answer_and_a_reason(typed: Typed, text: str) -> None:
    said = typed("ask", "--json", text)

    assert said.code == 0
    assert (said.json["answer"], said.json["citations"]) == (None, [])
    assert said.json["why"]


def test_asking_about_refunds_is_answered_and_asking_for_one_is_not(typed: Typed) -> None:
    assert typed("ask", "--json", "apa aturan refund di sini?").json["citations"][0]["article"] == "refund-policy"
    assert typed("ask", "--json", "tolong refund pembayaran saya").json["tier"] == "R3"


def test_in_words_an_answer_cites_its_page(typed: Typed) -> None:
    said = typed("ask", "what are your opening hours?")

    assert "[opening-hours] " in said.out
    assert "because " in said.out


def test_personal_data_is_masked_and_the_rest_is_not(typed: Typed) -> None:
    said = typed("redact", stdin="Citra citra.sample@example.com +62 812 3456 7890, INV-2026-0001, Rp 1.300.000\n")

    assert said.code == 0
    assert "example.com" not in said.out
    assert "7890" not in said.out
    assert "INV-2026-0001, Rp 1.300.000\n" in said.out
