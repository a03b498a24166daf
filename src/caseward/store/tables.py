"""Every table, once. Migrations make them; a test compares the two."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "ix": "%(table_name)s_%(column_0_N_name)s_idx",
        "uq": "%(table_name)s_%(column_0_N_name)s_key",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
    }
)
AT = DateTime(timezone=True)
OPEN = "('new', 'open', 'waiting_customer', 'waiting_approval', 'waiting_execution', 'pending_verification')"
"""Statuses of cases that are not settled, as an index names them."""


def moment(name: str, *, required: bool = True) -> Column[object]:
    """Return a column for an instant."""
    return Column(name, AT, nullable=not required)


def words(name: str, *, default: str | None = None) -> Column[object]:
    """Return a column for text that is never null."""
    return Column(name, Text, nullable=False, server_default=default)


# --- who writes -------------------------------------------------------------------------------------------------------

contacts = Table(
    "contacts",
    metadata,
    Column("id", Text, primary_key=True),
    words("name"),
    words("email", default=""),
    words("phone", default=""),
    words("locale", default=""),
    Column("sample", Boolean, nullable=False, server_default=text("false")),
    moment("created_at"),
    moment("forgotten_at", required=False),  # when what was known of them was deleted
    Index("contacts_kept_idx", "created_at", postgresql_where=text("forgotten_at is null")),
)

identities = Table(
    "identities",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("contact_id", Text, ForeignKey("contacts.id"), nullable=False, index=True),
    words("method"),
    moment("verified_at"),
)

identity_attempts = Table(
    "identity_attempts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("conversation_id", Text, nullable=False),
    moment("at"),
    Column("ok", Boolean, nullable=False),
    Column("named", JSONB, nullable=False, server_default=text("'[]'::jsonb")),  # digests of the values given
    Index(None, "conversation_id", "at"),
    Index(None, "named", postgresql_using="gin"),
)

# --- what is said -----------------------------------------------------------------------------------------------------

conversations = Table(
    "conversations",
    metadata,
    Column("id", Text, primary_key=True),
    words("channel"),
    words("address"),
    Column("token_hash", Text, unique=True),
    words("language", default=""),
    moment("created_at"),
    # The mailbox (ADR 4): a durable queue of one row a conversation.
    Column("turn", Integer, nullable=False, server_default="0"),
    moment("first_at", required=False),
    moment("ready_at", required=False),
    moment("heard_at", required=False),  # when the contact last wrote: a vendor's window is counted from here
    words("title", default=""),  # what the channel calls who writes; proof of nothing
    moment("passed_at", required=False),  # when its vendor said that somebody else is behind the address, or may be
    UniqueConstraint("channel", "address"),
    Index("conversations_kept_idx", "created_at", postgresql_where=text("address not like 'forgotten:%'")),
    Index("conversations_ready_idx", "ready_at", postgresql_where=text("ready_at is not null")),
)

messages = Table(
    "messages",
    metadata,
    Column("seq", BigInteger, Identity(), primary_key=True),
    Column("id", Text, nullable=False, unique=True),
    Column("conversation_id", Text, ForeignKey("conversations.id"), nullable=False),
    Column("case_id", Text),
    Column("inbound", Boolean, nullable=False),
    words("author"),
    words("kind", default="text"),
    words("text"),
    moment("at"),
    Column("provider_id", Text),
    Column("turn", Integer),
    words("via", default=""),  # channel:address, where it came through another door than the conversation's own
    words("reply_to", default=""),  # the channel's id of the message it answers
    words("choice", default=""),  # id of what was picked by a button
    Column("attachments", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    Column("sender", JSONB, nullable=False, server_default=text("'{}'::jsonb")),  # what the channel says of who wrote
    moment("edited_at", required=False),
    moment("withdrawn_at", required=False),
    Column("choices", JSONB, nullable=False, server_default=text("'[]'::jsonb")),  # what of ours may be picked from
    UniqueConstraint("conversation_id", "provider_id"),
    Index(None, "conversation_id", "seq"),
    Index(None, "case_id", "seq"),
    Index("messages_files_idx", "case_id", postgresql_where=text("jsonb_array_length(attachments) > 0")),
    Index(
        "messages_unclaimed_idx",
        "conversation_id",
        postgresql_where=text("inbound and turn is null"),
    ),
)

# --- the case file ----------------------------------------------------------------------------------------------------

cases = Table(
    "cases",
    metadata,
    Column("id", Text, primary_key=True),
    Column("number", Integer, Identity(start=1001), nullable=False, unique=True),
    Column("conversation_id", Text, ForeignKey("conversations.id"), nullable=False),
    Column("contact_id", Text, ForeignKey("contacts.id"), index=True),
    words("channel"),
    words("status"),
    words("owner", default="desk"),
    words("language", default=""),
    words("intent", default=""),
    words("category", default="other"),
    words("severity", default="P3"),
    Column("tier", SmallInteger),
    Column("questions", Integer, nullable=False, server_default="0"),
    Column("turns", Integer, nullable=False, server_default="0"),
    Column("pending", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    moment("opened_at"),
    moment("updated_at"),
    moment("resolved_at", required=False),
    Column("reopened", Integer, nullable=False, server_default="0"),
    Column("version", Integer, nullable=False, server_default="1"),
    words("disposition", default=""),
    Column("woken", JSONB, nullable=False, server_default=text("'[]'::jsonb")),  # triggers that woke a person
    words("reach", default=""),  # channel:address to which replies go, where the conversation moved
    moment("lease_until", required=False),  # until when a person who answers outside the desk keeps it
    Column("merged", Text),  # id of the case that this one is part of now
    moment("snoozed_until", required=False),
    moment("due_at", required=False),  # of the next clock that runs; kept with the clocks, for lists
    moment("reopened_at", required=False),
    Index(
        "cases_open_idx",
        "due_at",
        "number",
        postgresql_include=["status", "owner"],
        postgresql_where=text(f"snoozed_until is null and status in {OPEN}"),
    ),
    Index("cases_owned_idx", "owner", postgresql_where=text(f"owner <> 'desk' and status in {OPEN}")),
    Index("cases_reopened_idx", "reopened_at", postgresql_where=text("reopened_at is not null")),
    Index("cases_snoozed_idx", "snoozed_until", postgresql_where=text("snoozed_until is not null")),
    moment("forgotten_at", required=False),  # when its words were deleted
    Index(
        "cases_kept_idx",
        "updated_at",
        postgresql_where=text("status = 'closed' and (forgotten_at is null or forgotten_at < updated_at)"),
    ),
    Index(None, "conversation_id", "number"),
    Index(None, "status", "updated_at"),
)

clocks = Table(
    "clocks",
    metadata,
    Column("case_id", Text, ForeignKey("cases.id"), primary_key=True),
    Column("kind", Text, primary_key=True),  # first_response, resolution, decision
    moment("started_at"),
    moment("due_at"),
    moment("paused_at", required=False),
    moment("met_at", required=False),
    moment("breached_at", required=False),
    Index("clocks_due_idx", "due_at", postgresql_where=text("met_at is null")),
    Index("clocks_deciding_idx", "case_id", "due_at", postgresql_where=text("kind = 'decision' and met_at is null")),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False),
    Column("turn", Integer, nullable=False),
    moment("at"),
    Column("tier", SmallInteger, nullable=False),
    words("release"),
    Column("body", JSONB, nullable=False),  # rules, facts with source and age, missing, hold, approval, understanding
    Index(None, "case_id", "id"),
)

drafts = Table(
    "drafts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False, index=True),
    moment("at"),
    words("digest"),
    Column("body", JSONB, nullable=False),
    Column("checks", JSONB, nullable=False),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False, index=True),
    Column("draft_id", Text, ForeignKey("drafts.id"), nullable=False),
    words("lane"),
    Column("tier", SmallInteger, nullable=False),
    words("question"),
    words("why", default=""),
    words("digest"),
    words("state", default="open"),
    moment("opened_at"),
    moment("expires_at"),
    words("decided_by", default=""),
    moment("decided_at", required=False),
    words("reason", default=""),
    words("conditions", default=""),
    Column("needs", SmallInteger, nullable=False, server_default="1"),
    Column("hold_seconds", Integer, nullable=False, server_default="0"),
    Column("expires_minutes", Integer),
    Column("approvers", JSONB(none_as_null=True)),  # who could decide when it was opened
    moment("held_until", required=False),  # consented to, and not begun yet
    Index("approvals_open_idx", "lane", "expires_at", postgresql_where=text("state = 'open'")),
    Index("approvals_held_idx", "held_until", postgresql_where=text("held_until is not null")),
)

votes = Table(
    "votes",
    metadata,
    Column("approval_id", Text, ForeignKey("approvals.id"), primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    words("role"),
    words("word"),  # approve, edit
    words("conditions", default=""),
    moment("at"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False, index=True),
    Column("draft_id", Text, ForeignKey("drafts.id"), nullable=False),
    Column("approval_id", Text),
    words("skill"),
    Column("args", JSONB, nullable=False),
    Column("key", Text, nullable=False, unique=True),
    words("summary", default=""),
    Column("approvers", JSONB, nullable=False),
    words("state"),  # queued, running, unknown, done, failed
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("result", JSONB),
    moment("created_at"),
    moment("updated_at"),
    moment("next_at", required=False),
    Index("tasks_due_idx", "next_at", postgresql_where=text("state in ('queued', 'running', 'unknown')")),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, nullable=False, index=True),
    Column("message_id", Text, nullable=False, index=True),
    words("channel"),
    words("address"),
    words("text"),
    Column("key", Text, nullable=False, unique=True),
    words("state"),  # queued, running, unknown, held, done, failed
    Column("attempts", Integer, nullable=False, server_default="0"),
    words("provider_ref", default=""),
    Column("approvers", JSONB, nullable=False),
    words("error", default=""),
    moment("created_at"),
    moment("updated_at"),
    moment("next_at", required=False),
    Column("reply", JSONB, nullable=False, server_default=text("'{}'::jsonb")),  # what is said, but the text
    words("delivery", default=""),  # sent, delivered, read, failed: what the vendor says became of it
    moment("delivery_at", required=False),
    words("fault", default=""),  # the vendor's code of a failure
    Column("seq", BigInteger, Identity(), nullable=False),  # in which order words to one address go out
    moment("keeps_until", required=False),  # how long the words may wait until the vendor takes them
    Column("shut", Boolean, nullable=False, server_default=text("false")),  # the vendor took no free words
    moment("slot_at", required=False),  # reserved: from then on it may go out
    moment("doubt_at", required=False),  # since when nobody knows whether it went out
    Index("outbox_due_idx", "next_at", postgresql_where=text("next_at is not null")),
    Index("outbox_ref_idx", "channel", "provider_ref", postgresql_where=text("provider_ref <> ''")),
    Index(
        "outbox_queue_idx",
        "channel",
        "address",
        "seq",
        postgresql_where=text("state in ('queued', 'running', 'unknown', 'held')"),
    ),
)

timers = Table(
    "timers",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    moment("due_at"),
    Column("body", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Index(None, "due_at"),
)

# --- readings (CTX) ---------------------------------------------------------------------------------------------------

context = Table(
    "context",
    metadata,
    Column("contact_id", Text, primary_key=True),
    Column("reading", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("values", JSONB, nullable=False),
    words("source"),
    moment("read_at"),
    moment("expires_at"),
    Index(None, "expires_at"),
)

# --- the action log ---------------------------------------------------------------------------------------------------

log = Table(
    "log",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    moment("at"),
    words("kind"),
    words("actor"),
    Column("case_id", Text),
    Column("conversation_id", Text),
    words("release", default=""),
    words("payload_hash"),
    words("hash"),
    Index(None, "case_id", "seq"),
    Index(None, "kind", "seq"),
    Index(None, "actor", "seq"),
    Index(None, "at", "seq"),
)

log_payloads = Table(
    "log_payloads",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    words("payload"),  # RFC 8785 JSON, exactly as hashed; erasure deletes the row and leaves the chain whole
)

log_head = Table(
    "log_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    words("hash"),
)

log_signatures = Table(
    "log_signatures",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    words("hash"),
    moment("at"),
    words("public_key"),
    words("signature"),
)

# --- people of the house ----------------------------------------------------------------------------------------------

people = Table(
    "people",
    metadata,
    Column("id", Text, primary_key=True),
    words("name"),
    words("role"),
    Column("email", Text, unique=True),
    words("password_hash", default=""),
    Column("disabled", Boolean, nullable=False, server_default=text("false")),
    Column("sample", Boolean, nullable=False, server_default=text("false")),
    moment("created_at"),
    Column("preferences", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("available", Boolean, nullable=False, server_default=text("true")),  # gets cases in turn
    moment("assigned_at", required=False),  # when one was last given to them
    words("totp_secret", default=""),
    Column("totp_step", BigInteger, nullable=False, server_default="0"),  # the last one used: a code counts once
    Column("subject", Text, unique=True),  # who they are to an identity provider
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("people.id"), nullable=False),
    moment("expires_at"),
    moment("used_at", required=False),
    words("kind", default="sign-in"),  # sign-in, invite, reset
)

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    words("subject"),
    moment("at"),
    Column("ok", Boolean, nullable=False),
    Index(None, "subject", "at"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("people.id"), nullable=False, index=True),
    words("csrf"),
    moment("created_at"),
    moment("seen_at"),
    moment("expires_at"),
    moment("revoked_at", required=False),
    words("agent", default=""),
    words("address", default=""),
    words("method", default=""),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("token_hash", Text, nullable=False, unique=True),
    words("name", default=""),
    words("role"),
    Column("scopes", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    moment("created_at"),
    moment("expires_at", required=False),
    moment("revoked_at", required=False),
    Column("made_by", Text, ForeignKey("people.id")),  # nobody where it was made on the command line
    moment("used_at", required=False),
)

# --- running ----------------------------------------------------------------------------------------------------------

workers = Table(
    "workers",
    metadata,
    Column("executor_id", Text, primary_key=True),
    words("host"),
    Column("pid", Integer, nullable=False),
    moment("started_at"),
    moment("seen_at"),
    moment("swept_at", required=False),
    words("release", default=""),
)

health = Table(
    "health",
    metadata,
    Column("system", Text, primary_key=True),
    words("state"),  # healthy, degraded
    words("why", default=""),
    words("by", default=""),
    moment("since"),
    Column("failures", Integer, nullable=False, server_default="0"),
)

releases = Table(
    "releases",
    metadata,
    Column("name", Text, primary_key=True),
    words("pack"),
    words("digest"),
    moment("published_at", required=False),
    words("state", default="published"),  # proposed, approved, published, refused, withdrawn
    words("author", default=""),
    words("reason", default=""),
    moment("proposed_at"),
    words("base", default=""),  # the release it was compared with
    Column("parts", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("changed", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    words("lane", default=""),
    Column("high_risk", Boolean, nullable=False, server_default=text("false")),
    words("checked", default=""),
    words("approver", default=""),
    words("verdict", default=""),
    moment("decided_at", required=False),
    Column("content", LargeBinary),  # the files, compressed; never changed once written
)

release_switches = Table(
    "release_switches",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("follows", BigInteger, nullable=False, unique=True),  # the switch before it: of two at once one fails
    Column("release", Text, ForeignKey("releases.name"), nullable=False),
    words("was", default=""),
    words("kind"),  # publish, rollback
    words("by"),
    words("role", default=""),
    words("reason", default=""),
    moment("at"),
)

phase_decisions = Table(
    "phase_decisions",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("follows", BigInteger, nullable=False, unique=True),
    words("phase"),
    words("topology"),
    words("was"),
    words("by"),
    words("role"),
    words("reason"),
    Column("criteria", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    moment("at"),
)

# --- the built-in records, behind the same ports as an outside system -------------------------------------------------

records = Table(
    "records",
    metadata,
    Column("kind", Text, primary_key=True),
    Column("id", Text, primary_key=True),
    Column("data", JSONB, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("claim", Text, unique=True),
    Index("records_data_idx", "data", postgresql_using="gin", postgresql_ops={"data": "jsonb_path_ops"}),
)

record_effects = Table(
    "record_effects",
    metadata,
    Column("key", Text, primary_key=True),
    Column("outcome", JSONB, nullable=False),
    moment("at"),
)
