"""Channels that fetch: one process listens, another takes over, a lost connection comes back, nothing is skipped."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from caseward.core.errors import SystemDown
from caseward.core.events import Event
from caseward.desk import tools, wires
from caseward.flows import arrivals, listeners
from caseward.flows.listeners import Listener
from caseward.store import db, log, running
from caseward.store import wires as lines
from tests import channels_house as house
from tests.conftest import Desk, wait_until


@dataclass
class Mailbox:
    """A channel whose messages are fetched: what waits there, and how often somebody connected."""

    name: str = house.NAME
    listens: bool = True
    waiting: list[bytes] = field(default_factory=list)
    acknowledged: list[bytes] = field(default_factory=list)
    connections: int = 0
    down: bool = False
    sessions: list[threading.Event] = field(default_factory=list)

    def listen(self, hear: Callable[[bytes], None], over: threading.Event) -> None:
        self.connections += 1
        if self.down:
            raise SystemDown(self.name, "no route")
        self.sessions.append(over)
        while not over.wait(0.005):
            if self.down:
                raise SystemDown(self.name, "hung up")
            while self.waiting:
                hear(self.waiting[0])
                self.acknowledged.append(self.waiting.pop(0))

    def parse(self, body: bytes) -> Sequence[Event]:
        return house.House().parse(body)


@pytest.fixture
def plug(desk: Desk) -> house.House:
    return house.plug_in()


def listener(mailbox: Mailbox, name: str = "one") -> Listener:
    return Listener(mailbox, name, arrivals.take, beat=0.02)


def line() -> lines.Wire:
    with db.transaction():
        return lines.of(house.NAME)


def test_what_waits_is_fetched_stored_and_only_then_acknowledged(desk: Desk, plug: house.House) -> None:
    mailbox = Mailbox(waiting=[house.body(house.message(f"m{n}", "62811", "Halo")) for n in range(3)])
    listening = listener(mailbox)

    listening.start()
    wait_until(lambda: len(mailbox.acknowledged) == 3, what="the mailbox to be empty")
    listening.stop()

    with db.transaction():
        assert len(db.run("select from messages where inbound").fetchall()) == 3
    assert (line().listener, line().heard_at, line().lost_at) == ("", desk.clock(), None)


def test_a_message_that_could_not_be_stored_stays_at_the_vendors_until_it_can(desk: Desk, plug: house.House) -> None:
    mailbox, failures = Mailbox(waiting=[house.body(house.message("m1", "62811", "Halo"))]), [1, 2]

    def take(channel: str, body: bytes) -> None:
        if failures:
            failures.pop()
            raise RuntimeError("the database is away")
        arrivals.take(channel, body)

    listening = Listener(mailbox, "one", take, beat=0.02)
    listening.start()
    wait_until(lambda: mailbox.acknowledged, what="the message to be stored")
    listening.stop()

    assert mailbox.connections == 3


def test_one_process_listens_and_another_takes_over_when_it_stops_or_falls_silent(
    desk: Desk, plug: house.House
) -> None:
    mailbox, other = Mailbox(), Mailbox()
    first, second = listener(mailbox, "one"), listener(other, "two")
    first.start()
    wait_until(lambda: mailbox.sessions, what="the first to listen")
    second.start()
    assert line().listener == "one"

    first.stop()
    wait_until(lambda: other.sessions, what="the second to take over")
    assert line().listener == "two"

    with db.transaction():  # a third finds the second silent, which does not know that it is
        later = desk.clock() + timedelta(seconds=11)
        assert lines.claim(house.NAME, "three", later, silence=timedelta(seconds=10))
    wait_until(other.sessions[0].is_set, what="the second to give way")
    second.stop()


def test_a_lost_connection_is_on_the_record_and_made_anew(desk: Desk, plug: house.House) -> None:
    mailbox = Mailbox(waiting=[house.body()])
    listening = listener(mailbox)
    listening.start()
    wait_until(lambda: mailbox.acknowledged, what="a connection")

    mailbox.down = True
    wait_until(lambda: line().lost_at, what="the loss to be recorded")
    lost = line()
    mailbox.waiting.append(house.body(house.message("m1", "62811", "Halo")))
    mailbox.down = False
    wait_until(lambda: len(mailbox.acknowledged) == 2, what="the connection to come back")
    listening.stop()

    assert lost.error == "SystemDown: house is not answering: hung up"
    assert (line().lost_at, line().error) == (None, "")


def test_a_channel_that_stays_away_is_degraded_and_said_to_be_until_it_is_back(desk: Desk, plug: house.House) -> None:
    def health() -> bool:
        with db.transaction():
            known = running.systems().get(house.NAME)
        return known is not None and known.degraded

    with db.transaction():
        wires.disconnected(house.NAME, "no route")
        at_first = wires.lost(house.NAME)
    desk.clock.advance(minutes=6)
    with db.transaction():
        told = [wires.watch(), wires.watch()]
        later = wires.lost(house.NAME)
    degraded = health()
    with db.transaction():
        wires.connected(house.NAME)

    assert (at_first, later, told, degraded, health()) == (False, True, [[house.NAME], []], True, False)
    with db.transaction():
        assert [entry.payload["what"] for entry in log.entries(kind="trouble")] == [
            "lost since 2026-11-23 03:00 UTC",
            "connected again after 6 minutes",
        ]
        assert not wires.lost(house.NAME)


def test_a_channel_that_takes_nothing_several_times_over_is_lost_and_one_that_does_is_well(
    desk: Desk, plug: house.House
) -> None:
    with db.transaction():
        for _ in range(wires.FAILURES):
            wires.failed(house.NAME, "503")
        lost = wires.lost(house.NAME)
    with db.transaction():
        wires.sent(house.NAME)
    with db.transaction():
        assert (lost, wires.lost(house.NAME), line().failures) == (True, False, 0)


def test_only_what_is_set_to_listen_is_listened_to(desk: Desk, plug: house.House) -> None:
    asked, silent = Mailbox(), Mailbox(name="silent", listens=False)
    tools.use(replace(tools.given(), channels={"asked": asked, "silent": silent}))  # type: ignore[dict-item]

    listeners.start("me", arrivals.take)
    wait_until(lambda: asked.sessions, what="somebody to listen")
    listeners.stop()

    assert (asked.connections, silent.connections) == (1, 0)
