"""The tables of the console: who looks at what, what people mark cases with, how they sign in."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from caseward.store.tables import approvals, contacts, identities, messages, moment, tasks, words
from caseward.store.tables_channels import metadata as metadata

# --- what people mark cases with --------------------------------------------------------------------------------------

case_tags = Table(
    "case_tags",
    metadata,
    Column("case_id", Text, ForeignKey("cases.id"), primary_key=True),
    Column("tag", Text, primary_key=True),
    words("by"),
    moment("at"),
    Index(None, "tag"),
)

saved_views = Table(
    "saved_views",
    metadata,
    Column("id", Text, primary_key=True),
    words("owner", default=""),  # a person's id; nobody's is everybody's
    words("name"),
    words("query"),  # what stands behind /inbox?
    Column("position", Integer, nullable=False, server_default="0"),
    moment("created_at"),
    Index(None, "owner"),
)

case_seen = Table(
    "case_seen",
    metadata,
    Column("case_id", Text, ForeignKey("cases.id"), primary_key=True),
    Column("person_id", Text, ForeignKey("people.id"), primary_key=True),
    Column("seq", BigInteger, nullable=False),  # the last message they saw
    moment("at"),
)

mentions = Table(
    "mentions",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False, index=True),
    words("message_id"),
    Column("person_id", Text, ForeignKey("people.id"), nullable=False),
    words("by"),
    moment("at"),
    moment("seen_at", required=False),
    Index("mentions_open_idx", "person_id", postgresql_where=text("seen_at is null")),
)

# --- who looks at what ------------------------------------------------------------------------------------------------

presence = Table(
    "presence",
    metadata,
    Column("tab", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("people.id"), nullable=False),
    words("case_id", default=""),
    words("editing", default=""),  # the request whose reply they edit
    moment("editing_since", required=False),
    moment("seen_at"),
    Index(None, "case_id"),
)

# --- how people sign in -----------------------------------------------------------------------------------------------

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("person_id", Text, ForeignKey("people.id"), primary_key=True),
    Column("code_hash", Text, primary_key=True),
    moment("used_at", required=False),
)

sign_in_steps = Table(  # who has shown the first proof and not yet the second: no session, it opens nothing
    "sign_in_steps",
    metadata,
    Column("token_hash", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("people.id"), nullable=False),
    words("method"),
    words("next", default="/"),
    words("secret", default=""),  # a second factor that is being set up
    Column("failures", Integer, nullable=False, server_default="0"),
    moment("expires_at"),
)

oidc_states = Table(
    "oidc_states",
    metadata,
    Column("state_hash", Text, primary_key=True),
    words("nonce"),
    words("verifier"),
    words("next", default="/"),
    moment("expires_at"),
)

# --- what is known, and what is not yet ------------------------------------------------------------------------------

citations = Table(
    "citations",
    metadata,
    Column("draft_id", Text, primary_key=True),
    Column("article_id", Text, primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), nullable=False),
    words("release"),
    moment("at"),
    Index(None, "article_id", "at"),
    Index(None, "at", "article_id"),
)

edits = Table(  # what somebody is writing and has not proposed
    "edits",
    metadata,
    Column("person_id", Text, ForeignKey("people.id"), primary_key=True),
    Column("kind", Text, primary_key=True),  # article, template
    Column("subject", Text, primary_key=True),  # its id; `new` and whatever else for one that is not there
    words("base"),  # the release it was begun on
    Column("before", JSONB, nullable=False),  # fields as they were there
    Column("fields", JSONB, nullable=False),
    moment("at"),
)

candidates = Table(  # what people ask and no page says
    "candidates",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("words", JSONB, nullable=False),  # what it is about: its first question's own words, by which others join
    words("language", default=""),
    Column("count", Integer, nullable=False, server_default="0"),
    moment("first_at"),
    moment("last_at"),
    words("state", default="open"),  # open, drafted, dismissed
    words("by", default=""),
    words("reason", default=""),
    words("release", default=""),  # in which it was proposed
    moment("decided_at", required=False),
    Index(None, "words", postgresql_using="gin"),
    Index("candidates_state_idx", "state", "count", "id"),
)

sightings = Table(
    "sightings",
    metadata,
    Column("candidate_id", BigInteger, ForeignKey("candidates.id"), primary_key=True),
    Column("case_id", Text, ForeignKey("cases.id"), primary_key=True),
    Column("turn", Integer, primary_key=True),
    Column("why", Text, primary_key=True),  # unanswered, unsure, edited, exception
    moment("at"),
    Index(None, "candidate_id", "at"),
)

sightings_read = Table(  # how far the decisions and the log have been looked through
    "sightings_read",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("decision", BigInteger, nullable=False, server_default="0"),
    Column("entry", BigInteger, nullable=False, server_default="0"),
)

log_checks = Table(  # how far the log has been walked and was found whole
    "log_checks",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False, server_default="0"),
    words("hash", default=""),
    moment("at", required=False),  # when it was walked last
    moment("began_at", required=False),
    moment("whole_at", required=False),  # when a walk last came to the end and found nothing wrong
    Column("broken", BigInteger),
    words("why", default=""),
)

# --- what is searched -------------------------------------------------------------------------------------------------

# Built-in full-text search: no extension, so any server will do. Words are taken as they are, in whatever language.
Index(
    "messages_words_idx",
    text("to_tsvector('simple'::regconfig, left(text, 20000))"),
    postgresql_using="gin",
    postgresql_where=text("case_id is not null"),  # what just came in is indexed once, when it is filed
    _table=messages,
)
Index("contacts_words_idx", text("to_tsvector('simple'::regconfig, name)"), postgresql_using="gin", _table=contacts)
Index("contacts_email_idx", text("lower(email)"), _table=contacts)
Index("contacts_digits_idx", text("right(regexp_replace(phone, '[^0-9]', '', 'g'), 9)"), _table=contacts)
Index("identities_address_idx", identities.c.address)


# --- what figures are made of -----------------------------------------------------------------------------------------

case_figures = Table(  # one row a case, made anew whenever the log says something of it
    "case_figures",
    metadata,
    Column("case_id", Text, primary_key=True),  # no reference: it would wait for whoever works the case
    Column("number", Integer, nullable=False),
    words("channel"),
    Column("tier", SmallInteger),
    words("owner"),
    Column("sample", Boolean, nullable=False),
    moment("opened_at"),
    moment("first_from", required=False),  # when the contact began to wait; null where nobody did
    moment("first_due_at", required=False),
    moment("answered_at", required=False),
    Column("first_seconds", Integer),  # business time until answered_at
    Column("first_breached", Boolean, nullable=False),
    Column("worked_seconds", Integer, nullable=False),  # business time that was ours, until running_since
    moment("running_since", required=False),  # from when more of it is ours; null while it is not
    moment("due_at", required=False),
    Column("due_breached", Boolean, nullable=False),
    moment("settled_at", required=False),
    moment("closed_at", required=False),
    moment("returned_at", required=False),
    Column("turns", Integer, nullable=False),
    Column("asked", Integer, nullable=False),
    Column("handed", Boolean, nullable=False),
    Column("answers", Integer, nullable=False),
    Column("mismatches", Integer, nullable=False),
    Column("checks", Integer, nullable=False),
    Column("unfounded", Integer, nullable=False),
    Column("score", Integer),
    moment("scored_at", required=False),
    Column("lanes", JSONB, nullable=False, server_default=text("'[]'::jsonb")),  # in which people were asked
    Index(None, "opened_at"),
    Index(None, "settled_at"),
    Index("case_figures_scored_idx", "scored_at", postgresql_where=text("scored_at is not null")),
    Index("case_figures_open_idx", "case_id", postgresql_where=text("closed_at is null")),
)

guard_events = Table(  # entries of the log by which a guard stopped or reported something
    "guard_events",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    moment("at"),
    Column("case_id", Text),
    words("kind"),
    words("name", default=""),
    Index(None, "at"),
)

figures_read = Table(  # how far the log has been added up, and by which hours and lanes
    "figures_read",
    metadata,
    Column("id", SmallInteger, primary_key=True, autoincrement=False),
    Column("seq", BigInteger, nullable=False, server_default="0"),
    words("rules", default=""),
)

Index("approvals_opened_at_idx", approvals.c.opened_at)
Index("approvals_decided_at_idx", approvals.c.decided_at)
Index("tasks_created_at_idx", tasks.c.created_at)
