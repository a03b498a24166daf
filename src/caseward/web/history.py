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
"""Releases that are looked at, the latest first."""
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


def versions(path: str) -> Sequence[Version]:
    """Return the published releases that changed a file, the latest first; needs an open transaction."""
    part, names = part_of(path), people.names()
    known = [each for each in releases.published(limit=LOOKED_AT) if each.kept]
    known = [each for each in known if not each.base or part in each.changed]
    found: list[Version] = []
    mark, was = GONE, ""
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
    return found


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
