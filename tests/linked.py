"""Two vendors' channels of the tests' own, by the names the school knows, and what comes in on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

from sqlalchemy import text

from caseward.core.ids import ConversationId
from caseward.flows import arrivals
from caseward.store import cases, contacts, db, links, messages
from tests import channels_house as house
from tests.channels_house import House
from tests.conftest import Desk

CITRA, CITRA_PHONE, CITRA_MAIL = "stu-001", "+6280000000001", "citra.sample@example.com"
DEWI, DEWI_MAIL = "stu-003", "dewi.demo@example.org"
PROOFS = "INV-2026-0003 dewi.demo@example.org"
"""What the third student gives to show who they are."""
_numbers = count(1)


@dataclass
class Topology:
    """A desk with WhatsApp in front and e-mail beside it."""

    desk: Desk
    whatsapp: House
    email: House

    def chat(self, words: str, *, by: str = "628111", phone: str = "", **more: Any) -> ConversationId:
        """Have somebody write on WhatsApp; `phone` is what the vendor vouches for."""
        return self._in("whatsapp", by, words, {"name": "Somebody", "phone": phone}, more)

    def mail(self, words: str, *, by: str, authentic: bool = True, **more: Any) -> ConversationId:
        """Have a mail come in; `authentic` is what the receiving server found."""
        return self._in("email", by, words, {"name": "Somebody", "email": by if authentic else ""}, more)

    def moved(self, address: str, now: str = "") -> None:
        """Have the vendor tell that a number passed on."""
        self._take("whatsapp", house.event("moved", channel="whatsapp", address=address, now=now, why="another number"))
        self.desk.settle()

    def told(self, address: str) -> list[str]:
        """Return what was sent to an address, on either channel, oldest first."""
        sent = [*self.whatsapp.sent, *self.email.sent]
        return [str(payload["text"]) for to, payload, _key in sent if to == address]

    def who(self, channel: str, address: str) -> tuple[str, str] | None:
        """Return the contact that an address is proved to belong to, and how."""
        with db.transaction():
            known = contacts.identity(channel, address)
        return None if known is None else (known[0].id, known[1])

    def seen_in(self, case_id: str) -> list[tuple[str, str]]:
        """Return what came in of a case, oldest first: through which door, and the words."""
        with db.transaction():
            return [(each.via, each.text) for each in messages.of_case(case_id) if each.inbound]

    def outcomes(self, kind: str) -> list[dict[str, Any]]:
        """Return the payloads of the log's entries of a kind, of any case."""
        query = text(
            "select payload::json as body from log_payloads join log using (seq) where kind = :kind order by seq"
        )
        with db.transaction():
            return [row.body for row in db.execute(query, {"kind": kind})]

    def _in(
        self, channel: str, address: str, words: str, sender: dict[str, str], more: dict[str, Any]
    ) -> ConversationId:
        id_ = more.pop("id", f"in-{next(_numbers)}")
        self._take(channel, house.message(id_, address, words, channel=channel, sender=sender, **more))
        self.desk.settle()
        with db.transaction():
            home = links.home(channel, address)
            assert home.own is not None
            found = messages.holds(id_, *[each for each in (home.own, home.once) if each])
        assert found is not None, "the message is nowhere"
        return found

    def _take(self, channel: str, *events: dict[str, Any]) -> None:
        arrivals.take(channel, house.body(*events))


def connect(desk: Desk, *, formal: bool = True) -> Topology:
    """Connect both channels to a desk."""
    whatsapp = house.plug_in(House(name="whatsapp"), formal="email" if formal else "")
    return Topology(desk=desk, whatsapp=whatsapp, email=house.plug_in(House(name="email")))


def numbers(conversations: Sequence[ConversationId]) -> list[int]:
    """Return the numbers of the latest cases of conversations."""
    with db.transaction():
        found = [cases.latest(each) for each in conversations]
    return [each.number for each in found if each is not None]
