"""What is older than the pack keeps it is deleted, and nothing else: not what is younger, nothing of an open case."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine, text

from caseward import durable
from caseward.core.case import CaseStatus
from caseward.core.pack import Retention
from caseward.desk import retention, tools
from caseward.store import cases, db, hooks, log
from caseward.store import retention as store
from tests.conftest import Desk, wait_until

OF_CASES = Retention(messages=730, attachments=180, contacts=1095, readings=30, webhooks=14, sign_ins=90, log=1095)


@pytest.fixture
def keeping(desk: Desk) -> Iterator[Desk]:
    """A desk whose pack says how long things are kept."""
    pack = replace(desk.pack, profile=replace(desk.pack.profile, retention=OF_CASES))
    given_ = tools.given()
    tools.use(replace(given_, pack=pack))
    yield desk
    tools.use(given_)


def counted(table: str, condition: str = "true") -> int:
    with db.transaction():
        return int(db.execute(text(f"select count(*) from {table} where {condition}")).scalar_one())


def run(day: str) -> None:
    durable.start("forget", day, id=f"forget:{day}")
    wait_until(lambda: finished(f"forget:{day}"), what="what is old to be deleted")


def finished(id: str) -> bool:
    with db.transaction():
        query = text("select status from dbos.workflow_status where workflow_uuid = :id")
        return bool(db.execute(query, {"id": id}).scalar() == "SUCCESS")


def settled(desk: Desk, words: str, *, as_: str | None = None) -> str:
    """Have a matter answered and closed, and return its case."""
    conversation = desk.open(as_=as_, language="en")
    desk.say(conversation, words)
    desk.settle()
    case = desk.case(conversation)
    with db.transaction():
        cases.change(cases.get(case.id), desk.clock(), status=CaseStatus.CLOSED)
    return case.id


def test_words_of_a_closed_case_go_after_their_time_and_its_figures_stay(keeping: Desk) -> None:
    # given a case that was closed, and one that is open still
    closed = settled(keeping, "How much is one lesson?")
    waiting = keeping.open(as_="stu-001", language="en")
    keeping.say(waiting, "I want my money back, or I call my bank")
    keeping.settle()
    open_case = keeping.case(waiting).id
    words_of_open = counted("messages", f"case_id = '{open_case}'")
    assert counted("messages", f"case_id = '{closed}'") >= 2

    # when a day is missing, nothing goes
    keeping.clock.advance(days=729)
    run("a day early")
    assert counted("messages", f"case_id = '{closed}'") >= 2

    # when the time is over
    keeping.clock.advance(days=2)
    run("the day")

    # then the words are gone, the case and its clocks are there, and the open one is as it was
    assert counted("messages", f"case_id = '{closed}'") == 0
    assert counted("outbox", f"case_id = '{closed}' and (text <> '' or address <> '')") == 0
    assert counted("drafts", f"case_id = '{closed}' and body::text like '%lesson%'") == 0
    assert counted("clocks", f"case_id = '{closed}'") > 0
    assert counted("messages", f"case_id = '{open_case}'") == words_of_open
    with db.transaction():
        assert cases.get(closed).status is CaseStatus.CLOSED
        said = [entry.payload for entry in log.entries(kind="retention")]
        assert log.verify() is None
    assert {"kind": "messages", "count": 1} in [{name: each[name] for name in ("kind", "count")} for each in said]


@pytest.mark.parametrize("state", [hooks.NEW, hooks.KEPT])
def test_what_a_vendor_sent_and_nobody_has_read_yet_is_kept_however_old_it_is(keeping: Desk, state: str) -> None:
    with db.transaction():
        hooks.keep("house", "unread", b"{}", at=keeping.clock())
        hooks.keep("house", "read", b"{}", at=keeping.clock())
        db.execute(text("update hooks set state = :state where digest = 'unread'"), {"state": state})
        db.execute(text("update hooks set state = 'read' where digest = 'read'"))

    keeping.clock.advance(days=400)
    run("much later")

    assert (counted("hooks", "digest = 'unread'"), counted("hooks", "digest = 'read'")) == (1, 0)


def test_a_second_run_finds_nothing_and_says_nothing(keeping: Desk) -> None:
    settled(keeping, "How much is one lesson?")
    keeping.clock.advance(days=2000)
    run("first")
    with db.transaction():
        before = len(log.entries(kind="retention"))

    run("second")

    with db.transaction():
        assert len(log.entries(kind="retention")) == before
        assert [each.due for each in retention.keeping()] == [0] * len(retention.KINDS)


def test_somebody_outside_is_forgotten_after_their_last_case_and_the_chain_stays_whole(keeping: Desk) -> None:
    case_id = settled(keeping, "When is my next lesson?", as_="stu-001")
    with db.transaction():
        contact = cases.get(case_id).contact_id
    assert contact

    keeping.clock.advance(days=1096)
    run("years later")

    assert counted("contacts", f"id = '{contact}' and (name <> '' or email <> '' or phone <> '')") == 0
    assert counted("identities", f"contact_id = '{contact}'") == 0
    assert counted("context", f"contact_id = '{contact}'") == 0
    assert counted("log", f"case_id = '{case_id}'") > 0
    assert counted("log_payloads join log using (seq)", f"case_id = '{case_id}'") == 0
    with db.transaction():
        assert log.verify() is None


def test_somebody_with_an_open_case_keeps_everything(keeping: Desk) -> None:
    settled(keeping, "When is my next lesson?", as_="stu-001")
    conversation = keeping.open(as_="stu-001", language="en")
    keeping.say(conversation, "I want my money back, or I call my bank")
    keeping.settle()
    contact = keeping.case(conversation).contact_id
    facts = counted("context", f"contact_id = '{contact}'")
    entries = counted("log_payloads join log using (seq)", f"case_id = '{keeping.case(conversation).id}'")

    keeping.clock.advance(days=5000)
    run("much later")

    assert counted("contacts", f"id = '{contact}' and name <> ''") == 1
    assert counted("identities", f"contact_id = '{contact}'") > 0
    assert counted("context", f"contact_id = '{contact}'") == facts
    assert counted("log_payloads join log using (seq)", f"case_id = '{keeping.case(conversation).id}'") == entries


def test_kept_for_ever_is_never_deleted(keeping: Desk) -> None:
    case_id = settled(keeping, "How much is one lesson?")
    profile = replace(tools.pack().profile, retention=Retention(**dict.fromkeys(retention.KINDS, 0)))
    tools.use(replace(tools.given(), pack=replace(tools.pack(), profile=profile)))

    keeping.clock.advance(days=30_000)
    run("in the next century")

    assert counted("messages", f"case_id = '{case_id}'") > 0
    with db.transaction():
        assert log.entries(kind="retention") == []
        assert all(each.due == 0 and not each.days for each in retention.keeping())


def test_cut_off_between_two_batches_it_goes_on_where_it_was(keeping: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    # given five closed cases, two a batch, and a database that goes away at the third batch
    for _ in range(5):
        settled(keeping, "How much is one lesson?")
    keeping.clock.advance(days=731)
    monkeypatch.setattr(retention, "BATCH", 2)
    calls = iter(range(100))
    real = store.delete

    def cut_off(kind: str, *args: Any, **more: Any) -> int:
        gone = real(kind, *args, **more)
        if kind == "messages" and next(calls) == 2:
            raise ConnectionError("the process dies before the commit")
        return gone

    monkeypatch.setattr(store, "delete", cut_off)
    durable.start("forget", "cut", id="forget:cut")
    wait_until(lambda: durable.failed("forget:cut"), what="the run to be cut off")
    assert counted("cases", "forgotten_at is not null") == 4
    with db.transaction():
        logged = sum(entry.payload["count"] for entry in log.entries(kind="retention"))
    assert logged == 4  # as many as were deleted: an entry and its deletion are one commit

    # when it runs again
    monkeypatch.setattr(store, "delete", real)
    run("again")

    # then the fifth is gone, and each counted once
    with db.transaction():
        counts = [entry.payload for entry in log.entries(kind="retention")]
    assert counted("cases", "forgotten_at is not null") == 5
    assert sum(each["count"] for each in counts if each["kind"] == "messages") == 5


def test_two_at_once_delete_everything_once(keeping: Desk) -> None:
    for _ in range(4):
        settled(keeping, "How much is one lesson?")
    keeping.clock.advance(days=731)
    found: list[int] = []

    def delete() -> None:
        with db.transaction():
            found.append(retention.delete("messages"))

    threads = [threading.Thread(target=delete) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()

    with db.transaction():
        retention.delete("messages")
        counts = [entry.payload["count"] for entry in log.entries(kind="retention")]
    assert sum(counts) == 4


STATUSES = st.sampled_from(sorted(CaseStatus))
AGES = st.integers(min_value=0, max_value=2_000)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(STATUSES, AGES, AGES), min_size=1, max_size=8))
def test_nothing_younger_than_its_period_and_nothing_of_an_open_case_ever_goes(
    keeping: Desk, engine: Engine, rows: list[tuple[CaseStatus, int, int]]
) -> None:
    # given cases of any status, any age, some of one contact, each with words, a reading and a log entry
    now, tag = keeping.clock(), os.urandom(4).hex()
    with db.transaction():
        for n, (status, age, since) in enumerate(rows):
            at = now - timedelta(days=age)
            ids = {"id": f"{tag}{n}", "contact": f"{tag}c{n // 2}", "at": at, "status": status,
                   "expires": now - timedelta(days=since), "seq": 10**9 + int(tag, 16) * 10 + n}  # fmt: skip
            db.execute(text(_CASE), ids)
            for statement in _ABOUT:
                db.execute(text(statement), ids)

    # when everything is deleted that may be
    with db.transaction():
        for kind in ("messages", "contacts", "readings", "log"):
            store.delete(kind, now - timedelta(days=getattr(OF_CASES, kind)), now=now, most=1000)

    # then each is there exactly if its own rule says so
    open_contacts = {n // 2 for n, (status, _, _) in enumerate(rows) if status is not CaseStatus.CLOSED}
    for n, (status, age, since) in enumerate(rows):
        closed, whose = status is CaseStatus.CLOSED, n // 2
        near = [a for m, (_, a, _) in enumerate(rows) if m // 2 == whose]
        forgotten = whose not in open_contacts and min(near) > OF_CASES.contacts
        assert counted("messages", f"case_id = '{tag}{n}'") == (not (closed and age > OF_CASES.messages))
        assert counted("contacts", f"id = '{tag}c{whose}' and name = ''") == forgotten
        assert counted("context", f"contact_id = '{tag}c{whose}' and reading = 'r{tag}{n}'") == (
            not forgotten and (whose in open_contacts or since <= OF_CASES.readings)
        )
        kept = not (closed and age > OF_CASES.log)
        assert counted("log_payloads join log using (seq)", f"case_id = '{tag}{n}'") == kept
    with engine.begin() as connection:
        for table in ("messages", "cases", "conversations", "contacts", "context"):
            connection.execute(text(f"delete from {table}"))
        connection.execute(text("delete from log_payloads where seq >= 1000000000"))
        connection.execute(text("delete from log where seq >= 1000000000"))


_CASE = "insert into contacts (id, name, created_at) values (:contact, 'Citra Sample', :at) on conflict (id) do update \
set created_at = least(contacts.created_at, excluded.created_at)"
_ABOUT = (
    "insert into conversations (id, channel, address, created_at) values (:id, 'webchat', :id, :at)",
    "insert into cases (id, conversation_id, contact_id, channel, status, opened_at, updated_at) "
    "values (:id, :id, :contact, 'webchat', :status, :at, :at)",
    "insert into messages (id, conversation_id, case_id, inbound, author, text, at) "
    "values (:id, :id, :id, true, 'contact', 'hello', :at)",
    'insert into context (contact_id, reading, revision, "values", source, read_at, expires_at) '
    "values (:contact, 'r' || :id, 1, '{}', 'calendar', :expires, :expires)",
    "insert into log (seq, at, kind, actor, case_id, payload_hash, hash) "
    "values (:seq, :at, 'inbound', 'contact', :id, '', '')",
    "insert into log_payloads (seq, payload) values (:seq, '{}')",
)
