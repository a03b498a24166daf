"""How the console says when: clock times in the ops zone, time left, and how near is near."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from caseward.core.naming import local as local
from caseward.core.policy import Tier

MINUTE = 60
HOUR = 60 * MINUTE
DAY = 24 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """A deadline as it is drawn."""

    kind: str
    """`first_response`, `resolution` or `decision`."""
    due: datetime
    text: str
    """Time left when the page was made; the script keeps it going."""
    level: str
    """Empty, `warn` or `bad`."""
    warn: int
    """Seconds left from which it warns."""
    bad: int
    """Seconds left from which it is drawn as late."""
    paused: bool = False
    """The next move is not ours: no deadline runs."""
    closed: bool = False
    """The house is closed: the deadline stands, and nothing counts down to it."""

    @property
    def label(self) -> str:
        """Say what the deadline is for."""
        return label(self.kind)


def label(kind: str) -> str:
    """Return what a kind of deadline is for."""
    return {"first_response": "First reply", "resolution": "Resolve", "decision": "Decide"}.get(kind, "Due")


def clock(
    kind: str, due: datetime, *, now: datetime, tier: Tier | None, paused: bool = False, closed: bool = False
) -> Clock:
    """Return a deadline as it is drawn at `now`; `closed` when that is outside business hours."""
    warn, bad = thresholds(kind, tier)
    left = int((due - now).total_seconds())
    level = "" if paused or (closed and left > 0) or left > warn else "warn" if left > bad else "bad"
    return Clock(
        kind=kind,
        due=due,
        text=countdown(left),
        level=level,
        warn=warn,
        bad=bad,
        paused=paused,
        closed=closed and left > 0,
    )


def thresholds(kind: str, tier: Tier | None) -> tuple[int, int]:
    """Return the seconds left from which a deadline is near, and from which it is urgent."""
    if kind == "first_response":
        return 90, 30
    if kind == "resolution" and tier is not None and tier <= Tier.R1:
        return 10 * MINUTE, 3 * MINUTE
    return 45 * MINUTE, 15 * MINUTE


def countdown(seconds: int) -> str:
    """Return `41:12` under an hour, `3 h 10 m` and `2 d 3 h` above, `+04:10` when late; console.js does the same."""
    late, seconds = seconds < 0, abs(seconds)
    if seconds < HOUR:
        text = f"{seconds // MINUTE:02}:{seconds % MINUTE:02}"
    elif seconds < DAY:
        text = f"{seconds // HOUR} h {seconds % HOUR // MINUTE} m"
    else:
        text = f"{seconds // DAY} d {seconds % DAY // HOUR} h"
    return f"+{text}" if late else text


def duration(span: timedelta) -> str:
    """Return a length of time in words: `21 s`, `3 min`, `1 h 5 min`, `2 d 3 h`."""
    seconds = max(0, round(span.total_seconds()))
    if seconds < MINUTE:
        return f"{seconds} s"
    if seconds < HOUR:
        return f"{seconds // MINUTE} min"
    if seconds < DAY:
        rest = seconds % HOUR // MINUTE
        return f"{seconds // HOUR} h {rest} min" if rest else f"{seconds // HOUR} h"
    rest = seconds % DAY // HOUR
    return f"{seconds // DAY} d {rest} h" if rest else f"{seconds // DAY} d"
