"""A pack's sample records, laid out around a given instant: `{in_minutes: 40}` is forty minutes from then.

{in_minutes: 40}              an instant, to the minute
{day: 2, at: "11:00"}         an instant: the second day from then, at that time of the ops zone
{day: -14}                    a date
{month: -1, dom: 27, at: "19:30"}   an instant: the 27th of last month, or that month's last day if it is shorter
"""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from caseward.core.errors import PackError
from caseward.core.pack import Pack

SHAPES = ({"in_minutes"}, {"day", "at"}, {"day"}, {"month", "dom", "at"})


def resolve(pack: Pack, now: datetime) -> dict[str, list[dict[str, Any]]]:
    """Return kind → documents with every relative time resolved: instants as ISO text in UTC, dates as ISO text.

    Raises PackError that names the record for a time that cannot be meant.
    """
    return {
        kind: [{name: _value(kind, row, value, pack, now) for name, value in row.items()} for row in rows]
        for kind, rows in pack.records.items()
    }


def _value(kind: str, row: Mapping[str, Any], value: Any, pack: Pack, now: datetime) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if not isinstance(value, dict):
        return value
    try:
        if set(value) not in SHAPES:
            raise ValueError(f"{value} is no time")
        return _when(value, pack, now)
    except (TypeError, ValueError, OverflowError) as error:
        shapes = "{in_minutes}, {day, at}, {day} or {month, dom, at}"
        fix = f"give one of {shapes}"
        raise PackError(str(error), file=f"records/{kind}.yaml", rule=str(row["id"]), fix=fix) from None


def _when(value: Mapping[str, Any], pack: Pack, now: datetime) -> str:
    local = now.astimezone(pack.hours.zone)
    if "in_minutes" in value:
        minute = now.replace(second=0, microsecond=0)
        begun = timedelta(minutes=1) if minute < now else timedelta()
        return (minute + begun + timedelta(minutes=value["in_minutes"])).astimezone(UTC).isoformat()
    if "day" in value:
        on = local.date() + timedelta(days=value["day"])
    else:
        year, month = divmod(local.year * 12 + local.month - 1 + value["month"], 12)
        last = calendar.monthrange(year, month + 1)[1]
        on = date(year, month + 1, min(value["dom"], last))
    if "at" not in value:
        return on.isoformat()
    return datetime.combine(on, time.fromisoformat(value["at"]), pack.hours.zone).astimezone(UTC).isoformat()
