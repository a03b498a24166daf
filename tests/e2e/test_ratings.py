"""How it was: asked once a case is settled, answered by a button or a word, and no new turn of the case."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caseward.core.case import CaseStatus
from caseward.core.events import Preference
from caseward.core.ids import ConversationId
from caseward.desk import outreach, tools
from caseward.flows import arrivals
from caseward.store import db, messages, ratings
from caseward.store.ratings import Rating
from tests import channels_house as house
from tests.conftest import Desk

ASKED = "Reply with a number from 1 (bad) to 5 (very good)"
QUESTION = "What are your opening hours?"


@pytest.fixture(autouse=True)
def quiet(desk: Desk) -> None:
    """Nothing is written unasked here."""
    tools.use(replace(tools.given(), pack=replace(desk.pack, playbooks=())))


def settled(desk: Desk) -> ConversationId:
    """Have a question answered, and let the time pass after which the contact is asked."""
    conversation = desk.open(language="en")
    desk.say(conversation, QUESTION)
    desk.settle()
    assert desk.case(conversation).status is CaseStatus.RESOLVED
    desk.clock.advance(minutes=11)
    desk.settle()
    return conversation


def rating(desk: Desk, conversation: ConversationId) -> Rating | None:
    with db.transaction():
        return ratings.of(desk.case(conversation).id)


def test_a_contact_is_asked_once_and_a_number_is_thanked_for(desk: Desk) -> None:
    conversation = settled(desk)
    assert ASKED in desk.replies(conversation)[-1]
    before = desk.case(conversation)

    desk.say(conversation, "4")
    desk.settle()

    found, case = rating(desk, conversation), desk.case(conversation)
    assert found is not None
    assert (found.score, found.comment, found.channel, found.at) == (4, "", "webchat", desk.clock())
    assert (case.status, case.reopened, case.turns) == (CaseStatus.RESOLVED, 0, before.turns)
    assert desk.replies(conversation)[-1] == "Thank you, we have noted it."
    assert [each.payload["score"] for each in desk.entries(conversation) if each.kind == "rating"] == [4]

    desk.say(conversation, QUESTION)
    desk.settle()
    desk.clock.advance(minutes=11)
    desk.settle()
    assert sum(ASKED in each for each in desk.replies(conversation)) == 1


@pytest.mark.parametrize(
    ("said", "score"), [("5 · very good", 5), (" 1. ", 1), ("3!", 3), ("6", None), ("2.5", None), ("4 lessons", None)]
)
def test_only_a_score_is_a_score(desk: Desk, said: str, score: int | None) -> None:
    conversation = settled(desk)

    desk.say(conversation, said)
    desk.settle()

    found = rating(desk, conversation)
    assert found is not None
    assert found.score == score
    assert (desk.case(conversation).status is CaseStatus.RESOLVED) == (score is not None)


def test_what_is_said_beside_a_score_goes_its_usual_way(desk: Desk) -> None:
    conversation = settled(desk)

    desk.say(conversation, "2, I want to talk to a person about a complaint")
    desk.settle()

    found, case = rating(desk, conversation), desk.case(conversation)
    assert found is not None
    assert (found.score, found.comment) == (2, "I want to talk to a person about a complaint")
    assert (case.status, case.reopened) == (CaseStatus.WAITING_APPROVAL, 1)


def test_a_number_after_a_score_is_a_message_like_any_other(desk: Desk) -> None:
    conversation = settled(desk)
    desk.say(conversation, "5")
    desk.settle()

    desk.say(conversation, "2")
    desk.settle()

    found = rating(desk, conversation)
    assert found is not None
    assert found.score == 5
    assert desk.case(conversation).reopened == 1


def test_nobody_is_asked_in_quiet_hours(desk: Desk) -> None:
    desk.clock.advance(hours=9, minutes=55)  # 19:55
    conversation = settled(desk)
    assert rating(desk, conversation) is None

    desk.clock.advance(hours=12)
    desk.settle()
    assert rating(desk, conversation) is not None


def test_a_pack_without_the_words_asks_nobody(desk: Desk) -> None:
    pack = tools.pack()
    templates = {id: each for id, each in pack.templates.items() if id != "rating-request"}
    tools.use(replace(tools.given(), pack=replace(pack, templates=templates)))

    conversation = settled(desk)

    assert rating(desk, conversation) is None


def test_a_button_says_which_case_is_meant_and_who_wants_no_messages_is_not_asked(desk: Desk) -> None:
    plug = house.plug_in()
    for address in ("628111", "628222"):
        arrivals.take(house.NAME, house.body(house.message(f"m{address}", address, QUESTION, at=desk.clock())))
    with db.transaction():
        outreach.prefer(Preference(channel=house.NAME, address="628222", wanted=False, at=desk.clock()))
        conversation = messages.open_conversation(house.NAME, "628111", token_hash=None, language="", now=desk.clock())
    desk.settle()
    desk.clock.advance(minutes=11)
    desk.settle()

    asked = [(address, payload) for address, payload, _key in plug.sent if "choices" in payload]
    assert [address for address, _payload in asked] == ["628111"]
    picked = asked[0][1]["choices"][1]
    assert picked.label == "2 · not good"

    for n, choice in enumerate(("rating-request:999:5", "rating-request:0:0", picked.id)):
        said = house.message(f"c{n}", "628111", picked.label, kind="choice", choice=choice, at=desk.clock())
        arrivals.take(house.NAME, house.body(said))
    desk.settle()

    found = rating(desk, conversation)
    assert found is not None
    assert found.score == 2
