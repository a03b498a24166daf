"""WhatsApp Cloud API. Limits and codes as Meta documents them for the Graph API: docs/channels/whatsapp.md.

A text holds 4096 characters, 1024 above buttons; three buttons of 20, or ten rows of 24. A number sends 80 messages a
second, and one contact gets one in six seconds (131056). Free words are taken for 24 hours after the contact last wrote
(131047).
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import httpx2

from caseward.adapters.channels import _whatsapp_events as reading
from caseward.adapters.channels import _whatsapp_media as media
from caseward.adapters.channels import _whatsapp_wordings as wordings
from caseward.adapters.channels._whatsapp_errors import NAME, Fault, refusal
from caseward.adapters.channels._whatsapp_kinds import CUT
from caseward.core.errors import BadInput, Refused, SystemDown
from caseward.core.events import Event
from caseward.core.messages import Approved, Choice, Registered, Reply
from caseward.core.ports import Fetched, Pace, Payload
from caseward.settings import Settings

MAX_TEXT, MAX_BODY = 4096, 1024
MAX_BUTTONS, MAX_BUTTON = 3, 20
MAX_ROWS, MAX_ROW, MAX_DESCRIPTION = 10, 24, 72
OPENS_LIST = "☰"
"""On the button that opens a list, in every language."""
EMPTY = "-"
"""In a place of approved wording that has nothing to show: an empty one is refused (131008)."""
TIMEOUT = httpx2.Timeout(20, connect=5)
COURTESY_SECONDS = 3.0


class WhatsApp:
    """One business number."""

    name = NAME
    pull = False
    longest = MAX_TEXT
    window: timedelta | None = timedelta(hours=24)
    pace = Pace(a_second=80, seconds_between=6, burst=10)

    def __init__(
        self, *, api_url: str, number_id: str, token: str, app_secret: str, verify_token: str, account_id: str = ""
    ) -> None:
        self._api_url, self._number, self._account = api_url, number_id, account_id
        self._secret, self._verify = app_secret.encode(), verify_token
        self._http = httpx2.Client(
            base_url=api_url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT,
            follow_redirects=False,  # the token goes to Meta alone
        )

    def greet(self, query: Mapping[str, str]) -> str:
        """Return the challenge; raise Refused when the verify token is not ours."""
        given = query.get("hub.verify_token", "")
        if query.get("hub.mode") != "subscribe" or not hmac.compare_digest(given.encode(), self._verify.encode()):
            raise Refused("whatsapp: the handshake does not carry our verify token")
        return query.get("hub.challenge", "")

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Return if the app secret signed exactly these bytes; raise Refused if not."""
        wanted = "sha256=" + hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        if not hmac.compare_digest(headers.get("x-hub-signature-256", "").encode(), wanted.encode()):
            raise Refused("whatsapp: the signature is not that of our app")

    def answer(self, body: bytes) -> Payload | None:
        """Return None: Meta wants a 200 and reads nothing."""
        return None

    def parse(self, body: bytes) -> Sequence[Event]:
        """Return what happened, of our number alone; raise BadInput for what is no WhatsApp webhook."""
        try:
            said = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise BadInput(f"body: not JSON ({error})") from None
        return list(reading.events(said, number=self._number))

    def render(self, reply: Reply) -> Payload:
        """Return the message that says it: approved wording where it is given, else the text, with buttons or a list
        under it where there is something to pick."""
        if reply.approved is not None:
            return _approved(reply.approved)
        payload = _pick(reply.text, reply.choices) if reply.choices else _text(reply.text)
        return {**payload, "context": {"message_id": reply.reply_to}} if reply.reply_to else payload

    def deliver(self, address: str, payload: Payload, *, key: str) -> str:
        """Hand one message over and return Meta's id.

        What is left unknown is settled by the status that comes back: it carries `key`.
        """
        try:
            answer = self._send({**_to(address), **payload, "biz_opaque_callback_data": key})
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout) as error:
            raise SystemDown(self.name, str(error) or type(error).__name__) from error
        said = _json(answer)
        if not answer.is_success:
            raise refusal(Fault.of(answer.status_code, said))
        return str(said["messages"][0]["id"])

    def lookup(self, address: str, *, key: str) -> str | None:
        """Raise SystemDown: Meta answers no such question; the status that carries `key` does."""
        raise SystemDown(self.name, "what became of it is told by its status alone")

    def fetch(self, ref: str, *, most: int) -> Fetched:
        """Return a file that a contact sent."""
        return media.fetch(self._http, ref, api_url=self._api_url, number=self._number, most=most)

    def wordings(self) -> Sequence[Registered]:
        """Return the templates of the business account, and how Meta judges each."""
        if not self._account:
            raise BadInput("give the WhatsApp Business account's id in CASEWARD_WHATSAPP_ACCOUNT_ID")
        return wordings.read(self._http, self._account)

    def seen(self, address: str, provider_id: str, *, typing: bool) -> None:
        """Show two blue ticks, and that an answer is being written: for 25 seconds, or until it is there."""
        told = {"status": "read", "message_id": provider_id, **(_TYPING if typing else {})}
        with contextlib.suppress(httpx2.HTTPError):
            self._send(told, timeout=COURTESY_SECONDS)

    def react(self, address: str, provider_id: str, emoji: str) -> None:
        """Put a reaction on a message of the contact; an empty one takes it back. Raise when Meta does not take it."""
        reaction = {"type": "reaction", "reaction": {"message_id": provider_id, "emoji": emoji}}
        answer = self._send({**_to(address), **reaction}, timeout=COURTESY_SECONDS)
        if not answer.is_success:
            raise refusal(Fault.of(answer.status_code, _json(answer)))

    def _send(self, message: Payload, *, timeout: float | httpx2.Timeout = TIMEOUT) -> httpx2.Response:
        body = {"messaging_product": self.name, **message}
        return self._http.post(f"/{self._number}/messages", json=body, timeout=timeout)


def channel(settings: Settings) -> WhatsApp | None:
    """Return the channel, or None where one of its secrets is not given."""
    secret, verify, token = settings.whatsapp_app_secret, settings.whatsapp_verify_token, settings.whatsapp_token
    if secret is None or verify is None or token is None or not settings.whatsapp_phone_number_id:
        return None
    return WhatsApp(
        api_url=settings.whatsapp_api_url,
        number_id=settings.whatsapp_phone_number_id,
        token=token.get_secret_value(),
        app_secret=secret.get_secret_value(),
        verify_token=verify.get_secret_value(),
        account_id=settings.whatsapp_account_id,
    )


_TYPING = {"typing_indicator": {"type": "text"}}


def _to(address: str) -> Payload:
    """Return how a contact is named: by number, or by the scoped id where the number is not known."""
    named = {"to": address} if reading.NUMBER.fullmatch(address) else {"recipient": address}
    return {"recipient_type": "individual", **named}


def _json(answer: httpx2.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _text(text: str) -> Payload:
    return {"type": "text", "text": {"body": text, "preview_url": False}}


def _approved(wording: Approved) -> Payload:
    """Return a template; its places hold one line each (132018)."""
    template: dict[str, Any] = {"name": wording.name, "language": {"code": wording.language}}
    if wording.values:
        parameters = [{"type": "text", "text": " ".join(value.split()) or EMPTY} for value in wording.values]
        template["components"] = [{"type": "body", "parameters": parameters}]
    return {"type": "template", "template": template}


def _pick(text: str, choices: Sequence[Choice]) -> Payload:
    """Return buttons where they fit, else a list, else the text with a line for each choice: no word is lost."""
    labels = [each.label for each in choices]
    if len(text) > MAX_BODY or len(choices) > MAX_ROWS:
        return _text("\n".join((text, "", *(f"{number}. {label}" for number, label in enumerate(labels, 1)))))
    if len(choices) <= MAX_BUTTONS and all(len(label) <= MAX_BUTTON for label in labels):
        buttons = [{"type": "reply", "reply": {"id": each.id, "title": each.label}} for each in choices]
        return _interactive("button", text, {"buttons": buttons})
    short = all(len(label) <= MAX_ROW for label in labels)
    rows = [
        {"id": each.id, "title": each.label} if short else _numbered(number, each)
        for number, each in enumerate(choices, 1)
    ]
    return _interactive("list", text, {"button": OPENS_LIST, "sections": [{"rows": rows}]})


def _numbered(number: int, choice: Choice) -> Payload:
    """Return a row whose label may be too long for its title: numbered there, for titles differ, and whole below."""
    title = f"{number}. {choice.label}"
    if len(title) <= MAX_ROW:
        return {"id": choice.id, "title": title}
    cut = title[: MAX_ROW - 1]
    title = re.sub(r"\W+$", "", cut[: max(cut.rfind(" "), MAX_ROW // 2)]) + CUT
    return {"id": choice.id, "title": title, "description": choice.label[:MAX_DESCRIPTION]}


def _interactive(kind: str, text: str, action: Payload) -> Payload:
    return {"type": "interactive", "interactive": {"type": kind, "body": {"text": text}, "action": action}}
