"""The shape of a figure, how a pack watches it, and the registry in which the modules of flows put theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from caseward.core.kpis.measures import Measured, Observation, Reduce
from caseward.core.kpis.records import Window

Unit = Literal["minutes", "percent", "count", "money", "score"]
Better = Literal["lower", "higher", "neither"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watch:
    """How one figure is watched (kpis.yaml, `figures`)."""

    target: float | None = None
    """In the figure's unit; none for one that is only looked at."""
    near: float = 0.85
    """Part of the target from which a figure that should stay low is near it."""
    skills: tuple[str, ...] = ()
    """Of a figure about work: the skills it counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kpis:
    """What a business watches (kpis.yaml)."""

    minimum: int = 20
    """A figure that rests on fewer observations is marked provisional."""
    headline: tuple[str, ...] = ()
    """Figures at the head of the overview, six at most; the first six of `figures` when left out."""
    figures: Mapping[str, Watch] = field(default_factory=dict)
    """Figure → how it is watched, in the order in which they are shown."""


Observe = Callable[[Window, Watch], Iterable[Observation]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A figure that can be watched."""

    id: str
    name: str
    unit: Unit
    better: Better
    definition: str
    """What is counted, in sentences."""
    observe: Observe
    reduce: Reduce
    worst_first: bool = True
    """Whether the highest values are those to look at; else the lowest."""

    def measure(self, window: Window, watch: Watch) -> Measured:
        """Return the figure over a window."""
        return self.reduce(self.observe(window, watch))

    def behind(self, window: Window, watch: Watch) -> list[Observation]:
        """Return what the figure is made of, what to look at first: of a share only the cases in which it holds, or,
        where it should be high, in which it does not."""
        observed = [each for each in self.observe(window, watch) if each.case_id]
        if self.unit == "percent":
            wanted = 0 if self.better == "higher" else 1
            observed = [each for each in observed if bool(each.value) == bool(wanted)]
        return sorted(observed, key=lambda each: each.value, reverse=self.worst_first)


def state(figure: Figure, watch: Watch, value: float | None) -> Literal["", "met", "near", "missed"]:
    """Return how a value stands to its target; empty without one."""
    if value is None or watch.target is None or figure.better == "neither":
        return ""
    if figure.better == "higher":
        return "met" if value >= watch.target else "missed"
    if value > watch.target:
        return "missed"
    return "near" if watch.target and value > watch.target * watch.near else "met"


def provisional(measured: Measured, minimum: int) -> str:
    """Return why a figure may still change much, in words; empty where it will not."""
    why = []
    if measured.value is not None and measured.n < minimum:
        why.append(f"{measured.n} of at least {minimum}")
    if measured.running:
        why.append(f"{measured.running} still running")
    return ", ".join(why)


FIGURES: dict[str, Figure] = {}
"""Every figure by its id, in the order in which they were registered."""


def figure(
    id: str,
    name: str,
    unit: Unit,
    reduce: Reduce,
    definition: str,
    *,
    better: Better = "lower",
) -> Callable[[Observe], Observe]:
    """Register a function as a figure; several figures may be made of the same observations."""

    def register(observe: Observe) -> Observe:
        if id in FIGURES:
            raise ValueError(f"two figures are called {id}")
        FIGURES[id] = Figure(
            id=id,
            name=name,
            unit=unit,
            better=better,
            definition=definition,
            observe=observe,
            reduce=reduce,
            worst_first=unit != "score",
        )
        return observe

    return register
