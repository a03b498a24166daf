from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseward.core.errors import BadInput
from caseward.core.text import alternatives, normalise, sentences, words


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("  Halo\tKak,\n apa   kabar? ", "halo kak, apa kabar?"),
        ("Caf\u00e9 J\u00e1karta", "cafe jakarta"),
        ("\uff32\uff25\uff26\uff35\uff2e\uff24", "refund"),
        ("re\u200bfu\u00adnd", "refund"),
        ("r e f u n d please", "refund please"),
        ("r.e.f.u.n.d", "refund"),
        ("c-a-n-c-e-l my lesson", "cancel my lesson"),
        ("a b or c", "a b or c"),
        ("pleaseee refuuund", "please refund"),
        ("Rp1.000.000 jam 10.00", "rp1.000.000 jam 10.00"),
        ("I don\u2019t", "i don't"),
        ("a\x00b\x07c", "a b c"),
        ("\ud800", ""),
        ("\u0130stanbul", "istanbul"),
        ("", ""),
    ],
    ids=ascii,
)
def test_decoration_does_not_hide_a_word(text: str, plain: str) -> None:
    assert normalise(text) == plain


@given(text=st.text())
def test_normalising_twice_changes_little_and_leaves_one_line(text: str) -> None:
    plain = normalise(text)

    assert plain == plain.strip()
    assert "\n" not in plain
    assert "  " not in plain
    assert plain == plain.lower()


def test_a_sentence_ends_at_its_mark_or_its_line_but_not_inside_a_number() -> None:
    text = "Refund policy? I want it!! At 10.30, Rp1.300.000. ok\nline\r\n\r\n"

    assert sentences(text) == ("refund policy?", "i want it!", "at 10.30, rp1.300.000.", "ok", "line")


def test_words_match_as_a_whole() -> None:
    pattern = words(["sat", "sabtu"], where="test")

    assert pattern is not None
    assert pattern.search("hari sabtu ya")
    assert not pattern.search("saturday")
    assert words([], where="test") is None


def test_a_pattern_that_is_none_is_named() -> None:
    with pytest.raises(BadInput, match=r"signal refund, patterns: '\(' is not a regular expression"):
        alternatives(["ok", "("], where="signal refund, patterns")


PARTS = (
    r"\bma", r"\bma|ha", r"\b(ma|ha)t", r"\bh[|)(]a", r"\bt\|", r"\bt\(|m", "at", r"(?<!a)t\b", r"\b(a(b|c)|h)m",
    r"[^]\]]m",
)  # fmt: skip


@given(parts=st.lists(st.sampled_from(PARTS), min_size=1, max_size=4), text=st.text("mahtbc |)(-", max_size=20))
def test_alternatives_match_what_their_patterns_match_in_their_order(parts: list[str], text: str) -> None:
    found = alternatives(parts, where="test")
    plain = re.compile("|".join(f"(?:{part})" for part in parts))

    assert found is not None
    assert [each.span() for each in found.finditer(text)] == [each.span() for each in plain.finditer(text)]
