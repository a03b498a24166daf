"""A contact has what was said in the chat mailed: asked for there, proved by a code where it must be, said once."""

from __future__ import annotations

from datetime import timedelta

from caseward.core.approval import Approval
from caseward.core.case import Case, IdentityState
from caseward.core.errors import BadInput, NotFound, SystemDown
from caseward.core.ids import ConversationId
from caseward.core.masking import masked_email
from caseward.core.roles import Actor
from caseward.desk import casework, identity, letters, speaker, tools, transcripts
from caseward.durable import story
from caseward.store import approvals as requests
from caseward.store import cases, contacts, db, log
from caseward.store import transcripts as store

SENDING, CODE = "sending", "code"
"""What becomes of a wish: it is on its way, or waits for the code that was mailed."""


def offered() -> bool:
    """Return whether what is said in the chat can be had by mail."""
    return transcripts.declared() is not None


def waits_at(conversation_id: ConversationId) -> str:
    """Return to which address a code was mailed that is waited for, masked; empty for none."""
    with db.transaction():
        found = store.waiting(conversation_id, now=tools.now())
    return masked_email(found.address) if found else ""


def ask(conversation_id: ConversationId, address: str) -> str:
    """Take in that the contact of a chat wants it at an address; return SENDING or CODE.

    Raises:
        NotFound: no mail can leave, or the pack has no words for it.
        BadInput: nothing was said yet, it is no address, or it was asked for too often.
        SystemDown: the code could not be mailed.
    """
    words = transcripts.declared()
    if words is None:
        raise NotFound("no conversation leaves by mail here")
    with db.transaction():
        case = _case(conversation_id)
        wish = transcripts.ask(case, address, registered=_registered(case))
        if not wish.code:
            tools.begin("send_transcript", wish.id, f"transcript:{wish.id}")
            return SENDING
        subject, text = transcripts.letter(wish, words, case)
    sent = letters.send(
        letters.Kind.CODE, wish.id, wish.address, subject=subject, text=text, by=Actor.B, role=Actor.B, about={},
        conversation=conversation_id,
    )  # fmt: skip
    if not sent:
        with db.transaction():
            transcripts.drop(case, wish)
        raise SystemDown("email", "the code could not be sent")
    return CODE


def confirm(conversation_id: ConversationId, code: str) -> bool:
    """Take the code that proves an address; return whether it did, so that the mail is on its way."""
    with db.transaction():
        confirmed = transcripts.confirm(_case(conversation_id), code)
        if confirmed:
            tools.begin("send_transcript", confirmed, f"transcript:{confirmed}")
    return bool(confirmed)


def not_sent(transcript_id: str) -> str:
    """It could not be said: that is on the record."""
    wish = store.get(transcript_id)
    log.append("transcript", "house", {"state": "not sent", "to": masked_email(wish.address)}, at=tools.now(),
               conversation_id=wish.conversation_id)  # fmt: skip
    return "not sent"


@story(otherwise=not_sent)
def send_transcript(transcript_id: str) -> str:
    """Say by mail what was said in the chat so far, once; on the pack's own consent, for nothing of it is new."""
    wish, words = store.get(transcript_id), transcripts.declared()
    case = casework.hold_still(_case(ConversationId(wish.conversation_id)).id)
    if words is None or wish.state != store.CONFIRMED:
        return not_sent(transcript_id)
    who = identity.of(case, f"{transcripts.CHANNEL}:{wish.address}")
    mail = transcripts.draft(case, wish, words)
    requests.keep_draft(mail, checks=[], at=tools.now())
    consent = Approval.of(mail, approver="policy", expires_at=tools.now() + timedelta(hours=1))
    known = contacts.get(case.contact_id) if case.contact_id and who.state is not IdentityState.VERIFIED else None
    said = transcripts.said(case, words, name=known.name if known else "")
    speaker.say(case, mail, consent, identity=who.state, actor=Actor.B, key=f"transcript:{wish.id}", enclosed=said)
    return "sent"


def _case(conversation_id: ConversationId) -> Case:
    case = cases.latest(conversation_id)
    if case is None:
        raise BadInput("nothing was said here yet")
    return case


def _registered(case: Case) -> str:
    """Return the address on the record of who was proved to write in a case; empty for nobody."""
    who = identity.of(case)
    return who.contact.email if who.state is IdentityState.VERIFIED and who.contact else ""
