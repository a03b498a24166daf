from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from caseward.web.throttle import MOST, Throttle, site


class Clock:
    """A clock that moves when told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_is_let_through_and_then_so_many_a_second() -> None:
    clock = Clock()
    throttle = Throttle(burst=3, per_second=0.5, clock=clock)

    assert [throttle.wait("a") for _ in range(4)] == [0, 0, 0, 2]
    clock.now += 1
    assert throttle.wait("a") == 1
    clock.now += 1
    assert throttle.wait("a") == 0
    assert throttle.wait("b") == 0


@given(waits=st.lists(st.floats(min_value=0, max_value=20), max_size=60))
def test_nobody_gets_more_than_the_burst_and_what_time_refilled(waits: list[float]) -> None:
    clock = Clock()
    throttle = Throttle(burst=5, per_second=0.25, clock=clock)
    through = 0

    for wait in waits:
        clock.now += wait
        through += throttle.wait("a") == 0

    assert through <= 5 + sum(waits) * 0.25 + 1e-6


def test_it_forgets_nobody_who_has_something_to_wait_for() -> None:
    clock = Clock()
    throttle = Throttle(burst=1, per_second=0.001, clock=clock)
    throttle.wait("first")

    for number in range(MOST + 10):
        throttle.wait(str(number))

    assert throttle.wait("first") > 0


def test_an_address_counts_as_what_its_holder_cannot_change() -> None:
    assert site("203.0.113.7") == "203.0.113.7"
    assert site("::ffff:203.0.113.7") == "203.0.113.7"
    assert site("2001:db8:0:1::1") == site("2001:db8:0:1:ffff::9") == "2001:db8:0:1::/64"
    assert site("2001:db8:0:2::1") != site("2001:db8:0:1::1")
    assert site("a name") == "a name"
    assert site("127.0.0.1") is site("::1") is site("::ffff:127.0.0.1") is None
