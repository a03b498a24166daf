"""The story: a turn is answered, asked about, or waits; a verdict is carried out; a time that is up is acted on.

A story is one transaction and never waits for a person: it ends, the wait is a row, and the verdict begins the next
story in the transaction that records it. What is said and asked on the way is in asking.py.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import timedelta
from itertools import count

from caseward.core.approval import AGREED, Approval, ApprovalState, Terms
from caseward.core.case import DONE, Case, CaseStatus, IdentityState
from caseward.core.ids import ApprovalId, ConversationId
from caseward.core.policy import Hold
from caseward.core.task import Draft
from caseward.core.turn import Picture, Turn
from caseward.desk import (
    approvals,
    casework,
    courtesy,
    drafting,
    executor,
    gate,
    health,
    identity,
    intake,
    promises,
    review,
    snoozing,
    speaker,
    takeover,
    tools,
    triage,
    verdicts,
)
from caseward.durable import story
from caseward.flows.support import asking, rating, receiving
from caseward.flows.support.moved import Consented, taken_up, what_moved
from caseward.store import approvals as requests
from caseward.store import cases, log, outbox, timers
from caseward.store.approvals import Request


def stumble(conversation_id: str, turn_number: int) -> str:
    """A turn could not be worked: its messages are filed all the same, a person takes it, the contact hears of it."""
    filed = intake.file(ConversationId(conversation_id))
    if filed is None:
        return "nothing to do"
    turn, case = filed
    case = snoozing.wake(case, why="the contact wrote")
    promises.on_inbound(case)
    promise = promises.next_promise(tools.now())
    log.of_case(case, "error", "house", {"turn": turn.number, "what": "the turn could not be worked"}, at=tools.now())
    key = f"ack:{case.id}:{turn.number}"
    speaker.tell(case, "acknowledgement", {"promise_time": promise}, address=casework.address(case), key=key)
    tools.announce("packet", case.id, case.id)
    return casework.become(case, CaseStatus.OPEN)


def ask_again(approval_id: str) -> str:
    """A verdict could not be carried out: nothing was done, the people who decide are asked once more and told why."""
    request = requests.get(approval_id)
    case = casework.hold_still(request.case_id)
    draft, _checks, _at = requests.draft(request.draft_id)
    if requests.let_go(request.id, tools.now()):
        tools.announce("approval", request.id, case.id)
    log.append("error", "house", {"approval": request.id, "what": "the verdict could not be carried out"},
               at=tools.now(), case_id=case.id)  # fmt: skip
    if request.state is not ApprovalState.OPEN:
        why = "The last verdict could not be carried out; nothing was sent."
        asking.ask_anew(case, request, draft, lane=request.lane, why=why)
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
    case = snoozing.wake(case, why="the contact wrote")
    left = rating.take(case, turn)
    if left is None:
        return str(case.status)
    turn, case = left, receiving.owned(case)
    done = receiving.without_understanding(case, turn)
    if done:
        return done
    courtesy.begun(turn)
    polite = triage.small_talk(turn.text, settled=receiving.is_settled(case))
    if polite:
        return asking.be_polite(case, turn, polite)
    was = case.status
    if was in DONE:
        case = intake.reopen(case)
    promises.on_inbound(case)
    if was is CaseStatus.CLOSED and "reopened" in tools.pack().templates:
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
        return asking.ask_identity(case, turn, picture)
    waits = decision.hold is Hold.DEGRADED or (decision.hold is Hold.MISSING and picture.degraded)
    if waits and not decision.break_glass:
        return asking.wait_for_systems(case, turn, picture)
    if asking.adds_nothing(before, case, turn, picture):
        return asking.carry_on(before, case, turn)

    proposal = drafting.propose(case, turn, picture, decision, decision_id=decision_id, promise=promise)
    if proposal.draft is None:
        return asking.offer_choice(case, turn, picture, proposal)

    checks = review.check(case, proposal.draft, who.state)
    if decision.auto_send and not review.failures(checks):
        requests.keep_draft(proposal.draft, checks=[], at=tools.now())
        return fulfil(case, proposal.draft, speaker.by_policy(proposal.draft, decision, now=tools.now()), who.state)
    if consented and consented.covers(proposal.draft, decision) and not review.failures(checks):
        requests.keep_draft(proposal.draft, checks=[asdict(check) for check in checks], at=tools.now())
        consent = approvals.consent(consented.request)
        return fulfil(case, proposal.draft, consent, who.state, approval_id=consented.request.id)
    why = consented.why if consented else ""
    return asking.ask_people(case, turn, picture, decision, proposal.plan, proposal.draft, checks,
                             promise=promise, moved=why)  # fmt: skip


@story(otherwise=ask_again)
def conclude(approval_id: str) -> str:
    """What a person decided, carried out: they consented to exactly these words, edited or not."""
    request = requests.get(approval_id)
    case = casework.hold_still(request.case_id)
    draft, _checks, _at = requests.draft(request.draft_id)
    who = identity.of(case, draft.address)
    if request.state is ApprovalState.DENIED:
        speaker.tell(case, "declined", {}, address=draft.address, key=f"declined:{request.id}")
        return casework.become(case, CaseStatus.RESOLVED, disposition="declined", pending={})
    if request.state is ApprovalState.ESCALATED:
        asking.ask_anew(case, request, draft, lane=asking.next_lane(request), why=request.reason)
        return casework.become(case, CaseStatus.WAITING_APPROVAL)
    if request.state not in AGREED or request.held_until is not None:
        return str(case.status)

    picture = triage.refresh(case, who, draft.decision)
    health.listen(picture.heard)
    moved = what_moved(case, request, draft, picture)
    if moved:
        return _decide_anew(case, request, draft, picture, moved)
    changed = drafting.outdated(draft, picture, draft.language)
    if changed and draft.template:
        return _facts_moved(case, draft, changed, lane=request.lane)
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
            return asking.asked_before(case, draft, task)
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
    asking.ask_anew(case, request, draft, lane=asking.next_lane(request), why=f"{request.reason.capitalize()}.")
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
            snoozing.wake(case, why="a promise was missed")
        case (clock, _, "update") if casework.is_unmet(case, clock):
            told = next(n for n in count() if not outbox.said(f"stalled:{case.id}:{case.turns}:{n}"))
            again, key = promises.next_promise(tools.now(), told=told), f"stalled:{case.id}:{case.turns}:{told}"
            speaker.tell(case, "stalled", {"promise_time": again}, address=address, key=key)
            timers.set_timer(case.id, "resolution_update", again - timedelta(minutes=1))
        case ("", "", "retry"):
            turn = intake.again(case)
            return respond(case, turn, again=True) if turn else "nothing to retry"
        case ("", "", takeover.LEASE):
            case = takeover.end(case)
            turn = intake.again(case) if takeover.waits(case) else None
            return respond(case, turn) if turn else str(case.status)
        case ("", "", snoozing.SNOOZE):
            snoozing.wake(case, why="its time has come")
        case ("", "", casework.RATING):
            return rating.ask(case)
        case ("", "", "close") if case.status is CaseStatus.RESOLVED:
            speaker.tell(case, "closing", {}, address=address, key=f"closing:{case.id}:{case.reopened}")
            return casework.become(case, CaseStatus.CLOSED)
        case _:
            return "no longer due"
    return kind


def _facts_moved(case: Case, draft: Draft, changed: list[str], *, lane: str) -> str:
    """What the words rest on has changed since: draft and ask again rather than say what is not so."""
    log.append("stale", "A", {"readings": changed, "lane": lane}, at=tools.now(), case_id=case.id)
    case, turn = taken_up(case, draft)
    return respond(case, turn, again=True) if turn else casework.become(case, CaseStatus.OPEN)


def _decide_anew(case: Case, request: Request, draft: Draft, picture: Picture, moved: list[str]) -> str:
    """Policy moved while people were asked: decide and draft by what is in force; words a person wrote stay theirs."""
    policy = tools.pack().policy
    log.append("stale", "A", {"policy": moved, "lane": request.lane}, at=tools.now(), case_id=case.id,
               release=policy.release)  # fmt: skip
    why = f"Policy moved meanwhile ({policy.release}, {policy.phase}, {policy.topology}): {'; '.join(moved)}."
    was, turn = taken_up(case, draft)
    if draft.template and turn is not None:
        return respond(was, turn, again=True, consented=Consented(request=request, why=why))
    case, decision, decision_id = gate.decide(case, turn.number if turn else case.turns, picture)
    told = replace(drafting.renewed(asking.copy(draft)), decision=decision_id)
    checks = review.check(case, told, identity.of(case).state, by_person=True)
    lane = max((each for each in (request.lane, decision.approval) if each in policy.lanes), key=policy.lanes.index)
    asking.ask(case, told, checks, lane=lane, tier=max(decision.tier, request.tier), question=request.question, why=why,
         terms=Terms.of(decision))  # fmt: skip
    return casework.become(case, CaseStatus.WAITING_APPROVAL)
