"""What a reader who may not see personal data sees instead."""

from __future__ import annotations

import dataclasses
from typing import Any, TypeVar

from caseward.core.masking import masker as masker
from caseward.core.pack import Pack

WRITTEN = frozenset({"conditions", "detail", "quote", "reason", "reply", "text", "title", "value"})
"""Names of the parts of a page that hold words, not addresses or codes."""
T = TypeVar("T")


def masked(value: T, name: str, pack: Pack) -> T:
    """Return a copy of what a page prints about the contact `name`, with everything that somebody wrote masked."""
    mask = masker(name, pack)

    def copy(each: Any) -> Any:
        if dataclasses.is_dataclass(each) and not isinstance(each, type):
            seen = {field.name: getattr(each, field.name) for field in dataclasses.fields(each) if field.init}
            fresh = {
                name: mask(part) if isinstance(part, str) and name in WRITTEN else copy(part)
                for name, part in seen.items()
            }
            return dataclasses.replace(each, **fresh)
        if isinstance(each, list | tuple):
            return type(each)(copy(part) for part in each)
        return each

    done: T = copy(value)
    return done


def unmasked(text: str) -> str:
    """Return the text as it is."""
    return text
