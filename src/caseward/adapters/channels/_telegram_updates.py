"""Telegram's updates (https://core.telegram.org/bots/api#update): what each says has happened.

Ids: a message is known by `<chat>:<message>`, for Telegram counts messages within a chat. A press and a reaction have
none of their own and are known by their update.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeAlias

from caseward.adapters.channels._telegram_contents import Content, content_of, text_of
from caseward.core.errors import BadInput
from caseward.core.events import Edited, Event, Moved, Preference, Pressed, Trouble, Typed
from caseward.core.messages import Inbound, Sender
from caseward.core.text import clean

NAME = "telegram"
WANTED = (
    "message",
    "edited_message",
    "channel_post",
    "callback_query",
    "my_chat_member",
    "message_reaction",
)
"""Kinds of update that say something here; reactions come only when they are asked for."""
CHOICE = "c:"
"""What the data of a contact's button begins with; the id of the choice follows."""
LANE = "l:"
"""What the data of a lane's button begins with; its token follows."""
FORWARDED = "[forwarded]"
"""Stands before words that somebody else said: they are no verdict of who passed them on."""

Json: TypeAlias = Mapping[str, Any]


def parse(body: bytes) -> Sequence[Event]:
    """Return what one update says; raise BadInput for what is no update."""
    update = read(body)
    return tuple(_events(update))


def read(body: bytes) -> Json:
    """Return an update as JSON; raise BadInput for what is none."""
    try:
        update = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"telegram: the body is no JSON ({type(error).__name__}); send an update") from None
    if not isinstance(update, dict) or _number(update, "update_id") is None:
        raise BadInput("telegram: the body is no update; it needs a whole number as its update_id")
    return update


def choice_pressed(update: Json) -> str:
    """Return the id of the callback with which a contact picked a choice, or an empty text."""
    query = _part(update, "callback_query")
    private = _part(_part(query, "message"), "chat").get("type") == "private"
    return _text(query, "id") if private and not _text(query, "data").startswith(LANE) else ""


def _events(update: Json) -> Iterator[Event]:
    own = f"update:{update['update_id']}"
    for kind, content in update.items():
        if kind == "update_id" or not isinstance(content, dict):
            continue
        chat = _number(_part(content, "chat"), "id")
        match kind:
            case "message" | "channel_post" if chat is not None:
                yield from _message(content, chat)
            case "edited_message" if chat is not None:
                yield from _edited(content, chat)
            case "callback_query":
                yield from _pressed(content, own)
            case "my_chat_member" if chat is not None:
                yield from _member(content, chat)
            case "message_reaction" if chat is not None:
                yield from _reaction(content, chat, own)
            case _ if chat is not None and _is_new(kind, content):
                yield Inbound(
                    channel=NAME,
                    provider_id=own,
                    address=str(chat),
                    text=f"[{_named(kind)}]",
                    at=_at(content),
                    kind="unsupported",
                    sender=_sender(content),
                )


def _message(message: Json, chat: int) -> Iterator[Event]:
    if (new := _number(message, "migrate_to_chat_id")) is not None:
        why = "the group became a supergroup"
        yield Moved(channel=NAME, address=str(chat), now=str(new), why=why, at=_at(message))
        return
    number = _number(message, "message_id")
    if number is None:
        return
    content, forwarded = content_of(message), "forward_origin" in message or "forward_date" in message
    text = f"{FORWARDED} {content.text}".rstrip() if forwarded else content.text
    reply_to = "" if forwarded else _reply_to(message, chat)
    if _part(message, "chat").get("type") == "private":
        yield Inbound(
            channel=NAME,
            provider_id=f"{chat}:{number}",
            address=str(chat),
            text=text,
            at=_at(message),
            kind=content.kind,
            attachments=content.attachments,
            reply_to=reply_to,
            sender=_sender(message, content, forwarded=forwarded),
        )
    elif content.kind not in ("system", "unsupported") and text:
        yield Typed(
            channel=NAME,
            person=_person(message, chat),
            chat=str(chat),
            text=text,
            reply_to=reply_to,
            message=f"{chat}:{number}",
            at=_at(message),
        )


def _edited(message: Json, chat: int) -> Iterator[Event]:
    """An edit in a group is nothing: what was typed there is acted upon once, as it stood."""
    number = _number(message, "message_id")
    if number is None or _part(message, "chat").get("type") != "private":
        return
    content = content_of(message)
    yield Edited(
        channel=NAME,
        address=str(chat),
        provider_id=f"{chat}:{number}",
        text=content.text or f"[{content.name}]",  # never empty: Telegram tells a bot of no message taken back
        at=_at(message, "edit_date"),
    )


def _pressed(query: Json, own: str) -> Iterator[Event]:
    message, data = _part(query, "message"), _text(query, "data")
    chat, number = _number(_part(message, "chat"), "id"), _number(message, "message_id")
    if chat is None or number is None:
        return
    at = datetime.now(UTC)  # a press carries no time of its own
    if choice_pressed({"callback_query": query}):
        yield Inbound(
            channel=NAME,
            provider_id=own,
            address=str(chat),
            text=_label(message, data) or data.removeprefix(CHOICE),
            at=at,
            kind="choice",
            reply_to=f"{chat}:{number}",
            choice=data.removeprefix(CHOICE),
            sender=_sender(query),
        )
    else:
        yield Pressed(
            channel=NAME,
            person=_person(query, chat),
            token=data.removeprefix(LANE),
            message=f"{chat}:{number}",
            callback=_text(query, "id"),
            at=at,
        )


def _member(change: Json, chat: int) -> Iterator[Event]:
    status = _text(_part(change, "new_chat_member"), "status")
    if _part(change, "chat").get("type") == "private":
        if status in ("kicked", "member"):
            yield Preference(channel=NAME, address=str(chat), wanted=status == "member", at=_at(change))
    elif status in ("kicked", "left"):
        title = _text(_part(change, "chat"), "title")
        yield Trouble(channel=NAME, code=status, text=f"the bot is no longer in {title} ({chat})", at=_at(change))


def _reaction(change: Json, chat: int, own: str) -> Iterator[Event]:
    """A reaction in a group is nothing: consent is given by buttons and words."""
    number = _number(change, "message_id")
    if number is None or _part(change, "chat").get("type") != "private":
        return
    now = change.get("new_reaction")
    each = [_text(one, "emoji") for one in now if isinstance(one, dict)] if isinstance(now, list) else []
    yield Inbound(
        channel=NAME,
        provider_id=own,
        address=str(chat),
        text="".join(each),
        at=_at(change),
        kind="reaction",
        reply_to=f"{chat}:{number}",
        sender=Sender(name=_name(_part(change, "user"))),
    )


def _is_new(kind: str, content: Json) -> bool:
    """Whether an update of a kind that is not known carries a message of a contact to this bot."""
    private = _part(content, "chat").get("type") == "private"
    return kind not in WANTED and private and "message_id" in content and "business_connection_id" not in content


def _reply_to(message: Json, chat: int) -> str:
    answered = _part(message, "reply_to_message")
    number = _number(answered, "message_id")
    if number is None or "forum_topic_created" in answered:  # every message of a topic answers the topic's first
        return ""
    return f"{chat}:{number}"


def _person(content: Json, chat: int) -> str:
    """Return who did it. For one who speaks as a group or channel `from` is a stand-in of Telegram's, nobody's own."""
    speaker = _number(_part(content, "sender_chat"), "id")
    return str(speaker if speaker is not None else _number(_part(content, "from"), "id") or chat)


def _sender(content: Json, said: Content | None = None, *, forwarded: bool = False) -> Sender:
    person = _part(content, "from")
    own = said is not None and not forwarded and said.phone_of is not None and said.phone_of == person.get("id")
    return Sender(name=_name(person), phone=said.phone if own and said is not None else "")


def _name(person: Json) -> str:
    return " ".join(part for name in ("first_name", "last_name") if (part := _text(person, name)))


def _label(message: Json, data: str) -> str:
    rows = _part(message, "reply_markup").get("inline_keyboard")
    for row in rows if isinstance(rows, list) else ():
        for button in row if isinstance(row, list) else ():
            if isinstance(button, dict) and button.get("callback_data") == data:
                return _text(button, "text")
    return ""


def _at(content: Json, *names: str) -> datetime:
    for name in (*names, "date"):
        seconds = _number(content, name)
        if seconds is not None and 0 < seconds < 1 << 36:
            return datetime.fromtimestamp(seconds, UTC)
    return datetime.now(UTC)


def _named(kind: str) -> str:
    return clean(kind)[:40].replace("_", " ")


def _part(content: Json, name: str) -> Json:
    value = content.get(name)
    return value if isinstance(value, dict) else {}


def _number(content: Json, name: str) -> int | None:
    value = content.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _text(content: Json, name: str) -> str:
    return text_of(content.get(name))
