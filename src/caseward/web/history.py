"""How one file of the pack went through the releases that were published."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from caseward.core.release import Changed, part_of
from caseward.store import people, releases
from caseward.web import shelves, words
from caseward.web.shelves import FileShown

LOOKED_AT = 60
"""Releases that are looked at, the latest first, and how many more at each wish to see earlier ones."""
MOST = 600
"""Releases that are looked at in all; `caseward release list` knows more."""
GONE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """A release that changed the file."""

    release: str
    at: datetime | None
    author: str
    reason: str
    change: str
    """`First`, `Changed` or `Gone`."""
    before: str
    """The release that held the version before; empty for the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Versions:
    """The releases that changed a file, as far back as was looked."""

    found: Sequence[Version]
    looked: int
    """Releases that were looked at; 0 where that is all there are."""
    more: int
    """How many to look at for earlier ones; 0 where that would be too many, or all were looked at."""


def versions(path: str, look: int = LOOKED_AT) -> Versions:
    """Return the published releases that changed a file among the latest `look`; needs an open transaction."""
    part, names = part_of(path), people.names()
    look = min(max(look, LOOKED_AT), MOST)
    latest = releases.published(limit=look + 1)
    cut = len(latest) > look
    known = [each for each in latest[:look] if each.kept]
    known = [each for each in known if not each.base or part in each.changed]
    found: list[Version] = []
    mark, was = GONE, ""
    if cut and latest[look].kept:
        mark = _marks(latest[look].id, latest[look].digest).get(path, GONE)
        was = latest[look].id if mark else ""
    for release in reversed(known):
        now = _marks(release.id, release.digest).get(path, GONE)
        if now != mark:
            change = "Gone" if not now else "Changed" if was else "First"
            version = Version(
                release=release.id,
                at=release.published_at,
                author=words.who(release.author, names),
                reason=release.reason[:1].upper() + release.reason[1:],
                change=change,
                before=was,
            )
            found.insert(0, version)
            mark, was = now, release.id
    more = look + LOOKED_AT if cut and look < MOST else 0
    return Versions(found=found, looked=look if cut else 0, more=more)


def compared(path: str, before: str, after: str) -> FileShown | None:
    """Return how a file differs between two releases, or None where it does not; raise NotFound."""
    old, new = releases.files(before).get(path, ""), releases.files(after).get(path, "")
    if old == new:
        return None
    return shelves.files([Changed(path=path, part=part_of(path), before=old, after=new)])[0]


@lru_cache(maxsize=4 * LOOKED_AT)
def _marks(release: str, _digest: str) -> Mapping[str, str]:
    """Return path → what tells its content apart; a release never changes, so it is read once."""
    return {path: hashlib.sha256(text.encode()).hexdigest()[:16] for path, text in releases.files(release).items()}
