"""What a WhatsApp message of any kind says, in words. Source: Meta's reference of the `messages` webhook, kind by kind.

What has no words of its own is named in brackets, such as `[image]`. The vendor's JSON is believed in nothing: a part
that is missing, or of another type than promised, is as if it were empty.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from caseward.core.messages import Attachment

MEDIA = ("image", "audio", "video", "document", "sticker")
CUT = "…"
"""Ends a row's title that did not hold the whole label; the description then does."""
Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """What a message says."""

    kind: str
    """As Inbound.kind."""
    text: str
    attachments: Sequence[Attachment] = ()
    choice: str = ""
    """Id of what was picked."""
    about: str = ""
    """Id of the message that it is about, where the kind itself says so."""


def read(message: Json) -> Content:
    """Return what a message says; one of a kind that this release does not know is `unsupported`."""
    kind = word(message.get("type"))
    if kind in MEDIA:
        return _media(kind, part(message.get(kind)))
    reader = _READERS.get(kind)
    return _unsupported(message) if reader is None else reader(message)


def part(value: object) -> Json:
    """Return a JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def parts(value: object) -> list[Json]:
    """Return the objects of a JSON array; none for anything else."""
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def word(value: object) -> str:
    """Return a string or a number as text that can be stored: no zero byte, no half of a surrogate pair."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    text = str(value)
    if "\0" in text:
        text = text.replace("\0", "")
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace").decode()
    return text


def error(said: Json) -> str:
    """Return the vendor's words of an error, the most telling ones."""
    return word(part(said.get("error_data")).get("details")) or word(said.get("message")) or word(said.get("title"))


def _text(message: Json) -> Content:
    return Content(kind="text", text=word(part(message.get("text")).get("body")))


def _media(kind: str, media: Json) -> Content:
    what = "voice" if media.get("voice") is True else kind
    name, size = word(media.get("filename")), media.get("file_size")
    file = Attachment(
        ref=word(media.get("id")),
        kind=what,
        mime=word(media.get("mime_type")).partition(";")[0].strip(),
        name=name,
        size=size if isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**63 else None,
    )
    named = f"[{what}] {name}" if name else f"[{what}]"
    return Content(kind="media", text=word(media.get("caption")) or named, attachments=(file,))


def _location(message: Json) -> Content:
    place = part(message.get("location"))
    spot = ", ".join(filter(None, (word(place.get("latitude")), word(place.get("longitude")))))
    named = ", ".join(filter(None, (word(place.get("name")), word(place.get("address")))))
    shown = f"{named} ({spot})" if named and spot else named or spot
    file = Attachment(ref="", kind="location", name=shown)
    return Content(kind="location", text=f"[location] {shown}".rstrip(), attachments=(file,))


def _contacts(message: Json) -> Content:
    cards = []
    for card in parts(message.get("contacts")):
        name = word(part(card.get("name")).get("formatted_name"))
        phones = [word(each.get("phone")) or word(each.get("wa_id")) for each in parts(card.get("phones"))]
        mails = [word(each.get("email")) for each in parts(card.get("emails"))]
        cards.append(" ".join(filter(None, (name, *phones, *mails))))
    files = tuple(Attachment(ref="", kind="contact", name=card) for card in cards)
    return Content(kind="contact", text=f"[contact] {'; '.join(cards)}".rstrip(), attachments=files)


def _interactive(message: Json) -> Content:
    said = part(message.get("interactive"))
    for name in ("button_reply", "list_reply"):
        if picked := part(said.get(name)):
            title, whole = word(picked.get("title")), word(picked.get("description"))
            text = whole if whole and title.endswith(CUT) else title
            return Content(kind="choice", text=text, choice=word(picked.get("id")))
    if form := part(said.get("nfm_reply")):
        return Content(kind="text", text=_form(form))
    if call := part(said.get("call_permission_reply")):
        return Content(kind="system", text=f"[calls: {word(call.get('response')) or 'no answer'}]")
    return Content(kind="unsupported", text=f"[{word(said.get('type')) or 'interactive'}]")


def _form(form: Json) -> str:
    """Return what was filled in, a line each; the token of the form is no answer."""
    try:
        given = part(json.loads(word(form.get("response_json")) or "{}"))
        answers = {key: word(value) or _short(value) for key, value in given.items() if key != "flow_token"}
    except (ValueError, RecursionError):
        answers = {}
    lines = [f"{word(key)}: {value}" for key, value in answers.items() if value]
    return "\n".join(("[form]", *lines)) if lines else word(form.get("body")) or "[form]"


def _short(value: object) -> str:
    return word(json.dumps(value, ensure_ascii=False)) if value not in (None, "", [], {}) else ""


def _button(message: Json) -> Content:
    button = part(message.get("button"))
    return Content(kind="choice", text=word(button.get("text")), choice=word(button.get("payload")))


def _order(message: Json) -> Content:
    order = part(message.get("order"))
    items = []
    for item in parts(order.get("product_items")):
        price = f" at {word(item.get('item_price'))} {word(item.get('currency'))}" if item.get("item_price") else ""
        items.append(f"{word(item.get('quantity')) or '1'} x {word(item.get('product_retailer_id')) or '?'}{price}")
    said = word(order.get("text"))
    return Content(kind="order", text=f"[order] {', '.join(items)}".rstrip() + (f": {said}" if said else ""))


def _reaction(message: Json) -> Content:
    reaction = part(message.get("reaction"))
    emoji = word(reaction.get("emoji")) or "[reaction taken back]"
    return Content(kind="reaction", text=emoji, about=word(reaction.get("message_id")))


def _welcome(message: Json) -> Content:
    return Content(kind="system", text="[conversation opened]")


def _system(message: Json) -> Content:
    said = part(message.get("system"))
    return Content(kind="system", text=word(said.get("body")) or f"[{word(said.get('type')) or 'system'}]")


def _unsupported(message: Json) -> Content:
    kind = word(part(message.get("unsupported")).get("type")) or word(message.get("type")) or "unknown"
    why = "; ".join(filter(None, (error(each) for each in parts(message.get("errors")))))
    return Content(kind="unsupported", text=f"[{kind}] {why}".rstrip())


_READERS: Mapping[str, Callable[[Json], Content]] = {
    "text": _text,
    "location": _location,
    "contacts": _contacts,
    "interactive": _interactive,
    "button": _button,
    "order": _order,
    "reaction": _reaction,
    "request_welcome": _welcome,
    "system": _system,
}
