"""Style, script, font and icons, kept in memory, compressed once, named by their content.

A page asks for `/static/console.css?v=<hash>`, which may be cached for ever; the same name without the hash is checked
again each time. A style sheet or a script is several files on disk and one on the wire.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

from caseward.core.errors import NotFound

FOLDER = Path(__file__).parent / "static"
SHEETS: Mapping[str, tuple[str, ...]] = {
    "console.css": (
        "tokens",
        "base",
        "layout",
        "controls",
        "lists",
        "conversation",
        "approval",
        "palette",
        "casefile",
        "contact",
        "reasons",
        "settings",
        "knowledge",
        "audit",
        "account",
        "overview",
        "states",
        "live",
    ),
    "chat.css": ("tokens", "base", "chat"),
}
"""Style sheet → the files of static/css it is made of, in order."""
SCRIPTS: Mapping[str, tuple[str, ...]] = {
    "console.js": (
        "common",
        "parts",
        "clocks",
        "theme",
        "drafts",
        "composer",
        "evidence",
        "returning",
        "list",
        "live",
        "presence",
        "approval",
        "palette",
        "keys",
        "knowledge",
        "overview",
    ),
}
"""Script → the files of static/js it is made of, in order; they are one module and share its names."""
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".woff2": "font/woff2",
}
FOREVER = "public, max-age=31536000, immutable"
CHECK_AGAIN = "public, max-age=0, must-revalidate"

router = APIRouter(include_in_schema=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file as it is served."""

    body: bytes
    zipped: bytes | None
    """Compressed, where that helps."""
    media_type: str
    version: str
    """Hash of the body."""


@cache
def assets() -> Mapping[str, Asset]:
    """Return every asset by its name under `/static/`."""
    bodies = {file.name: file.read_bytes() for file in FOLDER.iterdir() if file.suffix in TYPES}
    for folder, made in (("css", SHEETS), ("js", SCRIPTS)):
        for name, parts in made.items():
            files = [FOLDER / folder / f"{part}.{folder}" for part in parts]
            bodies[name] = b"\n".join(file.read_bytes() for file in files if file.exists())
    return {name: _asset(name, body) for name, body in bodies.items()}


@cache
def url(name: str) -> str:
    """Return the address of an asset, with its version; raise NotFound for one that does not exist."""
    return f"/static/{name}?v={_find(name).version}"


@router.get("/static/{name}")
def serve(name: str, request: Request) -> Response:
    """Serve one asset, compressed where the browser takes that."""
    asset = _find(name)
    headers = {
        "ETag": f'"{asset.version}"',
        "Cache-Control": FOREVER if request.query_params.get("v") == asset.version else CHECK_AGAIN,
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if asset.zipped is not None and "gzip" in request.headers.get("accept-encoding", ""):
        return Response(asset.zipped, media_type=asset.media_type, headers={**headers, "Content-Encoding": "gzip"})
    return Response(asset.body, media_type=asset.media_type, headers=headers)


def _find(name: str) -> Asset:
    asset = assets().get(name)
    if asset is None:
        raise NotFound(f"no asset {name!r}")
    return asset


def _asset(name: str, body: bytes) -> Asset:
    suffix = Path(name).suffix
    return Asset(
        body=body,
        zipped=None if suffix == ".woff2" else gzip.compress(body, 9, mtime=0),
        media_type=TYPES[suffix],
        version=hashlib.sha256(body).hexdigest()[:12],
    )
