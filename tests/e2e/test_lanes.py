"""Requests for consent in the team's chats: what is shown, who may decide, and that one decision closes every copy."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from caseward.core import ids
from caseward.core.approval import REASONS, ApprovalState, Word
from caseward.core.case import CaseStatus
from caseward.core.events import Pressed
from caseward.core.ids import DraftId
from caseward.core.roles import Role
from caseward.desk import health, lanes, tools, verdicts
from caseward.flows import by_hand
from caseward.store import approvals, contacts, db, people
from caseward.store.approvals import Request
from caseward.store.people import Person
from tests.conftest import Desk
from tests.e2e.lanes_house import APPROVALS, OPS, House, Posted, open_house

REPLY = "Your next lesson is Wednesday 25 November, 11:00 with Coach Nada, C•••."
REFUND = "I want my money back for yesterday's lesson"


@pytest.fixture
def house(desk: Desk) -> House:
    """A house with an approvals lane, and people who are known in it."""
    opened = open_house(desk)
    opened.bind("approvals", APPROVALS)
    opened.employ("ana", Role.AGENT)
    opened.employ("budi", Role.OPS_LEAD)
    opened.employ("dewi", Role.COACH)
    return opened


def only(house: House, chat: str = APPROVALS) -> Posted:
    (card,) = house.vendor.of(chat)
    return card


def in_the_console(house: House, request: Request, word: Word, who: str = "budi", **more: str) -> None:
    with db.transaction():
        person = people.get(f"per_{who}")
        digest = approvals.get(request.id).digest
        verdicts.decide(request.id, word, person=person.id, role=person.role, digest=digest, **more)
    house.desk.settle()


def test_a_request_is_shown_with_all_that_it_takes_to_decide_and_nothing_that_is_personal(house: House) -> None:
    conversation, request = house.ask()

    card, case = only(house), house.desk.case(conversation)
    with db.transaction():
        contact = contacts.get(case.contact_id) if case.contact_id else None
    assert card.card.title == request.question
    for said in (f"Case {case.number} · R1 · Quality check", "✓ Identity: Matches record", "Decide by 11:00"):
        assert said in card.text
    assert card.card.quote == REPLY
    assert [button.label for button in card.buttons] == ["Approve", "Deny", "Escalate"]
    assert card.card.buttons[1][1].url == f"https://desk.example.com/cases/{case.number}?act=edit"
    assert all(len(button.token) <= 40 for button in card.buttons)
    assert [line for line in card.card.lines if line.startswith("☐")] == [
        f"☐ {each}" for each in house.desk.pack.channels.team.checklist
    ]
    assert contact is not None
    for personal in (*contact.name.split()[:1], contact.phone, contact.email, contact.phone[3:-4]):
        assert personal not in card.text


def test_a_press_approves_and_the_card_says_who_when_and_what(house: House) -> None:
    conversation, request = house.ask()

    told = house.press("ana", only(house), "Approve")

    assert told == "Approved."
    assert house.request(request).decided_by == "per_ana"
    assert house.desk.case(conversation).status is CaseStatus.RESOLVED
    assert only(house).buttons == []
    assert only(house).card.lines[0] == "Approved by Ana, 10:00."


def test_what_is_held_can_be_taken_back_on_the_card_until_it_goes(desk: Desk) -> None:
    house = open_house(desk, hold=10)
    house.bind("approvals", APPROVALS)
    for name in ("ana", "budi"):
        house.employ(name, Role.AGENT)
    conversation, request = house.ask()
    before = len(desk.replies(conversation))

    told = house.press("ana", only(house), "Approve")

    assert told == "Approved. Goes out at 10:00:10; until then Undo takes it back, here or in the console."
    undo = only(house).button("Undo")

    taken_back = house.press("budi", only(house), "Undo")

    assert taken_back.startswith("Taken back")
    assert house.request(request).state is ApprovalState.OPEN
    house.press("budi", only(house), "Approve")
    desk.clock.advance(seconds=11)
    desk.settle()

    assert len(desk.replies(conversation)) == before + 1
    assert only(house).buttons == []
    assert "too late" in house.press("ana", only(house), undo)
    assert house.denials(conversation) == ["per_ana"]


def test_consent_on_old_facts_is_refused_and_the_card_offers_to_read_them_anew(house: House) -> None:
    conversation, request = house.ask()
    approve = only(house).button("Approve")
    house.desk.clock.advance(minutes=house.desk.pack.profile.sla.decision_minutes - 1)
    number = house.desk.case(conversation).number
    with db.transaction():
        freshened = approvals.draft(request.draft_id)[0]
        aged = replace(freshened, id=DraftId(ids.new("drf")), evidence=tuple(
            replace(each, at=each.at - timedelta(minutes=5)) for each in freshened.evidence))  # fmt: skip
        approvals.keep_draft(aged, checks=[], at=house.desk.clock())
        approvals.reread(request.id, aged)

    told = house.press("ana", only(house), approve)

    fix = f"Press Read now on the card, or type /read {number}; then decide."
    assert told == f"Next session is too old to decide on. {fix}"
    assert house.type("ana", APPROVALS, "APPROVE", to=only(house).id) == told
    assert house.type("ana", APPROVALS, "EDIT Sorry, we cannot.", to=only(house).id) == told
    assert house.request(request).state is ApprovalState.OPEN
    assert [button.label for button in only(house).buttons] == ["Read now", "Deny", "Escalate"]
    assert "! Next session is too old to decide on: Approve is off until it is read again" in only(house).card.lines

    assert house.press("ana", only(house), "Read now") == "Being read now; the card shows what came of it."
    assert [button.label for button in only(house).buttons] == ["Approve", "Deny", "Escalate"]
    assert house.press("ana", only(house), "Approve") == "Approved."


def test_facts_are_read_anew_by_a_command_of_whoever_may_decide(house: House) -> None:
    conversation, request = house.ask()
    number = house.desk.case(conversation).number
    house.employ("eka", Role.ADMIN)
    said = [house.type(who, APPROVALS, text) for who, text in (
        ("ana", "/read"), ("ana", "/read 99999"), ("eka", f"/read {number}"), ("ana", f"/read #{number}"))]  # fmt: skip

    assert said[0] == "Say which case: /read 12."
    assert said[1] == "There is no case 99999."
    assert "admin" in said[2]
    assert said[3] == "Being read now; the card shows what came of it."
    assert house.denials(conversation) == ["per_eka"]
    assert house.request(request).draft_id != request.draft_id
    house.press("ana", only(house), "Approve")
    assert house.type("ana", APPROVALS, f"/read {number}") == f"Nothing is asked about case {number}."


def test_while_a_system_is_degraded_consent_is_refused_in_a_lane_too(house: House) -> None:
    _conversation, request = house.ask()
    with db.transaction():
        health.declare("calendar", degraded=True, by="per_budi", role=Role.OPS_LEAD, why="no answer")

    told = house.press("ana", only(house), "Approve")

    assert told == "Calendar cannot be relied on now; decide when it answers again."
    assert house.request(request).state is ApprovalState.OPEN
    with db.transaction():
        health.declare("calendar", degraded=False, by="per_budi", role=Role.OPS_LEAD, why="it answers")
    house.press("ana", only(house), "Read now")
    assert house.press("ana", only(house), "Approve") == "Approved."


def test_a_denial_by_button_asks_for_one_of_the_reasons_first(house: House) -> None:
    conversation, request = house.ask()

    told = house.press("ana", only(house), "Deny")

    assert told.startswith("Pick why")
    labels = [button.label for button in only(house).buttons]
    assert labels == ["Deny: outside policy", *labels[1:4], "Back"]
    assert len(labels) == len(REASONS[Word.DENY]) + 1
    assert house.request(request).state is ApprovalState.OPEN

    assert house.press("ana", only(house), "Back") == "Nothing was decided."
    house.press("budi", only(house), "Deny")
    told = house.press("ana", only(house), "Deny: the facts do not support it")

    assert told == "Denied. Nothing is changed, and the customer is told."
    assert house.request(request).reason == "The facts do not support it"
    assert only(house).card.lines[0] == "Denied by Ana, 10:00: The facts do not support it"
    assert house.desk.case(conversation).disposition == "declined"


def test_an_escalation_closes_one_card_and_asks_on_another(house: House) -> None:
    conversation, request = house.ask()

    told = house.type("ana", APPROVALS, "naikkan: not sure who pays", to=only(house).id)

    assert told == "Escalated. Coach is asked."
    first, second = house.vendor.of(APPROVALS)
    assert first.card.lines[0] == "Escalated by Ana, 10:00: not sure who pays"
    assert first.buttons == []
    assert "Coach" in second.card.lines[0]
    assert "You may not decide this" in house.press("ana", second, "Approve")
    assert house.press("dewi", second, "Approve") == "Approved."
    assert house.denials(conversation) == ["per_ana"]
    assert house.request(request).state is ApprovalState.ESCALATED


def test_consent_with_a_condition_records_the_condition(house: House) -> None:
    _conversation, request = house.ask()

    told = house.type("ana", APPROVALS, "Setuju kalau lesnya masih ada", to=only(house).id)

    assert told == "Approved."
    assert house.request(request).conditions == "lesnya masih ada"
    assert only(house).card.lines[0] == "Approved by Ana, 10:00. If lesnya masih ada."


def test_an_edit_sends_exactly_the_words_that_were_typed(house: House) -> None:
    conversation, request = house.ask()
    words = "Your next lesson is Wednesday 25 November, 11:00 with Coach Nada.\n\nSee you then."

    told = house.type("ana", APPROVALS, f"EDIT {words}", to=only(house).id)

    assert told == "Edited and approved."
    assert house.desk.replies(conversation)[-1] == words
    assert house.request(request).state is ApprovalState.EDITED
    assert only(house).card.quote == words


def test_an_edit_that_the_checks_refuse_changes_nothing_and_says_why(house: House) -> None:
    _conversation, request = house.ask()

    told = house.type("ana", APPROVALS, "ubah Your next lesson is Friday 27 November, 15:00.", to=only(house).id)

    assert "'27' is in no source" in told
    assert house.request(request).digest == request.digest
    assert house.request(request).state is ApprovalState.OPEN


def test_what_is_not_surely_a_verdict_is_asked_back_and_decides_nothing(house: House) -> None:
    _conversation, request = house.ask()

    told = [
        house.type("ana", APPROVALS, text, to=only(house).id)
        for text in ("approve?", "ok thanks", "deny", "I would approve", "yes")
    ]

    for answer in told:
        assert answer.startswith("Nothing was decided")
        assert "APPROVE [if …], EDIT new words, DENY reason, ESCALATE reason" in answer
    assert house.request(request).state is ApprovalState.OPEN


def test_a_verdict_is_about_the_card_that_it_answers_and_never_about_the_latest(house: House) -> None:
    _one, first = house.ask()
    two, second = house.ask()
    earlier, later = house.vendor.of(APPROVALS)

    unasked = house.type("ana", APPROVALS, "APPROVE")
    elsewhere = house.type("ana", APPROVALS, "APPROVE", to=f"{APPROVALS}:77777")
    chatter = house.type("ana", APPROVALS, "has anybody seen the coach?")
    house.type("ana", APPROVALS, "APPROVE", to=earlier.id)

    assert unasked.startswith("Nothing was decided: which one? Reply to the card that you mean")
    assert elsewhere.startswith("This is no request that I posted here")
    assert chatter == ""
    assert [house.request(each).state for each in (first, second)] == [ApprovalState.APPROVED, ApprovalState.OPEN]
    assert later.buttons
    assert house.denials(two) == []


def test_a_copy_that_was_passed_on_decides_nothing(house: House) -> None:
    conversation, request = house.ask()
    card = only(house)

    told = house.press("ana", "-999:5", card.button("Approve"))
    typed = house.type("ana", "-999", "APPROVE", to="-999:5")

    assert told.startswith("This is no request that I posted here")
    assert typed == ""
    assert house.request(request).state is ApprovalState.OPEN
    assert house.denials(conversation) == ["per_ana"]


def test_a_decision_in_the_console_closes_every_copy_and_a_later_press_is_told_by_whom(desk: Desk) -> None:
    house = open_house(desk)
    house.bind("approvals", APPROVALS)
    house.bind("approvals", OPS)
    for name in ("ana", "budi"):
        house.employ(name, Role.AGENT)
    conversation, request = house.ask()
    copies = [only(house, APPROVALS), *house.vendor.of(OPS, title=request.question)]
    old = copies[1].button("Deny")

    in_the_console(house, request, Word.DENY, reason="no longer needed")

    assert [copy.card.lines[0] for copy in copies] == ["Denied by Budi, 10:00: no longer needed"] * 2
    assert [copy.buttons for copy in copies] == [[], []]
    assert house.press("ana", copies[1], old) == "This was already denied by Budi at 10:00."
    assert house.type("ana", APPROVALS, "APPROVE", to=copies[0].id) == "This was already denied by Budi at 10:00."
    assert house.type("ana", APPROVALS, "thanks, all clear", to=copies[0].id) == ""
    assert house.denials(conversation) == ["per_ana", "per_ana"]


def test_new_words_replace_those_on_the_card_and_a_verdict_on_the_old_ones_does_not_count(desk: Desk) -> None:
    house = open_house(desk, needs=2)
    house.bind("approvals", APPROVALS)
    for name in ("ana", "budi", "eka"):
        house.employ(name, Role.AGENT)
    conversation, request = house.ask()
    old = only(house).button("Approve")
    words = "Your next lesson is Wednesday 25 November, 11:00 with Coach Nada. See you."
    written_before = desk.clock()
    desk.clock.advance(minutes=1)

    edited = house.type("budi", APPROVALS, f"EDIT {words}", to=only(house).id)

    assert edited == "Noted: 1 of 2 have approved; it waits for the others."
    assert only(house).card.quote == words
    assert "1 of 2 have approved: Budi" in only(house).card.lines
    assert house.press("ana", only(house), old).startswith("This changed since you saw it")
    late = house.type("ana", APPROVALS, "APPROVE", to=only(house).id, at=written_before)
    assert late.startswith("This changed since you saw it")
    assert house.press("budi", only(house), "Approve") == "You have approved this already; it waits for somebody else."
    assert house.request(request).state is ApprovalState.OPEN

    desk.clock.advance(minutes=1)
    assert house.press("ana", only(house), "Approve") == "Edited and approved."
    assert only(house).card.lines[0] == "Edited and approved by Budi and Ana, 10:02."
    assert desk.replies(conversation)[-1] == words


def test_only_who_may_decide_does_whichever_chat_they_are_in(house: House) -> None:
    conversation, request = house.ask()
    house.employ("eka", Role.ON_CALL)
    house.employ("fajar", Role.AGENT)  # who came after the question
    house.employ("gita", Role.AGENT, disabled=True)
    card = only(house)

    refused = {name: house.press(name, card, "Approve") for name in ("eka", "fajar", "gita", "stranger")}
    typed = house.type("eka", APPROVALS, "DENY because", to=card.id)
    offered = house.press("eka", card, "Deny")

    assert refused["eka"].startswith("You may not decide this: the role on call does not decide in the lane qa.")
    assert refused["eka"].endswith("Agent or ops lead decides it.")
    assert "before you could decide" in refused["fajar"]
    assert refused["gita"].startswith("You were shut out")
    assert refused["stranger"].startswith("I do not know you here")
    assert typed == offered == refused["eka"]
    assert house.request(request).state is ApprovalState.OPEN
    assert [button.label for button in only(house).buttons] == ["Approve", "Deny", "Escalate"]
    assert house.denials(conversation) == [
        "per_eka", "per_fajar", "per_gita", "telegram:stranger", "per_eka", "per_eka",
    ]  # fmt: skip


def test_nobody_decides_their_own_case(house: House) -> None:
    conversation, request = house.ask()
    with db.transaction():
        contact = contacts.get(house.desk.case(conversation).contact_id)  # type: ignore[arg-type]
        assert contact is not None
        people.add(Person(id="per_ana", name="Ana", role=Role.AGENT, email=contact.email), now=house.desk.clock())

    told = house.press("ana", only(house), "Approve")

    assert told.startswith("You may not decide this: this is your own case")
    assert house.request(request).state is ApprovalState.OPEN


def test_without_a_lane_those_who_may_decide_are_asked_directly(desk: Desk) -> None:
    house = open_house(desk)
    house.employ("ana", Role.AGENT)
    house.employ("budi", Role.AGENT)
    house.employ("dewi", Role.COACH)
    house.employ("gita", Role.AGENT, disabled=True)

    house.ask()

    assert {card.chat for card in house.vendor.posted} == {"ana", "budi"}
    house.press("budi", only(house, "budi"), "Approve")
    assert only(house, "ana").card.lines[0] == "Approved by Budi, 10:00."


def test_to_break_the_glass_those_who_may_decide_are_asked_directly_as_well(house: House) -> None:
    house.ask("Someone from your school is harassing me, I do not feel safe")

    chats = {card.chat for card in house.vendor.posted}

    assert {APPROVALS, "dewi"} <= chats
    assert "ana" not in chats
    assert any(line.startswith("Woken by") for line in only(house, "dewi").card.lines)


def test_a_request_that_nobody_decides_is_closed_and_the_next_lane_is_asked(house: House) -> None:
    _conversation, request = house.ask()

    house.desk.clock.set(request.expires_at)
    house.desk.settle()

    first, *rest = house.vendor.of(APPROVALS)
    assert first.card.lines[0] == "Expired, 14:00: nobody decided in time"
    assert first.buttons == []
    assert rest[-1].buttons


def test_a_request_that_a_newer_message_overtakes_is_closed(house: House) -> None:
    conversation, _request = house.ask()

    house.desk.say(conversation, "When is my next lesson? Is it online?")
    house.desk.settle()

    first, second = house.vendor.of(APPROVALS)
    assert first.card.lines[0] == "Overtaken, 10:00: superseded by a newer draft"
    assert first.buttons == []

    by_hand.resolve(house.desk.case(conversation).id, person="per_ana", role="agent")
    house.desk.settle()

    assert second.card.lines[0].startswith("Overtaken, 10:00: the case was resolved by")
    assert second.buttons == []


def test_a_press_that_comes_three_times_counts_once(house: House) -> None:
    conversation, request = house.ask()
    card = only(house)
    event = Pressed(
        channel="telegram", person="ana", token=card.button("Approve").token, message=card.id, callback="same",
        at=house.desk.clock(),
    )  # fmt: skip

    with db.transaction():
        lanes.keep(event)
        lanes.keep(event)
    house.hear(event)

    assert house.vendor.acknowledged == {"same": "Approved."}
    assert house.request(request).state is ApprovalState.APPROVED
    assert house.denials(conversation) == []


def test_a_desk_without_lanes_begins_no_story_about_them(desk: Desk) -> None:
    conversation = desk.open(as_="stu-001", language="en")
    desk.say(conversation, "When is my next lesson?")
    desk.settle()

    assert desk.request(conversation).state is ApprovalState.OPEN
    with db.transaction():
        assert not any(row.workflow_uuid.startswith("say_") for row in desk._work("true"))
        assert tools.lanes() == {}
