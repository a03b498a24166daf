"""Who is who: a person by the proof they bring, or by their id."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from caseward.adapters.records.kinds import Args, failed, found
from caseward.core.ports import RecordBook
from caseward.core.task import Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """The people over a record book."""

    book: RecordBook

    def find_person(self, args: Args, now: datetime) -> Result:
        """Return whose invoice and registered e-mail these are, or that they do not match: never which is wrong."""
        invoice = self.book.get("invoice", str(args.get("invoice", "")).strip().upper())
        person = self.book.get("person", str(invoice.data["person"])) if invoice else None
        given = str(args.get("email", "")).strip().casefold()
        if person is None or not given or str(person.data.get("email", "")).strip().casefold() != given:
            return failed("no_match")
        return found(contact=person.id)

    def person(self, args: Args, now: datetime) -> Result:
        """Return what is on record of a person."""
        person = self.book.get("person", str(args["contact"]))
        if person is None:
            return failed("person_unknown")
        return found(**{name: person.data.get(name, "") for name in FIELDS})


FIELDS = ("name", "email", "phone", "locale", "package", "coach")
