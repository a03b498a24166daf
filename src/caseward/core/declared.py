"""Skills that a pack declares over the built-in record book: what a reading looks up, what a write does, and when not.

The field docstrings are the reference of skills.yaml; adapters/records/declared.py runs them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from caseward.core.facts import FactKind, FactSpec

Plain: TypeAlias = str | bool | int
PLACE = re.compile(r"\{([a-z_]+)(?:\.([a-z_]+))?\}")
HOUSE = ("now", "contact", "reference")
"""Places that every write may use beside its arguments."""
RECORD = "record"

TOLD: Mapping[str, tuple[str, ...]] = {
    "next_session": ("session", "session_id", "session_at", "coach"),
    "reschedule_quota": ("reschedules_this_month", "quota_resets_on"),
    "free_slots": ("slots",),
    "last_payment": (
        *("payment_id", "payment_state", "payment_amount", "payment_method", "payment_at"),
        "invoice_id",
    ),
    "last_invoice": ("invoice_id", "invoice_state", "invoice_amount", "invoice_due", "invoice_email"),
}
"""Reading of the built-in systems → the values it may tell, as those declared in a pack say of themselves.
Kept true by tests/contract/skills/test_records.py."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a reading looks up."""

    kind: str
    """Kind of record, the name of its file under records/."""
    owner: str = "person"
    """Field that must equal the contact's id; empty for records of nobody, such as the state of a service,
    which are read for whoever asks."""
    through: str = ""
    """Field of the contact's own `person` record that `owner` must equal instead, such as their account."""
    named: str = ""
    """Entity with which the contact names one record by its id; without it in the message, `pick` chooses."""
    of: str = ""
    """Value of an earlier reading of the intent that holds the record's id; where it is not known, nothing is found."""
    where: Mapping[str, Plain | tuple[Plain, ...]] = field(default_factory=dict)
    """Field → what it must equal, or a list of what it may equal, to be chosen from; a record that is named counts
    whatever its fields."""
    pick: Literal["only", "newest", "oldest", "next"] = "only"
    """Which of several: `only` takes none of them, `next` the nearest whose `by` is still ahead."""
    by: str = ""
    """Field that tells newest, oldest and next: an instant, a date or a number."""
    found: str = ""
    """Value that says how it went: `found`, `none` or `many`."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Value → field of the record it is taken from. A name's ending says how it is printed: `_at`, `_on`, `_amount`."""
    lists: Mapping[str, str] = field(default_factory=dict)
    """Value → field, as a list over all records that fit, in the order of `by`; `slots` can be offered as a choice."""
    count: str = ""
    """Value that says how many records fit."""
    otherwise: Mapping[str, Plain] = field(default_factory=dict)
    """Value → what it is when no record was picked; any other value is then unknown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """Which records call for a message, whoever they belong to: what a playbook goes by. No intent may read it."""

    kind: str
    """Kind of record, the name of its file under records/."""
    contact: str = "person"
    """Field that holds the id of the contact it belongs to; `id` for records of kind `person` themselves."""
    where: Mapping[str, Plain | tuple[Plain, ...]] = field(default_factory=dict)
    """Field → what it must equal, or a list of what it may equal."""
    by: str = ""
    """Field that holds the instant, or the date, which the spans below are counted from."""
    before: str = ""
    """From this long before that instant until the instant itself, such as `24h`."""
    after: str = ""
    """From this long after that instant, such as `1d`."""
    until: str = ""
    """Until this long after that instant; what is older is let rest."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Value → field of the record it is taken from. A record that lacks one is not listed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """What a record must be like for a write; a field the record lacks fits nothing."""

    field: str
    one_of: tuple[Plain, ...] = ()
    """What the field may equal."""
    equals: str = ""
    """What it must equal, with `{places}`: an argument that was read earlier shows whether the record moved since."""
    within: str = ""
    """The instant in the field is at most this long ago, such as `14d`."""
    past: str = ""
    """The instant in the field is at least this long ago."""
    ahead: str = ""
    """The instant in the field is at least this far ahead, such as `2h`."""
    at_most: str | int | None = None
    """Highest number, or amount such as `100.00 EUR`."""
    at_least: str | int | None = None
    refuse: str
    """A stable word for why nothing was done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Addition:
    """A record that a write adds."""

    kind: str
    id: str = ""
    """With `{places}`; left out, the effect's reference. An id that is taken refuses: what is made of an order's number
    comes about once for that order."""
    fields: Mapping[str, Plain] = field(default_factory=dict)
    """Field → value, with `{places}`."""
    refuse: str = "done_before"
    """The refusal when its id is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a write does, once a key; places: `{argument}`, `{now}`, `{contact}`, `{reference}`, `{record.field}`."""

    kind: str = ""
    """Kind of the record it is about; left out when it only adds."""
    id: str = ""
    """Argument that names the record; `contact` for a record of the contact's own id."""
    owner: str = "person"
    """Field of the record that must equal the contact's id; empty for records that are about nobody."""
    through: str = ""
    """Field of the contact's own `person` record that `owner` must equal instead."""
    args: tuple[str, ...] = ()
    """Further arguments that a plan must give."""
    require: tuple[Requirement, ...] = ()
    """All must hold; the first that does not names the refusal."""
    set: Mapping[str, Plain] = field(default_factory=dict)
    """Field of the record → its new value, with `{places}`."""
    add: tuple[Addition, ...] = ()
    """Records that come about."""
    values: Mapping[str, str] = field(default_factory=dict)
    """Value that is returned → text with `{places}`."""
    unknown: str = "unknown"
    """The refusal when the contact has no such record."""

    def arguments(self) -> tuple[str, ...]:
        """Return every argument a plan must give."""
        return tuple(name for name in dict.fromkeys((self.id, *self.args)) if name not in ("", "contact"))

    def texts(self) -> Iterator[tuple[tuple[str | int, ...], Plain]]:
        """Yield every text with places, and where in the entry it stands."""
        yield from ((("set", name), value) for name, value in self.set.items())
        yield from ((("values", name), value) for name, value in self.values.items())
        yield from ((("require", i, "equals"), each.equals) for i, each in enumerate(self.require))
        for i, each in enumerate(self.add):
            yield from ((("add", i, "fields", name), value) for name, value in each.fields.items())
            yield ("add", i, "id"), each.id


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredSkill:
    """One skill: it reads, it writes, or it lists whom to write to."""

    id: str
    system: str
    """One of the pack's `systems`: the skill counts as down while that is degraded."""
    reads: Look | None = None
    """For a skill that reads."""
    writes: Entry | None = None
    """For a skill that writes."""
    lists: Listing | None = None
    """For a skill that a playbook reads."""


def fill(text: Plain, args: Mapping[str, Any], record: Mapping[str, Any]) -> Any:
    """Return `text` with its places filled; a text that is one place and nothing else keeps the value's own type."""
    if not isinstance(text, str):
        return text
    alone = PLACE.fullmatch(text)
    if alone is not None:
        return _value(alone, args, record)
    return PLACE.sub(lambda place: str(_value(place, args, record)), text)


def _value(place: re.Match[str], args: Mapping[str, Any], record: Mapping[str, Any]) -> Any:
    value = record.get(place[2]) if place[2] else args.get(place[1])
    return "" if value is None else value


def duration(text: str) -> int | None:
    """Return a time such as `14d` in minutes, or None for a text that is none."""
    return FactSpec(name="", kind=FactKind.DURATION).number(text)


def figure(raw: object) -> tuple[int, str] | None:
    """Return a number, or an amount such as `12.50 EUR` in minor units with its currency; None for neither."""
    if isinstance(raw, bool):
        return None
    if isinstance(raw, int):
        return raw, ""
    currency = str(raw).rpartition(" ")[2]
    minor = FactSpec(name="", kind=FactKind.MONEY, unit=currency).number(raw)
    return None if minor is None else (minor, currency)
