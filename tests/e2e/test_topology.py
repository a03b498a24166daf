"""The school's real topology, from outside: students on WhatsApp, the team in its Telegram groups, receipts by e-mail.

The five things that the demo suggests to try; simulators play the vendors, and the mail servers are real ones.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import pytest

from caseward.simulators import mail as mails
from caseward.simulators import serving, telegram, whatsapp
from caseward.simulators._telegram_world import Message
from tests.conftest import wait_until
from tests.e2e.test_demo import Demo, begin
from tests.folders import own_folder
from tests.ports import free_port

CITRA, BUDI, DEWI, STRANGER = "+6280000000001", "+6280000000002", "+6280000000003", "+6289999999999"
COACH, AGENT = 1001, 1002
GROUPS = {title: str(number) for number, title in telegram.GROUPS.items()}
SECONDS = 60


@dataclass
class Topology:
    """A desk and everything around it."""

    demo: Demo
    phones: whatsapp.WhatsApp
    team: telegram.Telegram
    mail: mails.Mail

    def heard(self, who: str, words: str) -> str:
        """Wait until the desk has said something with these words on WhatsApp, and return it."""

        def found() -> list[str]:
            return [text for text in self.phones.texts(who) if words in text]

        wait_until(lambda: bool(found()), what=f"{words!r} for {who}: {self.phones.texts(who)}", seconds=SECONDS)
        return found()[-1]

    def card(self, words: str) -> Message:
        """Wait for a request in the approvals group that has these words and is open, and return it."""

        def found() -> list[Message]:
            every = self.team.messages("Approvals")
            return [each for each in every if words in each.text and "Approve" in each.labels]

        wait_until(lambda: bool(found()), what=f"a card with {words!r}", seconds=SECONDS)
        return found()[-1]

    def closed(self, card: Message, words: str) -> None:
        """Wait until a card says what became of it, and asks for nothing any more."""
        wait_until(lambda: words in card.text and "Approve" not in card.labels, what=f"{words!r} on {card.text!r}",
                   seconds=SECONDS)  # fmt: skip

    def post(self, address: str, count: int = 1) -> str:
        """Wait for mail, and return the words of the last one."""
        wait_until(lambda: len(self.mail.inbox(address)) >= count, what=f"mail for {address}", seconds=SECONDS)
        body = self.mail.inbox(address)[-1].get_body(("plain",))
        assert body is not None
        return str(body.get_content())


@pytest.fixture(scope="module")
def topology() -> Iterator[Topology]:
    """A demo whose vendors are simulators, and two of its team known on Telegram."""
    port = free_port()
    phones = whatsapp.WhatsApp(hook=f"http://127.0.0.1:{port}/webhooks/whatsapp")
    team = telegram.Telegram(people={COACH: "Coach", AGENT: "Agent", 1009: "Passer-by"}, team=(COACH, AGENT, 1009))
    with ExitStack() as stack:
        stack.callback(phones.courier.close)
        graph = stack.enter_context(serving.running(phones.app))
        bot = stack.enter_context(team.running())
        post = stack.enter_context(mails.Mail())
        settings = {
            "CASEWARD_WHATSAPP_APP_SECRET": whatsapp.APP_SECRET,
            "CASEWARD_WHATSAPP_VERIFY_TOKEN": whatsapp.VERIFY_TOKEN,
            "CASEWARD_WHATSAPP_TOKEN": whatsapp.TOKEN,
            "CASEWARD_WHATSAPP_PHONE_NUMBER_ID": whatsapp.NUMBER_ID,
            "CASEWARD_WHATSAPP_API_URL": f"{graph}/v23.0",
            "CASEWARD_TELEGRAM_TOKEN": telegram.TOKEN,
            "CASEWARD_TELEGRAM_API_URL": bot,
            "CASEWARD_EMAIL_ADDRESS": post.desk,
            "CASEWARD_EMAIL_SMTP_URL": post.smtp_url,
            "CASEWARD_EMAIL_IMAP_URL": post.imap_url,
            "CASEWARD_EMAIL_TRUSTED_SERVER": mails.SERVER,
            "CASEWARD_DEBOUNCE_MS": "0",
        }
        demo = begin(stack.enter_context(own_folder()), "--empty", port=port, settings=settings)
        stack.callback(lambda: demo.process.poll() is None and demo.stop())
        made = Topology(demo=demo, phones=phones, team=team, mail=post)
        _introduce(made, "sample_coach", COACH)
        _introduce(made, "sample_agent", AGENT)
        bound = demo.command("lane", "bind", "approvals", "telegram", GROUPS["Approvals"], "--by", "sample_admin")
        assert bound.code == 0, bound.err
        yield made


def _introduce(topology: Topology, person: str, number: int) -> None:
    """Have somebody of the house type their code to the bot."""
    printed = topology.demo.command("person", "link-chat", person, "telegram")
    assert printed.code == 0, printed.err
    topology.team.write(number, None, f"/link {printed.out.strip()}")
    wait_until(lambda: len(topology.team.messages(number)) > 1, what=f"{person} is known", seconds=SECONDS)


def test_what_is_published_is_answered_at_once_whoever_asks(topology: Topology) -> None:
    topology.phones.say(STRANGER, "halo kak, paket les vokalnya berapa ya harganya?")

    topology.heard(STRANGER, "Rp")


def test_the_next_lesson_is_told_to_whose_number_it_is_once_the_agent_has_looked_at_it(topology: Topology) -> None:
    topology.phones.say(CITRA, "kapan les saya berikutnya?")
    card = topology.card("next session")

    stranger = topology.team.press(1009, "Approvals", card.id, "Approve")
    topology.team.press(AGENT, "Approvals", card.id, "Approve")

    topology.heard(CITRA, "Sesi kamu berikutnya")
    topology.closed(card, "Approved by")
    wait_until(lambda: bool(stranger.answer), what="an answer to who is nobody here")
    assert CITRA[-7:] not in card.text


def test_a_lesson_is_moved_by_a_tap_and_the_change_is_confirmed_by_mail(topology: Topology) -> None:
    topology.phones.say(CITRA, "mau pindah jadwal dong, bisa?")
    wait_until(lambda: bool(_choices(topology, CITRA)), what="times to choose from", seconds=SECONDS)
    wanted = _choices(topology, CITRA)[0]
    topology.phones.tap(CITRA, wanted)
    card = topology.card("Then:")
    topology.team.press(AGENT, "Approvals", card.id, "Approve")
    topology.team.press(AGENT, "Approvals", card.id, "Approve")

    topology.heard(CITRA, "pindah")
    receipt = topology.post("citra.sample@example.com")

    assert len(topology.mail.inbox("citra.sample@example.com")) == 1
    assert "Citra" in receipt
    assert sum("pindah" in text for text in topology.phones.texts(CITRA)) == 1


def _choices(topology: Topology, who: str) -> list[str]:
    return [str(each["title"]) for said in topology.phones.sent(who) for each in said.choices]


def test_what_comes_too_late_is_the_coachs_to_grant_and_is_denied_by_a_typed_word(topology: Topology) -> None:
    topology.phones.say(BUDI, "tolong pindahin jadwal les saya yang sebentar lagi, bisa?")
    card = topology.card("R3")

    topology.team.write(AGENT, "Approvals", "setuju", reply_to=card.id)
    topology.team.write(COACH, "Approvals", "TOLAK kelasnya sudah mulai sebentar lagi", reply_to=card.id)

    topology.closed(card, "Denied by")
    topology.heard(BUDI, "Kali ini kami tidak bisa memenuhi permintaan kamu")
    assert "Coach" in card.text or "coach" in card.text


def test_money_goes_back_once_the_coach_agrees_and_the_receipt_comes_by_mail(topology: Topology) -> None:
    topology.phones.say(DEWI, "saya mau refund pembayaran saya")
    card = topology.card("R3")

    topology.team.write(COACH, "Approvals", "setuju", reply_to=card.id)

    topology.closed(card, "Approved by")
    assert re.search(r"\d", topology.heard(DEWI, "Rp"))
    assert "Rp" in topology.post("dewi.demo@example.org")


def test_nothing_was_said_twice_and_the_log_is_whole(topology: Topology) -> None:
    verified: Callable[[], int] = lambda: topology.demo.command("log", "verify").code  # noqa: E731

    assert topology.phones.repeated() == []
    assert verified() == 0
