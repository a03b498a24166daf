"""A message comes in: stored once before it is acknowledged, collected into turns, filed in a case."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from caseward.core.case import DESK, Case, CaseStatus
from caseward.core.errors import BadInput
from caseward.core.ids import ConversationId
from caseward.core.messages import Inbound, Message
from caseward.core.text import clean
from caseward.core.turn import Turn
from caseward.desk import tools
from caseward.store import cases, echoes, log, messages, turns
from caseward.store.messages import Extra, Received

MAX_PROVIDER_ID = 200
LONG = "long"
"""Kind of a message of which only the beginning was kept."""
UNANSWERED = frozenset({"reaction", "system", "withdrawn"})
"""Kinds that are filed, and that no turn takes."""


class TooMany(BadInput):
    """More messages than a conversation may send in a minute."""

    code = "too_many"


def receive(conversation_id: ConversationId, inbound: Inbound) -> Received:
    """Store a message and make its turn due; a repeated provider id is the same message.

    Raises:
        BadInput: empty, too long, without a usable id, or one of too many in a minute.
    """
    limits = tools.pack().profile.limits
    text = clean(inbound.text)
    if not 0 < len(inbound.provider_id) <= MAX_PROVIDER_ID or not inbound.provider_id.isprintable():
        raise BadInput(f"id: give each message an id of 1 to {MAX_PROVIDER_ID} printable characters")
    if not text.strip():
        raise BadInput("text: the message is empty; write at least one character")
    if len(text) > limits.message_chars:
        raise BadInput(f"text: {len(text)} characters are too many; send at most {limits.message_chars}")
    received = messages.receive(
        conversation_id,
        provider_id=inbound.provider_id,
        text=text,
        kind=inbound.kind,
        at=inbound.at,
        debounce=timedelta(milliseconds=tools.debounce_ms(inbound.channel)),
        collect_max=timedelta(milliseconds=limits.collect_max_ms),
        extra=_picked(conversation_id, inbound) if inbound.choice else None,
    )
    if not received.new:
        return received
    if received.lately > limits.messages_per_minute:
        raise TooMany(f"more than {limits.messages_per_minute} messages in a minute; wait a little and send again")
    said = {"message": received.message.id, "channel": inbound.channel, "kind": inbound.kind, "text": text}
    log.append(
        "inbound",
        "contact",
        {**said, "choice": inbound.choice} if inbound.choice else said,
        at=inbound.at,
        conversation_id=conversation_id,
    )
    return received


def _picked(conversation_id: ConversationId, inbound: Inbound) -> Extra:
    """Return what a message carries that picks something; raise BadInput for what was not offered here."""
    if messages.offered(conversation_id, inbound.choice) is None:
        raise BadInput("choice: this was not offered in the conversation; send one of a message's `choices`, or none")
    return Extra(channel=inbound.channel, address=inbound.address, choice=inbound.choice)


def take_in(conversation_id: ConversationId, inbound: Inbound) -> Received:
    """Store a message that a vendor delivered and make its turn due, unless none is to take it.

    Nothing is refused, for the vendor would only send it again: what is too long is cut and marked (`long`), what has
    no words is named by its kind, and what was written in the future was written now.
    """
    limits, now = tools.pack().profile.limits, tools.now()
    text, kind = clean(inbound.text).strip(), inbound.kind
    if not text:
        text = f"[{inbound.attachments[0].kind if inbound.attachments else kind}]"
        kind = "unsupported" if kind == "text" else kind
    if len(text) > limits.message_chars:
        text, kind = text[: limits.message_chars - 1] + "…", LONG
    at = min(inbound.at, now)
    answered = not inbound.automatic and kind not in UNANSWERED
    received = messages.receive(
        conversation_id,
        provider_id=_usable(inbound),
        text=text,
        kind=kind,
        at=at,
        now=now,
        debounce=timedelta(milliseconds=tools.debounce_ms(inbound.channel)),
        collect_max=timedelta(milliseconds=limits.collect_max_ms),
        extra=Extra(
            channel=inbound.channel,
            address=inbound.address,
            reply_to=inbound.reply_to,
            choice=inbound.choice,
            attachments=[asdict(each) for each in inbound.attachments],
            sender={name: value for name, value in _told_of_sender(inbound).items() if value},
            answered=answered,
        ),
    )
    if not received.new:
        echoes.keep_earlier(received.message.id, text, at=at)
    else:
        said = {"message": received.message.id, "channel": inbound.channel, "kind": kind, "text": text}
        more = {"sent_at": at, "automatic": inbound.automatic, "choice": inbound.choice, "via": received.message.via}
        log.append(
            "inbound",
            "contact",
            said | {name: value for name, value in more.items() if value},
            at=now,
            conversation_id=conversation_id,
        )
    return received


def _usable(inbound: Inbound) -> str:
    """Return the vendor's id of a message, or what stands for one that cannot be kept as it is."""
    given = inbound.provider_id
    if 0 < len(given) <= MAX_PROVIDER_ID and given.isprintable():
        return given
    told = given or f"{inbound.address} {inbound.at.isoformat()} {inbound.text}"
    return "sha256:" + hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()


def _told_of_sender(inbound: Inbound) -> dict[str, str]:
    return {**asdict(inbound.sender), "subject": inbound.subject, "case": inbound.case}


def file(conversation_id: ConversationId) -> tuple[Turn, Case] | None:
    """Begin the conversation's next turn and put its messages into a case; None when there is nothing to do.

    The open case is carried on, and so is one resolved within the pack's reopen time; otherwise a new one begins.
    """
    now = tools.now()
    begun = messages.begin(conversation_id)
    if begun is None:
        return None
    case = _case_for(conversation_id, begun.channel, begun.language, now)
    turn = _turn(case, begun, begun.turn, turns.take_up(conversation_id, begun.turn, case.id))
    return turn, cases.change(case, now, turns=case.turns + 1)


def again(case: Case, number: int = 0) -> Turn | None:
    """Return a turn of the case once more, the last one if none is named, for work that was put off; None when there is
    none."""
    row = messages.lock(case.conversation_id)
    of_turn = messages.of_turn(case.conversation_id, number or row.turn)
    said = [message for message in of_turn if message.inbound]
    if not said:
        return again(case) if number else None
    return _turn(case, row, number or row.turn, said)


def _turn(case: Case, at: Any, number: int, said: Sequence[Message]) -> Turn:
    """Return the messages as one turn: replies go where the last one came from."""
    home = f"{at.channel}:{at.address}"
    channel, _, address = ((said[-1].via if said else "") or home).partition(":")
    return Turn(
        conversation_id=case.conversation_id,
        number=number,
        channel=channel,
        address=address,
        messages=said,
        earlier=case.pending.get("said", ""),
        home=home,
        reach=case.reach,
    )


def reopen(case: Case, *, by: str = "house") -> Case:
    """Take a settled case up again; it counts as reopened. It is the desk's, unless a person answers outside it, or
    took it up themselves."""
    now = tools.now()
    log.of_case(case, "case", by, {"status": "reopened"}, at=now)
    return cases.change(
        case,
        now,
        status=CaseStatus.OPEN,
        owner=by if by != "house" else case.owner if case.leased(now) else DESK,
        reopened=case.reopened + 1,
        reopened_at=now,
        resolved_at=None,
        turns=1,
        questions=0,
    )


def _case_for(conversation_id: ConversationId, channel: str, language: str, now: datetime) -> Case:
    case = cases.latest(conversation_id)
    if case is not None and case.status not in (CaseStatus.RESOLVED, CaseStatus.CLOSED):
        return case
    reopens = timedelta(days=tools.pack().profile.limits.reopen_days)
    if case is not None and case.resolved_at and now - case.resolved_at <= reopens:
        return case
    opened = cases.open_case(conversation_id, channel=channel, language=language, now=now)
    messages.adopt_notes(conversation_id, opened.id)
    log.append(
        "case",
        "house",
        {"status": "opened", "number": opened.number},
        at=now,
        case_id=opened.id,
        conversation_id=conversation_id,
    )
    return opened
