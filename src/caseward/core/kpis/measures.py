"""How observations become a figure: percentiles that know of cases still open, shares, totals, means.

A percentile is the smallest value that at least so many of a hundred observations do not exceed (nearest rank). One
that is still running is not left out and not taken as over: it counts as at least its age. This is the Kaplan-Meier
estimate, which without any running one is the nearest rank; tests/property/test_figures.py.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NamedTuple

CLOSE = 1e-9
"""Shares that differ by less are the same: they are products of fractions."""


class Observation(NamedTuple):
    """What one case, request or piece of work adds to a figure."""

    case_id: str
    """Empty for what belongs to no case."""
    value: float
    """In the figure's unit; 1 or 0 for a share."""
    final: bool = True
    """Whether it can no longer change; what still runs is at least `value`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A figure over some observations."""

    value: float | None
    """None where there is nothing to measure."""
    n: int
    """Observations it rests on."""
    hits: int | None = None
    """Of a share: how many of them."""
    running: int = 0
    """Observations that may still change."""
    at_least: bool = False
    """So many are still running that only a lower bound is known."""


Reduce = Callable[[Iterable[Observation]], Measured]
"""Takes observations as they come and keeps none: ten thousands that are held are what a process is busy with."""


def percentile(percent: int) -> Reduce:
    """Return what measures a percentile."""

    def reduce(observed: Iterable[Observation]) -> Measured:
        over: list[float] = []
        still: list[float] = []
        for _case, value, final in observed:
            (over if final else still).append(value)
        measured, at_least = quantile(over, still, percent)
        return Measured(value=measured, n=len(over) + len(still), running=len(still), at_least=at_least)

    return reduce


def share(observed: Iterable[Observation]) -> Measured:
    """Return in how many of a hundred the observation holds."""
    n = hits = running = 0
    for _case, value, final in observed:
        n += 1
        hits += bool(value)
        running += not final
    return Measured(value=100 * hits / n if n else None, n=n, hits=hits, running=running)


def total(observed: Iterable[Observation]) -> Measured:
    """Return the sum; nothing observed is zero, and known to be."""
    value, n, running = _added(observed)
    return Measured(value=value, n=n, running=running)


def mean(observed: Iterable[Observation]) -> Measured:
    """Return the arithmetic mean."""
    value, n, running = _added(observed)
    return Measured(value=value / n if n else None, n=n, running=running)


def quantile(over: Iterable[float], still: Iterable[float], percent: int) -> tuple[float | None, bool]:
    """Return the percentile of durations, and whether it is only a lower bound.

    Args:
        over: durations that have ended.
        still: ages of what still runs.
        percent: 1 to 100.
    """
    ended, running = sorted(over), sorted(still)
    surviving, wanted, at = 1.0, 1 - percent / 100, 0
    while at < len(ended):
        value = ended[at]
        same = bisect_right(ended, value, at)
        left = len(ended) - at + len(running) - bisect_left(running, value)
        surviving *= 1 - (same - at) / left
        if surviving <= wanted + CLOSE:
            return value, False
        at = same
    return max([*ended[-1:], *running[-1:]], default=None), bool(ended or running)


def _added(observed: Iterable[Observation]) -> tuple[float, int, int]:
    """Return the sum of what is observed, how many it is, and how many of them still run."""
    value: float = 0
    n = running = 0
    for _case, each, final in observed:
        value += each
        n += 1
        running += not final
    return value, n, running
