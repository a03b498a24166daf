"""How observations become a figure: percentiles that know of cases still open, shares, totals, means.

A percentile is the smallest value that at least so many of a hundred observations do not exceed (nearest rank). One
that is still running is not left out and not taken as over: it counts as at least its age. This is the Kaplan-Meier
estimate, which without any running one is the nearest rank; tests/property/test_figures.py.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
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


Reduce = Callable[[Sequence[Observation]], Measured]


def percentile(percent: int) -> Reduce:
    """Return what measures a percentile."""

    def reduce(observed: Sequence[Observation]) -> Measured:
        over = [each.value for each in observed if each.final]
        still = [each.value for each in observed if not each.final]
        value, at_least = quantile(over, still, percent)
        return Measured(value=value, n=len(observed), running=len(still), at_least=at_least)

    return reduce


def share(observed: Sequence[Observation]) -> Measured:
    """Return in how many of a hundred the observation holds."""
    hits = sum(1 for each in observed if each.value)
    value = 100 * hits / len(observed) if observed else None
    return Measured(value=value, n=len(observed), hits=hits, running=_running(observed))


def total(observed: Sequence[Observation]) -> Measured:
    """Return the sum; nothing observed is zero, and known to be."""
    return Measured(value=sum(each.value for each in observed), n=len(observed), running=_running(observed))


def mean(observed: Sequence[Observation]) -> Measured:
    """Return the arithmetic mean."""
    value = sum(each.value for each in observed) / len(observed) if observed else None
    return Measured(value=value, n=len(observed), running=_running(observed))


def quantile(over: Iterable[float], still: Iterable[float], percent: int) -> tuple[float | None, bool]:
    """Return the percentile of durations, and whether it is only a lower bound.

    Args:
        over: durations that have ended.
        still: ages of what still runs.
        percent: 1 to 100.
    """
    ended = sorted([*((value, 0) for value in over), *((value, 1) for value in still)])
    if not ended:
        return None, False
    left, surviving, wanted = len(ended), 1.0, 1 - percent / 100
    at = 0
    while at < len(ended):
        value = ended[at][0]
        same = at
        while same < len(ended) and ended[same] == (value, 0):
            same += 1
        surviving *= 1 - (same - at) / left
        if same > at and surviving <= wanted + CLOSE:
            return value, False
        while same < len(ended) and ended[same][0] == value:
            same += 1
        left, at = len(ended) - same, same
    return ended[-1][0], True


def _running(observed: Sequence[Observation]) -> int:
    return sum(1 for each in observed if not each.final)
