"""What somebody who may not see personal data sees instead: numbers, addresses and names, as far as they tell apart."""

from __future__ import annotations

import re
from collections.abc import Callable

from caseward.core.entities import NUMERIC_DATE, shapes
from caseward.core.pack import Pack

EMAIL = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+")
NUMBER = re.compile(r"\+?\d(?:[ .-]?\d){6,}")
INSTANT = r"(?<!\d)\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?(?!\d)"
DIGEST = r"\b[0-9a-f]{64}\b"
TOLD = re.compile(
    rf"(?P<told>(?:\b(?:rp|idr|eur|usd|gbp)\.?\s?|[$€£]\s?)\d[\d.,]*|{INSTANT}|{NUMERIC_DATE.pattern}|{DIGEST})"
    rf"|{NUMBER.pattern}",
    re.I,
)
"""Amounts with their currency, dates, instants and digests, which tell nobody apart, and other long numbers."""


def masker(name: str, pack: Pack, *, amounts: bool = False) -> Callable[[str], str]:
    """Return what masks the contact's name, what the pack takes for a proof of identity, e-mail addresses and long
    numbers in a text; `amounts` of money, dates and digests stay, for who must judge the words."""
    proofs = [shape.pattern for shape in shapes(pack.entities) if shape.name in pack.profile.identity.fields]
    known = [part for part in name.split() if len(part) > 2]
    names = re.compile("|".join(rf"\b{re.escape(part)}\b" for part in known), re.IGNORECASE) if known else None

    def mask(text: str) -> str:
        for proof in proofs:
            text = proof.sub(lambda found: masked_number(found[0]), text)
        text = EMAIL.sub(lambda found: masked_email(found[0]), text)
        if amounts:
            text = TOLD.sub(lambda found: found[0] if found["told"] else masked_number(found[0]), text)
        else:
            text = NUMBER.sub(lambda found: masked_number(found[0]), text)
        return names.sub(lambda found: masked_name(found[0]), text) if names else text

    return mask


def masked_number(number: str) -> str:
    """Return a number with only its country code and last four digits: `+62 ••• •••• 0147`."""
    digits = "".join(char for char in number if char.isdigit())
    if len(digits) < 7:
        return "•••" if number else ""
    code = f"+{digits[:2]} " if number.strip().startswith("+") else ""
    return f"{code}••• •••• {digits[-4:]}"


def masked_email(address: str) -> str:
    """Return an e-mail address with only its first letter and its domain."""
    name, _at, domain = address.partition("@")
    return f"{name[:1]}•••@{domain}" if domain else ""


def masked_address(address: str) -> str:
    """Return where somebody is reached on a channel, as far as it tells addresses apart."""
    return masked_email(address) if "@" in address else masked_number(address)


def masked_name(name: str) -> str:
    """Return a name as initials."""
    return " ".join(f"{part[0]}•••" for part in name.split()) or ""
