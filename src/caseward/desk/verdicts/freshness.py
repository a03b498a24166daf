"""Whether what a draft rests on may still be relied on: how old its readings are, and whether their systems answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from caseward.core.errors import Conflict
from caseward.core.task import Draft
from caseward.desk import tools
from caseward.store import running


class NotNow(Conflict):
    """Nobody can consent to a draft as things stand; it says why, and what would change that."""

    code = "not_now"

    def __init__(self, why: str, fix: str, *, stale: bool = False) -> None:
        """Say why in words, and what is to be done; `stale` where reading anew is enough."""
        super().__init__(f"{why}; {fix}")
        self.why, self.stale = why, stale


@dataclass(frozen=True, slots=True, kw_only=True)
class Old:
    """A reading that is too old to consent on."""

    name: str
    read_at: datetime


def old(draft: Draft) -> Sequence[Old]:
    """Return the readings of a draft that must be read anew before anybody consents, the oldest first.

    One may be consented on for as long as the house takes to decide, or for as long as the pack relies on it if that is
    longer. Whatever its age, everything is read once more just before it is carried out.
    """
    profile, now = tools.pack().profile, tools.now()
    found = [
        Old(name=each.id, read_at=each.at)
        for each in draft.evidence
        if each.kind == "reading"
        and each.at + timedelta(minutes=max(profile.sla.decision_minutes, profile.freshness_minutes.get(each.id, 0)))
        <= now
    ]
    return sorted(found, key=lambda each: each.read_at)


def down(draft: Draft) -> Sequence[running.Health]:
    """Return the systems that a draft was read from, or is to be carried out by, that cannot be relied on now."""
    needed = {each.source for each in draft.evidence if each.kind == "reading"}
    skill = tools.given().skills.get(draft.task.skill) if draft.task else None
    if skill is not None:
        needed.add(skill.system)
    return [health for name, health in sorted(running.systems().items()) if health.degraded and name in needed]


def unfit(draft: Draft) -> NotNow | None:
    """Return why nobody may consent to a draft as things stand, or None when people may."""
    systems = [health.system.replace("_", " ") for health in down(draft)]
    if systems:
        return NotNow(f"{', '.join(systems)} cannot be relied on now", "decide when it answers again")
    stale = [each.name.replace("_", " ") for each in old(draft)]
    if stale:
        return NotNow(f"{', '.join(stale)} is too old to decide on", "read it now", stale=True)
    return None


def require(draft: Draft) -> None:
    """Return if people may consent to a draft as things stand; raise NotNow otherwise."""
    why = unfit(draft)
    if why is not None:
        raise why
