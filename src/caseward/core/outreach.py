"""Writing first: whether a contact may be written to now, where, and if not, why not."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from caseward.core.channels import Outreach, Playbook

_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
PLACE = re.compile(r"\{([a-z_]+)\}")
SOON = timedelta(minutes=10)
"""When it is looked again at what stands in the way for a while."""


class Step(StrEnum):
    """What is done about one row of a playbook."""

    SEND = "send"
    WAIT = "wait"
    SKIP = "skip"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where a contact is reached: proved to be theirs."""

    channel: str
    address: str
    wanted: bool | None = None
    """What was last said there of messages nobody asked for; None for nothing."""
    said_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How things stand with a contact."""

    addresses: Sequence[Address] = ()
    lately: int = 0
    """Messages of all playbooks that they were sent within the bound's days."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is done about a row, and why nothing is, if nothing is."""

    step: Step
    why: str = ""
    to: Address | None = None
    """For what is sent."""
    until: datetime | None = None
    """For what waits."""


def judge(
    playbook: Playbook, bounds: Outreach, standing: Standing, *, plugged: Collection[str], now: datetime, zone: ZoneInfo
) -> Verdict:
    """Return what may be done about a row of `playbook` now.

    The last word that a contact said anywhere counts everywhere; an address that forbade it stays out until it is
    allowed there again. Nobody who forbade it is written to, nobody more often than the bound, nothing in quiet hours:
    tests/property/test_outreach.py.
    """
    said = [each for each in standing.addresses if each.said_at is not None]
    last = max(said, key=lambda each: (each.said_at, not each.wanted), default=None)
    if last is not None and not last.wanted:
        return _skip("they said that they do not want it")
    reached = {each.channel: each for each in reversed(standing.addresses) if each.wanted is not False}
    to = next((reached[name] for name in playbook.channels if name in reached and name in plugged), None)
    if to is None:
        return _skip(f"no address of theirs is proved on {', '.join(playbook.channels)}")
    if playbook.consent == "asked" and last is None:
        return _skip("they never said that they want it")
    if standing.lately >= bounds.most:
        return _skip(f"they were written to {standing.lately} times within {bounds.days} days")
    until = silent_until(bounds.quiet, now, zone)
    if until is not None:
        return Verdict(step=Step.WAIT, why="quiet hours", until=until)
    return Verdict(step=Step.SEND, to=to)


def span(quiet: str) -> tuple[time, time] | None:
    """Return begin and end of a time of day such as `20:00-08:00`; None for a text that is none."""
    match = _SPAN.fullmatch(quiet)
    if match is None:
        return None
    begin, end = time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))
    return None if begin == end else (begin, end)


def silent_until(quiet: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when the quiet hours in which `now` lies are over, or None outside of them; an empty text has none."""
    hours = span(quiet)
    local = now.astimezone(zone)
    if hours is None:
        return None
    begin, end = hours
    clock = local.time().replace(tzinfo=None)
    within = begin <= clock < end if begin < end else clock >= begin or clock < end
    if not within:
        return None
    over = local.replace(hour=end.hour, minute=end.minute, second=0, microsecond=0)
    if clock >= end:
        over += timedelta(days=1)
    return max(over.astimezone(now.tzinfo), now + timedelta(minutes=1))


def key(playbook: Playbook, row: Mapping[str, Any]) -> str:
    """Return the business key of the message that a row calls for."""
    return PLACE.sub(lambda place: str(row.get(place[1], "")), playbook.key)


def _skip(why: str) -> Verdict:
    return Verdict(step=Step.SKIP, why=why)
