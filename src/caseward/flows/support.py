"""Support: from a message to an answer, a question, or a wait (SUP).

A story is one transaction and never waits for a person: it ends, the wait is a row, and the verdict begins the next
story in the transaction that records it.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from caseward.core import ids
from caseward.core.approval import AGREED, Approval, ApprovalState, Terms
from caseward.core.case import DONE, Case, CaseStatus, IdentityState
from caseward.core.errors import NotFound
from caseward.core.ids import ApprovalId, ContactId, ConversationId, DraftId
from caseward.core.messages import Inbound, Message
from caseward.core.pack import Plan
from caseward.core.policy import Decision, Hold, Tier
from caseward.core.review import Check
from caseward.core.task import Draft, ResultStatus
from caseward.core.turn import ASK_IDENTITY, ASK_SLOT, Picture, Turn
from caseward.desk import (
    approvals,
    casework,
    current,
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
    verdicts,
)
from caseward.desk.drafting import Proposal
from caseward.durable import story
from caseward.store import approvals as requests
from caseward.store import cases, contacts, db, log, messages, timers
from caseward.store.approvals import Request
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
    speaker.tell(case, "acknowledgement", {"promise_time": promise}, address=casework.address(case), key=key)
    return casework.become(case, CaseStatus.OPEN)


def ask_again(approval_id: str) -> str:
    """A verdict could not be carried out: nothing was done, the people who decide are asked once more and told why."""
    request = requests.get(approval_id)
    case = casework.hold_still(request.case_id)
    draft, _checks, _at = requests.draft(request.draft_id)
    requests.let_go(request.id, tools.now())
    log.append("error", "house", {"approval": request.id, "what": "the verdict could not be carried out"},
               at=tools.now(), case_id=case.id)  # fmt: skip
    if request.state is not ApprovalState.OPEN:
        _ask_anew(case, request, draft, lane=request.lane,
                  why="The last verdict could not be carried out; nothing was sent.")  # fmt: skip
    return casework.become(case, CaseStatus.WAITING_APPROVAL)


def let_be(timer: str) -> str:
    """A timer's work went wrong: it is set aside, on the record, so that it cannot hold up the others."""
    case_id, _, kind = timer.partition(" ")
    timers.take(case_id, kind, tools.now())
    log.append(
        "error", "house", {"timer": kind, "what": "the timer's work went wrong"}, at=tools.now(), case_id=case_id
    )
    if kind.startswith(verdicts.HOLD):
        return ask_again(kind.removeprefix(verdicts.HOLD))
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
    was = case.status
    if was in DONE:
        case = intake.reopen(case)
    promises.on_inbound(case)
    if was is CaseStatus.CLOSED:
        speaker.tell(case, "reopened", {}, address=casework.address(case), key=f"reopened:{case.id}:{case.reopened}")
    return respond(case, turn)


def respond(case: Case, turn: Turn, *, again: bool = False, consented: Consented | None = None) -> str:
    """Understand, decide, draft, check; then say it, ask the contact, or ask a person.

    What a person `consented` to before policy moved is done where it comes out the same; they are not asked twice.
    """
    before = case
    seen = triage.understand(case, turn, again=again)
    case, who = identity.establish(case, turn, seen)
    picture = triage.collect(case, turn, seen, who)
    health.listen(picture.heard)
    case, decision, decision_id = gate.decide(case, turn.number, picture)
    promise = promises.on_decision(case, decision.tier)

    if decision.hold is Hold.VERIFICATION and not decision.break_glass:
        return _ask_identity(case, turn, picture)
    waits = decision.hold is Hold.DEGRADED or (decision.hold is Hold.MISSING and picture.degraded)
    if waits and not decision.break_glass:
        return _wait_for_systems(case, turn, picture)
    if _adds_nothing(before, case, picture):
        return _carry_on(before, case, turn)

    proposal = drafting.propose(case, turn, picture, decision, decision_id=decision_id, promise=promise)
    if proposal.draft is None:
        return _offer_choice(case, turn, picture, proposal, promise=promise)

    checks = review.check(case, proposal.draft, who.state)
    if decision.auto_send and not review.failures(checks):
        requests.keep_draft(proposal.draft, checks=[], at=tools.now())
        return fulfil(case, proposal.draft, speaker.by_policy(proposal.draft, decision, now=tools.now()), who.state)
    if consented and consented.covers(proposal.draft, decision) and not review.failures(checks):
        requests.keep_draft(proposal.draft, checks=[asdict(check) for check in checks], at=tools.now())
        consent = approvals.consent(consented.request)
        return fulfil(case, proposal.draft, consent, who.state, approval_id=consented.request.id)
    return _ask_people(before, case, turn, picture, decision, proposal.plan, proposal.draft, checks, promise=promise,
                       moved=consented.why if consented else "")  # fmt: skip


@story(otherwise=ask_again)
def conclude(approval_id: str) -> str:
    """What a person decided, carried out: they consented to exactly these words, edited or not."""
    request = requests.get(approval_id)
    case = casework.hold_still(request.case_id)
    draft, _checks, _at = requests.draft(request.draft_id)
    who = identity.of(case)
    if request.state is ApprovalState.DENIED:
        speaker.tell(case, "declined", {}, address=draft.address, key=f"declined:{request.id}")
        return casework.become(case, CaseStatus.RESOLVED, disposition="declined", pending={})
    if request.state is ApprovalState.ESCALATED:
        _ask_anew(case, request, draft, lane=_next_lane(request), why=request.reason)
        return casework.become(case, CaseStatus.WAITING_APPROVAL)
    if request.state not in AGREED or request.held_until is not None:
        return str(case.status)

    picture = triage.refresh(case, who, draft.decision)
    health.listen(picture.heard)
    moved = _moved(case, request, draft, picture)
    if moved:
        return _decide_anew(case, request, draft, picture, moved)
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
        return casework.become(case, CaseStatus.WAITING_EXECUTION, pending={})
    speaker.say(case, draft, consent, identity=who, key=f"reply:{draft.id}", by_person=by_person)
    if draft.resolves:
        return casework.become(case, CaseStatus.RESOLVED, disposition=draft.disposition, pending={})
    return casework.become(case, CaseStatus.WAITING_CUSTOMER if by_person else CaseStatus.OPEN, pending={})


@story(otherwise=ask_again)
def expire(approval_id: str) -> str:
    """Nobody decided in time, which counts as denied: nothing is done, the contact is told, the next lane is asked."""
    request = approvals.expire(ApprovalId(approval_id))
    if request is None:
        return "decided meanwhile"
    case = casework.hold_still(request.case_id)
    draft, _checks, _at = requests.draft(request.draft_id)
    again = promises.next_promise(tools.now())
    speaker.tell(case, "stalled", {"promise_time": again}, address=draft.address, key=f"expired:{request.id}")
    _ask_anew(case, request, draft, lane=_next_lane(request), why=f"{request.reason.capitalize()}.")
    return casework.become(case, CaseStatus.WAITING_APPROVAL)


@story(otherwise=let_be)
def tick(timer: str) -> str:
    """A case's timer is due: warn, record a breach, tell the contact before silence, try again, or close."""
    case_id, _, kind = timer.partition(" ")
    case = casework.hold_still(case_id)
    if not timers.take(case_id, kind, tools.now()):
        return "moved"
    if kind.startswith(verdicts.HOLD):
        return "begun" if verdicts.let_go(kind.removeprefix(verdicts.HOLD)) else "taken back"
    address = casework.address(case)
    match kind.rpartition("_"):
        case (clock, _, "warn") if casework.is_unmet(case, clock):
            promises.warn(case, clock)
        case (clock, _, "breach") if casework.is_unmet(case, clock):
            promises.breach(case, clock)
        case (clock, _, "update") if casework.is_unmet(case, clock):
            again = promises.next_promise(tools.now())
            key = f"stalled:{case.id}:{case.turns}:{again.isoformat()}"
            speaker.tell(case, "stalled", {"promise_time": again}, address=address, key=key)
            timers.set_timer(case.id, "resolution_update", again - timedelta(minutes=1))
        case ("", "", "retry"):
            turn = intake.again(case)
            return respond(case, turn, again=True) if turn else "nothing to retry"
        case ("", "", "close") if case.status is CaseStatus.RESOLVED:
            speaker.tell(case, "closing", {}, address=address, key=f"closing:{case.id}:{case.reopened}")
            return casework.become(case, CaseStatus.CLOSED)
        case _:
            return "no longer due"
    return kind


# --- what a story does more than once ---------------------------------------------------------------------------------


def _be_polite(case: Case, turn: Turn, template: str) -> str:
    """Answer a greeting or a thank-you in kind, and leave everything else as it was."""
    speaker.tell(case, template, {}, address=casework.address(case), key=f"{template}:{case.id}:{turn.number}")
    return str(case.status) if case.status is not CaseStatus.NEW else casework.become(case, CaseStatus.WAITING_CUSTOMER)


def _ask_identity(case: Case, turn: Turn, picture: Picture) -> str:
    """Ask for exactly the fields that policy names; nothing was read so far."""
    wrong = picture.who.state is IdentityState.MISMATCH and case.pending.get("ask") == ASK_IDENTITY
    template = "identity-mismatch" if wrong else "identity-request"
    case = cases.change(case, tools.now(), questions=case.questions + (0 if wrong else 1))
    speaker.tell(case, template, {}, address=casework.address(case), key=f"identity:{case.id}:{turn.number}")
    return casework.become(case, CaseStatus.PENDING_VERIFICATION, pending=_remember(turn, picture, ask=ASK_IDENTITY))


def _offer_choice(case: Case, turn: Turn, picture: Picture, proposal: Proposal, *, promise: datetime) -> str:
    """Offer the free times; what is offered is remembered, so that `2` means the second of them."""
    case = cases.change(case, tools.now(), questions=case.questions + 1)
    options = [each.isoformat() for each in proposal.options]
    speaker.tell(case, proposal.plan.ask, {"options": options}, address=casework.address(case),
                 key=f"choice:{case.id}:{turn.number}")  # fmt: skip
    pending = {**_remember(turn, picture, ask=ASK_SLOT), "options": options}
    return casework.become(case, CaseStatus.WAITING_CUSTOMER, pending=pending)


def _wait_for_systems(case: Case, turn: Turn, picture: Picture) -> str:
    """Say that some data cannot be read, promise a time, claim nothing, and try again by ourselves for a while."""
    tries = int(case.pending.get("tries", 0)) + 1
    promise = promises.next_promise(tools.now())
    key = f"degraded:{case.id}:{turn.number}"
    speaker.tell(case, "degraded", {"promise_time": promise}, address=casework.address(case), key=key)
    if tries <= RETRIES:
        timers.set_timer(case.id, "retry", tools.now() + RETRY)
    pending = {**_remember(turn, picture, ask=""), "tries": tries}
    return casework.become(case, CaseStatus.OPEN, pending=pending)


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
    moved: str = "",
) -> str:
    """Open a request for consent, and acknowledge at once: heard, and by when, promising nothing."""
    lanes = tools.pack().policy.lanes
    lane = decision.approval if decision.approval != lanes[0] else lanes[1]
    waiting = requests.open_of(case.id)
    if before.intent == case.intent:
        approvals.withdraw(case, "superseded by a newer draft")
    _ask(case, draft, checks, lane=lane, tier=decision.tier, question=plan.question,
         why=f"{plan.why} {moved}".strip(), terms=Terms.of(decision))  # fmt: skip
    if not waiting:
        template = "identity-locked" if picture.who.insists else plan.acknowledge or "acknowledgement"
        speaker.tell(case, template, {"promise_time": promise}, address=casework.address(case),
                     key=f"ack:{case.id}:{turn.number}")  # fmt: skip
    pending = {**_remember(turn, picture, ask=""), "options": case.pending.get("options", [])}
    return casework.become(case, CaseStatus.WAITING_APPROVAL, pending=pending)


def _ask(case: Case, draft: Draft, checks: Sequence[Check], **of: Any) -> None:
    """Ask the people of a lane, and watch the time they take."""
    approvals.open(case, draft, checks, **of)
    promises.on_request(case)


def _ask_anew(case: Case, request: Request, draft: Draft, *, lane: str, why: str) -> None:
    """Ask the people of a lane about the draft of an earlier request, on the same terms."""
    draft = drafting.renewed(_copy(draft))
    checks = review.check(case, draft, identity.of(case).state)
    _ask(case, draft, checks, lane=lane, tier=request.tier, question=request.question, why=why,
         terms=request.terms)  # fmt: skip


def _next_lane(request: Request) -> str:
    return tools.pack().profile.lanes[request.lane].escalates_to or request.lane


def _adds_nothing(before: Case, case: Case, picture: Picture) -> bool:
    """Return whether a person is being asked already and this turn asks for nothing new ("any news?")."""
    new = picture.understanding.intent != "other" or picture.finding.sure or case.woken != before.woken
    return not new and before.status is CaseStatus.WAITING_APPROVAL and bool(requests.open_of(before.id))


def _asked_before(case: Case, draft: Draft, task: Task) -> str:
    """The same effect was asked for before, and may happen or have happened: a person says what to tell the contact."""
    told = replace(_copy(draft), task=None, template="", resolves=False, replies={ResultStatus.SUCCESS: ""})
    checks = review.check(case, told, identity.of(case).state, by_person=True)
    why = f"{task.request.summary or task.request.skill}: this was asked for before and is {task.state}."
    _ask(case, told, checks, lane=tools.pack().policy.lanes[-1], tier=Tier.R3,
         question="What should the customer be told?", why=why, terms=Terms.of(gate.unforeseen()))  # fmt: skip
    return casework.become(case, CaseStatus.WAITING_APPROVAL, pending={})


def _carry_on(before: Case, case: Case, turn: Turn) -> str:
    """Say that we are still at it, and leave the matter that is being decided as it was."""
    now = tools.now()
    promised = cases.clocks_of(case.id)["resolution"].due_at
    promise = max(promised, promises.next_promise(now))
    case = cases.change(
        case, now, intent=before.intent, category=before.category, severity=before.severity, tier=before.tier
    )
    speaker.tell(case, "acknowledgement", {"promise_time": promise}, address=casework.address(case),
                 key=f"still:{case.id}:{turn.number}")  # fmt: skip
    return casework.become(case, CaseStatus.WAITING_APPROVAL)


def _facts_moved(case: Case, changed: list[str], *, lane: str) -> str:
    """What the words rest on has changed since: draft and ask again rather than say what is not so."""
    log.append("stale", "A", {"readings": changed, "lane": lane}, at=tools.now(), case_id=case.id)
    turn = intake.again(case)
    return respond(case, turn, again=True) if turn else casework.become(case, CaseStatus.OPEN)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consented:
    """What a person consented to before policy moved."""

    request: Request
    why: str
    """What moved, for whoever is asked about it anew."""

    def covers(self, draft: Draft, decision: Decision) -> bool:
        """Return whether what was drafted anew is the same in words and effects, and asks for no more consent."""
        lanes, asked = tools.pack().policy.lanes, self.request
        same = draft.digest == asked.digest and decision.tier <= asked.tier and decision.needs <= asked.terms.needs
        return same and asked.lane in lanes and lanes.index(decision.approval) <= lanes.index(asked.lane)


def _moved(case: Case, request: Request, draft: Draft, picture: Picture) -> list[str]:
    """Return what the draft rests on that another release or phase has changed since, in words."""
    body = cases.decision(case.id, draft.decision)
    policy = tools.pack().policy
    if body is None or (body["release"], body.get("phase"), body.get("topology")) == (
        policy.release, policy.phase, policy.topology,
    ):  # fmt: skip
        return []
    drafted = Tier[body["tier"]] if draft.template else None
    said = gate.moved(picture, request, drafted=drafted, executes=draft.task is not None)
    if body["release"] != policy.release:
        intent = body.get("understanding", {}).get("intent", case.intent)
        said += drafting.moved(draft, intent, current.of_release(body["release"]))
    return said


def _decide_anew(case: Case, request: Request, draft: Draft, picture: Picture, moved: list[str]) -> str:
    """Policy moved while people were asked: decide and draft by what is in force; words a person wrote stay theirs."""
    policy = tools.pack().policy
    log.append("stale", "A", {"policy": moved, "lane": request.lane}, at=tools.now(), case_id=case.id,
               release=policy.release)  # fmt: skip
    why = f"Policy moved meanwhile ({policy.release}, {policy.phase}, {policy.topology}): {'; '.join(moved)}."
    turn = intake.again(case)
    if draft.template and turn is not None:
        return respond(case, turn, again=True, consented=Consented(request=request, why=why))
    case, decision, decision_id = gate.decide(case, turn.number if turn else case.turns, picture)
    told = replace(drafting.renewed(_copy(draft)), decision=decision_id)
    checks = review.check(case, told, identity.of(case).state, by_person=True)
    lane = max((each for each in (request.lane, decision.approval) if each in policy.lanes), key=policy.lanes.index)
    _ask(case, told, checks, lane=lane, tier=max(decision.tier, request.tier), question=request.question, why=why,
         terms=Terms.of(decision))  # fmt: skip
    return casework.become(case, CaseStatus.WAITING_APPROVAL)


def _remember(turn: Turn, picture: Picture, *, ask: str) -> dict[str, Any]:
    """Return what the next turn must know of this one."""
    seen = picture.understanding
    said = "\n".join(text for text in (turn.earlier, turn.text) if text)[-2000:]
    flags = sorted(name for name, value in seen.flags.items() if value)
    return {"ask": ask, "intent": seen.intent, "flags": flags, "severity": seen.severity, "said": said}


def _copy(draft: Draft) -> Draft:
    """Return the same proposal as a draft of its own, to be asked about anew."""
    return replace(draft, id=DraftId(ids.new("drf")))
