"""Whatever is put into a file of a pack can be read out of it again, and nothing else of the file moves."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from caseward.core.errors import BadInput
from caseward.packs.editing import edited, written

PACKS = Path(__file__).parents[2] / "packs"
FILES = sorted(PACKS.glob("vocal-coaching/knowledge/*.yaml")) + sorted(PACKS.glob("*/templates/*.yaml"))
FILE = """\
# kept at the top
id: one   # kept beside
reviewed: 2026-01-05
topics: [a, "b c"]  # kept behind a list
title:
  en: 'Old'
answer:
  en: >-
    Some words
    that are folded.
# kept between
asked_as:
  en:
    - "first"  # kept at an item
    # kept before an item
    - second
    - 'third'
"""
words = st.text(st.characters(exclude_categories=["Cs", "Cc"], include_characters="\n"), max_size=200)


@settings(deadline=None)
@given(words, st.lists(words, max_size=5), st.dates(min_value=date(1900, 1, 1)))
def test_what_is_put_in_is_what_is_read(text: str, items: list[str], day: date) -> None:
    wanted: dict[Any, Any] = {
        ("answer", "en"): text,
        ("asked_as", "en"): items,
        ("reviewed",): day,
        ("new", "id"): text,
    }

    try:
        after = yaml.safe_load(edited(FILE, wanted))
    except BadInput:
        assert not text.isprintable() or not all(each.isprintable() for each in items)
        return

    assert (after["answer"]["en"], after["asked_as"]["en"], after["reviewed"]) == (text, items, day)
    assert after["new"] == {"id": text}
    assert (after["id"], after["topics"], after["title"]) == ("one", ["a", "b c"], {"en": "Old"})


@settings(deadline=None)
@given(words, st.lists(words, min_size=1, max_size=5))
def test_a_new_file_says_what_it_was_given(text: str, items: list[str]) -> None:
    data: dict[str, Any] = {
        "id": "one",
        "days": 180,
        "day": date(2026, 1, 5),
        "text": {"en": text},
        "asked": {"en": items},
    }

    try:
        assert yaml.safe_load(written(data)) == data
    except BadInput:
        assert not text.isprintable() or not all(each.isprintable() for each in items)


def test_comments_order_and_quotes_stay() -> None:
    after = edited(
        FILE, {("asked_as", "en"): ["first", "between", "third"], ("title", "de"): "Neu", ("topics",): ["x"]}
    )

    assert after == FILE.replace("    - second\n", '    - "between"\n').replace(
        "  en: 'Old'\n", "  en: 'Old'\n  de: Neu\n"
    ).replace('[a, "b c"]', "[x]").replace("    # kept before an item\n", "    # kept before an item\n")


def test_an_entry_is_taken_out_with_its_lines_and_an_empty_one_with_it() -> None:
    after = edited(FILE, {("title", "en"): None, ("topics",): None})

    assert "title" not in after
    assert "topics" not in after
    assert "# kept between" in after


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parts[-3]}-{path.stem}")
def test_every_page_and_template_that_comes_along_can_be_edited_in_one_place(path: Path) -> None:
    before = path.read_text("utf-8")
    assert edited(before, {}) == before
    after = edited(before, {("reviewed",): date(2026, 12, 1)})

    changed = [line for line in after.splitlines() if line not in before.splitlines()]
    assert changed == ["reviewed: 2026-12-01"]
