"""Consent on the terms of the approval matrix: by as many as it asks for, of those who may, in time, held, undone."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from caseward.core.approval import ApprovalState, Word
from caseward.core.case import CaseStatus, IdentityState
from caseward.core.errors import Conflict, NotApproved, Refused
from caseward.core.ids import ConversationId
from caseward.core.policy import Grant
from caseward.core.roles import Role
from caseward.desk import approvals as asking
from caseward.desk import executor, speaker, tools, verdicts
from caseward.flows import by_hand
from caseward.store import approvals, cases, db, effects, people, votes
from caseward.store.approvals import Request
from caseward.store.people import Person
from tests.conftest import Desk

COACHES = ("per_ana", "per_budi", "per_citra")


def ask_for(desk: Desk, **terms: object) -> None:
    """Have the desk go by the same matrix with other terms wherever people are asked."""
    rows = tuple(row if row.auto_send else replace(row, **terms) for row in desk.pack.policy.matrix)  # type: ignore[arg-type]
    go_by(desk, rows)


def go_by(desk: Desk, rows: tuple[Grant, ...]) -> None:
    desk.pack = replace(desk.pack, policy=replace(desk.pack.policy, matrix=rows))
    tools.use(replace(tools.given(), pack=desk.pack))


@pytest.fixture(autouse=True)
def coaches(desk: Desk) -> None:
    """Three coaches besides the sample one."""
    with db.transaction():
        for id in COACHES:
            people.add(Person(id=id, name=id.removeprefix("per_").title(), role=Role.COACH), now=desk.clock())


def refund(desk: Desk) -> ConversationId:
    """Have a refund asked for, which is the coaches' to grant."""
    conversation = desk.open(as_="stu-003", language="en")
    desk.say(conversation, "I want a refund for my last payment please")
    desk.settle()
    return conversation


def vote(
    desk: Desk,
    request: Request,
    word: Word,
    person: str,
    *,
    role: str = "coach",
    text: str | None = None,
    reason: str = "",
    conditions: str = "",
) -> Request:
    """Have a person say a word to a request as it stands now, and have what follows from it done."""
    with db.transaction():
        now = approvals.get(request.id)
        said = verdicts.decide(
            request.id, word, person=person, role=role, digest=now.digest, text=text, reason=reason,
            conditions=conditions,
        )  # fmt: skip
    desk.settle()
    return said


def undo(desk: Desk, request: Request, person: str) -> Request:
    with db.transaction():
        undone = verdicts.undo(request.id, person=person, role="coach")
    desk.settle()
    return undone


def reply_of(request: Request) -> str:
    with db.transaction():
        return approvals.draft(request.draft_id)[0].reply


def state(request: Request) -> ApprovalState:
    with db.transaction():
        return approvals.get(request.id).state


def voters(request: Request) -> list[str]:
    with db.transaction():
        return [each.person for each in votes.of([approvals.get(request.id)])[request.id]]


def done(desk: Desk, conversation: ConversationId) -> list[effects.Task]:
    """Return what operations were asked to do for a conversation's case."""
    with db.transaction():
        return effects.tasks_of(desk.case(conversation).id)


def refunded(desk: Desk, conversation: ConversationId) -> int:
    return sum("refunded" in reply for reply in desk.replies(conversation))


# --- several people ---------------------------------------------------------------------------------------------------


def test_nothing_is_done_until_two_of_three_have_approved_the_same_words(desk: Desk) -> None:
    ask_for(desk, needs=2)
    conversation = refund(desk)
    request = desk.request(conversation)

    first = vote(desk, request, Word.APPROVE, "per_ana", conditions="within a week")
    assert (first.state, voters(request)) == (ApprovalState.OPEN, ["per_ana"])
    assert (done(desk, conversation), refunded(desk, conversation)) == ([], 0)

    second = vote(desk, request, Word.APPROVE, "per_citra")
    assert (second.state, second.decided_by, second.conditions) == (
        ApprovalState.APPROVED, "per_citra", "within a week",
    )  # fmt: skip
    assert refunded(desk, conversation) == 1
    assert [task.approvers for task in done(desk, conversation)] == [("per_ana", "per_citra")]


def test_every_vote_and_everybody_who_consented_is_in_the_log(desk: Desk) -> None:
    ask_for(desk, needs=2)
    conversation = refund(desk)
    request = desk.request(conversation)

    vote(desk, request, Word.APPROVE, "per_ana")
    vote(desk, request, Word.APPROVE, "per_budi")

    entries = desk.entries(conversation)
    said = [(each.actor, each.payload["votes"], each.payload["needs"]) for each in entries if each.kind == "verdict"]
    assert said == [("per_ana", 1, 2), ("per_budi", 2, 2)]
    [sent] = [each for each in entries if each.kind == "send" and each.payload["digest"] == request.digest]
    assert sent.payload["approvers"] == ["per_ana", "per_budi"]


def test_one_person_is_one_vote_however_often_they_click(desk: Desk) -> None:
    ask_for(desk, needs=2)
    conversation = refund(desk)
    request = desk.request(conversation)
    vote(desk, request, Word.APPROVE, "per_ana")

    with pytest.raises(Conflict, match="you have approved this already"):
        vote(desk, request, Word.APPROVE, "per_ana")

    assert (voters(request), state(request)) == (["per_ana"], ApprovalState.OPEN)
    assert done(desk, conversation) == []


def test_an_edit_voids_the_votes_for_the_old_words_and_the_editor_alone_is_not_enough(desk: Desk) -> None:
    ask_for(desk, needs=2)
    conversation = refund(desk)
    request = desk.request(conversation)
    old = reply_of(request)
    vote(desk, request, Word.APPROVE, "per_ana")

    vote(desk, request, Word.EDIT, "per_budi", text=old + " We are sorry.")
    assert (voters(request), state(request)) == (["per_budi"], ApprovalState.OPEN)
    with pytest.raises(Conflict, match="changed since you read it"), db.transaction():
        verdicts.decide(request.id, Word.APPROVE, person="per_citra", role="coach", digest=request.digest)
    with pytest.raises(Conflict, match="approved this already"):
        vote(desk, request, Word.APPROVE, "per_budi")
    assert done(desk, conversation) == []

    assert vote(desk, request, Word.APPROVE, "per_ana").state is ApprovalState.EDITED
    assert desk.replies(conversation)[-1] == old + " We are sorry."


def test_words_that_are_edited_back_are_asked_about_anew(desk: Desk) -> None:
    ask_for(desk, needs=3)
    conversation = desk.open(as_="stu-003", language="en")
    desk.say(conversation, "I am really unhappy with how my last lesson went")
    desk.settle()
    request = desk.request(conversation)
    first, second = "I am sorry to hear that.", "I am very sorry to hear that."

    vote(desk, request, Word.EDIT, "per_ana", text=first)
    vote(desk, request, Word.EDIT, "per_budi", text=second)
    vote(desk, request, Word.EDIT, "per_citra", text=first)

    assert voters(request) == ["per_citra"]


def test_one_denial_ends_it_whoever_approved_before(desk: Desk) -> None:
    ask_for(desk, needs=2)
    conversation = refund(desk)
    request = desk.request(conversation)
    vote(desk, request, Word.APPROVE, "per_ana")

    vote(desk, request, Word.DENY, "per_budi", reason="outside policy")

    assert state(request) is ApprovalState.DENIED
    assert (done(desk, conversation), refunded(desk, conversation)) == ([], 0)
    assert desk.case(conversation).disposition == "declined"
    with pytest.raises(Conflict, match="already denied by per_budi"):
        vote(desk, request, Word.APPROVE, "per_citra")


def test_an_escalation_goes_to_the_next_lane_where_as_many_are_needed_again(desk: Desk) -> None:
    ask_for(desk, needs=2, hold_seconds=10)
    conversation = desk.open(as_="stu-001", language="en")
    desk.say(conversation, "When is my next lesson?")
    desk.settle()
    request = desk.request(conversation)
    assert (request.lane, request.terms.needs) == ("qa", 2)

    vote(desk, request, Word.ESCALATE, "sample_agent", role="agent", reason="High value")

    again = desk.request(conversation)
    assert (again.lane, again.terms, again.why) == ("coach", request.terms, "High value")
    assert vote(desk, again, Word.APPROVE, "per_ana").state is ApprovalState.OPEN


def test_of_two_last_votes_at_once_the_work_is_begun_once(desk: Desk) -> None:
    ask_for(desk, needs=2)
    conversation = refund(desk)
    request = desk.request(conversation)
    vote(desk, request, Word.APPROVE, "per_ana")

    def approve(person: str) -> bool:
        try:
            with db.transaction():
                verdicts.decide(request.id, Word.APPROVE, person=person, role="coach", digest=request.digest)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        counted = list(pool.map(approve, ["per_budi", "per_citra"]))
    desk.settle()

    assert sorted(counted) == [False, True]
    assert (len(done(desk, conversation)), refunded(desk, conversation)) == (1, 1)


def test_a_persons_own_words_wait_for_a_second_person_where_two_are_needed(desk: Desk) -> None:
    ask_for(desk, needs=2)
    conversation = refund(desk)
    case = desk.case(conversation)
    vote(desk, desk.request(conversation), Word.DENY, "per_ana", reason="outside policy")
    said = len(desk.replies(conversation))

    by_hand.write(case.id, "We looked at it once more and will call you today.", person="per_ana", role="coach")
    desk.settle()
    request = desk.request(conversation)
    assert (voters(request), len(desk.replies(conversation))) == (["per_ana"], said)
    assert (desk.case(conversation).owner, desk.case(conversation).status) == ("per_ana", CaseStatus.WAITING_APPROVAL)

    vote(desk, request, Word.APPROVE, "per_budi")
    assert desk.replies(conversation)[-1] == "We looked at it once more and will call you today."


def test_fewer_consents_than_are_needed_open_no_door(desk: Desk) -> None:
    ask_for(desk, needs=2)
    conversation = refund(desk)
    request = desk.request(conversation)
    vote(desk, request, Word.APPROVE, "per_ana")
    vote(desk, request, Word.APPROVE, "per_budi")

    with db.transaction():
        given = asking.consent(approvals.get(request.id))
        draft, _checks, _at = approvals.draft(request.draft_id)
    alone, case = replace(given, approvers=("per_ana", "per_ana")), desk.case(conversation)

    with pytest.raises(NotApproved, match="1 of 2"), db.transaction():
        speaker.say(case, draft, alone, identity=IdentityState.VERIFIED, key="again")
    with pytest.raises(NotApproved, match="1 of 2"), db.transaction():
        executor.queue(case, draft, alone, approval_id=request.id)


# --- who may ----------------------------------------------------------------------------------------------------------


def test_who_becomes_a_coach_after_the_question_does_not_decide_it(desk: Desk) -> None:
    conversation = refund(desk)
    request = desk.request(conversation)
    with db.transaction():
        people.add(Person(id="per_dewi", name="Dewi", role=Role.COACH), now=desk.clock())

    with pytest.raises(Refused, match="before you could decide"):
        vote(desk, request, Word.APPROVE, "per_dewi")

    assert done(desk, conversation) == []
    assert [each.payload["effect"] for each in desk.entries(conversation) if each.kind == "denied"] == ["approve"]


def test_a_role_that_changes_later_decides_nothing_that_was_asked_before(desk: Desk) -> None:
    conversation = refund(desk)
    request = desk.request(conversation)
    with db.transaction():
        people.add(Person(id="sample_agent", name="Agent", role=Role.COACH), now=desk.clock())

    with pytest.raises(Refused, match="before you could decide"):
        vote(desk, request, Word.APPROVE, "sample_agent")


def test_the_consent_of_somebody_who_lost_the_right_meanwhile_is_void(desk: Desk) -> None:
    ask_for(desk, needs=2)
    conversation = refund(desk)
    request = desk.request(conversation)
    vote(desk, request, Word.APPROVE, "per_ana")
    with db.transaction():
        people.add(Person(id="per_ana", name="Ana", role=Role.COACH, disabled=True), now=desk.clock())

    assert vote(desk, request, Word.APPROVE, "per_budi").state is ApprovalState.OPEN
    assert (voters(request), done(desk, conversation)) == (["per_budi"], [])

    vote(desk, request, Word.APPROVE, "per_citra")
    assert [task.approvers for task in done(desk, conversation)] == [("per_budi", "per_citra")]


def test_where_people_are_named_nobody_else_of_the_role_decides(desk: Desk) -> None:
    lanes = {**desk.pack.profile.lanes, "coach": replace(desk.pack.profile.lanes["coach"], people=("per_ana",))}
    desk.pack = replace(desk.pack, profile=replace(desk.pack.profile, lanes=lanes))
    go_by(desk, desk.pack.policy.matrix)
    conversation = refund(desk)
    request = desk.request(conversation)

    with pytest.raises(Refused, match="only the people named"):
        vote(desk, request, Word.APPROVE, "per_budi")

    assert vote(desk, request, Word.APPROVE, "per_ana").state is ApprovalState.APPROVED


def test_nobody_decides_their_own_case(desk: Desk) -> None:
    conversation = refund(desk)
    request = desk.request(conversation)
    own = next(each for each in desk.pack.records["person"] if each["id"] == "stu-003")["email"]
    with db.transaction():
        people.add(Person(id="per_ana", name="Ana", role=Role.COACH, email=str(own).upper()), now=desk.clock())

    for word in (Word.APPROVE, Word.DENY):
        with pytest.raises(Refused, match="your own case"):
            vote(desk, request, word, "per_ana", reason="because")

    assert state(request) is ApprovalState.OPEN


# --- held -------------------------------------------------------------------------------------------------------------


def test_held_consent_does_nothing_until_the_hold_is_over_and_then_once(desk: Desk) -> None:
    ask_for(desk, hold_seconds=10)
    conversation = refund(desk)
    request = vote(desk, desk.request(conversation), Word.APPROVE, "per_ana")
    assert (request.state, request.held_until) == (ApprovalState.APPROVED, desk.clock() + timedelta(seconds=10))

    desk.clock.advance(seconds=9.9)
    desk.settle()
    assert (done(desk, conversation), refunded(desk, conversation)) == ([], 0)
    with db.transaction(), pytest.raises(Refused, match="held until"):
        asking.consent(approvals.get(request.id))

    desk.clock.advance(seconds=0.1)
    desk.settle()
    desk.clock.advance(seconds=10)
    desk.settle()
    assert (len(done(desk, conversation)), refunded(desk, conversation)) == (1, 1)


def test_consent_that_is_taken_back_in_time_is_asked_for_anew(desk: Desk) -> None:
    ask_for(desk, hold_seconds=10, needs=2)
    conversation = refund(desk)
    request = desk.request(conversation)
    vote(desk, request, Word.APPROVE, "per_ana")
    vote(desk, request, Word.APPROVE, "per_budi")
    desk.clock.advance(seconds=4)

    undone = undo(desk, request, "per_citra")

    assert (undone.state, undone.held_until, voters(request)) == (ApprovalState.OPEN, None, [])
    assert undone.expires_at == request.expires_at + timedelta(seconds=4)
    desk.clock.advance(seconds=30)
    desk.settle()
    assert (done(desk, conversation), refunded(desk, conversation)) == ([], 0)
    said = [(each.actor, each.payload["verdict"]) for each in desk.entries(conversation) if each.kind == "verdict"]
    assert said == [("per_ana", "approve"), ("per_budi", "approve"), ("per_citra", "undo")]
    with db.transaction():
        clock = cases.clocks_of(desk.case(conversation).id)["decision"]
    assert clock.met_at is None

    vote(desk, request, Word.APPROVE, "per_ana")
    vote(desk, request, Word.APPROVE, "per_budi")
    desk.clock.advance(seconds=10)
    desk.settle()
    assert (len(done(desk, conversation)), refunded(desk, conversation)) == (1, 1)


def test_an_undo_that_comes_late_changes_nothing(desk: Desk) -> None:
    ask_for(desk, hold_seconds=10)
    conversation = refund(desk)
    request = vote(desk, desk.request(conversation), Word.APPROVE, "per_ana")
    desk.clock.advance(seconds=10)

    with pytest.raises(Conflict, match="too late to undo"):  # before the timer was looked at
        undo(desk, request, "per_ana")
    desk.settle()
    with pytest.raises(Conflict, match="too late to undo"):
        undo(desk, request, "per_ana")

    assert refunded(desk, conversation) == 1


def test_only_who_may_decide_takes_consent_back_and_only_consent(desk: Desk) -> None:
    ask_for(desk, hold_seconds=10)
    conversation = refund(desk)
    request = desk.request(conversation)
    with pytest.raises(Conflict, match="nothing to undo"):
        undo(desk, request, "per_ana")
    vote(desk, request, Word.APPROVE, "per_ana")

    with pytest.raises(Refused), db.transaction():
        verdicts.undo(request.id, person="sample_agent", role="agent")
    undo(desk, request, "per_budi")
    with pytest.raises(Conflict, match="nothing to undo"):
        undo(desk, request, "per_budi")


def test_a_denial_is_not_held(desk: Desk) -> None:
    ask_for(desk, hold_seconds=10)
    conversation = refund(desk)

    vote(desk, desk.request(conversation), Word.DENY, "per_ana", reason="outside policy")

    assert desk.case(conversation).disposition == "declined"


def test_edited_words_that_are_taken_back_are_the_words_that_are_asked_about(desk: Desk) -> None:
    ask_for(desk, hold_seconds=10)
    conversation = refund(desk)
    request = desk.request(conversation)
    words = reply_of(request) + " We are sorry."
    vote(desk, request, Word.EDIT, "per_ana", text=words)

    undone = undo(desk, request, "per_ana")
    assert reply_of(undone) == words
    vote(desk, request, Word.APPROVE, "per_budi")
    desk.clock.advance(seconds=10)
    desk.settle()

    assert desk.replies(conversation)[-1] == words


def test_a_new_message_on_the_matter_stops_what_is_held(desk: Desk) -> None:
    ask_for(desk, hold_seconds=10)
    conversation = refund(desk)
    request = vote(desk, desk.request(conversation), Word.APPROVE, "per_ana")

    desk.say(conversation, "Please refund my last payment to another card instead")
    desk.settle()
    desk.clock.advance(seconds=30)
    desk.settle()

    assert (state(request), done(desk, conversation)) == (ApprovalState.EXPIRED, [])
    assert desk.request(conversation).id != request.id


def test_a_message_on_another_matter_does_not_settle_the_case_over_what_is_held(desk: Desk) -> None:
    ask_for(desk, hold_seconds=10)
    conversation = refund(desk)
    vote(desk, desk.request(conversation), Word.APPROVE, "per_ana")

    desk.say(conversation, "Studio buka jam berapa ya?")
    desk.settle()
    assert desk.case(conversation).status is CaseStatus.WAITING_APPROVAL
    desk.clock.advance(seconds=10)
    desk.settle()

    assert refunded(desk, conversation) == 1


def test_who_settles_a_case_by_hand_stops_what_is_held(desk: Desk) -> None:
    ask_for(desk, hold_seconds=10)
    conversation = refund(desk)
    vote(desk, desk.request(conversation), Word.APPROVE, "per_ana")

    by_hand.resolve(desk.case(conversation).id, person="per_budi", role="coach")
    desk.clock.advance(seconds=30)
    desk.settle()

    assert (done(desk, conversation), refunded(desk, conversation)) == ([], 0)


def test_a_hold_whose_end_goes_wrong_is_asked_about_again(desk: Desk) -> None:
    ask_for(desk, hold_seconds=10)
    conversation = refund(desk)
    request = vote(desk, desk.request(conversation), Word.APPROVE, "per_ana")
    given = tools.given()

    def fail(story: str, subject: str, id: str) -> None:
        raise RuntimeError("no more work can be begun")

    tools.use(replace(given, begin=fail))
    desk.clock.advance(seconds=10)
    desk.settle()
    tools.use(given)
    desk.settle()

    assert refunded(desk, conversation) == 0
    again = desk.request(conversation)
    assert again.id != request.id
    assert "could not be carried out" in again.why


# --- in time ----------------------------------------------------------------------------------------------------------


def test_the_row_says_how_long_there_is_to_decide_in_business_time(desk: Desk) -> None:
    ask_for(desk, expires_minutes=30, needs=2)
    conversation = refund(desk)
    request = desk.request(conversation)
    assert request.expires_at == desk.clock() + timedelta(minutes=30)
    vote(desk, request, Word.APPROVE, "per_ana")

    desk.clock.set(request.expires_at)
    desk.settle()

    assert (state(request), done(desk, conversation)) == (ApprovalState.EXPIRED, [])
    again = desk.request(conversation)
    assert (again.terms, again.why) == (request.terms, "Not enough people decided in time.")
    with pytest.raises(Conflict, match="already expired"):
        vote(desk, request, Word.APPROVE, "per_budi")


def test_a_deadline_that_the_row_sets_counts_no_closed_hours(desk: Desk) -> None:
    ask_for(desk, expires_minutes=30)
    desk.clock.set(desk.clock().replace(hour=12, minute=50))  # ten minutes before the house closes

    request = desk.request(refund(desk))

    assert request.expires_at - desk.clock() == timedelta(hours=13, minutes=30)
