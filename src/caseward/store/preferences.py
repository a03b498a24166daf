"""How somebody of the house likes to work: their keys, their menu, how long their consent is held. It follows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from psycopg.types.json import Jsonb

from caseward.store import db

LONGEST_HOLD = 30
"""Seconds for which consent is held at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What a person chose; the defaults are what everybody begins with."""

    single_keys: bool = True
    """Whether single letters do anything."""
    keys: Mapping[str, str] = field(default_factory=dict)
    """Key of the list → the one that a person presses instead."""
    narrow_menu: bool = False
    """Whether the menu shows its icons only."""
    hidden_file: bool = False
    """Whether the case file beside a case is put away."""
    hold_seconds: int = 0
    """How long their consent is held where policy holds it for less."""

    def held(self, by_policy: int) -> int:
        """Return how long their consent is held; what policy does not hold is not held for anybody."""
        return max(by_policy, min(self.hold_seconds, LONGEST_HOLD)) if by_policy else 0


NONE = Preferences()


def of(person_id: str) -> Preferences:
    """Return what a person chose; the defaults for anybody who is no person of the house, such as a token."""
    rows = db.run("select preferences from people where id = %(id)s", {"id": person_id}).fetchall()
    kept: Mapping[str, Any] = rows[0].preferences if rows else {}
    return Preferences(**{name: value for name, value in kept.items() if name in Preferences.__slots__})


def change(person_id: str, **chosen: Any) -> None:
    """Keep what a person chose; what is not named stays as it was."""
    db.run(
        "update people set preferences = preferences || %(chosen)s where id = %(id)s",
        {"id": person_id, "chosen": Jsonb(chosen)},
    )
