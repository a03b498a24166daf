from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from caseward.core.policy import Tier
from caseward.web import times

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
JAKARTA = ZoneInfo("Asia/Jakarta")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "00:00"),
        (41 * 60 + 12, "41:12"),
        (3599, "59:59"),
        (3600, "1 h 0 m"),
        (3 * 3600 + 600, "3 h 10 m"),
        (26 * 3600, "1 d 2 h"),
        (-250, "+04:10"),
    ],
)
def test_time_left_is_written_as_the_console_writes_it(seconds: int, text: str) -> None:
    assert times.countdown(seconds) == text


@pytest.mark.parametrize(
    ("kind", "tier", "left", "level"),
    [
        ("first_response", None, 91, ""),
        ("first_response", None, 90, "warn"),
        ("first_response", None, 30, "bad"),
        ("resolution", Tier.R1, 601, ""),
        ("resolution", Tier.R1, 600, "warn"),
        ("resolution", Tier.R1, 180, "bad"),
        ("decision", Tier.R3, 2701, ""),
        ("decision", Tier.R3, 2700, "warn"),
        ("decision", Tier.R3, 900, "bad"),
        ("decision", Tier.R3, -5, "bad"),
    ],
)
def test_a_clock_warns_and_then_alarms_at_its_thresholds(kind: str, tier: Tier | None, left: int, level: str) -> None:
    clock = times.clock(kind, NOW + timedelta(seconds=left), now=NOW, tier=tier)

    assert clock.level == level


def test_a_paused_clock_never_alarms() -> None:
    clock = times.clock("resolution", NOW - timedelta(hours=2), now=NOW, tier=Tier.R1, paused=True)

    assert (clock.level, clock.paused) == ("", True)


@pytest.mark.parametrize(
    ("at", "text"),
    [
        (NOW, "15:00"),
        (NOW - timedelta(days=1), "20 Nov 15:00"),
        (NOW - timedelta(days=400), "17 Oct 2025 15:00"),
        # In Jakarta it is the next day already.
        (datetime(2026, 11, 20, 17, 30, tzinfo=UTC), "00:30"),
    ],
)
def test_a_time_carries_its_date_only_when_it_is_not_today_in_the_ops_zone(at: datetime, text: str) -> None:
    assert times.local(at, JAKARTA, now=NOW) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(21, "21 s"), (180, "3 min"), (3900, "1 h 5 min"), (7200, "2 h"), (90_000, "1 d 1 h")]
)
def test_a_length_of_time_is_said_in_words(seconds: int, text: str) -> None:
    assert times.duration(timedelta(seconds=seconds)) == text


def test_outside_business_hours_nothing_counts_down_and_what_was_late_stays_late() -> None:
    ahead = times.clock("decision", NOW + timedelta(minutes=5), now=NOW, tier=Tier.R3, closed=True)
    late = times.clock("decision", NOW - timedelta(minutes=5), now=NOW, tier=Tier.R3, closed=True)

    assert (ahead.closed, ahead.level) == (True, "")
    assert (late.closed, late.level) == (False, "bad")
