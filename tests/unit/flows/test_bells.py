"""Processes that answer ring for those that work; those of one subject are heard by one of them, one at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest

from caseward import durable
from caseward.flows.bells import CROWD, Bell, Bells
from caseward.flows.clockwork import Carrier
from tests.conftest import wait_until

READY = datetime(2026, 11, 23, 9, 0, 0, 250_000, tzinfo=UTC)


@dataclass
class Heard:
    """What a process that works was told."""

    woken: list[tuple[str, int, datetime]] = field(default_factory=list)
    carried: list[tuple[str, str]] = field(default_factory=list)

    @contextmanager
    def by(self, bell: Bell) -> Iterator[None]:
        with bell.heeded(
            wake=lambda *told: self.woken.append(told),
            carry=lambda *told: self.carried.append(told),
        ):
            yield


def elsewhere(_conversation: str, _turn: int, _ready: datetime) -> None:
    raise AssertionError("there was room where the bell is")


def test_what_is_rung_for_is_done_by_the_process_that_works() -> None:
    bells, heard = Bells(1), Heard()

    with heard.by(bells.each[0]):
        bells.wake("conv_1", 3, READY, here=elsewhere)
        bells.carry("deliver", "out_1")
        wait_until(lambda: bool(heard.woken and heard.carried), what="both rings to be heard")

    assert heard.woken == [("conv_1", 3, READY)]
    assert heard.carried == [("deliver", "out_1")]


def test_a_bell_rings_from_one_process_to_another() -> None:
    bells, heard = Bells(1), Heard()

    pid = os.fork()
    if pid == 0:
        rung = False
        try:
            bells.carry("deliver", "out_1")
            rung = True
        finally:
            os._exit(0 if rung else 1)  # whatever happens, the tests do not go on in here too
    with heard.by(bells.each[0]):
        wait_until(lambda: bool(heard.carried), what="the ring to be heard")

    assert os.waitpid(pid, 0)[1] == 0


def test_what_was_rung_while_nobody_listened_is_heard_by_who_takes_the_place() -> None:
    bells, heard = Bells(1), Heard()
    with Heard().by(bells.each[0]):
        pass

    bells.carry("deliver", "out_1")
    with heard.by(bells.each[0]):
        wait_until(lambda: bool(heard.carried), what="the ring to be heard")


def test_a_subject_always_rings_at_the_same_place_and_all_places_are_rung() -> None:
    bells = Bells(3)
    heard = [Heard() for _bell in bells.each]

    with heard[0].by(bells.each[0]), heard[1].by(bells.each[1]), heard[2].by(bells.each[2]):
        for rung in (20, 40, 60):  # few enough for those that nobody has heard yet to find room
            for n in range(20):
                bells.carry("deliver", f"out_{n}")
            wait_until(lambda: sum(len(each.carried) for each in heard) == rung, what="all rings to be heard")  # noqa: B023

    for each in heard:
        assert each.carried
        assert all(each.carried.count(ring) == 3 for ring in each.carried)


def test_who_answers_works_a_turn_that_would_wait_for_its_place() -> None:
    bells, heard, here = Bells(1), Heard(), Heard()
    [bell] = bells.each

    with heard.by(bell):
        bell.crowd(CROWD)
        bells.wake("conv_1", 1, READY, here=lambda *told: here.woken.append(told))
        bell.crowd(CROWD - 1)
        bells.wake("conv_2", 1, READY, here=elsewhere)
        wait_until(lambda: bool(heard.woken), what="the ring to be heard")

    assert (here.woken, heard.woken) == ([("conv_1", 1, READY)], [("conv_2", 1, READY)])


def test_a_process_that_takes_a_place_begins_without_a_crowd() -> None:
    bell = Bell()
    bell.crowd(CROWD)

    with Heard().by(bell):
        assert not bell.crowded()


def test_nobody_waits_for_a_bell_that_is_not_heard_and_it_rings_again_later() -> None:
    bells, heard = Bells(1), Heard()

    bells.each[0].ring("no such thing")
    for n in range(5000):
        bells.carry("deliver", f"out_{n}")
    with heard.by(bells.each[0]):
        wait_until(lambda: bool(heard.carried), what="what there was room for to be heard")
        before = len(heard.carried)
        bells.carry("deliver", "last")
        wait_until(lambda: ("deliver", "last") in heard.carried, what="the last ring to be heard")

    assert 0 < before < 5000


def test_an_errand_is_run_once_more_where_it_is_asked_for_while_it_runs_and_never_beside_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun, go_on = threading.Semaphore(0), threading.Semaphore(0)
    at_once, most, runs = 0, 0, 0

    def slow(_subject: str) -> None:
        nonlocal at_once, most, runs
        at_once += 1
        most, runs = max(most, at_once), runs + 1
        begun.release()
        go_on.acquire(timeout=20)
        at_once -= 1

    monkeypatch.setitem(durable._errands, "slow", slow)
    carrier = Carrier()
    carrier.carry("slow", "x")
    assert begun.acquire(timeout=20)
    for _again in range(5):
        carrier.carry("slow", "x")
    go_on.release()
    assert begun.acquire(timeout=20)
    go_on.release()
    carrier.stop()

    assert (runs, most) == (2, 1)
