"""Ids can be read aloud, put in an address, and not be guessed."""

from __future__ import annotations

import re

from caseward.core import ids


def test_an_id_says_what_it_names_and_is_safe_in_an_address() -> None:
    assert re.fullmatch(r"case_[0-9a-z]{16}", ids.new("case"))


def test_no_letter_of_an_id_looks_like_another() -> None:
    letters = set("".join(ids.new("x").removeprefix("x_") for _ in range(500)))

    assert not letters & set("ilou")
    assert len(letters) == 32


def test_ids_do_not_repeat() -> None:
    assert len({ids.new("msg") for _ in range(10_000)}) == 10_000
