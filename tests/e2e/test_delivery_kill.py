"""Killed after the vendor took the words and before that was written down: its own word settles it, and nothing is said
twice."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from starlette.types import Message, Receive, Scope, Send

from caseward.simulators import serving
from caseward.simulators.whatsapp import APP_SECRET, NUMBER_ID, TOKEN, VERIFY_TOKEN, WhatsApp
from tests.conftest import wait_until
from tests.folders import tmp_path as tmp_path
from tests.soak.serving import Database, Server

CONTACT = "+6289999999999"
SECONDS = 60


class Silent:
    """A WhatsApp that takes a message and never comes to say so, as long as `silent` is set."""

    def __init__(self, phones: WhatsApp) -> None:
        self.phones = phones
        self.silent = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.phones.app(scope, receive, send)
            return
        taken, said = len(self.phones.calls), []

        async def keep(message: Message) -> None:
            said.append(message)

        await self.phones.app(scope, receive, keep)
        while self.silent.is_set() and len(self.phones.calls) > taken:
            await asyncio.sleep(0.05)
        for message in said:
            await send(message)


@dataclass
class House:
    """A desk that may be killed, its database, and its vendor."""

    server: Server
    database: Database
    phones: WhatsApp
    vendor: Silent

    def parcels(self) -> list[tuple[str, str]]:
        """Return state and delivery of everything that was to be said."""
        with self.database.connection() as connection:
            return [(str(state), str(delivery)) for state, delivery in connection.execute(
                "select state, delivery from outbox where channel = 'whatsapp' order by created_at")]  # fmt: skip


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    phones = WhatsApp()
    vendor = Silent(phones)
    database = Database(tmp_path)
    try:
        with serving.running(vendor) as graph:
            server = Server(
                tmp_path,
                CASEWARD_WHATSAPP_APP_SECRET=APP_SECRET,
                CASEWARD_WHATSAPP_VERIFY_TOKEN=VERIFY_TOKEN,
                CASEWARD_WHATSAPP_TOKEN=TOKEN,
                CASEWARD_WHATSAPP_PHONE_NUMBER_ID=NUMBER_ID,
                CASEWARD_WHATSAPP_API_URL=f"{graph}/v23.0",
            )
            phones.courier.hook = f"{server.base}/webhooks/whatsapp"
            server.start()
            server.wait_ready()
            yield House(server=server, database=database, phones=phones, vendor=vendor)
            vendor.silent.clear()
            if server.alive:
                server.kill()
            phones.courier.close()
    finally:
        database.stop()


def test_words_that_were_taken_when_the_desk_was_killed_are_settled_by_the_vendors_word(house: House) -> None:
    house.vendor.silent.set()
    house.phones.say(CONTACT, "halo kak, paket les vokalnya berapa ya harganya?")
    house.phones.courier.delay = 8  # what became of them is told once the desk is gone
    wait_until(lambda: bool(house.phones.sent(CONTACT)), what="words at the vendor", seconds=SECONDS)
    house.server.kill()
    assert ("running", "") in house.parcels()

    house.vendor.silent.clear()
    house.server.start()
    house.server.wait_ready()
    wait_until(
        lambda: all(parcel in (("done", "read"), ("done", "delivered")) for parcel in house.parcels()),
        what=f"the vendor's word to settle it: {house.parcels()}",
        seconds=SECONDS,
    )

    assert house.phones.repeated() == []
    assert len(house.phones.texts(CONTACT)) == len(set(house.phones.texts(CONTACT))) == len(house.parcels())
