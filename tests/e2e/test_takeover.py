"""A person answers from the vendor's own app: the case is theirs, and the desk does not speak over them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from caseward.core.approval import ApprovalState
from caseward.core.case import DESK, CaseStatus
from caseward.core.ids import ConversationId
from caseward.desk import takeover
from caseward.flows import arrivals, by_hand
from caseward.store import approvals, db, links, log, messages, outbox
from tests import channels_house as house
from tests.conftest import MORNING, Desk

HOURS = "Studio buka jam berapa ya?"
REFUND = "I want a refund for my last payment please"


@pytest.fixture
def plug(desk: Desk) -> house.House:
    return house.plug_in(lease_minutes=60)


def arrive(*told: Mapping[str, Any]) -> None:
    arrivals.take(house.NAME, house.body(*told))


def wrote(text: str, *, id: str) -> None:
    arrive(house.message(id, "62811", text))


def answered(text: str = "Hi, it is me. I see to it.", *, id: str = "e1", address: str = "62811") -> None:
    arrive(house.event("echo", address=address, provider_id=id, text=text))


def conversation(address: str = "62811") -> ConversationId:
    with db.transaction():
        found = links.home(house.NAME, address).own
    assert found is not None
    return found


def thread() -> list[tuple[str, str]]:
    with db.transaction():
        return [(each.author, each.text) for each in messages.visible(conversation(), after=0)]


def test_a_case_that_somebody_answers_from_the_phone_is_theirs_and_the_desk_is_silent(
    desk: Desk, plug: house.House
) -> None:
    wrote(REFUND, id="m1")
    desk.settle()
    said, of = len(plug.sent), conversation()

    answered()
    wrote("Thank you! When do you open tomorrow?", id="m2")
    desk.settle()

    case = desk.case(of)
    assert (case.owner, case.status) == (takeover.PHONE, CaseStatus.OPEN)
    assert case.lease_until == MORNING + timedelta(minutes=60)
    assert len(plug.sent) == said
    assert thread()[-2:] == [
        ("phone", "Hi, it is me. I see to it."),
        ("customer", "Thank you! When do you open tomorrow?"),
    ]


def test_what_people_are_asked_about_is_overtaken(desk: Desk, plug: house.House) -> None:
    wrote(REFUND, id="m1")
    desk.settle()
    of = conversation()
    with db.transaction():
        waiting = approvals.open_of(desk.case(of).id)
    assert waiting == [] or waiting  # whether anybody is asked yet depends on who writes

    arrive(house.message("m2", "62811", "I am going to sue you"))
    desk.settle()
    request = desk.request(of)

    answered()

    with db.transaction():
        closed = approvals.get(request.id)
    assert (closed.state, closed.reason) == (ApprovalState.EXPIRED, "a person answered outside the desk first")
    assert desk.case(of).status is CaseStatus.WAITING_CUSTOMER


def test_words_of_the_desk_that_did_not_leave_yet_are_withheld(desk: Desk, plug: house.House) -> None:
    plug.failing.append(house.SystemDown(house.NAME, "away for a while"))
    wrote(HOURS, id="m1")
    desk.settle()
    assert plug.sent == []

    answered("09.00, see you!")
    desk.clock.advance(minutes=30)
    desk.settle()

    assert plug.sent == []
    with db.transaction():
        [parcel] = outbox.of_case(desk.case(conversation()).id)
    assert (parcel.state, parcel.error) == ("failed", "a person answered outside the desk first")


def test_every_further_word_renews_the_lease_and_when_it_ends_the_desk_answers_what_is_open(
    desk: Desk, plug: house.House
) -> None:
    wrote(REFUND, id="m1")
    desk.settle()
    said, of = len(plug.sent), conversation()
    answered(id="e1")
    desk.clock.advance(minutes=50)
    answered("One moment", id="e2")
    desk.clock.advance(minutes=50)
    desk.settle()
    assert desk.case(of).owner == takeover.PHONE
    wrote(HOURS, id="m2")
    desk.settle()
    assert len(plug.sent) == said

    desk.clock.advance(minutes=11)
    desk.settle()

    case = desk.case(of)
    assert (case.owner, case.lease_until) == (DESK, None)
    assert len(plug.sent) == said + 1
    owners = [entry.payload["owner"] for entry in desk.entries(of) if "owner" in entry.payload]
    assert owners[-2:] == [takeover.PHONE, DESK]


def test_a_lease_without_an_end_is_ended_by_a_person(desk: Desk) -> None:
    house.plug_in(lease_minutes=0)
    wrote(REFUND, id="m1")
    desk.settle()
    of = conversation()
    answered()
    desk.clock.advance(days=20)
    desk.settle()
    held = desk.case(of)

    by_hand.hand_back(held.id, person="sample_coach", role="coach")

    assert (held.owner, held.lease_until) == (takeover.PHONE, takeover.FOREVER)
    assert (desk.case(of).owner, desk.case(of).lease_until) == (DESK, None)


def test_the_desks_own_words_that_come_back_as_an_echo_are_not_a_persons(desk: Desk, plug: house.House) -> None:
    wrote(HOURS, id="m1")
    desk.settle()
    of = conversation()

    arrive(house.event("echo", address="62811", provider_id="out-1", text=plug.texts[0]))
    arrive(house.event("echo", address="62811", provider_id="unheard", text=plug.texts[0]))

    assert desk.case(of).owner == DESK
    assert [author for author, _text in thread()] == ["customer", "desk"]


def test_the_same_echo_again_is_the_same_word(desk: Desk, plug: house.House) -> None:
    wrote(HOURS, id="m1")
    desk.settle()

    answered()
    desk.clock.advance(minutes=5)
    answered()

    assert [author for author, _text in thread()].count(takeover.PHONE) == 1


def test_an_echo_to_somebody_who_never_wrote_opens_a_case_that_is_the_persons(desk: Desk, plug: house.House) -> None:
    answered("Hello, this is the studio.", address="62899")
    arrive(house.message("m1", "62899", HOURS))
    desk.settle()

    case = desk.case(conversation("62899"))
    assert (case.owner, case.status) == (takeover.PHONE, CaseStatus.OPEN)
    assert plug.sent == []


def test_a_last_word_to_a_settled_case_leaves_it_settled_and_what_follows_to_the_person(
    desk: Desk, plug: house.House
) -> None:
    wrote(HOURS, id="m1")
    desk.settle()
    of, said = conversation(), len(plug.sent)
    assert desk.case(of).status is CaseStatus.RESOLVED

    answered("You are welcome!")
    assert desk.case(of).status is CaseStatus.RESOLVED
    wrote("And on Sundays?", id="m2")
    desk.settle()

    assert (desk.case(of).status, desk.case(of).owner) == (CaseStatus.OPEN, takeover.PHONE)
    assert len(plug.sent) == said


def test_whoever_answers_in_the_console_takes_the_case_from_the_phone(desk: Desk, plug: house.House) -> None:
    wrote(REFUND, id="m1")
    desk.settle()
    of = conversation()
    answered()

    by_hand.write(
        desk.case(of).id, "I have looked into it and will write by mail.", person="sample_coach", role="coach"
    )
    desk.settle()

    case = desk.case(of)
    assert (case.owner, case.lease_until) == ("sample_coach", None)
    assert plug.texts[-1] == "I have looked into it and will write by mail."
    with db.transaction():
        assert log.entries(kind="withheld") == []
