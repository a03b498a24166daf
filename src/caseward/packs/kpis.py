"""What may be wrong with kpis.yaml beyond its shape: figures nobody knows, targets that no figure can meet."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from caseward.core import kpis
from caseward.core.kpis import Kpis
from caseward.packs.schema import did_you_mean
from caseward.packs.yamlfile import Place

HEADLINE = 6
"""Figures that the head of the overview has room for."""


def problems(watched: Kpis, skills: Collection[str]) -> Iterator[tuple[Place, str, str]]:
    """Yield where, what is wrong, and what mends it; `skills` are those that the pack's plans ask for."""
    if watched.minimum < 1:
        yield ("minimum",), "minimum must be at least 1", "write a number such as 20"
    for id, watch in watched.figures.items():
        figure = kpis.FIGURES.get(id)
        if figure is None:
            yield ("figures", id), f"unknown figure {id!r}", did_you_mean(id, kpis.FIGURES)
            continue
        if watch.target is not None and (watch.target < 0 or (figure.unit == "percent" and watch.target > 100)):
            yield ("figures", id, "target"), f"no {figure.unit} can be {watch.target:g}", "write what it should be"
        if not 0 < watch.near <= 1:
            yield ("figures", id, "near"), "near is a part of the target", "write a number above 0, at most 1"
        for n, skill in enumerate(watch.skills):
            if skill not in skills:
                fix = did_you_mean(skill, skills)
                yield ("figures", id, "skills", n), f"no plan asks for the skill {skill!r}", fix
    for n, id in enumerate(watched.headline):
        if id not in watched.figures:
            yield ("headline", n), f"the headline names {id!r}, which `figures` does not", "add it there"
    if len(watched.headline) > HEADLINE:
        yield ("headline",), f"{len(watched.headline)} figures at the head", f"name at most {HEADLINE}"
