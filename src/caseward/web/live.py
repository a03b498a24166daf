"""Wakes the streams: one look at the database, several times a second, for all that is watched in this process.

Watched are conversations, by the chat, and the desk as a whole, by the tabs of the people who work on it. A stream
holds neither a connection nor a thread while it waits. A look that fails (the database is away) is made again.
"""

from __future__ import annotations

import asyncio
import signal
import threading
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from types import FrameType

import structlog
from starlette.concurrency import run_in_threadpool

from caseward.core.ids import ConversationId
from caseward.core.roles import Role
from caseward.desk import tools
from caseward.store import presence, watching
from caseward.store.db import transaction
from caseward.store.presence import Seen
from caseward.store.watching import Change, Marks
from caseward.web.problems import Problem

EVERY_SECONDS = 0.1
PER_CONVERSATION = 8
"""Streams one conversation may have open: a few tabs and their reconnects."""
PER_SESSION = 4
"""Streams one signed-in browser may have open in a process: it opens six connections to a site, and pages need some."""
PER_PROCESS = 2000
REMEMBERED = 500
"""Changes that are kept for streams that take them slowly."""

log = structlog.get_logger()


class Tab:
    """One stream of a signed-in browser."""

    def __init__(self, session: str) -> None:
        self.session = session
        self.displaced = False
        """Whether another tab of the same browser has taken its place."""


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a look at the desk found."""

    asked: frozenset[str]
    """Sessions it asked about."""
    roles: Mapping[str, Role]
    """Session → role now, of those that are not over."""
    seen: Sequence[Seen]
    """Who is at which case."""


class Live:
    """What is watched in this process."""

    def __init__(self) -> None:
        self._watched: Counter[ConversationId] = Counter()
        self._marks: dict[ConversationId, Marks] = {}
        self._tabs: list[Tab] = []
        self._changes: deque[Change] = deque(maxlen=REMEMBERED)
        self._known_from: int | None = None
        """Number after which every change is in `_changes`, or was; None before the first look."""
        self.news: News | None = None
        self._looked = asyncio.Event()
        self._needed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self.closing = False
        """Whether the server is stopping, so that streams end and their pages come back to another process."""

    # --- conversations ------------------------------------------------------------------------------------------------

    @contextmanager
    def watch(self, conversation_id: ConversationId) -> Iterator[None]:
        """Watch a conversation for as long as the context is open; raise Problem when too many streams are."""
        if self._watched[conversation_id] >= PER_CONVERSATION or self._full():
            detail = "too many streams are open; close one, or poll GET /chat/messages?after=N"
            raise Problem(429, "too_many", detail, headers={"Retry-After": "5"})
        self._watched[conversation_id] += 1
        self._begin()
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

    # --- the desk -----------------------------------------------------------------------------------------------------

    @contextmanager
    def follow(self, session: str) -> Iterator[Tab]:
        """Follow the desk for as long as the context is open; raise Problem when too many streams are.

        Beyond so many of one session the oldest gives way: a tab that nobody looks at, as a rule.
        """
        if self._full():
            detail = "too many streams are open; ask again in a few seconds"
            raise Problem(429, "too_many", detail, headers={"Retry-After": "5"})
        tab = Tab(session)
        self._tabs.append(tab)
        same = [each for each in self._tabs if each.session == session and not each.displaced]
        if len(same) > PER_SESSION:
            same[0].displaced = True
        self._begin()
        try:
            yield tab
        finally:
            self._tabs.remove(tab)

    async def next_news(self) -> News | None:
        """Wait for the next look at the desk and return what it found; None when it failed."""
        await self._looked.wait()
        return self.news

    def since(self, after: int) -> list[Change] | None:
        """Return what happened after an entry, as far as this process remembers; None when that is not all of it."""
        known_from = self._known_from
        newest = self._changes[-1].seq if self._changes else known_from
        if known_from is None or newest is None or not known_from <= after <= newest:
            return None
        return [change for change in self._changes if change.seq > after]

    # --- looking ------------------------------------------------------------------------------------------------------

    def open(self) -> None:
        """Be ready to look, and to end with the process; needs the running loop."""
        self.closing = False
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

    def _full(self) -> bool:
        return self._watched.total() + len(self._tabs) >= PER_PROCESS

    def _begin(self) -> None:
        self._needed.set()
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._look_on())

    async def _look_on(self) -> None:
        while True:
            if not self._watched and not self._tabs:
                self._needed.clear()
                self._forget()
                await self._needed.wait()
            try:
                await self._look()
            except Exception as error:  # whatever it is, the next look may succeed
                self.news = None
                log.warning("cannot look for what is new", why=str(error)[:200])
            self._announce()
            await asyncio.sleep(EVERY_SECONDS)

    async def _look(self) -> None:
        if self._watched:
            self._marks = await run_in_threadpool(_look_at_conversations, list(self._watched))
        if not self._tabs:
            return self._forget()
        newest = self._changes[-1].seq if self._changes else self._known_from
        found = await run_in_threadpool(_look_at_desk, newest, {tab.session for tab in self._tabs})
        if found.changes is None:
            self._forget()
            self._known_from = found.newest
        else:
            lost = len(self._changes) + len(found.changes) - REMEMBERED
            self._known_from = found.newest if newest is None else self._known_from
            if lost > 0:
                both = [*self._changes, *found.changes]
                self._known_from = both[lost - 1].seq
            self._changes.extend(found.changes)
        self.news = found.news

    def _forget(self) -> None:
        """Begin anew: what happens while nobody watches is read from the database by whoever comes."""
        self._changes.clear()
        self._known_from, self.news = None, None

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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    changes: list[Change] | None
    """None where they are too many to tell, and at the first look."""
    newest: int
    news: News


def _look_at_conversations(conversations: list[ConversationId]) -> dict[ConversationId, Marks]:
    with transaction():
        return watching.marks(conversations, now=tools.now())


def _look_at_desk(after: int | None, sessions: set[str]) -> _Found:
    now = tools.now()
    with transaction():
        newest = watching.newest()
        changes = watching.changes(after, limit=REMEMBERED) if after is not None else []
        if changes:
            newest = max(newest, changes[-1].seq)
        roles, seen = watching.signed_in(sessions, now=now), presence.around(now)
    return _Found(changes=changes, newest=newest, news=News(asked=frozenset(sessions), roles=roles, seen=seen))
