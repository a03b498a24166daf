"""Releases: immutable snapshots of a pack, who stood for them, and which of them has been current since when.

A release's content is written once and verified whenever it is read. What is current is the last row of an append-only
table; each row says which one it follows, so that of two that would follow the same only one is written.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert

from caseward.core.errors import CasewardError, Conflict, NotFound
from caseward.core.policy import Tier
from caseward.core.release import Files, State, digest
from caseward.store import db
from caseward.store.tables import cases, decisions, phase_decisions, release_switches
from caseward.store.tables import releases as table

PAGE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A release, without its files."""

    id: str
    """`YYYY-MM-DD.N`"""
    pack: str
    digest: str
    """SHA-256 over its files."""
    state: State
    author: str
    reason: str
    proposed_at: datetime
    base: str = ""
    """The release it was compared with; empty for the first."""
    parts: Mapping[str, str] = field(default_factory=dict)
    """Part → digest of its files."""
    changed: tuple[str, ...] = ()
    """Parts that differ from `base`."""
    lane: str = ""
    """Lane that must consent; empty for the first."""
    high_risk: bool = False
    checked: str = ""
    """What the check said when it was proposed."""
    approver: str = ""
    """Who approved, refused or withdrew it: a person's id, or `policy`."""
    verdict: str = ""
    """What they gave as their reason."""
    decided_at: datetime | None = None
    published_at: datetime | None = None
    """When it first became current."""
    kept: bool = True
    """False for one that an older version of this program published, without its files."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Switch:
    """A release became current."""

    id: int
    release: str
    was: str
    """The one before it; empty for the first."""
    kind: str
    """`publish` or `rollback`."""
    by: str
    role: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """A decision that was taken, for deciding it again otherwise."""

    case: int
    """Number of the case."""
    turn: int
    at: datetime
    facts: Mapping[str, Any]
    """As stored: sets are lists."""
    release: str
    tier: Tier
    approval: str
    auto_send: bool


_COLUMNS = [column for column in table.c if column.name != "content"] + [table.c.content.is_not(None).label("kept")]


def propose(release: Release, files: Files) -> None:
    """Store a release with its files; raise Conflict when its id was used before, whatever became of that."""
    row = {
        "name": release.id,
        "pack": release.pack,
        "digest": release.digest,
        "state": release.state,
        "author": release.author,
        "reason": release.reason,
        "proposed_at": release.proposed_at,
        "base": release.base,
        "parts": dict(release.parts),
        "changed": list(release.changed),
        "lane": release.lane,
        "high_risk": release.high_risk,
        "checked": release.checked,
        "content": _packed(files),
    }
    written = upsert(table).values(row).on_conflict_do_nothing().returning(table.c.name)
    if db.execute(written).first() is None:
        known = get(release.id)
        other = "with other content " if known.digest != release.digest else ""
        raise Conflict(f"release {release.id} exists already {other}({known.state} since {known.proposed_at:%Y-%m-%d})")


def adopt(release: str, *, expected: str, files: Files) -> bool:
    """Keep the files of a release that was published without them; False when it has other content, or its own."""
    kept = (
        update(table)
        .where(table.c.name == release, table.c.digest == expected, table.c.content.is_(None))
        .values(content=_packed(files), digest=digest(files))
        .returning(table.c.name)
    )
    return db.execute(kept).first() is not None


def get(release: str, *, lock: bool = False) -> Release:
    """Return a release; raise NotFound."""
    query = select(*_COLUMNS).where(table.c.name == release)
    row = db.execute(query.with_for_update() if lock else query).mappings().first()
    if row is None:
        raise NotFound(f"there is no release {release}")
    return _release(row)


def every() -> Sequence[Release]:
    """Return all releases, the newest proposal first."""
    rows = db.execute(select(*_COLUMNS).order_by(table.c.proposed_at.desc(), table.c.name.desc())).mappings()
    return [_release(row) for row in rows]


def undecided() -> Sequence[Release]:
    """Return the proposals that wait for consent or for being published."""
    waiting = table.c.state.in_([State.PROPOSED, State.APPROVED])
    return [_release(row) for row in db.execute(select(*_COLUMNS).where(waiting)).mappings()]


def published(*, limit: int) -> Sequence[Release]:
    """Return what has been published, the latest first."""
    query = select(*_COLUMNS).where(table.c.state == State.PUBLISHED)
    latest = query.order_by(table.c.published_at.desc(), table.c.name.desc()).limit(limit)
    return [_release(row) for row in db.execute(latest).mappings()]


def exists(release: str) -> bool:
    """Return whether the id was used, whatever became of it."""
    return db.execute(select(table.c.name).where(table.c.name == release)).first() is not None


def files(release: str) -> Files:
    """Return the files of a release, verified.

    Raises:
        NotFound: there is no such release, or its files were not kept.
        CasewardError: what is stored is not what was published.
    """
    row = db.execute(select(table.c.digest, table.c.content).where(table.c.name == release)).first()
    if row is None or row.content is None:
        raise NotFound(f"there is no release {release}" if row is None else f"the files of {release} were not kept")
    try:
        found: dict[str, str] = json.loads(zlib.decompress(row.content))
    except (zlib.error, ValueError) as error:
        raise CasewardError(f"the files of release {release} cannot be read ({error}); restore a backup") from None
    if digest(found) != row.digest:
        raise CasewardError(f"the files of release {release} are not those that were published; restore a backup")
    return found


def move(release: str, of: Collection[State], to: State, *, by: str = "", reason: str = "", at: datetime) -> bool:
    """Move a release on; False when it is in none of the states `of` any more."""
    values: dict[str, Any] = {"state": to}
    if to is State.PUBLISHED:
        values["published_at"] = at
    else:
        values |= {"approver": by, "verdict": reason, "decided_at": at}
    moved = update(table).where(table.c.name == release, table.c.state.in_(list(of))).values(**values)
    return db.execute(moved.returning(table.c.name)).first() is not None


def current() -> Switch | None:
    """Return which release is current, since when and by whom; None before the first."""
    row = db.execute(select(release_switches).order_by(release_switches.c.id.desc()).limit(1)).mappings().first()
    return Switch(**_without(row, "follows")) if row else None


def pointer() -> tuple[str, int]:
    """Return the current release and the number of the last phase decision; empty and 0 where there is none."""
    last = select(release_switches.c.release).order_by(release_switches.c.id.desc()).limit(1).scalar_subquery()
    decided = select(func.max(phase_decisions.c.id)).scalar_subquery()
    row = db.execute(
        select(func.coalesce(last, "").label("release"), func.coalesce(decided, 0).label("decision"))
    ).one()
    return row.release, row.decision


def switches(*, limit: int = 100) -> Sequence[Switch]:
    """Return what has been current, the latest first."""
    rows = db.execute(select(release_switches).order_by(release_switches.c.id.desc()).limit(limit)).mappings()
    return [Switch(**_without(row, "follows")) for row in rows]


def switch(
    release: str, *, follows: Switch | None, kind: str, by: str, role: str = "", reason: str = "", at: datetime
) -> None:
    """Make a release current instead of `follows`; raise Conflict when something else became current meanwhile."""
    values = {
        "follows": follows.id if follows else 0,
        "release": release,
        "was": follows.release if follows else "",
        "kind": kind,
        "by": by,
        "role": role,
        "reason": reason,
        "at": at,
    }
    made = upsert(release_switches).values(values).on_conflict_do_nothing().returning(release_switches.c.id)
    if db.execute(made).first() is None:
        raise Conflict("another release became current meanwhile; look at it and try again")


def newest_decision() -> int:
    """Return the number of the decision that was recorded last; 0 before the first."""
    return int(db.run("select coalesce(max(id), 0) as id from decisions").fetchall()[0].id)


def past(*, limit: int | None = None) -> Iterator[Recorded]:
    """Yield recorded decisions, the latest first, without holding them all; the transaction must stay open."""
    query = (
        select(
            cases.c.number, decisions.c.turn, decisions.c.at, decisions.c.release, decisions.c.tier, decisions.c.body
        )
        .join(cases, cases.c.id == decisions.c.case_id)
        .order_by(decisions.c.id.desc())
        .limit(limit)
    )
    for row in db.execute(query.execution_options(yield_per=PAGE)):
        raw = row.body.get("facts") or []
        yield Recorded(
            case=row.number,
            turn=row.turn,
            at=row.at,
            facts=dict(raw) if isinstance(raw, Mapping) else {each["name"]: each["value"] for each in raw},
            release=row.release,
            tier=Tier(row.tier),
            approval=str(row.body.get("approval") or ""),
            auto_send=bool(row.body.get("auto_send")),
        )


def _packed(files: Files) -> bytes:
    return zlib.compress(json.dumps(dict(files), ensure_ascii=False).encode(), 9)


def _release(row: Mapping[Any, Any]) -> Release:
    told = {"id": row["name"], "state": State(row["state"]), "changed": tuple(row["changed"])}
    return Release(**{**_without(row, "name"), **told})


def _without(row: Mapping[Any, Any], name: str) -> dict[str, Any]:
    return {str(key): value for key, value in row.items() if str(key) != name}
