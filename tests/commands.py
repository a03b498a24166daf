"""caseward as it is typed, in this process: a command's start costs more than most of what is tried here.

That a real process does the same is tried in test_demo.py.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest

from caseward.cli import main
from caseward.store import db


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str


def typed(*words: str, given: Mapping[str, str], stdin: str = "") -> Outcome:
    """Run a command with these settings and no others, on a connection of its own, which is closed afterwards."""
    out, err, code = io.StringIO(), io.StringIO(), 0
    with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
        for name in [each for each in os.environ if each.startswith("CASEWARD_")]:
            patch.delenv(name)
        for name, value in given.items():
            patch.setenv(name, value)
        patch.setattr(sys, "argv", ["caseward", *words])
        patch.setattr(sys, "stdin", io.StringIO(stdin))
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            db.disconnect()
    return Outcome(code=code, out=out.getvalue(), err=err.getvalue())
