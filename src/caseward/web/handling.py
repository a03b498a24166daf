"""What a person may do with a case beside answering it: take it, give it, mark it, put it out of sight for a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from caseward.core.case import DESK, DONE, Case
from caseward.core.ids import CaseId
from caseward.core.pack import Pack
from caseward.core.roles import HAND_OUT, WORK_ON_CASES
from caseward.desk import snoozing
from caseward.flows.sorting import TAG_CHARS
from caseward.store import people, tags
from caseward.store.people import Person
from caseward.web import words

SNOOZE = {"later": "Later today", "tomorrow": "Tomorrow morning", "monday": "Next Monday"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Somebody:
    """A person who can be given a case."""

    id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Time:
    """A time until which a case may be put out of sight."""

    id: str
    label: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Handling:
    """What the menu of a case offers; nothing of it to those who only read."""

    case_id: str
    back: str
    """Where its forms lead when they are done."""
    works: bool
    """Whether this person works on cases, and on this one."""
    take: bool
    give: Sequence[Somebody]
    give_back: bool
    owner: str
    tags: Sequence[str]
    offered: Sequence[str]
    """Tags that are on other cases."""
    tag_chars: int
    snooze: Sequence[Time]
    snoozed_until: datetime | None
    today: str
    """The day after which a day may be chosen, as YYYY-MM-DD."""


def of(case: Case, back: str, *, person: Person, pack: Pack, now: datetime) -> Handling:
    """Return what a person may do with a case."""
    works = person.role in WORK_ON_CASES and case.merged is None
    open_ = works and case.status not in DONE
    free = open_ and _may_assign(case, person)
    on = tags.of_case(CaseId(case.id))
    times = snoozing.choices(now, pack.hours) if open_ else ()
    return Handling(
        case_id=case.id,
        back=back,
        works=works,
        take=free and case.owner != person.id,
        give=[
            Somebody(id=each.id, name=each.name)
            for each in (people.every() if free else ())
            if each.role in WORK_ON_CASES and not each.disabled and each.id not in (case.owner, person.id)
        ],
        give_back=free and case.owner != DESK,
        owner="You" if case.owner == person.id else words.who(case.owner, people.names()),
        tags=on,
        offered=[tag for tag in tags.used() if tag not in on] if works else (),
        tag_chars=TAG_CHARS,
        snooze=[Time(id=each.id, label=SNOOZE[each.id], at=each.at) for each in times],
        snoozed_until=case.snoozed_until,
        today=now.astimezone(pack.hours.zone).date().isoformat(),
    )


def _may_assign(case: Case, person: Person) -> bool:
    theirs = case.owner not in (DESK, person.id) and people.known(case.owner) is not None
    return person.role in HAND_OUT or not theirs
