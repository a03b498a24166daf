"""What the desk goes by: the release that is current, in the phase that was decided."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from caseward.core.pack import Pack
from caseward.core.release import Changed, Files, changes
from caseward.packs import shelf
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
