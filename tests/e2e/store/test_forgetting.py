"""Every column that may hold what customers wrote, or who they are, is emptied in time; the others say why not.

A new column of text, JSON or bytes fails here until somebody has thought about it.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Column, LargeBinary, Text, insert, select
from sqlalchemy.dialects.postgresql import JSONB

from caseward.store import db, retention
from caseward.store.tables_console import metadata

NOW = datetime(2030, 1, 1, tzinfo=UTC)
THEN = NOW - timedelta(days=4000)
CANARY = "Citra said this"
CASE, CONTACT, PERSON, CONVERSATION = "case_1", "con_1", "per_1", "conv_1"

EMPTIED = {
    "admissions": ("address",),
    "approvals": ("question", "why", "reason", "conditions"),
    "candidates": ("words",),
    "cards": ("body", "error"),
    "case_tags": ("tag",),
    "cases": ("pending", "disposition", "reach"),
    "codes": ("subject", "used_by"),
    "contacts": ("name", "email", "phone", "locale"),
    "context": ("values",),
    "conversations": ("address", "title"),
    "decisions": ("body.understanding.named",),
    "doors": ("address",),
    "drafts": ("body.replies", "body.task", "body.evidence", "body.address", "checks"),
    "files": ("content", "name", "ref"),
    "hooks": ("body", "error"),
    "identities": ("address",),
    "identity_attempts": ("named",),
    "lane_events": ("body", "outcome"),
    "log_payloads": ("payload",),
    "merges": ("moved",),
    "message_edits": ("text",),
    "messages": ("text", "author", "via", "reply_to", "choice", "attachments", "sender", "choices"),
    "outbox": ("address", "text", "error", "reply"),
    "outreach": ("body", "why"),
    "proofs": ("asked", "sent"),
    "ratings": ("comment",),
    "sessions": ("agent", "address"),
    "sign_in_attempts": ("subject",),
    "tasks": ("args", "summary", "result.detail", "result.values"),
    "timers": ("body",),
    "transcripts": ("address",),
    "votes": ("conditions",),
}
"""Table → its columns that may hold such words; a JSON column may name the parts that do."""

TECHNICAL = "ids, codes, digests and states of the program's own making"
TEAM = "who works here, and what they typed about the desk; of nobody who writes to it"
PACK = "what the pack says: rules, pages, templates"
NONE = {
    "admissions": (TECHNICAL, ["channel", "state", "by"]),
    "api_tokens": (TEAM, ["id", "token_hash", "name", "role", "scopes", "made_by"]),
    "approvals": (
        TECHNICAL, ["id", "case_id", "draft_id", "lane", "digest", "state", "decided_by", "approvers"]),
    "candidates": (TECHNICAL, ["language", "state", "by", "reason", "release"]),
    "cards": (TECHNICAL, ["id", "key", "kind", "subject", "case_id", "lane", "channel", "chat", "message", "state",
                          "shown", "wanted", "asks", "asked", "act"]),
    "case_figures": (TECHNICAL, ["case_id", "channel", "owner", "lanes"]),
    "case_seen": (TECHNICAL, ["case_id", "person_id"]),
    "case_tags": (TECHNICAL, ["case_id", "by"]),
    "cases": (TECHNICAL, ["id", "conversation_id", "contact_id", "channel", "status", "owner", "language", "intent",
                          "category", "severity", "woken", "merged"]),
    "channel_states": (TECHNICAL, ["channel", "error", "listener"]),
    "citations": (PACK, ["draft_id", "article_id", "case_id", "release"]),
    "clocks": (TECHNICAL, ["case_id", "kind"]),
    "codes": (TECHNICAL, ["digest", "purpose", "channel", "by"]),
    "contacts": (TECHNICAL, ["id"]),
    "context": (TECHNICAL, ["contact_id", "reading", "source"]),
    "conversations": (TECHNICAL, ["id", "channel", "token_hash", "language"]),
    "decisions": ("beside what was named: rules and facts of closed sets", ["case_id", "release", "body"]),
    "doors": (TECHNICAL, ["channel", "conversation_id", "case_id", "by"]),
    "drafts": ("beside the words: which template and release", ["id", "case_id", "digest", "body"]),
    "edits": (PACK, ["person_id", "kind", "subject", "base", "before", "fields"]),
    "files": (TECHNICAL, ["id", "message_id", "channel", "kind", "mime", "state", "why", "digest"]),
    "guard_events": (TECHNICAL, ["case_id", "kind", "name"]),
    "figures_read": (TECHNICAL, ["rules"]),
    "handles": (TEAM, ["channel", "handle", "person_id", "name"]),
    "health": (TEAM, ["system", "state", "why", "by"]),
    "hooks": (TECHNICAL, ["channel", "digest", "state"]),
    "identities": (TECHNICAL, ["channel", "contact_id", "method"]),
    "identity_attempts": (TECHNICAL, ["conversation_id"]),
    "lane_events": (TECHNICAL, ["key", "channel", "kind"]),
    "lanes": (TEAM, ["lane", "channel", "chat", "by"]),
    "letters": (TECHNICAL, ["key", "kind", "state"]),
    "log": (TECHNICAL, ["kind", "actor", "case_id", "conversation_id", "release", "payload_hash", "hash"]),
    "log_checks": (TECHNICAL, ["hash", "why"]),
    "log_head": (TECHNICAL, ["hash"]),
    "log_signatures": (TECHNICAL, ["hash", "public_key", "signature"]),
    "mentions": (TECHNICAL, ["case_id", "message_id", "person_id", "by"]),
    "merges": (TECHNICAL, ["id", "kind", "kept", "gone", "by", "undone_by"]),
    "message_edits": (TECHNICAL, ["message_id"]),
    "messages": (TECHNICAL, ["id", "conversation_id", "case_id", "kind", "provider_id"]),
    "oidc_states": (TECHNICAL, ["state_hash", "nonce", "verifier", "next"]),
    "outbox": (TECHNICAL, ["id", "case_id", "message_id", "channel", "key", "state", "provider_ref", "approvers",
                           "delivery", "fault"]),
    "outreach": ("a business key names what was written about, so that nobody is written to twice",
                 ["key", "playbook", "contact_id", "channel", "outbox_id", "state"]),
    "paces": (TECHNICAL, ["name"]),
    "people": (TEAM, ["id", "name", "role", "email", "password_hash", "preferences", "totp_secret", "subject"]),
    "phase_decisions": (TEAM, ["phase", "topology", "was", "by", "role", "reason", "criteria"]),
    "playbooks": (TECHNICAL, ["id", "error"]),
    "preferences": ("a wish to be left alone cannot be kept without the address", ["channel", "address", "source"]),
    "presence": (TECHNICAL, ["tab", "person_id", "case_id", "editing"]),
    "proofs": (TECHNICAL, ["id", "case_id", "contact_id", "by", "state"]),
    "ratings": (TECHNICAL, ["case_id", "channel"]),
    "record_effects": ("the business's own records, kept by its own rules", ["key", "outcome"]),
    "records": ("the business's own records, kept by its own rules", ["kind", "id", "data", "claim"]),
    "recovery_codes": (TECHNICAL, ["person_id", "code_hash"]),
    "release_switches": (TEAM, ["release", "was", "kind", "by", "role", "reason"]),
    "releases": (PACK, ["name", "pack", "digest", "state", "author", "reason", "base", "parts", "changed", "lane",
                        "checked", "approver", "verdict", "content"]),
    "saved_views": (TEAM, ["id", "owner", "name", "query"]),
    "sessions": (TECHNICAL, ["token_hash", "person_id", "csrf", "method"]),
    "sightings": (TECHNICAL, ["case_id", "why"]),
    "sign_in_links": (TECHNICAL, ["token_hash", "person_id", "kind"]),
    "sign_in_steps": (TECHNICAL, ["token_hash", "person_id", "method", "next", "secret"]),
    "tasks": ("the key says what was carried out, so that it never is again",
              ["id", "case_id", "draft_id", "approval_id", "skill", "key", "approvers", "state", "result"]),
    "timers": (TECHNICAL, ["case_id", "kind"]),
    "transcripts": (TECHNICAL, ["id", "conversation_id", "code_hash", "state"]),
    "votes": (TECHNICAL, ["approval_id", "digest", "person", "role", "word"]),
    "workers": (TECHNICAL, ["executor_id", "host", "release"]),
}  # fmt: skip
"""Table → why these columns hold none, and which they are."""

FIXED: dict[str, Any] = {
    "case_id": CASE, "contact_id": CONTACT, "person_id": PERSON, "conversation_id": CONVERSATION, "draft_id": "drf_1",
    "approval_id": "apv_1", "message_id": "msg_1", "candidate_id": 1, "kept": CASE, "made_by": None, "channel": "sms",
    "status": "closed", "seq": 1, "turn": 1, "release": "", "merged": None,
}  # fmt: skip
STATES = {"outbox": "done", "tasks": "done", "files": "kept", "hooks": "read", "outreach": "sent"}
FIRST = (
    "people",
    "contacts",
    "conversations",
    "cases",
    "drafts",
    "approvals",
    "messages",
    "candidates",
    "sightings",
    "log",
)


@pytest.fixture
def filled(database: str) -> str:
    """A database with one row a table, of one contact's closed case long ago, whose every such column says the same."""
    tables = {table.name: table for table in metadata.sorted_tables}
    with db.transaction():
        for name in [*FIRST, *(name for name in EMPTIED if name not in FIRST)]:
            table = tables[name]
            row = {column.name: _value(name, column) for column in table.columns if not column.identity}
            if "id" in table.c and table.c.id.identity:
                row["id"] = 1
            db.execute(insert(table).values(**{key: value for key, value in row.items() if value is not None}))
    return database


def _value(table: str, column: Column[Any]) -> Any:
    """Return what a column of the one row holds."""
    parts = [each.split(".")[1:] for each in EMPTIED.get(table, ()) if each.split(".")[0] == column.name]
    if any(parts):
        body: dict[str, Any] = {}
        for path in parts:
            at = body
            for step in path[:-1]:
                at = at.setdefault(step, {})
            at[path[-1]] = {"SUCCESS": CANARY}
        return body | ({"status": "SUCCESS"} if table == "tasks" else {})
    if parts:
        if isinstance(column.type, LargeBinary):
            return CANARY.encode()
        return [CANARY] if isinstance(column.type, JSONB) else CANARY
    if column.name in FIXED:
        return FIXED[column.name]
    if column.name == "state":
        return STATES.get(table, "open")
    if column.name == "id":
        return {"cases": CASE, "contacts": CONTACT, "people": PERSON, "conversations": CONVERSATION,
                "drafts": "drf_1", "approvals": "apv_1", "messages": "msg_1"}.get(table, "1")  # fmt: skip
    if column.name == "revoked_at" or (column.name in ("next_at", "forgotten_at", "merged")):
        return None
    if column.type.python_type is datetime:
        return THEN
    if column.server_default is not None or column.nullable:
        return None
    return {str: "x", int: 1, bool: True, bytes: b"x"}.get(column.type.python_type, [])


def holds(column: Column[Any]) -> bool:
    """Return whether a column can hold words."""
    return isinstance(column.type, Text | JSONB | LargeBinary)


def words_left() -> list[str]:
    """Return table and column of whatever still says it."""
    found = []
    with db.transaction():
        for table in metadata.sorted_tables:
            for row in db.execute(select(*(each for each in table.columns if holds(each)))).mappings():
                for name, value in row.items():
                    said = value.decode(errors="ignore") if isinstance(value, bytes) else str(value)
                    found += [f"{table.name}.{name}"] if CANARY in said else []
    return found


def test_every_column_that_can_hold_words_is_emptied_in_time_or_says_why_it_holds_none() -> None:
    known = {
        (table, column.split(".")[0]) for table, columns in EMPTIED.items() for column in columns
    } | {(table, column) for table, (_why, columns) in NONE.items() for column in columns}  # fmt: skip
    there = {(table.name, each.name) for table in metadata.sorted_tables for each in table.columns if holds(each)}

    assert sorted(there - known) == [], "say in EMPTIED how it is emptied, or in NONE why it holds nothing personal"
    assert sorted(known - there) == []


def test_after_its_time_nothing_is_left_of_what_somebody_said_or_who_they_were(filled: str) -> None:
    assert {each.split(".")[0] for each in words_left()} == set(EMPTIED), "every table says it before"

    for _ in range(3):
        for kind in retention.KINDS:
            with db.transaction():
                while retention.delete(kind, NOW - timedelta(days=30), now=NOW, most=10):
                    pass

    assert words_left() == []
    with db.transaction():
        assert {kind: retention.look(kind, NOW, now=NOW).due for kind in retention.KINDS} == dict.fromkeys(
            retention.KINDS, 0
        )


def test_forgetting_a_contact_leaves_nothing_of_who_they_were(filled: str) -> None:
    of_them = ("admissions", "contacts", "context", "conversations", "doors", "identities", "outreach", "proofs")

    with db.transaction():
        assert retention.delete("contacts", NOW, now=NOW, most=10) == 1

    assert {each.split(".")[0] for each in words_left()} == set(EMPTIED) - set(of_them)


def test_somebody_whom_nobody_ever_knew_is_forgotten_too(database: str) -> None:
    given = [("old", THEN, None), ("heard", THEN, NOW), ("new", NOW, None)]
    with db.transaction():
        for id, at, heard in given:
            db.run("insert into conversations (id, channel, address, created_at, heard_at) values "
                   "(%(id)s, 'whatsapp', %(to)s, %(at)s, %(heard)s)",
                   {"id": id, "to": f"+62811{id}", "at": at, "heard": heard})  # fmt: skip
        assert retention.delete("contacts", NOW - timedelta(days=30), now=NOW, most=10) == 1
        rows = {row.id: row.address for row in db.run("select id, address from conversations")}

    assert rows == {"old": "forgotten:old", "heard": "+62811heard", "new": "+62811new"}


def test_what_is_asked_elsewhere_too_stays_wanted_without_the_words_of_the_case_that_went(filled: str) -> None:
    with db.transaction():
        db.run("insert into cases (id, conversation_id, channel, status, opened_at, updated_at) "
               "values ('case_2', 'conv_1', 'sms', 'open', now(), now())")  # fmt: skip
        db.run("insert into sightings (candidate_id, case_id, turn, why, at) "
               "values (1, 'case_1', 1, 'unanswered', now()), (1, 'case_2', 1, 'unanswered', now())")  # fmt: skip
        retention.delete("messages", NOW, now=NOW, most=10)

        assert [row.words for row in db.run("select words from candidates")] == [[]]
        assert [row.case_id for row in db.run("select case_id from sightings")] == ["case_2"]
