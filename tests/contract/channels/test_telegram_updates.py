"""How updates reach the desk: sent to its webhook, or fetched by the bot; each at least once, and none lost."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from caseward.adapters.channels.telegram import Telegram
from caseward.core.errors import Refused, SystemDown
from caseward.core.events import Event, Preference, Pressed, Typed
from caseward.core.messages import Choice, Inbound, Reply
from caseward.core.ports import Button, Card
from caseward.simulators.serving import running
from caseward.simulators.telegram import TOKEN
from caseward.simulators.telegram import Telegram as Vendor

APPROVALS = "-1001000000002"


class Doorway:
    """What takes updates in: it keeps each body, and may be told to fail before it did."""

    def __init__(self, vendor: Vendor, bot: Telegram) -> None:
        self.vendor, self.bot = vendor, bot
        self.bodies: list[bytes] = []
        self.failing = 0
        self.refused = 0
        self.app = Starlette(routes=[Route("/webhooks/telegram", self.hook, methods=["POST"])])

    def hear(self, body: bytes) -> None:
        with self.vendor.world.changed:
            if self.failing:
                self.failing -= 1
                raise RuntimeError("the database is away")
            self.bodies.append(body)
            self.vendor.world.touch()

    async def hook(self, request: Request) -> Response:
        body = await request.body()
        try:
            self.bot.verify(dict(request.headers), body)
        except Refused:
            self.refused += 1
            return Response(status_code=403)
        try:
            self.hear(body)
        except RuntimeError:
            return Response(status_code=503)
        answer = self.bot.answer(body)
        return Response() if answer is None else JSONResponse(answer)

    def events(self) -> list[Event]:
        return [event for body in self.bodies for event in self.bot.parse(body)]

    def texts(self) -> list[str]:
        return [each.text for each in self.events() if isinstance(each, Inbound | Typed)]

    def wait(self, count: int) -> Sequence[Event]:
        self.vendor.until(lambda: len(self.bodies) >= count)
        return self.events()


@contextmanager
def hooked(vendor: Vendor, secret: str = "a-secret") -> Iterator[Doorway]:
    """Let Telegram call a doorway of ours."""
    with vendor.running() as url:
        door = Doorway(vendor, Telegram(url, TOKEN, "a-secret"))
        with running(door.app) as own:
            status, answer = vendor.call(
                "setWebhook",
                {
                    "url": f"{own}/webhooks/telegram",
                    "secret_token": secret,
                    "allowed_updates": ["message", "callback_query", "my_chat_member"],
                },
            )
            assert (status, answer["result"]) == (200, True)
            yield door


@contextmanager
def listening(vendor: Vendor, door: Doorway) -> Iterator[Callable[[], BaseException | None]]:
    """Let a bot of ours ask; yields what ended it, once it has ended."""
    over, ended = threading.Event(), list[BaseException]()

    def listen() -> None:
        try:
            door.bot.listen(door.hear, over)
        except BaseException as error:
            ended.append(error)
            vendor.world.touch()

    thread = threading.Thread(target=listen)
    thread.start()
    try:
        yield lambda: vendor.until(lambda: ended)[0]
    finally:
        over.set()
        thread.join(5)
        assert not thread.is_alive()


def test_a_webhook_tells_of_messages_presses_and_blocks_and_answers_a_choice_at_once() -> None:
    vendor = Vendor()
    with hooked(vendor) as door:
        asked = vendor.write("Citra", None, "/start pair-7K2M")
        door.wait(1)
        ref = door.bot.deliver("2001", door.bot.render(Reply(text="?", choices=[Choice(id="a", label="Sat")])), key="k")
        chosen = vendor.press("Citra", None, ref, "Sat")
        card = door.bot.post(APPROVALS, Card(title="May it?", buttons=[[Button(label="Approve", token="t1")]]), key="k")
        pressed = vendor.press("Budi", "Approvals", card, "Approve")
        vendor.write("Ana", "Approvals", "setuju", reply_to=card)
        vendor.block("Citra")
        events = door.wait(5)
        vendor.until(lambda: chosen.answer is not None)

        found = {type(each): each for each in events}
        assert [each.text for each in events if isinstance(each, Inbound)] == ["/start pair-7K2M", "Sat"]
        typed, press = found[Typed], found[Pressed]
        assert isinstance(typed, Typed)
        assert isinstance(press, Pressed)
        assert (typed.person, typed.text, typed.reply_to) == ("1001", "setuju", card)
        assert (press.person, press.token, press.message, press.callback) == ("1002", "t1", card, pressed.id)
        assert isinstance(found[Preference], Preference)
        assert chosen.answer == ""
        assert pressed.answer is None
        assert asked == 1


def test_an_update_is_sent_until_it_is_stored_in_its_chats_order() -> None:
    vendor = Vendor()
    with hooked(vendor) as door:
        door.failing = 3
        for n in range(6):
            vendor.write("Citra", None, f"citra {n}")
            vendor.write("Ana", None, f"ana {n}")
        door.wait(12)

        texts = door.texts()
        assert [text for text in texts if text.startswith("citra")] == [f"citra {n}" for n in range(6)]
        assert [text for text in texts if text.startswith("ana")] == [f"ana {n}" for n in range(6)]
        vendor.until(lambda: vendor.call("getWebhookInfo", {})[1]["result"]["pending_update_count"] == 0)
        assert "503" in vendor.call("getWebhookInfo", {})[1]["result"]["last_error_message"]


def test_every_update_three_times_in_any_order_are_the_same_messages() -> None:
    vendor = Vendor()
    vendor.duplicate(2)
    vendor.shuffle(7)
    with hooked(vendor) as door:
        for n in range(10):
            vendor.write("Citra", None, f"m{n}")
        door.wait(30)

        ids = Counter(each.provider_id for each in door.events() if isinstance(each, Inbound))
        assert set(ids.values()) == {3}
        assert len(ids) == 10
        assert door.texts() != sorted(door.texts())


def test_a_webhook_with_another_secret_is_refused() -> None:
    vendor = Vendor()
    with hooked(vendor, "another") as door:
        vendor.write("Citra", None, "hi")
        vendor.until(lambda: "403" in vendor.world.webhook.get("last_error_message", ""))

        assert door.bodies == []
        assert door.refused


def test_a_bot_that_asks_hears_everything_and_what_it_did_not_store_comes_again() -> None:
    vendor = Vendor()
    with vendor.running() as url:
        door = Doorway(vendor, Telegram(url, TOKEN))
        vendor.write("Citra", None, "before it asked")
        with listening(vendor, door):
            door.wait(1)
            ref = door.bot.deliver(
                "2001", door.bot.render(Reply(text="?", choices=[Choice(id="a", label="Sat")])), key="k"
            )
            chosen = vendor.press("Citra", None, ref, "Sat")
            vendor.react("Citra", None, ref, "👍")
            door.wait(3)
            vendor.until(lambda: chosen.answer == "")
        assert [each.kind for each in door.events() if isinstance(each, Inbound)] == ["text", "choice", "reaction"]

        door.failing = 1
        vendor.write("Citra", None, "while the database was away")
        with listening(vendor, door) as ended:
            assert isinstance(ended(), RuntimeError)
        with listening(vendor, door):
            vendor.until(lambda: "while the database was away" in door.texts())
        pending = vendor.call("getWebhookInfo", {})[1]["result"]["pending_update_count"]
        assert pending <= 1  # the last is confirmed by the next question


def test_a_bot_stops_asking_at_once_and_another_may_go_on() -> None:
    vendor = Vendor()
    with vendor.running() as url:
        door = Doorway(vendor, Telegram(url, TOKEN))
        began = time.monotonic()
        with listening(vendor, door):
            vendor.until(lambda: vendor.calls("getUpdates"))
        assert time.monotonic() - began < 5

        with listening(vendor, door):
            vendor.write("Citra", None, "hi")
            door.wait(1)


def test_two_that_ask_and_a_webhook_beside_are_told_plainly() -> None:
    vendor = Vendor()
    with vendor.running() as url:
        door = Doorway(vendor, Telegram(url, TOKEN))
        with listening(vendor, door) as ended:
            vendor.until(lambda: vendor.calls("getUpdates"))
            vendor.call("getUpdates", {"timeout": 0})
            error = ended()
            assert isinstance(error, SystemDown)
            assert "terminated by other getUpdates request" in str(error)
        vendor.call("setWebhook", {"url": "https://desk.example.com/webhooks/telegram"})
        with listening(vendor, door) as ended:
            error = ended()
            assert isinstance(error, SystemDown)
            assert "webhook is active" in str(error)


def test_an_update_of_a_kind_that_was_not_asked_for_is_not_sent() -> None:
    vendor = Vendor()
    with hooked(vendor) as door:
        ref = vendor.write("Citra", None, "hi")
        vendor.react("Citra", None, ref, "👍")
        vendor.edit("Citra", None, ref, "hello")
        vendor.write("Citra", None, "last")
        door.wait(2)

        assert [next(iter(json.loads(body).keys() - {"update_id"})) for body in door.bodies] == ["message", "message"]


@pytest.mark.parametrize("reads_all", [False, True], ids=["privacy mode", "privacy mode off"])
def test_privacy_mode_keeps_a_groups_own_talk_from_the_bot(reads_all: bool) -> None:
    vendor = Vendor()
    vendor.world.privacy = not reads_all
    with vendor.running() as url:
        bot = Telegram(url, TOKEN)
        card = bot.post(APPROVALS, Card(title="May it?"), key="k")
        vendor.write("Ana", "Approvals", "lunch?")
        vendor.write("Ana", "Approvals", "/status")
        vendor.write("Ana", "Approvals", "approve", reply_to=card)

        _, answer = vendor.call("getUpdates", {})

        told = [update["message"]["text"] for update in answer["result"]]
        assert told == (["lunch?"] if reads_all else []) + ["/status", "approve"]
