"""A new pack: small, whole and sound, to be made one's own file by file.

What is written passes `caseward check`; the files stand in `scaffold/`, with places such as @NAME@ to be filled.
"""

from __future__ import annotations

import difflib
import re
from datetime import date
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from zoneinfo import available_timezones

from babel.numbers import is_currency

from caseward.core.errors import BadInput

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def write(folder: Path, *, title: str, timezone: str, currency: str, today: date) -> list[str]:
    """Write a new pack into `folder`, which must be new or empty; return the names of its files.

    Raises BadInput for a name that no pack may have, a folder that is in use or cannot be written to, an unknown time
    zone, or no currency code.
    """
    name = folder.resolve().name
    if not NAME.fullmatch(name):
        raise BadInput(f"{name!r} is no name for a pack; use lower case, digits and hyphens, such as my-business")
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise BadInput(f"{folder} is there already; name a new folder")
    if timezone not in available_timezones():
        near = difflib.get_close_matches(timezone, available_timezones(), n=1)
        fix = f"did you mean {near[0]!r}?" if near else "use an IANA name such as Asia/Jakarta"
        raise BadInput(f"unknown time zone {timezone!r}; {fix}")
    if not is_currency(currency):
        raise BadInput(f"{currency!r} is no currency; give its three letters (ISO 4217), such as EUR")
    places = {
        "@NAME@": name,
        "@TITLE@": (title or name.replace("-", " ").capitalize()).replace("\\", "").replace('"', "'"),
        "@TIMEZONE@": timezone,
        "@CURRENCY@": currency,
        "@TODAY@": today.isoformat(),
        "@RELEASE@": f"{today.isoformat()}.1",
    }
    written: list[str] = []
    try:
        _copy(files("caseward.packs") / "scaffold", folder, "", places, written)
    except OSError as error:
        raise BadInput(f"{folder} cannot be written to ({error.strerror}); name another folder") from None
    return sorted(written)


def _copy(source: Traversable, target: Path, below: str, places: dict[str, str], written: list[str]) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for each in source.iterdir():
        if each.is_dir():
            _copy(each, target / each.name, f"{below}{each.name}/", places, written)
        elif each.name.endswith(".yaml"):
            text = each.read_text("utf-8")
            for place, value in places.items():
                text = text.replace(place, value)
            (target / each.name).write_text(text, "utf-8")
            written.append(f"{below}{each.name}")
