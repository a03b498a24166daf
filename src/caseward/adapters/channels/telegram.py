"""Telegram by its Bot API (https://core.telegram.org/bots/api): the team's lanes, and contacts in private chats.

Limits: 4096 characters a message; 30 messages a second, one a second to a chat, 20 a minute to a group
(https://core.telegram.org/bots/faq); 64 bytes of data a button; files of 20 MB are fetched.
A button's data is `c:<choice>` for a contact's and `l:<token>` for a lane's.
Telegram honours no key of ours and cannot be asked what was sent: an unknown sending is settled by a person.
"""

from __future__ import annotations

import contextlib
import hmac
import json
import mimetypes
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from datetime import timedelta
from threading import Event as Signal
from threading import Thread
from typing import Any

from caseward.adapters.channels import _magic
from caseward.adapters.channels import _telegram_updates as updates
from caseward.adapters.channels._telegram_api import NAME, Api
from caseward.adapters.channels._telegram_cards import LONGEST, card_message, cut
from caseward.core.errors import BadInput, CasewardError, Refused, SystemDown, Undeliverable
from caseward.core.events import Event
from caseward.core.messages import Reply
from caseward.core.ports import Card, Fetched, Pace, Payload
from caseward.settings import Settings

SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105 its name
POLL_SECONDS = 25
"""How long Telegram waits for an update before it answers that there is none."""
DATA_BYTES = 64
ANSWER_LENGTH = 200
VAGUE = "application/octet-stream"
"""What Telegram's file server calls most files."""


class Telegram:
    """One bot: a channel to contacts, and a lane to the team."""

    name = NAME
    pull = False
    longest = LONGEST
    window: timedelta | None = None
    pace = Pace(a_second=30, seconds_between=1, burst=3)

    def __init__(self, url: str, token: str, secret: str = "") -> None:
        self._api, self._secret = Api(url, token), secret
        self.listens = not secret

    # --- contacts ---

    def render(self, reply: Reply) -> Payload:
        """Return a message of plain words, with a button for each choice; raise BadInput for an id that is too long."""
        message: dict[str, Any] = {"text": reply.text, "link_preview_options": {"is_disabled": True}}
        if reply.choices:
            rows = [[{"text": each.label, "callback_data": _data(each.id)}] for each in reply.choices]
            message["reply_markup"] = {"inline_keyboard": rows}
        if reply.reply_to:
            message["reply_parameters"] = _answering(reply.reply_to)
        return message

    def deliver(self, address: str, payload: Payload, *, key: str) -> str:
        """Send a message and return its id; Telegram takes no key."""
        return self._send({"chat_id": address, **payload})

    def lookup(self, address: str, *, key: str) -> str | None:
        """Raise SystemDown: a bot cannot read what it sent."""
        raise SystemDown(NAME, "a bot cannot be told what it sent; look into the chat and settle it by hand")

    def seen(self, address: str, provider_id: str, *, typing: bool) -> None:
        """Show that an answer is being written. A bot has no other way to show that it read."""
        if typing:
            self._try("sendChatAction", {"chat_id": address, "action": "typing"})

    def react(self, address: str, provider_id: str, emoji: str) -> None:
        """Put a reaction on a message; Telegram has a list of those it takes, and refuses others."""
        reaction = [{"type": "emoji", "emoji": emoji}] if emoji else []
        wanted = {"chat_id": address, "message_id": _number(provider_id), "reaction": reaction}
        self._api.call("setMessageReaction", wanted, again=True)

    def fetch(self, ref: str, *, most: int) -> Fetched:
        """Return a file by its `file_id`; Telegram hands out none larger than 20 MB."""
        file = self._api.call("getFile", {"file_id": ref}, again=True)
        path, size = str(file.get("file_path", "")), file.get("file_size")
        if isinstance(size, int) and size > most:
            raise Undeliverable(NAME, "too_large", f"the file has {size} bytes; {most} are taken")
        content, mime = self._api.download(path, most=most)
        found = _magic.sniffed(content)
        stated = mime if mime not in ("", VAGUE) else mimetypes.guess_type(path)[0] or VAGUE
        if not _magic.agrees(stated, found):
            raise Undeliverable(NAME, "wrong_type", f"the file is {found or 'nothing known'} and not {stated}")
        return Fetched(content=content, mime=_magic.settled(stated, found))

    # --- the team ---

    def post(self, chat: str, card: Card, *, key: str) -> str:
        """Show a card and return its id."""
        return self._send({"chat_id": chat, **card_message(card)})

    def amend(self, chat: str, message: str, card: Card) -> None:
        """Show another card in the place of one; raise Undeliverable where that is gone or too old."""
        with _unless("message is not modified"):
            edit = {"chat_id": chat, "message_id": _number(message), **card_message(card)}
            self._api.call("editMessageText", edit, again=True)

    def say(self, chat: str, text: str, *, reply_to: str = "") -> str:
        """Say a line of plain words and return its id."""
        line = {"chat_id": chat, "text": cut(text, LONGEST), "link_preview_options": {"is_disabled": True}}
        return self._send({**line, "reply_parameters": _answering(reply_to)} if reply_to else line)

    def acknowledge(self, callback: str, text: str) -> None:
        """Answer a press. One that Telegram has given up on needs no answer any more."""
        with _unless("query is too old"):
            answer = {"callback_query_id": callback, "text": cut(text, ANSWER_LENGTH)}
            self._api.call("answerCallbackQuery", answer, again=True)

    # --- what comes in ---

    def greet(self, query: Mapping[str, str]) -> str:
        """Raise Refused: Telegram registers an address without asking for anything."""
        raise Refused("telegram: nothing is registered by a GET; set the address with setWebhook")

    def verify(self, headers: Mapping[str, str], body: bytes) -> None:
        """Return if the header has the secret that was given with the address."""
        if not self._secret:
            raise Refused("telegram: no webhook is expected; give CASEWARD_TELEGRAM_SECRET, or let the bot ask")
        said = headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(said.encode("utf-8", "replace"), self._secret.encode()):
            raise Refused(f"telegram: the header {SECRET_HEADER} is missing or wrong")

    def answer(self, body: bytes) -> Payload | None:
        """Return a call that Telegram makes on reading it: the button of a contact's choice stops waiting."""
        callback = updates.choice_pressed(updates.read(body))
        return {"method": "answerCallbackQuery", "callback_query_id": callback} if callback else None

    def parse(self, body: bytes) -> Sequence[Event]:
        """Return what one update says."""
        return updates.parse(body)

    def listen(self, hear: Callable[[bytes], None], over: Signal) -> None:
        """Ask for updates until it is over. An update counts as taken with the next question after it was heard."""
        offset = 0
        while not over.is_set():
            for update in self._updates(offset, over):
                hear(json.dumps(update).encode())
                offset = update["update_id"] + 1
                if callback := updates.choice_pressed(update):
                    self._try("answerCallbackQuery", {"callback_query_id": callback})

    def _updates(self, offset: int, over: Signal) -> Iterable[dict[str, Any]]:
        """Return the next updates, none when it is over; the question is then left to run out behind us."""
        asked = {"offset": offset, "timeout": POLL_SECONDS, "allowed_updates": updates.WANTED}
        answer: Future[Any] = Future()

        def ask() -> None:
            try:
                answer.set_result(self._api.call("getUpdates", asked, again=True, seconds=POLL_SECONDS))
            except Exception as error:  # it is raised where it is waited for
                answer.set_exception(error)

        Thread(target=ask, name="telegram-updates", daemon=True).start()
        while not over.is_set():
            with contextlib.suppress(TimeoutError):
                return [each for each in answer.result(timeout=0.2) if isinstance(each, dict) and "update_id" in each]
        return []

    # --- calls ---

    def _send(self, message: Mapping[str, Any]) -> str:
        """Send a message and return its id; the chat is the one it went to, which may have moved."""
        sent = self._api.call("sendMessage", message)
        return f"{sent['chat']['id']}:{sent['message_id']}"

    def _try(self, method: str, parameters: Mapping[str, Any]) -> None:
        """Call for courtesy: it matters to nobody whether it worked."""
        with contextlib.suppress(CasewardError):
            self._api.call(method, parameters, again=True)


def channel(settings: Settings) -> Telegram | None:
    """Return the bot, None where no token is given."""
    if settings.telegram_token is None:
        return None
    secret = settings.telegram_secret.get_secret_value() if settings.telegram_secret else ""
    return Telegram(settings.telegram_api_url, settings.telegram_token.get_secret_value(), secret)


def _data(choice: str) -> str:
    data = updates.CHOICE + choice
    if len(data.encode()) > DATA_BYTES:
        raise BadInput(f"the choice {choice!r} has an id of more than {DATA_BYTES - 2} bytes; give a shorter one")
    return data


def _answering(ref: str) -> dict[str, Any]:
    return {"message_id": _number(ref), "allow_sending_without_reply": True}


def _number(ref: str) -> int:
    """Return the number of a message within its chat, of an id such as `-100123:45`."""
    number = ref.rpartition(":")[2]
    return int(number) if number.isascii() and number.isdecimal() else 0


@contextlib.contextmanager
def _unless(words: str) -> Iterator[None]:
    """Pass over a refusal that says these words."""
    try:
        yield
    except Undeliverable as error:
        if words not in str(error):
            raise
