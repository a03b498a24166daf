"""The core leans on the standard library and on itself, and reads neither clock nor disk."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

CORE = Path(__file__).parents[3] / "src/caseward/core"
MODULES = sorted(CORE.rglob("*.py"))
OUTSIDE = {"asyncio", "http", "io", "logging", "os", "pathlib", "shutil", "socket", "sqlite3", "subprocess", "urllib"}
"""Parts of the standard library through which a module could touch the world."""


def imported(source: str) -> Iterator[str]:
    """Yield the full name of every module that `source` imports, wherever the import stands."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.Import(names=names):
                yield from (alias.name for alias in names)
            case ast.ImportFrom(module=module, level=level):
                yield "." * level + (module or "")
            case _:
                pass


def strangers(source: str) -> list[str]:
    """Return the imports of `source` that the core may not have."""
    own = ("caseward.core.", "caseward.core")
    return [
        name
        for name in imported(source)
        if not (name == own[1] or name.startswith(own[0]))
        and (name.split(".")[0] not in sys.stdlib_module_names or name.split(".")[0] in OUTSIDE)
    ]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(CORE)))
def test_the_core_imports_the_standard_library_alone(module: Path) -> None:
    assert strangers(module.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "line",
    [
        "import yaml",
        "from pydantic import BaseModel",
        "import caseward.settings",
        "from . import store",
        "import os.path",
    ],
)
def test_a_stranger_in_the_core_is_noticed(line: str) -> None:
    assert strangers(f"import json\n\ndef late() -> None:\n    {line}\n") != []


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(CORE)))
def test_the_core_asks_no_clock_and_opens_no_file(module: Path) -> None:
    calls = [node.func for node in ast.walk(ast.parse(module.read_text("utf-8"))) if isinstance(node, ast.Call)]

    names = {call.attr if isinstance(call, ast.Attribute) else getattr(call, "id", "") for call in calls}

    assert names.isdisjoint({"now", "utcnow", "today", "time_ns", "monotonic", "open", "print", "input", "sleep"})
