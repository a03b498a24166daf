"""Whatever a vendor tells us comes in here: its body is kept once, and every event in it is applied with it.

Events of a body commit together with the body, so nothing is acknowledged that is not stored. Where one of them cannot
be applied, the body is set aside and the others are applied one by one; it is read again later, which is harmless,
since every event is the same event however often it comes.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog

from caseward.core.events import Event, Preference, Trouble
from caseward.core.ids import ConversationId
from caseward.core.messages import Inbound
from caseward.core.ports import Hook, Listening
from caseward.desk import intake, outreach, reception, tools
from caseward.durable import step, workflow
from caseward.store import db, hooks, log, messages, outage

AGAIN = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720))
"""After how long a body that could not be read wholly is read again; then it waits for somebody to ask for it."""
DEADLOCKS = 5
"""How often a body is taken anew when two of them waited for each other."""

_log = structlog.get_logger(__name__)


def take(channel_name: str, body: bytes) -> None:
    """Keep what a channel's vendor sent and do what follows from it; the same bytes again are the same call.

    Raises:
        NotFound: there is no such channel, or it tells nothing by itself.
        Exception: the database is away; nothing was kept.
    """
    plug = _plug(channel_name)
    digest = hashlib.sha256(body).hexdigest()
    try:
        events = plug.parse(body)
    except Exception as error:
        _log.warning("a body cannot be read", channel=channel_name, digest=digest, error=_told(error))
        _set_aside(channel_name, digest, body, _told(error))
        return
    for attempt in range(1, DEADLOCKS + 1):
        try:
            with db.transaction():
                if hooks.keep(channel_name, digest, body, at=tools.now()):
                    for event in events:
                        _apply(event)
            return
        except Exception as error:
            if outage.is_deadlock(error) and attempt < DEADLOCKS:
                continue
            if outage.is_outage(error):
                raise
            _log.exception("an event cannot be applied; the others are", channel=channel_name, digest=digest)
            hook_id = _set_aside(channel_name, digest, body, _told(error))
            if hook_id is not None:
                _one_by_one(hook_id, events, attempts=1)
            return


def turned_away(channel_name: str, why: str) -> None:
    """Record that somebody called in a channel's name whom its vendor's signature does not bear out."""
    with db.apart():
        log.append("denied", "outside", {"effect": "webhook", "channel": channel_name, "why": why}, at=tools.now())


@workflow
def rehear(hook_id: str, attempt: int = 0) -> str:
    """Read a body again that could not be read wholly before."""
    return step(_rehear, int(hook_id))


def _rehear(hook_id: int) -> str:
    with db.transaction():
        hook = hooks.get(hook_id)
    if hook is None or hook.state != hooks.KEPT:
        return "done before"
    try:
        events = _plug(hook.channel).parse(hook.body)
    except Exception as error:
        return _settle(hook_id, [_told(error)], attempts=hook.attempts + 1)
    return _one_by_one(hook_id, events, attempts=hook.attempts + 1)


def _one_by_one(hook_id: int, events: Sequence[Event], *, attempts: int) -> str:
    """Apply each event in a transaction of its own, and record which could not be."""
    wrong = []
    for event in events:
        try:
            with db.transaction():
                _apply(event)
        except Exception as error:
            if outage.is_outage(error):
                raise
            wrong.append(f"{type(event).__name__}: {_told(error)}")
    return _settle(hook_id, wrong, attempts=attempts)


def _settle(hook_id: int, wrong: Sequence[str], *, attempts: int) -> str:
    with db.transaction():
        next_at = tools.now() + AGAIN[attempts - 1] if wrong and attempts <= len(AGAIN) else None
        hooks.settle(hook_id, error="; ".join(wrong)[:1000], next_at=next_at)
    return "; ".join(wrong) or "read"


def _set_aside(channel_name: str, digest: str, body: bytes, why: str) -> int | None:
    with db.transaction():
        now = tools.now()
        return hooks.set_aside(channel_name, digest, body, at=now, error=why[:1000], next_at=now + AGAIN[0])


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _plug(channel_name: str) -> Hook | Listening:
    return tools.telling(channel_name)


def _apply(event: Event) -> None:
    apply: Callable[[Any], None] | None = _ROOMS.get(type(event))
    if apply is not None:
        apply(event)


def _said(inbound: Inbound) -> None:
    """A contact wrote: it is stored in their conversation, and a turn takes it where one is to."""
    if not reception.admitted(inbound.channel, inbound):
        return
    conversation_id = _conversation_of(inbound)
    word = outreach.said(inbound)
    if word is not None:
        wanted = Preference(
            channel=inbound.channel, address=inbound.address, wanted=word == outreach.START, at=inbound.at
        )
        outreach.prefer(wanted, source=inbound.text)
    received = intake.take_in(conversation_id, inbound)
    if received.new and received.turn:
        db.after_commit(lambda: tools.wake(conversation_id, received.turn, received.ready))


def _conversation_of(inbound: Inbound) -> ConversationId:
    return messages.open_conversation(inbound.channel, inbound.address, token_hash=None, language="", now=tools.now())


def _trouble(event: Trouble) -> None:
    said = {"channel": event.channel, "code": event.code, "what": event.text}
    log.append("trouble", "house", said, at=tools.now())


_ROOMS: Mapping[type[Any], Callable[[Any], None]] = {
    Inbound: _said,
    Preference: outreach.prefer,
    Trouble: _trouble,
}
"""Kind of event → what follows from it."""
