"""What a file is by its first bytes: a name and a stated type are claims of whoever sent it."""

from __future__ import annotations

from collections.abc import Mapping

LOOKED_AT = 512
"""Bytes from the beginning that are enough."""
_STARTS: Mapping[bytes, str] = {
    b"\xff\xd8\xff": "image/jpeg",
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
    b"%PDF-": "application/pdf",
    b"OggS": "audio/ogg",
    b"#!AMR": "audio/amr",
    b"ID3": "audio/mpeg",
    b"PK\x03\x04": "application/zip",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1": "application/x-ole",
    b"MZ": "application/x-executable",
    b"\x7fELF": "application/x-executable",
    b"\xcf\xfa\xed\xfe": "application/x-executable",
    b"\xca\xfe\xba\xbe": "application/x-executable",
    b"#!/": "application/x-executable",
}
_VAGUE = frozenset({"", "application/zip", "application/x-ole"})
"""What says less than the stated type: a Word file is a ZIP."""
_KIN = frozenset({"audio", "video"})
"""Families whose containers are the same: sound alone in an MP4, pictures in an Ogg."""


def sniffed(content: bytes) -> str:
    """Return the type that the first bytes tell, or an empty string where they tell none."""
    head = content[:LOOKED_AT]
    for start, mime in _STARTS.items():
        if head.startswith(start):
            return mime
    if head[:4] == b"RIFF":
        return {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}.get(head[8:12], "")
    if head[4:8] == b"ftyp":
        return {b"M4A ": "audio/mp4", b"M4B ": "audio/mp4", b"heic": "image/heic", b"avif": "image/avif"}.get(
            head[8:12], "video/mp4"
        )
    if len(head) > 1 and head[0] == 0xFF:
        if head[1] & 0xF6 == 0xF0:
            return "audio/aac"
        if head[1] & 0xE6 == 0xE2:  # layer III
            return "audio/mpeg"
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return "text/html" if text.startswith((b"<!doctype html", b"<html", b"<script", b"<svg", b"<?xml")) else ""


def agrees(stated: str, found: str) -> bool:
    """Return whether a file may be of the type that was stated, given the type that its bytes tell.

    A picture, sound, film or PDF must be recognised as one. Anything else may be what nobody recognises, but no
    program and no web page.
    """
    family = stated.partition("/")[0]
    if found in ("application/x-executable", "text/html"):
        return False
    if family in ("image", "audio", "video"):
        other = found.partition("/")[0]
        return other == family or {family, other} <= _KIN
    if stated == "application/pdf" or found == "application/pdf":
        return stated in (found, "application/octet-stream")
    return True


def settled(stated: str, found: str) -> str:
    """Return what a file that agrees is to be called: by its bytes, unless they say less than what was stated."""
    if found in _VAGUE or ({stated.partition("/")[0], found.partition("/")[0]} == _KIN):
        return stated
    return found
