"""How well a colour can be read on another."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseward.core import contrast

colours = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06X}")


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("#FFFFFF", "#000000", 21.0), ("#777777", "#FFFFFF", 4.48), ("#3B4CC0", "#FFFFFF", 7.04)],
    ids=["black and white", "grey just below what text needs", "blue"],
)
def test_contrast_is_what_the_standard_says(one: str, other: str, expected: float) -> None:
    assert contrast.ratio(one, other) == pytest.approx(expected, abs=0.02)


@given(colours, colours)
def test_it_is_the_same_both_ways_and_one_for_the_same(one: str, other: str) -> None:
    assert contrast.ratio(one, other) == contrast.ratio(other, one)
    assert 1 <= contrast.ratio(one, other) <= 21
    assert contrast.ratio(one, one) == 1


@pytest.mark.parametrize("text", ["", "red", "#FFF", "#GGGGGG", "#1234567", "#123456; }"], ids=repr)
def test_what_is_no_colour_is_known(text: str) -> None:
    assert not contrast.is_colour(text)
