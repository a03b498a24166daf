"""A vendor's line is lost: words wait, the team is told, and whoever they are for hears so by e-mail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caseward.core.errors import SystemDown
from caseward.core.ids import ContactId
from caseward.desk import tools, wires
from caseward.flows import arrivals
from caseward.store import contacts, db
from tests import channels_house as house
from tests.channels_house import House
from tests.conftest import Desk

ADDRESS, MAIL = "6280000000001", "citra.sample@example.com"


@pytest.fixture
def chat(desk: Desk) -> House:
    """A vendor whose line is lost; mail, which is not; and a student who writes there and is known."""
    tools.use(replace(tools.given(), pack=replace(desk.pack, playbooks=())))
    house.plug_in(House(name="email"))
    lost = house.plug_in(formal="email", lost="line-lost")
    lost.failing = [SystemDown(house.NAME, "no route to it")] * 50
    with db.transaction():
        contacts.prove(house.NAME, ADDRESS, ContactId("stu-001"), method="channel", now=desk.clock())
    return lost


def mails() -> list[tuple[str, str]]:
    """Return address and text of every mail that was sent."""
    mail = tools.given().channels["email"]
    assert isinstance(mail, House)
    return [(address, str(payload["text"])) for address, payload, _key in mail.sent]


def write(desk: Desk, id: str, address: str = ADDRESS) -> None:
    arrivals.take(house.NAME, house.body(house.message(id, address, "How much is a trial lesson?", at=desk.clock())))
    desk.settle()


def test_whoever_words_wait_for_hears_it_by_mail_once_and_the_words_follow_when_the_line_is_back(
    desk: Desk, chat: House
) -> None:
    write(desk, "m1")
    for _try in range(8):
        desk.clock.advance(minutes=10)
        desk.settle()

    with db.transaction():
        assert wires.lost(house.NAME)
    [(address, text)] = mails()
    assert address == MAIL
    assert "#10" in text
    assert "150" not in text

    chat.failing.clear()
    desk.clock.advance(hours=3)
    desk.settle()
    assert any("150" in text for text in chat.texts)
    assert len(mails()) == 1


def test_nobody_is_written_to_whose_address_is_not_on_record(desk: Desk, chat: House) -> None:
    write(desk, "m1", address="628999")
    for _try in range(8):
        desk.clock.advance(minutes=10)
        desk.settle()

    with db.transaction():
        assert wires.lost(house.NAME)
    assert mails() == []
