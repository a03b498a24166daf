"""What Telegram's updates say: each recorded one, and whatever else a body may be."""

from __future__ import annotations

import copy
import json
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseward.adapters.channels.telegram import Telegram
from caseward.core.errors import BadInput, Refused
from caseward.core.events import Event, Pressed
from caseward.core.messages import Inbound

RECORDED = sorted(Path(__file__).with_name("telegram").glob("*.json"))
RECORDED_AS = {path.stem: json.loads(path.read_text("utf-8"))["body"] for path in RECORDED}
BODIES = list(RECORDED_AS.values())
BOT = Telegram("http://127.0.0.1:9", "1:none", "a-secret")
SECRET = "x-telegram-bot-api-secret-token"

scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["private", "c:", "l:x"])
)
names = st.sampled_from(sorted({name for body in BODIES for name in json.dumps(body).split('"')[1::2]})) | st.text()
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4), max_leaves=12
)


def plain(event: Event) -> dict[str, Any]:
    """Return an event as a recording writes it."""
    fields = json.loads(json.dumps(asdict(event), default=lambda at: at.isoformat()))
    return {"type": type(event).__name__, **fields}


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_a_recorded_update_says_what_happened(path: Path) -> None:
    recorded = json.loads(path.read_text("utf-8"))

    said = [plain(event) for event in BOT.parse(json.dumps(recorded["body"]).encode())]

    assert len(said) == len(recorded["says"])
    for event, wanted in zip(said, recorded["says"], strict=True):
        assert {name: event[name] for name in wanted} == wanted
        assert event["channel"] == "telegram"


def ids(body: dict[str, Any]) -> list[str]:
    return [each.provider_id for each in BOT.parse(json.dumps(body).encode()) if isinstance(each, Inbound)]


def test_a_message_keeps_its_id_over_updates_and_a_press_has_that_of_its_own() -> None:
    message, press = (copy.deepcopy(RECORDED_AS[name]) for name in ("text", "chosen"))
    again = [ids(body | {"update_id": 999}) for body in (message, press)]

    assert ids(message) == again[0] == ["2001:41"]
    assert ids(press) == [f"update:{press['update_id']}"]
    assert again[1] == ["update:999"]
    message["message"]["chat"]["id"] = 2002  # the same number in another chat is another message
    assert ids(message) == ["2002:41"]


def test_a_press_is_of_now_for_telegram_gives_it_no_time() -> None:
    [pressed] = BOT.parse(json.dumps(RECORDED_AS["pressed_in_a_lane"]).encode())

    assert isinstance(pressed, Pressed)
    assert abs(datetime.now(UTC) - pressed.at) < timedelta(minutes=1)


@given(content=anything, kind=st.sampled_from(["message", "edited_message", "channel_post", "callback_query",
                                               "my_chat_member", "message_reaction", "something_new"]))  # fmt: skip
def test_an_update_of_any_content_is_read(content: Any, kind: str) -> None:
    body = json.dumps({"update_id": 1, kind: content}).encode("utf-8", "surrogatepass")

    assert all(isinstance(each, get_args(Event)) for each in BOT.parse(body))
    BOT.answer(body)


@given(data=st.data())
def test_a_recorded_update_with_a_part_replaced_is_read_and_can_be_stored(data: st.DataObject) -> None:
    body = copy.deepcopy(data.draw(st.sampled_from(BODIES)))
    part: Any = body
    while True:
        keys = [key for key in (part if isinstance(part, dict) else range(len(part))) if key != "update_id"]
        key = data.draw(st.sampled_from(keys))
        if not part[key] or not isinstance(part[key], dict | list) or data.draw(st.booleans()):
            break
        part = part[key]
    part[key] = data.draw(anything)

    said = BOT.parse(json.dumps(body).encode("utf-8", "surrogatepass"))

    for event in said:
        for value in json.loads(json.dumps(plain(event))).values():
            assert not isinstance(value, str) or "\x00" not in value
            str(value).encode()  # no lone surrogate, which no database takes
        assert event.at.tzinfo is not None


@given(body=st.binary() | anything.map(lambda value: json.dumps(value).encode("utf-8", "surrogatepass")))
def test_what_is_no_update_is_refused_in_plain_words(body: bytes) -> None:
    try:
        said = json.loads(body)
        fine = isinstance(said, dict) and type(said.get("update_id")) is int
    except (ValueError, RecursionError):
        fine = False
    if fine:
        BOT.parse(body)
    else:
        with pytest.raises(BadInput, match="telegram: the body is no"):
            BOT.parse(body)


def test_a_body_too_deep_to_read_is_no_update() -> None:
    with pytest.raises(BadInput, match="no JSON"):
        BOT.parse(b'{"update_id": 1, "message": ' + b"[" * 200_000)


def test_a_webhook_is_believed_for_its_secret_alone() -> None:
    BOT.verify({SECRET: "a-secret"}, b"{}")

    for headers in (
        {},
        {SECRET: ""},
        {SECRET: "a-secre"},
        {SECRET: "A-SECRET"},
        {SECRET: "a-secret "},
        {SECRET: "é\udcff"},
    ):
        with pytest.raises(Refused, match="missing or wrong"):
            BOT.verify(headers, b"{}")
    with pytest.raises(Refused, match="no webhook is expected"):
        Telegram("http://127.0.0.1:9", "1:none").verify({SECRET: ""}, b"{}")
    with pytest.raises(Refused, match="setWebhook"):
        BOT.greet({"hub.challenge": "1"})


def test_the_answer_to_a_contacts_choice_stops_their_button_and_a_lanes_is_left_to_the_lane() -> None:
    said = {name: BOT.answer(json.dumps(body).encode()) for name, body in RECORDED_AS.items()}

    called = {name: answer for name, answer in said.items() if answer is not None}
    assert sorted(called) == ["chosen", "chosen_long_ago"]
    assert called["chosen"] == {"method": "answerCallbackQuery", "callback_query_id": "4382bfdwdsb323b2e1"}
