"""What a message carries beside its words, as a person sees it: files with name, kind and size, places, contacts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from caseward.store import files
from caseward.store.conversation import Said
from caseward.web import words

NAMES: Mapping[str, str] = {
    "image": "Picture",
    "audio": "Sound",
    "voice": "Voice message",
    "video": "Video",
    "document": "File",
    "sticker": "Sticker",
    "location": "Place",
    "contact": "Contact card",
}
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
"""What may be looked at in place: nothing of it can be run."""
LARGEST_PICTURE = 5_000_000
"""Bytes of a picture that is shown in place; a larger one is a download."""
KB, MB = 1_000, 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Attached:
    """One file, place or contact card of a message."""

    kind: str
    icon: str
    title: str
    """Its name, if it has one."""
    size: str
    href: str = ""
    """Where it can be had; empty where it cannot."""
    preview: str = ""
    """Where a picture of it can be seen."""
    state: str = ""
    """Why it cannot be had, in words."""


def attached(said: Said, *, may_open: bool) -> list[Attached]:
    """Return what a message carries; `may_open` for a reader who may see what contacts send."""
    own = {each.n: each for each in said.files}
    told = list(said.attachments) or [
        {"kind": each.kind, "mime": each.mime, "name": each.name, "size": each.size} for each in said.files
    ]
    return [_attached(n, each, own, may_open=may_open) for n, each in enumerate(told)]


def _attached(n: int, told: Mapping[str, Any], own: Mapping[int, files.File], *, may_open: bool) -> Attached:
    kind, file = str(told.get("kind") or "document"), own.get(n)
    size = (file.size if file else None) or told.get("size")
    kept = file is not None and file.state == files.KEPT
    href = f"/files/{file.id}" if file is not None and kept and may_open else ""
    looks = href and kind in ("image", "sticker", "document") and (size or 0) <= LARGEST_PICTURE
    return Attached(
        kind=NAMES.get(kind, words.humane(kind)),
        icon={"location": "map-pin", "contact": "users", "image": "image"}.get(kind, "paperclip"),
        title=str(told.get("name") or ""),
        size=sized(size) if size else "",
        href=href,
        preview=f"{href}/picture" if looks and file is not None and file.mime in PICTURES else "",
        state=_state(file, told, may_open=may_open),
    )


def _state(file: files.File | None, told: Mapping[str, Any], *, may_open: bool) -> str:
    if file is None:
        return "" if not told.get("ref") else "Not fetched"
    match file.state:
        case files.KEPT:
            return "" if may_open else "Not for your role"
        case files.WANTED:
            return "Being fetched" if not file.why else f"Not here yet: {file.why}"
        case files.GONE:
            return f"Not to be had any more: {file.why}" if file.why else "Not to be had any more"
    return f"Not fetched: {file.why}" if file.why else "Not fetched"


def sized(size: int) -> str:
    """Return a size as people read it: `820 B`, `96 KB`, `1.4 MB`."""
    if size < KB:
        return f"{size} B"
    return f"{round(size / KB)} KB" if size < MB else f"{size / MB:.1f} MB"


def picture_of(content: bytes) -> str:
    """Return the kind of picture that bytes begin as; empty for what is none that may be shown."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    return "image/webp" if content[:4] == b"RIFF" and content[8:12] == b"WEBP" else ""
