"""A case goes on at another address, is confirmed there, or is no longer proved to be anybody's."""

from __future__ import annotations

from datetime import timedelta

from caseward.core.approval import Approval
from caseward.core.case import DONE, Case, CaseStatus, IdentityState
from caseward.core.ids import ContactId, DraftId
from caseward.core.masking import masked_email
from caseward.core.roles import Actor
from caseward.desk import approvals, casework, confirmations, identity, links, promises, speaker, tools
from caseward.durable import story
from caseward.store import approvals as requests
from caseward.store import cases, log

ASK, TELL = "formal-verification", "continues-by-email"
"""Templates: what a registered address is asked, and what is said where the contact writes."""


def set_aside(subject: str) -> str:
    """A fault of ours: a person takes the case, and nothing was proved or said."""
    case = casework.hold_still(subject.split()[0])
    log.append("error", "house", {"what": f"could not be done: {subject}"}, at=tools.now(), case_id=case.id)
    return str(case.status) if case.status in DONE else casework.become(case, CaseStatus.OPEN)


@story(otherwise=set_aside)
def prove_by_mail(subject: str) -> str:
    """Ask the address on a contact's record whether it is they who write elsewhere: case, contact, and who wants it."""
    case_id, _, wanted = subject.partition(" ")
    contact_id, _, by = wanted.rpartition(" ")
    case = casework.hold_still(case_id)
    contact = identity.on_record(ContactId(contact_id))
    here = casework.address(case)
    asked = links.ask_proof(case, contact, here, by=by) if contact is not None else None
    if contact is None or asked is None:
        return _give_up(case, here)
    proof, new = asked
    if new:
        speaker.tell(case, ASK, {"reference": f"#{case.number}"}, address=proof.sent, key=f"{links.PROOF}{proof.id}")
    speaker.tell(case, TELL, {"masked_email": masked_email(contact.email)}, address=here,
                 key=f"moved:{case.id}:{case.turns}")  # fmt: skip
    return casework.become(case, CaseStatus.PENDING_VERIFICATION)


def _give_up(case: Case, here: str) -> str:
    """No address can be asked, or it was asked too often: a person carries on."""
    promise = promises.next_promise(tools.now())
    speaker.tell(case, "identity-locked", {"promise_time": promise}, address=here, key=f"locked:{case.id}:{case.turns}")
    return casework.become(case, CaseStatus.OPEN)


@story(otherwise=set_aside)
def moved_by_a_person(subject: str) -> str:
    """Say, where the contact wrote so far, that a person has the case go on by mail."""
    case_id, was = subject.split(maxsplit=1)
    case = casework.hold_still(case_id)
    _channel, _, address = case.reach.partition(":")
    if "@" in address and was != case.reach:
        speaker.tell(case, TELL, {"masked_email": masked_email(address)}, address=was,
                     key=f"moved:{case.id}:{case.reach}:{case.turns}")  # fmt: skip
    return str(case.status)


@story(otherwise=set_aside)
def unproven(subject: str) -> str:
    """An address passed on: what was asked about words that would go there is withdrawn, and where the case began
    there, it waits for a new proof."""
    case_id, at = subject.split(maxsplit=1)
    case = casework.hold_still(case_id)
    approvals.withdraw(case, "the address passed on to somebody else", lambda _, draft: draft.address == at)
    if case.reach == at:
        case = cases.change(case, tools.now(), reach="")
    if case.status in DONE or identity.of(case).state is IdentityState.VERIFIED or links.began_at(case) != at:
        return str(case.status)
    case = cases.change(case, tools.now(), contact_id=None)
    return casework.become(case, CaseStatus.PENDING_VERIFICATION, pending={})


def unconfirmed(draft_id: str) -> str:
    """A confirmation could not be sent: that is on the record, and the matter itself stands as it was."""
    draft, _checks, _at = requests.draft(DraftId(draft_id))
    said = {"template": draft.template, "state": "not sent", "why": "it could not be said"}
    log.append("confirmation", "house", said, at=tools.now(), case_id=draft.case_id)
    return "not confirmed"


@story(otherwise=unconfirmed)
def confirm(draft_id: str) -> str:
    """Confirm by mail what was said elsewhere: the same facts, to the address on record, once a case and template."""
    draft, _checks, _at = requests.draft(DraftId(draft_id))
    case = casework.hold_still(draft.case_id)
    contact = identity.on_record(case.contact_id) if case.contact_id else None
    mail = confirmations.of(case, draft, contact)
    if mail is None:
        return "not confirmed"
    requests.keep_draft(mail, checks=[], at=tools.now())
    consent = Approval.of(mail, approver="policy", expires_at=tools.now() + timedelta(minutes=1))
    speaker.say(case, mail, consent, identity=identity.of(case, mail.address).state, actor=Actor.B,
                key=confirmations.key(case, draft))  # fmt: skip
    return "confirmed"
