from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseward.core.approval import Word
from caseward.core.channels import Team
from caseward.core.typed_verdicts import Spoken, Unclear, read

TEAM = Team(
    approve=("approve", "setuju", "ok"),
    edit=("edit", "ubah"),
    deny=("deny", "tolak"),
    escalate=("escalate", "naikkan"),
    conditions=("if", "dengan syarat", "kalau"),
)
WORDS = (*TEAM.approve, *TEAM.edit, *TEAM.deny, *TEAM.escalate)
CASES = [
    ("APPROVE", Spoken(word=Word.APPROVE)),
    ("  approve.  ", Spoken(word=Word.APPROVE)),
    ("[APPROVE]", Spoken(word=Word.APPROVE)),
    ("/approve", Spoken(word=Word.APPROVE)),
    ("Setuju!", Spoken(word=Word.APPROVE)),
    ("\u200bOk", Spoken(word=Word.APPROVE)),
    ("APPROVE if the payment is confirmed", Spoken(word=Word.APPROVE, conditions="the payment is confirmed")),
    ("setuju, dengan  syarat: lunas.", Spoken(word=Word.APPROVE, conditions="lunas")),
    ("APPROVE\nkalau sudah bayar", Spoken(word=Word.APPROVE, conditions="sudah bayar")),
    ("DENY outside policy", Spoken(word=Word.DENY, reason="outside policy")),
    ("Tolak: sudah lewat 24 jam", Spoken(word=Word.DENY, reason="sudah lewat 24 jam")),
    ("ESCALATE - who pays?", Spoken(word=Word.ESCALATE, reason="who pays?")),
    ("EDIT Dear all,\n\n- one\n- two ", Spoken(word=Word.EDIT, text="Dear all,\n\n- one\n- two ")),
    ("Ubah:\n- Baik, Kak", Spoken(word=Word.EDIT, text="- Baik, Kak")),
    ("EDIT approve this if you like?", Spoken(word=Word.EDIT, text="approve this if you like?")),
]
ASKED_BACK = [
    "APPROVE?",
    "approve if it is paid?",
    "approve, but change the time",
    "ok thanks",
    "APPROVE DENY",
    "APPROVE if",
    "DENY",
    "DENY.",
    "deny approve",
    "escalate",
    "EDIT",
    "EDIT  \n :",
]
NONE = ["", "please approve", "don't approve", "I would deny", "approved", "okay", "edit_this", "deny's", "yes", "👍"]


@pytest.mark.parametrize(("text", "spoken"), CASES, ids=[ascii(text) for text, _spoken in CASES])
def test_a_verdict_is_its_first_word_and_what_that_word_takes(text: str, spoken: Spoken) -> None:
    assert read(text, TEAM) == spoken


@pytest.mark.parametrize("text", ASKED_BACK, ids=ascii)
def test_what_could_mean_something_else_or_lacks_something_is_asked_back(text: str) -> None:
    assert isinstance(read(text, TEAM), Unclear)


@pytest.mark.parametrize("text", NONE, ids=ascii)
def test_a_verdict_that_is_not_the_first_word_is_none(text: str) -> None:
    assert read(text, TEAM) is None


def test_a_word_that_stands_for_two_verdicts_is_asked_back() -> None:
    both = Team(approve=("ya",), deny=("ya", "ya tolak"))

    assert read("ya", both) == Unclear(why="the first word means both APPROVE and DENY here")
    assert read("ya tolak karena lewat", both) == Spoken(word=Word.DENY, reason="karena lewat")


@given(typed=st.sampled_from(TEAM.edit), text=st.text(min_size=1).filter(lambda text: re.match(r"\w", text)))
def test_the_new_words_of_an_edit_are_exactly_those_typed(typed: str, text: str) -> None:
    assert read(f"{typed.upper()} {text}", TEAM) == Spoken(word=Word.EDIT, text=text)


@given(text=st.text())
def test_nothing_that_does_not_begin_with_a_verdict_is_one(text: str) -> None:
    spoken = read(text, TEAM)

    begins = re.match(rf"[\s\u200b-\u200f\u2060\ufeff]*[/\[]?(?:{'|'.join(WORDS)})(?![\w'’])", text, re.I)
    assert (spoken is not None) == bool(begins)


@given(
    first=st.sampled_from(TEAM.approve),
    rest=st.lists(st.sampled_from(["not", "but", "the", "later", "deny", "edit", "it", "2", "👎"]), min_size=1),
)
def test_consent_with_words_that_announce_no_condition_is_never_consent(first: str, rest: Sequence[str]) -> None:
    assert isinstance(read(" ".join((first, *rest)), TEAM), Unclear)


@given(verdict=st.sampled_from(WORDS), how=st.sampled_from([str.upper, str.lower, str.title]), why=st.text())
def test_what_is_read_has_what_its_verdict_needs(verdict: str, how: object, why: str) -> None:
    spoken = read(f"{how(verdict)} {why}", TEAM)  # type: ignore[operator]

    assert spoken is not None
    if isinstance(spoken, Spoken):
        assert bool(spoken.reason) == (spoken.word in (Word.DENY, Word.ESCALATE))
        assert bool(spoken.text) == (spoken.word is Word.EDIT)
        assert not spoken.conditions or spoken.word is Word.APPROVE
