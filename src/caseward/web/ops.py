"""For the machines that run this one: alive, serving, and how much of what."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from typing import Literal

import structlog
from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from pydantic import BaseModel

from caseward.desk import tools
from caseward.flows import clockwork
from caseward.store import effects, figures, migrate, outbox
from caseward.store.db import transaction
from caseward.store.figures import Figures
from caseward.web import measure

SWEPT_WITHIN = timedelta(seconds=60)
"""An older last sweep of every process at work means that lost wake-ups and due timers wait."""

router = APIRouter(tags=["operations"])
log = structlog.get_logger()

Answer = Literal["ok", "failed"]


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"] = "alive"


class Ready(BaseModel):
    """Whether the desk serves, and what stands in its way."""

    ready: bool
    database: Answer
    migrations: Answer
    engine: Answer
    sweeper: Answer


@router.get("/healthz", response_model=Alive, summary="Alive?")
async def healthz() -> Response:
    """Answer if the process does; nothing behind it is asked."""
    return JSONResponse({"status": "alive"})


@router.get("/readyz", response_model=Ready, responses={503: {"model": Ready}}, summary="Serving?")
def readyz() -> Response:
    """Answer 200 when the database, its tables, the durable engine and the sweeper are as they should be, else 503."""
    checks = _checks()
    ready = all(checks.values())
    body = {"ready": ready, **{name: "ok" if ok else "failed" for name, ok in checks.items()}}
    return JSONResponse(body, status_code=200 if ready else 503, headers={} if ready else {"Retry-After": "1"})


def _checks() -> dict[str, bool]:
    found = {"database": False, "migrations": False, "engine": False, "sweeper": False}
    now, me = tools.now(), (clockwork.host(), os.getpid())
    try:
        with transaction():
            workers = clockwork.at_work(now)
            found["migrations"] = figures.revision() == migrate.head()
        found["database"] = True
        found["engine"] = any((each.host, each.pid) == me for each in workers)
        found["sweeper"] = any(each.swept_at and now - each.swept_at <= SWEPT_WITHIN for each in workers)
    except Exception as error:  # a probe answers whatever is wrong
        log.warning("not ready", why=str(error)[:200])
    return found


@router.get(
    "/metrics",
    summary="Figures for Prometheus",
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}, "description": "Prometheus text"}},
)
def metrics() -> Response:
    """Return counts of the whole desk, read from the database, and request times of its processes."""
    registry = CollectorRegistry()
    measure.add_to(registry)
    with transaction():
        registry.register(_Told(list(_families(figures.read(), tools.now()))))
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class _Told:
    """Families already read, handed to the registry."""

    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterable[Metric]:
        """Return them."""
        return self._families


def _families(seen: Figures, now: datetime) -> Iterator[Metric]:
    yield CounterMetricFamily("caseward_messages_in", "Messages that came in.", value=seen.messages_in)
    yield CounterMetricFamily("caseward_turns", "Turns begun.", value=seen.turns)
    yield CounterMetricFamily("caseward_denied", "Attempts at effects outside the actor's role.", value=seen.denied)
    decided = CounterMetricFamily("caseward_decisions", "Decisions of the gate, by tier.", labels=["tier"])
    for tier, count in seen.decisions.items():
        decided.add_metric([tier], count)
    yield decided
    woken = CounterMetricFamily("caseward_break_glass", "Cases that woke a person, by trigger.", labels=["trigger"])
    for trigger, count in seen.break_glass.items():
        woken.add_metric([trigger], count)
    yield woken
    for name, meaning, label, counts in (
        ("cases", "Cases, by status.", "status", seen.cases),
        ("approvals", "Approval requests, by state.", "state", seen.approvals),
        ("tasks", "Tasks, by state.", "state", effects.count()),
        ("outbox", "Replies on their way or said, by state.", "state", outbox.count()),
    ):
        family = GaugeMetricFamily(f"caseward_{name}", meaning, labels=[label])
        for value, count in counts.items():
            family.add_metric([value], count)
        yield family
    profile = tools.pack().profile
    served = GaugeMetricFamily(
        "caseward_release",
        "What this process serves; always 1.",
        labels=["pack", "release", "phase", "topology"],
    )
    served.add_metric([profile.name, profile.release, profile.phase, profile.topology], 1)
    yield served
    yield GaugeMetricFamily(
        "caseward_oldest_unanswered_seconds",
        "Age of the longest waiting message that is ours to answer; 0 when none waits.",
        value=_age(seen.unanswered_since, now),
    )
    yield GaugeMetricFamily(
        "caseward_sweeper_age_seconds",
        "Time since a sweeper last ran; NaN when none ever did.",
        value=_age(seen.swept_at, now) if seen.swept_at else float("nan"),
    )


def _age(since: datetime | None, now: datetime) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
