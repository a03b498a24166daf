"""Follows what is current: another release or phase is made ready beside the desk at work, then the tools change.

Every process looks for itself, so that nobody has to be told and a lost message loses nothing. A turn that has begun
ends on the tools it began with (desk/tools.py).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import structlog

from caseward.core.pack import Pack
from caseward.desk import current, tools
from caseward.desk.tools import Tools
from caseward.store import db, releases

LOOK_SECONDS = 1.0
MOST_SECONDS = 30.0
"""What goes wrong again and again, such as a full disk, is tried again less often."""
STOP_SECONDS = 30.0

_log = structlog.get_logger(__name__)


class Changeover:
    """One process's watch over what is current, in a thread of its own."""

    def __init__(self, place: Path, outfit: Callable[[Pack], Tools]) -> None:
        """Prepare to follow.

        Args:
            place: folder in which releases are laid out.
            outfit: makes the tools for a pack; it may take its time.
        """
        self._place, self._outfit = place, outfit
        self._decision = -1
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="changeover", daemon=True)

    def start(self) -> None:
        """Begin to look."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking; an exchange under way is waited for."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_SECONDS)

    def look(self) -> bool:
        """Follow once; return whether the tools were exchanged."""
        with db.transaction():
            release, decision = releases.pointer()
        given = tools.given()
        if release and release != given.pack.profile.release:
            exchanged = self._change()
        elif decision != self._decision:
            with db.transaction():
                pack = current.in_phase(given.pack)
            exchanged = pack != given.pack
            tools.use(replace(given, pack=pack))
        else:
            exchanged = False
        self._decision = decision
        return exchanged

    def _change(self) -> bool:
        began = time.monotonic()
        pack = current.in_force(self._place)
        if pack is None:
            return False
        given = tools.given()
        tools.use(replace(self._outfit(pack), wake=given.wake, carry=given.carry))
        took = round(time.monotonic() - began, 2)
        _log.info("another release is served", release=pack.profile.release, seconds=took)
        return True

    def _run(self) -> None:
        pause = LOOK_SECONDS
        while not self._stop.wait(pause):
            try:
                self.look()
                pause = LOOK_SECONDS
            except Exception as error:
                pause = min(2 * pause, MOST_SECONDS)
                _log.warning("could not look what is current; will look again", error=str(error)[:300], seconds=pause)
