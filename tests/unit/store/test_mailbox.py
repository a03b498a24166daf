"""The mailbox: a message is stored once, a turn collects what came together, and each turn begins once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest

from caseward.core.ids import ConversationId
from caseward.core.messages import Message
from caseward.store import cases, db, messages, turns
from caseward.store.messages import Received

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
DEBOUNCE = timedelta(milliseconds=1200)
LONGEST = timedelta(seconds=6)

pytestmark = pytest.mark.usefixtures("database")


@pytest.fixture
def conversation(database: str) -> ConversationId:
    return opened("chat_one")


def opened(address: str) -> ConversationId:
    with db.transaction():
        return messages.open_conversation("webchat", address, token_hash=None, language="id", now=NOW)


def receive(conversation: ConversationId, id: str, *, after: float = 0.0, text: str = "halo") -> Received:
    """Receive a message `after` so many seconds."""
    with db.transaction():
        return messages.receive(
            conversation,
            provider_id=id,
            text=text,
            kind="text",
            at=NOW + timedelta(seconds=after),
            debounce=DEBOUNCE,
            collect_max=LONGEST,
        )


def begin(conversation: ConversationId) -> tuple[int, list[Message]] | None:
    """Begin the next turn in a case of its own; return its number and what it took."""
    with db.transaction():
        claim = messages.begin(conversation)
        if claim is None:
            return None
        case = cases.open_case(conversation, channel="webchat", language="id", now=NOW)
        return claim.turn, list(turns.take_up(conversation, claim.turn, case.id))


def ready(after: float) -> list[tuple[ConversationId, int]]:
    with db.transaction():
        return messages.ready(before=NOW + timedelta(seconds=after))


def seconds(received: Received) -> float:
    return (received.ready - NOW).total_seconds()


def test_a_turn_waits_for_the_debounce(conversation: ConversationId) -> None:
    received = receive(conversation, "m1")

    assert received.new
    assert received.turn == 1
    assert seconds(received) == 1.2
    assert ready(1.1) == []
    assert ready(1.2) == [(conversation, 1)]


def test_each_further_message_pushes_the_turn_out(conversation: ConversationId) -> None:
    receive(conversation, "m1")

    assert seconds(receive(conversation, "m2", after=1)) == 2.2
    assert seconds(receive(conversation, "m3", after=2)) == 3.2
    assert ready(2.5) == []


def test_a_turn_is_never_pushed_beyond_the_longest_wait_since_its_first_message(conversation: ConversationId) -> None:
    waits = [seconds(receive(conversation, f"m{number}", after=number)) for number in range(12)]

    assert waits[:4] == [1.2, 2.2, 3.2, 4.2]
    assert set(waits[5:]) == {6.0}
    assert ready(6) == [(conversation, 1)]


def test_a_turn_takes_everything_that_came_since_the_last_one_in_order(conversation: ConversationId) -> None:
    for number in (1, 2, 3):
        receive(conversation, f"m{number}", text=f"halo {number}")

    begun = begin(conversation)
    receive(conversation, "m4", text="halo 4")
    next_one = begin(conversation)

    assert begun is not None
    assert (begun[0], [message.text for message in begun[1]]) == (1, ["halo 1", "halo 2", "halo 3"])
    assert next_one is not None
    assert (next_one[0], [message.text for message in next_one[1]]) == (2, ["halo 4"])
    with db.transaction():
        assert [message.text for message in messages.of_turn(conversation, 1)] == ["halo 1", "halo 2", "halo 3"]


def test_a_turn_begins_once(conversation: ConversationId) -> None:
    receive(conversation, "m1")

    assert begin(conversation) is not None
    assert begin(conversation) is None
    assert ready(3600) == []


def test_the_wait_of_a_turn_begins_anew_after_the_one_before(conversation: ConversationId) -> None:
    receive(conversation, "m1")
    begin(conversation)

    assert seconds(receive(conversation, "m2", after=100)) == 101.2


def test_a_repeated_id_is_the_same_message_and_makes_no_turn(conversation: ConversationId) -> None:
    first = receive(conversation, "m1", text="halo")
    begin(conversation)

    again = receive(conversation, "m1", after=5, text="something else")

    assert not again.new
    assert again.message == first.message
    assert ready(3600) == []
    with db.transaction():
        assert [message.text for message in messages.visible(conversation, after=0)] == ["halo"]


def test_the_same_id_in_another_conversation_is_another_message(conversation: ConversationId) -> None:
    other = opened("chat_two")

    assert receive(conversation, "m1").new
    assert receive(other, "m1").new


def test_one_address_has_one_conversation() -> None:
    assert opened("chat_one") == opened("chat_one")
    assert opened("chat_one") != opened("chat_two")


def test_messages_of_the_last_minute_are_counted(conversation: ConversationId) -> None:
    counts = [receive(conversation, f"m{number}", after=number * 20).lately for number in range(6)]

    assert counts == [1, 2, 3, 4, 4, 4]


def test_a_message_that_is_rolled_back_leaves_nothing_behind(conversation: ConversationId) -> None:
    with db.engine().connect() as connection, db.joining(connection):
        messages.receive(
            conversation, provider_id="m1", text="", kind="text", at=NOW, debounce=DEBOUNCE, collect_max=LONGEST
        )
        connection.rollback()

    assert ready(3600) == []
    assert receive(conversation, "m1").new


def test_a_turn_that_is_rolled_back_is_due_again_with_the_same_number(conversation: ConversationId) -> None:
    receive(conversation, "m1")
    with db.engine().connect() as connection, db.joining(connection):
        assert messages.begin(conversation) is not None
        connection.rollback()

    assert ready(2) == [(conversation, 1)]
    assert begin(conversation) is not None


def test_of_many_that_begin_a_turn_at_once_one_wins(conversation: ConversationId) -> None:
    for number in range(5):
        receive(conversation, f"m{number}")
    together = Barrier(8)

    def race(_thread: int) -> tuple[int, list[Message]] | None:
        together.wait()
        return begin(conversation)

    with ThreadPoolExecutor(8) as pool:
        begun = [each for each in pool.map(race, range(8)) if each is not None]

    assert [(turn, len(taken)) for turn, taken in begun] == [(1, 5)]


def test_of_many_that_deliver_the_same_id_at_once_one_stores_it(conversation: ConversationId) -> None:
    together = Barrier(8)

    def race(_thread: int) -> bool:
        together.wait()
        return receive(conversation, "m1").new

    with ThreadPoolExecutor(8) as pool:
        stored = list(pool.map(race, range(8)))

    assert sorted(stored) == [False] * 7 + [True]


def test_messages_that_arrive_while_turns_begin_are_taken_once_and_none_is_left_behind(
    conversation: ConversationId,
) -> None:
    senders, each = 3, 20
    together = Barrier(senders + 1)

    def send(sender: int) -> None:
        together.wait()
        for number in range(each):
            receive(conversation, f"m{sender}-{number}")

    def work() -> list[tuple[int, list[Message]]]:
        together.wait()
        return [begun for _try in range(40) if (begun := begin(conversation)) is not None]

    with ThreadPoolExecutor(senders + 1) as pool:
        working = pool.submit(work)
        list(pool.map(send, range(senders)))
        turns = working.result()
    while (begun := begin(conversation)) is not None:
        turns.append(begun)

    taken = [message.id for _turn, messages_ in turns for message in messages_]
    assert len(taken) == len(set(taken)) == senders * each
    assert [turn for turn, _messages in turns] == list(range(1, len(turns) + 1))
    assert all(messages_ for _turn, messages_ in turns)


def test_a_note_is_never_shown_to_the_contact(conversation: ConversationId) -> None:
    with db.transaction():
        messages.add(conversation, case_id=None, author="per_coach", text="be kind", at=NOW, kind="note")
        messages.add(conversation, case_id=None, author="desk", text="Halo.", at=NOW)

    with db.transaction():
        shown = messages.visible(conversation, after=0)
        assert [message.text for message in shown] == ["Halo."]
        assert messages.visible(conversation, after=shown[0].seq) == []
