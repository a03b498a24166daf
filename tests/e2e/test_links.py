"""One case over several channels: who writes, what belongs together, and what an address that passes on takes along."""

from __future__ import annotations

import pytest

from caseward.core.approval import ApprovalState, Word
from caseward.core.case import CaseStatus
from caseward.core.errors import Refused
from caseward.core.events import Moved
from caseward.core.ids import ContactId
from caseward.core.ports import Change
from caseward.desk import links as room
from caseward.flows import joining
from caseward.store import approvals, cases, contacts, db, links, messages, outbox
from caseward.store.records import StoredRecords
from tests.conftest import Desk
from tests.linked import CITRA, CITRA_MAIL, CITRA_PHONE, DEWI, DEWI_MAIL, PROOFS, Topology, connect

NEXT = "kapan les saya berikutnya?"
HOURS = "jam buka studio?"


@pytest.fixture
def topology(desk: Desk) -> Topology:
    """The school with both channels."""
    return connect(desk)


# --- who writes -------------------------------------------------------------------------------------------------------


def test_a_number_that_the_vendor_vouches_for_and_one_record_has_proves_who_writes(topology: Topology) -> None:
    conversation = topology.chat(NEXT, phone="+62 8000-0000-001")

    assert topology.who("whatsapp", "628111") == (CITRA, "channel")
    assert topology.desk.case(conversation).contact_id == CITRA
    assert topology.desk.request(conversation).question == "Tell the contact when their next session is?"


def test_an_id_without_a_number_and_a_number_of_no_record_prove_nothing(topology: Topology) -> None:
    without = topology.chat(NEXT, by="US.13491208655302741918")
    unknown = topology.chat(NEXT, by="628999", phone="+628999000111")

    assert topology.who("whatsapp", "US.13491208655302741918") is None
    assert topology.who("whatsapp", "628999") is None
    assert {topology.desk.case(each).status for each in (without, unknown)} == {CaseStatus.PENDING_VERIFICATION}


def test_a_number_on_two_records_proves_nothing_and_that_is_on_the_record(topology: Topology) -> None:
    book = StoredRecords()
    twin = {"id": "stu-twin", "name": "Twin Sample", "email": "twin.sample@example.com", "phone": "080000000001"}
    book.apply("twin", changes=[Change(kind="person", id="stu-twin", data=twin, revision=None)], remember={})

    conversation = topology.chat(NEXT, phone=CITRA_PHONE)

    assert topology.who("whatsapp", "628111") is None
    assert topology.desk.case(conversation).status is CaseStatus.PENDING_VERIFICATION
    assert {"outcome": "mismatch", "why": "several records have this phone"} in topology.outcomes("identity")


def test_what_is_stated_and_does_not_match_is_not_mended_by_the_number(topology: Topology) -> None:
    conversation = topology.chat(f"{NEXT} {PROOFS}", phone=CITRA_PHONE)
    topology.chat(NEXT, phone=CITRA_PHONE)

    assert topology.who("whatsapp", "628111") is None
    assert topology.desk.case(conversation).contact_id is None
    assert "mismatch" in [each["outcome"] for each in topology.outcomes("identity")]


def test_a_from_line_alone_is_nobody_whatever_was_proved_before(topology: Topology) -> None:
    proved = topology.mail(NEXT, by=CITRA_MAIL)
    topology.desk.decide(proved, Word.APPROVE, role="agent")
    told = len(topology.told(CITRA_MAIL))

    topology.mail("tolong pindahkan les saya ke jam lain", by=CITRA_MAIL, authentic=False)

    assert topology.who("email", CITRA_MAIL) == (CITRA, "channel")
    assert topology.desk.case(proved).status is CaseStatus.PENDING_VERIFICATION
    [asked] = topology.told(CITRA_MAIL)[told:]
    assert "invoice" in asked


def test_an_address_that_passes_on_takes_its_proof_and_everything_under_way_with_it(topology: Topology) -> None:
    conversation = topology.chat(NEXT, phone=CITRA_PHONE)
    request = topology.desk.request(conversation)
    told = list(topology.told("628111"))

    topology.moved("628111", "628222")

    assert topology.who("whatsapp", "628111") is None
    case = topology.desk.case(conversation)
    assert (case.status, case.contact_id) == (CaseStatus.PENDING_VERIFICATION, None)
    with db.transaction():
        assert approvals.get(request.id).state is ApprovalState.EXPIRED
    new = topology.chat(NEXT, by="628222")
    topology.chat(NEXT)
    assert topology.desk.case(new).contact_id is None
    assert [each for each in topology.told("628111")[len(told) :] if "Sesi kamu berikutnya" in each] == []


def test_a_record_that_still_has_a_number_that_passed_on_proves_nobody(topology: Topology) -> None:
    conversation = topology.chat(NEXT, phone=CITRA_PHONE)
    topology.moved("628111")

    topology.chat(NEXT, phone=CITRA_PHONE)

    assert topology.who("whatsapp", "628111") is None
    assert topology.desk.case(conversation).status is CaseStatus.PENDING_VERIFICATION

    with db.transaction():
        contacts.prove("whatsapp", "628111", ContactId(CITRA), method="person", now=topology.desk.clock())
    topology.chat(NEXT, phone=CITRA_PHONE)
    assert topology.desk.case(conversation).contact_id == CITRA


def test_a_number_that_passed_on_before_anybody_wrote_from_it_proves_nobody(topology: Topology) -> None:
    topology.moved("628111")

    conversation = topology.chat(NEXT, phone=CITRA_PHONE)

    assert topology.who("whatsapp", "628111") is None
    assert topology.desk.case(conversation).status is CaseStatus.PENDING_VERIFICATION


def test_what_waits_to_go_to_an_address_that_passed_on_never_goes(topology: Topology) -> None:
    conversation = topology.chat(NEXT, phone=CITRA_PHONE)
    request = topology.desk.request(conversation)
    case = topology.desk.case(conversation)
    with db.transaction():
        parcel = outbox.put(case_id=case.id, message_id="msg_x", channel="whatsapp", address="628111", text="x",
                            key="reply:x", approvers=["coach"], delivered=False, now=topology.desk.clock(),
                            reply=None, keeps_until=request.expires_at)  # fmt: skip
        room.moved(Moved(channel="whatsapp", address="628111", why="another number", at=topology.desk.clock()))
    topology.desk.settle()

    assert parcel is not None
    with db.transaction():
        assert str(outbox.get(parcel).state) == "failed"
    assert "x" not in topology.told("628111")


# --- doors ------------------------------------------------------------------------------------------------------------


def test_a_case_number_from_the_registered_address_goes_on_with_the_case(topology: Topology) -> None:
    chat = topology.chat(NEXT, phone=CITRA_PHONE)
    case = topology.desk.case(chat)

    came_to = topology.mail("dan jam buka studio?", by=CITRA_MAIL, case=str(case.number))

    assert came_to == chat
    assert topology.seen_in(case.id)[1] == (f"email:{CITRA_MAIL}", "dan jam buka studio?")
    assert topology.told(CITRA_MAIL), "the answer goes where the contact wrote last"
    before = len(topology.told("628111"))
    topology.chat(HOURS, phone=CITRA_PHONE)
    assert len(topology.told("628111")) > before, "and back again"
    with db.transaction():
        doors = db.run("select channel, address from doors where case_id = %s and closed_at is null", (case.id,))
        assert [tuple(each) for each in doors] == [("email", CITRA_MAIL)]


@pytest.mark.parametrize(
    ("by", "authentic"), [("stranger@example.net", True), (CITRA_MAIL, False)], ids=["a stranger", "a forged sender"]
)
def test_a_case_number_alone_opens_nothing(topology: Topology, by: str, authentic: bool) -> None:
    chat = topology.chat(NEXT, phone=CITRA_PHONE)
    case = topology.desk.case(chat)

    own = topology.mail(HOURS, by=by, authentic=authentic, case=str(case.number))

    assert own != chat
    other = topology.desk.case(own)
    assert other.number != case.number
    with db.transaction():
        notes = [each.text for each in messages.of_case(other.id) if each.kind == "note"]
    assert notes == [f"Mentions #{case.number}; nothing shows that its contact wrote this."]
    assert topology.seen_in(case.id) == [("", NEXT)]


def test_an_answer_to_the_very_mail_we_sent_goes_on_with_its_case(topology: Topology) -> None:
    mail = topology.mail(HOURS, by="asker@example.net", authentic=False)
    case = topology.desk.case(mail)
    with db.transaction():
        [sent] = [each for each in outbox.of_case(case.id) if each.provider_ref][:1]
        links.open_door(
            links.Door(channel="whatsapp", address="62855", conversation_id=mail, case_id=case.id, by="test",
                       opened_at=topology.desk.clock())
        )  # fmt: skip

    assert topology.chat("terima kasih, kalau hari Minggu?", by="62855") == mail
    assert topology.mail("dan Sabtu?", by="asker@example.net", authentic=False, reply_to=sent.provider_ref) == mail
    assert topology.mail("dan?", by="other@example.net", authentic=False, reply_to=sent.provider_ref) != mail


def test_what_a_vendor_repeats_after_a_door_was_opened_stays_where_it_was(topology: Topology) -> None:
    first = topology.mail(HOURS, by=CITRA_MAIL, id="again")
    chat = topology.chat(NEXT, phone=CITRA_PHONE)
    topology.mail("lewat e-mail saja", by=CITRA_MAIL, case=str(topology.desk.case(chat).number))
    told = len(topology.told(CITRA_MAIL))

    repeated = topology.mail(HOURS, by=CITRA_MAIL, id="again", subject="as another body")

    assert repeated == first
    assert len(topology.told(CITRA_MAIL)) == told


def test_a_person_has_a_case_go_on_at_the_registered_address_and_nowhere_else(topology: Topology) -> None:
    chat = topology.chat(NEXT, phone=CITRA_PHONE)
    case = topology.desk.case(chat)

    with pytest.raises(Refused, match="neither proved"):
        joining.move(str(case.number), "email:stranger@example.net", person="sample_coach", role="coach")
    joining.move(str(case.number), "email", person="sample_coach", role="coach")
    topology.desk.settle()
    topology.desk.decide(chat, Word.APPROVE, role="agent")
    topology.chat("dan jam buka studio?", phone=CITRA_PHONE)

    assert any("c•••" in each for each in topology.told("628111")), topology.told("628111")
    assert topology.told(CITRA_MAIL), "answers go by mail, wherever the contact writes"
    stranger = topology.chat(NEXT, by="62877")
    with pytest.raises(Refused, match="nobody is proved"):
        joining.move(topology.desk.case(stranger).id, "email", person="sample_coach", role="coach")


# --- a proof that only the registered address can give ----------------------------------------------------------------


def test_who_states_who_they_are_is_asked_at_the_registered_address(topology: Topology) -> None:
    chat = topology.chat(NEXT)
    topology.chat(PROOFS)
    case = topology.desk.case(chat)
    [mail] = topology.told(DEWI_MAIL)

    assert topology.who("whatsapp", "628111") is None
    assert f"#{case.number}" in mail
    assert "d•••" in topology.told("628111")[-1]

    came_to = topology.mail("Ya.\n\nSalam, Dewi", by=DEWI_MAIL, case=str(case.number))

    assert came_to == chat
    assert topology.who("whatsapp", "628111") == (DEWI, "email reply")
    assert topology.who("email", DEWI_MAIL) == (DEWI, "email reply")
    assert topology.desk.request(chat).question == "Tell the contact when their next session is?"


@pytest.mark.parametrize(
    ("text", "authentic", "hours"),
    [("Bukan, itu bukan saya", True, 0), ("siapa ini ya?", True, 0), ("Ya", False, 0), ("Ya", True, 25)],
    ids=["a no", "something else", "a forged yes", "a yes that comes too late"],
)
def test_nothing_but_a_plain_yes_in_time_from_there_proves_it(
    topology: Topology, text: str, authentic: bool, hours: int
) -> None:
    chat = topology.chat(f"{NEXT} {PROOFS}")
    case = topology.desk.case(chat)
    topology.desk.clock.advance(hours=hours)

    own = topology.mail(text, by=DEWI_MAIL, authentic=authentic, case=str(case.number))

    assert own != chat
    assert topology.who("whatsapp", "628111") is None
    assert topology.desk.case(chat).contact_id is None


def test_a_registered_address_is_not_asked_without_end(topology: Topology) -> None:
    asked = 0
    for stranger in range(5):
        chat = topology.chat(f"{NEXT} {PROOFS}", by=f"62890{stranger}")
        topology.chat(PROOFS, by=f"62890{stranger}")
        asked = len(topology.told(DEWI_MAIL))

    assert asked == 3
    assert topology.desk.case(chat).status is CaseStatus.OPEN, "a person carries on"


def test_where_mail_is_not_connected_the_stated_fields_prove_it(desk: Desk) -> None:
    topology = connect(desk, formal=False)

    topology.chat(f"{NEXT} {PROOFS}")

    assert topology.who("whatsapp", "628111") == (DEWI, "invoice+email")
    with db.transaction():
        assert cases.of_contact(ContactId(DEWI))
