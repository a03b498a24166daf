"""The team's lanes over Telegram's own protocol: linked by a code, bound in its group, decided by button and word."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from caseward.adapters.channels.telegram import Telegram
from caseward.core.approval import ApprovalState
from caseward.core.roles import Role
from caseward.desk import lanes, tools
from caseward.flows import arrivals
from caseward.simulators import telegram as simulator
from caseward.simulators._telegram_world import Callback, Message
from caseward.store import db, people
from caseward.store import lanes as chats
from caseward.store.people import Person
from tests.conftest import Desk, wait_until

APPROVALS = -1001000000002


@dataclass
class Played:
    """A desk whose bot asks a simulated Telegram for updates."""

    desk: Desk
    telegram: simulator.Telegram

    def shown(self, chat: int) -> list[Message]:
        """Return what the bot wrote in a chat, as it stands now."""
        world = self.telegram.world
        with world.changed:
            return [message for (room, _n), message in sorted(world.messages.items())
                    if room == chat and message.by not in simulator.PEOPLE]  # fmt: skip

    def write(self, who: str, chat: int | None, text: str, *, reply_to: int | None = None) -> str:
        """Write something, and return what the bot answers."""
        room = chat if chat is not None else next(id for id, name in simulator.PEOPLE.items() if name == who)
        number = self.telegram.write(who, chat, text, reply_to=reply_to)
        wait_until(lambda: self._handled(), what="what was written to be heard")
        self.desk.settle()
        return next((each.text for each in self.shown(room) if each.reply_to == number), "")

    def press(self, who: str, message: Message, label: str) -> str:
        """Press a button, and return what comes up."""
        pressed: Callback = self.telegram.press(who, message.chat, message.id, label)
        wait_until(lambda: pressed.answer is not None, what="the answer to a press")
        self.desk.settle()
        return str(pressed.answer)

    def _handled(self) -> bool:
        with self.telegram.world.changed:
            unread = bool(self.telegram.world.updates)
        with db.transaction():
            return not unread and not chats.unhandled(self.desk.clock().replace(year=2100))


@pytest.fixture
def played(desk: Desk) -> Iterator[Played]:
    """The desk with its bot, and a lead who is known to it."""
    vendor = simulator.Telegram(clock=desk.clock)
    over = threading.Event()
    with vendor.running() as url:
        plug = Telegram(url, simulator.TOKEN)
        given = tools.given()
        tools.use(replace(given, channels={**given.channels, "telegram": plug}, console="https://desk.example.com"))
        with db.transaction():
            for name, role in (("Ana", Role.AGENT), ("Budi", Role.OPS_LEAD)):
                people.add(Person(id=f"per_{name.lower()}", name=name, role=role), now=desk.clock())
        hear = threading.Thread(target=plug.listen, args=(lambda body: arrivals.take("telegram", body), over))
        hear.start()
        try:
            yield Played(desk, vendor)
        finally:
            over.set()
            vendor.world.over = True
            vendor.world.touch()
            hear.join(timeout=10)


def test_a_team_is_linked_binds_its_lane_and_decides_there(played: Played) -> None:
    desk = played.desk
    with db.transaction():
        codes = {name: lanes.invite(f"per_{name.lower()}", "telegram", by="cli") for name in ("Ana", "Budi")}
    for name, code in codes.items():
        assert played.write(name, None, f"/link {code}").startswith(f"You are {name}, ")
    assert played.write("Budi", APPROVALS, "/lane approvals") == "The lane approvals is read here."

    conversation = desk.open(as_="stu-001", language="en")
    desk.say(conversation, "When is my next lesson?")
    desk.settle()
    request = desk.request(conversation)
    card = played.shown(APPROVALS)[-1]
    assert card.text.startswith(request.question)
    assert card.labels == ["Approve", "Deny", "Escalate", "Edit"]

    assert played.press("Dewi", card, "Approve").startswith("I do not know you here")
    copy = played.telegram.forward("Ana", APPROVALS, card.id, "Ana")
    assert played.write("Ana", None, "APPROVE", reply_to=copy).startswith("This is no request that I posted here")
    assert played.write("Ana", APPROVALS, "setuju?", reply_to=card.id).startswith("Nothing was decided (it asks")
    assert desk.request(conversation).state is ApprovalState.OPEN

    assert played.press("Ana", card, "Deny").startswith("Pick why")
    wait_until(lambda: "Back" in card.labels, what="the reasons")
    assert played.press("Ana", card, "Back") == "Nothing was decided."
    assert played.press("Ana", card, "Approve") == "Approved."

    assert "Approved by Ana" in card.text
    assert card.labels == ["Open the case"]
    assert "Coach Nada" in desk.replies(conversation)[-1]
    assert played.write("Budi", APPROVALS, "TOLAK terlambat", reply_to=card.id).startswith("This was already approved")
