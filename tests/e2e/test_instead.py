"""An answer that can never arrive where the contact wrote goes to their address on record, in the same words, once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caseward.core.errors import Undeliverable
from caseward.desk import tools
from caseward.store import contacts, db, outbox
from tests import channels_house as house
from tests.conftest import Desk
from tests.linked import CITRA_MAIL, CITRA_PHONE, Topology, connect

GONE = Undeliverable("whatsapp", "131026", "the number is not on WhatsApp any more")
NEXT = "Kapan les saya berikutnya ya kak?"


@pytest.fixture
def topology(desk: Desk) -> Topology:
    """The school with both channels, answering what people ask about their own account by itself."""
    topology = connect(desk)
    policy = tools.pack().policy
    tools.use(replace(tools.given(), pack=replace(tools.pack(), policy=replace(policy, phase="production"))))
    house.plug_in(topology.whatsapp, formal="email", instead=True)
    return topology


def told_of(topology: Topology) -> list[tuple[str, str]]:
    return [(str(each.get("fault")), str(each.get("instead", ""))) for each in topology.outcomes("undelivered")]


def test_the_same_words_go_to_the_registered_address_once(topology: Topology) -> None:
    topology.whatsapp.failing.append(GONE)

    chat = topology.chat(NEXT, phone=CITRA_PHONE)
    topology.desk.settle()

    [mail] = topology.told(CITRA_MAIL)
    with db.transaction():
        parcels = outbox.of_case(topology.desk.case(chat).id)
    failed = next(each for each in parcels if each.fault == "131026")
    assert mail == failed.text
    assert topology.told("628111") == []
    assert told_of(topology) == [("131026", "email")]
    assert topology.desk.case(chat).status == "resolved", "nobody has to see to it"
    assert [each.key for each in parcels if each.channel == "email"] == [f"instead:{failed.id}"]


@pytest.mark.parametrize("proved", [True, False])
def test_words_that_fail_late_go_there_only_if_the_address_they_failed_at_is_still_the_contacts(
    topology: Topology, proved: bool
) -> None:
    # given an answer that the vendor took, to a number that may be somebody else's by now
    chat = topology.chat(NEXT, phone=CITRA_PHONE)
    [said] = topology.told("628111")
    with db.transaction():
        [parcel] = outbox.of_case(topology.desk.case(chat).id)
        if not proved:
            assert contacts.disprove("whatsapp", "628111")

    # when it is heard later that it never arrived
    failed = house.event("status", channel="whatsapp", provider_id="", key=parcel.id, state="failed", error="131026")
    topology._take("whatsapp", failed)
    topology.desk.settle()

    assert topology.told(CITRA_MAIL) == ([said] if proved else [])


@pytest.mark.parametrize("case", ["not allowed", "no mail", "nobody known"])
def test_otherwise_it_is_for_people_to_see_to(topology: Topology, case: str) -> None:
    given = tools.given()
    if case == "not allowed":
        house.plug_in(topology.whatsapp, formal="email", instead=False)
    if case == "no mail":
        tools.use(replace(given, channels={name: each for name, each in given.channels.items() if name != "email"}))
    topology.whatsapp.failing.append(GONE)

    words, phone = ("Studio buka jam berapa ya?", "") if case == "nobody known" else (NEXT, CITRA_PHONE)
    chat = topology.chat(words, phone=phone)

    assert topology.told(CITRA_MAIL) == []
    assert [instead for _fault, instead in told_of(topology)] == [""]
    assert topology.desk.case(chat).status == "open"
