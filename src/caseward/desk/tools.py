"""What rooms reach for: the pack, the plugs, the clock, and a way to begin another story. Handed out by app.py.

They are exchanged while the desk works, when another release becomes current. A transaction keeps those it began with,
so a turn goes by one pack throughout.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from caseward.core import ids
from caseward.core.errors import CasewardError, NotFound
from caseward.core.knowledge import Finding
from caseward.core.messages import Understanding
from caseward.core.pack import Pack
from caseward.core.ports import Brain, Channel, Hook, Lane, Listening, SignOn, Skill
from caseward.store import db


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """One process's tools."""

    pack: Pack
    brain: Brain
    channels: Mapping[str, Channel]
    skills: Mapping[str, Skill]
    begin: Callable[[str, str, str], None]
    """Begin a story by name for one subject, once per id, when the current transaction commits."""
    carry: Callable[[str, str], None] = lambda _errand, _subject: None
    """Have this process run an errand for one subject; the sweeper finds what is not told."""
    wake: Callable[[str, int, datetime], None] = lambda _conversation, _turn, _ready: None
    """Tell this process that a conversation's turn may begin at an instant; the sweeper finds what is not told."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    built_in: frozenset[str] = frozenset()
    """Names of the skills that the plugs bring along, whatever the pack adds; all of `skills` when empty."""
    along: tuple[str, ...] = ()
    """Names of the channels that came along, plugged in or not."""
    debounce_ms: int | None = None
    """Overrides the pack's, for benches and tests."""
    learn: Callable[[Pack], Brain] | None = None
    """Makes a brain for another pack than the one at work, to look ahead; it takes seconds."""
    console: str = ""
    """Where the console is, for links; empty where there is none."""
    sign_on: SignOn | None = None
    """Who else may say who somebody of the house is; None where there is no identity provider."""


_tools: Tools | None = None


def use(tools: Tools | None) -> None:
    """Hand the rooms their tools, or take them away."""
    global _tools
    _tools = tools


class NoBrain:
    """In the place of a brain where no turn is worked."""

    def understand(self, _text: str, *, language: str | None = None) -> Understanding:
        """Raise CasewardError."""
        raise CasewardError("nothing is understood here; a desk at work has a brain")

    def find(self, _text: str, *, language: str) -> Finding:
        """Raise CasewardError."""
        raise CasewardError("nothing is looked up here; a desk at work has a brain")


@contextlib.contextmanager
def office(pack: Pack, *, built_in: Iterable[str], clock: Callable[[], datetime]) -> Iterator[None]:
    """Hand out, for a while, what a command needs that decides about the desk and works no turns."""

    def begin(story: str, _subject: str, _id: str) -> None:
        raise CasewardError(f"{story} is not begun here; a desk at work begins it")

    use(
        Tools(
            pack=pack, brain=NoBrain(), channels={}, skills={}, begin=begin, clock=clock, built_in=frozenset(built_in)
        )
    )
    try:
        yield
    finally:
        use(None)


def given() -> Tools:
    """Return the tools of the current transaction, or the latest outside of one."""
    opened = db.opened()
    held: Tools | None = _tools if opened is None else opened.pending.setdefault("tools", _tools)
    if held is None:
        raise CasewardError("the desk has no tools yet; app.py hands them out at the start")
    return held


def pack() -> Pack:
    """Return the business this desk serves."""
    return given().pack


def brain() -> Brain:
    """Return what understands and finds."""
    return given().brain


def now() -> datetime:
    """Return the current instant, in UTC."""
    return given().clock()


def channel(name: str) -> Channel:
    """Return a channel that is plugged in; raise NotFound otherwise."""
    found = given().channels.get(name)
    if found is None:
        raise NotFound(f"no channel {name!r} is plugged in")
    return found


def lanes() -> Mapping[str, Lane]:
    """Return the channels that reach the team, by name."""
    return {name: plug for name, plug in given().channels.items() if isinstance(plug, Lane)}


def telling(name: str) -> Hook | Listening:
    """Return a channel that tells what happens on it; raise NotFound where there is none of that name."""
    found: object = given().channels.get(name)
    if not isinstance(found, Hook | Listening):
        raise NotFound(f"no channel {name!r} is set up that tells us anything")
    return found


def skill(name: str) -> Skill:
    """Return a skill that is plugged in; raise NotFound otherwise."""
    found = given().skills.get(name)
    if found is None:
        raise NotFound(f"no skill {name!r} is plugged in")
    return found


def built_in() -> Collection[str]:
    """Return the names of the skills that the plugs bring along, which any pack may name."""
    return given().built_in or given().skills.keys()


def begin(story: str, subject: str, id: str) -> None:
    """Begin a story by name for one subject, once per id, when the current transaction commits."""
    given().begin(story, subject, id)


def carry(errand: str, subject: str) -> None:
    """Have this process run an errand for one subject once the current transaction commits. Nothing remembers that but
    the subject's row, which the sweeper finds when it is due and nobody came."""
    db.after_commit(lambda: given().carry(errand, subject))


def announce(kind: str, subject: str, case_id: str = "") -> None:
    """Have the team's lanes show how a subject stands, once the current transaction commits; a second call in the same
    transaction adds nothing, and neither does any where no lane is plugged in."""
    said: set[str] = db.current().pending.setdefault("announced", set())
    told = f"{kind} {subject} {case_id}".strip()
    if told in said or not lanes():
        return
    said.add(told)
    begin("announce", told, ids.new("say"))


def wake(conversation_id: str, turn: int, ready: datetime) -> None:
    """Tell this process that a conversation's turn may begin at `ready`."""
    given().wake(conversation_id, turn, ready)


def debounce_ms(channel_name: str) -> int:
    """Return how long a turn on that channel waits for more messages."""
    override = given().debounce_ms
    return override if override is not None else given().pack.profile.limits.debounce_ms.get(channel_name, 0)
