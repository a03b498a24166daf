"""Where a turn ends before it is answered: something is asked of the contact or of people, said, and remembered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from caseward.core import ids
from caseward.core.approval import Terms
from caseward.core.case import Case, CaseStatus, IdentityState
from caseward.core.ids import DraftId
from caseward.core.pack import Plan
from caseward.core.policy import Decision, Tier
from caseward.core.review import Check
from caseward.core.task import Draft, ResultStatus
from caseward.core.turn import ASK_IDENTITY, ASK_SLOT, Picture, Turn
from caseward.desk import approvals, casework, courtesy, drafting, gate, identity, promises, review, speaker, tools
from caseward.desk.drafting import Proposal
from caseward.durable import story
from caseward.store import approvals as requests
from caseward.store import cases, db, timers
from caseward.store.approvals import Request
from caseward.store.effects import Task

RETRY = timedelta(minutes=5)
RETRIES = 6
NUDGE_WORDS = 6
"""More words than these are more than a nudge."""


def be_polite(case: Case, turn: Turn, template: str) -> str:
    """Answer a greeting or a thank-you in kind, and leave everything else as it was."""
    speaker.tell(case, template, {}, address=casework.address(case), key=f"{template}:{case.id}:{turn.number}")
    return str(case.status) if case.status is not CaseStatus.NEW else casework.become(case, CaseStatus.WAITING_CUSTOMER)


def ask_identity(case: Case, turn: Turn, picture: Picture) -> str:
    """Ask for exactly the fields that policy names; nothing was read so far. Who gave them is asked at the registered
    address where the channel's policy wants that (flows/moving.py)."""
    if picture.who.claimed is not None:
        tools.begin("prove_by_mail", f"{case.id} {picture.who.claimed} policy", f"prove:{case.id}:{turn.number}")
        return casework.become(case, CaseStatus.PENDING_VERIFICATION, pending=remember(turn, picture, ask=ASK_IDENTITY))
    wrong = picture.who.state is IdentityState.MISMATCH and case.pending.get("ask") == ASK_IDENTITY
    template = "identity-mismatch" if wrong else "identity-request"
    case = cases.change(case, tools.now(), questions=case.questions + (0 if wrong else 1))
    speaker.tell(case, template, {}, address=casework.address(case), key=f"identity:{case.id}:{turn.number}")
    return casework.become(case, CaseStatus.PENDING_VERIFICATION, pending=remember(turn, picture, ask=ASK_IDENTITY))


def offer_choice(case: Case, turn: Turn, picture: Picture, proposal: Proposal) -> str:
    """Offer the free times; what is offered is remembered, so that `2` means the second of them."""
    case = cases.change(case, tools.now(), questions=case.questions + 1)
    options = [each.isoformat() for each in proposal.options]
    speaker.tell(case, proposal.plan.ask, {"options": options}, address=casework.address(case),
                 key=f"choice:{case.id}:{turn.number}")  # fmt: skip
    pending = {**remember(turn, picture, ask=ASK_SLOT), "options": options}
    return casework.become(case, CaseStatus.WAITING_CUSTOMER, pending=pending)


def wait_for_systems(case: Case, turn: Turn, picture: Picture) -> str:
    """Say that some data cannot be read, promise a time, claim nothing, and try again by ourselves for a while."""
    tries = int(case.pending.get("tries", 0)) + 1
    promise = promises.next_promise(tools.now())
    key = f"degraded:{case.id}:{turn.number}"
    speaker.tell(case, "degraded", {"promise_time": promise}, address=casework.address(case), key=key)
    if tries <= RETRIES:
        timers.set_timer(case.id, "retry", tools.now() + RETRY)
    pending = {**remember(turn, picture, ask=""), "tries": tries}
    return casework.become(case, CaseStatus.OPEN, pending=pending)


def ask_people(
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
    """Open a request for consent, and acknowledge at once: heard, and by when, promising nothing.

    It takes the place of one about the same matter; what is asked about others stays.
    """
    lanes = tools.pack().policy.lanes
    lane = decision.approval if decision.approval != lanes[0] else lanes[1]
    approvals.withdraw(
        case, "superseded by a newer draft", lambda _, asked: approvals.matter(case, asked) == case.intent
    )
    ask(case, draft, checks, lane=lane, tier=decision.tier, question=plan.question,
         why=f"{plan.why} {moved}".strip(), terms=Terms.of(decision))  # fmt: skip
    template = "identity-locked" if picture.who.insists else plan.acknowledge or "acknowledgement"
    if not (template == "acknowledgement" and _is_shown(case, turn)):
        speaker.tell(case, template, {"promise_time": promise}, address=casework.address(case),
                     key=f"ack:{case.id}:{turn.number}")  # fmt: skip
    pending = {**remember(turn, picture, ask=""), "options": case.pending.get("options", [])}
    return casework.become(case, CaseStatus.WAITING_APPROVAL, pending=pending)


def _is_shown(case: Case, turn: Turn) -> bool:
    """Return whether a sign stands for the words that we are at it.

    Only while the house is open: at other times the contact has to hear when somebody will be there. Where it cannot be
    shown after all, the words follow.
    """
    if not tools.pack().hours.is_open(tools.now()):
        return False

    def in_words() -> None:
        with db.transaction():
            tools.begin("acknowledge", f"{case.id} {turn.number}", f"acknowledge:{case.id}:{turn.number}")

    shown = courtesy.reacted(turn, otherwise=in_words)
    if shown:
        cases.set_clock(case.id, "first_response", met_at=tools.now())
    return shown


def leave_it(subject: str) -> str:
    """The words could not be said: the clocks of the case watch over it all the same."""
    return subject


@story(otherwise=leave_it)
def acknowledge(subject: str) -> str:
    """Say in words what a sign was to show: heard, and by when."""
    case_id, turn = subject.split()
    case = casework.hold_still(case_id)
    if case.status is CaseStatus.WAITING_APPROVAL:
        promise = promises.next_promise(tools.now())
        speaker.tell(case, "acknowledgement", {"promise_time": promise}, address=casework.address(case),
                     key=f"ack:{case.id}:{turn}")  # fmt: skip
    return str(case.status)


def ask(case: Case, draft: Draft, checks: Sequence[Check], **of: Any) -> None:
    """Ask the people of a lane, and watch the time they take."""
    approvals.open(case, draft, checks, **of)
    promises.on_request(case)


def ask_anew(case: Case, request: Request, draft: Draft, *, lane: str, why: str) -> None:
    """Ask the people of a lane about the draft of an earlier request, on the same terms.

    The same words were checked when they were drafted; what has moved since is seen when consent is carried out, and
    asked about with words drafted anew.
    """
    _draft, checked, _at = requests.draft(request.draft_id)
    draft, checks = drafting.renewed(copy(draft)), [Check(**each) for each in checked]
    ask(case, draft, checks, lane=lane, tier=request.tier, question=request.question, why=why,
         terms=request.terms)  # fmt: skip


def next_lane(request: Request) -> str:
    """Return whom to ask when the people of a request's lane send it on, or say nothing."""
    lane = tools.pack().profile.lanes.get(request.lane)
    return (lane.escalates_to or request.lane) if lane else tools.pack().policy.lanes[-1]


def adds_nothing(before: Case, case: Case, turn: Turn, picture: Picture) -> bool:
    """Return whether a person is being asked already and this turn asks for nothing new ("any news?").

    Whoever writes at length wants something, though nobody can tell what: that a person reads.
    """
    new = picture.understanding.intent != "other" or picture.finding.sure or case.woken != before.woken
    new = new or len(turn.text.split()) > NUDGE_WORDS
    return not new and before.status is CaseStatus.WAITING_APPROVAL and bool(requests.open_of(before.id))


def asked_before(case: Case, draft: Draft, task: Task) -> str:
    """The same effect was asked for before, and may happen or have happened: a person says what to tell the contact."""
    told = replace(copy(draft), task=None, template="", resolves=False, replies={ResultStatus.SUCCESS: ""})
    checks = review.check(case, told, identity.of(case, told.address).state, by_person=True)
    why = f"{task.request.summary or task.request.skill}: this was asked for before and is {task.state}."
    ask(case, told, checks, lane=tools.pack().policy.lanes[-1], tier=Tier.R3,
         question="What should the customer be told?", why=why, terms=Terms.of(gate.unforeseen()))  # fmt: skip
    return casework.become(case, CaseStatus.WAITING_APPROVAL, pending={})


def carry_on(before: Case, case: Case, turn: Turn) -> str:
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


def remember(turn: Turn, picture: Picture, *, ask: str) -> dict[str, Any]:
    """Return what the next turn must know of this one."""
    seen = picture.understanding
    said = "\n".join(text for text in (turn.earlier, turn.text) if text)[-2000:]
    flags = sorted(name for name, value in seen.flags.items() if value)
    return {"ask": ask, "intent": seen.intent, "flags": flags, "severity": seen.severity, "said": said}


def copy(draft: Draft) -> Draft:
    """Return the same proposal as a draft of its own, to be asked about anew."""
    return replace(draft, id=DraftId(ids.new("drf")))
