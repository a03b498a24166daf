"""What rooms reach for: the pack, the plugs, the clock, and a way to begin another story. Set once by app.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from caseward.core.errors import CasewardError, NotFound
from caseward.core.pack import Pack
from caseward.core.ports import Brain, Channel, Skill


@dataclass(frozen=True, slots=True, kw_only=True)
class Tools:
    """One process's tools."""

    pack: Pack
    brain: Brain
    channels: Mapping[str, Channel]
    skills: Mapping[str, Skill]
    begin: Callable[[str, str, str], None]
    """Begin a story by name for one subject, once per id, when the current transaction commits."""
    wake: Callable[[str, int, datetime], None] = lambda _conversation, _turn, _ready: None
    """Tell this process that a conversation's turn may begin at an instant; the sweeper finds what is not told."""
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    debounce_ms: int | None = None
    """Overrides the pack's, for benches and tests."""


_tools: Tools | None = None


def use(tools: Tools | None) -> None:
    """Hand the rooms their tools, or take them away."""
    global _tools
    _tools = tools


def _given() -> Tools:
    if _tools is None:
        raise CasewardError("the desk has no tools yet; app.py hands them out at the start")
    return _tools


def pack() -> Pack:
    """Return the business this desk serves."""
    return _given().pack


def brain() -> Brain:
    """Return what understands and finds."""
    return _given().brain


def now() -> datetime:
    """Return the current instant, in UTC."""
    return _given().clock()


def channel(name: str) -> Channel:
    """Return a channel that is plugged in; raise NotFound otherwise."""
    found = _given().channels.get(name)
    if found is None:
        raise NotFound(f"no channel {name!r} is plugged in")
    return found


def skill(name: str) -> Skill:
    """Return a skill that is plugged in; raise NotFound otherwise."""
    found = _given().skills.get(name)
    if found is None:
        raise NotFound(f"no skill {name!r} is plugged in")
    return found


def begin(story: str, subject: str, id: str) -> None:
    """Begin a story by name for one subject, once per id, when the current transaction commits."""
    _given().begin(story, subject, id)


def wake(conversation_id: str, turn: int, ready: datetime) -> None:
    """Tell this process that a conversation's turn may begin at `ready`."""
    _given().wake(conversation_id, turn, ready)


def debounce_ms(channel_name: str) -> int:
    """Return how long a turn on that channel waits for more messages."""
    override = _given().debounce_ms
    return override if override is not None else _given().pack.profile.limits.debounce_ms.get(channel_name, 0)
