"""Figures over a range as the console, the API and the reports show them, made once and shared for a little while.

A small desk is measured anew for every page. Where that takes long, a page shows what was measured a moment ago, says
when, and has it measured anew in the background.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Final, Generic, Literal, TypeVar

import structlog

from caseward.core import kpis
from caseward.core.kpis import Figure, Watch
from caseward.core.kpis.measures import Measured, quantile
from caseward.core.kpis.records import CaseRecord, Window
from caseward.core.policy import Tier
from caseward.desk import tools
from caseward.store import figure_records, precedence
from caseward.store.db import transaction
from caseward.web import ranges
from caseward.web.charts import Bar
from caseward.web.ranges import Range

SMALL = 2_000
"""Over so many cases figures are measured anew every time."""
REST = 20
"""Times as long as measuring took, it is not measured again."""
STALE_SECONDS = 900.0
"""What is older than this is not shown: whoever asks waits for it."""
AGES: Final = ("< 30 m", "30–60 m", "1–4 h", "4–24 h", "Older")
"""Of open cases: by the clock on the wall since they were opened."""
_FROM: Final = (1800, 3600, 14400, 86400)
"""Seconds at which each column of `AGES` but the first begins."""
T = TypeVar("T")
Split = Mapping[str, Mapping[str, Measured]]
"""Figure → tier or channel → how it is."""
TIERS: Sequence[int] = [int(tier) for tier in Tier]


@dataclass(frozen=True, slots=True, kw_only=True)
class Own:
    """Of whose work figures are wanted: cases they hold, or about which their lanes were asked."""

    person: str
    lanes: tuple[str, ...]

    def narrow(self, window: Window) -> Window:
        """Return the window with only that."""
        mine = frozenset(self.lanes)
        return replace(
            window,
            cases=[case for case in window.cases if case.owner == self.person or not mine.isdisjoint(case.lanes)],
            requests=[request for request in window.requests if request.lane in mine],
            guards=[],
            work=[],
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One figure over a range, and how it came to be there."""

    figure: Figure
    watch: Watch
    now: Measured
    before: Measured
    """Over the same days before."""
    points: tuple[float | None, ...]
    """Of a small line; empty for a figure that is not at the head."""
    state: Literal["", "met", "near", "missed"]
    provisional: str
    """Why it may still change, in words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one person did in a range."""

    person: str
    decided: int
    minutes: float | None
    """Until half of it was decided, in business time."""
    holds: int
    """Cases they hold now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything measured over a range."""

    at: datetime
    """When it was measured."""
    range: Range
    tiles: Mapping[str, Tile]
    """Figure → how it is, in the order of the pack."""
    headline: tuple[str, ...]
    bars: tuple[Bar, ...]
    """First responses in time and late: by hour for one day, else by day."""
    settled: tuple[int, ...]
    """Cases settled, by tier."""
    loads: tuple[Load, ...]
    guards: Mapping[str, int]
    """What guards stopped: kind → how often."""
    scores: Mapping[int, int]
    cases: int
    """Opened in the range."""
    samples: int
    """Of these, of sample contacts."""
    open: int
    backlog: Mapping[tuple[int | None, int], tuple[int, int]]
    """Tier and column of `AGES` → how many cases are open now, and how many of them are late."""
    rests_on: int
    """Cases that were looked at."""


def overview(wanted: Range, own: Own | None = None) -> Overview:
    """Return what is measured over a range, of everything or of somebody's own work."""
    return _overviews.give(_key(wanted, own), partial(_measure, wanted, own), _size)


def _size(made: Overview) -> int:
    return made.rests_on


def prepare() -> None:
    """Measure the ranges that the overview offers where it would take long, so that nobody waits for them."""
    with transaction():
        if not figure_records.more_than(SMALL):
            return
    for id in ranges.SPANS:
        wanted = ranges.of(id, "", "", now=tools.now(), zone=tools.pack().hours.zone)
        with precedence.behind():
            _overviews.renew(_key(wanted, None), partial(_measure, wanted, None), _size)


def window(wanted: Range, own: Own | None = None) -> Window:
    """Return the records behind the figures of a range."""

    def read() -> Window:
        with transaction():
            found = figure_records.read(wanted.start, wanted.end, hours=tools.pack().hours, now=tools.now())
        return own.narrow(found) if own else found

    return _windows.give(_key(wanted, own), read, lambda made: len(made.cases))


def split(wanted: Range) -> Split:
    """Return every figure of a range by tier and by channel: `R0` to `R3`, then the channels that occur."""

    def measure() -> Split:
        parts = _parts(window(wanted))
        known = {id: (kpis.FIGURES[id], watch) for id, watch in watched().items()}
        return {
            id: {name: figure.measure(part, watch) for name, part in parts.items()}
            for id, (figure, watch) in known.items()
        }

    return _splits.give(_key(wanted, None), measure, lambda _made: len(window(wanted).cases))


def _key(wanted: Range, own: Own | None) -> object:
    return tools.pack().digest, wanted.id, wanted.first, wanted.last, own


def watched() -> Mapping[str, Watch]:
    """Return the figures that the pack watches; all of them, without targets, where it says nothing."""
    said = tools.pack().kpis.figures
    return said or {id: Watch() for id in kpis.FIGURES}


def _parts(found: Window) -> Mapping[str, Window]:
    by_tier = {str(Tier(tier)): found.of(tier=tier) for tier in TIERS}
    channels = sorted({case.channel for case in found.cases})
    return {**by_tier, **{channel: found.of(channel=channel) for channel in channels}}


def _measure(wanted: Range, own: Own | None) -> Overview:
    pack, now = tools.pack(), tools.now()
    before, stretches = wanted.before(), wanted.points()
    since = min(before[0], stretches[0][0])
    with transaction():
        found = figure_records.read(wanted.start, wanted.end, hours=pack.hours, now=now, since=since)
    if own is not None:
        found = own.narrow(found)
    earlier = found.between(*before)
    small = [found.between(*stretch) for stretch in stretches]
    headline = pack.kpis.headline or tuple(watched())[:6]
    tiles = {
        id: _tile(kpis.FIGURES[id], watch, found, earlier, small if id in headline else ())
        for id, watch in watched().items()
        if id in kpis.FIGURES
    }
    guards: dict[str, int] = {}
    for guard in found.guarded:
        guards[guard.kind] = guards.get(guard.kind, 0) + 1
    scores: dict[int, int] = {}
    for case in found.rated:
        scores[case.score or 0] = scores.get(case.score or 0, 0) + 1
    return Overview(
        at=now,
        range=wanted,
        tiles=tiles,
        headline=headline,
        bars=tuple(_bars(wanted, found.opened)),
        settled=tuple(sum(1 for case in found.settled if case.tier == tier) for tier in TIERS),
        loads=tuple(_loads(found)),
        guards=guards,
        scores=dict(sorted(scores.items(), reverse=True)),
        cases=len(found.opened),
        samples=sum(1 for case in found.opened if case.sample),
        open=len(found.open),
        backlog=_backlog(found),
        rests_on=len(found.cases),
    )


def _tile(figure: Figure, watch: Watch, now: Window, before: Window, small: Sequence[Window]) -> Tile:
    precedence.give_way()
    found = figure.measure(now, watch)
    return Tile(
        figure=figure,
        watch=watch,
        now=found,
        before=figure.measure(before, watch),
        points=tuple(figure.measure(each, watch).value for each in small),
        state=kpis.state(figure, watch, found.value),
        provisional=kpis.provisional(found, 1 if figure.unit == "count" else tools.pack().kpis.minimum),
    )


def _bars(wanted: Range, opened: Sequence[CaseRecord]) -> list[Bar]:
    """Return first responses by hour of the one day, or by day."""
    by_hour = wanted.days == 1
    counted: dict[object, tuple[int, int]] = {}
    for case in opened:
        if case.first_seconds is None or not (case.answered or case.first_late):
            continue
        local = case.opened_at.astimezone(wanted.zone)
        slot = local.hour if by_hour else local.date()
        met, late = counted.get(slot, (0, 0))
        counted[slot] = (met, late + 1) if case.first_late else (met + 1, late)
    if by_hour:
        spans = tools.pack().hours.spans(wanted.first)
        hours = [at.astimezone(wanted.zone).hour for span in spans for at in span]
        known = [*hours, *(slot for slot in counted if isinstance(slot, int))] or [9, 17]
        slots: list[object] = list(range(min(known), max(known) + 1))
        return [_bar(f"{slot:02}", counted.get(slot)) for slot in slots]
    days = [wanted.first.fromordinal(wanted.first.toordinal() + n) for n in range(wanted.days)]
    named = {day: day == wanted.first or day.day == 1 for day in days}
    return [_bar(f"{day.day} {day:%b}", counted.get(day), tick="" if named[day] else str(day.day)) for day in days]


def _bar(label: str, counted: tuple[int, int] | None, *, tick: str = "") -> Bar:
    met, late = counted or (0, 0)
    return Bar(label=label, met=met, late=late, tick=tick)


def _backlog(found: Window) -> dict[tuple[int | None, int], tuple[int, int]]:
    counted: dict[tuple[int | None, int], tuple[int, int]] = {}
    for case in found.open:
        slot = case.tier, bisect_right(_FROM, (found.now - case.opened_at).total_seconds())
        many, late = counted.get(slot, (0, 0))
        counted[slot] = many + 1, late + case.due_late
    return counted


def _loads(found: Window) -> list[Load]:
    decided: dict[str, list[float]] = {}
    for request in found.decided:
        decided.setdefault(request.decided_by, []).append(request.seconds / 60)
    holds: dict[str, int] = {}
    for case in found.open:
        if case.owner != "desk":
            holds[case.owner] = holds.get(case.owner, 0) + 1
    loads = [
        Load(
            person=person,
            decided=len(decided.get(person, ())),
            minutes=quantile(decided.get(person, ()), (), 50)[0],
            holds=holds.get(person, 0),
        )
        for person in {**decided, **holds}
    ]
    return sorted(loads, key=lambda load: (-load.decided - load.holds, load.person))


# --- remembering ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held(Generic[T]):
    value: T
    size: int
    took: float
    made: float


class _Kept(Generic[T]):
    """What was measured lately, by what was asked for."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._held: dict[object, _Held[T]] = {}
        self._under_way: set[object] = set()
        self._lock = threading.Lock()

    def give(self, key: object, make: Callable[[], T], size: Callable[[T], int]) -> T:
        held, now = self._held.get(key), time.monotonic()
        if held is None or held.size <= SMALL or now - held.made > STALE_SECONDS:
            return self.renew(key, make, size)
        if now - held.made > REST * held.took:
            with self._lock:
                begin = key not in self._under_way
                self._under_way.add(key)
            if begin:
                threading.Thread(target=self._again, args=(key, make, size), name="figures", daemon=True).start()
        return held.value

    def renew(self, key: object, make: Callable[[], T], size: Callable[[T], int]) -> T:
        """Measure at once, and keep that."""
        began = time.monotonic()
        value = make()
        made = time.monotonic()
        with self._lock:
            self._held.pop(key, None)
            self._held[key] = _Held(value=value, size=size(value), took=made - began, made=made)
            while len(self._held) > self._most:
                del self._held[next(iter(self._held))]
        return value

    def _again(self, key: object, make: Callable[[], T], size: Callable[[T], int]) -> None:
        try:
            with precedence.behind():
                self.renew(key, make, size)
        except Exception as error:
            structlog.get_logger(__name__).warning("figures will be measured again", error=str(error))
        finally:
            with self._lock:
                self._under_way.discard(key)


_overviews: _Kept[Overview] = _Kept(50)
_windows: _Kept[Window] = _Kept(4)  # each holds every case of its range
_splits: _Kept[Split] = _Kept(20)
