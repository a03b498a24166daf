"""How commands speak: one JSON document, or plain lines; one clear complaint."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from caseward.core.errors import BadInput, CasewardError, PackError

AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document.")]
PackFolder = Annotated[str, typer.Argument(metavar="PACK", help="A pack's folder, or the name of one that came along.")]
PackOption = Annotated[
    str, typer.Option("--pack", metavar="PACK", help="A pack's folder, or the name of one that came along.")
]
SCHOOL = "vocal-coaching"


def document(value: Any) -> None:
    """Print one JSON document."""
    print(json.dumps(value, ensure_ascii=False, indent=2, default=_plain))


def line(value: Any) -> None:
    """Print one JSON document on one line, at once."""
    print(json.dumps(value, ensure_ascii=False, default=_plain), flush=True)


def complain(error: CasewardError) -> None:
    """Say on standard error what is wrong and what mends it."""
    fix = f"; {error.fix}" if isinstance(error, PackError) and error.fix else ""
    print(f"caseward: {error}{fix}", file=sys.stderr)


def why_away(error: Exception) -> str:
    """Return in words that the database does not answer, if that is what `error` says; else nothing."""
    if "sqlalchemy" not in sys.modules:
        return ""
    from caseward.store.outage import is_outage

    reason = str(getattr(error, "orig", None) or error).strip().partition("\n")[0]
    return f"the database does not answer ({reason})" if is_outage(error) else ""


def no() -> typer.Exit:
    """Return what a command raises when the answer is no."""
    return typer.Exit(1)


def pack_folder(given: str) -> Path:
    """Return the folder of the pack that `given` means; raise BadInput when there is none."""
    from caseward.settings import shipped_packs

    path = Path(given).expanduser()
    shipped = shipped_packs() / given
    if not path.is_dir() and len(path.parts) == 1 and shipped.is_dir():
        path = shipped
    if not (path / "pack.yaml").is_file():
        raise BadInput(
            f"{given!r} is no pack: there is no pack.yaml in it; name a pack's folder, such as packs/{SCHOOL}"
        )
    return path


def read_text(path: str) -> str:
    """Return the text of a file, or of standard input for `-`; raise BadInput when it cannot be read or is no text."""
    try:
        raw = sys.stdin.buffer.read() if path == "-" else Path(path).expanduser().read_bytes()
    except OSError as error:
        raise BadInput(
            f"{path} cannot be read ({error.strerror}); name a readable file, or - for standard input"
        ) from None
    return as_text(raw, path)


def as_text(raw: bytes, path: str) -> str:
    """Return bytes as text; raise BadInput that names their origin when they are not UTF-8."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        name = "standard input" if path == "-" else path
        raise BadInput(f"{name} is not UTF-8 text (byte {error.start}); save it as UTF-8") from None


def parse(text: str, where: str) -> Any:
    """Return JSON text as a value; raise BadInput that names `where` it stood."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError) as error:
        reason = "nested too deep" if isinstance(error, RecursionError) else str(error)
        raise BadInput(f"{where} is not JSON: {reason}") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return a JSON object; of a key that stands twice nobody can tell which of the two was meant."""
    told = dict(pairs)
    if len(told) < len(pairs):
        names = [name for name, _value in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} stands twice; keep one of them")
    return told


def _plain(value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, set | frozenset | tuple):
        return sorted(value)
    return str(value)
