"""Discord as a contacts' channel, against a server that speaks what Discord documents."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from caseward.adapters.channels import discord
from caseward.core.errors import BadInput, CasewardError, Refused, SystemDown, Undeliverable
from caseward.core.events import Edited, Event
from caseward.core.messages import Choice, Inbound, Reply
from caseward.core.ports import Courteous, Hook, Listening
from caseward.settings import Settings
from caseward.simulators import discord as vendor
from caseward.simulators.discord import Fault
from caseward.simulators.serving import running
from tests.conftest import PATIENCE_SECONDS, wait_until

KIRANA, BAGUS = vendor.PEOPLE
OFFLINE = discord.Discord("t", vendor.PUBLIC_KEY, "http://127.0.0.1:1/api/v10")
"""For what needs nobody to answer."""


@dataclass
class Street:
    """One server for all tests of the module: whoever stands behind its doors is theirs."""

    address: str = ""
    vendor: ASGIApp | None = None
    hook: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let in at the door that is asked for."""
        behind = self.hook if scope.get("path") == "/webhooks/discord" else self.vendor
        await (behind or Starlette())(scope, receive, send)


@dataclass
class Server:
    """A Discord, the desk's bot in it, and what the bot made of what it was told."""

    vendor: vendor.Discord
    bot: discord.Discord
    heard: list[Event] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """Why connections ended."""
    over: threading.Event = field(default_factory=threading.Event)
    failing: int = 0
    """How many bodies cannot be stored."""

    def hear(self, body: bytes) -> None:
        if self.failing:
            self.failing -= 1
            raise CasewardError("the database is away")
        self.heard += self.bot.parse(body)

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Listen for a while, and connect anew whenever the connection is lost."""

        def listen() -> None:
            while not self.over.is_set():
                try:
                    self.bot.listen(self.hear, self.over)
                except CasewardError as lost:
                    self.lost.append(str(lost))
                    self.over.wait(0.01)

        before = self.vendor.sessions
        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        wait_until(lambda: self.vendor.sessions > before, what="a session")
        try:
            yield
        finally:
            self.over.set()
            thread.join(PATIENCE_SECONDS)
            assert not thread.is_alive(), "still listening"


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    opened = Street()
    with running(opened) as opened.address:
        yield opened


@pytest.fixture
def server(street: Street) -> Server:
    simulated = vendor.Discord(hook=f"{street.address}/webhooks/discord")
    simulated.base = street.address
    bot = discord.Discord(vendor.TOKEN, vendor.PUBLIC_KEY, f"{street.address}/api/v10")
    opened = Server(vendor=simulated, bot=bot)

    async def hook(request: Request) -> Response:
        body = await request.body()
        bot.verify(dict(request.headers), body)
        opened.heard += bot.parse(body)
        return JSONResponse(bot.answer(body))

    street.vendor, street.hook = simulated.app, Starlette(routes=[Route("/webhooks/discord", hook, methods=["POST"])])
    return opened


def send(server: Server, text: str, *, key: str = "reply:1", to: str = KIRANA, **more: object) -> str:
    payload = server.bot.render(Reply(text=text, **more))  # type: ignore[arg-type]
    return server.bot.deliver(to, payload, key=key)


def test_it_is_a_channel_that_listens_and_that_its_vendor_calls() -> None:
    assert isinstance(OFFLINE, Hook)
    assert isinstance(OFFLINE, Listening)
    assert isinstance(OFFLINE, Courteous)
    assert discord.channel(Settings()) is None
    assert discord.channel(Settings(discord_token=SecretStr("t"))) is not None


# --- what contacts read ---


def test_words_arrive_as_they_are_and_call_nobody(server: Server) -> None:
    text = "1. *Tomorrow* at 10_30 # no heading\n> https://example.com/a_b_c"

    send(server, text)

    [message] = server.vendor.shown(KIRANA)
    assert message.text == "1. \\*Tomorrow\\* at 10\\_30 # no heading\n\\> https://example.com/a_b_c"
    assert message.flags == 4, "no previews"
    assert server.bot.render(Reply(text="@everyone"))["allowed_mentions"] == {"parse": []}


def test_the_longest_reply_fits_whatever_it_is_made_of(server: Server) -> None:
    send(server, "*" * discord.LONGEST)

    assert len(server.vendor.shown(KIRANA)[0].text) == discord.LONGEST


def test_a_repeated_key_is_one_message(server: Server) -> None:
    first, second = send(server, "Hello"), send(server, "Hello")
    other = send(server, "Hello", key="reply:2")

    assert first == second != other
    assert len(server.vendor.shown(KIRANA)) == 2
    assert server.bot.lookup(KIRANA, key="reply:1") == first


def test_a_lost_answer_is_asked_for_again_under_the_same_nonce(server: Server) -> None:
    server.vendor.faults["messages"] = Fault(status=502, done=True)

    sent = send(server, "Hello")

    assert [each.id for each in server.vendor.shown(KIRANA)] == [sent]


def test_what_is_lost_twice_nobody_can_tell(server: Server) -> None:
    server.vendor.faults["messages"] = Fault(status=502, times=2)

    with pytest.raises(CasewardError, match="502") as lost:
        send(server, "Hello")

    assert not isinstance(lost.value, SystemDown | Undeliverable)
    with pytest.raises(SystemDown, match="nobody can tell"):
        server.bot.lookup(KIRANA, key="reply:1")


def test_who_takes_no_messages_is_told_apart_from_who_is_not_there(server: Server) -> None:
    server.vendor.shut.add(KIRANA)

    with pytest.raises(Undeliverable, match="Cannot send messages") as refused:
        send(server, "Hello")
    with pytest.raises(Undeliverable, match="50033"):
        send(server, "Hello", to="4711")

    assert refused.value.reason == "50007"


def test_a_wrong_token_is_mended_and_nothing_is_lost(server: Server) -> None:
    server.vendor.token = "another"

    with pytest.raises(SystemDown, match="token"):
        send(server, "Hello")


@pytest.mark.parametrize("everything", [False, True], ids=["one conversation rests", "all rest"])
def test_what_is_to_rest_is_not_called(server: Server, everything: bool) -> None:
    send(server, "Hello", to=BAGUS, key="before")
    server.vendor.faults["messages"] = Fault(status=429, wait=30.5, everything=everything)

    for _ in range(2):
        with pytest.raises(SystemDown, match="asks to wait"):
            send(server, "Hello")
    with contextlib.suppress(SystemDown):
        send(server, "Hello again", to=BAGUS)

    assert server.vendor.shown(KIRANA) == []
    assert len(server.vendor.shown(BAGUS)) == (1 if everything else 2)


def test_nobody_at_the_door_means_that_it_surely_did_not_go_out() -> None:
    with pytest.raises(SystemDown, match="no connection"):
        OFFLINE.deliver(KIRANA, OFFLINE.render(Reply(text="Hello")), key="reply:1")


def test_choices_are_buttons_and_a_press_is_a_choice(server: Server) -> None:
    choices = [Choice(id=f"slot:{n}", label=f"Slot {n}") for n in range(30)]
    sent = send(server, "Which one?", choices=choices)

    answer = server.vendor.press(KIRANA, sent, "Slot 7")

    [picked] = server.heard
    assert isinstance(picked, Inbound)
    assert (picked.kind, picked.choice, picked.text) == ("choice", "slot:7", "Slot 7")
    assert (picked.address, picked.reply_to, picked.sender.name) == (KIRANA, sent, "Kirana")
    assert abs(picked.at - datetime.now(UTC)).total_seconds() < 60
    assert answer is not None
    assert answer.json() == {"type": 6}
    assert [len(row["components"]) for row in server.vendor.shown(KIRANA)[0].components] == [5] * 5


def test_without_the_public_key_no_buttons_are_offered() -> None:
    bot = discord.Discord("t", "", "http://127.0.0.1:1/api/v10")

    assert "components" not in bot.render(Reply(text="Which?", choices=[Choice(id="a", label="A")]))
    with pytest.raises(Refused, match="PUBLIC_KEY"):
        bot.verify({}, b"{}")


def test_the_contact_sees_that_somebody_is_there(server: Server) -> None:
    asked = server.vendor.write(KIRANA, "Hello?")

    server.bot.seen(KIRANA, asked, typing=True)
    server.bot.react(KIRANA, asked, "👀")

    assert len(server.vendor.typing) == 1
    assert server.vendor.shown(KIRANA)[0].reactions == ["👀"]


# --- what Discord tells ---


def test_what_people_write_is_heard_in_private_and_by_mention(server: Server) -> None:
    with server.listening():
        first = server.vendor.write(KIRANA, "When is my lesson?")
        server.vendor.write(BAGUS, "are you open today?", mention=True)
        server.vendor.edit(first, "When is my next lesson?")
        wait_until(lambda: len(server.heard) == 3, what="three events")
        send(server, "Tomorrow.")

    asked, mentioned, edited = server.heard
    assert isinstance(asked, Inbound)
    assert (asked.address, asked.text, asked.provider_id) == (KIRANA, "When is my lesson?", first)
    assert (asked.sender.name, asked.kind) == ("Kirana", "text")
    assert isinstance(mentioned, Inbound)
    assert (mentioned.address, mentioned.text) == (BAGUS, "are you open today?")
    assert isinstance(edited, Edited)
    assert (edited.provider_id, edited.text) == (first, "When is my next lesson?")


def test_a_broken_connection_is_taken_up_where_it_broke(server: Server) -> None:
    with server.listening():
        server.vendor.write(KIRANA, "one")
        wait_until(lambda: len(server.heard) == 1, what="the first message")
        server.vendor.cut()
        server.vendor.write(KIRANA, "two")
        wait_until(lambda: len(server.heard) == 2, what="the second message")

    assert [each.text for each in server.heard if isinstance(each, Inbound)] == ["one", "two"]
    assert (server.vendor.sessions, server.vendor.resumed) == (1, 1)


def test_what_could_not_be_stored_is_told_again(server: Server) -> None:
    server.failing = 2
    with server.listening():
        server.vendor.write(KIRANA, "one")
        wait_until(lambda: server.heard, what="the message")

    assert [each.text for each in server.heard if isinstance(each, Inbound)] == ["one"]
    assert server.lost.count("the database is away") == 2


def test_a_forgotten_session_is_begun_anew(server: Server) -> None:
    with server.listening():
        server.vendor.write(KIRANA, "one")
        wait_until(lambda: len(server.heard) == 1, what="the first message")
        server.vendor.cut(forget=True)
        wait_until(lambda: server.vendor.sessions == 2, what="another session")
        server.vendor.write(KIRANA, "two")
        wait_until(lambda: len(server.heard) == 2, what="the second message")

    assert any("does not know the session" in why for why in server.lost)


def test_a_gateway_that_answers_no_heartbeat_is_left(server: Server) -> None:
    server.vendor.beat, server.vendor.deaf = 0.1, True
    with server.listening():
        wait_until(lambda: server.lost, what="the connection to be given up")
        server.vendor.deaf = False
        wait_until(lambda: server.vendor.resumed, what="the session to be taken up")

    assert "heartbeat" in server.lost[0]


def test_a_token_that_the_gateway_refuses_is_said_so(server: Server) -> None:
    server.bot = discord.Discord("another", vendor.PUBLIC_KEY, f"{server.vendor.base}/api/v10")

    with pytest.raises(SystemDown, match="token"):
        server.bot.listen(server.hear, server.over)


def test_the_address_is_registered(server: Server) -> None:
    assert server.vendor.register()
    with pytest.raises(Refused):
        server.bot.greet({})


BODY = json.dumps({"type": 3, "id": "1"}).encode()
FORGED: dict[str, Callable[[], tuple[dict[str, str], bytes]]] = {
    "unsigned": lambda: ({}, BODY),
    "serialised anew": lambda: (vendor.Discord().headers(BODY), json.dumps(json.loads(BODY), indent=1).encode()),
    "truncated": lambda: (vendor.Discord().headers(BODY), BODY[:-1]),
    "too old": lambda: (vendor.Discord().headers(BODY, at=time.time() - 301), BODY),
    "another time": lambda: ({**vendor.Discord().headers(BODY), "X-Signature-Timestamp": "1"}, BODY),
    "no hexadecimal": lambda: ({**vendor.Discord().headers(BODY), "X-Signature-Ed25519": "é"}, BODY),
}


@pytest.mark.parametrize("how", list(FORGED))
def test_what_discord_did_not_sign_is_refused(how: str) -> None:
    headers, body = FORGED[how]()

    with pytest.raises(Refused, match="discord"):
        OFFLINE.verify({name.lower(): value for name, value in headers.items()}, body)


def told(**message: object) -> bytes:
    plain = {"id": "1", "author": {"id": KIRANA}, "content": "hi", "timestamp": "2026-11-23T03:00:00+00:00", "type": 0}
    return json.dumps({"t": "MESSAGE_CREATE", "d": {**plain, **message}, "own": vendor.BOT}).encode()


def test_files_are_named_and_unknown_kinds_are_stored() -> None:
    file = {"id": "77", "filename": "voice.ogg", "content_type": "audio/ogg", "size": 5, "url": "https://example.com"}
    [media] = OFFLINE.parse(told(content="", attachments=[file]))
    [sticker] = OFFLINE.parse(told(content="", sticker_items=[{"id": "5"}]))
    [joined] = OFFLINE.parse(told(type=7))

    assert isinstance(media, Inbound)
    assert (media.kind, media.attachments[0].kind, media.attachments[0].name) == ("media", "audio", "voice.ogg")
    assert [each.kind for each in (sticker, joined) if isinstance(each, Inbound)] == ["unsupported", "unsupported"]


def test_bots_and_previews_are_passed_over() -> None:
    assert OFFLINE.parse(told(author={"id": "9", "bot": True})) == []
    preview = json.loads(told()) | {"t": "MESSAGE_UPDATE"}
    assert OFFLINE.parse(json.dumps(preview).encode()) == []


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
MESSAGE = st.fixed_dictionaries(
    {"id": JSON | st.just("1"), "author": JSON | st.just({"id": "5"})},
    optional=dict.fromkeys(
        ("content", "timestamp", "edited_timestamp", "type", "attachments", "message_reference", "mentions"), JSON
    ),
)
BODIES = (
    JSON
    | st.fixed_dictionaries({"t": JSON | st.just("MESSAGE_UPDATE"), "d": MESSAGE, "own": JSON})
    | st.fixed_dictionaries(
        {"type": st.just(3), "id": JSON | st.just("5"), "user": st.just({"id": "5"}), "message": JSON},
        optional={"data": st.fixed_dictionaries({"custom_id": JSON | st.just("a")}), "member": JSON},
    )
)


@given(data=BODIES)
def test_no_json_upsets_the_parser(data: object) -> None:
    body = json.dumps(data).encode()

    try:
        found = OFFLINE.parse(body)
        OFFLINE.answer(body)
    except BadInput:
        assert not isinstance(data, dict)
    else:
        assert all(isinstance(each, Inbound | Edited) for each in found)
        repr(found).encode()
