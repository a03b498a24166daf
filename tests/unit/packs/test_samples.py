"""Sample times are laid out around now, in the ops zone, and come out in UTC."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from caseward.core.errors import PackError
from caseward.core.pack import Pack
from caseward.packs.samples import resolve

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


def laid_out(school: Pack, value: Any, now: datetime) -> Any:
    return resolve(replace(school, records={"thing": ({"id": "x", "at": value},)}), now)["thing"][0]["at"]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"in_minutes": 40}, "2026-11-23T05:40:00+00:00"),
        ({"in_minutes": -10}, "2026-11-23T04:50:00+00:00"),
        ({"day": 2, "at": "11:00"}, "2026-11-25T04:00:00+00:00"),
        ({"day": 0, "at": "00:00"}, "2026-11-22T17:00:00+00:00"),
        ({"day": -14}, "2026-11-09"),
        ({"month": 0, "dom": 1, "at": "00:00"}, "2026-10-31T17:00:00+00:00"),
        ({"month": -1, "dom": 28, "at": "23:59"}, "2026-10-28T16:59:00+00:00"),
        ({"month": 3, "dom": 31, "at": "12:00"}, "2027-02-28T05:00:00+00:00"),
        ("as it is", "as it is"),
        (7, 7),
    ],
)
def test_a_relative_time_becomes_one(school: Pack, value: Any, expected: Any) -> None:
    assert laid_out(school, value, NOON) == expected


def test_at_least_the_minutes_promised_are_left(school: Pack) -> None:
    now = NOON.replace(second=1)

    assert laid_out(school, {"in_minutes": 60}, now) == "2026-11-23T06:01:00+00:00"


def test_the_day_is_that_of_the_ops_zone(school: Pack) -> None:
    late = datetime(2026, 11, 23, 17, 30, tzinfo=UTC)  # 00:30 on the 24th in Jakarta

    assert laid_out(school, {"day": 0}, late) == "2026-11-24"
    assert laid_out(school, {"day": 1, "at": "09:00"}, late) == "2026-11-25T02:00:00+00:00"


@pytest.mark.parametrize(
    "value",
    [
        {"days": 2},
        {"day": "two"},
        {"in_minutes": 10**15},
        {"day": 10**9},
        {"in_minutes": "soon"},
        {"day": 1, "at": "25:00"},
        {"month": 0, "dom": 0, "at": "09:00"},
        {},
    ],
)
def test_a_time_that_cannot_be_meant_names_the_record(school: Pack, value: Any) -> None:
    with pytest.raises(PackError) as raised:
        laid_out(school, value, NOON)

    assert (raised.value.file, raised.value.rule) == ("records/thing.yaml", "x")
    assert "{in_minutes}" in raised.value.fix


def test_every_sample_of_the_school_is_laid_out(school: Pack) -> None:
    documents = resolve(school, NOON)

    assert {kind: len(rows) for kind, rows in documents.items()} == {k: len(v) for k, v in school.records.items()}
    assert not [row for rows in documents.values() for row in rows if any(isinstance(v, dict) for v in row.values())]
