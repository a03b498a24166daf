"""What an edit changes, in pieces that make up both texts again."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from caseward.web.diffs import differences

WORDS = st.text(alphabet="ab .\né", max_size=20)


@given(WORDS, WORDS)
def test_what_stayed_and_went_is_the_old_text_and_what_stayed_and_came_the_new_one(before: str, after: str) -> None:
    pieces = differences(before, after)

    if before == after:
        assert pieces == []
    else:
        assert "".join(piece.text for piece in pieces if piece.kind != "in") == before
        assert "".join(piece.text for piece in pieces if piece.kind != "out") == after


def test_a_changed_phrase_is_one_piece_and_what_is_around_it_stays() -> None:
    pieces = differences("We agree, as a one-time exception. Thanks", "We agree, this once. Thanks")

    assert [(piece.kind, piece.text) for piece in pieces] == [
        ("", "We agree, "),
        ("out", "as a one-time exception"),
        ("in", "this once"),
        ("", ". Thanks"),
    ]
