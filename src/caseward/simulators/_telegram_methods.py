"""Methods of the Bot API (https://core.telegram.org/bots/api#available-methods), with Telegram's own refusals."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from caseward.simulators import _telegram_html as markup
from caseward.simulators._telegram_inputs import (
    LONGEST_CAPTION,
    Parameters,
    Refusal,
    answered_by,
    chat_to_write,
    rows_of,
    text_of,
    whole,
)
from caseward.simulators._telegram_world import BOT_ID, Message, World

LONGEST_ANSWER = 200
LARGEST_FILE = 20_000_000
TYPING_SECONDS = 5.0
ACTIONS = frozenset({
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
    "choose_sticker", "find_location", "record_video_note", "upload_video_note",
})  # fmt: skip
REACTIONS = frozenset({
    "❤", "👍", "👎", "🔥", "🥰", "👏", "😁", "🤔", "🤯", "😱", "🤬", "😢", "🎉", "🤩", "🤮", "💩", "🙏", "👌", "🕊",
    "🤡", "🥱", "🥴", "😍", "🐳", "❤\u200d🔥", "🌚", "🌭", "💯", "🤣", "⚡", "🍌", "🏆", "💔", "🤨", "😐", "🍓", "🍾",
    "💋", "🖕", "😈", "😴", "😭", "🤓", "👻", "👨\u200d💻", "👀", "🎃", "🙈", "😇", "😨", "🤝", "✍", "🤗", "🫡", "🎅",
    "🎄", "☃", "💅", "🤪", "🗿", "🆒", "💘", "🙉", "🦄", "😘", "💊", "🙊", "😎", "👾", "🤷\u200d♂", "🤷",
    "🤷\u200d♀", "😡",
})  # fmt: skip
"""Emoji that a bot may react with."""


def get_me(world: World, given: Parameters) -> Any:
    """Say who the bot is."""
    reads_all = {"can_join_groups": True, "can_read_all_group_messages": not world.privacy}
    return world.account(BOT_ID) | reads_all | {"supports_inline_queries": False}


def set_webhook(world: World, given: Parameters) -> Any:
    """Note where updates are to be sent."""
    url, secret = str(given.get("url") or ""), str(given.get("secret_token") or "")
    if not url:
        return delete_webhook(world, given)
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("127.0.0.1", "localhost"):  # loopback is for us to try
        raise Refusal(400, "Bad Request: bad webhook: an HTTPS URL must be provided for webhook")
    if not re.fullmatch(r"[A-Za-z0-9_-]{0,256}", secret):
        raise Refusal(400, "Bad Request: secret token contains unallowed characters")
    most = given.get("max_connections") or 40
    world.webhook = {"url": url, "secret": secret, "max_connections": max(1, min(100, int(most)))}
    _allow(world, given)
    _drop_pending(world, given)
    world.poll += 1
    world.touch()
    return True


def delete_webhook(world: World, given: Parameters) -> Any:
    """Forget where updates are to be sent; they are kept for getUpdates."""
    world.webhook = {}
    _drop_pending(world, given)
    world.touch()
    return True


def get_webhook_info(world: World, given: Parameters) -> Any:
    """Say how the webhook fares."""
    shown = {"url": world.webhook.get("url", ""), "has_custom_certificate": False}
    shown["pending_update_count"] = len(world.updates)
    told = {name: world.webhook[name] for name in ("max_connections", "last_error_date", "last_error_message")
            if name in world.webhook}  # fmt: skip
    allowed = {"allowed_updates": sorted(world.allowed)} if world.allowed else {}
    return {**shown, **told, **allowed}


def get_updates(world: World, given: Parameters) -> Any:
    """Wait for updates, at most so many seconds; a later question ends an earlier one."""
    offset = int(given.get("offset") or 0)
    limit = max(1, min(100, int(given.get("limit") or 100)))
    until = time.monotonic() + max(0, min(50, int(given.get("timeout") or 0)))
    with world.changed:
        _refuse_webhook(world)
        _allow(world, given)
        if offset > 0:
            world.updates = [update for update in world.updates if update.id >= offset]
        elif offset < 0:
            world.updates = world.updates[offset:]
        world.poll += 1
        mine = world.poll
        while True:
            now = time.monotonic()
            ready = [update.body for update in world.updates if update.due <= now][:limit]
            if ready or now >= until or world.over:
                return ready
            waits = [update.due - now for update in world.updates]
            world.changed.wait(min([until - now, *waits]))
            _refuse_webhook(world)
            if world.poll != mine:
                raise Refusal(409, "Conflict: terminated by other getUpdates request; make sure that only one bot "
                                   "instance is running")  # fmt: skip


def send_message(world: World, given: Parameters) -> Any:
    """Write a message of words."""
    chat = chat_to_write(world, given)
    text, entities = text_of(given)
    message = world.keep(
        chat=chat.id,
        by=BOT_ID,
        text=text,
        entities=entities,
        rows=rows_of(given),
        reply_to=answered_by(world, chat, given),
    )
    chat.typing = 0.0
    return world.json(message)


def send_document(world: World, given: Parameters) -> Any:
    """Send a file, uploaded or by its id."""
    chat, document = chat_to_write(world, given), given.get("document")
    if isinstance(document, tuple):
        name, content = document
        file_id = keep_file(world, f"documents/{name}", content)
    elif isinstance(document, str) and document in world.files:
        file_id = document
        name = world.files[document][0].rpartition("/")[2]
    else:
        raise Refusal(400, "Bad Request: there is no document in the request")
    text, entities = text_of(given, name="caption", longest=LONGEST_CAPTION) if given.get("caption") else ("", [])
    carried = {"document": file_json(world, file_id) | {"file_name": name}}
    return world.json(world.keep(
        chat=chat.id, by=BOT_ID, text=text, entities=entities, rows=rows_of(given), content=carried,
        reply_to=answered_by(world, chat, given),
    ))  # fmt: skip


def edit_text(world: World, given: Parameters) -> Any:
    """Change the words and the buttons of the bot's own message."""
    message = _to_edit(world, given)
    text, entities = text_of(given)
    return _edit(world, message, text, entities, rows_of(given))


def edit_markup(world: World, given: Parameters) -> Any:
    """Change the buttons of the bot's own message."""
    message = _to_edit(world, given)
    return _edit(world, message, message.text, message.entities, rows_of(given))


def answer_callback(world: World, given: Parameters) -> Any:
    """Tell whoever pressed a button, once."""
    callback, text = world.callbacks.get(str(given.get("callback_query_id"))), str(given.get("text") or "")
    if callback is None or callback.answer is not None:
        raise Refusal(400, "Bad Request: query is too old and response timeout expired or query ID is invalid")
    if markup.units(text) > LONGEST_ANSWER:
        raise Refusal(400, "Bad Request: MESSAGE_TOO_LONG")
    callback.answer = text
    world.touch()
    return True


def send_action(world: World, given: Parameters) -> Any:
    """Show that the bot is writing."""
    chat = chat_to_write(world, given)
    if given.get("action") not in ACTIONS:
        raise Refusal(400, "Bad Request: wrong parameter action in request")
    chat.typing = time.monotonic() + TYPING_SECONDS
    world.touch()
    return True


def set_reaction(world: World, given: Parameters) -> Any:
    """Put a reaction of the bot on a message, or take it away."""
    chat = chat_to_write(world, given)
    message = world.messages.get((chat.id, whole(given.get("message_id"))))
    if message is None:
        raise Refusal(400, "Bad Request: message to react not found")
    wanted = given.get("reaction") or []
    emoji = [str(each.get("emoji")).replace("\ufe0f", "") for each in wanted if isinstance(each, dict)]
    if any(each not in REACTIONS for each in emoji):
        raise Refusal(400, "Bad Request: REACTION_INVALID")
    if len(emoji) > 1:
        raise Refusal(400, "Bad Request: REACTIONS_TOO_MANY")
    message.reactions.pop(BOT_ID, None)
    if emoji:
        message.reactions[BOT_ID] = emoji[0]
    world.touch()
    return True


def get_file(world: World, given: Parameters) -> Any:
    """Say where a file can be fetched."""
    file_id = str(given.get("file_id") or "")
    if file_id not in world.files:
        raise Refusal(400, "Bad Request: wrong file_id or the file is temporarily unavailable")
    if len(world.files[file_id][1]) > LARGEST_FILE:
        raise Refusal(400, "Bad Request: file is too big")
    return file_json(world, file_id) | {"file_path": world.files[file_id][0]}


def keep_file(world: World, path: str, content: bytes) -> str:
    """Store a file and return its id."""
    file_id = secrets.token_urlsafe(24)
    folder, _, name = path.rpartition("/")
    world.files[file_id] = (f"{folder}/{len(world.files)}_{name}", content)
    return file_id


def file_json(world: World, file_id: str) -> dict[str, Any]:
    """Return what a message says of a file."""
    return {"file_id": file_id, "file_unique_id": file_id[:12], "file_size": len(world.files[file_id][1])}


METHODS: Mapping[str, Callable[[World, Parameters], Any]] = {
    "getme": get_me,
    "setwebhook": set_webhook,
    "deletewebhook": delete_webhook,
    "getwebhookinfo": get_webhook_info,
    "getupdates": get_updates,
    "sendmessage": send_message,
    "senddocument": send_document,
    "editmessagetext": edit_text,
    "editmessagereplymarkup": edit_markup,
    "answercallbackquery": answer_callback,
    "sendchataction": send_action,
    "setmessagereaction": set_reaction,
    "getfile": get_file,
}
"""By the name in lower case: Telegram does not mind the case of a method."""
LIMITED = frozenset({"sendmessage", "senddocument"})
"""Methods that are counted against the limits."""


def _allow(world: World, given: Parameters) -> None:
    """Remember which updates are wanted, as long as nothing else is said."""
    kinds = given.get("allowed_updates")
    if isinstance(kinds, list):
        world.allowed = frozenset(str(kind) for kind in kinds)


def _drop_pending(world: World, given: Parameters) -> None:
    if given.get("drop_pending_updates") in (True, "true", "True", "1"):
        world.updates = []


def _refuse_webhook(world: World) -> None:
    if world.webhook:
        raise Refusal(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to "
                           "delete the webhook first")  # fmt: skip


def _to_edit(world: World, given: Parameters) -> Message:
    chat = chat_to_write(world, given)
    message = world.messages.get((chat.id, whole(given.get("message_id"))))
    if message is None:
        raise Refusal(400, "Bad Request: message to edit not found")
    if message.by != BOT_ID:
        raise Refusal(400, "Bad Request: message can't be edited")
    return message


def _edit(world: World, message: Message, text: str, entities: list[Any], rows: list[Any]) -> Any:
    if (message.text, message.entities, message.rows) == (text, entities, rows):
        raise Refusal(400, "Bad Request: message is not modified: specified new message content and reply markup are "
                           "exactly the same as a current content and reply markup of the message")  # fmt: skip
    message.text, message.entities, message.rows, message.edited = text, entities, rows, world.clock()
    world.touch()
    return world.json(message)
