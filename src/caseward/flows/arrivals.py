"""Whatever a vendor tells us comes in here: its body is kept once and acknowledged, then every event in it is applied.

The bodies of a channel are read one after the other, as they came. Events of a body commit together, with the mark that
it was read. Where one of them cannot be applied, the others are, one by one, and the body is read again later, which is
harmless, since every event is the same event however often it comes.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import count
from typing import Any

import structlog

from caseward.core.case import DONE, CaseStatus
from caseward.core.events import (
    Bounced,
    Delivery,
    Echo,
    Edited,
    Event,
    Moved,
    Preference,
    Pressed,
    Status,
    Trouble,
    Typed,
)
from caseward.core.ids import ConversationId
from caseward.core.messages import Inbound
from caseward.core.ports import Hook, Lane, Listening
from caseward.desk import (
    amends,
    approvals,
    casework,
    filing,
    intake,
    lanes,
    links,
    outreach,
    post,
    reception,
    speaker,
    takeover,
    tools,
    wires,
)
from caseward.durable import errand, step, workflow
from caseward.store import cases, db, hooks, log, messages, outage

AGAIN = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720))
"""After how long a body that could not be read wholly is read again; then it waits for somebody to ask for it."""
DEADLOCKS = 5
"""How often a body is taken anew when two of them waited for each other."""

QUIET_SECONDS = 10.0
"""After a call was turned away, further ones of the same channel are only counted for so long."""

_away: dict[str, tuple[object, float, int]] = {}
"""Channel → its plug, when a call in its name was last recorded as turned away, and how many were since."""
_counting = threading.Lock()
_log = structlog.get_logger(__name__)


def take(channel_name: str, body: bytes) -> None:
    """Keep what a channel's vendor sent, and have it read; the same bytes again are the same call.

    Raises:
        NotFound: there is no such channel, or it tells nothing by itself.
        Exception: the database is away; nothing was kept.
    """
    _plug(channel_name)
    with db.transaction():
        if hooks.keep(channel_name, hashlib.sha256(body).hexdigest(), body, at=tools.now()):
            tools.carry("hear", channel_name)


@errand
def hear(channel_name: str) -> None:
    """Read what a channel's vendor sent, as it came, until nothing is left."""
    plug = _plug(channel_name)
    while _hear_next(channel_name, plug):
        pass


def _hear_next(channel_name: str, plug: Hook | Listening) -> bool:
    """Read the next body and do what follows from it; return whether there was one."""
    for attempt in count(1):
        hook, events = None, None
        try:
            with db.transaction():
                hook = hooks.following(channel_name)
                if hook is None:
                    return False
                wires.heard(channel_name)
                events = plug.parse(hook.body)
                for event in events:
                    _apply(event)
                hooks.read(hook.id)
            return True
        except Exception as error:
            if outage.is_deadlock(error) and attempt < DEADLOCKS:
                continue
            if hook is None or outage.is_outage(error):
                raise
            if events is None:
                _log.warning("a body cannot be read", channel=channel_name, body=hook.id, error=_told(error))
                _settle(hook.id, [_told(error)], attempts=1)
            else:
                _log.exception("an event cannot be applied; the others are", channel=channel_name, body=hook.id)
                _one_by_one(hook.id, events, attempts=1)
            return True
    raise AssertionError("the loop returns or raises")


def turned_away(channel_name: str, why: str) -> None:
    """Record that somebody called in a channel's name whom its vendor's signature does not bear out.

    Those that follow soon are counted in the next entry: whoever knows the address could fill the log otherwise.
    """
    plug, now = tools.given().channels.get(channel_name), time.monotonic()
    with _counting:
        known, since, times = _away.get(channel_name, (None, 0.0, 0))
        if known is plug and now - since < QUIET_SECONDS:
            _away[channel_name] = (plug, since, times + 1)
            return
        _away[channel_name] = (plug, now, 0)
    said = {"effect": "webhook", "channel": channel_name, "why": why, "times": times + 1}
    with db.apart():
        log.append("denied", "outside", said, at=tools.now())


@workflow
def rehear(hook_id: str) -> str:
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


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def _plug(channel_name: str) -> Hook | Listening:
    return tools.telling(channel_name)


def _apply(event: Event) -> None:
    apply: Callable[[Any], object] | None = _ROOMS.get(type(event))
    if apply is not None:
        apply(event)


def _said(inbound: Inbound) -> ConversationId | None:
    """A contact wrote: it is stored in their conversation, and a turn takes it where one is to.

    Return the conversation; None for somebody of the team, or who is not let in.
    """
    if isinstance(tools.given().channels.get(inbound.channel), Lane) and lanes.meant(inbound):
        lanes.keep(_typed(inbound))
        return None
    answer = reception.ask(inbound.channel, inbound)
    if answer is not reception.Answer.IN:
        _at_the_door(inbound, answer)
        return None
    conversation_id = links.conversation_for(inbound, tools.now())
    word = outreach.said(inbound)
    if word is not None:
        wanted = Preference(
            channel=inbound.channel, address=inbound.address, wanted=word == outreach.START, at=inbound.at
        )
        outreach.prefer(wanted, source=inbound.text)
    received = intake.take_in(conversation_id, inbound)
    if received.new:
        if tools.channel(inbound.channel).window is not None and not inbound.automatic:
            post.heard(inbound.channel, inbound.address)
        filing.want(inbound, received.message.id)
        if received.turn:
            db.after_commit(lambda: tools.wake(conversation_id, received.turn, received.ready))
    return conversation_id


def _typed(inbound: Inbound) -> Typed:
    """Return a direct message of somebody of the team as what is said in a lane."""
    return Typed(
        channel=inbound.channel,
        person=inbound.address,
        chat=inbound.address,
        text=inbound.text,
        reply_to=inbound.reply_to,
        message=inbound.provider_id,
        at=inbound.at,
    )


def _at_the_door(inbound: Inbound, answer: reception.Answer) -> None:
    """Say a word to somebody who is let in from now on, or who is not; what they wrote is not stored."""
    policy, now = tools.pack().channels.of(inbound.channel), tools.now()
    template = {reception.Answer.WELCOME: "greeting", reception.Answer.SORRY: policy.refusal}.get(answer, "")
    if not template:
        return
    conversation_id = links.conversation_for(inbound, now)
    messages.lock(conversation_id)
    case = cases.latest(conversation_id)
    if case is None:
        case = cases.open_case(conversation_id, channel=inbound.channel, language="", now=now)
        said = {"status": "opened", "number": case.number}
        log.append("case", "house", said, at=now, case_id=case.id, conversation_id=conversation_id)
    key = f"{template}:{inbound.channel}:{inbound.address}"
    speaker.tell(case, template, {}, address=casework.address(case), key=key)
    if answer is reception.Answer.WELCOME:
        intake.take_in(conversation_id, replace(inbound, kind="system", text="[code]"))
        casework.become(case, CaseStatus.WAITING_CUSTOMER)
    elif case.status is CaseStatus.NEW:
        casework.become(case, CaseStatus.CLOSED, disposition="not admitted", resolved_at=now)


def _echoed(echo: Echo) -> None:
    """A person answered outside the desk: the case is theirs, and nobody is asked about it any more."""
    case = takeover.by_echo(echo)
    if case is None:
        return
    approvals.withdraw(case, "a person answered outside the desk first")
    if case.status not in DONE and case.status is not CaseStatus.WAITING_EXECUTION:
        casework.become(case, CaseStatus.WAITING_CUSTOMER, pending={})


def _edited(event: Edited) -> None:
    """A contact changed what they said; where that has not come in, what they changed it to is what they said."""
    if amends.by_edit(event):
        return
    late = Inbound(
        channel=event.channel,
        provider_id=event.provider_id,
        address=event.address,
        text=event.text,
        at=event.at,
        kind="text" if event.text.strip() else "withdrawn",
    )
    conversation_id = _said(late)
    if conversation_id is not None:
        amends.came_late(event, conversation_id)


def _settled(status: Status) -> None:
    """The vendor says what became of words of ours."""
    post.settle(status)
    if status.state is not Delivery.FAILED:
        wires.acknowledged(status.channel)


def _moved(event: Moved) -> None:
    """An address passed on, of a contact or of a group of the team."""
    links.moved(event)
    lanes.moved(event)


_ROOMS: Mapping[type[Any], Callable[[Any], object]] = {
    Inbound: _said,
    Status: _settled,
    Echo: _echoed,
    Edited: _edited,
    Bounced: post.bounced,
    Moved: _moved,
    Preference: outreach.prefer,
    Pressed: lanes.keep,
    Typed: lanes.keep,
    Trouble: wires.trouble,
}
"""Kind of event → what follows from it."""
