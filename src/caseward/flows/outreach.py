"""Writing first: a playbook is asked whom to write to, and each message is judged, drafted, checked and said once.

A pack that is in force is the consent: to one approved template, for one reason, within its bounds. Whatever stands in
the way is recorded with the message; what only has to wait is looked at again.
"""

from __future__ import annotations

from datetime import timedelta

from caseward.core.approval import Approval
from caseward.core.case import IdentityState
from caseward.core.errors import SystemDown
from caseward.core.outreach import Step, Verdict
from caseward.desk import casework, links, outreach, review, speaker, tools
from caseward.durable import story
from caseward.store import approvals, messages


def stop_asking(playbook_id: str) -> str:
    """A playbook could not be asked: it is tried again at its next time."""
    outreach.begin(playbook_id)
    outreach.failed(playbook_id, "it could not be asked; see the program's log")
    return "failed"


def give_up(key: str) -> str:
    """A message could not be written: it is passed over, on the record."""
    return outreach.give_up(key, "the words could not be sent; see the program's log")


@story(otherwise=stop_asking)
def run_playbook(playbook_id: str) -> str:
    """Ask whom to write to, and have everybody written to who may be."""
    playbook = outreach.begin(playbook_id)
    if playbook is None:
        return "not due"
    try:
        calls = outreach.look(playbook)
    except SystemDown as down:
        outreach.failed(playbook_id, str(down))
        return "put off"
    now = tools.now()
    for key in outreach.note(calls, now):
        tools.begin("write_first", key, f"outreach:{key}:{now.timestamp()}")
    return f"{len(calls)} called for"


@story(otherwise=give_up)
def write_first(key: str) -> str:
    """Write one message, if that may still be done."""
    call = outreach.again(key)
    if call is None:
        return "settled before"
    to = call.verdict.to
    if call.verdict.step is not Step.SEND or to is None:
        return outreach.put_off(call, call.verdict)
    now = tools.now()
    conversation = links.home(to.channel, to.address) or messages.open_conversation(
        to.channel, to.address, token_hash=None, language="", now=now
    )
    messages.lock(conversation)
    case = outreach.case_for(conversation, call, to)
    if case.leased(now) or casework.is_unmet(case, "first_response"):
        return outreach.put_off(call, outreach.later("they wait for an answer of ours, or a person speaks with them"))

    draft = outreach.draft(case, call, to)
    failures = review.failures(review.check(case, draft, IdentityState.VERIFIED))
    if failures:
        return outreach.put_off(call, Verdict(step=Step.SKIP, why=f"the review refused it: {'; '.join(failures)}"))
    approvals.keep_draft(draft, checks=[], at=now)
    consent = Approval.of(draft, approver="policy", expires_at=now + timedelta(minutes=call.playbook.every_minutes))
    outbox_key = f"playbook:{key}"
    speaker.say(case, draft, consent, identity=IdentityState.VERIFIED, key=outbox_key, courtesy=True,
                unasked=True)  # fmt: skip
    outreach.sent(call, case, draft, outbox_key)
    return "sent"
