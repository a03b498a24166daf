"""How what the action log tells of a case adds up: time that was ours, settlements, returns, consent."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from caseward.core.case import DESK, DONE, OURS, CaseStatus
from caseward.core.kpis.opening import Opening
from caseward.core.kpis.records import RETURN_DAYS, UNFOUNDED

BY_POLICY = ("policy",)
"""Who consented to what went out by itself."""
REOPENED = "reopened"
"""What the log says of a settled case that is taken up again, beside the statuses."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """An entry of the action log, as far as figures ask."""

    at: datetime
    kind: str
    """case, send, check or verdict."""
    status: str = ""
    owner: str = ""
    verdict: str = ""
    digest: str = ""
    approvers: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    """Rules of the review that were broken, each with its detail behind a colon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What policy asked for of one draft."""

    auto_send: bool
    lane: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What a case's history adds up to."""

    worked_seconds: int
    running_since: datetime | None
    """From which instant more of it is ours; None while it is not."""
    settled_at: datetime | None
    closed_at: datetime | None
    returned_at: datetime | None
    handed: bool
    answers: int
    mismatches: int
    checks: int
    unfounded: int


@dataclass(slots=True)
class _Run:
    """Where a walk through a history stands."""

    opening: Opening
    seconds: int = 0
    since: datetime | None = None
    settled: list[datetime] = field(default_factory=list)
    over: bool = False
    returned_at: datetime | None = None

    def move(self, at: datetime, *, ours: bool, over: bool) -> None:
        if self.since is not None:
            self.seconds += self.opening.seconds(self.since, at)
        self.since = at if ours else None
        if over and not self.over:
            self.settled.append(at)
        back = self.over and not over and at - self.settled[-1] <= timedelta(days=RETURN_DAYS)
        if back and self.returned_at is None:
            self.returned_at = at
        self.over = over


def add_up(
    events: Sequence[Event],
    *,
    opened_at: datetime,
    resolved_at: datetime | None,
    owner: str,
    asked: Mapping[str, Asked],
    consented: Collection[str],
    lanes: Sequence[str],
    opening: Opening,
) -> Sums:
    """Return what a case's history adds up to.

    Args:
        events: its entries, oldest first.
        opened_at: when it was opened.
        resolved_at: when it was settled, as the case itself says: what the log no longer tells is taken from there.
        owner: who holds it now.
        asked: digest of a draft → what policy asked for.
        consented: lanes in which people consented to something of the case.
        lanes: the pack's, from the weakest to the strongest.
        opening: business time, from `opened_at` on.
    """
    run = _Run(opening=opening, since=opened_at)
    for event in events:
        if event.kind == "case" and event.status in _OURS_BY_STATUS:
            run.move(event.at, ours=_OURS_BY_STATUS[event.status], over=event.status in _OVER)
    if resolved_at is not None and not run.over:
        run.move(max(resolved_at, opened_at), ours=False, over=True)
    sent = [event for event in events if event.kind == "send" and event.digest in asked]
    checks = [event for event in events if event.kind == "check"]
    return Sums(
        worked_seconds=run.seconds,
        running_since=run.since,
        settled_at=run.settled[0] if run.settled else None,
        closed_at=run.settled[-1] if run.over else None,
        returned_at=run.returned_at,
        handed=owner != DESK or any(_by_hand(event) for event in events),
        answers=len(sent),
        mismatches=sum(1 for event in sent if _too_little(event, asked[event.digest], consented, lanes)),
        checks=len(checks),
        unfounded=sum(1 for event in checks if _is_unfounded(event.failed)),
    )


_OVER = frozenset(str(status) for status in DONE)
_OURS_BY_STATUS = {**{str(status): status in OURS for status in CaseStatus}, REOPENED: True}


def _by_hand(event: Event) -> bool:
    """Return whether somebody of the house took the case over, or wrote in it."""
    return (event.kind == "case" and event.owner not in ("", DESK)) or event.verdict == "write"


def _too_little(event: Event, asked: Asked, consented: Collection[str], lanes: Sequence[str]) -> bool:
    """Return whether a reply went out on less consent than policy asked for; lanes that are gone prove nothing."""
    if event.approvers == BY_POLICY:
        return not asked.auto_send
    known = [lanes.index(lane) for lane in consented if lane in lanes]
    return bool(known) and asked.lane in lanes and max(known) < lanes.index(asked.lane)


def _is_unfounded(failed: Iterable[str]) -> bool:
    return any(each.partition(":")[0] in UNFOUNDED for each in failed)
