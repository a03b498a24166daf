"""Business time: it runs only while the house is open, and a day on which the clocks change has its true length."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseward.core.sla import HORIZON_DAYS, BusinessHours

JAKARTA = ZoneInfo("Asia/Jakarta")
BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [JAKARTA, BERLIN, *(ZoneInfo(name) for name in ("America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"))]
DAY = ((time(9), time(18)),)
HOUSE = BusinessHours(
    zone=JAKARTA,
    week={0: DAY, 1: DAY, 2: DAY, 3: DAY, 4: DAY, 5: ((time(9), time(12)), (time(13), time(17)))},
    holidays=frozenset({date(2026, 12, 25)}),
)


def jakarta(day: int, hour: int, minute: int = 0, *, month: int = 11) -> datetime:
    return datetime(2026, month, day, hour, minute, tzinfo=JAKARTA)


minutes = st.integers(0, 24 * 60 - 1)
# Spans begin and end on the quarter hours of a day, in order, as a pack may give them.
quarters = st.lists(st.integers(0, 95), min_size=2, max_size=6, unique=True).map(
    lambda marks: sorted(marks)[: len(marks) // 2 * 2]
)
spans = quarters.map(
    lambda marks: tuple(
        (time(start // 4, start % 4 * 15), time(end // 4, end % 4 * 15))
        for start, end in zip(marks[::2], marks[1::2], strict=True)
    )
)
# Around the nights on which clocks change in Europe, America and Lord Howe, and around a new year.
days = st.sampled_from(
    [date(2026, 3, 29), date(2026, 10, 25), date(2026, 3, 8), date(2026, 11, 1), date(2026, 10, 4), date(2026, 12, 31)]
).flatmap(lambda day: st.integers(-4, 4).map(lambda offset: day + timedelta(days=offset)))
houses = st.builds(
    BusinessHours,
    zone=st.sampled_from(ZONES),
    week=st.dictionaries(st.integers(0, 6), spans, min_size=1),
    holidays=st.frozensets(days, max_size=3),
)
instants = st.builds(
    lambda day, minute, second: (
        datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(minutes=minute, seconds=second)
    ),
    days,
    minutes,
    st.integers(0, 59),
)
# Short enough for a house that opens a quarter of an hour a week.
lengths = st.integers(1, 6 * 60 * 60).map(lambda seconds: timedelta(seconds=seconds))


def test_time_runs_only_while_the_house_is_open() -> None:
    friday_evening = jakarta(20, 17, 30)

    assert HOUSE.add(friday_evening, timedelta(minutes=30)) == jakarta(20, 18)
    assert HOUSE.add(friday_evening, timedelta(minutes=31)) == jakarta(21, 9, 1)
    assert HOUSE.between(friday_evening, jakarta(21, 10)) == timedelta(minutes=90)


def test_a_break_within_the_day_does_not_count() -> None:
    assert HOUSE.add(jakarta(21, 11, 30), timedelta(hours=1)) == jakarta(21, 13, 30)
    assert HOUSE.between(jakarta(21, 11), jakarta(21, 14)) == timedelta(hours=2)
    assert not HOUSE.is_open(jakarta(21, 12, 30))


def test_sundays_and_holidays_do_not_count() -> None:
    saturday = jakarta(21, 16)
    christmas_eve = jakarta(24, 17, month=12)

    assert HOUSE.add(saturday, timedelta(hours=2)) == jakarta(23, 10)
    assert HOUSE.add(christmas_eve, timedelta(hours=2)) == jakarta(26, 10, month=12)
    assert not HOUSE.is_open(jakarta(25, 10, month=12))
    assert HOUSE.spans(date(2026, 12, 25)) == []


def test_a_span_of_the_day_is_open_from_its_start_until_just_before_its_end() -> None:
    assert HOUSE.is_open(jakarta(20, 9))
    assert HOUSE.is_open(jakarta(20, 17, 59))
    assert not HOUSE.is_open(jakarta(20, 18))
    assert not HOUSE.is_open(jakarta(20, 8, 59))


def test_nothing_passes_backwards() -> None:
    assert HOUSE.between(jakarta(20, 12), jakarta(20, 11)) == timedelta()
    assert HOUSE.between(jakarta(20, 12), jakarta(20, 12)) == timedelta()


def test_a_clock_runs_over_the_turn_of_month_and_year() -> None:
    assert HOUSE.add(jakarta(30, 17, 30), timedelta(hours=1)) == jakarta(1, 9, 30, month=12)
    new_year = datetime(2027, 1, 1, 9, 30, tzinfo=JAKARTA)
    assert HOUSE.add(jakarta(31, 17, 30, month=12), timedelta(hours=1)) == new_year


def test_the_answer_comes_in_the_zone_of_the_question() -> None:
    asked = jakarta(20, 10).astimezone(UTC)

    deadline = HOUSE.add(asked, timedelta(hours=1))

    assert deadline.tzinfo is UTC
    assert deadline == jakarta(20, 11)


def test_the_business_day_ends_with_its_last_span_or_is_the_next_one() -> None:
    assert HOUSE.end_of_day(jakarta(21, 10)) == jakarta(21, 17)
    assert HOUSE.end_of_day(jakarta(21, 7)) == jakarta(21, 17)
    assert HOUSE.end_of_day(jakarta(21, 17)) == jakarta(23, 18)


@pytest.mark.parametrize(("night", "hours"), [(date(2026, 3, 29), 2), (date(2026, 10, 25), 4), (date(2026, 11, 21), 3)])
def test_an_open_night_on_which_the_clocks_change_has_its_true_length(night: date, hours: int) -> None:
    house = BusinessHours(zone=BERLIN, week=dict.fromkeys(range(7), ((time(1), time(4)),)), holidays=frozenset[date]())
    midnight = datetime(night.year, night.month, night.day, tzinfo=BERLIN)

    assert house.between(midnight, midnight + timedelta(hours=12)) == timedelta(hours=hours)


def test_a_time_that_the_clocks_leave_out_is_the_end_of_the_gap() -> None:
    house = BusinessHours(
        zone=BERLIN,
        week=dict.fromkeys(range(7), ((time(1), time(2, 15)), (time(2, 30), time(3, 30)))),
        holidays=frozenset[date](),
    )

    first, second = house.spans(date(2026, 3, 29))

    gap = datetime(2026, 3, 29, 1, tzinfo=UTC)  # 02:00 becomes 03:00
    assert first == (gap - timedelta(hours=1), gap)
    assert second == (gap, gap + timedelta(minutes=30))


def test_a_calendar_without_an_open_hour_ends_in_an_error_and_not_in_a_loop() -> None:
    closed = BusinessHours(zone=JAKARTA, week={}, holidays=frozenset[date]())

    with pytest.raises(ValueError, match=f"no business time within {HORIZON_DAYS} days"):
        closed.add(jakarta(20, 10), timedelta(minutes=1))
    with pytest.raises(ValueError, match="no business time"):
        closed.end_of_day(jakarta(20, 10))
    assert closed.between(jakarta(20, 10), jakarta(21, 10)) == timedelta()


@given(houses, instants, lengths)
@settings(deadline=None)
def test_what_was_added_has_passed(house: BusinessHours, start: datetime, span: timedelta) -> None:
    assert house.between(start, house.add(start, span)) == span


@given(houses, instants, instants)
@settings(deadline=None)
def test_adding_what_passed_leads_to_the_last_open_instant(
    house: BusinessHours, one: datetime, other: datetime
) -> None:
    start, end = sorted((one, other))
    passed = house.between(start, end)

    reached = house.add(start, passed)

    if passed:
        assert reached <= end
        assert house.between(reached, end) == timedelta()
    else:
        assert house.between(start, reached) == timedelta()


@given(houses, instants, lengths, lengths)
@settings(deadline=None)
def test_two_spans_one_after_the_other_are_one_long_span(
    house: BusinessHours, start: datetime, first: timedelta, second: timedelta
) -> None:
    assert house.add(house.add(start, first), second) == house.add(start, first + second)


@given(houses, instants, lengths)
@settings(deadline=None)
def test_business_time_never_runs_faster_than_the_clock(house: BusinessHours, start: datetime, span: timedelta) -> None:
    assert house.add(start, span) - start >= span


@given(houses, days)
@settings(deadline=None)
def test_the_spans_of_a_day_stand_in_order_and_apart(house: BusinessHours, day: date) -> None:
    edges = [edge for span in house.spans(day) for edge in span]

    assert edges == sorted(edges)
