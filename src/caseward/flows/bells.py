"""How a process that answers requests tells those that work, at once, what they would find by looking a little later.

A ring is a hint and never state: one that is lost costs the time until the sweeper looks.
"""

from __future__ import annotations

import contextlib
import json
import mmap
import socket
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from datetime import datetime

import structlog

MOST = 8192
"""Bytes of one ring; ids are far shorter."""
CROWD = 3
"""Where so many turns wait for their place, whoever answers works the next one."""

Wake = Callable[[str, int, datetime], None]
Carry = Callable[[str, str], None]

_COUNT = struct.Struct("=q")
_log = structlog.get_logger(__name__)


class Bell:
    """What one process that works is rung by, made before it is forked.

    What is rung while nobody listens is heard by the process that takes the place.
    """

    def __init__(self) -> None:
        self._ours, self._theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._waiting = mmap.mmap(-1, _COUNT.size)

    def crowd(self, waiting: int) -> None:
        """Let those who ring see how many turns wait for their place here."""
        _COUNT.pack_into(self._waiting, 0, waiting)

    def crowded(self) -> bool:
        """Return whether a turn that is rung for would wait for long."""
        return bool(_COUNT.unpack_from(self._waiting)[0] >= CROWD)

    def ring(self, *ring: str | int) -> None:
        """Say something to the process, or nothing where it has not listened for long."""
        with contextlib.suppress(BlockingIOError):
            self._ours.send(json.dumps(ring).encode(), socket.MSG_DONTWAIT)

    @contextlib.contextmanager
    def heeded(self, *, wake: Wake, carry: Carry) -> Iterator[None]:
        """Do what is rung for, in a thread of its own, as long as the block runs."""
        over = threading.Event()

        def listen() -> None:
            while not over.is_set():
                ring = self._theirs.recv(MOST)
                if ring:
                    _heed(ring, wake, carry)

        thread = threading.Thread(target=listen, name="bell", daemon=True)
        self.crowd(0)
        thread.start()
        try:
            yield
        finally:
            over.set()
            self._ours.send(b"")
            thread.join(timeout=5)


class Bells:
    """The bells of all processes that work, for one that answers."""

    def __init__(self, size: int) -> None:
        self.each = [Bell() for _place in range(size)]

    def wake(self, conversation_id: str, turn: int, ready: datetime, *, here: Wake) -> None:
        """Have a turn begin at `ready`, `here` where it would wait for its place: those of one conversation go to one
        process else."""
        bell = self._of(conversation_id)
        if bell.crowded():
            here(conversation_id, turn, ready)
        else:
            bell.ring("wake", conversation_id, turn, ready.isoformat())

    def carry(self, errand: str, subject: str) -> None:
        """Have an errand run; those of one subject go to one process."""
        self._of(subject).ring("carry", errand, subject)

    def _of(self, subject: str) -> Bell:
        return self.each[zlib.crc32(subject.encode()) % len(self.each)]


def _heed(ring: bytes, wake: Wake, carry: Carry) -> None:
    try:
        match json.loads(ring):
            case ["wake", str(conversation_id), int(turn), str(ready)]:
                wake(conversation_id, turn, datetime.fromisoformat(ready))
            case ["carry", str(errand), str(subject)]:
                carry(errand, subject)
    except Exception as error:
        _log.warning("a ring was not heeded; the sweeper will look", error=f"{type(error).__name__}: {error}")
