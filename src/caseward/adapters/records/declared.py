"""Runs the skills that a pack declares over the record book (core/declared.py says what they are)."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from caseward.adapters.records.kinds import (
    Args,
    Planned,
    Reading,
    Write,
    added,
    changed,
    failed,
    found,
    same,
)
from caseward.core.declared import DeclaredSkill, Entry, Listing, Look, Requirement, duration, figure, fill
from caseward.core.ports import Record, RecordBook, Skill
from caseward.core.task import Result

LISTED = 6
"""Values of a list; more would be something to read, not to choose from."""
FOUND, NONE, MANY = "found", "none", "many"


def skills(book: RecordBook, declared: Mapping[str, DeclaredSkill]) -> Iterator[Skill]:
    """Yield the declared skills over `book`."""
    for each in declared.values():
        if each.reads is not None:
            yield Reading(name=each.id, system=each.system, read=Reader(book=book, look=each.reads).read)
        elif each.writes is not None:
            plan = Writer(book=book, entry=each.writes).plan
            yield Write(name=each.id, system=each.system, book=book, plan=plan)
        elif each.lists is not None:
            yield Reading(name=each.id, system=each.system, read=Lister(book=book, listing=each.lists).read)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """One declared reading."""

    book: RecordBook
    look: Look

    def read(self, args: Args, now: datetime) -> Result:
        """Return what the records say; nothing of anybody else's is ever among them."""
        look = self.look
        fitting = sorted(self._fitting(args, now), key=lambda each: (_order(each.data.get(look.by)), each.id))
        picked = self._picked(fitting, named=look.named in args)
        values: dict[str, Any] = {}
        if look.found:
            values[look.found] = FOUND if picked else MANY if fitting else NONE
        if look.count:
            values[look.count] = len(fitting)
        for name, field in look.lists.items():
            values[name] = [each.data[field] for each in fitting if each.data.get(field) is not None][:LISTED]
        if picked is None:
            return found(**{**look.otherwise, **values})
        said = {name: picked.data.get(field) for name, field in look.values.items()}
        return found(**{**{name: value for name, value in said.items() if value is not None}, **values})

    def _fitting(self, args: Args, now: datetime) -> Sequence[Record]:
        look = self.look
        mine = _owner(self.book, args, look.owner, look.through)
        if mine is None:
            return ()
        named = args.get(look.named) if look.named else args.get(look.of, ()) if look.of else None
        if named is not None:
            ids = dict.fromkeys(map(str, named if isinstance(named, list | tuple) else [named]))
            rows = [each for id in ids if (each := self.book.get(look.kind, id)) is not None]
            return [each for each in rows if _owns(each, look.owner, mine)]
        own = self.book.find(look.kind, **({look.owner: mine} if look.owner else {}))
        rows = [each for each in own if _fits(each, look.where)]
        if look.pick == "next":
            return [each for each in rows if (at := _instant(each.data.get(look.by))) is not None and at >= now]
        return rows

    def _picked(self, fitting: Sequence[Record], *, named: bool) -> Record | None:
        """Return the one record meant; several that were named are never chosen among."""
        if len(fitting) <= 1 or named or self.look.pick == "only":
            return fitting[0] if len(fitting) == 1 else None
        return fitting[-1] if self.look.pick == "newest" else fitting[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Lister:
    """One declared listing."""

    book: RecordBook
    listing: Listing

    def read(self, args: Args, now: datetime) -> Result:
        """Return `rows`, each with its `contact` and values, in the order of their instants; all of them, or only
        those of the contact that the arguments name."""
        listing = self.listing
        own = {listing.contact: str(args["contact"])} if "contact" in args else {}
        fitting = [each for each in self.book.find(listing.kind, **own) if self._due(each, now)]
        fitting.sort(key=lambda each: (_order(each.data.get(listing.by)), each.id))
        rows = []
        for each in fitting:
            said = {name: each.data.get(field) for name, field in listing.values.items()}
            contact = each.data.get(listing.contact)
            if contact and all(value is not None for value in said.values()):
                rows.append({**said, "contact": str(contact)})
        return found(rows=rows)

    def _due(self, record: Record, now: datetime) -> bool:
        listing = self.listing
        if not _fits(record, listing.where):
            return False
        if not listing.by:
            return True
        at = _instant(record.data.get(listing.by))
        if at is None:
            return False
        before, after, until = (duration(each) for each in (listing.before, listing.after, listing.until))
        return (
            (before is None or timedelta() < at - now <= timedelta(minutes=before))
            and (after is None or now - at >= timedelta(minutes=after))
            and (until is None or now - at <= timedelta(minutes=until))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """One declared write."""

    book: RecordBook
    entry: Entry

    def plan(self, args: Args, reference: str, now: datetime) -> Planned | Result:
        """Plan the write, or refuse it: no such record of the contact, or a requirement that does not hold."""
        entry = self.entry
        known = {**args, "now": now.isoformat(), "reference": reference}
        mine = _owner(self.book, args, entry.owner, entry.through)
        if mine is None or any(args.get(name) in (None, "") for name in entry.arguments()):
            return failed(entry.unknown)
        record, data = None, {}
        if entry.kind:
            record = self.book.get(entry.kind, str(args[entry.id]))
            if record is None or not _owns(record, entry.owner, mine):
                return failed(entry.unknown)
            data = dict(record.data)
        for requirement in entry.require:
            if not _holds(requirement, data, known, now):
                return failed(requirement.refuse)
        changes = []
        if record is not None:
            fields = {name: fill(value, known, data) for name, value in entry.set.items()}
            changes.append(changed(record, **fields) if fields else same(record))
        for each in entry.add:
            id = str(fill(each.id, known, data)) or f"{each.kind}-{reference}"
            if self.book.get(each.kind, id) is not None:
                return failed(each.refuse)
            changes.append(
                added(each.kind, id, **{name: fill(text, known, data) for name, text in each.fields.items()})
            )
        return Planned(changes=changes, values={name: fill(text, known, data) for name, text in entry.values.items()})


def _owner(book: RecordBook, args: Args, owner: str, through: str) -> str | None:
    """Return what the owner's field must equal: empty where records belong to nobody, None where that is not known."""
    if not owner:
        return ""
    contact = str(args["contact"])
    if not through:
        return contact
    person = book.get("person", contact)
    value = person.data.get(through) if person else None
    return str(value) if value else None


def _owns(record: Record, owner: str, mine: str) -> bool:
    return not owner or (record.id if owner == "id" else str(record.data.get(owner))) == mine


def _fits(record: Record, where: Mapping[str, Any]) -> bool:
    return all(
        record.data.get(field) in (wanted if isinstance(wanted, list | tuple) else (wanted,))
        for field, wanted in where.items()
    )


def _holds(requirement: Requirement, record: Mapping[str, Any], args: Args, now: datetime) -> bool:
    value = record.get(requirement.field)
    if value is None:
        return False
    at, own = _instant(value), figure(value)
    within, past, ahead = (duration(each) for each in (requirement.within, requirement.past, requirement.ahead))
    return (
        (not requirement.one_of or value in requirement.one_of)
        and (not requirement.equals or str(value) == str(fill(requirement.equals, args, record)))
        and (within is None or (at is not None and now - at <= timedelta(minutes=within)))
        and (past is None or (at is not None and now - at >= timedelta(minutes=past)))
        and (ahead is None or (at is not None and at - now >= timedelta(minutes=ahead)))
        and (requirement.at_most is None or _compare(own, requirement.at_most, operator.le))
        and (requirement.at_least is None or _compare(own, requirement.at_least, operator.ge))
    )


def _compare(own: tuple[int, str] | None, limit: str | int, fits: Callable[[int, int], bool]) -> bool:
    """Return whether a figure fits its limit; figures of two kinds or currencies never do."""
    other = figure(limit)
    return own is not None and other is not None and own[1] == other[1] and fits(own[0], other[0])


def _instant(value: object) -> datetime | None:
    """Return an instant, or the beginning of a date in UTC; None for anything else."""
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at is None or at.tzinfo else at.replace(tzinfo=UTC)


def _order(value: object) -> tuple[int, float, str]:
    """Return a key that puts instants and numbers in their order, and what is neither behind them, by its letters."""
    at = _instant(value)
    if at is not None:
        return 0, at.timestamp(), ""
    number = figure(value)
    return (0, float(number[0]), "") if number else (1, 0.0, str(value))
