"""A card in Slack's Block Kit. Limits: https://docs.slack.dev/reference/block-kit/blocks (50 blocks a message, 150
characters of a header, 75 of a button, 25 buttons of a row).

Words stand in rich text, which Slack shows as they are: nothing in them is taken for a mention, a link or an emphasis.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from caseward.core.ports import Button, Card

BLOCKS = 50
TITLE = 150
LABEL = 75
ROW = 25
PIECE = 3000
"""Characters of one piece of text."""
FALLBACK = 3000
"""Characters of the plain text that a notification shows."""

Block = dict[str, Any]


def blocks(card: Card) -> list[Block]:
    """Return a card as blocks; where it would be more than a message holds, lines give way and buttons stay."""
    body = [*_texts("\n".join(card.lines), "rich_text_section"), *_texts(card.quote, "rich_text_quote")]
    rows = [_row(n, buttons) for n, buttons in enumerate(card.buttons) if buttons]
    room = BLOCKS - 1 - len(rows)
    if len(body) > room:
        body = [*body[: room - 1], *_texts("…", "rich_text_section")]
    title = {"type": "header", "text": {"type": "plain_text", "text": cut(card.title, TITLE) or "–", "emoji": False}}
    return [title, *body, *rows]


def plain(card: Card) -> str:
    """Return what a notification says of a card."""
    return escape(cut("\n".join((card.title, *card.lines)), FALLBACK))


def escape(text: str) -> str:
    """Return text in which Slack finds nothing to interpret as a mention or a link."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(text: str, longest: int) -> str:
    """Return text of at most so many characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def _texts(text: str, kind: str) -> Iterator[Block]:
    for start in range(0, len(text), PIECE):
        element = {"type": kind, "elements": [{"type": "text", "text": text[start : start + PIECE]}]}
        yield {"type": "rich_text", "elements": [element]}


def _row(n: int, buttons: Sequence[Button]) -> Block:
    return {"type": "actions", "block_id": f"row{n}", "elements": [_button(i, b) for i, b in enumerate(buttons[:ROW])]}


def _button(n: int, button: Button) -> Block:
    shown = {"type": "plain_text", "text": cut(button.label, LABEL), "emoji": True}
    made = {"type": "button", "action_id": f"press{n}", "text": shown}
    return {**made, "url": button.url} if button.url else {**made, "value": button.token}
