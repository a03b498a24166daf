"""Contacts that are one person, cases that are one matter: put together, taken apart, and who may say so."""

from __future__ import annotations

import pytest

from caseward.core.approval import ApprovalState
from caseward.core.case import CaseStatus
from caseward.core.errors import BadInput, Conflict, Refused
from caseward.core.ids import CaseId, ContactId
from caseward.desk import merging
from caseward.flows import joining
from caseward.store import approvals, cases, contacts, db, merges, messages
from tests.conftest import Desk
from tests.linked import CITRA, CITRA_MAIL, CITRA_PHONE, DEWI, Topology, connect, numbers

NEXT = "kapan les saya berikutnya?"
HOURS = "jam buka studio?"
COACH = {"person": "sample_coach", "role": "coach"}
AGENT = {"person": "sample_agent", "role": "agent"}


@pytest.fixture
def topology(desk: Desk) -> Topology:
    """The school with both channels."""
    return connect(desk)


# --- contacts ---------------------------------------------------------------------------------------------------------


def test_a_merged_contact_counts_as_the_one_that_was_kept_until_it_is_undone(topology: Topology) -> None:
    chat = topology.chat(NEXT, phone=CITRA_PHONE)
    with db.transaction():
        made = merging.merge(DEWI, CITRA, **AGENT)
    later = topology.mail(NEXT, by=CITRA_MAIL)

    assert topology.who("whatsapp", "628111") == (DEWI, "channel")
    assert topology.who("email", CITRA_MAIL) == (DEWI, "channel"), "a record that was merged is proved as the other"
    assert topology.desk.case(chat).contact_id == DEWI

    with db.transaction():
        merging.undo(made.id, **AGENT)

    assert topology.who("whatsapp", "628111") == (CITRA, "channel")
    assert topology.desk.case(chat).contact_id == CITRA
    assert topology.who("email", CITRA_MAIL) == (DEWI, "channel"), "what came since stays"
    assert topology.desk.case(later).contact_id == DEWI
    with db.transaction(), pytest.raises(Conflict, match="undone already"):
        merging.undo(made.id, **AGENT)


def test_two_people_on_record_are_one_only_on_the_word_of_the_strongest_lane_and_with_a_reason(
    topology: Topology,
) -> None:
    topology.chat(NEXT, phone=CITRA_PHONE)
    topology.chat(NEXT, by="628333", phone="+6280000000003")

    with db.transaction(), pytest.raises(Refused, match="agent does not answer"):
        merging.merge(DEWI, CITRA, **AGENT, reason="twins")
    with db.transaction(), pytest.raises(BadInput, match="why they are one person"):
        merging.merge(DEWI, CITRA, **COACH)
    with db.transaction():
        merging.merge(DEWI, CITRA, **COACH, reason="registered twice")

    assert topology.who("whatsapp", "628111") == (DEWI, "channel")
    assert [each["effect"] for each in topology.outcomes("denied")] == ["merge"]
    assert topology.outcomes("link")[-1]["reason"] == "registered twice"


def test_a_merge_is_undone_only_after_the_one_that_was_put_on_top_of_it(topology: Topology) -> None:
    topology.chat(NEXT, phone=CITRA_PHONE)
    other = ContactId("stu-002")
    with db.transaction():
        first = merging.merge(DEWI, CITRA, **AGENT)
        second = merging.merge(other, DEWI, **AGENT)
        with pytest.raises(Conflict, match=f"name {other} instead"):
            merging.merge(DEWI, "stu-004", **AGENT)
        with pytest.raises(Conflict, match=second.id):
            merging.undo(first.id, **AGENT)
        assert contacts.stands_for(ContactId(CITRA)) == other

        merging.undo(second.id, **AGENT)
        merging.undo(first.id, **AGENT)

    assert topology.who("whatsapp", "628111") == (CITRA, "channel")


# --- cases ------------------------------------------------------------------------------------------------------------


def test_two_cases_become_one_file_whose_contact_goes_on_where_they_like(topology: Topology) -> None:
    chat = topology.chat(NEXT, phone=CITRA_PHONE)
    mail = topology.mail(NEXT, by=CITRA_MAIL)
    [whole, part] = numbers([chat, mail])
    request = topology.desk.request(mail)
    gone = topology.desk.case(mail)

    made = joining.merge(str(whole), str(part), **AGENT, reason="the same lesson")
    came_to = topology.mail(HOURS, by=CITRA_MAIL)

    assert came_to == chat
    with db.transaction():
        assert cases.get(str(part)).number == whole, "its number means the other"
        closed = cases.get(gone.id)
        assert (closed.status, closed.number) == (CaseStatus.CLOSED, part), "its id means itself"
        assert approvals.get(request.id).state is ApprovalState.EXPIRED, "readable, and settled"
    assert [words for _via, words in topology.seen_in(topology.desk.case(chat).id)] == [NEXT, NEXT, HOURS]

    joining.undo(made.id, **AGENT)
    topology.desk.settle()

    with db.transaction():
        assert cases.get(str(part)).number == part
    assert [words for _via, words in topology.seen_in(gone.id)] == [NEXT]
    assert [words for _via, words in topology.seen_in(topology.desk.case(chat).id)] == [NEXT, HOURS], "stays"
    assert topology.mail(HOURS, by=CITRA_MAIL) == mail
    assert topology.desk.request(mail).question == request.question, "what was withdrawn is asked anew"


def test_cases_of_two_contacts_are_one_only_with_a_reason_and_neither_sees_the_others_account(
    topology: Topology,
) -> None:
    chat = topology.chat(NEXT, phone=CITRA_PHONE)
    other = topology.chat(NEXT, by="628333", phone="+6280000000003")
    [whole, part] = numbers([chat, other])

    with pytest.raises(Refused):
        joining.merge(str(whole), str(part), **AGENT, reason="sisters")
    with pytest.raises(BadInput, match="two contacts"):
        joining.merge(str(whole), str(part), **COACH)
    joining.merge(str(whole), str(part), **COACH, reason="sisters who book together")
    topology.chat(NEXT, by="628333", phone="+6280000000003")

    assert topology.desk.case(chat).contact_id == CITRA
    assert "addresses of different people" in [each.get("why") for each in topology.outcomes("identity")]


def test_what_cannot_be_merged_is_refused_with_its_reason(topology: Topology) -> None:
    chat = topology.chat(NEXT, phone=CITRA_PHONE)
    other = topology.chat(HOURS, by="62844")
    [whole, part] = numbers([chat, other])

    with pytest.raises(BadInput, match="into itself"):
        joining.merge(str(whole), str(whole), **AGENT)
    joining.merge(str(whole), str(part), **AGENT)
    with db.transaction():
        gone = next(each for each in merges.standing("case", of=topology.desk.case(chat).id)).gone
    with pytest.raises(Conflict, match="part of another"):
        joining.merge(str(whole), gone, **AGENT)


def test_messages_are_split_off_into_a_case_of_their_own_and_back(topology: Topology) -> None:
    chat = topology.chat(NEXT, phone=CITRA_PHONE)
    case = topology.desk.case(chat)
    topology.mail(HOURS, by=CITRA_MAIL, case=str(case.number))
    with db.transaction():
        came_by_mail = [each.id for each in messages.of_case(case.id) if each.via and each.inbound]

    made, new = joining.split(case.id, came_by_mail, **AGENT, reason="another matter")

    assert [words for _via, words in topology.seen_in(new.id)] == [HOURS]
    assert (new.status, new.owner) == (CaseStatus.OPEN, "sample_agent")
    own = topology.mail("dan Minggu?", by=CITRA_MAIL)
    assert own != chat
    assert topology.desk.case(own).id == new.id

    joining.undo(made.id, **AGENT)

    assert [words for _via, words in topology.seen_in(case.id)] == [NEXT, HOURS, "dan Minggu?"]
    with db.transaction():
        assert cases.get(str(new.number)).id == case.id
    with pytest.raises(BadInput, match="without a message"):
        joining.split(case.id, [each.id for each in _of(case.id)], **AGENT)


def _of(case_id: CaseId) -> list[messages.Message]:
    with db.transaction():
        return messages.of_case(case_id)
