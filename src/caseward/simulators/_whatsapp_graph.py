"""What the Graph API refuses of a message that a business sends, and with which code.

Source: Meta's "WhatsApp Business Platform": reference of `/messages`, interactive messages, templates, error codes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Json = Mapping[str, Any]
KINDS = ("text", "interactive", "template", "reaction")
"""Kinds of message that are taken; the desk sends no other."""
KNOWN = frozenset(
    {"messaging_product", "recipient_type", "to", "recipient", "type", "context", "biz_opaque_callback_data", *KINDS}
)
ERRORS: Mapping[int, tuple[int, str]] = {
    1: (500, "An unknown error has occurred."),
    2: (503, "Service temporarily unavailable"),
    4: (400, "Application request limit reached"),
    33: (400, "Unsupported request: the object does not exist, or permissions are missing"),
    100: (400, "Invalid parameter"),
    190: (401, "Invalid OAuth access token"),
    80007: (400, "Rate limit issues"),
    130429: (400, "Rate limit hit"),
    131000: (500, "Something went wrong"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131016: (503, "Service unavailable"),
    131026: (400, "Message undeliverable"),
    131031: (403, "Account has been locked"),
    131047: (400, "Re-engagement message"),
    131048: (400, "Spam rate limit hit"),
    131049: (400, "This message was not delivered to maintain healthy ecosystem engagement."),
    131050: (400, "The user has stopped receipt of marketing messages"),
    131051: (501, "Unsupported message type"),
    131056: (400, "(Business Account, Consumer Account) pair rate limit hit"),
    132000: (400, "Number of parameters does not match the expected number of params"),
    132001: (404, "Template name does not exist in the translation"),
    132015: (400, "Template is paused"),
    133004: (503, "Server temporarily unavailable"),
}
"""Code → HTTP status and title."""
PLACE = re.compile(r"\{\{\s*(\w+)\s*\}\}")


class Refusal(Exception):
    """What the Graph API answers instead of taking a message."""

    def __init__(self, code: int, details: str = "", *, subcode: int | None = None) -> None:
        super().__init__(details)
        self.code, self.details, self.subcode = code, details, subcode
        self.status, self.title = ERRORS.get(code, (400, "An error occurred"))

    def body(self) -> dict[str, Any]:
        """Return the answer's body."""
        error: dict[str, Any] = {
            "message": f"(#{self.code}) {self.title}",
            "type": "OAuthException",
            "code": self.code,
            "error_data": {"messaging_product": "whatsapp", "details": self.details or self.title},
            "fbtrace_id": "AsimulatorTrace0000000000",
        }
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        return {"error": error}


def require_sound(message: Json) -> None:
    """Return if a message is of the documented form; raise Refusal naming what is not."""
    if message.get("messaging_product") != "whatsapp":
        raise Refusal(100, "The parameter messaging_product is required.")
    kind = message.get("type", "text")
    if kind not in KINDS:
        raise Refusal(131051, f"Message type {kind!r} is not supported by this simulator.")
    for name in message:
        if name not in KNOWN:
            raise Refusal(100, f'Unexpected key "{name}" on param "root".')
    if bool(_text(message, "to")) == bool(_text(message, "recipient")):
        raise Refusal(100, "One of the parameters to and recipient is required.")
    if len(str(message.get("biz_opaque_callback_data", ""))) > 512:
        raise Refusal(131009, "biz_opaque_callback_data is longer than 512 characters")
    if kind == "text":
        _require(_part(message, "text"), "body", 4096)
    elif kind == "interactive":
        _require_interactive(_part(message, "interactive"))
    elif kind == "template":
        template = _part(message, "template")
        _require(template, "name", 512)
        _require(_part(template, "language"), "code", 20)
    elif not _text(_part(message, "reaction"), "message_id"):
        raise Refusal(131008, "reaction.message_id is missing")


def require_values(template: Json, body: str) -> str:
    """Return a template's text with its values; raise Refusal when their number is another one (132000)."""
    components = template.get("components")
    values = [
        _value(parameter)
        for component in (components if isinstance(components, list) else [])
        if component.get("type") == "body"
        for parameter in component.get("parameters", [])
    ]
    places = list(dict.fromkeys(PLACE.findall(body)))
    if len(values) != len(places):
        raise Refusal(132000, f"body: number of localizable_params ({len(values)}) does not match the expected "
                              f"number of params ({len(places)})")  # fmt: skip
    filled = dict(zip(places, values, strict=True))
    return PLACE.sub(lambda place: filled[place[1]], body)


def choices(message: Json) -> list[dict[str, str]]:
    """Return what can be tapped under a message: id, title, description."""
    return [
        {"id": str(each["id"]), "title": str(each["title"]), "description": str(each.get("description", ""))}
        for each in _options(message.get("interactive") or {})
    ]


def words(message: Json) -> str:
    """Return the words of a message that is no template."""
    kind = message.get("type", "text")
    if kind == "interactive":
        return str(message["interactive"]["body"]["text"])
    return str(message["text"]["body"]) if kind == "text" else ""


def _value(parameter: Json) -> str:
    value = parameter.get("text")
    if parameter.get("type") != "text" or not isinstance(value, str) or not value:
        raise Refusal(131008, "Parameter of type text is missing text value")
    if re.search(r"[\n\t]| {5}", value):
        raise Refusal(132018, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces")
    return value


def _require_interactive(part: Json) -> None:
    _require(_part(part, "body"), "text", 1024)
    action, kind = _part(part, "action"), part.get("type")
    if kind == "button":
        options, most, longest = list(_options(part)), 3, 20
    elif kind == "list":
        _require(action, "button", 20)
        options, most, longest = list(_options(part)), 10, 24
    else:
        raise Refusal(131009, f"interactive.type {kind!r} is not supported by this simulator")
    if not 1 <= len(options) <= most:
        raise Refusal(131009, f"Invalid number of choices: {len(options)}, min 1 and max {most}")
    for option in options:
        _require(option, "id", 256 if kind == "button" else 200)
        _require(option, "title", longest)
        if len(str(option.get("description", ""))) > 72:
            raise Refusal(131009, "Row description is longer than 72 characters")
    for name in ("id", "title"):
        if len({option[name] for option in options}) < len(options):
            raise Refusal(131009, f"Duplicated {name} among the choices")


def _options(part: Json) -> Iterator[Json]:
    action = part.get("action") or {}
    yield from (button["reply"] for button in action.get("buttons", ()) if isinstance(button.get("reply"), dict))
    sections: Sequence[Json] = action.get("sections", ())
    yield from (row for section in sections for row in section.get("rows", ()))


def _part(message: Json, name: str) -> Json:
    part = message.get(name)
    if not isinstance(part, dict):
        raise Refusal(131008, f"The parameter {name} is required.")
    return part


def _text(message: Json, name: str) -> str:
    value = message.get(name)
    return value if isinstance(value, str) else ""


def _require(part: Json, name: str, most: int) -> None:
    value = _text(part, name)
    if not value:
        raise Refusal(131008, f"The parameter {name} is required.")
    if len(value) > most:
        raise Refusal(100, f"Param {name} must be at most {most} characters long.")
