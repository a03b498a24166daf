"""Words leave the house by few doors, and each of them puts on record what passes."""

from __future__ import annotations

import ast
from pathlib import Path

ROOT = Path(__file__).parents[3] / "src" / "caseward"
DOORS = {
    "desk/post.py": "what the speaker said",
    "desk/letters.py": "mails that hold a secret",
    "flows/testing_lines.py": "test messages of fixed words",
}
"""Module → what leaves by it."""


def calls(source: str) -> bool:
    """Return whether a module hands anything to a vendor of a channel."""
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "deliver"
        for node in ast.walk(ast.parse(source))
    )


def test_nothing_is_handed_to_a_vendor_but_by_the_doors() -> None:
    found = {str(path.relative_to(ROOT)) for path in ROOT.rglob("*.py") if calls(path.read_text("utf-8"))}

    assert found == set(DOORS)


def test_a_door_is_seen_however_it_is_called() -> None:
    assert calls("plug.deliver(to, words, key='k')")
    assert not calls("deliver = 1\nplug.render(words)")
