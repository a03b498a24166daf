"""Writing first: by a playbook, once, to whom it may be, within its bounds; and why not, where not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from caseward.adapters.channels.webchat import WebChat
from caseward.core.case import CaseStatus
from caseward.core.errors import SystemDown
from caseward.core.events import Preference
from caseward.core.ids import ContactId, ConversationId
from caseward.core.messages import Inbound
from caseward.core.pack import Pack
from caseward.desk import outreach, tools
from caseward.flows import support
from caseward.store import contacts, db, log, messages, running
from caseward.store import outreach as kept
from tests import channels_house
from tests.channels_house import House
from tests.conftest import Desk

STUDENT = "stu-020"
"""Has a lesson on Tuesday at nine, a day after the morning of these tests."""
LESSON = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)
KEY = f"session-reminder:ses-024:{LESSON.isoformat()}"


class Chat(WebChat):
    """A channel on which what is stored is delivered."""

    name = "telegram"


@pytest.fixture(autouse=True)
def telegram(desk: Desk) -> None:
    given = tools.given()
    tools.use(replace(given, channels={**given.channels, "telegram": Chat()}))


def go_by(desk: Desk, change: Callable[[Pack], Pack]) -> None:
    desk.pack = change(desk.pack)
    tools.use(replace(tools.given(), pack=desk.pack))


def own(pack: Pack, **fields: object) -> Pack:
    """Change what the playbooks say."""
    return replace(pack, playbooks=tuple(replace(each, **fields) for each in pack.playbooks))  # type: ignore[arg-type]


def reach(desk: Desk, student: str = STUDENT, address: str = "tg-20") -> ConversationId:
    """Have a sample student proved on Telegram, with an empty conversation there."""
    with db.transaction():
        contacts.prove("telegram", address, ContactId(student), method="phone", now=desk.clock())
        return messages.open_conversation("telegram", address, token_hash=None, language="", now=desk.clock())


def run(desk: Desk, *, minutes: float = 15) -> None:
    """Let the desk see its playbooks, and let so much time pass that they are due."""
    desk.settle()
    desk.clock.advance(minutes=minutes)
    desk.settle()


def prefer(desk: Desk, *, wanted: bool, channel: str = "telegram", address: str = "tg-20") -> None:
    with db.transaction():
        outreach.prefer(Preference(channel=channel, address=address, wanted=wanted, at=desk.clock()))


def standing(key: str = KEY) -> tuple[str, str]:
    with db.transaction():
        row = kept.rows([key])[key]
    return row.state, row.why


def move(session: str, to: datetime, *, status: str = "scheduled") -> None:
    """Change a lesson in the records, as the calendar would."""
    statement = """
        update records
        set data = data || jsonb_build_object('starts', cast(:starts as text), 'status', cast(:status as text))
        where kind = 'session' and id = :id
    """
    with db.transaction():
        db.execute(text(statement), {"id": session, "starts": to.isoformat(), "status": status})


def entries() -> list[log.Entry]:
    with db.transaction():
        return [each for each in log.entries(kind="outreach") if each.payload["contact"] == STUDENT]


def test_a_lesson_is_reminded_of_once(desk: Desk) -> None:
    conversation = reach(desk)

    for _ in range(4):
        run(desk)

    [said] = desk.replies(conversation)
    assert said.startswith("Hello Kartika, a reminder from Studio demo"), "in the contact's own language"
    assert "Tuesday 24 November, 09:00" in said
    [entry] = entries()
    assert (entry.actor, entry.payload["playbook"], entry.payload["key"]) == ("A", "session-reminder", KEY)
    assert (entry.payload["address"], entry.release) == ("telegram:tg-20", desk.pack.profile.release)
    assert standing() == ("sent", "")


def test_the_message_stands_in_a_case_that_is_settled_and_says_no_farewell(desk: Desk) -> None:
    conversation = reach(desk)
    run(desk)

    case = desk.case(conversation)
    desk.clock.advance(days=3)
    desk.settle()

    assert (case.status, case.contact_id) == (CaseStatus.RESOLVED, STUDENT)
    assert case.disposition == "playbook session-reminder"
    assert len(desk.replies(conversation)) == 1
    assert [each.actor for each in desk.entries(conversation) if each.kind == "send"] == ["B"]
    assert desk.case(conversation).id == case.id


def test_an_answer_takes_the_case_up(desk: Desk) -> None:
    conversation = reach(desk)
    run(desk)

    said = Inbound(channel="telegram", provider_id="m1", address="tg-20", text="Halo", at=desk.clock())
    support.receive(conversation, said)
    desk.settle()

    assert len(desk.replies(conversation)) == 2
    assert desk.case(conversation).contact_id == STUDENT


def test_a_new_playbook_waits_for_its_first_interval(desk: Desk) -> None:
    conversation = reach(desk)

    run(desk, minutes=14)

    assert desk.replies(conversation) == []


def test_a_lesson_that_was_moved_is_reminded_of_anew(desk: Desk) -> None:
    conversation = reach(desk)
    run(desk)
    move("ses-024", LESSON + timedelta(hours=1))

    run(desk)

    first, second = desk.replies(conversation)
    assert "09:00" in first
    assert "10:00" in second


def test_who_is_not_reached_is_passed_over_until_they_are(desk: Desk) -> None:
    run(desk)
    before = standing()
    conversation = reach(desk)
    run(desk)

    assert before == ("skipped", "no address of theirs is proved on whatsapp, telegram")
    assert len(desk.replies(conversation)) == 1
    assert [each.payload["step"] for each in entries()] == ["skip", "send"]


def test_who_forbade_it_anywhere_is_not_written_to_until_they_allow_it(desk: Desk) -> None:
    conversation = reach(desk)
    with db.transaction():
        contacts.prove("email", "student@example.com", ContactId(STUDENT), method="email", now=desk.clock())
    prefer(desk, wanted=False, channel="email", address="student@example.com")

    for _ in range(3):
        run(desk)
    before, logged = standing(), len(entries())
    prefer(desk, wanted=True, channel="email", address="student@example.com")
    run(desk)

    assert before == ("skipped", "they said that they do not want it")
    assert logged == 1, "what stands as it stood is not said again"
    assert len(desk.replies(conversation)) == 1


def test_an_address_that_forbade_it_stays_out(desk: Desk) -> None:
    conversation = reach(desk)
    with db.transaction():
        contacts.prove("email", "student@example.com", ContactId(STUDENT), method="email", now=desk.clock())
    prefer(desk, wanted=False)
    desk.clock.advance(minutes=1)
    prefer(desk, wanted=True, channel="email", address="student@example.com")

    run(desk)

    assert desk.replies(conversation) == []


def test_who_must_be_asked_first_is_written_to_only_then(desk: Desk) -> None:
    go_by(desk, lambda pack: own(pack, consent="asked"))
    conversation = reach(desk)
    run(desk)
    before = standing()
    prefer(desk, wanted=True)
    run(desk)

    assert before == ("skipped", "they never said that they want it")
    assert len(desk.replies(conversation)) == 1


def test_quiet_hours_are_waited_out(desk: Desk) -> None:
    desk.clock.set(datetime(2026, 11, 23, 13, 30, tzinfo=UTC))  # 20:30 in the studio
    conversation = reach(desk)
    run(desk)
    at_night, state = desk.replies(conversation), standing()

    desk.clock.set(datetime(2026, 11, 24, 0, 59, tzinfo=UTC))
    desk.settle()
    before = desk.replies(conversation)
    desk.clock.set(datetime(2026, 11, 24, 1, 0, tzinfo=UTC))
    desk.settle()

    assert (at_night, before, state) == ([], [], ("waiting", "quiet hours"))
    assert len(desk.replies(conversation)) == 1


def test_what_is_no_longer_so_in_the_morning_is_not_said(desk: Desk) -> None:
    desk.clock.set(datetime(2026, 11, 23, 13, 30, tzinfo=UTC))
    conversation = reach(desk)
    run(desk)
    move("ses-024", LESSON, status="cancelled")

    desk.clock.set(datetime(2026, 11, 24, 1, 0, tzinfo=UTC))
    desk.settle()

    assert desk.replies(conversation) == []
    assert standing() == ("skipped", "the records call for it no longer")


def test_nobody_is_written_to_more_often_than_the_bound(desk: Desk) -> None:
    conversation = reach(desk)
    bounds = desk.pack.channels.outreach
    go_by(desk, lambda pack: replace(pack, channels=replace(pack.channels, outreach=replace(bounds, most=1))))
    run(desk)
    move("ses-024", LESSON + timedelta(hours=1))

    run(desk)

    assert len(desk.replies(conversation)) == 1
    assert standing(f"session-reminder:ses-024:{(LESSON + timedelta(hours=1)).isoformat()}") == (
        "skipped", "they were written to 1 times within 7 days",
    )  # fmt: skip


def test_who_waits_for_our_answer_gets_that_first(desk: Desk) -> None:
    conversation = reach(desk)
    desk.settle()
    said = Inbound(channel="telegram", provider_id="m1", address="tg-20", text="I want a refund", at=desk.clock())
    support.receive(conversation, said)
    desk.settle()
    with db.transaction():
        db.execute(text("update clocks set met_at = null where kind = 'first_response'"))

    run(desk)

    assert standing()[0] == "waiting"
    assert "answer of ours" in standing()[1]


def test_a_system_that_is_not_healthy_is_waited_for(desk: Desk) -> None:
    desk.clock.set(datetime(2026, 11, 23, 13, 30, tzinfo=UTC))
    conversation = reach(desk)
    run(desk)
    with db.transaction():
        running.set_health("calendar", degraded=True, why="down", by="auto", now=desk.clock())

    desk.clock.set(datetime(2026, 11, 24, 1, 0, tzinfo=UTC))
    desk.settle()
    before = standing()
    with db.transaction():
        running.set_health("calendar", degraded=False, why="", by="auto", now=desk.clock())
    desk.clock.advance(minutes=10)
    desk.settle()

    assert before == ("waiting", "its system is not healthy")
    assert len(desk.replies(conversation)) == 1


def test_words_that_the_review_refuses_are_not_said(desk: Desk) -> None:
    conversation = reach(desk)
    template = desk.pack.templates["session-reminder"]
    lying = replace(template, text={each: f"{words} 4711" for each, words in template.text.items()})
    go_by(desk, lambda pack: replace(pack, templates={**pack.templates, template.id: lying}))

    run(desk)

    assert desk.replies(conversation) == []
    assert "'4711' is in no source" in standing()[1]


@pytest.mark.parametrize("stops", [False, True], ids=["still wanted", "stopped meanwhile"])
def test_words_that_a_vendor_takes_late_keep_to_quiet_hours_and_to_a_stop(desk: Desk, stops: bool) -> None:
    plug = channels_house.plug_in(House(name="whatsapp", window=timedelta(days=1)))
    noon = replace(desk.pack.channels, outreach=replace(desk.pack.channels.outreach, quiet="10:20-12:00"))
    go_by(desk, lambda pack: own(replace(pack, channels=noon), every_minutes=24 * 60))
    with db.transaction():
        contacts.prove("whatsapp", "62811", ContactId(STUDENT), method="phone", now=desk.clock())
    move("ses-024", desk.clock() + timedelta(hours=47))
    plug.failing = [SystemDown("whatsapp", "the vendor is away")]
    run(desk, minutes=24 * 60)
    if stops:
        prefer(desk, wanted=False, channel="whatsapp", address="62811")

    desk.clock.advance(minutes=30)  # 10:30 in the studio, and the vendor is back
    desk.settle()
    in_the_quiet = list(plug.sent)
    desk.clock.advance(hours=2)
    desk.settle()

    assert not plug.failing, "it was never tried"
    assert in_the_quiet == []
    assert len(plug.sent) == (0 if stops else 1)


def test_a_fault_of_ours_passes_the_message_over_on_the_record(desk: Desk) -> None:
    conversation = reach(desk)
    go_by(desk, lambda pack: own(pack, template="never-written"))

    run(desk)

    assert desk.replies(conversation) == []
    assert standing() == ("skipped", "the words could not be sent; see the program's log")


def test_a_playbook_that_is_switched_off_sends_nothing_that_still_waits(desk: Desk) -> None:
    desk.clock.set(datetime(2026, 11, 23, 13, 30, tzinfo=UTC))
    conversation = reach(desk)
    run(desk)
    go_by(desk, lambda pack: own(pack, enabled=False))

    desk.clock.set(datetime(2026, 11, 24, 1, 0, tzinfo=UTC))
    other = replace(desk.pack.playbooks[0], id="other", enabled=True)
    go_by(desk, lambda pack: replace(pack, playbooks=(*pack.playbooks, other)))
    desk.settle()

    assert desk.replies(conversation) == []
    assert standing() == ("skipped", "the playbook is switched off")


def test_where_the_vendor_takes_no_free_words_the_approved_wording_goes_out(desk: Desk) -> None:
    plug = channels_house.plug_in(House(name="whatsapp", window=timedelta(days=1)))
    with db.transaction():
        contacts.prove("whatsapp", "62811", ContactId(STUDENT), method="phone", now=desk.clock())

    run(desk)

    [(address, payload, _key)] = plug.sent
    said = payload["approved"]
    assert (address, said.name, said.language) == ("62811", "session_reminder", "en_US")
    assert list(said.values) == ["Kartika", "Studio demo", "Tuesday 24 November, 09:00"]


def test_an_overdue_invoice_is_followed_up(desk: Desk) -> None:
    conversation = reach(desk, "stu-031", "tg-31")

    run(desk, minutes=60)

    [said] = desk.replies(conversation)
    assert "INV-2026-0031" in said
    assert "Rp1.300.000" in said
