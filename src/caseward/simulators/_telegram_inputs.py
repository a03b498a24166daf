"""What a method of the Bot API is asked with: chats, words, buttons and answers, read as Telegram reads them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from caseward.simulators import _telegram_html as markup
from caseward.simulators._telegram_world import Chat, World

LONGEST, LONGEST_CAPTION, DATA_BYTES = 4096, 1024, 64

Parameters = Mapping[str, Any]


class Refusal(Exception):
    """What Telegram answers with `ok: false`."""

    def __init__(self, code: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.code, self.description, self.parameters = code, description, parameters


def chat_of(world: World, given: Parameters) -> Chat:
    """Return the chat that is asked for; raise Refusal where there is none, or none any more."""
    asked = given.get("chat_id")
    if asked in (None, ""):
        raise Refusal(400, "Bad Request: chat_id is empty")
    chat = world.chats.get(whole(asked))
    if chat is None:
        raise Refusal(400, "Bad Request: chat not found")
    if chat.moved_to is not None:
        moved = "Bad Request: group chat was upgraded to a supergroup chat"
        raise Refusal(400, moved, migrate_to_chat_id=chat.moved_to)
    return chat


def chat_to_write(world: World, given: Parameters) -> Chat:
    """Return the chat that is asked for, if the bot may write there."""
    chat = chat_of(world, given)
    if chat.type == "private" and world.users[chat.id].deactivated:
        raise Refusal(403, "Forbidden: user is deactivated")
    if not chat.open:
        raise Refusal(403, f"Forbidden: {chat.closed}")
    return chat


def text_of(given: Parameters, *, name: str = "text", longest: int = LONGEST) -> tuple[str, list[dict[str, Any]]]:
    """Return the words that are to be said, and their entities."""
    source, mode = given.get(name), str(given.get("parse_mode") or "").lower()
    if not isinstance(source, str) or not source:
        raise Refusal(400, "Bad Request: message text is empty")
    if mode not in ("", "html"):
        raise Refusal(400, "Bad Request: unsupported parse_mode")
    try:
        text, entities = markup.read(source) if mode else (source, [])
    except ValueError as error:
        raise Refusal(400, f"Bad Request: can't parse entities: {error}") from None
    if not text.strip():
        raise Refusal(400, "Bad Request: text must be non-empty")
    if markup.units(text) > longest:
        raise Refusal(400, f"Bad Request: message {'caption ' * (name == 'caption')}is too long")
    return text.rstrip(), entities


def rows_of(given: Parameters) -> list[list[dict[str, str]]]:
    """Return the rows of buttons that are to stand under a message."""
    asked = given.get("reply_markup")
    if not asked:
        return []
    rows = asked.get("inline_keyboard") if isinstance(asked, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise Refusal(400, "Bad Request: object expected as reply markup")
    return [[_button(button) for button in row] for row in rows if row]


def _button(button: Any) -> dict[str, str]:
    if not isinstance(button, dict):
        raise Refusal(400, "Bad Request: can't parse inline keyboard button: InlineKeyboardButton must be an Object")
    text, data, url = (str(button.get(name) or "") for name in ("text", "callback_data", "url"))
    if not text.strip():
        raise Refusal(400, "Bad Request: can't parse inline keyboard button: Can't find field \"text\"")
    if url:
        if "." not in (urlsplit(url).hostname or "") or urlsplit(url).scheme not in ("http", "https"):
            raise Refusal(400, f"Bad Request: inline keyboard button URL '{url}' is invalid: Wrong HTTP URL")
        return {"text": text, "url": url}
    if not data:
        unallowed = "Text buttons are unallowed in the inline keyboard"
        raise Refusal(400, f"Bad Request: can't parse inline keyboard button: {unallowed}")
    if len(data.encode()) > DATA_BYTES:
        raise Refusal(400, "Bad Request: BUTTON_DATA_INVALID")
    return {"text": text, "callback_data": data}


def answered_by(world: World, chat: Chat, given: Parameters) -> int | None:
    """Return the number of the message that is to be answered, if it is there."""
    asked = given.get("reply_parameters")
    if not isinstance(asked, dict):
        return None
    number = whole(asked.get("message_id"))
    if (chat.id, number) in world.messages:
        return number
    if asked.get("allow_sending_without_reply") is True:
        return None
    raise Refusal(400, "Bad Request: message to be replied not found")


def whole(value: Any) -> int:
    """Return a whole number, given as one or as text, and 0 for anything else."""
    try:
        return int(str(value))
    except ValueError:
        return 0
