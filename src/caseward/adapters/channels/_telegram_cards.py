"""Cards of the team as Telegram shows them, in its HTML (https://core.telegram.org/bots/api#html-style)."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any
from urllib.parse import urlsplit

from caseward.adapters.channels._telegram_updates import LANE
from caseward.core.ports import Button, Card

LONGEST = 4096
"""Characters of a message, once its tags and entities are read."""
_LABEL = 64
_LEAST_QUOTED = 200
"""Characters that are kept for the quote, however much stands above it."""


def card_message(card: Card) -> dict[str, Any]:
    """Return the text and the buttons of a card; everything in it is words, nothing is markup."""
    shown = [[button for button in row if _pressable(button)] for row in card.buttons]
    links = [f"{button.label}: {button.url}" for row in card.buttons for button in row if not _pressable(button)]
    return {
        "text": _text(card.title, [*card.lines, *links], card.quote),
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
        "reply_markup": {"inline_keyboard": [[_button(button) for button in row] for row in shown if row]},
    }


def units(text: str) -> int:
    """Return the length as Telegram counts it: in UTF-16, where most emoji are two."""
    return len(text) + sum(char > "\uffff" for char in text)


def cut(text: str, most: int) -> str:
    """Return the text, ending in an ellipsis where it is longer than `most`."""
    if units(text) <= most:
        return text
    kept = text[: most - 1]
    while units(kept) > most - 1:
        kept = kept[:-1]
    return kept.rstrip() + "…"


def _text(title: str, lines: Sequence[str], quote: str) -> str:
    title = cut(title, 256)
    room = LONGEST - units(title) - 2
    body = cut("\n".join(lines), room - min(_LEAST_QUOTED, units(quote) + 2))
    parts = [f"<b>{escape(title)}</b>", escape(body)]
    if quote:
        room -= units(body) + 2
        parts.append(f"<blockquote>{escape(_quoted(quote, room))}</blockquote>")
    return "\n\n".join(filter(None, parts))


def _quoted(quote: str, most: int) -> str:
    if units(quote) <= most:
        return quote
    note = f"\n[cut: {len(quote)} characters in all, the whole is in the console]"
    return cut(quote, most - units(note)) + note


def _pressable(button: Button) -> bool:
    """Whether it can be a button: Telegram refuses a message for one that opens a host without a dot, as localhost."""
    return not button.url or "." in (urlsplit(button.url).hostname or "")


def _button(button: Button) -> dict[str, str]:
    label = cut(button.label, _LABEL)
    return {"text": label, "url": button.url} if button.url else {"text": label, "callback_data": LANE + button.token}
