"""Block Kit as the simulated Slack takes it: what it would refuse, and what people see of the rest."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

MOST_BLOCKS, MOST_HEADER, MOST_LABEL, MOST_VALUE, MOST_BUTTONS = 50, 150, 75, 2000, 25
Blocks = Sequence[Mapping[str, Any]]


class Refusal(Exception):
    """What Slack answers with `ok: false`; its text is the code."""


def require(blocks: Blocks) -> None:
    """Raise Refusal where Block Kit would not show these."""
    if len(blocks) > MOST_BLOCKS:
        raise Refusal("invalid_blocks")
    for block in blocks:
        match block.get("type"):
            case "header":
                fits = 0 < len(block["text"]["text"]) <= MOST_HEADER and block["text"]["type"] == "plain_text"
            case "actions":
                row = block["elements"]
                named = len({each["action_id"] for each in row}) == len(row)
                fits = named and 0 < len(row) <= MOST_BUTTONS and all(map(_is_button, row))
            case "rich_text":
                fits = all(text.get("text") for each in block["elements"] for text in each["elements"])
            case _:
                fits = False
        if not fits:
            raise Refusal("invalid_blocks")


def _is_button(button: Mapping[str, Any]) -> bool:
    label = button["text"]
    fits = 0 < len(label["text"]) <= MOST_LABEL and label["type"] == "plain_text"
    return fits and len(button.get("value", "")) <= MOST_VALUE


def buttons(blocks: Blocks) -> list[Mapping[str, Any]]:
    """Return every button, in its order."""
    return [each for block in blocks if block["type"] == "actions" for each in block["elements"]]


def words(blocks: Blocks) -> list[str]:
    """Return what people read, a text each."""
    said = []
    for block in blocks:
        if block["type"] == "header":
            said.append(block["text"]["text"])
        elif block["type"] == "rich_text":
            said += ["".join(text["text"] for text in each["elements"]) for each in block["elements"]]
    return said
