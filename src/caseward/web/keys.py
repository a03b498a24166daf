"""The keys of the console, once: the script presses by this list, the help sheet prints it, people change it.

An action is known by the key it has for everybody who changed nothing; a page binds one by `data-key`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from caseward.core.errors import BadInput

EVIDENCE = "123456789"
"""Open the evidence of that number; they belong to no action."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """Something that one key does."""

    key: str
    """What it has by itself, in lower case."""
    does: str


ACTIONS: Sequence[Action] = (
    Action(key="/", does="Search and actions"),
    Action(key="?", does="This list"),
    Action(key="j", does="Next row"),
    Action(key="k", does="Previous row"),
    Action(key="a", does="Approve"),
    Action(key="e", does="Edit"),
    Action(key="d", does="Deny"),
    Action(key="x", does="Escalate"),
    Action(key="z", does="Undo while it is held"),
    Action(key="n", does="Internal note"),
    Action(key="r", does="Resolve"),
    Action(key="s", does="Snooze"),
    Action(key="[", does="Menu"),
    Action(key="]", does="Case file"),
    Action(key="g", does="Go to, with the letter of a page"),
)
FIXED: Sequence[tuple[str, str]] = (
    ("Ctrl K", "Search and actions"),
    ("Ctrl Enter", "Send the edit for approval"),
    ("Enter", "Open"),
    ("Esc", "Back"),
    ("1 9", "Open evidence of that number"),
)
"""Keys that nobody needs to change: none of them is a letter alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One action as a person has it."""

    default: str
    pressed: str
    does: str
    name: str
    """Of its field in the form."""


def lines(chosen: Mapping[str, str]) -> Sequence[Line]:
    """Return every action with the key that a person presses for it."""
    return [
        Line(
            default=action.key,
            pressed=chosen.get(action.key, action.key),
            does=action.does,
            name=f"key-{place}",
        )
        for place, action in enumerate(ACTIONS)
    ]


def changed(given: Mapping[str, str]) -> dict[str, str]:
    """Return the keys that differ from the list, of what was filled in: field → key.

    Raises BadInput naming the action whose key is not one, or the two that would have the same.
    """
    taken: dict[str, str] = {}
    chosen: dict[str, str] = {}
    for line in lines({}):
        key = given.get(line.name, line.default).strip().lower() or line.default
        if len(key) != 1 or not key.isprintable():
            raise BadInput(f"{line.does}: “{key}” is not one key; type one letter or sign")
        if key in EVIDENCE:
            raise BadInput(f"{line.does}: {key} opens evidence {key}; choose a letter or a sign")
        if key in taken:
            raise BadInput(f"{line.does}: {key.upper()} is “{taken[key]}” already; give one of the two another key")
        taken[key] = line.does
        if key != line.default:
            chosen[line.default] = key
    return chosen
