"""Every kind of entry that the program writes into its action log is explained where people learn to read it, and has
a title where they read it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from caseward.web import entries

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs/how-to/read-a-case.md"


def kinds(source: str) -> Iterator[str]:
    """Yield the kinds of entry that a module writes by name."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="log"), attr="append"), args=[ast.Constant(value=kind), *_]
            ):
                yield str(kind)
            case ast.Call(
                func=ast.Name(id="_log") | ast.Attribute(value=ast.Name(id="log"), attr="of_case"),
                args=[_, ast.Constant(value=kind), *_],
            ):
                yield str(kind)
            case _:
                pass


def written() -> set[str]:
    return {kind for path in (ROOT / "src").rglob("*.py") for kind in kinds(path.read_text("utf-8"))}


def explained() -> set[str]:
    table = PAGE.read_text("utf-8").partition("| kind | says |")[2].partition("\n\n")[0]
    return {kind for row in table.splitlines() for kind in re.findall(r"`(\w+)`", row.partition(" | ")[0])}


def test_every_kind_that_is_written_is_explained_and_no_other() -> None:
    assert written() == explained()


def test_every_kind_that_is_explained_has_a_title_and_no_other() -> None:
    assert set(entries.KINDS) == explained()


def test_a_kind_is_found_however_it_is_written() -> None:
    source = """log.append('send', actor, {}, at=now)
log.of_case(case, 'draft', actor, {}, at=now)
_log(case, 'verdict', person, {})
other.append('no')
"""

    assert set(kinds(source)) == {"send", "draft", "verdict"}
