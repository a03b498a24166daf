"""Cases that people take, put out of sight or are given in turn, on a desk that works."""

from __future__ import annotations

from dataclasses import replace

from sqlalchemy import text

from caseward.core.approval import ApprovalState
from caseward.core.case import DESK, CaseStatus
from caseward.core.roles import WORK_ON_CASES, Role
from caseward.desk import tools
from caseward.flows import by_hand, sorting
from caseward.store import approvals, cases, db, people
from caseward.store.people import Person
from tests.conftest import Desk

HOURS = "Studio buka jam berapa ya?"
REFUND = "I want a refund or I am going to sue you"
COACH = {"person": "sample_coach", "role": "coach"}


def snoozes(desk: Desk, conversation: str) -> list[object]:
    return [entry.payload.get("woken", "until") for entry in desk.entries(conversation) if entry.kind == "snooze"]  # type: ignore[arg-type]


def test_while_a_person_has_a_case_the_desk_asks_them_instead_of_answering(desk: Desk) -> None:
    conversation = desk.open()
    desk.say(conversation, REFUND)
    desk.settle()
    case_id = desk.case(conversation).id

    sorting.assign(case_id, "sample_coach", **COACH)
    desk.say(conversation, HOURS)
    desk.settle()
    with db.transaction():
        asked = [each for each in approvals.of_case(case_id) if each.state is ApprovalState.OPEN]
    said = desk.replies(conversation)
    sorting.assign(case_id, "", **COACH)

    assert desk.case(conversation).owner == DESK
    assert len(asked) == 2
    assert not any("09" in each for each in said)


def test_a_snoozed_case_comes_back_at_its_time_by_a_word_and_by_a_breach(desk: Desk) -> None:
    conversation = desk.open()
    desk.say(conversation, REFUND)
    desk.settle()
    case_id = desk.case(conversation).id

    sorting.snooze(case_id, "later", **COACH)
    desk.say(conversation, "Any news?")
    desk.settle()
    assert desk.case(conversation).snoozed_until is None

    sorting.snooze(case_id, "tomorrow", **COACH)
    with db.transaction():
        due = cases.clocks_of(case_id)["decision"].due_at
    desk.clock.set(due)
    desk.settle()
    assert desk.case(conversation).snoozed_until is None

    sorting.snooze(case_id, "later", **COACH)
    until = desk.case(conversation).snoozed_until
    assert until is not None
    with db.transaction():
        db.execute(text("delete from timers where kind like '%breach' or kind like '%update'"))
    desk.clock.set(until)
    desk.settle()
    assert desk.case(conversation).snoozed_until is None
    assert snoozes(desk, conversation) == [
        *("until", "the contact wrote"),
        *("until", "a promise was missed"),
        *("until", "its time has come"),
    ]


def test_a_case_that_is_settled_while_it_is_snoozed_is_not_hidden_when_it_is_taken_up_again(desk: Desk) -> None:
    conversation = desk.open()
    desk.say(conversation, REFUND)
    desk.settle()
    case_id = desk.case(conversation).id

    sorting.snooze(case_id, "monday", **COACH)
    by_hand.resolve(case_id, **COACH)

    assert desk.case(conversation).snoozed_until is None
    with db.transaction():
        assert not list(db.execute(text("select from timers where kind = 'snooze'")))


def test_where_the_pack_says_so_cases_are_given_in_turn_to_those_on_shift_who_may_decide(desk: Desk) -> None:
    pack = replace(desk.pack, profile=replace(desk.pack.profile, assignment="in-turn"))
    tools.use(replace(tools.given(), pack=pack))
    with db.transaction():
        for each in people.every():
            people.set_available(each.id, available=False)
    conversations = []
    for _ in range(3):
        conversations.append(desk.open())
        desk.say(conversations[-1], REFUND)
    desk.settle()
    assert {desk.case(each).owner for each in conversations} == {DESK}

    lane = desk.request(conversations[0]).lane
    able = {role for role in WORK_ON_CASES if role in pack.profile.lanes[lane].roles}
    assert Role.COACH in able
    with db.transaction():
        people.add(Person(id="second_coach", name="Second coach", role=Role.COACH), now=desk.clock())
        people.add(Person(id="an_agent", name="Agent", role=Role.AGENT), now=desk.clock())
    sorting.go_on_shift("sample_coach", available=True)
    desk.settle()

    owners = [desk.case(each).owner for each in conversations]
    assert sorted(set(owners)) == ["sample_coach", "second_coach"]
    assert max(owners.count(each) for each in owners) == 2
    assert all(
        entry.actor == "house" for each in conversations for entry in desk.entries(each) if "owner" in entry.payload
    )


def test_the_next_deadline_that_lists_go_by_is_that_of_the_clocks(desk: Desk) -> None:
    conversations = [desk.open() for _ in range(4)]
    for conversation, said in zip(conversations, (REFUND, HOURS, "INV-2026-0912", "Bisa pindah jadwal?"), strict=True):
        desk.say(conversation, said)
    desk.settle()
    desk.clock.advance(minutes=70)
    desk.settle()

    with db.transaction():
        wrong = list(
            db.execute(
                text(
                    "select id, due_at from cases where due_at is distinct from (select min(due_at) from clocks"
                    " where case_id = cases.id and met_at is null and paused_at is null)"
                )
            )
        )
        known = list(db.execute(text("select 1 from cases where due_at is not null")))
    assert wrong == []
    assert known
    assert {desk.case(each).status for each in conversations} >= {CaseStatus.RESOLVED}
