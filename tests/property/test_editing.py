"""Changing a value in a pack's file changes that value and no other line."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from caseward.packs.editing import edited
from tests.conftest import examples

PACKS = sorted((Path(__file__).parents[2] / "packs").glob("*/pack.yaml"))
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
SPANS = st.lists(st.sampled_from(["07:00-11:30", "12:00-16:00", "17:15-21:00"]), min_size=1, max_size=3, unique=True)
DATES = st.lists(st.dates(date(2026, 1, 1), date(2028, 12, 31)), min_size=1, max_size=8, unique=True).map(sorted)


def comments(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.lstrip().startswith("#")]


@pytest.mark.parametrize("path", PACKS, ids=lambda path: path.parent.name)
@examples(30)
@given(day=st.sampled_from(DAYS), spans=SPANS, closed=DATES, minutes=st.integers(1, 10_000))
def test_hours_days_and_targets_are_written_and_all_else_stays(
    path: Path, day: str, spans: list[str], closed: list[date], minutes: int
) -> None:
    before = path.read_text()

    after = edited(
        before,
        {
            ("hours", day): sorted(spans),
            ("holidays", "closed"): closed,
            ("sla", "first_response_minutes"): minutes,
            ("sla", "resolution_minutes", "R1"): minutes,
            ("retention", "messages"): 400,
        },
    )

    expected = yaml.safe_load(before)
    expected["hours"][day] = sorted(spans)
    expected.setdefault("holidays", {})["closed"] = closed
    expected["sla"]["first_response_minutes"] = minutes
    expected["sla"].setdefault("resolution_minutes", {})["R1"] = minutes
    expected.setdefault("retention", {})["messages"] = 400
    assert yaml.safe_load(after) == expected
    assert comments(after) == comments(before)
    assert edited(after, {("hours", day): sorted(spans)}) == after


def test_an_entry_of_a_list_is_found_by_its_number() -> None:
    before = "# who\n- {tier: R2, hold_seconds: 10} # ten\n- tier: R3\n  lane: coach # the coach\n"

    after = edited(before, {(0, "hold_seconds"): 20, (1, "hold_seconds"): 5})

    assert (
        after
        == "# who\n- {tier: R2, hold_seconds: 20} # ten\n- tier: R3\n  lane: coach # the coach\n  hold_seconds: 5\n"
    )
