"""What WhatsApp's webhooks say: every kind that Meta documents, and any other JSON in its place."""

from __future__ import annotations

import copy
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseward.adapters.channels.whatsapp import WhatsApp
from caseward.core.errors import BadInput, Refused
from caseward.core.events import Echo, Event
from caseward.core.messages import Inbound
from caseward.core.ports import Courteous, Fetching, Hook

FILES = sorted((Path(__file__).parent / "whatsapp").glob("*.json"))
PAYLOADS: Mapping[str, Any] = {path.stem: json.loads(path.read_text("utf-8")) for path in FILES}
PLUG = WhatsApp(
    api_url="http://127.0.0.1:9/v23.0",
    number_id="106540352242922",
    token="token",
    app_secret="app secret",
    verify_token="verify token",
)


def parsed(body: object) -> list[Event]:
    return list(PLUG.parse(json.dumps(body).encode()))


def plain(value: Any) -> Any:
    """Return an event, or a part of one, as JSON would give it."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def has(got: Any, wanted: Any) -> bool:
    """Return whether everything that is wanted is there; more may be."""
    if isinstance(wanted, dict):
        return isinstance(got, dict) and all(key in got and has(got[key], each) for key, each in wanted.items())
    if isinstance(wanted, list):
        return len(got) == len(wanted) and all(has(one, other) for one, other in zip(got, wanted, strict=True))
    return bool(got == wanted)


@pytest.mark.parametrize("name", sorted(PAYLOADS))
def test_a_documented_webhook_says_what_it_means(name: str) -> None:
    events = [{"event": type(event).__name__, **plain(asdict(event))} for event in parsed(PAYLOADS[name]["body"])]

    assert has(events, PAYLOADS[name]["events"]), json.dumps(events, indent=1, ensure_ascii=False)


def test_the_plug_is_called_fetches_files_and_is_courteous() -> None:
    assert isinstance(PLUG, Hook)
    assert isinstance(PLUG, Fetching)
    assert isinstance(PLUG, Courteous)
    assert PLUG.answer(b"{}") is None


def test_the_handshake_is_answered_for_our_verify_token_alone() -> None:
    asked = {"hub.mode": "subscribe", "hub.verify_token": "verify token", "hub.challenge": "1158201444"}

    assert PLUG.greet(asked) == "1158201444"
    for wrong in ({"hub.verify_token": "verify tokem"}, {"hub.mode": "unsubscribe"}, {"hub.verify_token": "é"}):
        with pytest.raises(Refused, match="handshake"):
            PLUG.greet({**asked, **wrong})
    with pytest.raises(Refused):
        PLUG.greet({})


def test_only_the_very_bytes_that_meta_signed_are_believed() -> None:
    body = json.dumps(PAYLOADS["text"]["body"], separators=(",", ":")).encode()
    signed = {"x-hub-signature-256": "sha256=" + hmac.new(b"app secret", body, hashlib.sha256).hexdigest()}
    forged = {"x-hub-signature-256": "sha256=" + hmac.new(b"other", body, hashlib.sha256).hexdigest()}

    PLUG.verify(signed, body)
    for headers, sent in (
        (signed, body[:-1]),
        (signed, json.dumps(json.loads(body)).encode()),  # the same JSON, spelled anew
        (forged, body),
        ({}, body),
        ({"x-hub-signature-256": "sha256=é"}, body),
        ({"x-hub-signature-256": signed["x-hub-signature-256"].removeprefix("sha256=")}, body),
    ):
        with pytest.raises(Refused, match="signature"):
            PLUG.verify(headers, sent)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b'{"object": "page"}', b"\xff\xfe\x00", b"[" * 100_000])
def test_what_is_no_webhook_of_whatsapp_is_bad_input(body: bytes) -> None:
    with pytest.raises(BadInput, match="body"):
        PLUG.parse(body)


def test_a_text_that_no_database_takes_is_made_one_that_it_does() -> None:
    body = copy.deepcopy(PAYLOADS["text"]["body"])
    message = body["entry"][0]["changes"][0]["value"]["messages"][0]
    message["text"]["body"] = "nul \0 and half a pair \ud83d"

    [event] = parsed(body)

    assert isinstance(event, Inbound)
    assert event.text == "nul  and half a pair ?"


# --- anything, anywhere -----------------------------------------------------------------------------------------------

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=()), max_size=20)
    | st.sampled_from(("6281200000001", "text", "system", "wamid.TEXT", "edit", "image", "99999999999999999999")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the way to everything inside."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield (*path, key)
        yield from places(each, (*path, key))


def replaced(body: Any, path: tuple[Any, ...], by: Any) -> Any:
    changed = copy.deepcopy(body)
    at = changed
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = by
    return changed


def names(event: Event) -> list[str]:
    return [each for each in (plain(asdict(event))).values() if isinstance(each, str)]


@settings(max_examples=400, deadline=None)
@given(data=st.data(), name=st.sampled_from(sorted(PAYLOADS)), odd=anything)
def test_any_json_at_any_place_never_breaks_parsing_nor_makes_an_id_come_twice(
    data: st.DataObject, name: str, odd: object
) -> None:
    body = PAYLOADS[name]["body"]
    path = data.draw(st.sampled_from([path for path in places(body) if path != ("object",)]))

    events = parsed(replaced(body, path, odd))

    ids = [event.provider_id for event in events if isinstance(event, Inbound | Echo)]
    assert len(ids) == len(set(ids))
    for event in events:
        for text in names(event):
            assert "\0" not in text
            assert len(text.encode()) < 100_000


@settings(max_examples=200, deadline=None)
@given(data=st.data(), odd=anything)
def test_a_message_that_is_malformed_costs_no_other_one(data: st.DataObject, odd: object) -> None:
    name = data.draw(st.sampled_from(sorted(PAYLOADS)))
    broken = PAYLOADS[name]["body"]["entry"][0]["changes"][0]["value"].get("messages", [{}])[0]
    inside = [path for path in places(broken) if path != ("id",)]
    if inside:
        broken = replaced(broken, data.draw(st.sampled_from(inside)), odd)
    body = copy.deepcopy(PAYLOADS["text"]["body"])
    value = body["entry"][0]["changes"][0]["value"]
    fine = value["messages"][0]
    value["messages"] = [{**fine, "id": "wamid.FIRST"}, broken, {**fine, "id": "wamid.LAST"}]

    said = [event.provider_id for event in parsed(body) if isinstance(event, Inbound)]

    assert said[0] == "wamid.FIRST"
    assert said[-1] == "wamid.LAST"
