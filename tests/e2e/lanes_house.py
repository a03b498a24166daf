"""A house whose team reads lanes: a vendor of chats that remembers everything, people who press and type, a desk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

from caseward.core.errors import SystemDown, Undeliverable
from caseward.core.events import Pressed, Typed
from caseward.core.ids import ConversationId
from caseward.core.ports import Button, Card
from caseward.core.roles import Role
from caseward.desk import lanes, tools
from caseward.store import approvals, db, people
from caseward.store import lanes as chats
from caseward.store.approvals import Request
from caseward.store.lanes import Bound, Handle
from caseward.store.people import Person
from tests.conftest import Desk

APPROVALS, OPS, INCIDENTS = "-100", "-200", "-300"
_numbers = count(1)


@dataclass
class Posted:
    """A message of a chat that shows a card."""

    id: str
    chat: str
    card: Card
    key: str

    @property
    def buttons(self) -> list[Button]:
        """Return what can be pressed on it."""
        return [button for row in self.card.buttons for button in row if button.token]

    def button(self, label: str) -> Button:
        """Return the button with that label; fail when there is none."""
        found = next((button for button in self.buttons if button.label == label), None)
        assert found is not None, f"no {label} among {[button.label for button in self.buttons]}"
        return found

    @property
    def text(self) -> str:
        """Return all that is read on it."""
        return "\n".join((self.card.title, *self.card.lines, self.card.quote))


@dataclass
class Recorder:
    """A vendor of chats, in memory."""

    name: str = "telegram"
    posted: list[Posted] = field(default_factory=list)
    said: list[tuple[str, str, str]] = field(default_factory=list)
    """Chat, text, and the message that it answers."""
    acknowledged: dict[str, str] = field(default_factory=dict)
    troubles: list[Exception | None] = field(default_factory=list)
    """What the next posts and amendments meet, one each; None for nothing."""
    frozen: set[str] = field(default_factory=set)
    """Messages that cannot be changed any more."""
    lost: bool = False
    """Whether a post that meets trouble was done all the same."""

    def post(self, chat: str, card: Card, *, key: str) -> str:
        trouble = self._trouble()
        if trouble is None or self.lost:
            self.posted.append(Posted(f"{chat}:{next(_numbers)}", chat, card, key))
        if trouble is not None:
            raise trouble
        return self.posted[-1].id

    def amend(self, chat: str, message: str, card: Card) -> None:
        trouble = self._trouble()
        if trouble is not None:
            raise trouble
        if message in self.frozen:
            raise Undeliverable(self.name, "400", "message can't be edited")
        found = next((each for each in self.posted if each.id == message), None)
        if found is None:
            raise Undeliverable(self.name, "400", "message to edit not found")
        assert found.chat == chat
        found.card = card

    def say(self, chat: str, text: str, *, reply_to: str = "") -> str:
        self.said.append((chat, text, reply_to))
        return f"{chat}:{next(_numbers)}"

    def acknowledge(self, callback: str, text: str) -> None:
        self.acknowledged[callback] = text

    def _trouble(self) -> Exception | None:
        return self.troubles.pop(0) if self.troubles else None

    def down(self, times: int = 1) -> None:
        """Take nothing for so many calls."""
        self.troubles += [SystemDown(self.name, "connection refused")] * times

    def of(self, chat: str, *, title: str = "") -> list[Posted]:
        """Return the cards of a chat, oldest first."""
        return [each for each in self.posted if each.chat == chat and title in each.card.title]


@dataclass
class House:
    """The desk, its chats and its people."""

    desk: Desk
    vendor: Recorder

    def employ(self, name: str, role: Role = Role.COACH, *, linked: bool = True, disabled: bool = False) -> str:
        """Have somebody of that role in the house, known in the chats by their name."""
        with db.transaction():
            people.add(
                Person(id=f"per_{name}", name=name.capitalize(), role=role, disabled=disabled), now=self.desk.clock()
            )
            if linked:
                handle = Handle(channel=self.vendor.name, handle=name, person_id=f"per_{name}")
                chats.link(handle, now=self.desk.clock())
        return name

    def bind(self, lane: str, chat: str) -> None:
        """Have a lane be read in a chat."""
        with db.transaction():
            chats.bind(Bound(lane=lane, channel=self.vendor.name, chat=chat), now=self.desk.clock())

    def ask(self, text: str = "When is my next lesson?") -> tuple[ConversationId, Request]:
        """Have a customer ask what people must consent to, and return the request."""
        conversation = self.desk.open(as_="stu-001", language="en")
        self.desk.say(conversation, text)
        self.desk.settle()
        return conversation, self.desk.request(conversation)

    def press(self, who: str, on: Posted | str, label: str | Button, *, at: datetime | None = None) -> str:
        """Have somebody press a button of a card, as it is now, and return what they are told."""
        message = on if isinstance(on, str) else on.id
        assert isinstance(on, Posted) or isinstance(label, Button)
        button = label if isinstance(label, Button) else on.button(label)  # type: ignore[union-attr]
        callback = f"cb{next(_numbers)}"
        self.hear(
            Pressed(
                channel=self.vendor.name, person=who, token=button.token, message=message, callback=callback,
                at=at or self.desk.clock(),
            )
        )  # fmt: skip
        return self.vendor.acknowledged[callback]

    def type(self, who: str, chat: str, text: str, *, to: str = "", at: datetime | None = None) -> str:
        """Have somebody write in a chat and return what is said in answer, nothing where it is left alone."""
        message = f"{chat}:{next(_numbers)}"
        self.hear(
            Typed(
                channel=self.vendor.name, person=who, chat=chat, text=text, reply_to=to, message=message,
                at=at or self.desk.clock(),
            )
        )  # fmt: skip
        return next((text for _chat, text, to in self.vendor.said if to == message), "")

    def hear(self, event: Pressed | Typed) -> None:
        """Have the desk hear of it, and settle."""
        with db.transaction():
            lanes.keep(event)
        self.desk.settle()

    def request(self, request: Request) -> Request:
        """Return a request as it is now."""
        with db.transaction():
            return approvals.get(request.id)

    def denials(self, conversation: ConversationId) -> Sequence[str]:
        """Return who was refused something about the conversation's case, in order."""
        return [entry.actor for entry in self.desk.entries(conversation) if entry.kind == "denied"]


def open_house(desk: Desk, *, hold: int = 0, needs: int = 1, console: str = "https://desk.example.com") -> House:
    """Return a house whose every tier asks so many people, and holds what they consent to for so many seconds."""
    vendor = Recorder()
    rows = tuple(replace(row, needs=needs, hold_seconds=hold) for row in desk.pack.policy.matrix)
    pack = replace(desk.pack, policy=replace(desk.pack.policy, matrix=rows))
    given = tools.given()
    tools.use(replace(given, pack=pack, channels={**given.channels, vendor.name: vendor}, console=console))  # type: ignore[dict-item]
    return House(desk, vendor)
