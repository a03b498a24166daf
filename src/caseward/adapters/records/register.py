"""Who is who: a person by the proof they bring, or by their id."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import phonenumbers

from caseward.adapters.records.kinds import Args, failed, found
from caseward.core.pack import IdentityPolicy, Match
from caseward.core.ports import Record, RecordBook
from caseward.core.task import Result

OWN = ("email", "phone")
"""Proofs that stand on the person's own record; any other is the id of a record that names the person."""
FIELDS = ("name", "email", "phone", "locale")


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """The people over a record book, and how somebody proves to be one of them."""

    book: RecordBook
    identity: IdentityPolicy
    country: str = ""
    """ISO 3166 code of the country that a telephone number without one is of."""

    def find_person(self, args: Args, now: datetime) -> Result:
        """Return whose all of the proofs are, or that they do not match: never which is wrong."""
        given = {name: _plain(args.get(name, "")) for name in self.identity.fields}
        own = [name for name in given if self._match(name).kind == "person"]
        ids: set[str] | None = None
        for name in (each for each in given if each not in own):
            owners = set(self._owners(self._match(name), given[name]))
            ids = owners if ids is None else ids & owners
        people = self._people(ids, {name: given[name] for name in own})
        fitting = [
            each
            for each in people
            if all(given[name] and _plain(each.data.get(self._match(name).field, "")) == given[name] for name in own)
        ]
        return found(contact=fitting[0].id) if given and len(fitting) == 1 else failed("no_match")

    def find_by(self, args: Args, now: datetime) -> Result:
        """Return whose telephone number, or whose e-mail address, it is: `no_match`, or `ambiguous` for several."""
        [(name, value)] = args.items()
        plain = (lambda each: _number(str(each), self.country)) if name == "phone" else _plain
        wanted, match = plain(value), self._match(str(name))
        fitting = {
            str(each.data.get(match.person, each.id) if match.kind != "person" else each.id)
            for each in self.book.find(match.kind)
            if wanted and plain(each.data.get(match.field, "")) == wanted
        }
        if len(fitting) != 1:
            return failed("ambiguous" if fitting else "no_match")
        return found(contact=fitting.pop())

    def person(self, args: Args, now: datetime) -> Result:
        """Return what is on record of a person."""
        person = self.book.get("person", str(args["contact"]))
        if person is None:
            return failed("person_unknown")
        more = {name: value for name, value in person.data.items() if isinstance(value, str | int)}
        return found(**{**dict.fromkeys(FIELDS, ""), **{name: more[name] for name in more if name != "id"}})

    def _match(self, name: str) -> Match:
        default = Match(kind="person", field=name, person="id") if name in OWN else Match(kind=name)
        return self.identity.match.get(name, default)

    def _owners(self, match: Match, value: str) -> Iterable[str]:
        if not value:
            return ()
        if match.field == "id":
            row = next((row for id in (value.upper(), value) if (row := self.book.get(match.kind, id))), None)
            rows = [row] if row else []
        else:
            rows = [each for each in self.book.find(match.kind) if _plain(each.data.get(match.field, "")) == value]
        return [str(each.data[match.person]) for each in rows if each.data.get(match.person)]

    def _people(self, ids: set[str] | None, own: Args) -> Iterable[Record]:
        """Return the people that the proofs beside their own record point at; all, when there is none of that kind."""
        if ids is None:
            return self.book.find("person") if all(own.values()) else ()
        return [person for id in sorted(ids) if (person := self.book.get("person", id)) is not None]


@lru_cache(maxsize=1 << 15)
def _number(value: str, country: str) -> str:
    """Return a telephone number as E.164, empty for what is none; one without a country is of the house's."""
    try:
        number = phonenumbers.parse(value, country or None)
    except phonenumbers.NumberParseException:
        return ""
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def _plain(value: object) -> str:
    return str(value).strip().casefold()
