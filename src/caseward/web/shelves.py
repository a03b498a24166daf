"""Releases as pages show them: where each stands, who stands for it, what the visitor may do with it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from caseward.core import roles
from caseward.core.pack import Pack
from caseward.core.release import Changed, State
from caseward.core.roles import Role
from caseward.store.people import Person
from caseward.store.releases import Release, Switch
from caseward.web import words

READERS = frozenset({Role.COACH, Role.AGENT, Role.OPS_LEAD, Role.ADMIN})
"""Who sees releases."""
STATES: Mapping[State, tuple[str, str]] = {
    State.PROPOSED: ("Waits for consent", "warn"),
    State.APPROVED: ("Approved, not published", "info"),
    State.PUBLISHED: ("Published", ""),
    State.REFUSED: ("Refused", "bad"),
    State.WITHDRAWN: ("Withdrawn", ""),
}
PROPOSERS = frozenset({Role.COACH, Role.AGENT, Role.OPS_LEAD})
"""Who proposes changes of pages and templates here."""
UNDECIDED = (State.PROPOSED, State.APPROVED)
MOST_LINES = 400
"""Lines of one file's difference that a page shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A release on a page."""

    id: str
    href: str
    state: str
    level: str
    current: bool
    parts: Sequence[str]
    """Parts that it changes."""
    reason: str
    author: str
    proposed_at: datetime
    base: str
    lane: str
    """Who must consent, in words; empty for the first."""
    high_risk: bool
    decided: str
    """Who approved, refused or withdrew it, and why; empty where nobody had to."""
    decided_at: datetime | None
    published_at: datetime | None
    checked: str
    digest: str
    kept: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DiffLine:
    """A line of a difference: `+`, `-`, a place, or what stays."""

    kind: str
    """`new`, `gone`, `place` or nothing."""
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileShown:
    """A file that a release changes."""

    path: str
    part: str
    change: str
    lines: Sequence[DiffLine]
    more: int
    """Lines that are not shown."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verb:
    """Something that the visitor may do, and what happens then."""

    id: str
    label: str
    icon: str
    style: str
    then: str


def shown(release: Release, now: Switch | None, pack: Pack, names: Mapping[str, str]) -> Shown:
    """Return a release in words."""
    current = now is not None and now.release == release.id
    state, level = ("Current", "ok") if current else STATES[release.state]
    kind = "changes" if release.state in UNDECIDED else "releases"
    decided = ""
    if release.approver:
        verb = "Approved" if release.state in (State.APPROVED, State.PUBLISHED) else words.humane(release.state)
        decided = words.joined([f"{verb} by {words.who(release.approver, names)}", release.verdict])
    return Shown(
        id=release.id,
        href=f"/knowledge/{kind}/{release.id}",
        state=state,
        level=level,
        current=current,
        parts=[words.humane(part) for part in release.changed],
        reason=release.reason[:1].upper() + release.reason[1:],
        author=words.who(release.author, names),
        proposed_at=release.proposed_at,
        base=release.base,
        lane=consent(pack, release.lane) if release.lane else "",
        high_risk=release.high_risk,
        decided=decided,
        decided_at=release.decided_at,
        published_at=release.published_at,
        checked=release.checked,
        digest=release.digest,
        kept=release.kept,
    )


def consent(pack: Pack, lane: str) -> str:
    """Return who consents in a lane, in words."""
    title, deciders = words.lane(pack, lane), words.deciders(pack, lane)
    return title if title == deciders else f"{title}: {deciders.lower()}"


def files(changed: Iterable[Changed]) -> list[FileShown]:
    """Return the files of a change with their lines."""
    return [_file(each) for each in changed]


def _file(changed: Changed) -> FileShown:
    lines = changed.lines()[2:]  # the file's names stand above
    return FileShown(
        path=changed.path,
        part=words.humane(changed.part),
        change="New" if not changed.before else "Gone" if not changed.after else "",
        lines=[_line(line) for line in lines[:MOST_LINES]],
        more=max(0, len(lines) - MOST_LINES),
    )


def _line(line: str) -> DiffLine:
    kind = {"+": "new", "-": "gone", "@": "place"}.get(line[:1], "")
    return DiffLine(kind=kind, text=line)


def verbs(release: Release, pack: Pack, person: Person) -> list[Verb]:
    """Return what a person may do with a proposal; what they may not is not offered."""
    found = []
    if release.state is State.PROPOSED and _decides(release, pack, person) and person.id != release.author:
        found.append(APPROVE)
    if release.state is State.APPROVED and publishes(pack, person):
        found.append(PUBLISH)
    if release.state in UNDECIDED and _decides(release, pack, person):
        found.append(REFUSE)
    if release.state in UNDECIDED and person.id == release.author:
        found.append(WITHDRAW)
    return found


def decides_somewhere(pack: Pack, person: Person) -> bool:
    """Return whether a person decides in any lane: who does not only reads releases."""
    return any(person.role in lane.roles for lane in pack.profile.lanes.values())


def publishes(pack: Pack, person: Person) -> bool:
    """Return whether a person may have what was consented to published, or what was current before brought back."""
    return person.role in roles.PUBLISH or decides_somewhere(pack, person)


def _decides(release: Release, pack: Pack, person: Person) -> bool:
    lane = pack.profile.lanes.get(release.lane)
    if lane is None or not lane.roles:
        return decides_somewhere(pack, person)
    return person.role in lane.roles and (not lane.people or person.id in lane.people)


APPROVE = Verb(
    id="approve",
    label="Approve",
    icon="check",
    style="primary",
    then="Consents to exactly these files. Nothing changes for customers until it is published.",
)
PUBLISH = Verb(
    id="publish",
    label="Publish",
    icon="arrow-up-right",
    style="primary",
    then="It is checked once more, and within seconds every decision goes by it and names it.",
)
REFUSE = Verb(
    id="refuse", label="Refuse", icon="x", style="danger", then="Turns it down for good. A new proposal can be made."
)
WITHDRAW = Verb(
    id="withdraw", label="Withdraw", icon="rotate-ccw", style="quiet", then="Takes your own proposal back for good."
)
