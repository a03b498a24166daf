"""Channels that go and fetch: long polling, IDLE, a gateway's socket. One process listens to each, and others stand by.

Who listens says so every few seconds; when it falls silent, another process takes over. A lost connection is made anew
after a wait that grows, and is on the channel's record meanwhile.
"""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import structlog

from caseward.core.ports import Listening
from caseward.desk import tools, wires
from caseward.store import db
from caseward.store import wires as lines

BEAT_SECONDS = 3.0
SILENCE = timedelta(seconds=10)
"""After this another process listens."""
STEADY_SECONDS = 5.0
"""A connection that lasts so long counts as made, though nothing came."""
LONGEST_WAIT = 60.0

_log = structlog.get_logger(__name__)
Take = Callable[[str, bytes], None]
"""Stores a body and does what follows from it."""


class Listener:
    """Listens to one channel, whenever no other process does."""

    def __init__(self, plug: Listening, executor_id: str, take: Take, *, beat: float = BEAT_SECONDS) -> None:
        self._plug, self._take, self._me, self._beat = plug, take, executor_id, beat
        self._stop = threading.Event()
        self._session: threading.Event | None = None
        self._thread = threading.Thread(target=self._run, name=f"listen-{plug.name}", daemon=True)

    def start(self) -> None:
        """Begin to listen, or to stand by."""
        self._thread.start()

    def stop(self) -> None:
        """Stop; another process may listen at once."""
        self._stop.set()
        if self._session is not None:
            self._session.set()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def _run(self) -> None:
        tries = 0
        while not self._stop.is_set():
            if not self._claim():
                self._stop.wait(self._beat)
                continue
            if self._listen():
                tries = 0
            wait = min(LONGEST_WAIT, 2.0**tries) * random.uniform(0.5, 1)  # noqa: S311 - spreads those that reconnect
            tries += 1
            self._stop.wait(min(wait, self._beat) if tries == 1 else wait)
        with contextlib.suppress(Exception), db.transaction():
            lines.release(self._plug.name, self._me)

    def _claim(self) -> bool:
        try:
            with db.transaction():
                return lines.claim(self._plug.name, self._me, tools.now(), silence=SILENCE)
        except Exception as error:
            _log.warning("will ask again who listens", channel=self._plug.name, error=str(error))
            return False

    def _listen(self) -> bool:
        """Listen until the connection is lost, another process has taken over, or we are stopped; return whether there
        was a connection."""
        over = self._session = threading.Event()
        if self._stop.is_set():
            return True
        made = _Once(lambda: _note(lambda: wires.connected(self._plug.name)))

        def hear(body: bytes) -> None:
            made()
            self._take(self._plug.name, body)

        with self._beating(over, made):
            try:
                self._plug.listen(hear, over)
            except Exception as error:
                why = f"{type(error).__name__}: {error}"
                _log.warning("connection lost", channel=self._plug.name, why=why)
                _note(lambda: wires.disconnected(self._plug.name, why))
        return made.done

    @contextlib.contextmanager
    def _beating(self, over: threading.Event, made: _Once) -> Iterator[None]:
        """Say every few seconds that we listen; end the session when somebody else does."""
        ended = threading.Event()

        def beat() -> None:
            steady = threading.Timer(STEADY_SECONDS, made)
            steady.daemon = True
            steady.start()
            while not ended.wait(self._beat):
                if not self._claim():
                    over.set()
            steady.cancel()

        thread = threading.Thread(target=beat, name=f"beat-{self._plug.name}", daemon=True)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join(timeout=10)


class _Once:
    """Calls something the first time it is called itself."""

    def __init__(self, call: Callable[[], None]) -> None:
        self._call, self._lock, self.done = call, threading.Lock(), False

    def __call__(self) -> None:
        with self._lock:
            if not self.done:
                self.done = True
                self._call()


def _note(what: Callable[[], None]) -> None:
    """Write something on a channel's record, as far as the database is there."""
    try:
        with db.transaction():
            what()
    except Exception as error:
        _log.warning("the channel's record could not be written", error=str(error))


_running: list[Listener] = []


def start(executor_id: str, take: Take) -> None:
    """Listen to every channel that is set to, handing each body to `take`."""
    plugs = [plug for plug in tools.given().channels.values() if isinstance(plug, Listening) and plug.listens]
    _running[:] = [Listener(plug, executor_id, take) for plug in plugs]
    for listener in _running:
        listener.start()


def stop() -> None:
    """Stop listening."""
    for listener in _running:
        listener.stop()
    _running.clear()
