"""Slack, for the team: cards in channels and direct messages, pressed buttons, words typed in reply.

Web API and Events API as of https://docs.slack.dev (about one message a second and channel; requests signed with the
app's secret, at most five minutes old; an event is sent up to four times). Four methods of it are called, which the
house's own HTTP client does; a vendor's kit would bring a second one, with retries of its own.
"""

from __future__ import annotations

import hashlib
import hmac
import html
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

from caseward.adapters.channels._picking import instant, load, part, prose, rows, word
from caseward.adapters.channels._rest import Answer, Rest
from caseward.adapters.channels._slack_blocks import blocks, cut, escape, plain
from caseward.core.errors import BadInput, CasewardError, Refused, SystemDown, Undeliverable
from caseward.core.events import Event, Pressed, Trouble, Typed
from caseward.core.ports import Card, Payload
from caseward.settings import Settings

FRESH_SECONDS = 300
LONGEST = 4000
"""Characters of a line; Slack advises no more of a message's text."""
SPOKEN = (None, "file_share", "thread_broadcast")
"""Kinds of message that somebody wrote; all others report an edit, a join and the like."""
_LATER = frozenset(
    {
        *("ratelimited", "rate_limited", "message_limit_exceeded", "service_unavailable", "team_added_to_org"),
        *("request_timeout", "invalid_auth", "not_authed", "account_inactive", "token_revoked", "token_expired"),
        *("missing_scope", "no_permission", "org_login_required", "ekm_access_denied"),
    }
)
"""Errors that do not lie with the message: it surely did not go out, and may be tried again once they are mended."""
_UNSURE = frozenset({"internal_error", "fatal_error"})
"""Errors after which it may have gone out, as Slack says itself."""
_MARKED = re.compile(r"<([@#!]?)([^>|]*)(?:\|([^>]*))?>")
_ANSWERS = "hooks.slack.com"


class Slack:
    """The team's lane."""

    name = "slack"

    def __init__(self, token: str, secret: str, api: str, *, clock: Callable[[], float] = time.time) -> None:
        """Prepare; nothing is called yet.

        Args:
            token: of the app's bot (`xoxb-…`).
            secret: with which Slack signs what it sends.
            api: address of the Web API.
            clock: Unix seconds, with which the age of a request is told.
        """
        headers = {"Authorization": f"Bearer {token}"}
        self._api = Rest(self.name, api, headers=headers)
        self._answers = Rest(self.name, "", headers={})
        self._hosts = {_ANSWERS, urlsplit(api).netloc}
        self._secret = secret.encode()
        self._clock = clock
        self._direct: dict[str, str] = {}

    # --- what the team is shown ---

    def post(self, chat: str, card: Card, *, key: str) -> str:
        """Show a card; its `key` goes along as metadata, by which `lookup` finds it."""
        tagged = {"event_type": "caseward_card", "event_payload": {"key": key}}
        return self._post(chat, {"text": plain(card), "blocks": blocks(card), "metadata": tagged})

    def amend(self, chat: str, message: str, card: Card) -> None:
        """Show another card in its place."""
        shown = {"channel": self._room(chat), "ts": message, "text": plain(card), "blocks": blocks(card)}
        self._call("chat.update", shown)

    def say(self, chat: str, text: str, *, reply_to: str = "") -> str:
        """Say a line, in the thread of a message where one is named."""
        thread = {"thread_ts": reply_to} if reply_to else {}
        return self._post(chat, {"text": escape(cut(text, LONGEST)), "mrkdwn": False, **thread})

    def acknowledge(self, callback: str, text: str) -> None:
        """Tell who pressed a button, and nobody else; Slack itself waits for no answer but the request's."""
        if not text:
            return
        address = urlsplit(callback)
        if address.netloc not in self._hosts:
            raise Undeliverable(self.name, "response_url", "it is no address of Slack's")
        line = {"response_type": "ephemeral", "replace_original": False, "text": escape(cut(text, LONGEST))}
        answer = self._answers.call("POST", callback, json=line)
        if answer.status >= 400:
            raise Undeliverable(self.name, str(answer.status), "the button's half hour is over, or it was used up")

    def lookup(self, chat: str, *, key: str) -> str | None:
        """Return the id of the card that was posted under `key` lately, or None when there is none."""
        asked = {"channel": self._room(chat), "limit": 100, "include_all_metadata": "true"}
        answer = self._api.call("GET", "conversations.history", params=asked)
        for message in rows(self._done("conversations.history", answer), "messages"):
            if part(message, "metadata", "event_payload", "key") == key:
                return word(message, "ts") or None
        return None

    def _post(self, chat: str, message: Mapping[str, Any]) -> str:
        given = {"channel": self._room(chat), "unfurl_links": False, "unfurl_media": False, **message}
        return word(self._call("chat.postMessage", given, limit=f"post {chat}"), "ts")

    def _room(self, chat: str) -> str:
        """Return the id of a channel; a person is written to in the direct conversation with them."""
        if not chat.startswith(("U", "W")):
            return chat
        if chat not in self._direct:
            self._direct[chat] = word(self._call("conversations.open", {"users": chat}), "channel", "id")
        return self._direct[chat]

    def _call(self, method: str, given: Mapping[str, Any], *, limit: str = "") -> Mapping[str, Any]:
        return self._done(method, self._api.call("POST", method, json=given, limit=limit))

    def _done(self, method: str, answer: Answer) -> Mapping[str, Any]:
        """Return what Slack answered; what it refuses it answers with status 200."""
        if part(answer.data, "ok") is True:
            return answer.data
        code = word(answer.data, "error") or f"status {answer.status}"
        if code in _LATER:
            raise SystemDown(self.name, f"{method}: {code}")
        if code in _UNSURE:
            raise CasewardError(f"{self.name}: {method} may or may not have been done ({code})")
        raise Undeliverable(self.name, code, f"{method} was refused")

    # --- what Slack tells ---

    def greet(self, query: Mapping[str, str]) -> str:
        """Slack registers an address by a signed request (`answer`), never like this."""
        raise Refused("slack: an address is registered by POST alone")

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Return if Slack signed these bytes within the last five minutes; raise Refused if not."""
        stamp, signature = headers.get("x-slack-request-timestamp", ""), headers.get("x-slack-signature", "")
        if not (stamp.isascii() and stamp.isdecimal() and len(stamp) < 12):
            raise Refused("slack: the request says no time")
        if abs(self._clock() - int(stamp)) > FRESH_SECONDS:
            raise Refused("slack: the request is too old, or this machine's clock is wrong")
        signed = hmac.new(self._secret, b"v0:" + stamp.encode() + b":" + body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(f"v0={signed}".encode(), signature.encode("utf-8", "replace")):
            raise Refused("slack: the signature does not fit; is CASEWARD_SLACK_SIGNING_SECRET that of this app?")

    def answer(self, body: bytes) -> Payload | None:
        """Return the challenge, when Slack asks whether the address is ours."""
        if not body.lstrip().startswith(b"{"):
            return None
        data = load(body, who=self.name)
        challenge = part(data, "challenge")
        return {"challenge": challenge} if data.get("type") == "url_verification" and challenge else None

    def parse(self, body: bytes) -> Sequence[Event]:
        """Return what somebody typed or pressed. The same event again is the same bytes, and names the same message."""
        if body.lstrip().startswith(b"{"):
            return list(self._events(load(body, who=self.name)))
        try:
            payload = parse_qs(body.decode(), max_num_fields=20)["payload"][0]
        except (ValueError, KeyError):
            raise BadInput(f"{self.name}: the body is neither an event nor an interaction") from None
        return list(self._presses(load(payload.encode("utf-8", "replace"), who=self.name)))

    def _events(self, data: Mapping[str, Any]) -> Iterator[Event]:
        now = datetime.fromtimestamp(self._clock(), UTC)
        if data.get("type") == "app_rate_limited":
            at = instant(data.get("minute_rate_limited"), otherwise=now)
            yield Trouble(channel=self.name, code="app_rate_limited", text="Slack holds back events of this app", at=at)
            return
        event = part(data, "event")
        if data.get("type") != "event_callback" or part(event, "type") != "message" or part(event, "bot_id"):
            return
        person, room, message = word(event, "user"), word(event, "channel"), word(event, "ts")
        if part(event, "subtype") not in SPOKEN or not (person and room and message):
            return
        thread = word(event, "thread_ts")
        own = {word(each, "user_id") for each in rows(data, "authorizations")} - {""}
        yield Typed(
            channel=self.name,
            person=person,
            chat=person if word(event, "channel_type") == "im" else room,
            text=_as_read(prose(event, "text"), own),
            reply_to="" if thread == message else thread,
            message=message,
            at=instant(message, otherwise=instant(data.get("event_time"), otherwise=now)),
        )

    def _presses(self, data: Mapping[str, Any]) -> Iterator[Event]:
        person, message = word(data, "user", "id"), word(data, "container", "message_ts")
        if data.get("type") != "block_actions" or not person:
            return
        now = datetime.fromtimestamp(self._clock(), UTC)
        for action in rows(data, "actions"):
            token = word(action, "value")
            if not token:  # a link was opened
                continue
            yield Pressed(
                channel=self.name,
                person=person,
                token=token,
                message=message,
                callback=part(data, "response_url") if isinstance(part(data, "response_url"), str) else "",
                at=instant(action.get("action_ts"), otherwise=now),
            )


def _as_read(text: str, own: set[str]) -> str:
    """Return text as people see it: marks for people, channels and links resolved, a mention of the app left out."""

    def shown(mark: re.Match[str]) -> str:
        sign, target, label = mark[1], mark[2], mark[3]
        if sign == "@" and target in own:
            return ""
        return label or {"@": f"@{target}", "#": f"#{target}", "!": f"@{target}"}.get(sign, target)

    return html.unescape(_MARKED.sub(shown, text)).strip()


def channel(settings: Settings) -> Slack | None:
    """Return the lane, or None while the bot's token or the signing secret is missing."""
    token, secret = settings.slack_token, settings.slack_signing_secret
    if token is None or secret is None:
        return None
    return Slack(token.get_secret_value(), secret.get_secret_value(), settings.slack_api_url)
