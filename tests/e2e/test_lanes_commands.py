"""What the team types in its chats beside verdicts: who they are, what is open, how systems are, which lane is read."""

from __future__ import annotations

import pytest

from caseward.core.events import Moved, Typed
from caseward.core.messages import Inbound
from caseward.core.roles import Role
from caseward.desk import lanes
from caseward.store import db, log
from caseward.store import lanes as chats
from tests.conftest import Desk
from tests.e2e.lanes_house import APPROVALS, House, open_house


@pytest.fixture
def house(desk: Desk) -> House:
    """A house with people who are known in its chats."""
    opened = open_house(desk)
    opened.employ("ana", Role.AGENT)
    opened.employ("budi", Role.OPS_LEAD)
    return opened


def entries(kind: str) -> list[log.Entry]:
    with db.transaction():
        return [entry for entry in log.entries(limit=500) if entry.kind == kind]


def invite(name: str) -> str:
    with db.transaction():
        return lanes.invite(f"per_{name}", "telegram", by="per_budi")


def test_a_code_links_one_person_once_and_only_in_a_direct_chat(house: House) -> None:
    house.employ("dewi", Role.COACH, linked=False)
    code = invite("dewi")

    with db.transaction():
        assert lanes.meant(Inbound(channel="telegram", provider_id="1", address="77", text=f"/link {code}",
                                   at=house.desk.clock()))  # fmt: skip
        assert not lanes.is_team("telegram", "77")
    wrong = house.type("77", "77", "/link ABCDEFGHJKMN")
    linked = house.type("77", "77", f"/link {code.lower()[:4]}-{code[4:]}")
    again = house.type("88", "88", f"/link {code}")

    assert wrong == again == "This code is unknown, used or expired; ask for a new one."
    assert linked.startswith("You are Dewi, coach.")
    with db.transaction():
        assert lanes.is_team("telegram", "77")
        assert not lanes.is_team("telegram", "88")
    assert [(entry.actor, entry.payload["what"]) for entry in entries("lane")] == [("per_dewi", "linked")]
    assert [entry.actor for entry in entries("denied")] == ["telegram:77", "telegram:88"]

    assert house.type("77", "77", "/unlink").startswith("I no longer know you")
    assert house.type("77", "77", "/status").startswith("I do not know you here")


def test_a_code_that_was_shown_to_a_group_or_is_a_day_old_links_nobody(house: House) -> None:
    house.employ("dewi", Role.COACH, linked=False)
    shown, old = invite("dewi"), invite("dewi")

    in_the_group = house.type("77", APPROVALS, f"/link {shown}")
    house.desk.clock.advance(hours=25)

    assert "links nobody any more" in in_the_group
    for code in (shown, old):
        assert "unknown, used or expired" in house.type("77", "77", f"/link {code}")


def test_who_was_shut_out_is_told_so_and_links_nothing(house: House) -> None:
    house.employ("dewi", Role.COACH)
    code = invite("dewi")
    house.employ("dewi", Role.COACH, disabled=True)

    assert house.type("dewi", "dewi", "/status").startswith("You were shut out")
    assert house.type("99", "99", f"/link {code}").startswith("You were shut out")


def test_a_lane_is_bound_by_those_who_arrange_them_where_they_write_it(house: House) -> None:
    refused = house.type("ana", APPROVALS, "/lane approvals")
    unknown = house.type("budi", APPROVALS, "/lane everything")
    bound = house.type("budi", APPROVALS, "/lane approvals")
    again = house.type("budi", APPROVALS, "/lane@caseward_bot Approvals")

    assert refused == "The role agent does not say where lanes are read."
    assert unknown == "There is no lane 'everything'; there are ops, approvals, incidents."
    assert (bound, again) == ("The lane approvals is read here.", "The lane approvals is read here already.")
    with db.transaction():
        assert [(each.chat, each.by) for each in chats.bound("approvals")] == [(APPROVALS, "per_budi")]
    assert [entry.payload["what"] for entry in entries("lane")] == ["bound"]
    assert [entry.payload["effect"] for entry in entries("denied")] == ["lane"]


def test_the_state_of_the_desk_is_told_in_a_few_lines(house: House) -> None:
    system = house.desk.pack.profile.systems[0]
    quiet = house.type("ana", "ana", "/status")
    conversation, request = house.ask()
    number = house.desk.case(conversation).number

    refused = house.type("ana", "ana", f"/degraded {system} no answer")
    lacking = house.type("budi", "budi", f"/degraded {system}")
    declared = house.type("budi", "budi", f"/degraded {system} no answer since nine")
    busy = house.type("ana", "ana", "/status")
    waiting = house.type("ana", "ana", "/approvals")
    well = house.type("budi", "budi", f"/healthy {system} it answers")

    assert quiet.splitlines() == [
        "Cases: none is open.", "Waiting for a decision: 0.", "Systems: all well.", "Channels: all connected.",
    ]  # fmt: skip
    assert refused == "The role agent does not declare how systems are."
    assert lacking == "Say which system and why: /degraded SYSTEM why."
    assert "counts as degraded" in declared
    assert busy.splitlines()[0] == "Cases: needs approval 1."
    assert busy.splitlines()[1] == "Waiting for a decision: 1."
    assert "(no answer since nine) degraded" in busy
    assert waiting == f"Case {number} · R1 · Quality check: {request.question} By 11:00."
    assert well.endswith("can be relied on again.")
    assert [entry.actor for entry in entries("denied")] == ["per_ana"]


def test_one_case_is_told_without_personal_data(house: House) -> None:
    conversation, _request = house.ask("When is my next lesson? Citra here, citra@example.com or +62 812 0000 0001")
    number = house.desk.case(conversation).number

    told = house.type("ana", "ana", f"/case {number}")

    assert told.startswith(f"Case {number}: ")
    assert "Understood: " in told
    for personal in ("Citra", "citra@", "812 0000"):
        assert personal not in told
    assert house.type("ana", "ana", "/case 99999") == "There is no case 99999."
    assert house.type("ana", "ana", "/case mine") == "Say which case: /case 12."


def test_chatter_in_a_group_and_other_bots_commands_are_left_alone(house: House) -> None:
    house.bind("approvals", APPROVALS)

    answers = [
        house.type("ana", APPROVALS, text) for text in ("good morning", "/weather jakarta", "ok", "/", "EDIT the plan")
    ]

    assert answers == [""] * 5
    assert house.type("stranger", APPROVALS, "/status").startswith("I do not know you here")
    assert "/status" in house.type("ana", "ana", "hello?")
    assert "/status" in house.type("ana", "ana", "/help")


def test_the_same_words_come_twice_and_are_handled_once(house: House) -> None:
    event = Typed(channel="telegram", person="ana", chat="ana", text="/help", message="ana:1", at=house.desk.clock())

    house.hear(event)
    house.hear(event)

    assert len(house.vendor.said) == 1


def test_a_lane_follows_its_group_when_that_becomes_another_one(house: House) -> None:
    with db.transaction():
        chats.bind(chats.Bound(lane="incidents", channel="telegram", chat="-100"), now=house.desk.clock())
        lanes.moved(Moved(channel="telegram", address="-100", now="-1009", why="a supergroup", at=house.desk.clock()))
        after = {each.lane: each.chat for each in chats.bound()}

    assert after["incidents"] == "-1009"
    assert entries("lane")[-1].payload["what"] == "moved"
