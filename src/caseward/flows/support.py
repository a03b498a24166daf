"""Support: from a message to an answer, a question, or a wait (SUP).

A story is one transaction and never waits for a person: it ends, the wait is a row, and the verdict begins the next
story in the transaction that records it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from caseward.core import ids
from caseward.core.approval import Approval, ApprovalState
from caseward.core.case import DONE, Case, CaseStatus, IdentityState
from caseward.core.errors import NotFound, Refused
from caseward.core.ids import ApprovalId, ContactId, ConversationId, DraftId
from caseward.core.messages import Inbound, Message
from caseward.core.pack import Plan
from caseward.core.policy import Decision, Hold, Tier
from caseward.core.review import Check
from caseward.core.task import Draft, ResultStatus
from caseward.core.turn import ASK_IDENTITY, ASK_SLOT, Picture, Turn
from caseward.desk import (
    approvals,
    drafting,
    executor,
    gate,
    health,
    identity,
    intake,
    promises,
    review,
    speaker,
    tools,
    triage,
)
from caseward.desk.drafting import Proposal
from caseward.durable import story
from caseward.store import approvals as requests
from caseward.store import cases, contacts, db, log, messages, timers
from caseward.store.effects import Task

RETRY = timedelta(minutes=5)
RETRIES = 6
WEBCHAT = "webchat"


def open_chat(*, language: str, sample_contact: str | None) -> tuple[str, ConversationId]:
    """Open a web-chat conversation and return its secret token and id; a sample contact's address counts as proved."""
    token = secrets.token_urlsafe(32)
    address = ids.new("chat")
    now = tools.now()
    with db.transaction():
        conversation_id = messages.open_conversation(
            WEBCHAT,
            address,
            token_hash=hashlib.sha256(token.encode()).hexdigest(),
            language=language,
            now=now,
        )
        if sample_contact is not None:
            contact = contacts.sample(ContactId(sample_contact))
            if contact is None:
                raise NotFound(f"there is no sample contact {sample_contact}")
            contacts.prove(WEBCHAT, address, contact.id, method="channel", now=now)
    return token, conversation_id


def receive(conversation_id: ConversationId, inbound: Inbound) -> Message:
    """Store a message, and have its turn begin once it is committed; raise BadInput for one that cannot be taken."""
    with db.transaction():
        received = intake.receive(conversation_id, inbound)
        if received.new:
            db.after_commit(lambda: tools.wake(conversation_id, received.turn, received.ready))
    return received.message


def stumble(conversation_id: str, turn_number: int) -> str:
    """A turn could not be worked: its messages are filed all the same, a person takes it, the contact hears of it."""
    filed = intake.file(ConversationId(conversation_id))
    if filed is None:
        return "nothing to do"
    turn, case = filed
    promises.on_inbound(case)
    promise = promises.next_promise(tools.now())
    log.append("error", "house", {"turn": turn.number, "what": "the turn could not be worked"}, at=tools.now(),
               case_id=case.id, conversation_id=case.conversation_id)  # fmt: skip
    key = f"ack:{case.id}:{turn.number}"
    speaker.tell(case, "acknowledgement", {"promise_time": promise}, address=_address(case), key=key)
    return _become(case, CaseStatus.OPEN)


def ask_again(approval_id: str) -> str:
    """A verdict could not be carried out: nothing was done, the people who decide are asked once more and told why."""
    request = requests.get(approval_id)
    case = _hold_still(request.case_id)
    draft, _checks, _at = requests.draft(request.draft_id)
    log.append("error", "house", {"approval": request.id, "what": "the verdict could not be carried out"},
               at=tools.now(), case_id=case.id)  # fmt: skip
    if request.state is not ApprovalState.OPEN:
        checks = review.check(case, draft, identity.of(case).state)
        _ask(case, _copy(draft), checks, lane=request.lane, tier=request.tier, question=request.question,
                       why="The last verdict could not be carried out; nothing was sent.")  # fmt: skip
    return _become(case, CaseStatus.WAITING_APPROVAL)


def let_be(timer: str) -> str:
    """A timer's work went wrong: it is set aside, on the record, so that it cannot hold up the others."""
    case_id, _, kind = timer.partition(" ")
    timers.take(case_id, kind, tools.now())
    log.append(
        "error", "house", {"timer": kind, "what": "the timer's work went wrong"}, at=tools.now(), case_id=case_id
    )
    return "set aside"


@story(otherwise=stumble)
def answer(conversation_id: str, turn_number: int) -> str:
    """One turn, from arrival to an answer, a question, or a wait."""
    filed = intake.file(ConversationId(conversation_id))
    if filed is None:
        return "nothing to do"
    turn, case = filed
    courtesy = triage.small_talk(turn.text)
    if courtesy:
        return _be_polite(case, turn, courtesy)
    if case.status in DONE:
        case = intake.reopen(case)
    promises.on_inbound(case)
    return respond(case, turn)


def respond(case: Case, turn: Turn, *, again: bool = False) -> str:
    """Understand, decide, draft, check; then say it, ask the contact, or ask a person."""
    before = case
    seen = triage.understand(case, turn, again=again)
    case, who = identity.establish(case, turn, seen)
    picture = triage.collect(case, turn, seen, who)
    health.listen(picture.heard)
    case, decision, decision_id = gate.decide(case, turn.number, picture)
    promise = promises.on_decision(case, decision.tier)

    if decision.hold is Hold.VERIFICATION:
        return _ask_identity(case, turn, picture)
    if decision.hold is Hold.DEGRADED or (decision.hold is Hold.MISSING and picture.degraded):
        return _wait_for_systems(case, turn, picture)
    if _adds_nothing(before, picture):
        return _carry_on(before, case, turn)

    proposal = drafting.propose(case, turn, picture, decision, decision_id=decision_id, promise=promise)
    if proposal.draft is None:
        return _offer_choice(case, turn, picture, proposal, promise=promise)

    checks = review.check(case, proposal.draft, who.state)
    if decision.auto_send and not review.failures(checks):
        requests.keep_draft(proposal.draft, checks=[], at=tools.now())
        return fulfil(case, proposal.draft, speaker.by_policy(proposal.draft, decision, now=tools.now()), who.state)
    return _ask_people(before, case, turn, picture, decision, proposal.plan, proposal.draft, checks, promise=promise)


@story(otherwise=ask_again)
def conclude(approval_id: str) -> str:
    """What a person decided, carried out: they consented to exactly these words, edited or not."""
    request = requests.get(approval_id)
    case = _hold_still(request.case_id)
    draft, _checks, _at = requests.draft(request.draft_id)
    who = identity.of(case)
    if request.state is ApprovalState.DENIED:
        speaker.tell(case, "declined", {}, address=draft.address, key=f"declined:{request.id}")
        return _become(case, CaseStatus.RESOLVED, disposition="declined", pending={})
    if request.state is ApprovalState.ESCALATED:
        lane = tools.pack().profile.lanes[request.lane].escalates_to or request.lane
        checks = review.check(case, draft, who.state)
        _ask(case, _copy(draft), checks, lane=lane, tier=request.tier, question=request.question,
                       why=request.reason)  # fmt: skip
        return _become(case, CaseStatus.WAITING_APPROVAL)
    if request.state not in (ApprovalState.APPROVED, ApprovalState.EDITED) or request.decided_at is None:
        return str(case.status)

    picture = triage.refresh(case, who, draft.decision)
    health.listen(picture.heard)
    changed = drafting.outdated(draft, picture, draft.language)
    if changed and draft.template:
        return _facts_moved(case, changed, lane=request.lane)
    if not draft.resolves:
        case = cases.change(case, tools.now(), owner=request.decided_by)
    consent = approvals.consent(request)
    return fulfil(case, draft, consent, who.state, approval_id=request.id, by_person=not draft.template)


def fulfil(
    case: Case, draft: Draft, consent: Approval, who: IdentityState, *, approval_id: str = "", by_person: bool = False
) -> str:
    """Do the work and say so, or just say it. Words about work are said only when the work has succeeded."""
    if draft.task is not None:
        task = executor.queue(case, draft, consent, approval_id=approval_id)
        if task.draft_id != draft.id:
            return _asked_before(case, draft, task)
        return _become(case, CaseStatus.WAITING_EXECUTION, pending={})
    speaker.say(case, draft, consent, identity=who, key=f"reply:{draft.id}", by_person=by_person)
    if draft.resolves:
        return _become(case, CaseStatus.RESOLVED, disposition=draft.disposition, pending={})
    return _become(case, CaseStatus.WAITING_CUSTOMER if by_person else CaseStatus.OPEN, pending={})


def resolve(case_id: str, *, person: str, role: str) -> str:
    """Have a person settle a case they hold; what is still asked about it is withdrawn, undone.

    Raises NotFound for no such case, Refused for a role that decides in no lane.
    """
    with db.transaction():
        _require_a_decider(case_id, person, role)
        case = _hold_still(case_id)
        approvals.withdraw(case, f"the case was resolved by {person}")
        log.append("case", person, {"status": "resolved by a person"}, at=tools.now(), case_id=case.id)
        return _become(case, CaseStatus.RESOLVED, disposition="by a person", pending={})


def hand_back(case_id: str, *, person: str, role: str) -> None:
    """Have a person give a case back to the desk, which answers by itself again where policy lets it."""
    with db.transaction():
        _require_a_decider(case_id, person, role)
        case = _hold_still(case_id)
        cases.change(case, tools.now(), owner="desk")
        log.append("case", person, {"owner": "desk", "was": case.owner}, at=tools.now(), case_id=case.id)


def _require_a_decider(case_id: str, person: str, role: str) -> None:
    if any(role in lane.roles for lane in tools.pack().profile.lanes.values()):
        return
    with db.apart():
        log.append("denied", person, {"effect": "case", "role": role}, at=tools.now(), case_id=case_id)
    raise Refused(f"a {role.replace('_', ' ')} reads cases and does not settle them")


@story(otherwise=ask_again)
def expire(approval_id: str) -> str:
    """Nobody decided in time, which counts as denied: nothing is done, the contact is told, the next lane is asked."""
    request = approvals.expire(ApprovalId(approval_id))
    if request is None:
        return "decided meanwhile"
    case = _hold_still(request.case_id)
    draft, _checks, _at = requests.draft(request.draft_id)
    again = promises.next_promise(tools.now())
    speaker.tell(case, "stalled", {"promise_time": again}, address=draft.address, key=f"expired:{request.id}")
    lane = tools.pack().profile.lanes[request.lane].escalates_to or request.lane
    checks = review.check(case, draft, identity.of(case).state)
    _ask(case, _copy(draft), checks, lane=lane, tier=request.tier, question=request.question,
                   why="Nobody decided in time.")  # fmt: skip
    return _become(case, CaseStatus.WAITING_APPROVAL)


@story(otherwise=let_be)
def tick(timer: str) -> str:
    """A case's timer is due: warn, record a breach, tell the contact before silence, try again, or close."""
    case_id, _, kind = timer.partition(" ")
    case = _hold_still(case_id)
    if not timers.take(case_id, kind, tools.now()):
        return "moved"
    address = _address(case)
    match kind.rpartition("_"):
        case (clock, _, "warn") if _unmet(case, clock):
            promises.warn(case, clock)
        case (clock, _, "breach") if _unmet(case, clock):
            promises.breach(case, clock)
        case (clock, _, "update") if _unmet(case, clock):
            again = promises.next_promise(tools.now())
            key = f"stalled:{case.id}:{case.turns}:{again.isoformat()}"
            speaker.tell(case, "stalled", {"promise_time": again}, address=address, key=key)
            timers.set_timer(case.id, "resolution_update", again - timedelta(minutes=1))
        case ("", "", "retry"):
            turn = intake.again(case)
            return respond(case, turn, again=True) if turn else "nothing to retry"
        case ("", "", "close") if case.status is CaseStatus.RESOLVED:
            speaker.tell(case, "closing", {}, address=address, key=f"closing:{case.id}:{case.reopened}")
            return _become(case, CaseStatus.CLOSED)
        case _:
            return "no longer due"
    return kind


# --- what a story does more than once ---------------------------------------------------------------------------------


def _be_polite(case: Case, turn: Turn, template: str) -> str:
    """Answer a greeting or a thank-you in kind, and leave everything else as it was."""
    speaker.tell(case, template, {}, address=_address(case), key=f"{template}:{case.id}:{turn.number}")
    return str(case.status) if case.status is not CaseStatus.NEW else _become(case, CaseStatus.WAITING_CUSTOMER)


def _ask_identity(case: Case, turn: Turn, picture: Picture) -> str:
    """Ask for exactly the fields that policy names; nothing was read so far."""
    wrong = picture.who.state is IdentityState.MISMATCH and case.pending.get("ask") == ASK_IDENTITY
    template = "identity-mismatch" if wrong else "identity-request"
    case = cases.change(case, tools.now(), questions=case.questions + (0 if wrong else 1))
    speaker.tell(case, template, {}, address=_address(case), key=f"identity:{case.id}:{turn.number}")
    return _become(case, CaseStatus.PENDING_VERIFICATION, pending=_remember(turn, picture, ask=ASK_IDENTITY))


def _offer_choice(case: Case, turn: Turn, picture: Picture, proposal: Proposal, *, promise: datetime) -> str:
    """Offer the free times; what is offered is remembered, so that `2` means the second of them."""
    case = cases.change(case, tools.now(), questions=case.questions + 1)
    options = [each.isoformat() for each in proposal.options]
    speaker.tell(case, proposal.plan.ask, {"options": options}, address=_address(case),
                 key=f"choice:{case.id}:{turn.number}")  # fmt: skip
    pending = {**_remember(turn, picture, ask=ASK_SLOT), "options": options}
    return _become(case, CaseStatus.WAITING_CUSTOMER, pending=pending)


def _wait_for_systems(case: Case, turn: Turn, picture: Picture) -> str:
    """Say that some data cannot be read, promise a time, claim nothing, and try again by ourselves for a while."""
    tries = int(case.pending.get("tries", 0)) + 1
    promise = promises.next_promise(tools.now())
    key = f"degraded:{case.id}:{turn.number}"
    speaker.tell(case, "degraded", {"promise_time": promise}, address=_address(case), key=key)
    if tries <= RETRIES:
        timers.set_timer(case.id, "retry", tools.now() + RETRY)
    pending = {**_remember(turn, picture, ask=""), "tries": tries}
    return _become(case, CaseStatus.OPEN, pending=pending)


def _ask_people(
    before: Case,
    case: Case,
    turn: Turn,
    picture: Picture,
    decision: Decision,
    plan: Plan,
    draft: Draft,
    checks: Sequence[Check],
    *,
    promise: datetime,
) -> str:
    """Open a request for consent, and acknowledge at once: heard, and by when, promising nothing."""
    lanes = tools.pack().policy.lanes
    lane = decision.approval if decision.approval != lanes[0] else lanes[1]
    waiting = requests.open_of(case.id)
    if before.intent == case.intent:
        approvals.withdraw(case, "superseded by a newer draft")
    _ask(case, draft, checks, lane=lane, tier=decision.tier, question=plan.question, why=plan.why)
    if not waiting:
        template = "identity-locked" if picture.who.insists else plan.acknowledge or "acknowledgement"
        speaker.tell(case, template, {"promise_time": promise}, address=_address(case),
                     key=f"ack:{case.id}:{turn.number}")  # fmt: skip
    pending = {**_remember(turn, picture, ask=""), "options": case.pending.get("options", [])}
    return _become(case, CaseStatus.WAITING_APPROVAL, pending=pending)


def _ask(case: Case, draft: Draft, checks: Sequence[Check], *, lane: str, tier: Tier, question: str, why: str) -> None:
    """Ask the people of a lane, and watch the time they take."""
    approvals.open(case, draft, checks, lane=lane, tier=tier, question=question, why=why)
    promises.on_request(case)


def _adds_nothing(before: Case, picture: Picture) -> bool:
    """Return whether a person is being asked already and this turn asks for nothing new ("any news?")."""
    new = picture.understanding.intent != "other" or picture.finding.sure
    return not new and before.status is CaseStatus.WAITING_APPROVAL and bool(requests.open_of(before.id))


def _asked_before(case: Case, draft: Draft, task: Task) -> str:
    """The same effect was asked for before, and may happen or have happened: a person says what to tell the contact."""
    told = replace(_copy(draft), task=None, template="", resolves=False, replies={ResultStatus.SUCCESS: ""})
    checks = review.check(case, told, identity.of(case).state, by_person=True)
    why = f"{task.request.summary or task.request.skill}: this was asked for before and is {task.state}."
    _ask(case, told, checks, lane=tools.pack().policy.lanes[-1], tier=Tier.R3,
                   question="What should the customer be told?", why=why)  # fmt: skip
    return _become(case, CaseStatus.WAITING_APPROVAL, pending={})


def _carry_on(before: Case, case: Case, turn: Turn) -> str:
    """Say that we are still at it, and leave the matter that is being decided as it was."""
    now = tools.now()
    promised = cases.clocks_of(case.id)["resolution"].due_at
    promise = max(promised, promises.next_promise(now))
    case = cases.change(
        case, now, intent=before.intent, category=before.category, severity=before.severity, tier=before.tier
    )
    speaker.tell(case, "acknowledgement", {"promise_time": promise}, address=_address(case),
                 key=f"still:{case.id}:{turn.number}")  # fmt: skip
    return _become(case, CaseStatus.WAITING_APPROVAL)


def _facts_moved(case: Case, changed: list[str], *, lane: str) -> str:
    """What the words rest on has changed since: draft and ask again rather than say what is not so."""
    log.append("stale", "A", {"readings": changed, "lane": lane}, at=tools.now(), case_id=case.id)
    turn = intake.again(case)
    return respond(case, turn, again=True) if turn else _become(case, CaseStatus.OPEN)


def _remember(turn: Turn, picture: Picture, *, ask: str) -> dict[str, Any]:
    """Return what the next turn must know of this one."""
    seen = picture.understanding
    said = "\n".join(text for text in (turn.earlier, turn.text) if text)[-2000:]
    flags = sorted(name for name, value in seen.flags.items() if value)
    return {"ask": ask, "intent": seen.intent, "flags": flags, "severity": seen.severity, "said": said}


def _become(case: Case, status: CaseStatus, **fields: Any) -> str:
    now = tools.now()
    if status is CaseStatus.RESOLVED:
        fields["resolved_at"] = now
        if requests.open_of(case.id):
            status = CaseStatus.WAITING_APPROVAL
    case = cases.change(case, now, status=status, **fields)
    promises.on_status(case)
    log.append("case", "house", {"status": status}, at=now, case_id=case.id, conversation_id=case.conversation_id)
    return str(status)


def _copy(draft: Draft) -> Draft:
    """Return the same proposal as a draft of its own, to be asked about anew."""
    return replace(draft, id=DraftId(ids.new("drf")))


def _hold_still(case_id: str) -> Case:
    """Lock the case's conversation and the case: its stories go one by one."""
    messages.lock(cases.get(case_id).conversation_id)
    return cases.get(case_id, lock=True)


def _unmet(case: Case, clock: str) -> bool:
    row = cases.clocks_of(case.id).get(clock)
    return row is not None and row.met_at is None and row.paused_at is None and case.status not in DONE


def _address(case: Case) -> str:
    row = messages.conversation(case.conversation_id)
    if row is None:
        raise NotFound(f"case {case.id} has no conversation")
    return f"{row.channel}:{row.address}"
