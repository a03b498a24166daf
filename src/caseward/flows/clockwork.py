"""What makes stories begin: a dispatcher for turns just received, and a sweeper for everything that is due.

Every wait is a row, so the sweeper needs no memory: a lost wake-up, a timer, an effect to retry, a request whose
time is up and the work a dead process left are all found by looking.
"""

from __future__ import annotations

import contextlib
import heapq
import os
import random
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog

from caseward import durable
from caseward.desk import assigning, candidates, figuring, outreach, tools, wires
from caseward.store import (
    approvals,
    cards,
    chain,
    db,
    effects,
    files,
    hooks,
    lanes,
    messages,
    outage,
    outbox,
    precedence,
    running,
    timers,
)

SWEEP_SECONDS = 0.5
TURNS_AT_ONCE = 3
ERRANDS_AT_ONCE = 16
"""They mostly wait for somebody outside, and a slow one keeps no others waiting."""
GRACE = timedelta(seconds=1)
"""How long a due turn is left to the process that received it."""
BEAT_SECONDS = 2.0
SILENCE = timedelta(seconds=10)
"""A worker that does not beat for this long is dead, and its work is taken over."""
FORGET_SECONDS = 60.0
FIGURES_SECONDS = 2.0
KEEP_HISTORY = 3600.0
UNHEARD = timedelta(seconds=30)
"""What somebody of the team did and nobody handled for this long is handled anew."""

_log = structlog.get_logger(__name__)


class Dispatcher:
    """Works turns at their time, in this process, a few at once."""

    def __init__(self, tell: Callable[[int], None] = lambda _waiting: None) -> None:
        """Prepare; `tell` is told how many turns wait for their place whenever that changes."""
        self._tell, self._waiting = tell, 0
        self._due: list[tuple[float, str, int]] = []
        self._ready: dict[tuple[str, int], float] = {}
        self._pool = ThreadPoolExecutor(TURNS_AT_ONCE, thread_name_prefix="turn")
        self._changed = threading.Condition()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="dispatcher", daemon=True)

    def start(self) -> None:
        """Begin to dispatch."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; what is not begun is the sweeper's."""
        with self._changed:
            self._stopped = True
            self._changed.notify()
        if self._thread.is_alive():
            self._thread.join(timeout=5)
        self._pool.shutdown(wait=True, cancel_futures=True)

    def wake(self, conversation_id: str, turn: int, ready: datetime) -> None:
        """Begin the conversation's turn at `ready`; a later message moves it, up to the longest wait."""
        wait = (ready - tools.now()).total_seconds()
        with self._changed:
            if wait > 0:
                due = time.monotonic() + wait
                self._ready[conversation_id, turn] = due
                heapq.heappush(self._due, (due, conversation_id, turn))
                self._changed.notify()
                return
            self._ready.pop((conversation_id, turn), None)
        self._submit(conversation_id, turn)

    def _run(self) -> None:
        while True:
            with self._changed:
                while not self._stopped and (not self._due or self._due[0][0] > time.monotonic()):
                    self._changed.wait(self._due[0][0] - time.monotonic() if self._due else None)
                if self._stopped:
                    return
                due, conversation_id, turn = heapq.heappop(self._due)
                if self._ready.get((conversation_id, turn)) != due:
                    continue  # moved out by a later message
                del self._ready[conversation_id, turn]
            self._submit(conversation_id, turn)

    def _submit(self, conversation_id: str, turn: int) -> None:
        with _kept_going("dispatch"):
            self._count(1)
            self._pool.submit(self._work, conversation_id, turn)

    def _work(self, conversation_id: str, turn: int) -> None:
        self._count(-1)
        with _kept_going("turn"), precedence.behind():
            work_turn(conversation_id, turn)

    def _count(self, more: int) -> None:
        with self._changed:
            self._waiting += more
            self._tell(self._waiting)


class Carrier:
    """Runs errands in this process, several at once, those of one subject one after the other."""

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(ERRANDS_AT_ONCE, thread_name_prefix="errand")
        self._under_way: dict[tuple[str, str], bool] = {}
        """Whether it was asked for again since it began."""
        self._lock = threading.Lock()

    def stop(self) -> None:
        """Let what runs finish; what is not begun is the sweeper's."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def carry(self, errand: str, subject: str) -> None:
        """Run an errand for one subject; once more where it is under way, for there may be something new."""
        key = (errand, subject)
        with self._lock:
            if key in self._under_way:
                self._under_way[key] = True
                return
            self._under_way[key] = False
        self._submit(key)

    def _submit(self, key: tuple[str, str]) -> None:
        with _kept_going("errand"):
            self._pool.submit(self._run, key)

    def _run(self, key: tuple[str, str]) -> None:
        errand, subject = key
        with self._lock:
            self._under_way[key] = False
        with _kept_going(errand), precedence.behind():
            durable.run_errand(errand, subject)
        with self._lock:
            again = self._under_way[key]
            if not again:
                del self._under_way[key]
        if again:
            self._submit(key)


def work_turn(conversation_id: str, turn: int) -> None:
    """Work a turn in one transaction. Its mailbox row is its checkpoint: claimed and answered in the same commit, so
    however often it is woken, and wherever a process dies, it is worked once.

    A fault of ours files the messages with a person instead; an outage leaves the row for the sweeper.
    """
    answer, stumble = durable.bare("answer")
    try:
        with db.transaction():
            answer(conversation_id, turn)
    except Exception as error:
        if outage.is_outage(error):
            raise
        _log.exception("a turn went wrong; a person takes it", conversation=conversation_id, turn=turn)
        with db.transaction():
            stumble(conversation_id, turn)


class Sweeper:
    """Looks for what is due, twice a second, and beats so that others can see it is alive; or only beats."""

    def __init__(self, executor_id: str, *, sweeps: bool = True) -> None:
        self.executor_id = executor_id
        self._sweeps = sweeps
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._beat, name="heartbeat", daemon=True)]
        if sweeps:
            self._threads.append(threading.Thread(target=self._run, name="sweeper", daemon=True))
        self._swept = False
        self._forgot = ""

    def start(self) -> None:
        """Begin to sweep and to beat."""
        with db.transaction():
            self._mark(swept=self._sweeps)
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Stop in good order."""
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=5)
        with contextlib.suppress(Exception), db.transaction():
            running.leave(self.executor_id)

    def _mark(self, *, swept: bool) -> None:
        release = tools.pack().profile.release
        running.beat(self.executor_id, host=host(), pid=os.getpid(), now=tools.now(), swept=swept, release=release)

    def _run(self) -> None:
        forget_at, figures_at = time.monotonic() + FORGET_SECONDS, time.monotonic()
        while not self._stop.wait(SWEEP_SECONDS * random.uniform(0.8, 1.2)):  # noqa: S311 - spreads the load
            with _kept_going("sweep"):
                sweep()
                self._swept = True
            if time.monotonic() >= figures_at:
                figures_at = time.monotonic() + FIGURES_SECONDS
                with _kept_going("figures"):
                    figuring.catch_up()
            if time.monotonic() >= forget_at:
                forget_at = time.monotonic() + FORGET_SECONDS
                with _kept_going("forget"):
                    durable.forget_finished(before=time.time() - KEEP_HISTORY)
                if tools.lanes():
                    with _kept_going("lanes"):
                        minute = str(int(time.time() // FORGET_SECONDS))
                        durable.start("catch_up", minute, id=f"catch_up:{minute}")
                with _kept_going("lines to vendors"), db.transaction():
                    wires.watch()
                with _kept_going("retention"):
                    self._forget()
                with _kept_going("candidates"), db.transaction():
                    candidates.gather()
                with _kept_going("the log's chain"), db.transaction():
                    chain.walk_on(tools.now())

    def _forget(self) -> None:
        """Have what is kept no longer be deleted, once a day; of several processes one does it."""
        today = tools.now().date().isoformat()
        if today != self._forgot:
            durable.start("forget", today, id=f"forget:{today}")
            self._forgot = today

    def _beat(self) -> None:
        beaten = time.monotonic()
        while not self._stop.wait(BEAT_SECONDS):
            with _kept_going("heartbeat"):
                swept, self._swept = self._swept, False
                with db.transaction():
                    self._mark(swept=swept)
                gap, beaten = time.monotonic() - beaten, time.monotonic()
                # after a longer gap the database was gone: the others fell silent with us
                if self._sweeps and gap < SILENCE.total_seconds():
                    take_over()


def sweep() -> int:
    """Begin everything that is due; return how much that was. Safe to run in any number of processes."""
    now = tools.now()
    with db.transaction():
        turns = messages.ready(before=now - GRACE)
        ticks = timers.due(now)
        tasks = effects.due(now)
        parcels = outbox.due(now)
        expired = approvals.expired(now)
        unheard = [channel for channel in hooks.waiting(now - GRACE) if channel in tools.given().channels]
        bodies = hooks.due(now)
        wanted = files.due(now)
        shown = cards.due(now) if tools.lanes() else []
        heard = lanes.unhandled(now - UNHEARD) if tools.lanes() else []
        unasked = [*outreach.due(), *assigning.due()]
    for conversation_id, turn in turns:
        with _kept_going("turn"):
            work_turn(conversation_id, turn)
    for case_id, kind, due in ticks:
        _begin("tick", f"{case_id} {kind}", id=f"tick:{case_id}:{kind}:{due.timestamp()}")
    for task_id, attempts in tasks:
        _begin("perform", task_id, attempts, id=f"task:{task_id}:{attempts}")
    for outbox_id in parcels:
        _carry("deliver", outbox_id)
    for approval_id in expired:
        _begin("expire", approval_id, id=f"expire:{approval_id}")
    for channel in unheard:
        _carry("hear", channel)
    for hook_id, due in bodies:
        _begin("rehear", str(hook_id), id=f"rehear:{hook_id}:{due.timestamp()}")
    for file_id, attempts in wanted:
        _begin("fetch_file", file_id, attempts, id=f"fetch:{file_id}:{attempts}")
    for card_id, due in shown:
        _begin("post_card", card_id, id=f"card:{card_id}:{due.timestamp()}")
    for number in heard:
        _begin("lane_event", str(number), id=f"lane:{number}:{int(time.time() // FORGET_SECONDS)}")
    for name, subject, id in unasked:
        _begin(name, subject, id=id)
    begun = (turns, ticks, tasks, parcels, expired, unheard, bodies, wanted, shown, unasked)
    return sum(len(each) for each in begun)


def _carry(errand: str, subject: str) -> None:
    """Have the carrier run an errand, or run it here where there is none."""
    for each in _running:
        if isinstance(each, Carrier):
            each.carry(errand, subject)
            return
    durable.run_errand(errand, subject)


def _begin(name: str, *args: str | int, id: str) -> None:
    """Start what is due; what was started before and ended in an error is started anew, once a minute."""
    if durable.failed(id):
        id = f"{id}:again:{int(time.time() // 60)}"
    durable.start(name, *args, id=id)


def take_over() -> list[str]:
    """Take over what dead workers left: those of this host whose process is gone, and any that fell silent."""
    with db.transaction():
        rows = running.alive()
        dead = [row.executor_id for row in rows if row.host == host() and not _runs(row.pid)]
        buried = running.bury(tools.now() - SILENCE, host=host(), dead=dead)
    for executor_id in buried:
        count = durable.recover(executor_id)
        _log.warning("took over", executor=executor_id, stories=count)
    return buried


def at_work(now: datetime) -> list[Any]:
    """Return the rows of the workers that beat lately, without those of this host whose process is gone."""
    rows = [row for row in running.alive() if now - row.seen_at <= SILENCE]
    return [row for row in rows if row.host != host() or _runs(row.pid)]


def host() -> str:
    """Return this machine's name: process ids mean something only on it."""
    return socket.gethostname()


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextlib.contextmanager
def _kept_going(what: str) -> Iterator[None]:
    """Log an error and go on: the next round looks again, so an outage ends by itself."""
    try:
        yield
    except Exception as error:
        _log.warning("will look again", what=what, error=f"{type(error).__name__}: {error}")
        time.sleep(0.2)


_running: list[Dispatcher | Sweeper | Carrier] = []


@dataclass(frozen=True, slots=True)
class Started:
    """How a running clockwork is told what would be found by looking, a little later."""

    wake: Callable[[str, int, datetime], None]
    carry: Callable[[str, str], None]


def start(executor_id: str, *, tell: Callable[[int], None] = lambda _waiting: None) -> Started:
    """Start dispatcher, carrier and sweeper; `tell` is told how many turns wait for their place."""
    dispatcher, carrier, sweeper = Dispatcher(tell), Carrier(), Sweeper(executor_id)
    dispatcher.start()
    sweeper.start()
    _running[:] = [sweeper, dispatcher, carrier]
    return Started(wake=dispatcher.wake, carry=carrier.carry)


def stand_by(executor_id: str) -> Callable[[str, int, datetime], None]:
    """Only show that this process is alive, while others look for what is due; return how it is woken for a turn."""
    dispatcher, sweeper = Dispatcher(), Sweeper(executor_id, sweeps=False)
    dispatcher.start()
    sweeper.start()
    _running[:] = [sweeper, dispatcher]
    return dispatcher.wake


def stop() -> None:
    """Stop all of it."""
    for each in _running:
        each.stop()
    _running.clear()
