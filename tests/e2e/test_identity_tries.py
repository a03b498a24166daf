"""Tries at somebody's identity are few, wherever they are made, and cost their owner little."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from caseward.core.errors import SystemDown
from caseward.core.ids import ConversationId
from caseward.core.task import Result
from caseward.desk import tools
from tests.conftest import Desk

INVOICE = "INV-2026-0001"


@pytest.fixture
def owner(desk: Desk) -> str:
    """The e-mail address that belongs to the invoice."""
    invoice = next(each for each in desk.pack.records["invoice"] if each["id"] == INVOICE)
    return str(next(each for each in desk.pack.records["person"] if each["id"] == invoice["person"])["email"])


def claim(desk: Desk, *proofs: str) -> ConversationId:
    """Ask for something of an account in a new chat, and say who one is, once for each proof."""
    conversation = desk.open(language="en")
    for text in ("When is my next lesson?", *proofs):
        desk.say(conversation, text)
        desk.settle()
    return conversation


def is_proved(desk: Desk, conversation: ConversationId) -> bool:
    return desk.case(conversation).contact_id is not None


def outcomes(desk: Desk, conversation: ConversationId) -> list[str]:
    return [each.payload["outcome"] for each in desk.entries(conversation) if each.kind == "identity"]


def test_a_new_conversation_has_no_new_tries_at_the_same_record(desk: Desk, owner: str) -> None:
    for attempt in range(desk.pack.profile.identity.attempts):
        claim(desk, f"{INVOICE} wrong{attempt}@example.com")

    guessed = claim(desk, f"{INVOICE} {owner}")

    assert outcomes(desk, guessed) == ["refused"]
    assert not is_proved(desk, guessed)
    assert desk.request(guessed).lane == "coach"  # a person takes over


def test_a_value_is_counted_whatever_else_is_named_with_it(desk: Desk, owner: str) -> None:
    for number in range(desk.pack.profile.identity.attempts):
        claim(desk, f"INV-2026-09{number:02} {owner.upper()}")

    assert not is_proved(desk, claim(desk, f"{INVOICE} {owner}"))


def test_wrong_tries_at_others_do_not_touch_somebody(desk: Desk, owner: str) -> None:
    for number in range(4):
        claim(desk, f"INV-2026-09{number:02} wrong{number}@example.com")

    assert is_proved(desk, claim(desk, f"{INVOICE} {owner}"))


def test_the_owner_is_locked_out_for_the_packs_window_and_no_longer(desk: Desk, owner: str) -> None:
    for attempt in range(desk.pack.profile.identity.attempts):
        claim(desk, f"{INVOICE} wrong{attempt}@example.com")
    for _ in range(3):  # what is refused is no try, so it does not lengthen the wait
        desk.clock.advance(minutes=desk.pack.profile.identity.window_minutes / 3 - 1)
        claim(desk, f"{INVOICE} wrong@example.com")

    desk.clock.advance(minutes=4)

    assert is_proved(desk, claim(desk, f"{INVOICE} {owner}"))


def test_an_owner_who_was_proved_before_goes_on_whatever_strangers_try(desk: Desk, owner: str) -> None:
    own = claim(desk, f"{INVOICE} {owner}")
    for attempt in range(desk.pack.profile.identity.attempts + 1):
        claim(desk, f"{INVOICE} wrong{attempt}@example.com")

    said = len(desk.replies(own))
    desk.say(own, "And when is my next lesson?")
    desk.settle()

    assert is_proved(desk, own)
    assert outcomes(desk, own) == ["verified"]
    assert not any("match" in reply for reply in desk.replies(own)[said:])


def test_a_proof_that_nobody_could_look_up_is_no_wrong_try(desk: Desk, owner: str) -> None:
    given = tools.given()

    class Down:
        """The records, out of order."""

        name, system, writes = "find_person", "records", False

        def run(self, args: Mapping[str, Any], *, key: str, now: datetime) -> Result:
            raise SystemDown("records", "no answer")

        def lookup(self, *, key: str) -> Result | None:
            return None

    tools.use(replace(given, skills={**given.skills, "find_person": Down()}))
    for _ in range(desk.pack.profile.identity.attempts):
        claim(desk, f"{INVOICE} {owner}")
    tools.use(given)

    assert is_proved(desk, claim(desk, f"{INVOICE} {owner}"))


def test_proofs_may_come_one_message_at_a_time(desk: Desk, owner: str) -> None:
    assert is_proved(desk, claim(desk, INVOICE.lower(), owner))
    assert is_proved(desk, claim(desk, owner, INVOICE))


def test_a_proof_that_is_given_again_stands_for_the_one_before(desk: Desk, owner: str) -> None:
    conversation = claim(desk, f"INV-2026-0002 {owner}", INVOICE)

    assert outcomes(desk, conversation) == ["mismatch", "verified"]


def test_words_without_a_proof_are_no_further_try(desk: Desk) -> None:
    conversation = claim(desk, f"{INVOICE} wrong@example.com", "hello? when is it?")

    assert outcomes(desk, conversation) == ["mismatch"]


def test_nobody_is_asked_a_third_time_who_they_are(desk: Desk) -> None:
    conversation = claim(desk, INVOICE, INVOICE, INVOICE)

    asked = [each for each in desk.replies(conversation) if "registered e-mail address" in each]
    assert len(asked) == desk.pack.profile.limits.questions
    assert desk.request(conversation).lane == "coach"


def test_each_try_too_many_is_answered(desk: Desk) -> None:
    conversation = claim(desk, *(f"{INVOICE} wrong{number}@example.com" for number in range(5)))

    said = desk.replies(conversation)
    assert len(said) == 6
    assert len(set(said[3:])) == 1  # that a colleague takes over, and no word of what would have fitted
