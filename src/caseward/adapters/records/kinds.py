"""The two kinds of skill over a record book: one that reads, and one that writes once for a key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from caseward.core.errors import Conflict, SystemDown
from caseward.core.ports import Change, Record, RecordBook
from caseward.core.task import Result, ResultStatus

TRIES = 8
"""How often a write looks again when a document moved between its reading and its writing."""

Args = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a write is about to do, if nothing it rests on moves before."""

    changes: Sequence[Change]
    values: Mapping[str, Any]


@dataclass(slots=True, kw_only=True)
class Reading:
    """A skill that reads."""

    name: str
    system: str
    read: Callable[[Args, datetime], Result]
    writes: bool = False

    def run(self, args: Args, *, key: str, now: datetime) -> Result:
        """Return what the system says."""
        return self.read(args, now)

    def lookup(self, *, key: str) -> Result | None:
        """Return None: a reading leaves nothing behind."""
        return None


@dataclass(slots=True, kw_only=True)
class Write:
    """A skill that changes records: planned from what is there, made only if that still stands, once for its key.

    Twice the same key is one effect; nobody is booked twice and no quota is passed, whoever else writes in between:
    tests/property/test_record_skills.py.
    """

    name: str
    system: str
    book: RecordBook
    plan: Callable[[Args, str, datetime], Planned | Result]
    """Takes the arguments, the effect's reference and the instant; returns a refusal or what to do."""
    writes: bool = True

    def run(self, args: Args, *, key: str, now: datetime) -> Result:
        """Do it, or return what was done under `key` before; FAILED with a detail when the records do not allow it."""
        for _ in range(TRIES):
            earlier = self.lookup(key=key)
            if earlier is not None:
                return earlier
            planned = self.plan(args, reference(key), now)
            if isinstance(planned, Result):
                return planned
            remember = {"reference": reference(key), "values": dict(planned.values)}
            try:
                return _done(self.book.apply(key, changes=planned.changes, remember=remember))
            except Conflict:
                continue
        raise SystemDown(self.system, "too many changes at once; nothing was changed")

    def lookup(self, *, key: str) -> Result | None:
        """Return what was done under `key`, or None when nothing was."""
        earlier = self.book.effect(key)
        return None if earlier is None else _done(earlier)


def _done(outcome: Mapping[str, Any]) -> Result:
    return Result(status=ResultStatus.SUCCESS, values=outcome["values"], reference=str(outcome["reference"]))


def found(**values: Any) -> Result:
    """Return a successful reading."""
    return Result(status=ResultStatus.SUCCESS, values=values)


def failed(detail: str) -> Result:
    """Return a refusal; `detail` is a stable word for why."""
    return Result(status=ResultStatus.FAILED, detail=detail)


def reference(key: str) -> str:
    """Return the reference of the effect with that business key, such as `R-4F0A91C2`."""
    return "R-" + hashlib.sha256(key.encode()).hexdigest()[:8].upper()


def same(record: Record) -> Change:
    """Write a document as it is: a change that rests on it then fails if anybody else changed it meanwhile."""
    return Change(kind=record.kind, id=record.id, data=record.data, revision=record.revision)


def changed(record: Record, *, claim: str | None = None, **fields: Any) -> Change:
    """Write some fields of a document anew; a field given as None is taken out."""
    data = {name: value for name, value in {**record.data, **fields}.items() if value is not None}
    return Change(kind=record.kind, id=record.id, data=data, revision=record.revision, claim=claim)


def added(kind: str, id: str, *, claim: str | None = None, **fields: Any) -> Change:
    """Write a new document."""
    return Change(kind=kind, id=id, data={"id": id, **fields}, revision=None, claim=claim)


def instant(text: object) -> datetime:
    """Return an ISO instant as aware UTC."""
    return datetime.fromisoformat(str(text)).astimezone(UTC)
