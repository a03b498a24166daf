"""Sessions, free times, and moving the one to the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from caseward.adapters.records.kinds import Args, Planned, added, changed, failed, found, instant, same
from caseward.core.ports import Change, Record, RecordBook
from caseward.core.sla import BusinessHours
from caseward.core.task import Result

SLOTS = 6
"""Free times that are worth naming; more would be a list to read, not a choice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """The calendar over a record book. `hours` say which days are open, and in which zone a month begins."""

    book: RecordBook
    hours: BusinessHours

    def next_session(self, args: Args, now: datetime) -> Result:
        """Return the contact's nearest session that has not ended; one that runs counts, until it ends."""
        mine = self.book.find("session", person=str(args["contact"]), status="scheduled")
        ahead = sorted((each for each in mine if _ends(each) > now), key=_starts)
        if not ahead:
            return found(session="none")
        coach = self.book.get("coach", str(ahead[0].data["coach"]))
        return found(
            session="found",
            session_id=ahead[0].id,
            session_at=_starts(ahead[0]).isoformat(),
            coach=coach.data["name"] if coach else str(ahead[0].data["coach"]),
        )

    def reschedule_quota(self, args: Args, now: datetime) -> Result:
        """Return the contact's changes in this month of the ops zone, and the day on which the next month begins."""
        start, end = self._month(now)
        return found(
            reschedules_this_month=self._changes(str(args["contact"]), start, end),
            quota_resets_on=end.astimezone(self.hours.zone).date().isoformat(),
        )

    def free_slots(self, args: Args, now: datetime) -> Result:
        """Return the next free times of the contact's own coach; `slots` is left out when there is none."""
        person = self.book.get("person", str(args["contact"]))
        if person is None:
            return failed("person_unknown")
        busy = self._sessions_of_coach(str(person.data["coach"]))
        free = sorted(_starts(each) for each in self._free(str(person.data["coach"]), busy, now))
        slots = [each.isoformat() for each in dict.fromkeys(free)][:SLOTS]
        return found(slots=slots) if slots else found()

    def reschedule(self, args: Args, reference: str, now: datetime) -> Planned | Result:
        """Plan to move a session of the contact to a free time of its coach.

        `exception` sets cutoff and quota aside, never a booking. Coach and contact are written along, so that of two
        changes that rest on the same calendar or the same quota only one is made before the other looks again.
        """
        contact, session = str(args["contact"]), self.book.get("session", str(args["session"]))
        person = self.book.get("person", contact)
        if person is None or session is None or session.data["person"] != contact:
            return failed("session_unknown")
        coach = self.book.get("coach", str(session.data["coach"]))
        if coach is None or session.data["status"] != "scheduled":
            return failed("session_not_scheduled")
        if "session_at" in args and instant(args["session_at"]) != _starts(session):
            return failed("session_moved")
        if not args.get("exception"):
            refusal = self._against_the_rules(contact, session, now)
            if refusal:
                return failed(refusal)

        wanted, start = instant(args["slot"]), _starts(session)
        others = [
            each for each in (*self._sessions_of_coach(coach.id), *self._sessions_of(contact)) if each.id != session.id
        ]
        slots = {_starts(each): each for each in self._free(coach.id, others, now)}
        if wanted == start:
            return failed("same_time")
        if wanted not in slots:
            return failed("slot_taken")
        moved = {"starts": wanted.isoformat(), "minutes": slots[wanted].data["minutes"]}
        return Planned(
            changes=(
                same(coach),
                same(person),
                changed(session, claim=claim(coach.id, wanted), **moved),
                changed(slots[wanted], taken=session.id),
                *self._freed(session, coach.id, start, reference, now),
                added("reschedule", f"rsc-{reference}", person=contact, session=session.id, at=now.isoformat(),
                      **{"from": start.isoformat(), "to": wanted.isoformat()}),
            ),
            values={
                "session": session.id,
                "slot": str(args["slot"]),
                "session_at": wanted.isoformat(),
                "old_session_at": start.isoformat(),
            },
        )  # fmt: skip

    def _against_the_rules(self, contact: str, session: Record, now: datetime) -> str:
        """Return which limit of the house's own settings a change would pass, or nothing."""
        limits = self.book.get("setting", "reschedule")
        if limits is None:
            return "no_limits_set"
        if _starts(session) - now < timedelta(minutes=int(limits.data["cutoff_minutes"])):
            return "too_late"
        if self._changes(contact, *self._month(now)) >= int(limits.data["monthly_limit"]):
            return "quota_used"
        return ""

    def _free(self, coach: str, busy: Sequence[Record], now: datetime) -> list[Record]:
        """Return the coach's free times that are ahead, on open days, and beside all of `busy`."""
        return [
            slot
            for slot in self.book.find("slot", coach=coach)
            if "taken" not in slot.data
            and _starts(slot) > now
            and self.hours.spans(_starts(slot).astimezone(self.hours.zone).date())
            and not any(_starts(slot) < _ends(each) and _starts(each) < _ends(slot) for each in busy)
        ]

    def _freed(self, session: Record, coach: str, start: datetime, reference: str, now: datetime) -> Iterable[Change]:
        """Give the time that a session leaves back to the calendar, if it is still ahead."""
        if start <= now:
            return ()
        for slot in self.book.find("slot", coach=coach):
            if _starts(slot) == start:
                return (changed(slot, taken=None),)
        at = start.isoformat()
        return (added("slot", f"slot-{reference}", coach=coach, starts=at, minutes=session.data["minutes"]),)

    def _sessions_of_coach(self, coach: str) -> Sequence[Record]:
        return self.book.find("session", coach=coach, status="scheduled")

    def _sessions_of(self, contact: str) -> Sequence[Record]:
        return self.book.find("session", person=contact, status="scheduled")

    def _changes(self, contact: str, start: datetime, end: datetime) -> int:
        made = self.book.find("reschedule", person=contact)
        return sum(start <= instant(each.data["at"]) < end for each in made)

    def _month(self, now: datetime) -> tuple[datetime, datetime]:
        local = now.astimezone(self.hours.zone)
        start = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        following = (start + timedelta(days=32)).replace(day=1)
        return start, following


def claim(coach: str, starts: datetime) -> str:
    """Return the name that only one session may hold: this coach's place at this instant."""
    return f"{coach}:{starts.isoformat()}"


def claims(sessions: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return session id → claim for the sessions that are to take place."""
    return {
        str(each["id"]): claim(str(each["coach"]), instant(each["starts"]))
        for each in sessions
        if each["status"] == "scheduled"
    }


def _starts(record: Record) -> datetime:
    return instant(record.data["starts"])


def _ends(record: Record) -> datetime:
    return _starts(record) + timedelta(minutes=int(record.data["minutes"]))
