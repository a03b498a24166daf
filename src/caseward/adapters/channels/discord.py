"""Discord, for contacts: direct messages to a bot, and messages in a server that mention it; answered in private.

HTTP API and gateway, version 10, as of https://docs.discord.com/developers (2000 characters a message, five buttons a
row and five rows; five messages in five seconds to one channel, fifty calls a second). The gateway's few opcodes are
spoken here over `websockets`: the kits for bots bring an event loop and a cache of the whole server along.

Within a few minutes a message is sent once for its nonce, however often it is posted; later Discord cannot tell.
"""

from __future__ import annotations

import hashlib
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from threading import Event as Signal
from typing import Any
from urllib.parse import quote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from caseward.adapters.channels._discord_gateway import Gateway
from caseward.adapters.channels._picking import instant, load, part, prose, rows, word
from caseward.adapters.channels._rest import Answer, Rest
from caseward.core.errors import CasewardError, Refused, SystemDown, Undeliverable
from caseward.core.events import Edited, Event
from caseward.core.messages import Attachment, Choice, Inbound, Reply, Sender
from caseward.core.ports import Pace, Payload
from caseward.settings import Settings

FRESH_SECONDS = 300
LONGEST = 2000
ROW, ROWS, LABEL, CUSTOM_ID = 5, 5, 80, 100
EPOCH_MS = 1420070400000
"""From which Discord counts the milliseconds in its ids."""
REMEMBERED = 500
"""Messages of which this process knows that they went out."""
_WRITTEN = (0, 19)
"""Types of message that people write: plain, and in answer to another."""
_PING, _PRESSED = 1, 3
_PONG, _SEEN = {"type": 1}, {"type": 6}
_NO_LINKS = 1 << 2
"""Flag: no previews."""
_PLAIN = re.compile(r"(https?://\S+)|([\\*_~|`]|^(?:#{1,3}|>{1,3}|-#|[-*](?= )))", re.MULTILINE)
"""What Discord would take for a mark, outside of links."""


class Discord:
    """The contacts' channel."""

    name = "discord"
    pull = False
    longest = LONGEST
    window: timedelta | None = None
    pace = Pace(a_second=20, seconds_between=1)
    listens = True

    def __init__(self, token: str, public_key: str, api: str, *, clock: Callable[[], float] = time.time) -> None:
        """Prepare; nothing is called yet.

        Args:
            token: of the bot.
            public_key: of the app, 64 hexadecimal digits; without it no buttons are offered.
            api: address of the HTTP API, with its version.
            clock: Unix seconds, with which the age of a request is told.
        """
        headers = {"Authorization": f"Bot {token}", "User-Agent": "DiscordBot (https://caseward.example, 1)"}
        self._api = Rest(self.name, api, headers=headers)
        self._key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public_key)) if public_key else None
        self._gateway = Gateway(token)
        self._clock = clock
        self._rooms: dict[str, str] = {}
        self._sent: OrderedDict[str, str] = OrderedDict()

    # --- what contacts read ---

    def render(self, reply: Reply) -> Payload:
        """Return the message: the words as they are, calling nobody; buttons where their presses can be heard."""
        shown = _PLAIN.sub(lambda match: match[1] or f"\\{match[2]}", reply.text)
        payload: dict[str, Any] = {
            "content": shown if len(shown) <= LONGEST else reply.text[:LONGEST],
            "allowed_mentions": {"parse": []},
            "flags": _NO_LINKS,
        }
        if reply.reply_to:
            payload["message_reference"] = {"message_id": reply.reply_to, "fail_if_not_exists": False}
        if reply.choices and self._key is not None:
            choices = reply.choices[: ROW * ROWS]
            payload["components"] = [_row(choices[start : start + ROW]) for start in range(0, len(choices), ROW)]
        return payload

    def deliver(self, address: str, payload: Payload, *, key: str) -> str:
        """Send a message once for `key`; what may have failed is posted again under the same nonce, which is safe."""
        room, message = self._room(address), {**payload, "nonce": _nonce(key), "enforce_nonce": True}
        try:
            answer = self._post(room, message)
        except (SystemDown, Undeliverable):
            raise
        except CasewardError:
            answer = self._post(room, message)
        self._sent[f"{address} {key}"] = id = word(answer.data, "id")
        while len(self._sent) > REMEMBERED:
            self._sent.popitem(last=False)
        return id

    def lookup(self, address: str, *, key: str) -> str | None:
        """Return the id of what this process sent; raise SystemDown otherwise, for Discord forgets nonces."""
        known = self._sent.get(f"{address} {key}")
        if known is None:
            raise SystemDown(self.name, "nobody can tell whether the message went out")
        return known

    def seen(self, address: str, provider_id: str, *, typing: bool) -> None:
        """Show that an answer is being written; Discord has no sign for a message that was read."""
        if typing:
            self._call("POST", f"channels/{self._room(address)}/typing")

    def react(self, address: str, provider_id: str, emoji: str) -> None:
        """Put a reaction on a direct message."""
        message = f"channels/{self._room(address)}/messages/{quote(provider_id, safe='')}"
        self._call("PUT", f"{message}/reactions/{quote(emoji, safe='')}/@me", limit="reactions")

    def _post(self, room: str, message: Mapping[str, Any]) -> Answer:
        return self._call("POST", f"channels/{room}/messages", json=message)

    def _room(self, person: str) -> str:
        """Return the direct conversation with a person."""
        if person not in self._rooms:
            opened = self._call("POST", "users/@me/channels", json={"recipient_id": person})
            self._rooms[person] = word(opened.data, "id")
        return self._rooms[person]

    def _call(self, method: str, path: str, *, json: Any = None, limit: str = "") -> Answer:
        answer = self._api.call(method, path, json=json, limit=limit)
        if answer.status < 400:
            return answer
        said = prose(answer.data, "message")[:200]
        code = str(part(answer.data, "code") or answer.status)
        if answer.status == 401:
            raise SystemDown(self.name, f"the bot's token is not taken ({said})")
        raise Undeliverable(self.name, code, said or f"{method} was answered {answer.status}")

    # --- what Discord tells ---

    def listen(self, hear: Callable[[bytes], None], over: Signal) -> None:
        """Listen to the gateway."""
        address = word(self._call("GET", "gateway/bot").data, "url")
        if not address:
            raise SystemDown(self.name, "it names no gateway")
        self._gateway.listen(address, hear, over)

    def greet(self, query: Mapping[str, str]) -> str:
        """Discord registers an address by a signed ping (`answer`), never like this."""
        raise Refused("discord: an address is registered by POST alone")

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Return if Discord signed these bytes within the last five minutes; raise Refused if not."""
        stamp, signature = headers.get("x-signature-timestamp", ""), headers.get("x-signature-ed25519", "")
        if self._key is None:
            raise Refused("discord: CASEWARD_DISCORD_PUBLIC_KEY is not set, so that nothing can be checked")
        try:
            self._key.verify(bytes.fromhex(signature), stamp.encode() + body)
        except (ValueError, InvalidSignature):
            raise Refused("discord: the signature does not fit; is the public key that of this app?") from None
        if not (stamp.isascii() and stamp.isdecimal() and abs(self._clock() - int(stamp)) <= FRESH_SECONDS):
            raise Refused("discord: the request is too old, or this machine's clock is wrong")

    def answer(self, body: bytes) -> Payload | None:
        """Return what Discord waits for: a pong, or that a press was taken."""
        return {_PING: _PONG, _PRESSED: _SEEN}.get(_number(load(body, who=self.name).get("type")))

    def parse(self, body: bytes) -> Sequence[Event]:
        """Return what somebody wrote, changed or pressed; the same again has the same id."""
        data = load(body, who=self.name)
        now = datetime.fromtimestamp(self._clock(), UTC)
        if "t" in data:
            return list(self._written(data, now))
        return list(self._pressed(data, now)) if _number(data.get("type")) == _PRESSED else []

    def _written(self, data: Mapping[str, Any], now: datetime) -> Iterator[Event]:
        message, own = part(data, "d"), word(data, "own")
        person, id = word(message, "author", "id"), word(message, "id")
        if not (person and id) or person == own or part(message, "author", "bot"):
            return
        text = re.sub(rf"<@!?{re.escape(own)}>", "", prose(message, "content")).strip() if own else ""
        text = text if own else prose(message, "content")
        at = _instant(part(message, "timestamp"), now)
        if data.get("t") == "MESSAGE_UPDATE":
            if part(message, "edited_timestamp"):  # otherwise a preview was added
                edited = _instant(part(message, "edited_timestamp"), now)
                yield Edited(channel=self.name, address=person, provider_id=id, text=text, at=edited)
            return
        files = [_attachment(each) for each in rows(message, "attachments")]
        known = _number(part(message, "type") or 0) in _WRITTEN
        yield Inbound(
            channel=self.name,
            provider_id=id,
            address=person,
            text=text if known else "",
            at=at,
            kind="text" if known and text else "media" if known and files else "unsupported",
            attachments=files,
            reply_to=word(message, "message_reference", "message_id"),
            sender=_sender(part(message, "author")),
        )

    def _pressed(self, data: Mapping[str, Any], now: datetime) -> Iterator[Event]:
        who = part(data, "member", "user") or part(data, "user")
        person, id, choice = word(who, "id"), word(data, "id"), word(data, "data", "custom_id")
        if not (person and id and choice):
            return
        buttons = [each for row in rows(data, "message", "components") for each in rows(row, "components")]
        label = next((prose(each, "label") for each in buttons if word(each, "custom_id") == choice), "")
        yield Inbound(
            channel=self.name,
            provider_id=id,
            address=person,
            text=label or choice,
            at=_made(id, now),
            kind="choice",
            reply_to=word(data, "message", "id"),
            choice=choice,
            sender=_sender(who),
        )


def _row(choices: Sequence[Choice]) -> dict[str, Any]:
    buttons = [
        {"type": 2, "style": 2, "label": each.label[:LABEL], "custom_id": each.id[:CUSTOM_ID]} for each in choices
    ]
    return {"type": 1, "components": buttons}


def _nonce(key: str) -> str:
    """Return a key as Discord takes it: 25 characters."""
    return hashlib.sha256(key.encode()).hexdigest()[:25]


def _sender(user: object) -> Sender:
    return Sender(name=(prose(user, "global_name") or prose(user, "username"))[:100])


def _attachment(file: Mapping[str, Any]) -> Attachment:
    mime, size = word(file, "content_type"), part(file, "size")
    kind = mime.partition("/")[0]
    return Attachment(
        ref=word(file, "id"),
        kind=kind if kind in ("image", "audio", "video") else "document",
        mime=mime,
        name=word(file, "filename"),
        size=size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
    )


def _instant(value: object, now: datetime) -> datetime:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else now
        return at.astimezone(UTC) if at.tzinfo else now
    except (ValueError, OverflowError):
        return now


def _made(id: str, now: datetime) -> datetime:
    """Return the instant that stands in an id of Discord's."""
    number = int(id) if id.isascii() and id.isdecimal() else 0
    return instant(((number >> 22) + EPOCH_MS) / 1000, otherwise=now) if 0 < number < 1 << 64 else now


def _number(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else -1


def channel(settings: Settings) -> Discord | None:
    """Return the channel, or None while the bot's token is missing."""
    token = settings.discord_token
    if token is None:
        return None
    return Discord(token.get_secret_value(), settings.discord_public_key, settings.discord_api_url)
