"""WhatsApp as a channel, against a number that speaks what Meta documents."""

from __future__ import annotations

import contextlib
import json
import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from caseward.adapters.channels import _whatsapp_errors as errors
from caseward.adapters.channels import _whatsapp_wordings as wordings
from caseward.adapters.channels import whatsapp
from caseward.core.errors import BadInput, SystemDown, Undeliverable
from caseward.core.messages import Approved, Choice, Inbound, Reply
from caseward.settings import Settings
from caseward.simulators import whatsapp as vendor
from caseward.simulators._whatsapp_graph import ERRORS
from caseward.simulators.serving import running
from tests.contract.channels.test_whatsapp_parse import PLUG

GUIDE = Path(__file__).parents[3] / "docs/channels/whatsapp.md"
RANI = "6281200000001"
NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 100


@dataclass
class Line:
    """A number of the business and the desk's plug for it."""

    vendor: vendor.WhatsApp
    plug: whatsapp.WhatsApp
    url: str

    def send(self, reply: Reply, *, to: str = RANI, key: str = "reply:1") -> str:
        return self.plug.deliver(to, self.plug.render(reply), key=key)


@dataclass
class Street:
    """One server for all tests of the module: who stands behind it is theirs."""

    url: str = ""
    app: Starlette | None = None
    asked: list[tuple[str, str]] = field(default_factory=list)


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    here = Street()

    async def through(scope: Any, receive: Any, send: Any) -> None:
        assert scope["type"] == "lifespan" or here.app is not None
        await (here.app or Starlette())(scope, receive, send)

    with running(through) as here.url:
        yield here


@pytest.fixture
def line(street: Street) -> Iterator[Line]:
    sim = vendor.WhatsApp(clock=lambda: NOW)
    street.app = sim.app
    yield Line(sim, plug(street.url), street.url)
    sim.close()


def plug(url: str) -> whatsapp.WhatsApp:
    made = whatsapp.channel(
        Settings(
            whatsapp_app_secret=SecretStr(vendor.APP_SECRET),
            whatsapp_verify_token=SecretStr(vendor.VERIFY_TOKEN),
            whatsapp_token=SecretStr(vendor.TOKEN),
            whatsapp_phone_number_id=vendor.NUMBER_ID,
            whatsapp_account_id=vendor.ACCOUNT_ID,
            whatsapp_api_url=f"{url}/v23.0",
        )
    )
    assert made is not None
    return made


# --- said -------------------------------------------------------------------------------------------------------------


def test_without_one_of_its_secrets_the_channel_stays_off() -> None:
    secret = SecretStr("x")

    assert whatsapp.channel(Settings(whatsapp_phone_number_id="1", whatsapp_token=secret)) is None
    assert whatsapp.channel(
        Settings(whatsapp_app_secret=secret, whatsapp_verify_token=secret, whatsapp_token=secret)
    ) is None  # fmt: skip


def test_a_reply_arrives_as_an_answer_to_a_message_and_its_key_comes_back(line: Line) -> None:
    asked = line.vendor.say(RANI, "Boleh pindah?")

    id = line.send(Reply(text="Boleh.", reply_to=asked), key="reply:drf_7")

    [said] = line.vendor.sent(RANI)
    assert (said.id, said.text, said.reply_to, said.state) == (id, "Boleh.", asked, "read")
    assert {each["biz_opaque_callback_data"] for each in line.vendor.statuses} == {"reply:drf_7"}


def test_the_wording_of_the_account_is_read_page_by_page_with_how_each_is_judged(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("reminder", "moved", "paid"):
        line.vendor.approve(name, "en_US", f"{name} at {{{{1}}}}")
    line.vendor.judge("paid", "en_US", "REJECTED", "TAG_CONTENT_MISMATCH")
    monkeypatch.setattr(wordings, "AT_ONCE", 2)

    told = {each.name: (each.status, each.text, each.why) for each in line.plug.wordings()}

    assert told == {
        "reminder": ("approved", "reminder at {{1}}", ""),
        "moved": ("approved", "moved at {{1}}", ""),
        "paid": ("rejected", "paid at {{1}}", "tag_content_mismatch"),
    }


def test_wording_that_cannot_be_read_says_why(line: Line) -> None:
    def of(**other: Any) -> whatsapp.WhatsApp:
        given = {"api_url": f"{line.url}/v23.0", "number_id": vendor.NUMBER_ID, "token": vendor.TOKEN,
                 "app_secret": "x", "verify_token": "x", "account_id": vendor.ACCOUNT_ID}  # fmt: skip
        return whatsapp.WhatsApp(**{**given, **other})

    with pytest.raises(BadInput, match="CASEWARD_WHATSAPP_ACCOUNT_ID"):
        of(account_id="").wordings()
    with pytest.raises(SystemDown, match="190"):
        of(token="another").wordings()
    with pytest.raises(SystemDown, match="100"):
        of(account_id="7").wordings()
    with pytest.raises(SystemDown):
        of(api_url="http://127.0.0.1:9/v23.0").wordings()


def test_a_contact_without_a_number_is_answered_by_the_scoped_id(line: Line) -> None:
    line.vendor.phone(RANI, hidden=True)
    line.vendor.say(RANI, "hello")
    scoped = line.vendor.phones[RANI].user_id

    line.send(Reply(text="Hello."), to=scoped)

    assert line.vendor.texts(RANI) == ["Hello."]
    assert (line.vendor.calls[0].get("recipient"), line.vendor.calls[0].get("to")) == (scoped, None)


def test_few_short_choices_are_buttons_and_others_a_list(line: Line) -> None:
    line.vendor.say(RANI, "when?")
    three = [Choice(id=f"slot:{number}", label=f"Tue {number}:00") for number in range(3)]
    ten = [Choice(id=f"slot:{number}", label=f"Tuesday at {number}:00 with coach") for number in range(10)]

    line.send(Reply(text="Pick one:", choices=three))
    line.send(Reply(text="Pick one:", choices=ten))
    tapped = line.vendor.tap(RANI, "Tue 1:00")
    row = line.vendor.tap(RANI, "slot:4")

    buttons, rows = (each["interactive"] for each in line.vendor.calls)
    assert (buttons["type"], rows["type"]) == ("button", "list")
    assert [each["description"] for each in line.vendor.sent(RANI)[1].choices] == [each.label for each in ten]
    by_id = {each.id: each.payload["interactive"] for each in line.vendor.phones[RANI].chat if each.by == "customer"
             and each.kind == "interactive"}  # fmt: skip
    assert by_id[tapped]["button_reply"]["id"] == "slot:1"
    assert by_id[row]["list_reply"]["id"] == "slot:4"
    assert by_id[row]["list_reply"]["title"] == "5. Tuesday at 4:00…"
    written = line.vendor.phones[RANI].chat[-1].payload
    [picked] = line.plug.parse(line.vendor.webhook("messages", {"messages": [written]}))
    assert isinstance(picked, Inbound)
    assert (picked.choice, picked.text) == ("slot:4", "Tuesday at 4:00 with coach")


@pytest.mark.parametrize(
    ("count", "length", "form"),
    [(3, 20, "button"), (3, 21, "list"), (4, 5, "list"), (10, 25, "list"), (11, 5, "")],
)
def test_the_smallest_form_that_holds_the_choices_is_used(count: int, length: int, form: str) -> None:
    choices = [Choice(id=f"c:{number}", label=f"{number:02}".ljust(length, "x")) for number in range(count)]

    payload = PLUG.render(Reply(text="Pick one:", choices=choices))

    assert payload.get("interactive", {}).get("type", "") == form
    assert form or all(each.label in payload["text"]["body"] for each in choices)


labels = st.text(st.characters(categories=("L", "N", "P", "S", "Zs")), min_size=1, max_size=80).filter(str.strip)


@settings(deadline=None)
@given(
    text=st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=1500),
    offered=st.lists(labels, max_size=14, unique=True),
    values=st.lists(st.text(st.characters(exclude_categories=("Cs",)), max_size=40), max_size=4),
)
def test_whatever_is_said_has_a_form_that_meta_takes_and_loses_no_choice(
    text: str, offered: list[str], values: list[str]
) -> None:
    sim = vendor.WhatsApp(clock=lambda: NOW)
    sim.say(RANI, "hello")
    choices = [Choice(id=f"c:{number}", label=label) for number, label in enumerate(offered)]

    for reply in (
        Reply(text=text, choices=choices),
        Reply(text=text, approved=Approved(name="promise", language="en_US", values=values)),
    ):
        message = {"messaging_product": "whatsapp", "to": RANI, **PLUG.render(reply)}
        sim.accept(json.loads(json.dumps(message)))

    shown = sim.sent(RANI)[0]
    assert len(shown.choices) == len(choices) or all(label in shown.text for label in offered)


def test_outside_the_window_only_approved_wording_is_taken(line: Line) -> None:
    line.vendor.approve("promise", "en_US", "We answer by {{1}}, {{2}}.")
    line.vendor.say(RANI, "hello")
    line.vendor.jump(timedelta(hours=24))

    with pytest.raises(Undeliverable, match="131047") as closed:
        line.send(Reply(text="Too late."))
    values = ("17:00\nUTC", "")
    line.send(Reply(text="x", approved=Approved(name="promise", language="en_US", values=values)))
    for wrong in (
        Approved(name="promise", language="id", values=values),
        Approved(name="promise", language="en_US", values=("one",)),
    ):
        with pytest.raises(Undeliverable, match=r"132001|132000") as refused:
            line.send(Reply(text="x", approved=wrong))
        assert not refused.value.closed

    assert closed.value.closed
    assert line.vendor.texts(RANI) == ["We answer by 17:00 UTC, -."]


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_what_passes_is_tried_again_and_what_does_not_is_told(line: Line) -> None:
    line.vendor.say(RANI, "hello")
    for code in sorted(errors.PASSING & set(ERRORS)):
        line.vendor.fail_next(code)
        with pytest.raises(SystemDown, match=str(code)):
            line.send(Reply(text="x"))
    for code in (131026, 131049, 131050, 131051, 132015, 100):
        line.vendor.fail_next(code)
        with pytest.raises(Undeliverable) as told:
            line.send(Reply(text="x"))
        assert (told.value.reason, told.value.closed) == (str(code), False)

    assert line.vendor.sent(RANI) == []


def test_a_rate_that_is_too_high_is_refused_for_now(line: Line) -> None:
    line.vendor.say(RANI, "hello")
    line.vendor.burst = 2
    line.send(Reply(text="one"))
    line.send(Reply(text="two"))
    with pytest.raises(SystemDown, match="131056"):
        line.send(Reply(text="three"))
    line.vendor.jump(timedelta(seconds=6))

    line.send(Reply(text="three"))

    assert line.vendor.texts(RANI) == ["one", "two", "three"]
    line.vendor.a_second = 0
    with pytest.raises(SystemDown, match="130429"):
        line.send(Reply(text="four"))


def test_an_account_that_is_refused_loses_no_message_and_is_loud(line: Line, caplog: pytest.LogCaptureFixture) -> None:
    line.vendor.say(RANI, "hello")
    line.vendor.token = "another"
    with caplog.at_level(logging.ERROR), pytest.raises(SystemDown, match="CASEWARD_WHATSAPP_TOKEN"):
        line.send(Reply(text="x"))
    line.vendor.token, line.vendor.number_id = vendor.TOKEN, "1"
    with caplog.at_level(logging.ERROR), pytest.raises(SystemDown, match="WhatsApp Manager"):
        line.send(Reply(text="x"))

    assert [each.levelname for each in caplog.records if "whatsapp takes no message" in each.message] == ["ERROR"] * 2
    assert vendor.TOKEN not in caplog.text


def test_a_lost_answer_and_a_failure_inside_meta_leave_it_unknown(line: Line) -> None:
    line.vendor.say(RANI, "hello")
    line.vendor.lose_next()
    with pytest.raises(httpx2.RemoteProtocolError):
        line.send(Reply(text="said all the same"), key="reply:lost")
    line.vendor.fail_next(131000)
    with pytest.raises(RuntimeError, match="may have been sent"):
        line.send(Reply(text="x"))
    with pytest.raises(SystemDown):
        line.plug.lookup(RANI, key="reply:lost")

    assert line.vendor.texts(RANI) == ["said all the same"]
    assert line.vendor.statuses[0]["biz_opaque_callback_data"] == "reply:lost"


def test_nobody_there_means_that_nothing_went_out() -> None:
    with pytest.raises(SystemDown):
        PLUG.deliver(RANI, PLUG.render(Reply(text="x")), key="reply:1")


def test_the_guide_names_every_code_that_is_told_apart() -> None:
    guide = GUIDE.read_text("utf-8")
    told = {int(code) for code in re.findall(r"\b(\d{1,6})\b", guide[guide.index("## When Meta refuses") :])}

    assert errors.PASSING | errors.VAGUE | {errors.CLOSED} | (errors.OURS - set(range(201, 299))) <= told


# --- courtesies -------------------------------------------------------------------------------------------------------


def test_a_message_is_marked_read_answered_by_a_reaction_and_typing_shows(line: Line) -> None:
    asked = line.vendor.say(RANI, "hello")

    line.plug.seen(RANI, asked, typing=True)
    line.plug.react(RANI, asked, "👀")

    [said] = line.vendor.phones[RANI].chat
    assert (said.state, said.reactions) == ("read", {"business": "👀"})
    assert line.vendor.phones[RANI].typing_until == NOW + timedelta(seconds=25)


def test_a_tick_that_fails_is_nobodys_trouble_and_a_reaction_that_fails_says_so(line: Line) -> None:
    line.plug.seen(RANI, "wamid.unknown", typing=False)
    PLUG.seen(RANI, "wamid.unknown", typing=True)

    with pytest.raises(Undeliverable):
        line.plug.react(RANI, "wamid.unknown", "👀")
    with pytest.raises(httpx2.HTTPError):
        PLUG.react(RANI, "wamid.unknown", "👀")


# --- files ------------------------------------------------------------------------------------------------------------


def file(line: Line, content: bytes, mime: str, kind: str = "image") -> str:
    line.vendor.send_file(RANI, content, mime=mime, kind=kind)
    return next(reversed(line.vendor.files))


def test_a_file_is_fetched_by_its_id(line: Line) -> None:
    for content, mime, kind in (
        (PNG, "image/png", "image"),
        (b"OggS" + b"\0" * 20, "audio/ogg", "audio"),
        (b"\0\0\0\x20ftypM4A \0\0", "audio/mp4", "audio"),
        (b"\0\0\0\x20ftypisom", "video/mp4", "video"),
        (b"PK\x03\x04 docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document", "document"),
        (b"Tanggal,Jam\n", "text/plain", "document"),
    ):
        fetched = line.plug.fetch(file(line, content, mime, kind), most=1000)

        assert (fetched.content, fetched.mime) == (content, mime)


@pytest.mark.parametrize(
    ("content", "mime"),
    [(b"MZ\x90", "image/png"), (b"<html><script>", "image/png"), (PNG, "application/pdf"), (b"\x7fELF", "text/plain")],
    ids=["program", "page", "picture", "binary"],
)
def test_a_file_of_another_kind_than_stated_is_refused(line: Line, content: bytes, mime: str) -> None:
    with pytest.raises(Undeliverable, match="looks like"):
        line.plug.fetch(file(line, content, mime), most=1000)


def test_a_file_that_is_too_large_or_gone_is_refused(line: Line) -> None:
    id = file(line, PNG, "image/png")

    with pytest.raises(Undeliverable, match="larger than 10 bytes"):
        line.plug.fetch(id, most=10)
    for gone in ("12345", "../me", ""):
        with pytest.raises(Undeliverable):
            line.plug.fetch(gone, most=1000)
    line.vendor.token = "another"
    with pytest.raises(SystemDown):
        line.plug.fetch(id, most=1000)


def test_an_address_that_expired_is_asked_for_once_more(line: Line) -> None:
    id = file(line, PNG, "image/png")
    line.vendor.stale_next()
    assert line.plug.fetch(id, most=1000).content == PNG

    line.vendor.stale_next(2)
    with pytest.raises(Undeliverable, match="404"):
        line.plug.fetch(id, most=1000)


Answering = Callable[[Request], Response]


@contextlib.contextmanager
def meta_that_says(street: Street, address: str, then: Answering) -> Iterator[whatsapp.WhatsApp]:
    """A Graph API that names any address for a file, and what stands at `/there`."""
    where = {"url": address, "mime_type": "image/png", "file_size": 10}
    street.app = Starlette(routes=[Route("/v23.0/{id}", lambda request: JSONResponse(where)), Route("/there", then)])
    yield plug(street.url)


ELSEWHERE = {
    "another host": "http://{there}/there",
    "another user": "https://lookaside.fbsbx.com@{there}/there",
    "a backslash": "http://{there}\\@lookaside.fbsbx.com/there",
    "another port": "https://lookaside.fbsbx.com:8443/x",
    "in clear": "http://lookaside.fbsbx.com/x",
    "a file": "file:///etc/passwd",
    "no address": "http://[",
    "nothing": "",
}


@pytest.mark.parametrize("at", ELSEWHERE.values(), ids=ELSEWHERE)
def test_the_token_goes_to_meta_alone(street: Street, at: str) -> None:
    heard: list[str] = []

    def thief(request: Request) -> Response:
        heard.append(request.headers.get("authorization", ""))
        return Response(PNG)

    with (
        running(Starlette(routes=[Route("/there", thief)])) as elsewhere,
        meta_that_says(street, at.format(there=elsewhere.removeprefix("http://")), thief) as asking,
        pytest.raises(Undeliverable, match="host"),
    ):
        asking.fetch("77", most=1000)

    assert heard == []


def test_a_redirection_is_not_followed(street: Street) -> None:
    heard: list[str] = []

    def thief(request: Request) -> Response:
        heard.append(request.headers.get("authorization", ""))
        return Response(PNG)

    with running(Starlette(routes=[Route("/x", thief)])) as elsewhere:
        away = RedirectResponse(f"{elsewhere}/x")
        with (
            meta_that_says(street, f"{street.url}/there", lambda request: away) as asking,
            pytest.raises(Undeliverable, match="307"),
        ):
            asking.fetch("77", most=1000)

    assert heard == []


def test_a_file_larger_than_it_was_said_to_be_is_cut_off_as_it_comes(street: Street) -> None:
    big = Response(PNG * 100_000)
    packed = Response(PNG, headers={"Content-Encoding": "gzip"})
    for answer, why in ((big, "larger"), (packed, "200")):
        with (
            meta_that_says(street, f"{street.url}/there", lambda request, said=answer: said) as asking,  # type: ignore[misc]
            pytest.raises(Undeliverable, match=why),
        ):
            asking.fetch("77", most=1000)
