"""Telegram's HTML (https://core.telegram.org/bots/api#html-style): what it takes, and in which words it refuses."""

from __future__ import annotations

import re
from html import unescape
from typing import Any

TAGS = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline",
    "s": "strikethrough", "strike": "strikethrough", "del": "strikethrough", "span": "spoiler",
    "tg-spoiler": "spoiler", "a": "text_link", "code": "code", "pre": "pre", "blockquote": "blockquote",
    "tg-emoji": "custom_emoji", "tg-time": "date_time",
}  # fmt: skip
"""Tag → type of the entity; any other tag is refused."""
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_TOKEN = re.compile(r"&(?:#x[0-9a-fA-F]+|#[0-9]+|lt|gt|amp|quot)(?![A-Za-z0-9]);?|<(/?)([^\s>]*)([^>]*)(>?)")
"""A character written as an entity, or a tag. Every other `&` is a plain one."""
_HREF = re.compile(r"""\bhref\s*=\s*(?:"([^"]*)"|'([^']*)'|([\w.-]+))""")


def units(text: str) -> int:
    """Return the length in UTF-16, in which Telegram counts."""
    return len(text.encode("utf-16-le")) // 2


def read(source: str) -> tuple[str, list[dict[str, Any]]]:
    """Return the words and their entities; raise ValueError with Telegram's words for what it does not take."""
    text, last = "", 0
    opened: list[tuple[str, str, int]] = []
    entities: list[dict[str, Any]] = []
    for found in _TOKEN.finditer(source):
        text += source[last : found.start()]
        last = found.end()
        if found[0].startswith("&"):
            text += _decoded(found[0])
            continue
        closing, name, rest, end = found[1], found[2].lower(), found[3], found[4]
        where = f"at byte offset {len(source[: found.start()].encode())}"
        if not end:
            raise ValueError(f"Unclosed {'end' if closing else 'start'} tag {where}")
        if not closing:
            if name not in TAGS:
                raise ValueError(f'Unsupported start tag "{name}" {where}')
            if name == "span" and "tg-spoiler" not in rest:
                raise ValueError(f'Tag "span" must have class "tg-spoiler" {where}')
            opened.append((name, rest, units(text)))
            continue
        if not opened:
            raise ValueError(f"Unexpected end tag {where}")
        expected, attributes, begin = opened.pop()
        if name and name != expected:
            raise ValueError(f'Unmatched end tag {where}, expected "</{expected}>", found "</{name}>"')
        if length := units(text) - begin:
            entities.append(_entity(expected, attributes, begin, length))
    if opened:
        raise ValueError(f'Can\'t find end tag corresponding to start tag "{opened[-1][0]}"')
    return text + source[last:], sorted(entities, key=lambda each: (each["offset"], -each["length"]))


def _decoded(written: str) -> str:
    """Return the character that an entity stands for; one that is none stays as it is written."""
    name = written.strip("&;")
    if not name.startswith("#"):
        return NAMED[name]
    code = int(name[2:], 16) if name[1:2] == "x" else int(name[1:])
    if code == 0 or code >= 0x10FFFF or len(name) >= 9:
        return written
    if 0xD800 <= code <= 0xDFFF:
        raise ValueError(
            "Text contains invalid Unicode characters after decoding HTML entities, check for unmatched surrogate code "
            "units"
        )
    return chr(code)


def _entity(name: str, attributes: str, offset: int, length: int) -> dict[str, Any]:
    entity: dict[str, Any] = {"type": TAGS[name], "offset": offset, "length": length}
    if name == "blockquote" and "expandable" in attributes:
        entity["type"] = "expandable_blockquote"
    if name == "a" and (href := _HREF.search(attributes)):
        entity["url"] = unescape(href[1] or href[2] or href[3] or "")
    return entity
