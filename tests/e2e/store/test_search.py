"""What is found by words, numbers and addresses, and how much is read for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from caseward.core.case import CaseStatus, Contact
from caseward.core.ids import CaseId, ContactId
from caseward.core.roles import Role
from caseward.store import cases, contacts, messages, people, search
from caseward.store.db import transaction
from caseward.store.people import Person

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("database")


def put(name: str, *said: str, phone: str = "", status: CaseStatus = CaseStatus.OPEN) -> CaseId:
    """Store a case of a contact, who said this."""
    with transaction():
        slug = name.split()[0].lower()
        contact = Contact(id=ContactId(f"con_{slug}"), name=name, email=f"{slug}@example.com", phone=phone, locale="en")
        contacts.keep(contact, sample=True, now=NOW)
        conversation = messages.open_conversation("telegram", f"77{slug}", token_hash=None, language="en", now=NOW)
        case = cases.open_case(conversation, channel="telegram", language="en", now=NOW)
        contacts.prove("telegram", f"77{slug}", contact.id, method="channel", now=NOW)
        cases.change(case, NOW, status=status, contact_id=contact.id)
        for number, text in enumerate(said):
            at = NOW + timedelta(minutes=number)
            messages.add(conversation, case_id=case.id, author="contact", text=text, at=at, kind="text")
    return case.id


def test_a_case_is_found_by_its_number_its_contact_and_its_words() -> None:
    citra = put("Citra Sample", "Can I move tomorrow’s lesson?", "I am stuck at work")
    budi = put("Budi Example", "Refund for November, please", status=CaseStatus.RESOLVED)
    with transaction():
        number = cases.get(budi).number

        assert search.cases(f"#{number}") == search.cases(str(number)) == [budi]
        assert search.cases("citra") == search.cases("sample cit") == [citra]
        assert search.cases("lesson MOVE") == search.cases("stuck wor") == [citra]
        assert search.cases("November") == [budi]
        assert search.cases("77budi") == search.cases("Budi@Example.com") == [budi]
        assert search.cases("lesson November") == []


def test_what_cannot_be_a_search_finds_nothing_and_breaks_nothing() -> None:
    put("Citra Sample", "100 % sure it is 'quoted' & so on: \\ !")
    with transaction():
        for words in ("", "  ", "%", "'", "\\", "!", "a & | b", "x:*", "<->", "\0", "#", "9" * 90, "('", "é" * 300):
            assert search.cases(words) == []
            assert search.messages(words, limit=5) == []
            assert search.contacts(words, limit=5) == []
        assert len(search.cases("quoted & so")) == 1


@pytest.mark.parametrize("typed", ["+62 812 0000 0147", "0812-0000-0147", "6281200000147"])
def test_a_whole_number_finds_its_contact_however_it_is_written(typed: str) -> None:
    put("Citra Sample", "Hello", phone="+62 812 0000 0147")
    with transaction():
        assert [each.name for each in search.contacts(typed, limit=5)] == ["Citra Sample"]
        assert search.contacts(typed, limit=5, exact=False) == []
        assert search.contacts("0000 0147", limit=5) == []
        assert [each.cases for each in search.contacts("citra@example.com", limit=5)] == [1]


def test_only_cases_of_a_wanted_status_are_found_where_one_is_named() -> None:
    put("Citra Sample", "Is my payment there?")
    held = put("Budi Example", "Is my payment there?", status=CaseStatus.PENDING_VERIFICATION)
    with transaction():
        wanted = str(CaseStatus.PENDING_VERIFICATION)

        assert [each.case_id for each in search.messages("payment", limit=5, status=wanted)] == [held]
        assert [each.id for each in search.by_contact("sample", limit=5, status=wanted)] == []
        assert [each.id for each in search.by_contact("example", limit=5, status=wanted)] == [held]


def test_a_case_in_which_a_word_stands_often_is_found_once_by_its_newest_message() -> None:
    put("Citra Sample", "my lesson", "which lesson?", "the lesson tomorrow")
    with transaction():
        [found] = search.messages("lesson", limit=5)

    assert found.text == "the lesson tomorrow"


def test_people_of_the_house_are_found_by_every_word_of_a_name_unless_they_left() -> None:
    with transaction():
        for id_, name in (("per_1", "Ayu Coach"), ("per_2", "Bima 100% Coach")):
            people.add(Person(id=id_, name=name, role=Role.COACH), now=NOW)

        assert [each.name for each in search.people("coach", limit=5)] == ["Ayu Coach", "Bima 100% Coach"]
        assert [each.id for each in search.people("coach ay", limit=5)] == ["per_1"]
        assert [each.id for each in search.people("100%", limit=5)] == ["per_2"]
        people.disable("per_1", True)
        assert search.people("ayu", limit=5) == []
