"""Picking things out of JSON that anybody may have written: what is missing or of another kind reads as empty."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from caseward.core.errors import BadInput
from caseward.core.text import clean

LONGEST_ID = 200


def load(body: bytes, *, who: str) -> dict[str, Any]:
    """Return the JSON object of a body; raise BadInput for anything else."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise BadInput(f"{who}: the body is not JSON") from None
    if not isinstance(data, dict):
        raise BadInput(f"{who}: the body is JSON, and no object")
    return data


def part(data: object, *path: str) -> Any:
    """Return what stands at the end of a path of keys, or None."""
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data


def rows(data: object, *path: str) -> list[dict[str, Any]]:
    """Return the objects of the list at the end of a path."""
    found = part(data, *path)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def word(data: object, *path: str) -> str:
    """Return an id or a name: short, printable text; anything else is empty."""
    found = part(data, *path)
    return found if isinstance(found, str) and len(found) <= LONGEST_ID and found.isprintable() else ""


def prose(data: object, *path: str) -> str:
    """Return text that somebody wrote, as it may be stored."""
    found = part(data, *path)
    return clean(found) if isinstance(found, str) else ""


def instant(value: object, *, otherwise: datetime) -> datetime:
    """Return Unix seconds, as a number or as text, as an instant."""
    try:
        return datetime.fromtimestamp(float(str(value)), UTC)
    except (ValueError, OverflowError, OSError):
        return otherwise
