"""What would keep people waiting is measured before they ask: the overview of a large desk, as long as it is served."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import structlog

from caseward.web import measured

EVERY_SECONDS = 600.0
"""Shorter than measured figures are shown for."""


@contextlib.contextmanager
def at_work() -> Iterator[None]:
    """Measure in the background, at once and then every few minutes, for the length of a block."""
    over = threading.Event()

    def run() -> None:
        while not over.is_set():
            try:
                measured.prepare()
            except Exception as error:
                structlog.get_logger(__name__).info("the overview was not measured ahead", error=str(error)[:200])
            over.wait(EVERY_SECONDS)

    thread = threading.Thread(target=run, name="foresight", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=5)
