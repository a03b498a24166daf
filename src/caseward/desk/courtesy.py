"""Small signs that somebody is there, where a channel has them: read, writing, a reaction.

They are shown from the side, a few at a time: none is waited for and none is repeated. An error of one changes nothing,
but that the words for which a reaction stood are said after all.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from threading import BoundedSemaphore, Thread

from caseward.core.ports import Courteous
from caseward.core.turn import Turn
from caseward.desk import tools

AT_ONCE = 8
"""More than this are left out: by the time they could be shown they would say nothing."""

_room = BoundedSemaphore(AT_ONCE)


def begun(turn: Turn) -> None:
    """Show the contact that their words were read, and that an answer is being written."""
    plug, last = _courteous(turn.channel), _last(turn)
    if plug is not None and last:
        _aside(lambda: plug.seen(turn.address, last, typing=True))


def reacted(turn: Turn, *, otherwise: Callable[[], None]) -> bool:
    """Put the pack's reaction on what the contact wrote last; return False where that is not the way to acknowledge.

    `otherwise` is called, from the side, if it could not be shown after all.
    """
    plug, last = _courteous(turn.channel), _last(turn)
    emoji = tools.pack().channels.of(turn.channel).acknowledge
    if plug is None or not last or not emoji:
        return False
    return _aside(lambda: plug.react(turn.address, last, emoji), otherwise)


def _courteous(channel: str) -> Courteous | None:
    plug = tools.channel(channel)
    return plug if not plug.pull and isinstance(plug, Courteous) else None


def _last(turn: Turn) -> str:
    return next((message.provider_id for message in reversed(turn.messages) if message.provider_id), "")


def _aside(show: Callable[[], None], otherwise: Callable[[], None] = lambda: None) -> bool:
    """Show something in a thread of its own; return False where too many are being shown."""
    if not _room.acquire(blocking=False):
        return False

    def run() -> None:
        try:
            with contextlib.suppress(Exception):
                _shown(show, otherwise)
        finally:
            _room.release()

    Thread(target=run, name="courtesy", daemon=True).start()
    return True


def _shown(show: Callable[[], None], otherwise: Callable[[], None]) -> None:
    try:
        show()
    except Exception:
        otherwise()
