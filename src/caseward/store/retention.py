"""What is old enough to be deleted: how much there is, and deleting it, a batch at a time.

Every kind has one query that says which rows may go; both counting and deleting go by it. None names anything of a case
that is not closed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from caseward.store import db

COUNTED = 1000
"""Rows that are counted at most, for whoever looks; more are "more than"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Old:
    """What one kind of data holds."""

    oldest: datetime | None
    """Since when the oldest that could ever be deleted has been kept; None where there is none."""
    due: int
    """How many would go now, counted up to COUNTED + 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How one kind of data is found and deleted."""

    oldest: LiteralString
    """Returns `at`."""
    due: LiteralString
    """Returns the ids, as text, of at most `most` that were settled before `before`."""
    delete: LiteralString
    """Deletes those with `ids`, and returns how many they were, as `gone`; knows `now` and `before`."""


_CLOSED: Final = """
    (select 'case ' || id as id from cases
    where status = 'closed' and (forgotten_at is null or forgotten_at < updated_at) and updated_at < %(before)s
        and not exists (
            select from outbox
            where outbox.case_id = cases.id and outbox.state in ('queued', 'running', 'unknown', 'held')
        )
        and not exists (
            select from tasks where tasks.case_id = cases.id and tasks.state in ('queued', 'running', 'unknown')
        )
    order by updated_at limit %(most)s)
    union all
    (select 'message ' || id from messages where case_id is null and at < %(before)s order by seq limit %(most)s)
    limit %(most)s
"""
_FILES: Final = """
    select files.id from files
    where files.state = 'kept' and files.created_at < %(before)s
        and exists (
            select from messages join cases on cases.id = messages.case_id
            where messages.id = files.message_id and cases.status = 'closed' and cases.updated_at < %(before)s
        )
    order by files.created_at limit %(most)s
"""
_CONTACTS: Final = """
    (select 'contact ' || contacts.id as id from contacts
    where contacts.forgotten_at is null and contacts.created_at < %(before)s
        and not exists (
            select from cases as own join cases as near on near.conversation_id = own.conversation_id
            where own.contact_id = contacts.id and (near.status <> 'closed' or near.updated_at >= %(before)s)
        )
        and not exists (
            select from identities
            join conversations on (conversations.channel, conversations.address)
                = (identities.channel, identities.address)
            join cases on cases.conversation_id = conversations.id
            where identities.contact_id = contacts.id
                and (cases.status <> 'closed' or cases.updated_at >= %(before)s)
        )
    order by contacts.created_at limit %(most)s)
    union all
    (select 'conversation ' || conversations.id from conversations
    where conversations.created_at < %(before)s and conversations.address not like 'forgotten:%%'
        and coalesce(conversations.heard_at, conversations.created_at) < %(before)s
        and not exists (
            select from cases where cases.conversation_id = conversations.id
                and (cases.contact_id is not null or cases.status <> 'closed' or cases.updated_at >= %(before)s)
        )
        and not exists (
            select from identities where (identities.channel, identities.address)
                = (conversations.channel, conversations.address)
        )
    order by conversations.created_at limit %(most)s)
    limit %(most)s
"""
"""Those we know, and those who wrote and whom nobody ever knew."""
_READINGS: Final = """
    (select 'reading ' || context.ctid::text as id from context
    where context.expires_at < %(before)s
        and not exists (
            select from cases where cases.contact_id = context.contact_id and cases.status <> 'closed'
        )
    order by context.expires_at limit %(most)s)
    union all
    (select 'outreach ' || key from outreach where state <> 'waiting' and body <> '{}' and at < %(before)s
    limit %(most)s)
    limit %(most)s
"""
"""What systems said, and what a playbook read to say it."""
_WEBHOOKS: Final = """
    (select 'hook ' || id as id from hooks where state in ('read', 'failed') and at < %(before)s
        order by at limit %(most)s)
    union all
    (select 'lane ' || id from lane_events where handled_at is not null and at < %(before)s order by id limit %(most)s)
    limit %(most)s
"""
_SIGN_INS: Final = """
    (select 'session ' || token_hash as id from sessions
        where least(expires_at, coalesce(revoked_at, expires_at)) < %(before)s limit %(most)s)
    union all
    (select 'link ' || token_hash from sign_in_links where expires_at < %(before)s limit %(most)s)
    union all
    (select 'attempt ' || id from sign_in_attempts where at < %(before)s limit %(most)s)
    union all
    (select 'proof ' || id from identity_attempts where at < %(before)s limit %(most)s)
    union all
    (select 'code ' || digest from codes where expires_at < %(before)s limit %(most)s)
    union all
    (select 'step ' || token_hash from sign_in_steps where expires_at < %(before)s limit %(most)s)
    union all
    (select 'state ' || state_hash from oidc_states where expires_at < %(before)s limit %(most)s)
    union all
    (select 'letter ' || key from letters where at < %(before)s limit %(most)s)
    union all
    (select 'transcript ' || id from transcripts where expires_at < %(before)s limit %(most)s)
    limit %(most)s
"""
_LOG: Final = """
    select log.seq::text as id from log join log_payloads using (seq)
    where log.at < %(before)s and log.kind not in ('release', 'phase', 'retention')
        and not exists (select from cases where cases.id = log.case_id and cases.status <> 'closed')
        and not exists (
            select from cases where cases.conversation_id = log.conversation_id and cases.status <> 'closed'
        )
    order by log.seq limit %(most)s
"""

KINDS: Final[Mapping[str, Kind]] = {
    "messages": Kind(
        oldest="""
            select min(updated_at) as at from cases
            where status = 'closed' and (forgotten_at is null or forgotten_at < updated_at)
        """,
        due=_CLOSED,
        delete="""
            with given as (select split_part(each, ' ', 1) as kind, split_part(each, ' ', 2) as id
                from unnest(%(ids)s::text[]) as each),
            old as (select id from cases
                where id in (select id from given where kind = 'case') and status = 'closed' for update),
            said as (
                delete from messages
                where case_id in (select id from old)
                    or (case_id is null and id in (select id from given where kind = 'message'))
                returning id, case_id
            ),
            edits as (delete from message_edits where message_id in (select id from said)),
            held as (delete from files where message_id in (select id from said)),
            notes as (delete from mentions where case_id in (select id from old)),
            shown as (delete from cards where case_id in (select id from old)),
            sent as (
                update outbox set text = '', reply = '{}', address = '', error = ''
                where case_id in (select id from old)
            ),
            timed as (delete from timers where case_id in (select id from old)),
            doors as (delete from doors where case_id in (select id from old)),
            joined as (delete from merges where kept in (select id from old) or gone in (select id from old)),
            tagged as (delete from case_tags where case_id in (select id from old)),
            asked as (delete from proofs where case_id in (select id from old)),
            drafted as (
                update drafts set
                    body = body || jsonb_build_object(
                        'replies',
                        (select coalesce(jsonb_object_agg(key, ''), '{}') from jsonb_each(body -> 'replies')),
                        'task', null, 'evidence', '[]'::jsonb, 'address', ''
                    ),
                    checks = '[]'
                where case_id in (select id from old)
            ),
            understood as (
                update decisions set body = jsonb_set(body, '{understanding,named}', '{}', false)
                where case_id in (select id from old)
            ),
            consented as (
                update approvals set question = '', why = '', reason = '', conditions = ''
                where case_id in (select id from old) returning id
            ),
            voted as (update votes set conditions = '' where approval_id in (select id from consented)),
            worked as (
                update tasks set args = '{}', summary = '', result = case when result is null then null
                    else jsonb_build_object('status', result -> 'status') end
                where case_id in (select id from old)
            ),
            sighted as (delete from sightings where case_id in (select id from old) returning candidate_id),
            left_over as (
                select candidate_id as id, exists (
                    select from sightings where sightings.candidate_id = sighted.candidate_id
                        and sightings.case_id not in (select id from old)
                ) as seen_elsewhere
                from sighted group by candidate_id
            ),
            wanting as (
                update candidates set words = '[]' where id in (select id from left_over where seen_elsewhere)
            ),
            unwanted as (
                delete from candidates where id in (select id from left_over where not seen_elsewhere)
            ),
            rated as (update ratings set comment = '' where case_id in (select id from old)),
            done as (
                update cases set
                    forgotten_at = greatest(%(now)s, updated_at), pending = '{}', reach = '', disposition = ''
                where id in (select id from old) returning id
            )
            select (select count(*) from done) + (select count(*) from said where case_id is null) as gone
        """,
    ),
    "attachments": Kind(
        oldest="select min(created_at) as at from files where state = 'kept'",
        due=_FILES,
        delete="""
            with done as (
                update files set content = null, state = 'gone', why = 'deleted after the time it is kept'
                where id = any(%(ids)s) returning id
            )
            select count(*) as gone from done
        """,
    ),
    "contacts": Kind(
        oldest="select min(created_at) as at from contacts where forgotten_at is null",
        due=_CONTACTS,
        delete="""
            with given as (select split_part(each, ' ', 1) as kind, split_part(each, ' ', 2) as id
                from unnest(%(ids)s::text[]) as each),
            whom as (select id from given where kind = 'contact'),
            proved as (delete from identities where contact_id in (select id from whom) returning channel, address),
            known as (delete from context where contact_id in (select id from whom)),
            theirs as (select id, conversation_id from cases where contact_id in (select id from whom)),
            opened as (delete from doors where case_id in (select id from theirs)),
            asked as (delete from proofs where contact_id in (select id from whom)),
            joined as (
                delete from merges where kept in (select id from whom) or gone in (select id from whom)
            ),
            written as (
                update outreach set body = '{}', why = '', next_at = null,
                    state = case when state = 'waiting' then 'skipped' else state end
                where contact_id in (select id from whom)
            ),
            talks as (
                select id, channel, address from conversations
                where (channel, address) in (select channel, address from proved)
                    or id in (select conversation_id from theirs)
                    or id in (select id from given where kind = 'conversation')
            ),
            admitted as (
                delete from admissions where (channel, address) in (select channel, address from talks)
                    or (channel, address) in (select channel, address from proved)
            ),
            reached as (
                update conversations set address = 'forgotten:' || id, title = '', token_hash = null
                where id in (select id from talks) returning id
            ),
            done as (
                update contacts set name = '', email = '', phone = '', locale = '', forgotten_at = %(now)s
                where id in (select id from whom) returning id
            )
            select (select count(*) from done)
                + (select count(*) from given where kind = 'conversation') as gone
        """,
    ),
    "readings": Kind(
        oldest="select min(expires_at) as at from context",
        due=_READINGS,
        delete="""
            with given as (select split_part(each, ' ', 1) as kind, substr(each, strpos(each, ' ') + 1) as id
                from unnest(%(ids)s::text[]) as each),
            read as (
                delete from context
                where ctid = any(array(select id::tid from given where kind = 'reading')) and expires_at < %(before)s
                returning contact_id
            ),
            written as (
                update outreach set body = '{}'
                where key in (select id from given where kind = 'outreach') and state <> 'waiting' returning key
            )
            select (select count(*) from read) + (select count(*) from written) as gone
        """,
    ),
    "webhooks": Kind(
        oldest="select min(at) as at from hooks",
        due=_WEBHOOKS,
        delete="""
            with old as (select split_part(each, ' ', 1) as kind, split_part(each, ' ', 2)::bigint as id
                from unnest(%(ids)s::text[]) as each),
            a as (delete from hooks where id in (select id from old where kind = 'hook')),
            b as (delete from lane_events where id in (select id from old where kind = 'lane'))
            select count(*) as gone from old
        """,
    ),
    "sign_ins": Kind(
        oldest="""
            select least(
                (select min(least(expires_at, coalesce(revoked_at, expires_at))) from sessions),
                (select min(expires_at) from sign_in_links), (select min(expires_at) from codes),
                (select at from sign_in_attempts order by id limit 1),
                (select at from identity_attempts order by id limit 1)
            ) as at
        """,
        due=_SIGN_INS,
        delete="""
            with old as (select split_part(each, ' ', 1) as kind, split_part(each, ' ', 2) as id
                from unnest(%(ids)s::text[]) as each),
            a as (delete from sessions where token_hash in (select id from old where kind = 'session')),
            b as (delete from sign_in_links where token_hash in (select id from old where kind = 'link')),
            c as (delete from sign_in_attempts where id in (select id::bigint from old where kind = 'attempt')),
            d as (delete from identity_attempts where id in (select id::bigint from old where kind = 'proof')),
            e as (delete from codes where digest in (select id from old where kind = 'code')),
            f as (delete from sign_in_steps where token_hash in (select id from old where kind = 'step')),
            g as (delete from oidc_states where state_hash in (select id from old where kind = 'state')),
            h as (delete from letters where key in (select id from old where kind = 'letter')),
            i as (delete from transcripts where id in (select id from old where kind = 'transcript'))
            select count(*) as gone from old
        """,
    ),
    "log": Kind(
        oldest="""
            select log.at from log join log_payloads using (seq)
            where log.kind not in ('release', 'phase', 'retention') order by log.seq limit 1
        """,
        due=_LOG,
        delete="""
            with done as (delete from log_payloads where seq = any(%(ids)s::bigint[]) returning seq)
            select count(*) as gone from done
        """,
    ),
}
"""Kind, as the pack names it → how it is found."""


def look(kind: str, before: datetime | None, *, now: datetime) -> Old:
    """Return how old a kind of data is, and how much of it was settled before an instant; nothing goes without one.

    What may still be needed, such as a session that lasts, is not old at all.
    """
    oldest = db.run(KINDS[kind].oldest).fetchone()
    due = 0
    if before is not None:
        given = {"before": before, "most": COUNTED + 1}
        due = len(db.run(KINDS[kind].due, given).fetchall())
    return Old(oldest=oldest.at if oldest and oldest.at and oldest.at <= now else None, due=due)


def delete(kind: str, before: datetime, *, now: datetime, most: int) -> int:
    """Delete up to `most` of a kind that were settled before an instant, and return how many; 0 when none is left."""
    db.run("select pg_advisory_xact_lock(hashtextextended('caseward retention', 0))")  # one at a time, so none twice
    ids = [row.id for row in db.run(KINDS[kind].due, {"before": before, "most": most})]
    if not ids:
        return 0
    row = db.run(KINDS[kind].delete, {"ids": ids, "before": before, "now": now}).fetchone()
    return int(row.gone) if row else 0
