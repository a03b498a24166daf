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


def _at(name: str, *, required: bool = True) -> Column[object]:
    return Column(name, AT, nullable=not required)


def _text(name: str, *, default: str | None = None) -> Column[object]:
    return Column(name, Text, nullable=False, server_default=default)


# --- who writes -------------------------------------------------------------------------------------------------------

contacts = Table(
    "contacts",
    metadata,
    Column("id", Text, primary_key=True),
    _text("name"),
    _text("email", default=""),
    _text("phone", default=""),
    _text("locale", default=""),
    Column("sample", Boolean, nullable=False, server_default=text("false")),
    _at("created_at"),
)

identities = Table(
    "identities",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("contact_id", Text, ForeignKey("contacts.id"), nullable=False, index=True),
    _text("method"),
    _at("verified_at"),
)

identity_attempts = Table(
    "identity_attempts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("conversation_id", Text, nullable=False),
    _at("at"),
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
    _text("channel"),
    _text("address"),
    Column("token_hash", Text, unique=True),
    _text("language", default=""),
    _at("created_at"),
    # The mailbox (ADR 4): a durable queue of one row a conversation.
    Column("turn", Integer, nullable=False, server_default="0"),
    _at("first_at", required=False),
    _at("ready_at", required=False),
    UniqueConstraint("channel", "address"),
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
    _text("author"),
    _text("kind", default="text"),
    _text("text"),
    _at("at"),
    Column("provider_id", Text),
    Column("turn", Integer),
    UniqueConstraint("conversation_id", "provider_id"),
    Index(None, "conversation_id", "seq"),
    Index(None, "case_id", "seq"),
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
    _text("channel"),
    _text("status"),
    _text("owner", default="desk"),
    _text("language", default=""),
    _text("intent", default=""),
    _text("category", default="other"),
    _text("severity", default="P3"),
    Column("tier", SmallInteger),
    Column("questions", Integer, nullable=False, server_default="0"),
    Column("turns", Integer, nullable=False, server_default="0"),
    Column("pending", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    _at("opened_at"),
    _at("updated_at"),
    _at("resolved_at", required=False),
    Column("reopened", Integer, nullable=False, server_default="0"),
    Column("version", Integer, nullable=False, server_default="1"),
    _text("disposition", default=""),
    Column("woken", JSONB, nullable=False, server_default=text("'[]'::jsonb")),  # triggers that woke a person
    Index(None, "conversation_id", "number"),
    Index(None, "status", "updated_at"),
)

clocks = Table(
    "clocks",
    metadata,
    Column("case_id", Text, ForeignKey("cases.id"), primary_key=True),
    Column("kind", Text, primary_key=True),  # first_response, resolution, decision
    _at("started_at"),
    _at("due_at"),
    _at("paused_at", required=False),
    _at("met_at", required=False),
    _at("breached_at", required=False),
    Index("clocks_due_idx", "due_at", postgresql_where=text("met_at is null")),
)

decisions = Table(
    "decisions",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False),
    Column("turn", Integer, nullable=False),
    _at("at"),
    Column("tier", SmallInteger, nullable=False),
    _text("release"),
    Column("body", JSONB, nullable=False),  # rules, facts with source and age, missing, hold, approval, understanding
    Index(None, "case_id", "id"),
)

drafts = Table(
    "drafts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False, index=True),
    _at("at"),
    _text("digest"),
    Column("body", JSONB, nullable=False),
    Column("checks", JSONB, nullable=False),
)

approvals = Table(
    "approvals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False, index=True),
    Column("draft_id", Text, ForeignKey("drafts.id"), nullable=False),
    _text("lane"),
    Column("tier", SmallInteger, nullable=False),
    _text("question"),
    _text("why", default=""),
    _text("digest"),
    _text("state", default="open"),
    _at("opened_at"),
    _at("expires_at"),
    _text("decided_by", default=""),
    _at("decided_at", required=False),
    _text("reason", default=""),
    _text("conditions", default=""),
    Column("needs", SmallInteger, nullable=False, server_default="1"),
    Column("hold_seconds", Integer, nullable=False, server_default="0"),
    Column("expires_minutes", Integer),
    Column("approvers", JSONB(none_as_null=True)),  # who could decide when it was opened
    _at("held_until", required=False),  # consented to, and not begun yet
    Index("approvals_open_idx", "lane", "expires_at", postgresql_where=text("state = 'open'")),
    Index("approvals_held_idx", "held_until", postgresql_where=text("held_until is not null")),
)

votes = Table(
    "votes",
    metadata,
    Column("approval_id", Text, ForeignKey("approvals.id"), primary_key=True),
    Column("digest", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    _text("role"),
    _text("word"),  # approve, edit
    _text("conditions", default=""),
    _at("at"),
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False, index=True),
    Column("draft_id", Text, ForeignKey("drafts.id"), nullable=False),
    Column("approval_id", Text),
    _text("skill"),
    Column("args", JSONB, nullable=False),
    Column("key", Text, nullable=False, unique=True),
    _text("summary", default=""),
    Column("approvers", JSONB, nullable=False),
    _text("state"),  # queued, running, unknown, done, failed
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("result", JSONB),
    _at("created_at"),
    _at("updated_at"),
    _at("next_at", required=False),
    Index("tasks_due_idx", "next_at", postgresql_where=text("state in ('queued', 'running', 'unknown')")),
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, nullable=False, index=True),
    Column("message_id", Text, nullable=False),
    _text("channel"),
    _text("address"),
    _text("text"),
    Column("key", Text, nullable=False, unique=True),
    _text("state"),  # queued, sending, unknown, sent, failed
    Column("attempts", Integer, nullable=False, server_default="0"),
    _text("provider_ref", default=""),
    Column("approvers", JSONB, nullable=False),
    _text("error", default=""),
    _at("created_at"),
    _at("updated_at"),
    _at("next_at", required=False),
    Index("outbox_due_idx", "next_at", postgresql_where=text("state in ('queued', 'sending', 'unknown')")),
)

timers = Table(
    "timers",
    metadata,
    Column("case_id", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    _at("due_at"),
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
    _text("source"),
    _at("read_at"),
    _at("expires_at"),
)

# --- the action log ---------------------------------------------------------------------------------------------------

log = Table(
    "log",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    _at("at"),
    _text("kind"),
    _text("actor"),
    Column("case_id", Text),
    Column("conversation_id", Text),
    _text("release", default=""),
    _text("payload_hash"),
    _text("hash"),
    Index(None, "case_id", "seq"),
    Index(None, "kind", "seq"),
    Index(None, "actor", "seq"),
)

log_payloads = Table(
    "log_payloads",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    _text("payload"),  # RFC 8785 JSON, exactly as hashed; erasure deletes the row and leaves the chain whole
)

log_head = Table(
    "log_head",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False),
    _text("hash"),
)

log_signatures = Table(
    "log_signatures",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    _text("hash"),
    _at("at"),
    _text("public_key"),
    _text("signature"),
)

# --- people of the house ----------------------------------------------------------------------------------------------

people = Table(
    "people",
    metadata,
    Column("id", Text, primary_key=True),
    _text("name"),
    _text("role"),
    Column("email", Text, unique=True),
    _text("password_hash", default=""),
    Column("disabled", Boolean, nullable=False, server_default=text("false")),
    Column("sample", Boolean, nullable=False, server_default=text("false")),
    _at("created_at"),
)

sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("people.id"), nullable=False),
    _at("expires_at"),
    _at("used_at", required=False),
)

sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    _text("subject"),
    _at("at"),
    Column("ok", Boolean, nullable=False),
    Index(None, "subject", "at"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("people.id"), nullable=False, index=True),
    _text("csrf"),
    _at("created_at"),
    _at("seen_at"),
    _at("expires_at"),
    _at("revoked_at", required=False),
)

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("token_hash", Text, nullable=False, unique=True),
    _text("name", default=""),
    _text("role"),
    Column("scopes", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    _at("created_at"),
    _at("expires_at", required=False),
    _at("revoked_at", required=False),
)

# --- running ----------------------------------------------------------------------------------------------------------

workers = Table(
    "workers",
    metadata,
    Column("executor_id", Text, primary_key=True),
    _text("host"),
    Column("pid", Integer, nullable=False),
    _at("started_at"),
    _at("seen_at"),
    _at("swept_at", required=False),
    _text("release", default=""),
)

health = Table(
    "health",
    metadata,
    Column("system", Text, primary_key=True),
    _text("state"),  # healthy, degraded
    _text("why", default=""),
    _text("by", default=""),
    _at("since"),
    Column("failures", Integer, nullable=False, server_default="0"),
)

releases = Table(
    "releases",
    metadata,
    Column("name", Text, primary_key=True),
    _text("pack"),
    _text("digest"),
    _at("published_at", required=False),
    _text("state", default="published"),  # proposed, approved, published, refused, withdrawn
    _text("author", default=""),
    _text("reason", default=""),
    _at("proposed_at"),
    _text("base", default=""),  # the release it was compared with
    Column("parts", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("changed", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    _text("lane", default=""),
    Column("high_risk", Boolean, nullable=False, server_default=text("false")),
    _text("checked", default=""),
    _text("approver", default=""),
    _text("verdict", default=""),
    _at("decided_at", required=False),
    Column("content", LargeBinary),  # the files, compressed; never changed once written
)

release_switches = Table(
    "release_switches",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("follows", BigInteger, nullable=False, unique=True),  # the switch before it: of two at once one fails
    Column("release", Text, ForeignKey("releases.name"), nullable=False),
    _text("was", default=""),
    _text("kind"),  # publish, rollback
    _text("by"),
    _text("role", default=""),
    _text("reason", default=""),
    _at("at"),
)

phase_decisions = Table(
    "phase_decisions",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("follows", BigInteger, nullable=False, unique=True),
    _text("phase"),
    _text("topology"),
    _text("was"),
    _text("by"),
    _text("role"),
    _text("reason"),
    Column("criteria", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    _at("at"),
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
    _at("at"),
)
