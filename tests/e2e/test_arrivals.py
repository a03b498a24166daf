"""What vendors tell comes in once, whatever they do: several times, at once, out of order, in pieces, or not at all."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from caseward.core.case import CaseStatus
from caseward.core.errors import NotFound
from caseward.core.ids import ConversationId
from caseward.core.ports import Card
from caseward.flows import arrivals
from caseward.store import db, hooks, lanes, links, log, messages, outreach, wires
from caseward.store.lanes import Handle
from tests import channels_house as house
from tests.conftest import MORNING, Desk, Server

_numbers = count(1)
HOURS = "Studio buka jam berapa ya?"


@pytest.fixture
def plug(desk: Desk) -> house.House:
    return house.plug_in()


def arrive(*told: Mapping[str, Any], **more: Any) -> None:
    arrivals.take(house.NAME, house.body(*told, **more))


def conversation(address: str = "62811") -> ConversationId:
    with db.transaction():
        found = links.home(house.NAME, address).own
    assert found is not None, f"nobody wrote from {address}"
    return found


def rows(query: str, **given: Any) -> Sequence[Any]:
    with db.transaction():
        return db.run(query, given).fetchall()  # type: ignore[arg-type]


def said(address: str = "62811") -> list[tuple[str, str]]:
    """Return kind and text of what came in from an address, in the order of the store."""
    return [(row.kind, row.text) for row in rows(
        "select kind, text from messages where inbound and conversation_id = %(of)s order by seq",
        of=conversation(address),
    )]  # fmt: skip


def kinds(name: str) -> list[Mapping[str, Any]]:
    with db.transaction():
        return [entry.payload for entry in log.entries(kind=name)]


# --- once, whatever the vendor does -----------------------------------------------------------------------------------


def test_a_message_that_a_vendor_delivers_is_answered_over_its_channel(server: Server) -> None:
    plug = house.plug_in()

    answer = house.post(server.url, house.body(house.message("m1", "62811", HOURS)))
    server.desk.settle()

    assert (answer.status_code, answer.content) == (200, b"")
    [(address, payload, _key)] = plug.sent
    assert address == "62811"
    assert "09.00" in payload["text"]


def test_every_webhook_three_times_shuffled_from_four_threads_is_one_message_and_one_answer(server: Server) -> None:
    plug = house.plug_in()
    people = [f"6281{n}" for n in range(6)]
    alone = [house.body(house.message(f"m{n}", each, HOURS)) for n, each in enumerate(people)]
    batched = [
        house.body(*(house.message(f"m{n}", people[n], HOURS) for n in numbers))
        for numbers in ((0, 1, 2), (2, 1, 0), (5, 3, 4), (4, 5))
    ]
    calls = [*alone, *batched] * 3
    random.Random(7).shuffle(calls)

    with ThreadPoolExecutor(4) as threads:
        answers = list(threads.map(lambda body: house.post(server.url, body).status_code, calls))
    server.desk.settle()

    assert answers == [200] * len(calls)
    assert [said(each) for each in people] == [[("text", HOURS)]] * len(people)
    assert sorted(address for address, _payload, _key in plug.sent) == people


def test_a_burst_of_five_hundred_is_kept_whole_and_in_order(desk: Desk, plug: house.House) -> None:
    words = [f"pesan {n}" for n in range(500)]

    for first in range(0, 500, 20):
        arrive(*(house.message(f"m{n}", "62811", words[n]) for n in range(first, first + 20)))
    desk.settle()

    assert [text for _kind, text in said()] == words
    assert rows("select from messages where inbound and turn is null") == []


def test_what_a_vendor_delivers_out_of_order_is_read_in_the_order_it_was_written(desk: Desk, plug: house.House) -> None:
    early, late = MORNING - timedelta(seconds=30), MORNING - timedelta(seconds=20)

    arrive(house.message("m2", "62811", "jam berapa ya?", at=late))
    arrive(house.message("m1", "62811", "Studio buka", at=early))
    desk.settle()

    with db.transaction():
        taken = [each.text for each in messages.of_turn(conversation(), 1)]
    assert taken == ["Studio buka", "jam berapa ya?"]


def test_a_body_that_cannot_be_read_is_read_again_later_and_at_last_by_request(
    desk: Desk, plug: house.House, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = house.body(house.message("m1", "62811", HOURS))
    with monkeypatch.context() as broken:
        broken.setattr(house, "_event", None)  # a release that cannot read it
        arrivals.take(house.NAME, body)
        for _ in range(8):
            desk.settle()
            desk.clock.advance(hours=13)
    with db.transaction():
        [(waiting, given_up, _error)] = hooks.unread(desk.clock()).values()
        asked = hooks.retry(house.NAME, desk.clock())
    desk.settle()

    assert (waiting, given_up, asked) == (0, 1, 1)
    assert said() == [("text", HOURS)]
    with db.transaction():
        assert hooks.unread(desk.clock()) == {}


def test_one_event_that_cannot_be_applied_holds_up_no_other(
    desk: Desk, plug: house.House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_event: object) -> None:
        raise ValueError("a fault of ours")

    wrong = house.event("moved", address="62811", why="number changed")
    with monkeypatch.context() as patched:
        patched.setitem(arrivals._ROOMS, arrivals.Moved, broken)  # type: ignore[arg-type]
        arrive(house.message("m1", "62811", HOURS), wrong, house.message("m2", "62812", HOURS))

    assert (said("62811"), said("62812")) == ([("text", HOURS)], [("text", HOURS)])
    [row] = rows("select state, error from hooks")
    assert (row.state, row.error) == (hooks.KEPT, "Moved: ValueError: a fault of ours")

    desk.clock.advance(minutes=2)
    desk.settle()

    assert rows("select state, error from hooks")[0].state == hooks.READ
    assert len(plug.sent) == 2


# --- kinds of messages ------------------------------------------------------------------------------------------------


def test_a_picture_without_words_is_kept_and_answered_that_it_cannot_be_read(desk: Desk, plug: house.House) -> None:
    photo = {"ref": "f1", "kind": "image", "mime": "image/png", "size": 3}

    arrive(house.message("m1", "62811", "", kind="media", attachments=[photo]))
    desk.settle()

    assert said() == [("media", "[image]")]
    assert plug.texts == [
        "Pesan itu tidak berisi teks yang bisa kami baca. Tulis pertanyaan kamu dengan kata-kata, ya."
    ]
    assert desk.case(conversation()).status is CaseStatus.WAITING_CUSTOMER


def test_pictures_again_and_again_are_looked_at_by_a_person(desk: Desk, plug: house.House) -> None:
    for n in range(3):
        arrive(house.message(f"m{n}", "62811", "[image]", kind="media"))
        desk.settle()

    assert desk.case(conversation()).status is CaseStatus.WAITING_APPROVAL


@pytest.mark.parametrize("kind", ["location", "contact", "order", "unsupported", "media"])
def test_no_kind_of_message_is_met_with_silence(desk: Desk, plug: house.House, kind: str) -> None:
    arrive(house.message("m1", "62811", f"[{kind}]", kind=kind))
    desk.settle()

    assert len(plug.sent) == 1


@pytest.mark.parametrize(
    ("kind", "text"),
    [("order", "[order] 2 x SKU-1"), ("media", "[INV-2026-0001] paid, look"), ("media", "[forwarded] hi?")],
)
def test_an_order_and_a_caption_in_brackets_are_words(desk: Desk, plug: house.House, kind: str, text: str) -> None:
    arrive(house.message("m1", "62811", text, kind=kind))
    desk.settle()

    assert not any("tidak berisi teks" in each or "holds no text" in each for each in plug.texts)
    assert desk.case(conversation()).status in (CaseStatus.WAITING_APPROVAL, CaseStatus.PENDING_VERIFICATION)


@pytest.mark.parametrize("text", ["...", "🎲", "?!"])
def test_signs_alone_are_no_words(desk: Desk, plug: house.House, text: str) -> None:
    arrive(house.message("m1", "62811", text))
    desk.settle()

    assert "tidak berisi teks" in plug.texts[0]
    assert desk.case(conversation()).status is CaseStatus.WAITING_CUSTOMER


@pytest.mark.parametrize("text", ["ok makasih kak 🙏", "👍🏽", "siap kak", "Great, thank you!"])
def test_that_an_answer_was_read_wakes_nobody(desk: Desk, plug: house.House, text: str) -> None:
    arrive(house.message("m1", "62811", HOURS))
    desk.settle()
    before = desk.case(conversation())

    arrive(house.message("m2", "62811", text))
    desk.settle()

    after = desk.case(conversation())
    assert (after.status, after.reopened) == (before.status, before.reopened) == (CaseStatus.RESOLVED, 0)
    assert len(plug.texts) == 2
    assert kinds("approval") == []


def test_the_same_words_before_are_an_answer_and_with_a_question_a_question(desk: Desk, plug: house.House) -> None:
    arrive(house.message("m1", "62811", "ok"))
    desk.settle()
    arrive(house.message("m2", "62822", HOURS))
    desk.settle()
    arrive(house.message("m3", "62822", "ok, dan alamat studionya di mana?"))
    desk.settle()

    assert desk.case(conversation()).status is CaseStatus.WAITING_APPROVAL
    assert "Jalan" in plug.texts[-1]


def test_a_reaction_and_what_a_machine_wrote_are_filed_and_never_answered(desk: Desk, plug: house.House) -> None:
    arrive(house.message("m1", "62811", HOURS))
    desk.settle()
    before = len(plug.sent)

    arrive(house.message("r1", "62811", "👍", kind="reaction", reply_to="out-1"))
    arrive(house.message("a1", "62811", "I am out of office", automatic=True))
    arrive(house.message("s1", "62811", "[joined]", kind="system"))
    desk.settle()

    assert len(plug.sent) == before
    assert [kind for kind, _text in said()] == ["text", "reaction", "text", "system"]
    filed = rows("select case_id, turn from messages where inbound and provider_id <> 'm1'")
    assert {(row.case_id, row.turn) for row in filed} == {(desk.case(conversation()).id, messages.NO_TURN)}


def test_a_message_that_is_too_long_is_kept_in_part_and_the_contact_is_told(desk: Desk, plug: house.House) -> None:
    arrive(house.message("m1", "62811", "refund " * 1000))
    desk.settle()

    [(kind, text)] = said()
    assert (kind, len(text), text[-1]) == ("long", desk.pack.profile.limits.message_chars, "…")
    assert plug.texts == [
        "Pesan itu terlalu panjang untuk kami baca. Kirim lagi dalam beberapa pesan yang lebih pendek."
    ]


def test_a_vendors_strange_id_and_time_do_no_harm(desk: Desk, plug: house.House) -> None:
    odd = [house.message(id, "62811", "Halo", at=MORNING + timedelta(days=400)) for id in ("", "x" * 900, "a\u202eb")]

    for each in (*odd, *odd):
        arrive(each)
    desk.settle()

    assert said() == [("text", "Halo")] * 3
    assert {row.at for row in rows("select at from messages where inbound")} == {MORNING}


def test_a_choice_that_is_picked_counts_as_if_it_was_typed(desk: Desk, plug: house.House) -> None:
    arrive(house.message("m1", "62811", HOURS, kind="choice", choice="hours"))
    desk.settle()

    assert "09.00" in plug.texts[0]
    assert [row.choice for row in rows("select choice from messages where inbound")] == ["hours"]


def test_what_stands_on_a_button_is_our_language_and_not_the_contacts(desk: Desk, plug: house.House) -> None:
    arrive(house.message("m1", "62811", HOURS))
    desk.settle()
    arrive(house.message("m2", "62811", "Selasa 24 November, 14:00", kind="choice", choice="slot:2026-11-24T07:00:00Z"))
    desk.settle()

    assert "data kamu" in plug.texts[-1]


def test_a_word_that_stops_is_kept_as_a_wish_and_is_no_question(desk: Desk, plug: house.House) -> None:
    arrive(house.message("m1", "62811", "STOP."))
    desk.settle()

    with db.transaction():
        assert outreach.preference(house.NAME, "62811") is False
    assert desk.case(conversation()).status is CaseStatus.WAITING_CUSTOMER
    assert kinds("triage") == []


# --- words that change ------------------------------------------------------------------------------------------------


def edited(text: str, *, seconds: int = 5, id: str = "m1") -> dict[str, Any]:
    at = MORNING - timedelta(minutes=1) + timedelta(seconds=seconds)
    return house.event("edited", address="62811", provider_id=id, text=text, at=at)


def wrote(text: str, *, id: str = "m1") -> dict[str, Any]:
    return house.message(id, "62811", text, at=MORNING - timedelta(minutes=1))


def earlier_words() -> list[str]:
    return [row.text for row in rows("select text from message_edits order by id")]


def test_words_that_are_changed_before_they_are_taken_up_are_the_ones_that_count(desk: Desk, plug: house.House) -> None:
    arrive(wrote("I want my money back"), edited(HOURS))
    desk.settle()

    assert said() == [("text", HOURS)]
    assert "09.00" in plug.texts[0]
    assert earlier_words() == ["I want my money back"]


def test_words_that_are_changed_after_they_were_taken_up_are_noted_on_the_case(desk: Desk, plug: house.House) -> None:
    arrive(wrote(HOURS))
    desk.settle()

    arrive(edited("Where are you?"))
    desk.settle()

    notes = rows("select text from messages where kind = 'note'")
    assert [HOURS in note.text and "Where are you?" in note.text for note in notes] == [True]
    assert len(plug.sent) == 1


def test_a_message_that_is_taken_back_in_time_is_not_answered(desk: Desk, plug: house.House) -> None:
    arrive(wrote(HOURS), edited(""))
    desk.settle()

    assert said() == [("withdrawn", "[withdrawn]")]
    assert earlier_words() == [HOURS]
    assert plug.sent == []


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
def test_changes_count_by_when_they_were_made_in_whichever_order_they_come_in(
    desk: Desk, plug: house.House, order: tuple[int, int, int]
) -> None:
    told = [wrote("first"), edited("second", seconds=5), edited("third", seconds=9)]

    for n in order:
        arrive(told[n])

    assert said() == [("text", "third")]
    assert set(earlier_words()) == {"first", "second"}


# --- what else a vendor tells -----------------------------------------------------------------------------------------


def test_a_vendors_trouble_is_on_the_record_until_it_takes_something_again(desk: Desk, plug: house.House) -> None:
    arrive(house.event("trouble", code="131031", text="The account is locked"))
    with db.transaction():
        locked = wires.of(house.NAME).error
    arrive(house.message("m1", "62811", HOURS))
    desk.settle()
    with db.transaction():
        since = wires.of(house.NAME)

    assert (locked, since.error, since.sent_at) == ("131031: The account is locked", "", desk.clock())
    assert kinds("trouble") == [{"channel": house.NAME, "code": "131031", "what": "The account is locked"}]


class Team(house.House):
    """The channel as one on which the team is reached too."""

    def post(self, chat: str, card: Card, *, key: str) -> str:
        return "card-1"

    def amend(self, chat: str, message: str, card: Card) -> None:
        """Nothing is shown anywhere."""

    def say(self, chat: str, text: str, *, reply_to: str = "") -> str:
        return "line-1"

    def acknowledge(self, callback: str, text: str) -> None:
        """Nobody waits."""


def test_what_somebody_of_the_team_writes_to_the_desk_is_no_customers_message(desk: Desk) -> None:
    house.plug_in(Team())
    with db.transaction():
        lanes.link(Handle(channel=house.NAME, handle="700", person_id="sample_coach"), now=desk.clock())

    for _ in range(2):
        arrive(house.message("m1", "700", "APPROVE", reply_to="card-1"), n=next(_numbers))
    arrive(house.message("m2", "62811", HOURS))

    [event] = rows("select kind, body from lane_events")
    assert (event.kind, event.body["text"], event.body["reply_to"]) == ("typed", "APPROVE", "card-1")
    assert [row.provider_id for row in rows("select provider_id from messages")] == ["m2"]
    desk.settle()


def test_nothing_is_taken_for_a_channel_that_tells_nothing(desk: Desk) -> None:
    with pytest.raises(NotFound, match="webchat"):
        arrivals.take("webchat", b"{}")
