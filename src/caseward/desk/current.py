"""What the desk goes by: the release that is current, in the phase that was decided."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from caseward.core.errors import NotFound
from caseward.core.pack import Pack
from caseward.core.release import Changed, Files, changes
from caseward.packs import shelf
from caseward.packs.load import load
from caseward.store import db, phases, releases


def in_force(place: Path) -> Pack | None:
    """Return the pack of the current release in the phase that was decided; None before the first release.

    `place` is the folder in which releases are laid out.
    """
    with db.transaction():
        switch = releases.current()
        if switch is None:
            return None
        release = releases.get(switch.release)
        return in_phase(shelf.take(place, release.id, release.digest, lambda: releases.files(release.id)))


def in_phase(pack: Pack) -> Pack:
    """Return the pack in the phase and topology that were decided last, or as it is when nothing was."""
    decided = phases.current()
    if decided is None:
        return pack
    return replace(
        pack,
        profile=replace(pack.profile, phase=decided.phase, topology=decided.topology),
        policy=replace(pack.policy, phase=decided.phase, topology=decided.topology),
    )


def unpublished(files: Files) -> tuple[Changed, ...]:
    """Return how files differ from the current release; nothing before the first one."""
    switch = releases.current()
    return changes(releases.files(switch.release), files) if switch else ()


def compare(before: str, after: str) -> tuple[Changed, ...]:
    """Return how two releases differ, file by file; raise NotFound."""
    return changes(releases.files(before), releases.files(after))


def of_release(release: str) -> Pack | None:
    """Return the pack of an earlier release, or None when its files were not kept."""
    try:
        return _loaded(release, releases.get(release).digest)
    except NotFound:
        return None


@lru_cache(maxsize=2)
def _loaded(release: str, _digest: str) -> Pack:
    with shelf.laid_out(releases.files(release)) as folder:
        return shelf.named(load(folder), release)
