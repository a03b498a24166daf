"""Whoever waits for an answer goes first, and work in the background goes on nevertheless."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from caseward.store import precedence
from caseward.store.precedence import Ahead


def test_work_in_the_background_stands_still_until_the_last_asker_is_served(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "PATIENCE_SECONDS", 60)
    one, other, going_on = Ahead(), Ahead(), threading.Event()

    def work() -> None:
        with precedence.behind():
            precedence.give_way()
            going_on.set()

    working = threading.Thread(target=work)
    working.start()
    one.served()
    one.served()  # to say so again serves nobody else

    assert not going_on.wait(0.05)
    other.served()
    assert going_on.wait(30)
    working.join()


def test_work_in_the_background_goes_on_under_any_load() -> None:
    asker = Ahead()
    try:
        with precedence.behind():
            precedence.give_way()
    finally:
        asker.served()


def test_what_somebody_waits_for_gives_way_to_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(precedence, "PATIENCE_SECONDS", 60)
    asker, other = Ahead(), Ahead()

    precedence.give_way()

    asker.served()
    other.served()


def test_only_a_few_compute_at_once_and_who_waits_outside_keeps_nobody_waiting() -> None:
    outside, release = threading.Semaphore(0), threading.Event()

    def errand() -> None:
        with precedence.behind(), precedence.elsewhere():
            outside.release()
            release.wait(30)

    many = precedence.AT_ONCE * 4
    with ThreadPoolExecutor(many) as pool:
        running = [pool.submit(errand) for _ in range(many)]
        assert all(outside.acquire(timeout=30) for _ in running)  # all of them wait outside at the same time
        release.set()
        for each in running:
            each.result()

    inside, computing = 0, []
    lock = threading.Lock()

    def compute() -> None:
        nonlocal inside
        with precedence.behind():
            with lock:
                inside += 1
                computing.append(inside)
            threading.Event().wait(0.002)
            with lock:
                inside -= 1

    with ThreadPoolExecutor(many) as pool:
        for each in [pool.submit(compute) for _ in range(many)]:
            each.result()
    assert max(computing) <= precedence.AT_ONCE
