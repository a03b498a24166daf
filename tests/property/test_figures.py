"""Percentiles that know of what still runs, and business time that is asked for often, for all inputs."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from caseward.core.kpis.measures import quantile
from caseward.core.kpis.opening import Opening
from caseward.core.sla import BusinessHours

values = st.lists(st.integers(0, 50).map(float), max_size=40)
percents = st.sampled_from([1, 25, 50, 75, 90, 99, 100])


@given(values.filter(bool), percents)
def test_when_all_is_over_the_percentile_is_the_nearest_rank(over: list[float], percent: int) -> None:
    rank = math.ceil(len(over) * percent / 100)

    assert quantile(over, [], percent) == (sorted(over)[max(rank, 1) - 1], False)


@given(values, values, percents)
def test_what_still_runs_never_makes_a_percentile_smaller_than_leaving_it_out(
    over: list[float], still: list[float], percent: int
) -> None:
    without, _bound = quantile(over, [], percent)
    found, at_least = quantile(over, still, percent)

    if without is not None and not at_least:
        assert found is not None
        assert found >= without


@given(values, values, st.data())
def test_a_case_that_grows_older_never_makes_a_percentile_smaller(
    over: list[float], still: list[float], data: st.DataObject
) -> None:
    older = [age + data.draw(st.integers(0, 20)) for age in still]
    percent = data.draw(percents)
    before, _bound = quantile(over, still, percent)
    after, at_least = quantile(over, older, percent)

    if before is not None and not at_least:
        assert after is not None
        assert after >= before


@given(values.filter(bool), values, st.data())
def test_a_higher_percentile_is_no_smaller(over: list[float], still: list[float], data: st.DataObject) -> None:
    low, high = sorted([data.draw(percents), data.draw(percents)])
    lower, _ = quantile(over, still, low)
    higher, _ = quantile(over, still, high)

    assert lower is not None
    assert higher is not None
    assert lower <= higher


# --- business time ----------------------------------------------------------------------------------------------------

SPANS = ((time(9), time(12)), (time(13), time(18, 30)))
HOUSE = BusinessHours(
    zone=ZoneInfo("Europe/Berlin"),
    week={0: SPANS, 2: SPANS, 3: ((time(1), time(4)),), 5: ((time(9), time(13)),), 6: ((time(1), time(4)),)},
    holidays=frozenset({date(2026, 10, 26)}),
)
FIRST = datetime(2026, 10, 10, tzinfo=UTC)
"""Two weeks before the clocks go back."""
OPENING = Opening(HOUSE, FIRST, FIRST + timedelta(days=40))
instants = st.integers(0, 40 * 24 * 3600).map(lambda seconds: FIRST + timedelta(seconds=seconds))


@given(instants, instants)
def test_asked_for_often_business_time_is_the_same(one: datetime, other: datetime) -> None:
    assert OPENING.seconds(one, other) == HOUSE.between(one, other).total_seconds()


@given(st.lists(instants, min_size=3, max_size=3).map(sorted))
def test_business_time_adds_up(at: list[datetime]) -> None:
    start, middle, end = at

    assert OPENING.seconds(start, end) == OPENING.seconds(start, middle) + OPENING.seconds(middle, end)
    assert OPENING.seconds(start, end) >= OPENING.seconds(middle, end) >= 0
    assert OPENING.seconds(start, end) <= (end - start).total_seconds()
