"""Contacts on the command line: who is who, what was merged, where a case goes on, and who may say so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from caseward.core.case import Contact
from caseward.core.ids import ContactId
from caseward.store import cases, contacts, db, messages
from tests.conftest import MORNING, Cluster
from tests.e2e.test_people_commands import House

COACH, AGENT = "coach@school.example", "agent@school.example"


@pytest.fixture(scope="module")
def house(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A desk at rest."""
    url = cluster.create()
    yield House(url, tmp_path_factory.mktemp("house"))
    db.disconnect()
    cluster.drop(url)


def known(*names: str) -> None:
    """Have contacts of these names be known, each with a number of their own that is proved to be theirs."""
    with db.transaction():
        for name in names:
            contact = Contact(
                id=ContactId(name), name=f"Example {name}", email=f"{name}@example.com", phone="", locale=""
            )
            contacts.keep(contact, sample=False, now=MORNING)
            contacts.prove("whatsapp", f"62-{name}", contact.id, method="channel", now=MORNING)


def opened(name: str) -> int:
    """Open a case of a contact's and return its number."""
    with db.transaction():
        conversation = messages.open_conversation("whatsapp", f"62-{name}", token_hash=None, language="id", now=MORNING)
        case = cases.open_case(conversation, channel="whatsapp", language="id", now=MORNING)
        return cases.change(case, MORNING, contact_id=ContactId(name)).number


def test_a_contact_is_shown_merged_and_taken_apart(house: House) -> None:
    known("one", "two")
    number = opened("one")
    shown = house.told("contact", "show", "one")
    refused = house.type("contact", "merge", "two", "one", "--by", AGENT)
    made = house.told("contact", "merge", "two", "one", "--by", COACH, "--reason", "registered twice")

    assert [each["address"] for each in shown["addresses"]] == ["62-one"]
    assert [each["number"] for each in shown["cases"]] == [number]
    assert (refused.code, "agent does not answer" in refused.err) == (1, True)
    assert "part of two" in house.type("contact", "show", "one").out
    both = house.told("contact", "show", "two")
    assert [each["address"] for each in both["addresses"]] == ["62-one", "62-two"]

    assert house.type("contact", "unmerge", made["merge"], "--by", AGENT).code == 0
    assert house.told("contact", "show", "one") == shown


def test_an_address_is_linked_on_the_word_of_the_strongest_lane_and_unlinked(house: House) -> None:
    known("three", "four")
    said = ("contact", "link", "telegram", "77", "three", "--reason", "met in person", "--by")

    assert house.type(*said, AGENT).code == 1
    assert house.type(*said, COACH).code == 0
    assert "telegram:77  proved by person" in house.type("contact", "show", "three").out
    taken = house.type("contact", "link", "telegram", "77", "four", "--reason", "no", "--by", COACH)
    assert (taken.code, "proved to be three's" in taken.err) == (1, True)

    assert house.type("contact", "unlink", "telegram", "77", "--by", AGENT).out == "telegram:77 is nobody's\n"
    assert house.type("contact", "unlink", "telegram", "77", "--by", AGENT).out == "telegram:77 was nobody's\n"


def test_a_case_goes_on_where_somebody_says_and_two_become_one(house: House) -> None:
    known("five", "six")
    [five, six] = [str(opened("five")), str(opened("six"))]

    assert house.type("case", "move", five, "--by", AGENT).out == f"#{five} goes on where they write\n"
    elsewhere = house.type("case", "move", five, "--to", "telegram:1", "--by", AGENT)
    assert (elsewhere.code, "neither proved" in elsewhere.err) == (1, True)
    made = house.told("case", "merge", five, six, "--by", COACH, "--reason", "one matter")
    assert house.type("case", "unmerge", made["merge"], "--by", COACH).code == 0


def test_what_does_not_exist_is_named(house: House) -> None:
    assert "there is no contact 'nobody'" in house.type("contact", "show", "nobody").err
    assert "there is no merge mrg_none" in house.type("case", "unmerge", "mrg_none", "--by", COACH).err
    assert "there is no case 4711" in house.type("case", "move", "4711", "--to", "email", "--by", COACH).err
