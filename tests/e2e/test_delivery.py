"""Words to contacts on channels that have to be called: in order, in time, once, and what did not arrive is told."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest

from caseward.core.approval import Approval, Word
from caseward.core.case import CaseStatus, IdentityState
from caseward.core.channels import Wording
from caseward.core.errors import SystemDown, Undeliverable
from caseward.core.events import Bounced, Delivery, Status
from caseward.core.ids import ContactId, ConversationId, DraftId
from caseward.core.pack import Template
from caseward.core.ports import Pace
from caseward.core.task import Draft, Evidence, ResultStatus
from caseward.desk import post, speaker, tools
from caseward.flows import arrivals, delivery
from caseward.settings import Settings
from caseward.store import approvals, casefile, cases, contacts, db, messages, outbox
from caseward.store.effects import EffectState
from caseward.store.outbox import Parcel
from caseward.web import api_read, readiness
from tests import channels_house as house
from tests.channels_house import House
from tests.conftest import Desk, wait_until

CONTACT = "628111"
DAY = timedelta(hours=24)


@pytest.fixture
def plug(desk: Desk) -> House:
    """A vendor that takes free words for a day after the contact wrote. Nothing is written unasked here."""
    tools.use(replace(tools.given(), pack=replace(desk.pack, playbooks=())))
    return house.plug_in(House(window=DAY))


def hear(desk: Desk, text: str = "Studio buka jam berapa ya?", *, id: str, address: str = CONTACT, **more: str) -> None:
    """Have a contact write; nothing is done about it yet."""
    arrivals.take(house.NAME, house.body(house.message(id, address, text, at=desk.clock(), **more)))


def proved(contact_id: str) -> None:
    """Have it known who writes from the contact's address."""
    with db.transaction():
        contact = contacts.sample(ContactId(contact_id))
        assert contact is not None
        contacts.prove(house.NAME, CONTACT, contact.id, method="channel", now=tools.now())


def conversation(address: str = CONTACT) -> ConversationId:
    with db.transaction():
        return messages.open_conversation(house.NAME, address, token_hash=None, language="", now=tools.now())


def say(
    desk: Desk,
    text: str,
    *,
    address: str = CONTACT,
    template: str = "",
    keeps: timedelta = timedelta(hours=4),
    courtesy: bool = False,
) -> Parcel:
    """Have something said to a contact, as a person consented to it; nothing is sent yet."""
    with db.transaction():
        case = cases.latest(conversation(address)) or cases.open_case(
            conversation(address), channel=house.NAME, language="en", now=desk.clock()
        )
        stated = Evidence(id="p", kind="person", title="Stated", excerpt=text, source="coach", at=desk.clock())
        draft = Draft(
            id=DraftId(f"drf_{len(outbox.of_case(case.id))}_{address}"),
            case_id=case.id,
            language="en",
            template=template,
            replies={ResultStatus.SUCCESS: text},
            evidence=(stated,),
            address=f"{house.NAME}:{address}",
        )
        consent = Approval.of(draft, approver="sample_coach", expires_at=desk.clock() + keeps)
        speaker.say(case, draft, consent, identity=IdentityState.UNKNOWN, key=f"test:{draft.id}",
                    by_person=not template, courtesy=courtesy)  # fmt: skip
        return outbox.of_case(case.id)[-1]


def now(parcel: Parcel) -> Parcel:
    with db.transaction():
        return outbox.get(parcel.id)


def notes(parcel: Parcel) -> list[str]:
    with db.transaction():
        return [each.text for each in messages.of_case(parcel.case_id) if each.kind == "note"]


def tell(desk: Desk, parcel: Parcel, state: Delivery, **more: object) -> None:
    """Have the vendor say what became of words, under our key of them."""
    said = {"channel": house.NAME, "provider_id": "wamid.1", "key": parcel.id, "at": desk.clock(), **more}
    with db.transaction():
        post.settle(Status(state=state, **said))  # type: ignore[arg-type]


def approve_wording(template: Template, wording: Wording) -> None:
    """Add a template to the pack, and the wording that the vendor approved for it."""
    given = tools.given()
    ours = given.pack.channels
    used = replace(ours.of(house.NAME), approved={template.id: wording})
    pack = replace(
        given.pack,
        templates={**given.pack.templates, template.id: template},
        channels=replace(ours, channels={**ours.channels, house.NAME: used}),
    )
    tools.use(replace(given, pack=pack))


def test_words_go_out_under_their_own_id_and_what_arrives_is_told(desk: Desk, plug: House) -> None:
    hear(desk, id="m1")
    desk.settle()

    [(address, payload, key)] = plug.sent
    with db.transaction():
        [parcel] = outbox.of_case(desk.case(conversation()).id)
    assert (address, key, parcel.state) == (CONTACT, parcel.id, EffectState.DONE)
    assert "09.00" in payload["text"]
    assert parcel.delivery is Delivery.SENT

    tell(desk, parcel, Delivery.READ)
    tell(desk, parcel, Delivery.DELIVERED)
    assert now(parcel).delivery is Delivery.READ
    with db.transaction():
        file = api_read.case(casefile.read(parcel.case_id))
    assert [(each.channel, each.state, each.delivery) for each in file.replies] == [(house.NAME, "done", "read")]
    assert [each.kind for each in file.messages] == ["text", "text"]


def test_outside_the_window_words_wait_until_the_contact_writes_and_go_before_newer_ones(
    desk: Desk, plug: House
) -> None:
    hear(desk, "hello", id="m1")
    desk.settle()
    desk.clock.advance(hours=25)
    plug.sent.clear()

    first, second = say(desk, "We moved it."), say(desk, "And it is free.")
    desk.settle()
    assert plug.sent == []
    assert [now(each).state for each in (first, second)] == [EffectState.HELD, EffectState.HELD]
    assert "no free words are taken until the contact writes again" in notes(first)[0]
    assert desk.case(conversation()).status is CaseStatus.OPEN

    hear(desk, "Studio buka jam berapa ya?", id="m2")
    desk.settle()

    assert plug.texts[:2] == ["We moved it.", "And it is free."]
    assert len(plug.sent) == 3


def test_words_whose_consent_has_expired_are_closed_and_a_person_is_told(desk: Desk, plug: House) -> None:
    hear(desk, "hello", id="m1")
    desk.settle()
    desk.clock.advance(hours=25)
    plug.sent.clear()
    parcel = say(desk, "We moved it.", keeps=timedelta(hours=1))
    desk.settle()

    desk.clock.advance(hours=2)
    hear(desk, "hello", id="m2")
    desk.settle()

    assert (now(parcel).state, now(parcel).fault) == (EffectState.FAILED, post.EXPIRED)
    assert "did not arrive" in notes(parcel)[-1]
    assert "We moved it." not in plug.texts


def test_consent_that_runs_out_while_nobody_writes_closes_the_words_too(desk: Desk, plug: House) -> None:
    hear(desk, "hello", id="m1")
    desk.settle()
    desk.clock.advance(hours=25)
    parcel = say(desk, "We moved it.", keeps=timedelta(hours=1))
    desk.settle()
    assert now(parcel).state is EffectState.HELD

    desk.clock.advance(hours=1)
    desk.settle()

    assert (now(parcel).state, now(parcel).fault) == (EffectState.FAILED, post.EXPIRED)


def test_the_approved_wording_of_the_same_template_goes_out_past_words_that_wait(desk: Desk, plug: House) -> None:
    text = {"en": "Your lesson is on {lesson_at}, {name}.", "id": "{name}, lesmu {lesson_at}."}
    template = Template(id="lesson", owner="f", status="approved", reviewed=desk.clock().date(), text=text)
    approve_wording(template, Wording(name="lesson_1", languages={"en": "en_US"}, values=("name", "lesson_at")))
    hear(desk, "hello", id="m1")
    desk.settle()
    desk.clock.advance(hours=25)
    plug.sent.clear()

    waits = say(desk, "In my own words.")
    goes = say(desk, "Your lesson is on Monday, Ana.", template="lesson")
    edited = say(desk, "Your lesson is on Monday, dear Ana.")
    desk.settle()

    [(_address, payload, key)] = plug.sent
    assert key == goes.id
    assert (payload["approved"].name, payload["approved"].language) == ("lesson_1", "en_US")
    assert list(payload["approved"].values) == ["Ana", "Monday"]
    assert [now(each).state for each in (waits, edited)] == [EffectState.HELD, EffectState.HELD]


def test_a_template_that_says_something_else_by_now_has_no_approved_wording(desk: Desk, plug: House) -> None:
    template = Template(
        id="lesson", owner="f", status="approved", reviewed=desk.clock().date(), text={"en": "See you."}
    )
    wording = Wording(name="lesson_1", languages={"en": "en_US"})
    approve_wording(template, wording)
    hear(desk, "hello", id="m1")
    desk.settle()
    desk.clock.advance(hours=25)
    plug.sent.clear()

    parcel = say(desk, "See you.", template="lesson")
    approve_wording(replace(template, text={"en": "Goodbye."}), wording)
    desk.settle()

    assert (plug.sent, now(parcel).state) == ([], EffectState.HELD)


def test_the_window_may_close_while_a_coach_thinks(desk: Desk, plug: House) -> None:
    proved("stu-003")
    hear(desk, "I want a refund for my last payment please", id="m1")
    desk.settle()
    plug.sent.clear()

    desk.clock.advance(hours=1)
    with db.transaction():
        db.run("update conversations set heard_at = heard_at - interval '23 hours'")
    desk.decide(conversation(), Word.APPROVE, role="coach")

    assert plug.sent == []  # the refund is done, and its words wait
    with db.transaction():
        held = outbox.of_case(desk.case(conversation()).id)[-1]
    assert held.state is EffectState.HELD

    desk.clock.advance(hours=30)
    hear(desk, "any news?", id="m2")
    desk.settle()
    assert plug.texts[0] == held.text


def test_a_vendor_that_finds_the_window_shut_is_believed(desk: Desk, plug: House) -> None:
    hear(desk, "hello", id="m1")
    desk.settle()
    plug.sent.clear()
    plug.failing.append(Undeliverable(house.NAME, "131047", "re-engage", closed=True))

    refused, later = say(desk, "We moved it."), say(desk, "And it is free.")
    desk.settle()
    assert plug.sent == []
    assert [now(each).state for each in (refused, later)] == [EffectState.HELD, EffectState.HELD]

    hear(desk, "hello", id="m2")
    desk.settle()
    assert plug.texts[:2] == ["We moved it.", "And it is free."]


def test_words_that_came_back_since_the_window_was_shut_are_said_once_more(desk: Desk, plug: House) -> None:
    hear(desk, "hello", id="m1")
    desk.settle()
    parcel = say(desk, "We moved it.")
    desk.settle()
    plug.sent.clear()

    for _twice in range(2):
        tell(desk, parcel, Delivery.FAILED, error="131047: re-engage", closed=True)
        desk.settle()
    assert (now(parcel).delivery, now(parcel).fault, plug.sent) == (Delivery.FAILED, "131047", [])

    hear(desk, "hello", id="m2")
    desk.settle()
    assert plug.texts.count("We moved it.") == 1


def test_words_to_one_address_keep_their_order_through_an_outage(desk: Desk, plug: House) -> None:
    hear(desk, "hello", id="m1")
    desk.settle()
    plug.sent.clear()
    plug.failing += [SystemDown(house.NAME, "busy"), SystemDown(house.NAME, "busy")]

    said = [say(desk, f"number {n}") for n in range(4)]
    desk.settle()
    assert plug.sent == []

    for seconds in (7, 40):
        desk.clock.advance(seconds=seconds)
        desk.settle()

    assert plug.texts == [f"number {n}" for n in range(4)]
    assert {now(each).state for each in said} == {EffectState.DONE}


def test_one_contact_is_no_ones_bottleneck_and_none_is_written_to_faster_than_allowed(desk: Desk) -> None:
    plug = house.plug_in(House(pace=Pace(seconds_between=6)))
    for address in ("1", "2"):
        say(desk, "first", address=address)
        say(desk, "second", address=address)

    desk.settle()
    assert sorted((address, payload["text"]) for address, payload, _key in plug.sent) == [
        ("1", "first"),
        ("2", "first"),
    ]

    desk.clock.advance(seconds=5.9)
    desk.settle()
    assert len(plug.sent) == 2

    desk.clock.advance(seconds=0.1)
    desk.settle()
    assert sorted(plug.texts) == ["first", "first", "second", "second"]


def test_a_few_words_may_go_out_at_once_where_none_did_for_a_while(desk: Desk) -> None:
    plug = house.plug_in(House(pace=Pace(seconds_between=6, burst=3)))
    for number in range(5):
        say(desk, f"Line {number}")
    desk.settle()
    assert len(plug.sent) == 3

    desk.clock.advance(seconds=6)
    desk.settle()
    assert len(plug.sent) == 4

    desk.clock.advance(seconds=6)
    desk.settle()
    assert plug.texts == [f"Line {number}" for number in range(5)]


def test_words_for_a_channel_that_was_turned_off_wait_for_it_and_readiness_says_so(desk: Desk, plug: House) -> None:
    plug.window = None
    parcel = say(desk, "We moved it.")
    on = tools.given()
    tools.use(replace(on, channels={name: each for name, each in on.channels.items() if name != house.NAME}))

    assert delivery.deliver(parcel.id) == "not now"
    assert (now(parcel).state, now(parcel).error) == (EffectState.QUEUED, post.OFF)
    plugs = readiness.Plugs(channels=(house.NAME,), set_up=frozenset(), skills={})
    found = {each.name: each for each in readiness.checks(Settings(), plugs, now=desk.clock(), prove=False)}
    told = found[f"channel {house.NAME}"]
    assert (told.ok, told.detail.endswith("; 1 waiting to go out there")) == (False, True)

    tools.use(on)
    desk.clock.advance(seconds=61)
    desk.settle()
    assert plug.texts == ["We moved it."]


def test_a_vendor_that_stays_down_is_given_up_and_a_person_is_told(desk: Desk, plug: House) -> None:
    plug.window = None
    plug.failing += [SystemDown(house.NAME, "busy")] * 50
    parcel = say(desk, "We moved it.")
    desk.settle()

    for wait in (*post.BACKOFF, timedelta(minutes=1)):
        desk.clock.advance(seconds=wait.total_seconds() * (1 + post.SPREAD) + 1)
        desk.settle()

    assert (now(parcel).state, now(parcel).fault) == (EffectState.FAILED, post.GIVEN_UP)
    assert "did not arrive" in notes(parcel)[0]
    assert now(parcel).attempts == len(post.BACKOFF) + 1


def test_what_a_vendor_will_never_take_fails_at_once_and_does_not_hold_up_what_follows(desk: Desk, plug: House) -> None:
    plug.window = None
    plug.failing.append(Undeliverable(house.NAME, "131026", "has no account"))

    refused, later = say(desk, "We moved it."), say(desk, "And it is free.")
    desk.settle()

    assert (now(refused).state, now(refused).fault) == (EffectState.FAILED, "131026")
    assert "has no account" in notes(refused)[0]
    assert plug.texts == ["And it is free."]
    assert now(later).state is EffectState.DONE
    with db.transaction():
        assert [each.id for each in outbox.refused()] == [refused.id]


def test_an_answer_that_was_lost_is_settled_by_the_vendors_word_and_not_repeated(desk: Desk, plug: House) -> None:
    plug.window = None
    plug.failing.append(TimeoutError("no answer"))
    parcel, later = say(desk, "We moved it."), say(desk, "And it is free.")
    desk.settle()
    assert (now(parcel).state, plug.sent) == (EffectState.UNKNOWN, [])

    tell(desk, parcel, Delivery.DELIVERED)
    desk.settle()
    desk.clock.advance(hours=1)
    desk.settle()

    assert plug.texts == ["And it is free."]
    assert (now(parcel).state, now(parcel).provider_ref) == (EffectState.DONE, "wamid.1")
    assert now(later).state is EffectState.DONE


def test_what_the_vendor_took_unknown_to_us_and_could_not_deliver_is_said_once_more_when_the_contact_writes(
    desk: Desk, plug: House
) -> None:
    hear(desk, "hello", id="m1")
    desk.settle()
    plug.failing.append(TimeoutError("no answer"))
    parcel = say(desk, "We moved it.")
    desk.settle()
    plug.sent.clear()

    tell(desk, parcel, Delivery.FAILED, error="131047: re-engage", closed=True)
    desk.settle()
    assert (now(parcel).state, now(parcel).fault, plug.sent) == (EffectState.FAILED, "131047", [])

    hear(desk, "hello", id="m2")
    desk.settle()
    [key] = [key for _address, payload, key in plug.sent if payload["text"] == "We moved it."]
    assert key != parcel.id


def test_a_word_that_never_comes_has_a_person_asked_and_nothing_is_repeated(desk: Desk, plug: House) -> None:
    plug.window = None
    plug.lookup = _cannot_tell  # type: ignore[method-assign]
    plug.failing.append(TimeoutError("no answer"))
    parcel, later = say(desk, "We moved it."), say(desk, "And it is free.")
    desk.settle()

    for minutes in (1, 3, 12, 20):
        desk.clock.advance(minutes=minutes)
        desk.settle()

    assert now(parcel).state is EffectState.UNKNOWN
    assert [each for each in notes(parcel) if each.startswith("Was this sent?")] == notes(parcel)
    assert len(notes(parcel)) == 1
    assert plug.texts == ["And it is free."]
    assert now(later).state is EffectState.DONE

    tell(desk, parcel, Delivery.SENT)  # very late, and still of use
    assert now(parcel).state is EffectState.DONE


def _cannot_tell(address: str, *, key: str) -> str | None:
    raise SystemDown(house.NAME, "it keeps no list of what it sent")


class Died(BaseException):
    """The process died here."""


@pytest.mark.parametrize("sent", [True, False], ids=["after", "before"])
def test_a_process_that_dies_between_sending_and_recording_leaves_nothing_to_repeat(
    desk: Desk, plug: House, sent: bool
) -> None:
    plug.window = None
    parcel = say(desk, "We moved it.")
    with db.transaction():
        handed = post.hand_out(parcel.id)
    assert handed is not None
    if sent:
        delivery._send(parcel.id, handed)  # and died before it could be recorded

    desk.clock.advance(minutes=3)
    desk.settle()

    assert plug.texts == ["We moved it."]
    assert now(parcel).state is EffectState.DONE


def test_a_vendors_word_that_comes_before_our_own_record_settles_it(desk: Desk, plug: House) -> None:
    plug.window = None
    parcel = say(desk, "We moved it.")
    with db.transaction():
        handed = post.hand_out(parcel.id)
    assert handed is not None
    outcome = delivery._send(parcel.id, handed)

    tell(desk, parcel, Delivery.DELIVERED)
    with db.transaction():
        assert delivery._report(parcel.id, handed, outcome) == "settled meanwhile"

    assert (now(parcel).state, now(parcel).delivery) == (EffectState.DONE, Delivery.DELIVERED)
    desk.settle()
    assert len(plug.sent) == 1


def test_failures_stick_and_bounces_find_what_they_are_about(desk: Desk, plug: House) -> None:
    hear(desk, id="m1")
    desk.settle()
    with db.transaction():
        [parcel] = outbox.of_case(desk.case(conversation()).id)

    with db.transaction():
        post.bounced(Bounced(channel=house.NAME, address=CONTACT, text="mailbox full", at=desk.clock()))
        post.bounced(Bounced(channel=house.NAME, address="nobody", text="who?", at=desk.clock()))
    tell(desk, parcel, Delivery.READ)
    desk.settle()

    assert (now(parcel).delivery, now(parcel).fault) == (Delivery.FAILED, post.BOUNCED)
    assert len(notes(parcel)) == 1
    assert desk.case(conversation()).status is CaseStatus.OPEN


def test_a_vendors_word_about_nothing_of_ours_is_passed_over(desk: Desk, plug: House) -> None:
    with db.transaction():
        for key in ("", "out_nobody"):
            post.settle(Status(channel=house.NAME, provider_id="?", key=key, state=Delivery.READ, at=desk.clock()))
        written = [row.kind for row in db.run("select kind from log")]

    assert "delivery" not in written
    assert "undelivered" not in written


def test_a_courtesy_that_came_too_late_troubles_nobody(desk: Desk, plug: House) -> None:
    hear(desk, id="m1")
    desk.settle()
    resolved = desk.case(conversation()).status

    desk.clock.advance(hours=100)
    desk.settle()  # the conversation is closed, which the contact cannot be told any more

    assert (resolved, desk.case(conversation()).status) == (CaseStatus.RESOLVED, CaseStatus.CLOSED)
    assert len(plug.sent) == 1


def test_an_offered_time_is_picked_by_a_button_whatever_stands_on_it(desk: Desk, plug: House) -> None:
    proved("stu-001")
    hear(desk, "Can I move my lesson to another time?", id="m1")
    desk.settle()
    [offered] = [payload["choices"] for _address, payload, _key in plug.sent if "choices" in payload]
    assert len(offered) > 2

    hear(desk, "1", id="m2", kind="choice", choice=offered[2].id)  # the words say the first of them
    desk.settle()

    draft = desk.request(conversation()).draft_id
    with db.transaction():
        task = approvals.draft(draft)[0].task
    assert task is not None
    assert offered[2].id == f"slot:{task.args['slot']}"


def test_somebody_is_seen_to_be_there_and_a_sign_stands_for_the_acknowledgement(desk: Desk) -> None:
    plug = house.plug_in(House(), acknowledge="👀")
    hear(desk, "I want to make a complaint about my coach", id="m1")
    desk.settle()
    wait_until(lambda: len(plug.shown) == 2, what="the courtesies")

    assert sorted(plug.shown) == [(CONTACT, "m1", "typing"), (CONTACT, "m1", "👀")]
    assert desk.case(conversation()).status is CaseStatus.WAITING_APPROVAL


def test_where_the_sign_cannot_be_shown_the_words_follow(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    plug = house.plug_in(House(), acknowledge="👀")

    def refuses(*_given: str) -> None:
        raise Undeliverable(house.NAME, "131009", "no reactions here")

    monkeypatch.setattr(plug, "react", refuses)
    hear(desk, "I want to make a complaint about my coach", id="m1")

    def told() -> bool:
        desk.settle()
        return bool(plug.texts)

    wait_until(told, what="the words")
    assert len(plug.texts) == 1


def test_while_the_house_is_closed_the_contact_hears_when_somebody_will_be_there(desk: Desk) -> None:
    plug = house.plug_in(House(), acknowledge="👀")
    desk.clock.advance(hours=14)
    hear(desk, "I want to make a complaint about my coach", id="m1")
    desk.settle()

    assert len(plug.texts) == 1
    assert re.search(r"\d\d:\d\d", plug.texts[0])


def test_a_mail_goes_into_its_thread_and_a_chat_quotes_only_what_was_overtaken(desk: Desk, plug: House) -> None:
    hear(desk, id="<a@x>", address="ana@example.org", subject="Opening hours")
    hear(desk, id="m1")
    desk.settle()
    desk.clock.advance(minutes=1)
    hear(desk, id="<b@x>", address="ana@example.org", subject="Re: Opening hours")
    late = say(desk, "In time.")
    hear(desk, "hello", id="m2")
    desk.settle()

    mails = [payload for address, payload, _key in plug.sent if address == "ana@example.org"]
    assert [(mail["subject"], mail["reply_to"], list(mail["thread"])) for mail in mails] == [
        ("Re: Opening hours", "<a@x>", ["<a@x>"]),
        ("Re: Opening hours", "<b@x>", ["<a@x>", "out-1", "<b@x>"]),
    ]
    chats = {key: payload.get("reply_to") for address, payload, key in plug.sent if address == CONTACT}
    assert chats.pop(late.id) == "m1"
    assert set(chats.values()) == {None}


def test_a_mail_without_a_subject_is_answered_in_its_thread_too(desk: Desk, plug: House) -> None:
    hear(desk, id="<c@x>", address="kira@example.org")
    desk.settle()

    assert [list(payload["thread"]) for address, payload, _key in plug.sent] == [["<c@x>"]]
