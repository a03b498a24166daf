"""A channel of the tests' own, with everything that a vendor's may have: signed bodies in, messages out, files.

plug = channels_house.plug_in()
body = channels_house.body(channels_house.message("m1", "628111", "Halo"))
channels_house.post(server.url, body)
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any

import httpx2

from caseward.core import events
from caseward.core.errors import BadInput, Refused, SystemDown, Undeliverable
from caseward.core.events import Delivery, Event
from caseward.core.messages import Attachment, Inbound, Reply, Sender
from caseward.core.ports import Fetched, Pace, Payload
from caseward.desk import tools

NAME = "house"
SECRET = b"a secret that both sides know"
SIGNATURE = "x-house-signature"
_KINDS = {each.__name__.lower(): each for each in (Inbound, events.Status, events.Echo, events.Edited, events.Moved,
          events.Bounced, events.Preference, events.Pressed, events.Typed, events.Trouble)}  # fmt: skip


@dataclass
class House:
    """The vendor and our side of it in one: what it was handed, and how it behaves."""

    name: str = NAME
    pull: bool = False
    longest: int = 4000
    window: timedelta | None = None
    pace: Pace = field(default_factory=Pace)
    sent: list[tuple[str, Payload, str]] = field(default_factory=list)
    """Address, payload and key of what was delivered, oldest first."""
    files: dict[str, Fetched] = field(default_factory=dict)
    """By reference."""
    failing: list[Exception] = field(default_factory=list)
    """What the next deliveries raise instead, the first first."""
    shown: list[tuple[str, str, str]] = field(default_factory=list)
    """Address, message and `seen`, `typing` or an emoji: courtesies."""
    _numbers: Any = field(default_factory=lambda: count(1))

    def render(self, reply: Reply) -> Payload:
        given = {
            name: getattr(reply, name) for name in ("text", "choices", "approved", "subject", "reply_to", "thread")
        }
        return {name: value for name, value in given.items() if value}

    def deliver(self, address: str, payload: Payload, *, key: str) -> str:
        if self.failing:
            raise self.failing.pop(0)
        self.sent.append((address, payload, key))
        return f"out-{next(self._numbers)}"

    def lookup(self, address: str, *, key: str) -> str | None:
        return next((f"out-{n}" for n, each in enumerate(self.sent, 1) if each[2] == key), None)

    def greet(self, query: Mapping[str, str]) -> str:
        if query.get("secret") != SECRET.decode():
            raise Refused("the word is not ours")
        return query.get("challenge", "")

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        if not hmac.compare_digest(headers.get(SIGNATURE, ""), sign(body)):
            raise Refused("the signature does not fit the body")

    def answer(self, body: bytes) -> Payload | None:
        if not body.endswith(b"}"):
            raise BadInput("the body is cut short")
        return {"heard": True} if b'"wants_answer"' in body else None

    def parse(self, body: bytes) -> Sequence[Event]:
        try:
            said = json.loads(body)["events"]
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(f"body: not an object with events ({error})") from None
        return [_event(each) for each in said]

    def fetch(self, ref: str, *, most: int) -> Fetched:
        if ref == "down":
            raise SystemDown(self.name, "no file today")
        found = self.files.get(ref)
        if found is None:
            raise Undeliverable(self.name, "gone", "there is no such file any more")
        if len(found.content) > most:
            raise Undeliverable(self.name, "too_large", f"{len(found.content)} bytes")
        return found

    def seen(self, address: str, provider_id: str, *, typing: bool) -> None:
        self.shown.append((address, provider_id, "typing" if typing else "seen"))

    def react(self, address: str, provider_id: str, emoji: str) -> None:
        self.shown.append((address, provider_id, emoji))

    @property
    def texts(self) -> list[str]:
        """What contacts were told, oldest first."""
        return [str(payload.get("text", "")) for _address, payload, _key in self.sent]


def plug_in(plug: House | None = None, **policy: Any) -> House:
    """Put the channel beside those of the desk, used as `policy` says (fields of ChannelPolicy); return it."""
    made = plug or House()
    given = tools.given()
    ours = given.pack.channels
    used = replace(ours, channels={**ours.channels, made.name: replace(ours.of(made.name), **policy)})
    tools.use(replace(given, channels={**given.channels, made.name: made}, pack=replace(given.pack, channels=used)))
    return made


def sign(body: bytes) -> str:
    """Return the signature that goes with a body."""
    return hmac.new(SECRET, body, hashlib.sha256).hexdigest()


def body(*events: Mapping[str, Any], **more: Any) -> bytes:
    """Return a body that tells of events, as the vendor would send it."""
    return json.dumps({"events": events, **more}, default=str).encode()


def client(url: str) -> httpx2.Client:
    """Return somebody who calls the web without any signature."""
    return httpx2.Client(base_url=url, timeout=30)


def post(url: str, sent: bytes, *, signature: str | None = None) -> httpx2.Response:
    """Call the webhook as the vendor would."""
    headers = {SIGNATURE: sign(sent) if signature is None else signature, "content-type": "application/json"}
    return httpx2.post(f"{url}/webhooks/{NAME}", content=sent, headers=headers, timeout=30)


def message(id: str, address: str, text: str, *, at: datetime | None = None, **more: Any) -> dict[str, Any]:
    """Return a message of a contact's, to go into a body."""
    given = {"event": "inbound", "provider_id": id, "address": address, "text": text, "at": at or tools.now()}
    return {**given, **more}


def event(kind: str, *, at: datetime | None = None, **given: Any) -> dict[str, Any]:
    """Return any other event, by the name of its class in lower case and its fields."""
    return {"event": kind, "at": at or tools.now(), **given}


def _event(told: Mapping[str, Any]) -> Event:
    kind = _KINDS[told["event"]]
    known = {each.name for each in fields(kind)}
    given = {"channel": NAME, **{name: value for name, value in told.items() if name in known}}
    given["at"] = datetime.fromisoformat(given["at"])
    if "attachments" in given:
        given["attachments"] = tuple(Attachment(**each) for each in given["attachments"])
    if "sender" in given:
        given["sender"] = Sender(**given["sender"])
    if "state" in given:
        given["state"] = Delivery(given["state"])
    made: Event = kind(**given)
    return made
