"""What somebody of the team does in a lane: a button, a typed verdict, a command. Each is handled once.

A verdict from a lane is the console's: the same person, role and words, through the same door (desk/verdicts). What
is refused changes nothing, is said in words, and stands in the log.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import structlog

from caseward.core import naming
from caseward.core.approval import AGREED, ApprovalState, Word
from caseward.core.errors import BadInput, CasewardError, Conflict, NotFound, Refused
from caseward.core.events import Pressed, Typed
from caseward.core.roles import Effect
from caseward.core.typed_verdicts import Spoken, Unclear, read
from caseward.desk import cards as made_of
from caseward.desk import lanes, tools, verdicts
from caseward.desk.cards import READ, UNDO, VERBS, Press
from caseward.durable import step, workflow
from caseward.flows.lanes import commands, showing
from caseward.store import approvals as requests
from caseward.store import cards, casefile, db, log, people, votes
from caseward.store import lanes as heard_of
from caseward.store.approvals import Request
from caseward.store.cards import CardState, Kept
from caseward.store.people import Person

GONE = "This button means nothing any more. Open the case in the console."
CHANGED = "This changed since you saw it. Read the card again, or open the case."
NO_REQUEST = "This is no request that I posted here. Reply to the card itself, or decide in the console."

_log = structlog.get_logger(__name__)


class Barred(Refused):
    """Somebody who may not decide asks for the reasons to pick from."""


class Misplaced(Refused):
    """A verdict on something that is no card of its chat: a copy, or a message that was passed on."""


@workflow
def lane_event(number: str) -> str:
    """Handle what somebody did in a lane, and tell them what came of it."""
    text = step(_handle, number)
    if text:
        step(_answer, number, text)
    return text or "nothing to say"


def _handle(number: str) -> str:
    """Return what is to be answered. The event's row is the checkpoint: handled and acted upon in the same commit."""
    with db.transaction():
        known = heard_of.heard(number)
    if known.outcome:
        return str(json.loads(known.outcome))
    event = known.event
    act: Callable[[], str] = (lambda: _pressed(event)) if isinstance(event, Pressed) else (lambda: _typed(event))
    try:
        with db.transaction():
            if heard_of.heard(number).outcome:
                return ""
            text = act()
            _handled(number, text)
            return text
    except (Refused, Conflict, BadInput, NotFound) as error:
        with db.transaction():
            text = _refusal(event, error)
            _handled(number, text)
            return text


def _handled(number: str, text: str) -> None:
    heard_of.handled(number, json.dumps(text, ensure_ascii=False), now=tools.now())


def _answer(number: str, text: str) -> None:
    """Tell whoever did it; an answer that cannot be given is let go, the card shows what came of it all the same."""
    with db.transaction():
        event = heard_of.heard(number).event
    plug = tools.lanes().get(event.channel)
    if plug is None:
        return
    try:
        if isinstance(event, Pressed):
            plug.acknowledge(event.callback, text)
        else:
            plug.say(event.chat, text, reply_to=event.message)
    except Exception as error:
        _log.warning("an answer was not given", channel=event.channel, error=f"{type(error).__name__}: {error}")


# --- buttons ----------------------------------------------------------------------------------------------------------


def _pressed(event: Pressed) -> str:
    press = made_of.pressed(event.token)
    if press is None:
        raise BadInput(GONE)
    card, person = _card_of(event, press), lanes.who(event.channel, event.person)
    request = requests.get(card.subject)
    if press.verb == UNDO:
        said = verdicts.undo(request.id, person=person.id, role=person.role)
        return f"Taken back: case {_number(said)} waits for a decision again."
    if press.verb == READ:
        verdicts.read_now(request.id, person=person.id, role=person.role)
        return "Being read now; the card shows what came of it."
    _require_shown(request, request.digest.startswith(press.digest) and bool(press.digest))
    word = VERBS.get(press.verb)
    if word is Word.APPROVE or press.reason:
        return _decide(request, person, Spoken(word=word or Word.APPROVE, reason=press.reason))
    _require_may_decide(request, person)
    showing.offer(card, str(word or ""))
    if word is None:
        return "Nothing was decided."
    return f"Pick why, or reply to the card: {word.upper()} and your reason."


def _card_of(event: Pressed, press: Press) -> Kept:
    """Return the card whose button was pressed, on the message that shows it."""
    try:
        card = cards.get(press.card_id)
    except NotFound:
        raise BadInput(GONE) from None
    if card.channel != event.channel or (card.message and card.message != event.message):
        raise Misplaced(NO_REQUEST)
    if not card.message:  # posted, and we were not told: the press proves it
        if card.state is CardState.RUNNING:
            cards.move(card.id, card.state, now=tools.now(), message=event.message)
        else:
            cards.move(card.id, CardState.POSTED, now=tools.now(), message=event.message, next_at=tools.now())
    return card


# --- words ------------------------------------------------------------------------------------------------------------


def _typed(event: Typed) -> str:
    spoken = read(event.text, tools.pack().channels.team)
    if spoken is None and commands.is_one(event.text):
        return commands.run(event)
    card = cards.at(event.channel, event.chat, event.reply_to) if event.reply_to else None
    if card is None or card.kind != "approval":
        return _without_a_card(event, card, spoken)
    request = requests.get(card.subject)
    if not isinstance(spoken, Spoken):
        if request.state is not ApprovalState.OPEN:
            return ""  # they talk about it
        why = f" ({spoken.why})" if isinstance(spoken, Unclear) else ""
        return f"Nothing was decided{why}. {made_of.hint('Reply to the card')}."
    person = lanes.who(event.channel, event.person)
    _require_shown(request, card.asked == request.digest and not (card.asked_at and event.at < card.asked_at))
    return _decide(request, person, spoken)


def _without_a_card(event: Typed, card: Kept | None, spoken: Spoken | Unclear | None) -> str:
    """Return what is said to words that answer no request: nothing, unless they look like a verdict."""
    direct = event.chat == event.person
    if not isinstance(spoken, Spoken):
        return f"{commands.HELP}\n{made_of.hint('To decide, reply to a card')}." if direct else ""
    if not cards.asking(event.channel, event.chat) and not direct:
        return ""
    lanes.who(event.channel, event.person)
    if card is not None:
        return "There is nothing to decide here. Reply to the request that you mean."
    if event.reply_to:
        raise Misplaced(NO_REQUEST)
    return f"Nothing was decided: which one? {made_of.hint('Reply to the card that you mean')}."


# --- verdicts ---------------------------------------------------------------------------------------------------------


def _decide(request: Request, person: Person, spoken: Spoken) -> str:
    said = verdicts.decide(
        request.id,
        spoken.word,
        person=person.id,
        role=person.role,
        digest=request.digest,
        text=spoken.text or None,
        reason=spoken.reason,
        conditions=spoken.conditions,
    )
    if said.state is ApprovalState.OPEN:
        given = len(votes.of([said])[said.id])
        return f"Noted: {given} of {said.terms.needs} have approved; it waits for the others."
    if said.state in AGREED:
        at = (
            naming.local(said.held_until, tools.pack().hours.zone, now=tools.now(), seconds=True)
            if said.held_until
            else ""
        )
        goes = f" Goes out at {at}; until then Undo takes it back, here or in the console." if at else ""
        return f"{'Approved' if said.state is ApprovalState.APPROVED else 'Edited and approved'}.{goes}"
    if said.state is ApprovalState.DENIED:
        return "Denied. Nothing is changed, and the customer is told."
    return f"Escalated. {naming.handed_on(tools.pack(), said.lane)}."


def _require_shown(request: Request, same: bool) -> None:
    if request.state is not ApprovalState.OPEN:
        raise Conflict(_decided(request))
    if not same:
        raise Conflict(CHANGED)


def _require_may_decide(request: Request, person: Person) -> None:
    why = verdicts.barred(casefile.find(request.case_id), request, person.id, person.role)
    if why:
        raise Barred(why)


def _decided(request: Request) -> str:
    """Return that a request is over, in words: by whom and when, and nothing of what they wrote."""
    by = naming.who(request.decided_by, people.names())
    at = naming.local(request.decided_at, tools.pack().hours.zone, now=tools.now()) if request.decided_at else ""
    if request.state is ApprovalState.EXPIRED:
        return f"This expired or was overtaken at {at}; nothing was sent."
    return f"This was already {request.state} by {by} at {at}."


def _refusal(event: Pressed | Typed, error: CasewardError) -> str:
    """Return in words why something did not count, and put it on record unless it is only unfinished."""
    request, person = _meant(event), heard_of.linked(event.channel, event.person)
    if isinstance(error, verdicts.Repeated):
        return "You have approved this already; it waits for somebody else."
    text = _sentence(str(error).removeprefix("text: ").removeprefix("reason: "))
    known = person is not None and not person.disabled
    if request is not None and isinstance(error, Conflict) and not _undoes(event):
        text = _decided(request) if request.state is not ApprovalState.OPEN else _sentence(str(error))
        if isinstance(error, verdicts.NotNow):
            text = _not_now(request, error)
    elif request is not None and known and type(error) in (Refused, Barred):
        deciders = naming.deciders(tools.pack(), request.lane)
        text = f"You may not decide this: {str(error).rstrip('.')}. {deciders} decides it."
    said_before = known and type(error) is Refused  # whoever refused it put it on record
    if isinstance(error, Refused | Conflict) and not said_before:
        _denied(event, person, request, text)
    return made_of.masked(casefile.read(request.case_id), text) if request is not None else text


def _not_now(request: Request, error: verdicts.NotNow) -> str:
    """Return why nobody can consent now and what to do; every copy of the card offers it from now on."""
    tools.announce("approval", request.id, request.case_id)
    if not error.stale:
        return _sentence(str(error))
    return f"{_sentence(error.why)} Press Read now on the card, or type /read {_number(request)}; then decide."


def _undoes(event: Pressed | Typed) -> bool:
    press = made_of.pressed(event.token) if isinstance(event, Pressed) else None
    return press is not None and press.verb == UNDO


def _meant(event: Pressed | Typed) -> Request | None:
    """Return the request that somebody meant, as it is now."""
    if isinstance(event, Pressed):
        press = made_of.pressed(event.token)
        try:
            subject = cards.get(press.card_id).subject if press else ""
        except NotFound:
            return None
    else:
        card = cards.at(event.channel, event.chat, event.reply_to)
        subject = card.subject if card and card.kind == "approval" else ""
    return requests.get(subject) if subject else None


def _denied(event: Pressed | Typed, person: Person | None, request: Request | None, why: str) -> None:
    of = {"effect": Effect.APPROVE, "channel": event.channel, "why": why}
    if person is not None:
        of["role"] = person.role
    if request is not None:
        of["approval"] = request.id
    actor = person.id if person is not None else f"{event.channel}:{event.person}"
    log.append("denied", actor, of, at=tools.now(), case_id=request.case_id if request else None)


def _number(request: Request) -> int:
    return casefile.find(request.case_id).number


def _sentence(text: str) -> str:
    text = text[:1].upper() + text[1:]
    return text if text.endswith((".", "!", "?", ")")) else f"{text}."
