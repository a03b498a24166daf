"""Cases as figures see them: one row each, made anew from the case and its log whenever the log says something of it.

The log's numbers have no gaps and are given in the order of the commits, so that who has read up to a number has read
everything before it. Made from scratch the rows are the same; only a case whose entries were erased keeps what it had.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, Final

from caseward.core.approval import AGREED
from caseward.core.kpis.history import Asked, Event, add_up
from caseward.core.kpis.opening import Opening
from caseward.core.sla import BusinessHours
from caseward.store import db

AT_ONCE = 200
"""Cases that are made anew in one go."""
ENTRIES = 5_000
"""Entries of the log that are looked through in one go."""


def behind(rules: str) -> bool:
    """Return whether there is something to add up, or all of it is to be added up anew, by other `rules`."""
    row = db.run(_BEHIND, {"rules": rules}).fetchone()
    return bool(row and row.behind)


_BEHIND: Final = """
    select not exists (
        select from figures_read where id = 1 and rules = %(rules)s and seq >= (select seq from log_head where id = 1)
    ) and exists (select from log_head where seq > 0) as behind
"""


def catch_up(hours: BusinessHours, lanes: Sequence[str], *, rules: str, now: datetime, at_once: int = AT_ONCE) -> bool:
    """Read on in the log and make the rows of the cases it tells of, `at_once` at most; return whether there is more.

    Under other rules than before all rows are made anew. Whoever comes while another is at it has nothing to do.
    """
    if (
        not db.run("select pg_try_advisory_xact_lock(hashtextextended('caseward figures', 0)) as free")
        .fetchall()[0]
        .free
    ):
        return False
    read = db.run("select seq, rules from figures_read where id = 1").fetchone()
    since = read.seq if read and read.rules == rules else 0
    found = db.run(_CHANGED, {"since": since, "limit": ENTRIES}).fetchall()
    ids = list(dict.fromkeys(row.case_id for row in found if row.case_id))[:at_once]
    known = set(ids)
    upto = next((row.seq - 1 for row in found if row.case_id and row.case_id not in known), None)
    last = upto if upto is not None else found[-1].seq if found else since
    make(ids, hours, lanes, now=now)
    db.run(_GUARDS, {"since": since, "upto": last})
    db.run(_READ, {"seq": last, "rules": rules})
    return upto is not None or len(found) == ENTRIES


_CHANGED: Final = "select seq, case_id from log where seq > %(since)s order by seq limit %(limit)s"
_GUARDS: Final = """
    insert into guard_events (seq, at, case_id, kind, name)
    select l.seq, l.at, l.case_id, l.kind,
        coalesce(case l.kind when 'denied' then p.payload::json ->> 'effect'
            when 'break_glass' then p.payload::json ->> 'trigger'
            when 'breach' then p.payload::json ->> 'clock' end, '')
    from log l left join log_payloads p using (seq)
    where l.seq > %(since)s and l.seq <= %(upto)s
        and l.kind in ('denied', 'check', 'stale', 'break_glass', 'breach', 'error', 'undelivered')
        and (l.kind <> 'check' or p.payload::json ->> 'passed' = 'false')
    on conflict (seq) do nothing
"""
_READ: Final = """
    insert into figures_read (id, seq, rules) values (1, %(seq)s, %(rules)s)
    on conflict (id) do update set seq = excluded.seq, rules = excluded.rules
"""


def make(ids: Sequence[str], hours: BusinessHours, lanes: Sequence[str], *, now: datetime) -> None:
    """Make the rows of these cases anew."""
    rows = db.run(_CASES, {"ids": list(ids)}).fetchall() if ids else []
    gone = {*ids} - {row.case_id for row in rows}
    if gone:
        db.run("delete from case_figures where case_id = any(%(ids)s)", {"ids": [*gone]})
    if not rows:
        return
    opening = Opening(hours, min(min(row.opened_at, row.first_from or row.opened_at) for row in rows), now)
    events, erased = _events(ids)
    asked, consented = _asked(ids), _consented(ids)
    made = []
    for row in rows:
        if row.case_id in erased and row.made:
            continue
        sums = add_up(
            events[row.case_id],
            opened_at=row.opened_at,
            resolved_at=row.resolved_at,
            owner=row.owner,
            asked=asked[row.case_id],
            consented=consented[row.case_id],
            lanes=lanes,
            opening=opening,
        )
        waited = row.first_from is not None and row.answered_at is not None
        plain = {name: value for name, value in row._asdict().items() if name not in ("resolved_at", "made")}
        seconds = opening.seconds(row.first_from, row.answered_at) if waited else None
        made.append({**plain, **asdict(sums), "first_seconds": seconds})
    db.run(_KEEP, {"rows": db.dumps(made)})


_CASES: Final = """
    select c.id as case_id, c.number, c.channel, c.tier, c.owner, coalesce(p.sample, false) as sample, c.opened_at,
        f.started_at as first_from, f.due_at as first_due_at, f.met_at as answered_at,
        coalesce(f.breached_at is not null or f.met_at > f.due_at, false) as first_breached,
        r.due_at, coalesce(r.breached_at is not null or r.met_at > r.due_at, false) as due_breached,
        (select count(distinct m.turn) from messages m where m.case_id = c.id and m.inbound) as turns,
        coalesce(a.asked, 0) as asked, coalesce(a.lanes, '[]') as lanes, s.score, s.at as scored_at, c.resolved_at,
        exists (select from case_figures k where k.case_id = c.id) as made
    from cases c
    left join contacts p on p.id = c.contact_id
    left join clocks f on f.case_id = c.id and f.kind = 'first_response'
    left join clocks r on r.case_id = c.id and r.kind = 'resolution'
    left join ratings s on s.case_id = c.id and s.score is not null
    left join lateral (
        select count(*) as asked, jsonb_agg(distinct lane order by lane) as lanes from approvals where case_id = c.id
    ) a on true
    where c.id = any(%(ids)s) and c.merged is null
"""
_COLUMNS: Final = """
    case_id, number, channel, tier, owner, sample, opened_at, first_from, first_due_at, answered_at, first_seconds,
    first_breached, worked_seconds, running_since, due_at, due_breached, settled_at, closed_at, returned_at, turns,
    asked, handed, answers, mismatches, checks, unfounded, score, scored_at, lanes
"""
_NEW: Final = ", ".join(f"{name} = excluded.{name}" for name in _COLUMNS.replace(" ", "").strip().split(",")[1:])
_KEEP: Any = f"""
    insert into case_figures ({_COLUMNS})
    select {_COLUMNS} from json_populate_recordset(null::case_figures, %(rows)s::json)
    on conflict (case_id) do update set {_NEW}
"""  # noqa: S608 - names of ours


def _events(ids: Sequence[str]) -> tuple[dict[str, list[Event]], set[str]]:
    """Return each case's entries, oldest first, and the cases of which some were erased."""
    events: dict[str, list[Event]] = defaultdict(list)
    erased = set()
    for row in db.run(_EVENTS, {"ids": list(ids)}):
        if row.erased:
            erased.add(row.case_id)
        events[row.case_id].append(
            Event(
                at=row.at,
                kind=row.kind,
                status=row.status or "",
                owner=row.owner or "",
                verdict=row.verdict or "",
                digest=row.digest or "",
                approvers=_texts(row.approvers),
                failed=_texts(row.failed),
            )
        )
    return events, erased


_EVENTS: Final = """
    select l.case_id, l.at, l.kind, p.seq is null as erased, j.* from log l left join log_payloads p using (seq),
        lateral (select p.payload::json ->> 'status' as status, p.payload::json ->> 'owner' as owner,
            p.payload::json ->> 'verdict' as verdict, p.payload::json ->> 'digest' as digest,
            p.payload::json ->> 'approvers' as approvers, p.payload::json ->> 'failed' as failed) j
    where l.case_id = any(%(ids)s) and l.kind in ('case', 'send', 'check', 'verdict') order by l.seq
"""


def _asked(ids: Sequence[str]) -> dict[str, dict[str, Asked]]:
    """Return case → digest of a draft → what policy asked for; drafts that rest on no decision are none."""
    asked: dict[str, dict[str, Asked]] = defaultdict(dict)
    for row in db.run(_ASKED, {"ids": list(ids)}):
        asked[row.case_id][row.digest] = Asked(auto_send=row.auto_send == "true", lane=row.lane or "")
    return asked


_ASKED: Final = """
    select d.case_id, d.digest, e.body ->> 'auto_send' as auto_send, e.body ->> 'approval' as lane
    from drafts d join decisions e on e.case_id = d.case_id and e.id = (d.body ->> 'decision')::bigint
    where d.case_id = any(%(ids)s) order by d.at, d.id
"""


def _consented(ids: Sequence[str]) -> dict[str, set[str]]:
    consented: dict[str, set[str]] = defaultdict(set)
    given = {"ids": list(ids), "agreed": [str(each) for each in AGREED]}
    for row in db.run(
        "select case_id, lane from approvals where case_id = any(%(ids)s) and state = any(%(agreed)s)", given
    ):
        consented[row.case_id].add(row.lane)
    return consented


def _texts(text: str | None) -> tuple[str, ...]:
    found: Iterable[Any] = json.loads(text) if text else ()
    return tuple(str(each) for each in found) if isinstance(found, list) else ()
