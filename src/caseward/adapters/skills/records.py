"""The systems that are built in, over the record book that comes along: people, whatever skills the pack declares, and
the sample school's calendar and payments.

They hold to their own limits (skills.yaml, records/setting.yaml of the pack) whatever policy lets through, as systems
outside would.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from caseward.adapters.records import calendar, declared
from caseward.adapters.records.kinds import Reading, Write
from caseward.adapters.records.money import Till
from caseward.adapters.records.register import Register
from caseward.core.pack import Pack
from caseward.core.ports import RecordBook, Skill

NAMES = (
    *("next_session", "reschedule_quota", "free_slots", "last_payment", "last_invoice", "find_person", "find_by"),
    "person",
    *("reschedule", "resend_invoice", "refund"),
)


def skills(book: RecordBook, pack: Pack) -> list[Skill]:
    """Return the skills over `book`; the pack's hours say which days are open and when a month begins."""
    times, till = calendar.Calendar(book=book, hours=pack.hours), Till(book=book)
    register = Register(book=book, identity=pack.profile.identity, country=pack.profile.holidays.country)
    return [
        Reading(name="next_session", system="calendar", read=times.next_session),
        Reading(name="reschedule_quota", system="calendar", read=times.reschedule_quota),
        Reading(name="free_slots", system="calendar", read=times.free_slots),
        Reading(name="last_payment", system="payments", read=till.last_payment),
        Reading(name="last_invoice", system="payments", read=till.last_invoice),
        Reading(name="find_person", system="records", read=register.find_person),
        Reading(name="find_by", system="records", read=register.find_by),
        Reading(name="person", system="records", read=register.person),
        Write(name="reschedule", system="calendar", book=book, plan=times.reschedule),
        Write(name="resend_invoice", system="payments", book=book, plan=till.resend_invoice),
        Write(name="refund", system="payments", book=book, plan=till.refund),
        *declared.skills(book, pack.skills),
    ]


def claims(kind: str, documents: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return document id → the claim it holds, for documents of one kind that are put in from outside."""
    return calendar.claims(documents) if kind == "session" else {}
