"""Several processes that share one memory: forked from one that has read everything, watched, replaced, stopped.

A page that nobody writes to exists once, so what was imported, read and learned before the fork costs no worker
anything. The one that forks does nothing else: it has no thread, no connection and no event loop.
"""

from __future__ import annotations

import ctypes
import gc
import os
import pickle
import signal
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import FrameType
from typing import Any, NoReturn, TypeVar

import structlog

from caseward.core.errors import CasewardError

T = TypeVar("T")

STOPPING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
HEEDED = frozenset({*STOPPING, signal.SIGCHLD})
BEAT_SECONDS = 5.0
SILENCE_SECONDS = 30.0
"""A worker that does not beat for this long hangs, and is replaced."""
PAUSE_SECONDS = 1.0
"""How long the place of a worker that died young stays empty, so that one that cannot live takes no core."""
YOUNG_SECONDS = 10.0
STOP_SECONDS = 30.0
"""A worker that has not stopped by then is killed: what it leaves is taken over when the desk starts again."""
CANNOT_START = 3
"""Exit code of a worker that could not begin to serve (uvicorn's STARTUP_FAILURE)."""

M_ARENA_MAX = -8
"""As glibc's malloc.h has it."""
_LIBC = ctypes.CDLL(None)

log = structlog.get_logger()


def aside(work: Callable[[], T]) -> T:
    """Return what `work` returns, done in a forked process that is gone afterwards with all the memory it took.

    Raises what `work` raises of our own errors. The result must be picklable; this process must have no thread.
    """
    return beside(work)()


def beside(work: Callable[[], T]) -> Callable[[], T]:
    """Begin `work` in a forked process, while this one goes on; return what waits for it, as `aside` does."""
    reading, writing = os.pipe()
    _flush()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        _end_with(lambda: _tell(writing, work))
    os.close(writing)
    return lambda: _awaited(pid, reading)


def _awaited(pid: int, reading: int) -> Any:
    with os.fdopen(reading, "rb") as told:
        answer = told.read()
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if code or not answer:
        raise CasewardError(f"a process that prepared the start ended with {code}; what it wrote above says why")
    error, value = pickle.loads(answer)  # noqa: S301 - written by our own fork
    if error is not None:
        raise error
    return value


def _tell(writing: int, work: Callable[[], object]) -> None:
    try:
        answer = pickle.dumps((None, work()))
    except CasewardError as error:
        answer = pickle.dumps((error, None))
    with os.fdopen(writing, "wb") as telling:
        telling.write(answer)


def share_a_heap() -> None:
    """Have the threads of this process and of those forked from it allocate from few heaps, where the C library can.

    Each thread would take one of its own, which saves nothing where threads wait for the interpreter anyway.
    """
    limit = getattr(_LIBC, "mallopt", None)
    if limit is not None:
        limit(M_ARENA_MAX, 2)


def give_back() -> None:
    """Give back what is free, where the C library can, and never look for garbage in what is left.

    It is there to stay: to look at it takes time, and in a forked process copies its pages.
    """
    gc.collect()
    trim = getattr(_LIBC, "malloc_trim", None)
    if trim is not None:
        trim(0)
    gc.freeze()


@dataclass(slots=True)
class Worker:
    """A process at work, as the one that forked it sees it."""

    pid: int
    pulse: int
    """Where its beats are read."""
    heard: float
    work: Callable[[], None]
    born: float
    first: bool
    """Whether nobody held its place before."""


class Crew:
    """A process for each piece of work, which does it until it is told to stop."""

    def __init__(self, works: Sequence[Callable[[], None]]) -> None:
        """Prepare; what is run in a process should end soon after SIGTERM, and may end with SystemExit."""
        self._works = works
        self._workers: list[Worker] = []
        self._due: list[tuple[float, Callable[[], None]]] = []
        """When empty places are taken again."""
        self._code = 0

    def run(self) -> int:
        """Keep them at work until one of STOPPING comes, or one cannot start; return the exit code, 0 for good order.

        Those signals and SIGCHLD are blocked meanwhile and read one by one, so that no handler interrupts anything.
        """
        before = signal.pthread_sigmask(signal.SIG_BLOCK, HEEDED)
        try:
            for work in self._works:
                self._fork(work, first=True)
            while not self._told_to_stop():
                self._bury()
                self._fill()
            self._stop()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        return self._code

    def _told_to_stop(self) -> bool:
        """Wait until something happens or is due; return whether it is time to stop."""
        wait = min([BEAT_SECONDS, *(at - time.monotonic() for at, _work in self._due)])
        happened = signal.sigtimedwait(HEEDED, max(0.0, wait))
        return self._code != 0 or (happened is not None and happened.si_signo in STOPPING)

    def _bury(self) -> None:
        """Take leave of the dead, and of those who have not been heard of."""
        now = time.monotonic()
        for worker in list(self._workers):
            if _beaten(worker.pulse):
                worker.heard = now
            elif now - worker.heard > SILENCE_SECONDS:
                log.error("a worker hangs and is replaced", pid=worker.pid)
                os.kill(worker.pid, signal.SIGKILL)
            pid, status = os.waitpid(worker.pid, os.WNOHANG)
            if not pid:
                continue
            self._forget(worker)
            code = os.waitstatus_to_exitcode(status)
            if worker.first and code == CANNOT_START:
                self._code = code
            log.warning("a worker ended", pid=pid, code=code)
            pause = PAUSE_SECONDS if now - worker.born < YOUNG_SECONDS else 0.0
            self._due.append((now + pause, worker.work))

    def _fill(self) -> None:
        """Take empty places whose time has come."""
        now = time.monotonic()
        for place in [place for place in self._due if place[0] <= now]:
            self._due.remove(place)
            self._fork(place[1], first=False)

    def _stop(self) -> None:
        """Tell all to stop, and wait until they have."""
        for worker in self._workers:
            os.kill(worker.pid, signal.SIGTERM)
        patience = time.monotonic() + STOP_SECONDS
        while self._workers:
            late = time.monotonic() > patience
            for worker in list(self._workers):
                if late:
                    os.kill(worker.pid, signal.SIGKILL)
                if os.waitpid(worker.pid, 0 if late else os.WNOHANG)[0]:
                    self._forget(worker)
            if self._workers:
                signal.sigtimedwait({signal.SIGCHLD}, 0.5)

    def _forget(self, worker: Worker) -> None:
        os.close(worker.pulse)
        self._workers.remove(worker)

    def _fork(self, work: Callable[[], None], *, first: bool) -> None:
        pulse, beating = os.pipe()
        os.set_blocking(pulse, False)
        _flush()
        pid = os.fork()
        if pid == 0:
            for each in (pulse, *(worker.pulse for worker in self._workers)):
                os.close(each)
            _end_with(lambda: _be_a_worker(work, beating))
        os.close(beating)
        now = time.monotonic()
        self._workers.append(Worker(pid, pulse, now, work, now, first))


def _beaten(pulse: int) -> bool:
    try:
        return bool(os.read(pulse, 64))
    except BlockingIOError:
        return False


def _be_a_worker(work: Callable[[], None], beating: int) -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, HEEDED)
    threading.Thread(target=_beat, args=(beating,), name="pulse", daemon=True).start()
    work()


def _end_with(work: Callable[[], None]) -> NoReturn:
    """Do the work of a forked process and end it, without what its parent will do at its own end."""
    code = 1
    try:
        work()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(bool(end.code))
    except BaseException:
        log.exception("a process went wrong")
    finally:
        _flush()
        os._exit(code)


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        stream.flush()


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _beat(beating: int) -> None:
    """Tell the parent that we are alive; when there is none any more, stop."""
    while True:
        try:
            os.write(beating, b".")
        except OSError:
            os.kill(os.getpid(), signal.SIGTERM)
            return
        time.sleep(BEAT_SECONDS)
