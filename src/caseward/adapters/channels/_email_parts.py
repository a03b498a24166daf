"""What a mail consists of: its words, the mails it passes on, and its files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import Message

from caseward.adapters.channels import _email_headers as headers
from caseward.adapters.channels import _email_html
from caseward.core.text import clean

DEEPEST = 30
"""Parts inside each other that are looked into; nobody writes such a mail but to break something."""
MOST_PARTS = 300
NAME_LENGTH = 120

_OF_THE_MAIL = frozenset({"application/pgp-signature", "application/pkcs7-signature", "application/x-pkcs7-signature"})
"""Seals of the mail itself: nothing that a reader would call a file."""
_EXTENSIONS = {"text/calendar": ".ics", "application/ms-tnef": ".dat", "application/pdf": ".pdf", "image/jpeg": ".jpg",
               "image/png": ".png", "image/gif": ".gif", "text/plain": ".txt", "text/html": ".html"}  # fmt: skip
_SHOWN = ("From", "Date", "To", "Subject")


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """One file of a mail."""

    name: str
    mime: str
    content: bytes

    @property
    def kind(self) -> str:
        """What the desk calls it: `image`, `audio`, `video` or `document`."""
        main = self.mime.partition("/")[0]
        return main if main in ("image", "audio", "video") else "document"

    @property
    def digest(self) -> str:
        """Return a short digest of the content."""
        return hashlib.sha256(self.content).hexdigest()[:16]


@dataclass(slots=True)
class Parts:
    """A mail taken apart."""

    words: list[str] = field(default_factory=list)
    passed_on: list[str] = field(default_factory=list)
    """Mails inside the mail, as text, with who wrote them."""
    files: list[File] = field(default_factory=list)
    seen: int = 0


def take_apart(mail: Message) -> Parts:
    """Return the words and files of a mail, in their order; a part of a form that cannot be read is a file."""
    parts = Parts()
    _read(mail, parts, 0)
    return parts


def _read(part: Message, parts: Parts, depth: int) -> None:
    parts.seen += 1
    if depth > DEEPEST or parts.seen > MOST_PARTS:
        return
    _mend(part)
    kind = part.get_content_type()
    if kind == "message/rfc822" and _children(part):
        _pass_on(_children(part)[0], parts, depth)
    elif kind == "multipart/alternative" and _children(part):
        _choose(_children(part), parts, depth)
    elif part.is_multipart():
        for child in _children(part):
            _read(child, parts, depth + 1)
    elif kind in ("text/plain", "text/html") and not _name(part) and _disposition(part) != "attachment":
        if words := text_of(part).strip():
            parts.words.append(words)
    elif kind not in _OF_THE_MAIL:
        parts.files.append(_file(part, kind, len(parts.files) + 1))


def _choose(children: Sequence[Message], parts: Parts, depth: int) -> None:
    """Read the plain words of several forms of the same, the richest where there are none; keep what else comes."""
    found: list[Parts] = []
    for child in children:
        apart = Parts(seen=parts.seen)
        _read(child, apart, depth + 1)
        parts.seen = apart.seen
        parts.files.extend(apart.files)
        parts.passed_on.extend(apart.passed_on)
        found.append(apart)
    best = next((each.words for each in found if each.words), [])
    parts.words.extend(best)


def _pass_on(mail: Message, parts: Parts, depth: int) -> None:
    """Keep a mail inside the mail as words, with its headers above it, and its files among the others."""
    inner = Parts(seen=parts.seen)
    _read(mail, inner, depth + 1)
    parts.seen = inner.seen
    lines = [f"{name}: {value}" for name in _SHOWN if (value := headers.text(mail, name))]
    parts.passed_on.append("\n".join(["-" * 10, *lines, "", *inner.words]).strip())
    parts.passed_on.extend(inner.passed_on)
    parts.files.extend(inner.files)


def text_of(part: Message) -> str:
    """Return the words of a part, whatever character set it claims."""
    text = headers.decode(content_of(part), _parameter(part, "charset") or "utf-8").replace("\r\n", "\n")
    if part.get_content_type() == "text/html":
        return clean(_email_html.text_of(text))
    text = clean(text)
    if _parameter(part, "format").lower() == "flowed":
        return unflowed(text, delete_space=_parameter(part, "delsp").lower() == "yes")
    return text


def unflowed(text: str, *, delete_space: bool = False) -> str:
    """Return a text of `format=flowed` with the lines joined that were only broken for the way (RFC 3676)."""
    lines: list[str] = []
    depth_before, open_line = 0, False
    for line in text.split("\n"):
        bare = line.lstrip(">")
        depth = len(line) - len(bare)
        bare = bare.removeprefix(" ")
        if open_line and depth == depth_before and bare != "-- ":
            lines[-1] = (lines[-1][:-1] if delete_space else lines[-1]) + bare
        else:
            lines.append(f"{'>' * depth} {bare}" if depth else bare)
        open_line = bare.endswith(" ") and bare != "-- "
        depth_before = depth
    return "\n".join(lines)


def content_of(part: Message) -> bytes:
    """Return a part's bytes, decoded from how they travelled; as they travelled where that cannot be undone."""
    try:
        content = part.get_payload(decode=True)
    except (ValueError, TypeError, LookupError, AttributeError):
        content = part.get_payload()
    if isinstance(content, str):
        return content.encode("utf-8", "surrogateescape")
    return content if isinstance(content, bytes) else b""


def _file(part: Message, kind: str, place: int) -> File:
    name = _name(part) or f"file-{place}{_EXTENSIONS.get(kind, '')}"
    return File(name=name, mime=kind, content=content_of(part))


def _name(part: Message) -> str:
    """Return the name of a file without any folder, empty for none."""
    if not any("name" in headers.first(part, each).lower() for each in ("content-disposition", "content-type")):
        return ""
    try:
        given = part.get_filename() or ""
    except (ValueError, TypeError, LookupError, AttributeError):
        return ""
    plain = " ".join(clean(headers.words(str(given))).split())
    last = re.split(r"[/\\]", plain)[-1].lstrip(".").strip()
    stem, dot, end = last.rpartition(".")
    if len(last) > NAME_LENGTH and dot and len(end) < 10:
        return f"{stem[: NAME_LENGTH - 10]}.{end}"
    return last[:NAME_LENGTH]


def _disposition(part: Message) -> str:
    return headers.first(part, "content-disposition").partition(";")[0].strip().lower()


def _parameter(part: Message, name: str) -> str:
    try:
        value = part.get_param(name)
    except (ValueError, TypeError, LookupError, AttributeError):
        return ""
    if isinstance(value, tuple):
        value = value[2]
    return str(value or "")


def _children(part: Message) -> list[Message]:
    payload = part.get_payload()
    return [each for each in payload if isinstance(each, Message)] if isinstance(payload, list) else []


def _mend(part: Message) -> None:
    """Read stray bytes of the headers that say what a part is: the standard library would drop them."""
    for name in ("content-type", "content-disposition"):
        for value in headers.raw(part, name)[:1]:
            if not value.isascii():
                part.replace_header(name, headers.decode(value.encode("utf-8", "surrogateescape"), "utf-8"))
