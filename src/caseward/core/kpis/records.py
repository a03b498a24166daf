"""What figures are made of: plain records of cases, requests and work, and a stretch of time that looks at them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property

RETURN_DAYS = 7
"""A settled case that is taken up again within so many days counts as reopened."""

UNFOUNDED = frozenset(
    {"claims have evidence", "figures are in the evidence", "dates are in the evidence", "pages are published"}
)
"""Rules of the review (core/review.py) that a draft breaks which claims something without a source."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRecord:
    """A case as figures see it. Seconds are business time; a merged case has none, it is part of the other."""

    id: str
    number: int
    channel: str
    tier: int | None
    owner: str
    sample: bool
    opened_at: datetime
    first_seconds: int | None
    """Until the first answer; until now where there is none yet. None where nobody waited for one."""
    answered: bool
    first_at: datetime | None
    """When the first answer was due."""
    first_late: bool
    worked_seconds: int
    """In which the next move was ours, until it was settled last, or until now."""
    due_at: datetime | None
    """When it was to be settled; None before anything was promised."""
    due_late: bool
    settled_at: datetime | None
    """When it was settled first."""
    closed_at: datetime | None
    """When it was settled last; None for one that is open."""
    returned_at: datetime | None
    """When it was first taken up again within the days that count."""
    turns: int
    asked: int
    """How often people were asked to decide."""
    handed: bool
    """Whether a person took it over or wrote in it."""
    answers: int
    """Replies that went out on a decision of policy."""
    mismatches: int
    """Of these, how many on less consent than the decision asked for."""
    checks: int
    """Reviews of drafts."""
    unfounded: int
    """Of these, how many found a claim without a source."""
    cost: float
    """Of models, in the pack's currency."""
    score: int | None
    scored_at: datetime | None
    lanes: tuple[str, ...] = ()
    """Lanes in which somebody was asked."""

    @property
    def by_itself(self) -> bool:
        """Whether nobody was asked, wrote, or took it over."""
        return not self.asked and not self.handed


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestRecord:
    """A request for consent."""

    case_id: str
    tier: int
    lane: str
    channel: str
    opened_at: datetime
    seconds: int
    """Business time until a person decided, it ran out, or now."""
    decided: bool
    """Whether a person decided; what ran out or was withdrawn took at least its time."""
    decided_by: str
    decided_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkRecord:
    """A task asked of operations."""

    case_id: str
    skill: str
    state: str
    """`done`, `failed`, or what it waits for."""
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardRecord:
    """Something a guard of the house stopped or reported (an entry of the action log)."""

    case_id: str
    kind: str
    name: str
    """Of a denial the effect, of a warning the clock; else empty."""
    at: datetime


@dataclass(frozen=True)
class Window:
    """A stretch of time, and everything that figures over it may ask about."""

    start: datetime
    end: datetime
    """Not part of it."""
    now: datetime
    cases: Sequence[CaseRecord] = ()
    """At least those opened, settled or rated in the stretch, and all that are open now."""
    requests: Sequence[RequestRecord] = ()
    work: Sequence[WorkRecord] = ()
    guards: Sequence[GuardRecord] = ()

    @cached_property
    def _span(self) -> tuple[datetime, datetime]:
        """The stretch in UTC, as records are: instants of different zones take ten times as long to compare."""
        return self.start.astimezone(UTC), self.end.astimezone(UTC)

    @cached_property
    def opened(self) -> Sequence[CaseRecord]:
        """Cases opened in the stretch."""
        start, end = self._span
        return [case for case in self.cases if start <= case.opened_at < end]

    @cached_property
    def settled(self) -> Sequence[CaseRecord]:
        """Cases settled for the first time in the stretch."""
        start, end = self._span
        return [case for case in self.cases if case.settled_at and start <= case.settled_at < end]

    @cached_property
    def rated(self) -> Sequence[CaseRecord]:
        """Cases whose contact said in the stretch how they were served."""
        start, end = self._span
        return [case for case in self.cases if case.scored_at and start <= case.scored_at < end]

    @cached_property
    def open(self) -> Sequence[CaseRecord]:
        """Cases that are open now."""
        return [case for case in self.cases if case.closed_at is None]

    @cached_property
    def asked(self) -> Sequence[RequestRecord]:
        """Requests made in the stretch."""
        start, end = self._span
        return [request for request in self.requests if start <= request.opened_at < end]

    @cached_property
    def decided(self) -> Sequence[RequestRecord]:
        """Requests that people decided in the stretch."""
        return [
            request
            for request in self.requests
            if request.decided and request.decided_at and self.start <= request.decided_at < self.end
        ]

    @cached_property
    def worked(self) -> Sequence[WorkRecord]:
        """Work asked for in the stretch."""
        return [work for work in self.work if self.start <= work.created_at < self.end]

    @cached_property
    def guarded(self) -> Sequence[GuardRecord]:
        """What guards stopped in the stretch."""
        return [guard for guard in self.guards if self.start <= guard.at < self.end]

    def between(self, start: datetime, end: datetime) -> Window:
        """Return another stretch over the same records."""
        return replace(self, start=start, end=end)

    def of(self, *, tier: int | None = None, channel: str = "") -> Window:
        """Return the same stretch over the cases, requests and guards of one tier, one channel, or both."""
        cases = [
            case
            for case in self.cases
            if (tier is None or case.tier == tier) and (not channel or case.channel == channel)
        ]
        requests = [
            request
            for request in self.requests
            if (tier is None or request.tier == tier) and (not channel or request.channel == channel)
        ]
        ids = {case.id for case in cases}
        return replace(
            self,
            cases=cases,
            requests=requests,
            work=[work for work in self.work if work.case_id in ids],
            guards=[guard for guard in self.guards if guard.case_id in ids],
        )

    def returned_for_good(self, case: CaseRecord) -> bool:
        """Return whether it is known if a settled case was reopened: it was, or the days that count are over."""
        over = case.settled_at is not None and self.now >= case.settled_at + timedelta(days=RETURN_DAYS)
        return over or case.returned_at is not None
