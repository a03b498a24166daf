"""Charts as SVG, drawn by the server: plain shapes with classes, coloured by the style sheet, with no script.

Nothing is smoothed, no axis is cut or doubled; what has no value leaves a gap.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import ceil

from markupsafe import Markup, escape

HEIGHT, FLOOR, CEILING = 170, 150, 14
"""Of a bar chart: all of it, its ground line, and its highest line, in pixels."""
LABELS = 12
"""Labels that stand under a bar chart beside each other."""
FEW = 7
"""Bars for which a chart has room at least: fewer are no wider for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar: what was in time, and on top of it what was late."""

    label: str
    met: int
    late: int
    tick: str = ""
    """What stands under it where every bar has something there; its label when empty."""


def line(points: Sequence[float | None], target: float | None, level: str) -> Markup:
    """Return a small line of values, with the target as a dashed one; hidden from readers, who have the words."""
    known = [point for point in points if point is not None]
    if not known:
        return Markup('<svg class="spark" aria-hidden="true" viewBox="0 0 100 26" preserveAspectRatio="none"></svg>')
    high = max([*known, target] if target is not None else known)
    low = min(0.8 * min(known), target if target is not None else high)
    scale = 22 / (high - low) if high > low else 0.0

    def y(value: float) -> str:
        return f"{24 - (value - low) * scale:.1f}"

    parts = []
    if target is not None:
        parts.append(f'<line class="spark-target" x1="0" x2="100" y1="{y(target)}" y2="{y(target)}"/>')
    step = 100 / max(1, len(points) - 1)
    placed = [(n * step, point) for n, point in enumerate(points)]
    for is_known, run in groupby(placed, key=lambda each: each[1] is not None):
        drawn = [f"{x:.1f},{y(point)}" for x, point in run if point is not None]
        if is_known and len(drawn) > 1:
            parts.append(f'<polyline class="spark-line {level}" points="{" ".join(drawn)}"/>')
        elif is_known:
            x, _, height = drawn[0].partition(",")
            parts.append(f'<path class="spark-line spark-dot {level}" d="M{x} {height}h0.01"/>')
    drawn_parts = "".join(parts)
    return Markup(  # noqa: S704 - numbers and names of ours
        f'<svg class="spark" aria-hidden="true" viewBox="0 0 100 26" preserveAspectRatio="none">{drawn_parts}</svg>'
    )


def bars(found: Sequence[Bar], says: str) -> Markup:
    """Return bars of what was in time and what was late; `says` is the same in a sentence."""
    most = max((bar.met + bar.late for bar in found), default=0)
    top = _round_up(most)
    scale = (FLOOR - CEILING) / top
    parts = []
    for value in (top, top // 2, 0) if top > 1 else (top, 0):
        y = FLOOR - value * scale
        parts.append(f'<text class="chart-number" x="0" y="{y + 4:.1f}">{value}</text>')
        parts.append(f'<line class="chart-line" x1="30" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>')
    parts.append(f'<svg class="chart-bars" x="30" width="93%" height="{HEIGHT}" overflow="visible">')
    wide, every = 100 / max(FEW, len(found)), ceil(len(found) / LABELS)
    for n, bar in enumerate(found):
        x, width = n * wide + wide * 0.18, wide * 0.64
        parts.append(_box("bar-met", x, width, FLOOR - bar.met * scale, bar.met * scale))
        gap = 2 if bar.met and bar.late else 0
        parts.append(_box("bar-late", x, width, FLOOR - gap - (bar.met + bar.late) * scale, bar.late * scale))
        if n % every == 0:
            parts.append(
                f'<text class="chart-label" x="{x + width / 2:.2f}%" y="166" text-anchor="middle">'
                f"{escape((bar.tick if every == 1 else '') or bar.label)}</text>"
            )
    parts.append("</svg>")
    drawn = "".join(parts)
    return Markup(f'<svg class="chart" role="img" aria-label="{escape(says)}" height="{HEIGHT}">{drawn}</svg>')  # noqa: S704


def shares(counts: Sequence[int], says: str) -> Markup:
    """Return one bar divided by tier; `says` is the same in a sentence."""
    total, x, parts = sum(counts), 0.0, []
    for tier, count in enumerate(counts):
        width = 100 * count / total if total else 0
        if width:
            parts.append(f'<rect class="mix-r{tier}" x="{x:.2f}" width="{max(0.4, width - 0.6):.2f}" height="8"/>')
        x += width
    drawn = "".join(parts)
    return Markup(  # noqa: S704 - numbers of ours, and words that are escaped
        f'<svg class="mix" role="img" aria-label="{escape(says)}" viewBox="0 0 100 8" preserveAspectRatio="none" '
        f'width="100%" height="8">{drawn}</svg>'
    )


def _box(name: str, x: float, width: float, y: float, height: float) -> str:
    if height <= 0:
        return ""
    return f'<rect class="{name}" x="{x:.2f}%" width="{width:.2f}%" y="{y:.1f}" height="{height:.1f}" rx="2"/>'


def _round_up(most: int) -> int:
    """Return the next even number that is easy to read, at least two."""
    step: int = 10 ** max(0, len(str(most)) - 2)
    return max(2, ceil(most / (2 * step)) * 2 * step)
