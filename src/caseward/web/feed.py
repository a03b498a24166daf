"""What a signed-in tab is told while it is open: what has changed, never what it looks like now.

Events are numbered by the action log. A tab names the last one it knows and is told what came after, in one event, or
`reload` where that is too much. Who is at a case is told without a number: it is nothing to catch up with.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, timedelta
from typing import Any

from starlette.concurrency import run_in_threadpool

from caseward.core.roles import Role
from caseward.desk import tools
from caseward.store import outage, watching
from caseward.store.db import transaction
from caseward.store.watching import Change
from caseward.web.live import EVERY_SECONDS, Live, News

AT_MOST = 500
"""Changes a tab is told; where there are more, it loads itself anew."""
NOT_OLDER = timedelta(minutes=10)
RECONNECT_MS = 2000
HERE = int(5 / EVERY_SECONDS)
"""Looks after which a quiet stream says what time it is: a tab that hears nothing for longer shows how old it is."""

APPROVALS, CASES, FIGURES, HEALTH, PEOPLE, RELEASES = "approvals", "cases", "figures", "health", "people", "releases"
UNASKED = frozenset({"delivery", "fact", "inbound", "note", "rating", "reveal", "send"})
"""Kinds of entries after which what a person is asked is as it was."""
OF_NO_CASE = {
    "health": HEALTH,
    "trouble": HEALTH,
    "release": RELEASES,
    "phase": RELEASES,
    "identity": CASES,
    "inbound": CASES,
    "link": CASES,
    "preference": CASES,
}
"""Kind of an entry that belongs to no case → what changed; of any other kind, something about people."""
TOLD_TO = {
    APPROVALS: frozenset({Role.COACH, Role.AGENT, Role.OPS_LEAD}),
    PEOPLE: frozenset({Role.OPS_LEAD, Role.ADMIN}),
}
"""Subject → the roles it is told to; others are told to everyone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What happened after an entry."""

    seq: int
    """Number of the last entry there is."""
    subjects: tuple[str, ...] = ()
    reload: bool = False
    """It is too much, or too long ago, to be told part by part."""


def now() -> str:
    """Return the desk's time, as pages read it."""
    return tools.now().astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def catch_up(after: int | None, role: Role) -> Told:
    """Return what a role may know of what happened after an entry; of nothing when `after` is None."""
    with transaction():
        newest = watching.newest()
        if after is None:
            return Told(seq=newest)
        found = None
        if after <= newest:
            found = watching.changes(after, limit=AT_MOST, since=tools.now() - NOT_OLDER)
        if found is None:
            return Told(seq=newest, reload=True)
        return Told(seq=found[-1].seq if found else after, subjects=_visible(subjects(found), role))


def subjects(changes: Iterable[Change]) -> set[str]:
    """Return what changed."""
    found: set[str] = set()
    for change in changes:
        if not change.case_id:
            found.add(OF_NO_CASE.get(change.kind, PEOPLE))
            continue
        found |= {f"case:{change.case_id}", CASES, FIGURES}
        if change.kind not in UNASKED:
            found.add(APPROVALS)
    return found


def _visible(found: Collection[str], role: Role) -> tuple[str, ...]:
    """Return what a role may know of what changed, in order; needs an open transaction for those that see less."""
    told = {each for each in found if role in TOLD_TO.get(each, frozenset(Role))}
    if role is Role.ON_CALL:
        told -= {f"case:{case_id}" for case_id in _hidden(_cases(told))}
    return tuple(sorted(told))


def _cases(found: Iterable[str]) -> set[str]:
    return {each.removeprefix("case:") for each in found if each.startswith("case:")}


def _hidden(case_ids: Collection[str]) -> set[str]:
    return set(case_ids) - watching.affected(case_ids) if case_ids else set()


# --- the stream -------------------------------------------------------------------------------------------------------


async def stream(live: Live, *, session: str, person_id: str, role: Role, after: int | None) -> AsyncIterator[str]:
    """Yield events until the session ends, another tab takes the place, or the server stops."""
    with live.follow(session) as tab:
        if after is None:
            after = (await run_in_threadpool(catch_up, None, role)).seq
        yield f"retry: {RECONNECT_MS}\n" + _event("hello", {"now": now()}, number=after)
        around: dict[str, Any] = {}
        there = around
        quiet = 0
        while not live.closing:
            if tab.displaced:
                yield _event("displaced", {})
                return
            news = live.news
            if news is not None and session in news.asked:
                if session not in news.roles:
                    yield _event("signed-out", {})
                    return
                role, there = news.roles[session], _others(news, person_id)
            moved = {case for case in around.keys() | there.keys() if around.get(case) != there.get(case)}
            try:
                shown = await run_in_threadpool(_readable, moved, role) if moved else []
                told = await _what_is_new(live, after, role)
                around = there
            except Exception as error:
                if not outage.is_outage(error):
                    raise
                shown, told = [], Told(seq=after)
            if shown:
                yield _event("presence", {"cases": shown})
            if told.reload:
                yield _event("reload", {}, number=told.seq)
            elif told.subjects:
                yield _event("change", {"subjects": told.subjects}, number=told.seq)
            quiet = 0 if told.subjects or told.reload else quiet + 1
            after = told.seq
            found = await live.next_news()
            if quiet % HERE == HERE - 1:
                yield _event("here", {"now": now()}) if found is not None else ": here\n\n"


async def _what_is_new(live: Live, after: int, role: Role) -> Told:
    """Return what happened after an entry: from what this process remembers, or from the database."""
    changes = live.since(after)
    if changes is None:
        return await run_in_threadpool(catch_up, after, role)
    if not changes:
        return Told(seq=after)
    found = subjects(changes)
    if role is Role.ON_CALL:
        visible = await run_in_threadpool(_visible_now, found, role)
    else:
        visible = _visible(found, role)
    return Told(seq=changes[-1].seq, subjects=visible)


def _visible_now(found: set[str], role: Role) -> tuple[str, ...]:
    with transaction():
        return _visible(found, role)


def _others(news: News, person_id: str) -> dict[str, Any]:
    """Return case → who else is there, and whether they edit."""
    found: dict[str, Any] = {}
    for seen in news.seen:
        if seen.person_id != person_id:
            found.setdefault(seen.case_id, []).append((seen.person_id, bool(seen.editing)))
    return found


def _readable(case_ids: set[str], role: Role) -> list[str]:
    if role is not Role.ON_CALL:
        return sorted(case_ids)
    with transaction():
        return sorted(case_ids - _hidden(case_ids))


def _event(name: str, data: Any, *, number: int | None = None) -> str:
    head = "" if number is None else f"id: {number}\n"
    return f"{head}event: {name}\ndata: {json.dumps(data)}\n\n"
