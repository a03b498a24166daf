"""Words to contacts outside: mark them, hand them over, record it. What did not arrive is a person's to know."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import timedelta
from typing import Any

from caseward.core import ids
from caseward.core.approval import Approval
from caseward.core.case import Case, CaseStatus, IdentityState
from caseward.core.errors import Refused
from caseward.core.events import Delivery
from caseward.core.ids import DraftId
from caseward.core.task import Draft, Evidence, ResultStatus
from caseward.desk import casework, identity, post, speaker, tools, wires
from caseward.durable import errand, story
from caseward.store import approvals as requests
from caseward.store import db, log, messages, outbox, precedence
from caseward.store import wires as states
from caseward.store.effects import EffectState
from caseward.store.outbox import Parcel

UNHEARD = (CaseStatus.NEW, CaseStatus.WAITING_CUSTOMER, CaseStatus.RESOLVED, CaseStatus.CLOSED)
"""Statuses in which nobody would look at a case whose words did not arrive."""


@errand
def deliver(outbox_id: str) -> str:
    """Hand words over to a channel that has to be called; an ambiguous failure is looked up, never repeated blindly.

    The words' row is the record: what is marked and not reported is looked at again when its time is up.
    """
    with db.transaction():
        handed = post.hand_out(outbox_id)
    if handed is None:
        return "not now"
    outcome = _send(outbox_id, handed)
    with db.transaction():
        return _report(outbox_id, handed, outcome)


def _send(outbox_id: str, handed: dict[str, Any]) -> dict[str, Any]:
    with db.transaction():
        parcel = outbox.get(outbox_id)
        if (parcel.state, parcel.attempts) != (EffectState.RUNNING, handed["attempt"]):
            return {"state": EffectState.UNKNOWN, "error": "settled or taken over before it was handed over"}
        said = post.reply(parcel, handed["approved"])
        plug = tools.channel(parcel.channel)
    with precedence.elsewhere():
        time.sleep(handed["wait"])
        return post.send(plug, parcel, said, surely_new=handed["fresh"])


def _report(outbox_id: str, handed: dict[str, Any], outcome: dict[str, Any]) -> str:
    came, channel = post.report(outbox_id, handed, outcome), outbox.get(outbox_id).channel
    if came == post.SETTLED:
        return came
    if outcome["state"] not in (EffectState.DONE, EffectState.FAILED):
        wires.failed(channel, outcome["error"])
        if wires.lost(channel):
            tools.begin("told_otherwise", outbox_id, f"told_otherwise:{outbox_id}")
        return came
    if states.of(channel).failures >= wires.FAILURES:
        wires.connected(channel)
    wires.sent(channel)
    return came


def set_aside(outbox_id: str) -> str:
    """Telling of words that did not arrive went wrong itself: it is on the record at least."""
    log.append("error", "house", {"outbox": outbox_id, "what": "nobody could be told that these words did not arrive"},
               at=tools.now(), case_id=outbox.get(outbox_id).case_id)  # fmt: skip
    return "set aside"


@story(otherwise=set_aside)
def undelivered(outbox_id: str) -> str:
    """Words wait, or did not arrive: the case says so in plain words, and a person has to see to it, unless the same
    words went to the address on record instead."""
    parcel = outbox.get(outbox_id)
    case = casework.hold_still(parcel.case_id)
    instead = _said_instead(case, parcel)
    why = f"This did not arrive on {parcel.channel}; it was sent on {instead} instead." if instead else _why(parcel)
    messages.add(case.conversation_id, case_id=case.id, author="house", text=why, at=tools.now(), kind="note")
    payload = {"outbox": parcel.id, "message": parcel.message_id, "channel": parcel.channel, "state": parcel.state}
    payload |= {"fault": parcel.fault, "why": why, **({"instead": instead} if instead else {})}
    log.of_case(case, "undelivered", "house", payload, at=tools.now())
    if instead:
        return "said instead"
    if parcel.reply.get("courtesy") and parcel.fault in post.MISSED:
        return "noted"  # it only said that we are at it, or that we close
    tools.announce("alarm", f"parcel:{parcel.id}", case.id)
    return _wake(case)


@story(otherwise=set_aside)
def told_otherwise(outbox_id: str) -> str:
    """Words wait because the line to their channel is lost: whoever they are for hears so elsewhere, once a case and
    loss, at the address on record. Only who is known has one."""
    parcel = outbox.get(outbox_id)
    case = casework.hold_still(parcel.case_id)
    policy, contact = tools.pack().channels.of(parcel.channel), identity.of(case).contact
    if not policy.lost or policy.formal not in tools.given().channels or contact is None or not contact.email:
        return "nobody to tell"
    since = states.of(parcel.channel).lost_at
    told = speaker.tell(case, policy.lost, {"reference": f"#{case.number}"}, address=f"{policy.formal}:{contact.email}",
                        key=f"lost:{case.id}:{since:%Y%m%d%H%M}" if since else f"lost:{case.id}")  # fmt: skip
    return "told" if told else "told before"


def _said_instead(case: Case, parcel: Parcel) -> str:
    """Say an answer that can never arrive at the contact's address on record, where the pack has that done; return on
    which channel, or nothing. The words were consented to for this contact, whose address it was that they failed at:
    nothing is new but the way."""
    policy = tools.pack().channels.of(parcel.channel)
    over = parcel.state is EffectState.FAILED or parcel.delivery is Delivery.FAILED
    answer = parcel.key.removeprefix("reply:") if parcel.key.startswith("reply:") else ""
    if not (policy.instead and over and answer) or parcel.fault in post.MISSED:
        return ""
    heard = identity.of(case, f"{parcel.channel}:{parcel.address}").state is IdentityState.VERIFIED
    contact = identity.on_record(case.contact_id) if case.contact_id and heard else None
    if contact is None or not contact.email or policy.formal not in tools.given().channels:
        return ""
    draft, _checks, _at = requests.draft(DraftId(answer.partition(":")[0]))
    said = replace(draft, id=DraftId(ids.new("drf")), replies={ResultStatus.SUCCESS: parcel.text}, task=None,
                   evidence=(*draft.evidence, _heard(draft, parcel)), address=f"{policy.formal}:{contact.email}",
                   resolves=False)  # fmt: skip
    consent = Approval.of(said, approver="policy", expires_at=tools.now() + timedelta(minutes=1))
    requests.keep_draft(said, checks=[], at=tools.now())
    try:
        done = speaker.say(case, said, consent, identity=identity.of(case, said.address).state,
                           key=f"instead:{parcel.id}", by_person=not draft.template)  # fmt: skip
    except Refused:
        return ""
    return policy.formal if done else ""


def _heard(draft: Draft, parcel: Parcel) -> Evidence:
    """Return what shows that words were consented to and said, in an outcome of their own."""
    kind = "result" if draft.task is not None else "reading"
    return Evidence(id=draft.id, kind=kind, title="What was said and consented to", excerpt=parcel.text, source="desk",
                    at=tools.now())  # fmt: skip


def _wake(case: Case) -> str:
    if case.status not in UNHEARD:
        return str(case.status)
    return casework.become(case, CaseStatus.OPEN, resolved_at=None)


def _why(parcel: Parcel) -> str:
    """Return what is the matter with words, for a person."""
    error = parcel.error or parcel.fault
    match parcel.state:
        case EffectState.HELD:
            until = f"{parcel.keeps_until:%Y-%m-%d %H:%M} UTC"
            return (
                f"Not sent yet on {parcel.channel}: {error}. It waits for that until {until}; or reach them otherwise."
            )
        case EffectState.UNKNOWN:
            return f"Was this sent? {parcel.channel} does not say, and it is not sent again by itself: {error}."
        case _:
            return (
                f"This did not arrive on {parcel.channel}: {error}. Reach them otherwise, or try again in other words."
            )
