"""Cards on their way to the team's chats: through outages, deaths and chats that change nothing any more; reminders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from caseward.core import naming
from caseward.core.approval import ApprovalState, Word
from caseward.core.errors import Undeliverable
from caseward.core.events import Trouble
from caseward.core.ids import ConversationId
from caseward.core.roles import Role
from caseward.core.task import Result, ResultStatus, TaskRequest
from caseward.desk import executor, health, lanes, wires
from caseward.flows import lanes as stories
from caseward.flows.lanes import posting
from caseward.store import cards, db, effects, outbox
from caseward.store.approvals import Request
from caseward.store.cards import CardState
from tests.conftest import Desk
from tests.e2e.lanes_house import APPROVALS, INCIDENTS, OPS, House, open_house


@pytest.fixture
def house(desk: Desk) -> House:
    """A house with an approvals lane and two people who are known in it."""
    opened = open_house(desk)
    opened.bind("approvals", APPROVALS)
    opened.employ("ana", Role.AGENT)
    opened.employ("budi", Role.OPS_LEAD)
    return opened


def states(kind: str, subject: str) -> list[CardState]:
    with db.transaction():
        return [card.state for card in cards.of(kind, subject)]


def wait(house: House, **span: float) -> None:
    house.desk.clock.advance(**span)
    house.desk.settle()


def test_a_card_that_the_vendor_does_not_take_is_posted_once_it_does(house: House) -> None:
    house.vendor.down(3)
    _conversation, request = house.ask()

    assert house.vendor.posted == []
    for span in (5, 30, 120):
        wait(house, seconds=span)

    (card,) = house.vendor.of(APPROVALS)
    house.vendor.down(2)
    house.press("ana", card, "Approve")
    assert card.buttons
    wait(house, seconds=5)
    wait(house, seconds=30)

    assert card.card.lines[0].startswith("Approved by Ana")
    assert card.buttons == []
    assert states("approval", request.id) == [CardState.POSTED]


def test_a_card_that_was_over_before_it_could_be_posted_bothers_nobody(house: House) -> None:
    house.vendor.down(1)
    conversation, request = house.ask()

    house.desk.decide(conversation, Word.DENY, role="agent", reason="not needed")
    wait(house, minutes=10)

    assert house.vendor.posted == []
    assert states("approval", request.id) == [CardState.DROPPED]


def test_a_post_of_which_nobody_knows_is_settled_by_a_press_on_it(house: House) -> None:
    house.vendor.troubles, house.vendor.lost = [TimeoutError("no answer")], True
    _conversation, request = house.ask()
    (card,) = house.vendor.of(APPROVALS)
    assert states("approval", request.id) == [CardState.UNKNOWN]

    told = house.press("ana", card, "Approve")
    wait(house, minutes=10)

    assert told == "Approved."
    assert house.vendor.of(APPROVALS) == [card]
    assert card.buttons == []
    assert states("approval", request.id) == [CardState.POSTED]


def test_a_post_of_which_nobody_ever_hears_is_posted_once_more_and_no_oftener(house: House) -> None:
    house.vendor.troubles = [TimeoutError("no answer"), TimeoutError("no answer")]
    _conversation, request = house.ask()

    wait(house, seconds=60)
    assert len(house.vendor.troubles) == 1
    wait(house, seconds=61)
    assert house.vendor.troubles == []
    wait(house, hours=1)

    assert house.vendor.posted == []
    assert states("approval", request.id) == [CardState.FAILED]


def test_a_second_copy_decides_and_the_first_is_a_copy_only(house: House) -> None:
    house.vendor.troubles, house.vendor.lost = [TimeoutError("no answer")], True
    _conversation, request = house.ask()
    wait(house, minutes=3)
    first, second = house.vendor.of(APPROVALS)

    on_the_first = house.press("ana", first, "Approve")
    on_the_second = house.press("ana", second, "Approve")

    assert on_the_first.startswith("This is no request that I posted here")
    assert on_the_second == "Approved."
    assert house.request(request).state is ApprovalState.APPROVED


def test_a_card_whose_process_died_on_the_way_is_taken_for_unknown_and_posted_later(house: House) -> None:
    house.vendor.down(1)
    _conversation, request = house.ask()
    with db.transaction():
        (card,) = cards.of("approval", request.id)
        task = posting._take(card.id)
    posting._marked.clear()  # the process that marked it is gone, and another one takes its story over

    assert posting._show(task)["state"] == "unknown"
    assert house.vendor.posted == []
    wait(house, minutes=3)

    assert len(house.vendor.of(APPROVALS)) == 1
    assert states("approval", request.id) == [CardState.POSTED]


def test_a_card_that_can_no_longer_be_changed_gets_a_line_that_says_it(house: House) -> None:
    _conversation, request = house.ask()
    (card,) = house.vendor.of(APPROVALS)
    house.vendor.frozen.add(card.id)

    house.press("ana", card, "Approve")
    wait(house, minutes=10)

    lines = [(text, to) for chat, text, to in house.vendor.said if chat == APPROVALS]
    number = house.desk.case(_conversation).number
    assert lines == [(f"Case {number}: Approved by Ana, 10:00.", card.id)]
    assert states("approval", request.id) == [CardState.POSTED]


def test_new_words_that_a_card_can_no_longer_show_are_asked_about_on_another(desk: Desk) -> None:
    house = open_house(desk, needs=2)
    house.bind("approvals", APPROVALS)
    for name in ("ana", "budi"):
        house.employ(name, Role.AGENT)
    _conversation, request = house.ask()
    (old,) = house.vendor.of(APPROVALS)
    house.vendor.frozen.add(old.id)
    words = "Your next lesson is Wednesday 25 November, 11:00 with Coach Nada. See you."

    house.type("budi", APPROVALS, f"EDIT {words}", to=old.id)

    _old, new = house.vendor.of(APPROVALS)
    assert new.card.quote == words
    assert house.type("ana", APPROVALS, "APPROVE", to=old.id).startswith("This is no request")
    assert house.press("ana", old, "Approve").startswith("This is no request")
    assert house.press("ana", new, "Approve") == "Edited and approved."
    assert house.request(request).state is ApprovalState.EDITED


def test_a_chat_that_refuses_a_card_for_good_is_left_alone(house: House) -> None:
    house.vendor.troubles = [Undeliverable("telegram", "403", "bot was kicked from the group")]
    _conversation, request = house.ask()
    wait(house, hours=1)

    assert house.vendor.posted == []
    assert states("approval", request.id) == [CardState.FAILED]


def test_an_open_request_is_pointed_at_after_a_while_and_before_it_expires_in_business_hours_only(
    house: House,
) -> None:
    _conversation, request = house.ask()
    (card,) = house.vendor.of(APPROVALS)

    def lines() -> list[str]:
        return [text for _chat, text, to in house.vendor.said if to == card.id and "still waits" in text]

    wait(house, minutes=29)
    assert lines() == []
    wait(house, minutes=1)
    number = house.desk.case(_conversation).number
    assert lines() == [f"Case {number} still waits for a decision, by 11:00."]
    wait(house, minutes=60)
    assert len(lines()) == 1
    house.desk.clock.set(request.expires_at - timedelta(minutes=30))
    house.desk.settle()
    assert len(lines()) == 2
    wait(house, minutes=5)
    assert len(lines()) == 2


def test_a_reminder_that_an_outage_held_up_into_the_night_waits_for_the_morning(house: House) -> None:
    house.desk.clock.set(house.desk.clock().replace(hour=9, minute=0))  # 16:00 there; open until 20:00
    _conversation, request = house.ask()
    (card,) = house.vendor.of(APPROVALS)
    night = request.opened_at.replace(hour=16)  # 23:00 there
    with db.transaction():
        (kept,) = cards.of("approval", request.id)
        cards.move(kept.id, CardState.POSTED, now=night, next_at=night)
    house.desk.clock.set(night)
    with db.transaction():
        assert not house.desk.pack.hours.is_open(night)
        assert posting._take(kept.id) == {}
        again = cards.get(kept.id).next_at

    assert again is not None
    assert house.desk.pack.hours.is_open(again)
    assert again > night
    assert card.buttons


def test_a_request_whose_announcement_was_lost_is_shown_after_all(desk: Desk) -> None:
    house = open_house(desk)
    conversation, request = house.ask()  # nobody reads yet, so nothing is shown
    house.employ("ana", Role.AGENT)
    assert house.vendor.posted == []
    house.bind("approvals", APPROVALS)
    wait(house, minutes=2)

    stories.catch_up("now")
    desk.settle()

    (card,) = house.vendor.of(APPROVALS)
    assert [button.label for button in card.buttons] == ["Approve", "Deny", "Escalate"]
    assert desk.request(conversation).id == request.id


def test_a_case_for_people_is_shown_to_operations_until_it_is_settled(house: House) -> None:
    house.bind("ops", OPS)
    conversation, _request = house.ask()
    number = house.desk.case(conversation).number

    (card,) = house.vendor.of(OPS)
    assert card.card.title == f"Case {number}: {request_matter(house, conversation)}"
    assert card.card.lines[0].startswith("Needs approval · R1")
    assert any(line.startswith("Understood: ") for line in card.card.lines)
    assert card.card.quote == "When is my next lesson?"
    assert card.buttons == []

    house.press("ana", house.vendor.of(APPROVALS)[0], "Approve")

    assert card.card.lines[0].startswith("Resolved · R1")


def request_matter(house: House, conversation: ConversationId) -> str:
    return naming.matter(house.desk.pack, house.desk.case(conversation).intent)


def test_a_promise_that_is_near_is_said_under_the_card(house: House) -> None:
    conversation, request = house.ask()
    (card,) = house.vendor.of(APPROVALS)
    number = house.desk.case(conversation).number

    wait(house, minutes=59)
    wait(house, minutes=1)

    said = [text for _chat, text, to in house.vendor.said if to == card.id]
    assert f"Case {number}: the decision is due by 11:00." in said
    assert f"Case {number}: the decision was due by 11:00." in said
    assert house.request(request).state is ApprovalState.OPEN


def test_a_degraded_system_is_an_alarm_until_it_is_well_and_another_one_later(house: House) -> None:
    house.bind("incidents", INCIDENTS)
    system = house.desk.pack.profile.systems[0]

    def declare(degraded: bool, why: str) -> None:
        with db.transaction():
            health.declare(system, degraded=degraded, why=why, by="per_budi", role="ops_lead")
        house.desk.settle()

    declare(True, "no answer since nine")
    (first,) = house.vendor.of(INCIDENTS)
    assert "no answer since nine" in first.text
    assert f"/healthy {system}" in first.text
    declare(False, "it answers")
    assert "is well again" in first.card.title
    declare(True, "gone again")

    _first, second = house.vendor.of(INCIDENTS)
    assert "gone again" in second.text
    assert "is well again" in first.card.title


def test_a_task_that_did_not_succeed_is_shown_to_operations(house: House) -> None:
    house.bind("ops", OPS)
    conversation, request = house.ask()
    with db.transaction():
        task = a_task(house, request)
        executor.settle(effects.task(task), Result(status=ResultStatus.FAILED, detail="the slot is taken"))
    house.desk.settle()

    card = next(each for each in house.vendor.of(OPS) if each.card.title.startswith("Task: "))
    assert card.card.title == "Task: Move the lesson"
    assert "the slot is taken" in card.text
    assert f"Case {house.desk.case(conversation).number} · Failed" in card.text

    house.press("ana", house.vendor.of(APPROVALS)[0], "Approve")
    assert states("task", task) == [CardState.POSTED]
    with db.transaction():
        (kept,) = cards.of("task", task)
    assert kept.closed


def a_task(house: House, request: Request) -> str:
    asked = TaskRequest(skill="calendar.reschedule", args={}, key="k1", summary="Move the lesson")
    task, _new = effects.queue_task(
        asked, case_id=request.case_id, draft_id=request.draft_id, approval_id=request.id, approvers=("per_ana",),
        now=house.desk.clock(),
    )  # fmt: skip
    effects.move_task(task.id, effects.EffectState.RUNNING, now=house.desk.clock())
    return task.id


def test_a_channel_that_complains_or_is_lost_is_an_alarm_until_it_is_connected(house: House) -> None:
    house.bind("incidents", INCIDENTS)

    def happens(what: Callable[[], object]) -> None:
        with db.transaction():
            what()
        house.desk.settle()

    happens(lambda: wires.trouble(Trouble(channel="webchat", code="131", text="limited", at=house.desk.clock())))
    (card,) = house.vendor.of(INCIDENTS)
    assert (card.card.title, card.card.lines) == ("Web chat reports a fault", ["131: limited"])
    happens(lambda: wires.disconnected("webchat", "connection reset"))
    house.desk.clock.advance(minutes=5)
    happens(wires.watch)
    assert card.card.title == "Web chat is lost"
    assert "connection reset" in card.text
    assert "Web chat lost" in house.type("ana", "ana", "/status")
    happens(lambda: wires.connected("webchat"))

    assert card.card.title == "Web chat is connected again"
    assert house.vendor.of(INCIDENTS) == [card]


def test_words_that_do_not_arrive_are_an_alarm_until_their_case_is_settled(house: House) -> None:
    house.bind("incidents", INCIDENTS)
    conversation, request = house.ask()
    with db.transaction():
        parcel = outbox.put(
            case_id=request.case_id, message_id="msg_x", channel="webchat", address="a", text="Call +62 812 0000 0001",
            key="k", approvers=("policy",), delivered=False, now=house.desk.clock(),
        )  # fmt: skip
        assert parcel is not None
        db.execute(text("update outbox set state = 'failed', error = 'number not in use', next_at = null"
                        f" where id = '{parcel}'"))  # fmt: skip
        lanes.announce("alarm", f"parcel:{parcel}", request.case_id)
    house.desk.settle()
    (card,) = house.vendor.of(INCIDENTS)

    assert card.card.title == f"Words of case {house.desk.case(conversation).number} do not arrive"
    assert "number not in use" in card.text
    assert "812 0000" not in card.text
    house.press("ana", house.vendor.of(APPROVALS)[0], "Approve")
    assert states("alarm", f"parcel:{parcel}") == [CardState.POSTED]
    assert "Reach them otherwise" not in card.text
