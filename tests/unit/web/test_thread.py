"""The conversation: what became of words, days, folded steps, reactions, what a note calls, what a message carries."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from caseward.core.events import Delivery
from caseward.core.ids import CaseId, ConversationId, OutboxId
from caseward.core.messages import Message
from caseward.desk import notes, post
from caseward.store.conversation import Earlier, Said
from caseward.store.effects import EffectState
from caseward.store.files import File
from caseward.store.outbox import Parcel
from caseward.web import attached, thread
from caseward.web.entries import Told
from caseward.web.parcels import way
from caseward.web.thread import Reader

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
PARCEL = Parcel(
    id=OutboxId("out_1"), seq=1, case_id=CaseId("case_1"), message_id="msg_1", channel="house", address="62811",
    text="Halo.", reply={}, key="reply:1", state=EffectState.DONE, attempts=0, provider_ref="", error="", fault="",
    delivery=None, created_at=NOW, next_at=None, keeps_until=None, shut=False, slot_at=None, doubt_at=None,
)  # fmt: skip
SAID = [
    ({"state": EffectState.QUEUED}, "On its way", ""),
    ({"state": EffectState.RUNNING}, "On its way", ""),
    ({"state": EffectState.QUEUED, "attempts": 2, "error": "503"}, "Tried 2 times, tried again", "warn"),
    ({"state": EffectState.HELD}, "Waits for the contact to write", "warn"),
    ({"state": EffectState.UNKNOWN}, "Not known whether it was sent", "warn"),
    ({"state": EffectState.FAILED, "fault": post.BOUNCED}, "Did not arrive", "bad"),
    ({"state": EffectState.FAILED, "error": "a person answered first"}, "Recalled", "warn"),
    ({"delivery": Delivery.SENT}, "Sent", ""),
    ({"delivery": Delivery.DELIVERED}, "Delivered", ""),
    ({"delivery": Delivery.READ}, "Read", ""),
    ({"delivery": Delivery.FAILED, "fault": "131026"}, "Did not arrive", "bad"),
]
PEOPLE = {"per_an": "Ana", "per_ana": "Ana Lead", "per_budi": "Budi"}


@pytest.mark.parametrize(("fields", "words", "level"), SAID)
def test_what_became_of_words_is_said(fields: dict[str, object], words: str, level: str) -> None:
    became = way(replace(PARCEL, **fields))

    assert became is not None
    assert (became.text, became.level) == (words, level)
    assert bool(became.fix) == (words in ("Did not arrive", "Waits for the contact to write",
                                          "Not known whether it was sent"))  # fmt: skip


def test_words_that_wait_say_until_when() -> None:
    became = way(replace(PARCEL, state=EffectState.HELD, keeps_until=NOW))

    assert became is not None
    assert (became.text, became.next_at) == ("Waits for the contact to write, until", NOW)


def test_of_words_that_the_contact_reads_where_they_are_stored_nothing_is_said() -> None:
    assert way(PARCEL) is None


# --- the conversation -------------------------------------------------------------------------------------------------


def said(id: str, text: str, *, minutes: float = 0, **fields: object) -> Said:
    """Return a message of the contact's, so many minutes from now, with other fields of it or of what is known."""
    own = {name: fields.pop(name) for name in list(fields) if name in Message.__dataclass_fields__}
    message = Message(
        id=id, seq=1, conversation_id=ConversationId("conv_1"), inbound=True, author="customer", kind="text", text=text,
        at=NOW + timedelta(minutes=minutes), provider_id=f"in-{id}",
    )  # fmt: skip
    known: dict[str, object] = {"reply_to": "", "attachments": (), "files": (), "earlier": (), "edited_at": None,
                                "withdrawn_at": None, "parcel": None}  # fmt: skip
    return Said(message=replace(message, **own), **{**known, **fields})  # type: ignore[arg-type]


def reader(**fields: object) -> Reader:
    own = {"name": "Citra Sample", "names": PEOPLE, "calls": notes.names(PEOPLE.values()), "language": "en",
           "zone": ZoneInfo("Asia/Jakarta"), "now": NOW, "may_open": True}  # fmt: skip
    return Reader(**{**own, **fields})  # type: ignore[arg-type]


def step(minutes: float) -> Told:
    at = NOW + timedelta(minutes=minutes)
    return Told(seq=1, at=at, kind="decision", icon="info", title="Classified R3", text="", actor="Decision",
                case_id="case_1", case_number=1, hash="")  # fmt: skip


def test_messages_and_steps_stand_by_time_and_each_day_is_named_once() -> None:
    yesterday = -24 * 60
    shown = thread.thread(
        [said("a", "Halo", minutes=yesterday), said("b", "Again", minutes=-2)], [step(yesterday + 1)], reader()
    )

    assert [(each.kind, each.title or each.text) for each in shown] == [
        ("day", "Yesterday"),
        ("message", "Halo"),
        ("event", "Classified R3"),
        ("day", "Today"),
        ("message", "Again"),
    ]


@pytest.mark.parametrize(
    ("days", "name"), [(0, "Today"), (1, "Yesterday"), (3, "Fri 20 November"), (400, "Sun 19 October 2025")]
)
def test_a_day_is_named_as_people_name_it(days: int, name: str) -> None:
    today = NOW.date()

    assert thread.day(today - timedelta(days=days), today) == name


def test_a_long_run_of_steps_is_folded_and_a_short_one_is_not() -> None:
    few = thread.thread([said("a", "Halo", minutes=-9)], [step(-8 + n / 10) for n in range(3)], reader())
    many = thread.thread([said("a", "Halo", minutes=-9)], [step(-8 + n / 10) for n in range(4)], reader())

    assert [each.kind for each in few] == ["message", "event", "event", "event"]
    assert [(each.kind, len(each.events)) for each in many] == [("message", 0), ("events", 4)]


def test_a_reaction_stands_at_what_it_is_of_and_by_itself_where_that_is_not_shown() -> None:
    ours = said("b", "Done.", inbound=False, author="desk", provider_id="", minutes=1,
                parcel=replace(PARCEL, provider_ref="wamid.9"))  # fmt: skip
    known = said("c", "👍", kind="reaction", reply_to="wamid.9", minutes=2)
    lost = said("d", "🎉", kind="reaction", reply_to="wamid.0", minutes=3)

    shown = thread.thread([said("a", "Halo"), ours, known, lost], (), reader())

    assert [(each.kind, each.text, list(each.reactions)) for each in shown] == [
        ("message", "Halo", []),
        ("message", "Done.", ["👍"]),
        ("event", "🎉", []),
    ]


def test_what_was_changed_says_so_and_keeps_what_it_said() -> None:
    was = (Earlier(text="I want my money back", until=NOW),)
    edited = said("a", "I want to move", edited_at=NOW, earlier=was)
    withdrawn = said("b", "[withdrawn]", kind="withdrawn", withdrawn_at=NOW, earlier=was)

    shown = thread.thread([edited, withdrawn], (), reader())

    assert [(each.withdrawn, each.edited_at, each.before[0].text) for each in shown] == [
        (False, NOW, "I want my money back"),
        (True, NOW, "I want my money back"),
    ]


def test_it_says_how_long_the_first_reply_took_and_whether_it_was_one() -> None:
    ours = said("b", "We heard you.", inbound=False, author="desk", minutes=0.35)

    heard = thread.thread([said("a", "Halo"), ours], (), reader(), acknowledged="b")
    answered = thread.thread([said("a", "Halo"), ours], (), reader())

    assert (heard[1].aside, answered[1].aside) == ("Acknowledged in 21 s", "Answered in 21 s")


def test_it_says_by_which_other_door_a_message_came_and_masks_the_address() -> None:
    [shown] = thread.thread([said("a", "Halo", via="whatsapp:+628120000147")], (), reader())

    assert shown.door == "WhatsApp · +62 ••• •••• 0147"


# --- notes ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "called"),
    [
        ("@Ana Lead please look", ["per_ana"]),
        ("@ana lead and @BUDI, @Budi", ["per_ana", "per_budi"]),
        ("@Ana is not @An", ["per_an"]),
        ("mail ana@Budi.example or Budi", []),
        ("@Budiman is somebody else", []),
        ("(@Budi)", ["per_budi"]),
    ],
)
def test_a_note_calls_whom_it_names_after_an_at_sign(text: str, called: list[str]) -> None:
    assert notes.mentioned(text, PEOPLE) == called


def test_a_called_name_is_marked_in_the_note_and_the_rest_is_kept_letter_by_letter() -> None:
    text = "<b>@Budi</b> look & tell @nobody"

    [shown] = thread.thread([said("a", text, inbound=False, author="per_an", kind="note")], (), reader())

    assert [each.text for each in shown.pieces if each.called] == ["@Budi"]
    assert "".join(each.text for each in shown.pieces) == text


# --- what a message carries -------------------------------------------------------------------------------------------


def file(**fields: object) -> File:
    own: dict[str, object] = {"id": "file_1", "message_id": "a", "n": 0, "channel": "house", "ref": "f",
                              "kind": "image", "mime": "image/png", "name": "", "size": 1_400_000, "state": "kept",
                              "why": "", "attempts": 1}  # fmt: skip
    return File(**{**own, **fields})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fields", "href", "preview", "state"),
    [
        ({}, "/files/file_1", "/files/file_1/picture", ""),
        ({"mime": "image/svg+xml"}, "/files/file_1", "", ""),
        ({"mime": "text/html"}, "/files/file_1", "", ""),
        ({"size": 6_000_000}, "/files/file_1", "", ""),
        ({"state": "wanted"}, "", "", "Being fetched"),
        ({"state": "refused", "why": "larger than 16 MB"}, "", "", "Not fetched: larger than 16 MB"),
        ({"state": "gone"}, "", "", "Not to be had any more"),
    ],
)
def test_a_file_says_where_it_can_be_had_or_why_not(
    fields: dict[str, object], href: str, preview: str, state: str
) -> None:
    [shown] = attached.attached(said("a", "[image]", files=(file(**fields),)), may_open=True)

    assert (shown.href, shown.preview, shown.state) == (href, preview, state)


def test_who_may_not_open_files_sees_only_that_there_is_one() -> None:
    [shown] = attached.attached(said("a", "[image]", files=(file(),)), may_open=False)

    assert (shown.kind, shown.href, shown.preview, shown.state) == ("Picture", "", "", "Not for your role")


def test_words_that_only_name_what_is_carried_are_not_said_twice() -> None:
    [shown] = thread.thread([said("a", "[image]", kind="media", files=(file(),))], (), reader())

    assert (shown.text, [each.kind for each in shown.attached]) == ("", ["Picture"])


@pytest.mark.parametrize(("size", "words"), [(820, "820 B"), (96_400, "96 KB"), (1_400_000, "1.4 MB")])
def test_a_size_is_told_as_people_read_it(size: int, words: str) -> None:
    assert attached.sized(size) == words


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n...", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"RIFF1234WEBPVP8 ", "image/webp"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", ""),
        (b"<html>", ""),
        (b"", ""),
    ],
)
def test_a_picture_is_what_its_first_bytes_say(content: bytes, kind: str) -> None:
    assert attached.picture_of(content) == kind
