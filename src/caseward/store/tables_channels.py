"""The tables of channels: what vendors tell us, who may write, what the team sees, where a case goes on."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from caseward.store.tables import metadata as metadata
from caseward.store.tables import moment, words

# --- what comes in ----------------------------------------------------------------------------------------------------

hooks = Table(
    "hooks",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    words("channel"),
    words("digest"),  # SHA-256 of the body: the same bytes again are the same call
    Column("body", LargeBinary, nullable=False),
    moment("at"),
    words("state", default="new"),  # new, kept, read, failed
    words("error", default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    moment("next_at", required=False),
    UniqueConstraint("channel", "digest"),
    Index("hooks_new_idx", "channel", "id", postgresql_where=text("state = 'new'")),
    Index("hooks_due_idx", "next_at", postgresql_where=text("state = 'kept'")),
    Index(None, "at"),
)
"""Bodies as vendors sent them, kept until they have been read."""

files = Table(
    "files",
    metadata,
    Column("id", Text, primary_key=True),
    Column("message_id", Text, nullable=False, index=True),
    Column("n", Integer, nullable=False),  # place in the message's attachments
    words("channel"),
    words("ref"),
    words("kind"),
    words("mime", default=""),
    words("name", default=""),
    Column("size", BigInteger),
    words("state"),  # wanted, kept, refused, gone
    words("why", default=""),
    words("digest", default=""),
    Column("content", LargeBinary),
    Column("attempts", Integer, nullable=False, server_default="0"),
    moment("next_at", required=False),
    moment("created_at"),
    UniqueConstraint("message_id", "n"),
    Index("files_due_idx", "next_at", postgresql_where=text("state = 'wanted'")),
    Index("files_kept_idx", "created_at", postgresql_where=text("state = 'kept'")),
)

message_edits = Table(
    "message_edits",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("message_id", Text, nullable=False, index=True),
    words("text"),  # before the edit
    moment("at"),
)

channel_states = Table(
    "channel_states",
    metadata,
    Column("channel", Text, primary_key=True),
    moment("heard_at", required=False),
    moment("sent_at", required=False),
    moment("acknowledged_at", required=False),  # the vendor last said that something arrived
    Column("failures", Integer, nullable=False, server_default="0"),
    moment("connected_at", required=False),
    moment("lost_at", required=False),
    moment("alarm_at", required=False),  # when the team was told of the loss
    words("error", default=""),
    words("listener", default=""),  # executor that listens
    moment("listening_at", required=False),
)

# --- who may write, and who wants to be written to --------------------------------------------------------------------

admissions = Table(
    "admissions",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    words("state"),  # asked, admitted, refused
    words("by", default=""),
    moment("at"),
    moment("told_at", required=False),
    Column("tries", Integer, nullable=False, server_default="0"),  # codes that were none
    Index(None, "told_at"),
)

codes = Table(
    "codes",
    metadata,
    Column("digest", Text, primary_key=True),
    words("purpose"),  # admit, link
    words("channel", default=""),
    words("subject", default=""),  # the person that a link is for
    words("by"),
    moment("created_at"),
    moment("expires_at"),
    moment("used_at", required=False),
    words("used_by", default=""),
)

preferences = Table(
    "preferences",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("wanted", Boolean, nullable=False),
    words("source", default=""),
    moment("at"),
)

outreach = Table(
    "outreach",
    metadata,
    Column("key", Text, primary_key=True),
    words("playbook"),
    Column("contact_id", Text, nullable=False),
    words("channel", default=""),
    Column("outbox_id", Text),
    words("state"),  # waiting, sent, skipped
    words("why", default=""),
    Column("body", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    moment("at"),
    moment("next_at", required=False),
    Index(None, "contact_id", "at"),
    Index("outreach_due_idx", "next_at", postgresql_where=text("state = 'waiting'")),
)

playbooks = Table(
    "playbooks",
    metadata,
    Column("id", Text, primary_key=True),
    moment("next_at"),
    moment("ran_at", required=False),
    words("error", default=""),
)

paces = Table(
    "paces",
    metadata,
    Column("name", Text, primary_key=True),
    moment("free_at"),  # when the next message may go out
)

ratings = Table(
    "ratings",
    metadata,
    Column("case_id", Text, ForeignKey("cases.id"), primary_key=True),
    words("channel"),
    moment("asked_at"),
    Column("score", Integer),
    words("comment", default=""),
    moment("at", required=False),
)
"""How contacts were served, by their own word; a case is asked about once."""

# --- the team's lanes -------------------------------------------------------------------------------------------------

handles = Table(
    "handles",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("handle", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("people.id"), nullable=False, index=True),
    words("name", default=""),
    moment("at"),
)

lanes = Table(
    "lanes",
    metadata,
    Column("lane", Text, primary_key=True),  # ops, approvals, incidents
    Column("channel", Text, primary_key=True),
    Column("chat", Text, primary_key=True),
    words("by"),
    moment("at"),
)

cards = Table(
    "cards",
    metadata,
    Column("id", Text, primary_key=True),
    Column("key", Text, nullable=False, unique=True),
    words("kind"),  # packet, approval, task, checklist, alarm
    words("subject"),  # id of what it shows
    Column("case_id", Text, index=True),
    words("lane"),
    words("channel"),
    words("chat"),
    words("message", default=""),  # the vendor's id
    words("state"),  # queued, running, unknown, posted, failed, dropped
    words("shown", default=""),  # digest of what is shown
    words("wanted", default=""),  # digest of what should be
    words("asks", default=""),  # digest of the draft that the card as it should be asks about
    words("asked", default=""),  # digest of the draft that the card as it is shown asks about
    moment("asked_at", required=False),  # since when it shows that one
    words("act", default=""),  # the verdict whose reasons are offered
    Column("body", JSONB, nullable=False),  # the card as it should be
    Column("closed", Boolean, nullable=False, server_default=text("false")),
    Column("attempts", Integer, nullable=False, server_default="0"),
    words("error", default=""),
    moment("created_at"),
    moment("updated_at"),
    moment("next_at", required=False),
    Index(None, "kind", "subject"),
    Index("cards_message_idx", "channel", "chat", "message"),
    Index("cards_due_idx", "next_at", postgresql_where=text("next_at is not null")),
)

lane_events = Table(
    "lane_events",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("key", Text, nullable=False, unique=True),  # channel and the vendor's id: the same again is the same
    words("channel"),
    words("kind"),  # pressed, typed
    Column("body", JSONB, nullable=False),
    moment("at"),
    moment("handled_at", required=False),
    words("outcome", default=""),
    Index("lane_events_open_idx", "at", postgresql_where=text("handled_at is null")),
)

# --- one case, several channels ---------------------------------------------------------------------------------------

doors = Table(
    "doors",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("conversation_id", Text, ForeignKey("conversations.id"), nullable=False),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False, index=True),
    words("by"),
    moment("opened_at"),
    moment("closed_at", required=False),
)
"""What comes in at this address belongs to a conversation that began elsewhere, as long as its case is open."""

proofs = Table(
    "proofs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False, index=True),
    Column("contact_id", Text, nullable=False),  # who it would be
    words("asked"),  # channel:address that is to be proved
    words("sent"),  # channel:address of the record, which must confirm it
    words("by"),  # policy, or a person's id
    moment("at"),
    moment("expires_at"),
    words("state", default="open"),  # open, confirmed, refused, dropped
    moment("settled_at", required=False),
    Index(None, "sent", "at"),
)
"""What only an authentic answer from a registered address can prove."""

letters = Table(  # mails that hold a secret: of each only that it left
    "letters",
    metadata,
    Column("key", Text, primary_key=True),
    words("kind"),  # invite, reset, code
    words("state"),  # leaving, sent, failed, unknown
    moment("at"),
)

transcripts = Table(  # who wants what was said in the chat by mail
    "transcripts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("conversation_id", Text, ForeignKey("conversations.id"), nullable=False),
    words("address"),
    words("code_hash", default=""),  # of the code that proves the address; empty for one that is registered
    words("state"),  # asked, dropped, confirmed
    Column("tries", Integer, nullable=False, server_default="0"),
    moment("at"),
    moment("expires_at"),
    Index(None, "conversation_id", "at"),
    Index(None, "address", "at"),
)

merges = Table(
    "merges",
    metadata,
    Column("id", Text, primary_key=True),
    words("kind"),  # contact, case, split
    words("kept"),
    words("gone"),
    Column("moved", JSONB, nullable=False),  # what to put back
    words("by"),
    moment("at"),
    words("undone_by", default=""),
    moment("undone_at", required=False),
    Index(None, "kept"),
    Index(None, "gone"),
)
