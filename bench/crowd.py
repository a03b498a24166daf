"""A crowd of cases: fills a migrated database, so that pages and queries can be measured at the size they must bear.

The rows come from the database itself, a hundred thousand cases in well under a minute, and are believable in shape,
not in sense: a desk never worked them. All of it is marked as sample. The action log has entries for the cases, so that
what reads it has something to read, but they are not chained: `caseward log verify` refuses such a database.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from caseward.store import db, log, migrate
from caseward.store.embedded import Embedded

PEOPLE = 12
"""Sample people who own some of the cases: `crowd_1` to `crowd_12`."""
SHARE_OPEN = 10
"""One case of so many is open."""
NAMES = (
    *("Arif", "Bella", "Citra", "Dewi", "Eko", "Fitri", "Gilang", "Hana", "Indra", "Joko"),
    *("Kirana", "Lestari", "Made", "Nadia", "Oki", "Putri", "Rama", "Sari", "Tono", "Wulan"),
)
SURNAMES = ("Sample", "Example", "Demo", "Placeholder", "Testcase")
SAYINGS = (
    "can I move my lesson to tomorrow morning",
    "I paid this morning, is it confirmed",
    "when is my next session",
    "please send the invoice for October again",
    "I want my money back for November",
    "is there a trial lesson",
    "halo, jadwal saya besok jam berapa ya",
    "bisa pindah kelas ke hari Sabtu",
    "saya sudah transfer, tolong dicek",
    "could you change my slot to weekends",
    "please delete everything you hold on me",
    "terima kasih banyak",
)
REPLIES = (
    "Thanks for telling us, we are checking and will be back soon.",
    "Your payment is confirmed.",
    "Your next lesson is on Saturday at 10:00.",
    "Baik, kelasnya sudah kami pindahkan ke hari Sabtu.",
)
TAGS = ("late-payer", "vip", "follow-up", "schedule", "november", "waiting-for-coach", "trial", "second-lesson")
INTENTS = ("reschedule", "payment", "schedule", "invoice", "refund", "faq", "cancel", "other")

_ONE_OF: LiteralString = """
create function pg_temp.one_of(many text[], n int, seed int) returns text language sql immutable as
    'select many[1 + (hashint4(n + seed * 7919) & 2147483647) %% array_length(many, 1)]'
"""
_BELOW: LiteralString = """
create function pg_temp.below(n int, seed int, k int) returns int language sql immutable as
    'select (hashint4(n + seed * 7919) & 2147483647) %% k'
"""
_PEOPLE: LiteralString = """
insert into people (id, name, role, email, sample, created_at)
select 'crowd_' || n, 'Crowd ' || n, (array['coach', 'agent'])[1 + n %% 2], 'crowd' || n || '@studio.example', true,
    %(now)s
from generate_series(1, %(people)s) n
on conflict (id) do nothing
"""
_CONTACTS: LiteralString = """
insert into contacts (id, name, email, phone, locale, sample, created_at)
select 'con_crowd' || n, pg_temp.one_of(%(names)s, n, 1) || ' ' || pg_temp.one_of(%(surnames)s, n, 2),
    'crowd' || n || '@example.com', '+62 812 ' || lpad(((n / 10000) %% 10000)::text, 4, '0') || ' '
    || lpad((n %% 10000)::text, 4, '0'), (array['id', 'en'])[1 + n %% 2], true, %(now)s - interval '400 days'
from generate_series(1, %(contacts)s) n
"""
_CONVERSATIONS: LiteralString = """
insert into conversations (id, channel, address, language, created_at, turn, heard_at)
select 'conv_crowd' || n, pg_temp.one_of(%(channels)s, n, 3), 'crowd-' || n, (array['id', 'en'])[1 + n %% 2],
    %(now)s - interval '400 days', 4, %(now)s
from generate_series(1, %(contacts)s) n
"""
_IDENTITIES: LiteralString = """
insert into identities (channel, address, contact_id, method, verified_at)
select channel, address, 'con_crowd' || substr(id, 11), 'channel', created_at from conversations
where id like 'conv\\_crowd%%'
"""
_CASES: LiteralString = """
with made as (
    select n, n > %(closed)s as open,
        case when n > %(closed)s then %(now)s - interval '3 days' * (%(cases)s - n) / %(open)s
             else %(now)s - interval '3 days' - interval '360 days' * (%(closed)s - n) / %(closed)s end as opened_at
    from generate_series(1, %(cases)s) n
)
insert into cases (id, conversation_id, contact_id, channel, status, owner, language, intent, category, severity, tier,
    turns, opened_at, updated_at, resolved_at, reopened, disposition)
select 'case_crowd' || n, 'conv_crowd' || (1 + n %% %(contacts)s),
    case when n %% 20 = 0 then null else 'con_crowd' || (1 + n %% %(contacts)s) end,
    pg_temp.one_of(%(channels)s, 1 + n %% %(contacts)s, 3),
    case when open then pg_temp.one_of(%(states)s, n, 4) when n %% 7 = 0 then 'resolved' else 'closed' end,
    case when pg_temp.below(n, 5, 100) < 30 then 'crowd_' || (1 + n %% %(people)s) else 'desk' end,
    (array['id', 'en'])[1 + n %% 2], pg_temp.one_of(%(intents)s, n, 6), pg_temp.one_of(%(intents)s, n, 6), 'P3',
    (array[0, 0, 0, 0, 1, 1, 1, 2, 2, 3])[1 + pg_temp.below(n, 7, 10)], 1 + n %% 3, opened_at,
    opened_at + interval '20 minutes',
    case when open then null else opened_at + interval '1 minute' * (5 + n %% 300) end,
    case when n %% 25 = 0 then 1 else 0 end, case when open then '' else 'answered' end
from made order by n
"""
_MESSAGES: LiteralString = """
insert into messages (id, conversation_id, case_id, inbound, author, kind, text, at, provider_id, turn)
select 'msg_' || c.id || '_' || k, c.conversation_id, c.id, k <> 2, case k when 2 then 'B' else 'contact' end, 'text',
    case k when 2 then pg_temp.one_of(%(replies)s, c.number, 8)
           else initcap(left(s.said, 1)) || substr(s.said, 2) || ', ref ' || (c.number * 10 + k) end,
    c.opened_at + interval '4 minutes' * (k - 1), case when k <> 2 then c.id || '-' || k end, k
from cases c, generate_series(1, 3) k,
    lateral (select pg_temp.one_of(%(sayings)s, c.number + k, 9) as said) s
where c.id like 'case\\_crowd%%' and (k < 3 or c.number %% 2 = 0)
"""
_CLOCKS: LiteralString = """
insert into clocks (case_id, kind, started_at, due_at, paused_at, met_at, breached_at)
select c.id, kind, c.opened_at, at.due,
    case when kind = 'resolution' and c.status in ('waiting_customer', 'pending_verification')
        then c.opened_at + interval '9 minutes' end,
    case kind when 'first_response' then c.opened_at + interval '30 seconds' else c.resolved_at end,
    case when c.number %% 40 = 0 then at.due end
from cases c, unnest(array['first_response', 'resolution', 'decision']) kind,
    lateral (select case when kind = 'first_response' then c.opened_at + interval '2 minutes'
        when c.resolved_at is null then %(now)s + interval '1 minute' * (pg_temp.below(c.number, 10, 900) - 15)
        else c.opened_at + interval '4 hours' end as due) at
where c.id like 'case\\_crowd%%' and (kind <> 'decision' or c.status = 'waiting_approval')
"""
_DUE: LiteralString = """
update cases set due_at = soon.due, reopened_at = case when reopened > 0 then updated_at end
from (select case_id, min(due_at) filter (where paused_at is null) as due from clocks where met_at is null
    group by case_id) as soon
where soon.case_id = cases.id and id like 'case\\_crowd%%'
"""
_DECISIONS: LiteralString = """
insert into decisions (case_id, turn, at, tier, release, body)
select id, 1, opened_at, tier, 'crowd', jsonb_build_object('approval', case when tier = 3 then 'coach' else 'qa' end,
    'auto_send', tier = 0, 'rules', jsonb_build_array('crowd'), 'possible', '[]'::jsonb, 'missing', '[]'::jsonb, 'hold',
    null, 'reasons', '[]'::jsonb, 'facts', jsonb_build_array(jsonb_build_object('name', 'intent', 'value', intent,
    'source', 'brain', 'at', opened_at), jsonb_build_object('name', 'identity', 'value', 'verified',
    'source', 'records', 'at', opened_at)))
from cases where id like 'case\\_crowd%%' order by number
"""
_DRAFTS: LiteralString = """
insert into drafts (id, case_id, at, digest, body, checks)
select 'drf_' || id, id, opened_at, md5(id), jsonb_build_object('language', language,
    'template', 'crowd', 'replies', jsonb_build_object('SUCCESS', pg_temp.one_of(%(replies)s, number, 8)), 'task', null,
    'evidence', '[]'::jsonb, 'resolves', true, 'disposition', '', 'address', 'webchat:crowd',
    'decision', 0), '[{"name": "length", "ok": true, "detail": ""}]'
from cases where id like 'case\\_crowd%%' and (status = 'waiting_approval' or resolved_at is not null and tier >= 2)
"""
_APPROVALS: LiteralString = """
insert into approvals (id, case_id, draft_id, lane, tier, question, why, digest, state, opened_at, expires_at,
    decided_by, decided_at)
select 'apr_' || c.id, c.id, d.id, case when c.tier = 3 then 'coach' else 'qa' end, c.tier, 'May this be done?',
    'Asked for a bench.', d.digest, case when c.resolved_at is null then 'open' when c.number %% 9 = 0 then 'denied'
    else 'approved' end, d.at, case when c.resolved_at is null then %(now)s + interval '4 hours' else d.at + interval
    '4 hours' end, case when c.resolved_at is null then '' else 'crowd_' || (1 + c.number %% %(people)s) end,
    case when c.resolved_at is not null then d.at + interval '15 minutes' end
from drafts d join cases c on c.id = d.case_id where d.id like 'drf\\_case\\_crowd%%'
"""
_TAGS: LiteralString = """
insert into case_tags (case_id, tag, by, at)
select id, pg_temp.one_of(%(tags)s, number, 11), 'crowd_1', updated_at from cases
where id like 'case\\_crowd%%' and number %% 5 = 0
"""
_LOG: LiteralString = """
with base as (select seq from log_head), made as (
    select row_number() over (order by c.opened_at, k) as n, c.*, k,
        (array['case', 'decision', 'send'])[k] as kind
    from cases c, generate_series(1, 3) k where c.id like 'case\\_crowd%%'
), entries as (
    insert into log (seq, at, kind, actor, case_id, conversation_id, release, payload_hash, hash)
    select base.seq + n, opened_at + interval '10 seconds' * k, kind, (array['house', 'A', 'B'])[k], id,
        conversation_id, 'crowd', 'crowd', 'crowd'
    from made, base returning seq, kind
)
insert into log_payloads (seq, payload)
select seq, case kind when 'case' then '{"status":"opened"}' when 'decision' then '{"rules":["crowd"],"tier":"R1"}'
    else '{"channel":"webchat","text":"Your payment is confirmed."}' end
from entries
"""
_HEAD: LiteralString = "update log_head set seq = (select max(seq) from log), hash = repeat('0', 64)"
_STEPS: Sequence[LiteralString] = (
    *(
        _ONE_OF,
        _BELOW,
        _PEOPLE,
        _CONTACTS,
        _CONVERSATIONS,
        _IDENTITIES,
        _CASES,
        _MESSAGES,
        _CLOCKS,
        _DUE,
        _DECISIONS,
        _DRAFTS,
    ),
    *(_APPROVALS, _TAGS, _LOG, _HEAD),
)


def fill(database_url: str, cases: int = 100_000, *, now: datetime | None = None) -> float:
    """Put `cases` cases, one of ten of them open, into a migrated database that has a log; return the seconds it took.

    Once a database: ids are fixed.
    """
    began = time.perf_counter()
    opened = max(1, cases // SHARE_OPEN)
    given: dict[str, Any] = {
        "now": now or datetime.now(UTC),
        "cases": cases,
        "open": opened,
        "closed": max(1, cases - opened),
        "contacts": max(1, cases // 3),
        "people": PEOPLE,
        "names": list(NAMES),
        "surnames": list(SURNAMES),
        "sayings": list(SAYINGS),
        "replies": list(REPLIES),
        "tags": list(TAGS),
        "intents": list(INTENTS),
        "channels": ["webchat", "webchat", "whatsapp", "telegram", "email"],
        "states": ["waiting_customer"] * 7 + ["open"] * 5 + ["waiting_approval"] * 4 + ["pending_verification"] * 2
        + ["waiting_execution", "new"],
    }  # fmt: skip
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("set synchronous_commit = off")
        with connection.transaction():
            for step in _STEPS:
                connection.execute(step, given)
        connection.execute("vacuum analyze")
    return time.perf_counter() - began


def measure(*, quick: bool = False) -> dict[str, Any]:
    """Fill a database of its own, and say how long that takes."""
    cases = 10_000 if quick else 100_000
    with tempfile.TemporaryDirectory(prefix="caseward-crowd-") as folder:
        server = Embedded(Path(folder))
        try:
            migrate.upgrade(server.url)
            db.connect(server.url)
            with db.transaction():
                log.start()
            db.disconnect()
            return {"cases": cases, "seconds": round(fill(server.url, cases), 1), "seconds_target": "60 at 100,000"}
        finally:
            server.stop()
