"""What a reader who may not see personal data sees instead."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any, TypeVar

from caseward.core.entities import shapes
from caseward.core.pack import Pack
from caseward.web import words

EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
WRITTEN = frozenset({"conditions", "detail", "quote", "reason", "reply", "text", "title", "value"})
"""Names of the parts of a page that hold words, not addresses or codes."""
T = TypeVar("T")
NUMBER = re.compile(r"\+?\d(?:[ .-]?\d){6,}")


def masker(name: str, pack: Pack) -> Callable[[str], str]:
    """Return what masks the contact's name, what the pack takes for a proof of identity, e-mail addresses and long
    numbers in a text."""
    proofs = [shape.pattern for shape in shapes(pack.entities) if shape.name in pack.profile.identity.fields]
    known = [part for part in name.split() if len(part) > 2]
    names = re.compile("|".join(rf"\b{re.escape(part)}\b" for part in known), re.IGNORECASE) if known else None

    def mask(text: str) -> str:
        for proof in proofs:
            text = proof.sub(lambda found: words.masked_number(found[0]), text)
        text = EMAIL.sub(lambda found: words.masked_email(found[0]), text)
        text = NUMBER.sub(lambda found: words.masked_number(found[0]), text)
        return names.sub(lambda found: words.masked_name(found[0]), text) if names else text

    return mask


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
