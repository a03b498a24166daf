"""Figures follow the log: what it tells of cases is added up a little later, by whoever sweeps."""

from __future__ import annotations

import hashlib

from caseward.desk import tools
from caseward.store import case_figures, db

ROUNDS = 5
"""Goes at most at a time, so that the sweep gets on with what is due."""
FEW = 20
"""As many as somebody who waits for a page notices nothing of."""


def catch_up(rounds: int = ROUNDS, *, at_once: int = case_figures.AT_ONCE) -> bool:
    """Add up what the log tells since the last time; return whether there is more.

    Everything is added up anew when hours or lanes are others than the last time: both decide what the rows say.
    """
    pack, now = tools.pack(), tools.now()
    lanes = tuple(pack.policy.lanes)
    said = repr((pack.hours.zone.key, sorted(pack.hours.week.items()), sorted(pack.hours.holidays), lanes))
    rules = hashlib.sha256(said.encode()).hexdigest()[:16]
    for _ in range(rounds):
        with db.transaction():
            if not case_figures.behind(rules):
                return False
        with db.transaction():
            more = case_figures.catch_up(pack.hours, lanes, rules=rules, now=now, at_once=at_once)
        if not more:
            return False
    return True
