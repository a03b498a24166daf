"""Folders in which tests start a database of their own.

They are not pytest's: whenever another run begins on the machine, those are shut to everybody but their owner, who is
not whom a database runs as, and the old ones are cleared away.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def own_folder() -> Iterator[Path]:
    """Make a folder, and clear it away in the end."""
    with tempfile.TemporaryDirectory(prefix="caseward-tests-", ignore_cleanup_errors=True) as made:
        yield Path(made)


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """A folder of this test's own, for a module that imports this in pytest's place."""
    with own_folder() as folder:
        yield folder
