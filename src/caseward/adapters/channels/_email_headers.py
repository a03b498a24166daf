"""Reading the headers of a mail that may be broken, lying or hostile: nothing here raises, and all of it is quick.

The standard library's address and header objects refuse some of what arrives, and reading them takes longer than all
the rest; so the headers are taken raw.
"""

from __future__ import annotations

import binascii
import quopri
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from email.utils import parsedate_to_datetime

from caseward.adapters.channels import _email_ids as mail_ids
from caseward.core.text import clean

LONGEST = 20_000
"""Characters of one header that are looked at."""

NAME_LENGTH = 2_000

_FOLD = re.compile(r"[\r\n]+[ \t]*")
_WORD = re.compile(r"=\?([\w.:-]{1,40})(?:\*[\w-]*)?\?([bBqQ])\?([^?\s]*)\?=")
_BETWEEN = re.compile(r"(\?=)\s+(?==\?)")
_PHRASE = re.compile(
    r'\s*(?:"(?P<quoted>(?:[^"\\]|\\.)*)"|(?P<plain>[^"<>@,;:()\\]*?))\s*<(?P<address>[^<>\s,;:()"]+)>\s*'
)
_BARE = re.compile(r"\s*(?P<address>[^<>\s,;:()\"]+)\s*(?:\((?P<name>[^()]*)\)\s*)?")
_MARKED = re.compile(r"<([^\s<>]+@[^\s<>]+)>")
_LOOSE = re.compile(r"[^\s<>,;:()\"]+@[^\s<>,;:()\"]+")
_REFUSED = frozenset({"utf7", "unicode11utf7", "unicodeescape", "rawunicodeescape", "idna", "punycode", "undefined"})
"""Codecs that no mail program writes; some would hide words from those who look for them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Author:
    """Who a mail says that it is from."""

    address: str
    name: str
    sole: bool
    """Whether there is exactly one, plainly written: any other form is read differently by different programs."""


def raw(mail: Message, name: str) -> list[str]:
    """Return every value of a header, the topmost first, unfolded; bytes above 127 stand as surrogates."""
    wanted = name.lower()
    values = [str(value) for field, value in mail.raw_items() if field.lower() == wanted]
    return [(_FOLD.sub(" ", value) if "\n" in value or "\r" in value else value)[:LONGEST].strip() for value in values]


def first(mail: Message, name: str) -> str:
    """Return the topmost value of a header, empty for none."""
    values = raw(mail, name)
    return values[0] if values else ""


def text(mail: Message, name: str) -> str:
    """Return a header as people read it, on one line."""
    return " ".join(clean(words(first(mail, name))).split())


def words(value: str) -> str:
    """Return a raw value with its encoded words read (RFC 2047) and its stray bytes guessed."""
    if value.isascii() and "=?" not in value:
        return value
    parts: list[tuple[str, bytes]] = []
    end = 0
    joined = _BETWEEN.sub(r"\1", value)
    for found in _WORD.finditer(joined):
        parts.append(("", joined[end : found.start()].encode("utf-8", "surrogateescape")))
        charset, content = found[1], _encoded(found[2].lower(), found[3])
        if parts[-1] == ("", b"") and len(parts) > 1 and parts[-2][0] == charset:
            parts[-2:] = [(charset, parts[-2][1] + content)]  # a letter may be cut between two words
        else:
            parts.append((charset, content))
        end = found.end()
    parts.append(("", joined[end:].encode("utf-8", "surrogateescape")))
    return "".join(decode(content, charset) for charset, content in parts)


def decode(content: bytes, charset: str) -> str:
    """Return bytes as text, whatever they claim to be: bytes above 127 that are UTF-8 are UTF-8, whoever says else."""
    known = "" if re.sub(r"[\W_]", "", charset.lower()) in _REFUSED else charset
    for each in (known, "cp1252") if content.isascii() else ("utf-8", known, "cp1252"):
        try:
            return content.decode(each)
        except (LookupError, ValueError):
            continue
    return content.decode("latin-1")


def author(mail: Message) -> Author | None:
    """Return who wrote it, None where no address can be made out."""
    values = raw(mail, "from")
    if not values:
        return None
    value = " ".join(values[0].split())[:NAME_LENGTH]
    found = _PHRASE.fullmatch(value) or _BARE.fullmatch(value)
    if found and (plain := mail_ids.address(words(found["address"]))):
        groups = found.groupdict()
        name = groups.get("quoted") or groups.get("plain") or groups.get("name") or ""
        return Author(address=plain, name=_name(re.sub(r"\\(.)", r"\1", name)), sole=len(values) == 1)
    named = [plain for each in _LOOSE.findall(value) if (plain := mail_ids.address(words(each)))]
    marked = [plain for each in _MARKED.findall(value) if (plain := mail_ids.address(words(each)))]
    if not named:
        return None
    return Author(address=(marked or named)[0], name="", sole=len(set(named)) == len(values) == 1)


def moment(mail: Message, now: datetime) -> datetime:
    """Return when our own server took it, else when it says that it was written; never later than now."""
    stamps = [value.rpartition(";")[2] for value in raw(mail, "received")[:1]] + raw(mail, "date")[:1]
    for stamp in stamps:
        try:
            found = parsedate_to_datetime(stamp.strip())
            at = found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
        except (ValueError, TypeError, IndexError, OverflowError, AttributeError):
            continue
        if at.year >= 1990:
            return min(at, now)
    return now


def _name(value: str) -> str:
    return " ".join(clean(words(value)).split())[:200]


def _encoded(kind: str, content: str) -> bytes:
    octets = content.encode("ascii", "ignore")
    if kind == "q":
        return quopri.decodestring(octets, header=True)
    try:
        return binascii.a2b_base64(octets + b"=" * (-len(octets) % 4))
    except (binascii.Error, ValueError):
        return octets
