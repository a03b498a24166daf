"""What was said in a chat follows by mail: the same facts, in approved words, to the address on record, once."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caseward.core.approval import Word
from caseward.core.events import Moved
from caseward.desk import links, tools, verdicts
from caseward.store import db, outbox
from tests.conftest import Desk
from tests.linked import CITRA_MAIL, CITRA_PHONE, DEWI_MAIL, Topology, connect


@pytest.fixture
def topology(desk: Desk) -> Topology:
    """The school with both channels."""
    return connect(desk)


def reschedule(topology: Topology) -> None:
    """Have a student move their lesson, in the chat."""
    chat = topology.chat("mau pindah jadwal dong, bisa?", phone=CITRA_PHONE)
    topology.chat("2", phone=CITRA_PHONE)
    topology.desk.decide(chat, Word.APPROVE, role="agent")


def test_a_moved_lesson_is_confirmed_by_mail_with_the_values_that_were_said(topology: Topology) -> None:
    reschedule(topology)

    said = topology.told("628111")[-1]
    [mail] = topology.told(CITRA_MAIL)
    [payload] = [payload for to, payload, _key in topology.email.sent if to == CITRA_MAIL]
    was, becomes = said.removeprefix("Sesi kamu sudah dipindahkan dari ").partition(", Kak")[0].split(" ke ")
    assert f"dari {was} ke {becomes}" in mail
    assert payload["subject"].startswith("Jadwal baru kamu")


def test_a_refund_has_a_receipt_once(topology: Topology) -> None:
    chat = topology.chat("saya mau refund pembayaran saya", by="628333", phone="+6280000000003")
    assert topology.told(DEWI_MAIL) == [], "nothing was done yet"

    topology.desk.decide(chat, Word.APPROVE)
    topology.desk.settle()

    [mail] = topology.told(DEWI_MAIL)
    assert "bukti" in mail
    assert "2.480.000" in mail
    with db.transaction():
        sent = outbox.of_case(topology.desk.case(chat).id)
    [receipt] = [each for each in sent if each.key.startswith("confirmation:")]
    assert (receipt.channel, receipt.address) == ("email", DEWI_MAIL)


def test_what_did_not_come_about_is_not_confirmed(topology: Topology) -> None:
    chat = topology.chat("saya mau refund pembayaran saya", by="628333", phone="+6280000000003")

    topology.desk.decide(chat, Word.DENY, reason="not within the rules")

    assert topology.told(DEWI_MAIL) == []


def test_words_that_a_person_wrote_are_not_said_again_in_others(topology: Topology) -> None:
    chat = topology.chat("saya mau refund pembayaran saya", by="628333", phone="+6280000000003")

    topology.desk.decide(chat, Word.EDIT, text="Kak Dewi, dana kamu sudah kami kembalikan.")

    assert topology.told("628333")[-1] == "Kak Dewi, dana kamu sudah kami kembalikan."
    assert topology.told(DEWI_MAIL) == []


def test_where_mail_is_not_connected_it_is_on_the_record_that_nothing_was_confirmed(topology: Topology) -> None:
    given = tools.given()
    without = {name: plug for name, plug in given.channels.items() if name != "email"}
    tools.use(replace(given, channels=without))

    reschedule(topology)

    assert topology.told(CITRA_MAIL) == []
    [entry] = topology.outcomes("confirmation")
    assert entry == {
        "template": "reschedule-done", "state": "not sent", "why": "the channel email is not connected",
    }  # fmt: skip


def test_what_was_said_by_mail_is_not_confirmed_by_mail(topology: Topology) -> None:
    mail = topology.mail("saya mau refund pembayaran saya", by=DEWI_MAIL)

    topology.desk.decide(mail, Word.APPROVE)

    assert [each for each in topology.told(DEWI_MAIL) if "bukti" in each] == []


def test_a_number_that_passed_on_before_the_work_was_done_hears_nothing_of_it(topology: Topology) -> None:
    chat = topology.chat("saya mau refund pembayaran saya", by="628333", phone="+6280000000003")
    request = topology.desk.request(chat)
    with db.transaction():
        verdicts.decide(request.id, Word.APPROVE, person="sample_coach", role="coach", digest=request.digest)
        links.moved(Moved(channel="whatsapp", address="628333", why="another number", at=topology.desk.clock()))
    topology.desk.settle()

    assert not [each for each in topology.told("628333") if "kami kembalikan" in each]
    assert topology.told(DEWI_MAIL) == []
