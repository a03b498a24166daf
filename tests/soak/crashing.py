"""Runs `caseward` with one place at which its process dies, as if somebody had pulled the plug.

    DESK_CRASH=committed:caseward.desk.verdicts.decide:2 DESK_CRASHED=/tmp/mark python -m tests.soak.crashing serve

A place is a moment, a function and how many calls are let through: `enter` dies before the call does anything, `leave`
after it did, `committed` right after the commit that follows it on its thread. It dies once: the file DESK_CRASHED is
made just before, and while it exists nothing dies.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy.engine.default import DefaultDialect

MOMENTS = ("enter", "leave", "committed")
CODE = 86
"""Exit code of a process that died at its place."""


class Place:
    """Where and when a process is to die."""

    def __init__(self, text: str, mark: Path) -> None:
        """Read `moment:module.function:calls`."""
        self.moment, self.function, calls = text.split(":")
        assert self.moment in MOMENTS, text
        self._left = int(calls)
        self._mark = mark
        self._lock = threading.Lock()
        self._thread = threading.local()

    def arm(self) -> None:
        """Put the function's stand-in into its module."""
        module_name, _, name = self.function.rpartition(".")
        module = importlib.import_module(module_name)
        setattr(module, name, self._wrapped(getattr(module, name)))
        if self.moment == "committed":
            commit = DefaultDialect.do_commit

            def do_commit(dialect: Any, connection: Any) -> None:
                commit(dialect, connection)
                if getattr(self._thread, "passed", False):
                    self._die()

            DefaultDialect.do_commit = do_commit  # type: ignore[method-assign]

    def _wrapped(self, function: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(function)
        def stand_in(*args: Any, **kwargs: Any) -> Any:
            due = self._due()
            if due and self.moment == "enter":
                self._die()
            result = function(*args, **kwargs)
            if due and self.moment == "leave":
                self._die()
            if due:
                self._thread.passed = True
            return result

        return stand_in

    def _due(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left == -1

    def _die(self) -> None:
        try:
            os.close(os.open(self._mark, os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            return
        os._exit(CODE)


def arm() -> None:
    """Have this process die where the environment says, if it says so and none has died yet."""
    text, mark = os.environ.get("DESK_CRASH", ""), Path(os.environ.get("DESK_CRASHED", "crashed"))
    if text and not mark.exists():
        Place(text, mark).arm()


def application() -> object:
    """Return the web application of one process, armed."""
    from caseward import app

    arm()
    return app.application()


def main() -> None:
    """Run the command line with every serving process armed."""
    from caseward import cli
    from caseward.cli import serving

    serving.FACTORY = "tests.soak.crashing:application"
    cli.main()


if __name__ == "__main__":
    sys.exit(main())
