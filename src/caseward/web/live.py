"""Wakes the streams: one look at the database, twice a second, for all conversations that are watched in this process.

A stream holds neither a connection nor a thread while it waits. A look that fails (the database is away) is made again.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType

import structlog
from starlette.concurrency import run_in_threadpool

from caseward.core.ids import ConversationId
from caseward.store import watching
from caseward.store.db import transaction
from caseward.store.watching import Marks
from caseward.web.problems import Problem

EVERY_SECONDS = 0.4
PER_CONVERSATION = 8
"""Streams one conversation may have open: a few tabs and their reconnects."""
PER_PROCESS = 2000

log = structlog.get_logger()


class Live:
    """The conversations watched by this process."""

    def __init__(self) -> None:
        self._watched: Counter[ConversationId] = Counter()
        self._marks: dict[ConversationId, Marks] = {}
        self._looked = asyncio.Event()
        self._needed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.closing = False
        """Whether the server is stopping, so that streams end and their pages come back to another process."""

    @contextmanager
    def watch(self, conversation_id: ConversationId) -> Iterator[None]:
        """Watch a conversation for as long as the context is open; raise Problem when too many streams are."""
        if self._watched[conversation_id] >= PER_CONVERSATION or self._watched.total() >= PER_PROCESS:
            detail = "too many streams are open; close one, or poll GET /chat/messages?after=N"
            raise Problem(429, "too_many", detail, headers={"Retry-After": "5"})
        self._watched[conversation_id] += 1
        self._needed.set()
        try:
            yield
        finally:
            self._watched[conversation_id] -= 1
            if not self._watched[conversation_id]:
                del self._watched[conversation_id]
                self._marks.pop(conversation_id, None)

    async def next_look(self, conversation_id: ConversationId) -> Marks | None:
        """Wait for the next look and return how far the conversation is; None while nobody has looked yet."""
        await self._looked.wait()
        return self._marks.get(conversation_id)

    def open(self) -> None:
        """Begin to look; needs the running loop."""
        self.closing = False
        self._task = asyncio.create_task(self._look_on())
        self._end_on_signals(asyncio.get_running_loop())

    def close(self) -> None:
        """End every stream soon."""
        self.closing = True
        self._announce()

    async def stop(self) -> None:
        """Stop looking."""
        self.close()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    async def _look_on(self) -> None:
        while True:
            if not self._watched:
                self._needed.clear()
                await self._needed.wait()
            try:
                self._marks = await run_in_threadpool(_look, list(self._watched))
            except Exception as error:  # whatever it is, the next look may succeed
                log.warning("cannot look for new messages", why=str(error)[:200])
            self._announce()
            await asyncio.sleep(EVERY_SECONDS)

    def _announce(self) -> None:
        """Wake all who wait, and let the next ones wait for the next look."""
        looked, self._looked = self._looked, asyncio.Event()
        looked.set()

    def _end_on_signals(self, loop: asyncio.AbstractEventLoop) -> None:
        """End the streams when the process is told to stop: the server waits for open answers, and theirs never end."""
        if threading.current_thread() is not threading.main_thread():
            return
        for number in (signal.SIGTERM, signal.SIGINT):
            before = signal.getsignal(number)

            def stopping(number: int, frame: FrameType | None, before: object = before) -> None:
                loop.call_soon_threadsafe(self.close)
                if callable(before):
                    before(number, frame)

            signal.signal(number, stopping)


def _look(conversations: list[ConversationId]) -> dict[ConversationId, Marks]:
    with transaction():
        return watching.marks(conversations)
