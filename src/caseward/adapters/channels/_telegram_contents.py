"""What a Telegram message (https://core.telegram.org/bots/api#message) carries.

Whatever is not known here, or comes in a shape of its own, is an `unsupported` message that names its kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from caseward.core.messages import Attachment
from caseward.core.text import clean

Json: TypeAlias = Mapping[str, Any]

SYSTEM = (
    "new_chat_members", "left_chat_member", "new_chat_title", "new_chat_photo", "delete_chat_photo",
    "group_chat_created", "supergroup_chat_created", "channel_chat_created", "message_auto_delete_timer_changed",
    "migrate_from_chat_id", "pinned_message", "users_shared", "chat_shared", "connected_website",
    "write_access_allowed", "passport_data", "proximity_alert_triggered", "boost_added", "chat_background_set",
    "forum_topic_created", "forum_topic_edited", "forum_topic_closed", "forum_topic_reopened",
    "general_forum_topic_hidden", "general_forum_topic_unhidden", "video_chat_scheduled", "video_chat_started",
    "video_chat_ended", "video_chat_participants_invited", "web_app_data",
)  # fmt: skip
"""Fields of messages that nobody wrote: something happened in the chat."""
_ABOUT = frozenset({
    "message_id", "message_thread_id", "direct_messages_topic", "from", "sender_chat", "sender_boost_count",
    "sender_business_bot", "sender_tag", "date", "business_connection_id", "chat", "forward_origin", "forward_from",
    "forward_from_chat", "forward_from_message_id", "forward_signature", "forward_sender_name", "forward_date",
    "is_topic_message", "is_automatic_forward", "reply_to_message", "reply_to_story", "reply_to_checklist_task_id",
    "reply_to_poll_option_id", "external_reply", "quote", "via_bot", "edit_date", "has_protected_content",
    "is_from_offline", "is_paid_post", "media_group_id", "author_signature", "paid_star_count", "entities",
    "link_preview_options", "suggested_post_info", "effect_id", "caption", "caption_entities",
    "show_caption_above_media", "has_media_spoiler", "reply_markup",
})  # fmt: skip
"""Fields that say something about a message and are not what it carries."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What one message carries."""

    name: str
    """Telegram's word for it."""
    kind: str
    """As Inbound has it."""
    text: str
    attachments: tuple[Attachment, ...] = ()
    phone: str = ""
    """E.164, of a contact that was shared."""
    phone_of: int | None = None
    """Whose number that is, by Telegram's own account."""


def content_of(message: Json) -> Content:
    """Return what a message carries; any JSON object will do."""
    for name, read in _READERS.items():
        if name in message and (content := read(name, message)) is not None:
            return content
    for name in SYSTEM:
        if name in message:
            return Content(name=name, kind="system", text=f"[{name.replace('_', ' ')}]")
    name = next((clean(name)[:40] for name in message if name not in _ABOUT), "message")
    return Content(name=name, kind="unsupported", text=_caption(message) or f"[{name.replace('_', ' ')}]")


def text_of(value: object) -> str:
    """Return a text as it may be stored, and an empty one for anything that is none."""
    return clean(value) if isinstance(value, str) else ""


def _written(name: str, message: Json) -> Content | None:
    text = text_of(message[name])
    kind = "system" if text == "/start" else "text"  # the button that opens a chat, nobody's words
    return Content(name=name, kind=kind, text=text) if text else None


def _file(kind: str, mime: str = "") -> Callable[[str, Json], Content | None]:
    def read(name: str, message: Json) -> Content | None:
        file = message[name]
        attachment = _attachment(file, kind, mime)
        if attachment is None:
            return None
        text = _caption(message) or (text_of(file.get("emoji")) if kind == "sticker" else "")
        return Content(name=name, kind="media", text=text, attachments=(attachment,))

    return read


def _photo(name: str, message: Json) -> Content | None:
    """The same picture comes in several sizes, of which the last is the largest."""
    sizes = message[name]
    attachment = _attachment(sizes[-1], "image", "image/jpeg") if isinstance(sizes, list) and sizes else None
    if attachment is None:
        return None
    return Content(name=name, kind="media", text=_caption(message), attachments=(attachment,))


def _sticker(name: str, message: Json) -> Content | None:
    sticker = message[name]
    mime = "image/webp"
    if isinstance(sticker, dict) and sticker.get("is_video") is True:
        mime = "video/webm"
    elif isinstance(sticker, dict) and sticker.get("is_animated") is True:
        mime = "application/x-tgsticker"
    return _file("sticker", mime)(name, message)


def _attachment(file: object, kind: str, mime: str) -> Attachment | None:
    if not isinstance(file, dict) or not (ref := text_of(file.get("file_id"))):
        return None
    size = file.get("file_size")
    return Attachment(
        ref=ref,
        kind=kind,
        mime=text_of(file.get("mime_type")) or mime,
        name=text_of(file.get("file_name")),
        size=size if isinstance(size, int) and not isinstance(size, bool) and size >= 0 else None,
    )


def _venue(name: str, message: Json) -> Content | None:
    venue = message[name]
    if not isinstance(venue, dict) or not (where := _coordinates(venue.get("location"))):
        return None
    parts = (text_of(venue.get("title")), text_of(venue.get("address")), where)
    return Content(name=name, kind="location", text=", ".join(filter(None, parts)), attachments=(_whole("location"),))


def _location(name: str, message: Json) -> Content | None:
    where = _coordinates(message[name])
    return Content(name=name, kind="location", text=where, attachments=(_whole("location"),)) if where else None


def _coordinates(location: object) -> str:
    if not isinstance(location, dict):
        return ""
    both = [location.get("latitude"), location.get("longitude")]
    if not all(isinstance(each, int | float) and abs(each) <= 180 for each in both):
        return ""
    return ", ".join(f"{each:.6f}".rstrip("0").rstrip(".") for each in both)


def _contact(name: str, message: Json) -> Content | None:
    contact = message[name]
    if not isinstance(contact, dict):
        return None
    person = " ".join(filter(None, (text_of(contact.get("first_name")), text_of(contact.get("last_name")))))
    digits = "".join(char for char in text_of(contact.get("phone_number")) if char in "0123456789")
    if not person and not digits:
        return None
    phone, whose = f"+{digits}" if digits else "", contact.get("user_id")
    return Content(
        name=name,
        kind="contact",
        text=" ".join(filter(None, (person, phone))),
        attachments=(_whole("contact", person),),
        phone=phone,
        phone_of=whose if isinstance(whose, int) and not isinstance(whose, bool) else None,
    )


def _poll(name: str, message: Json) -> Content | None:
    poll = message[name]
    question = text_of(poll.get("question")) if isinstance(poll, dict) else ""
    return Content(name=name, kind="unsupported", text=f"[poll] {question}") if question else None


def _dice(name: str, message: Json) -> Content | None:
    dice = message[name]
    emoji = text_of(dice.get("emoji")) if isinstance(dice, dict) else ""
    return Content(name=name, kind="unsupported", text=emoji) if emoji else None


def _whole(kind: str, name: str = "") -> Attachment:
    """Return what stands for something that is whole in its message."""
    return Attachment(ref="", kind=kind, name=name)


def _caption(message: Json) -> str:
    return text_of(message.get("caption"))


_READERS: Mapping[str, Callable[[str, Json], Content | None]] = {
    "text": _written,
    "photo": _photo,
    "voice": _file("voice", "audio/ogg"),
    "audio": _file("audio", "audio/mpeg"),
    "animation": _file("video", "video/mp4"),  # comes with a `document` of the same file
    "video": _file("video", "video/mp4"),
    "video_note": _file("video", "video/mp4"),
    "document": _file("document"),
    "sticker": _sticker,
    "venue": _venue,  # comes with a `location` of its own
    "location": _location,
    "contact": _contact,
    "poll": _poll,
    "dice": _dice,
}
"""What is read, the first that a message has."""
