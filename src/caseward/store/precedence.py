"""Who waits for an answer goes first: work in the background stands still between two statements while somebody does.

A process runs one thread of Python at a time, so without this a request waits at each of its statements for whatever
turn or errand has the interpreter. For the same reason only a few of those compute at once, however many there are.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

AT_ONCE = 3
"""More of them only take the interpreter from each other."""
PATIENCE_SECONDS = 0.004
"""How long work in the background stands still at one statement at most: it goes on under any load."""

_places = threading.BoundedSemaphore(AT_ONCE)
_here = threading.local()
_lock = threading.Lock()
_clear = threading.Event()
_clear.set()
_waiting = 0


class Ahead:
    """Somebody who waits for an answer, from now on until they are served."""

    def __init__(self) -> None:
        global _waiting
        self._waits = True
        with _lock:
            _waiting += 1
            _clear.clear()

    def served(self) -> None:
        """They have their answer; to say so again changes nothing."""
        global _waiting
        with _lock:
            if self._waits:
                self._waits = False
                _waiting -= 1
                if not _waiting:
                    _clear.set()


@contextlib.contextmanager
def behind() -> Iterator[None]:
    """Do what is inside in the background, once there is a place for it; no transaction may be open yet."""
    with _places:
        _here.background = True
        try:
            yield
        finally:
            _here.background = False


@contextlib.contextmanager
def elsewhere() -> Iterator[None]:
    """Leave the place to others while work in the background waits for somebody outside, with no transaction open."""
    if not getattr(_here, "background", False):
        yield
        return
    _places.release()
    try:
        yield
    finally:
        _places.acquire()


def give_way() -> None:
    """Stand still for a moment if this is work in the background and somebody waits for an answer."""
    if not _clear.is_set() and getattr(_here, "background", False):
        _clear.wait(PATIENCE_SECONDS)
