"""The action log: written with its transaction or not at all, one chain whoever writes, and no change goes unseen."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Barrier, Event
from typing import Any

import psycopg
import pytest
from sqlalchemy import text

from caseward.store import db, log

NOW = datetime(2026, 11, 23, 3, 0, 0, 123456, tzinfo=UTC)

pytestmark = pytest.mark.usefixtures("database")


def written(count: int = 3, *, case: str = "case_one") -> None:
    """Write that many entries, each in a transaction of its own."""
    for number in range(count):
        with db.transaction():
            log.append("send", "B", {"number": number}, at=NOW, case_id=case, conversation_id="conv_one", release="r1")


def broken() -> tuple[int, str] | None:
    with db.transaction():
        found = log.verify()
    return None if found is None else (found.seq, found.why)


def tamper(statement: str, **values: Any) -> None:
    with db.transaction():
        db.execute(text(statement), values)


def found_after(statement: str, **values: Any) -> tuple[int, str] | None:
    """Return what verifying says once `statement` has run, and take it back."""
    with db.engine().connect() as connection, db.joining(connection):
        db.execute(text(statement), values)
        found = log.verify()
        connection.rollback()
    return None if found is None else (found.seq, found.why)


def test_entries_are_chained_from_the_first_on() -> None:
    written()

    with db.transaction():
        entries = log.entries()

    assert [entry.seq for entry in entries] == [1, 2, 3]
    assert len({entry.hash for entry in entries}) == 3
    assert broken() is None


def test_what_is_logged_is_on_disk_when_its_transaction_returns(database: str) -> None:
    with db.transaction() as opened:
        opened.driver.execute("set synchronous_commit = on")  # of the connection that the next ones use too
    behind = "select pg_current_wal_insert_lsn() - pg_current_wal_flush_lsn()"

    with psycopg.connect(database, autocommit=True) as watching:
        left = []
        for number in range(3):
            with db.transaction():
                log.append("send", "B", {"number": number}, at=NOW)
            left += watching.execute(behind).fetchone() or ()

    assert 0 in left  # somebody else may write meanwhile, hardly three times in a row


def test_a_transaction_that_cannot_write_its_entries_leaves_nothing_and_its_connection_is_fit_for_the_next() -> None:
    def go_wrong() -> None:
        with db.transaction():
            db.hold("insert into no_such_table values (%(n)s)", {"n": 1})
            log.append("send", "B", {"number": 1}, at=NOW)

    with pytest.raises(psycopg.Error, match="no_such_table"):
        go_wrong()
    written(1)

    with db.transaction():
        assert [entry.payload["number"] for entry in log.entries()] == [0]
    assert broken() is None


def test_an_empty_log_is_whole() -> None:
    assert broken() is None


def test_what_is_read_is_what_was_written() -> None:
    payload = {"text": "Halo – “Citra” 🎵\n", "at": NOW, "list": (1, 2.5, None, True), "set": frozenset({"b", "a"})}
    with db.transaction():
        log.append("send", "B", payload, at=NOW, case_id="case_one", conversation_id="conv_one", release="2026-11-21.1")

    with db.transaction():
        [entry] = log.entries()

    assert entry.payload == {
        **payload, "at": NOW.isoformat(), "list": [1, "2.5", None, True], "set": ["a", "b"]
    }  # fmt: skip
    assert (entry.at, entry.kind, entry.actor, entry.case_id, entry.conversation_id, entry.release) == (
        *(NOW, "send", "B", "case_one", "conv_one", "2026-11-21.1"),
    )


def test_several_entries_of_one_transaction_keep_their_order() -> None:
    with db.transaction():
        for kind in ("inbound", "decision", "send"):
            log.append(kind, "A", {}, at=NOW)

    with db.transaction():
        assert [entry.kind for entry in log.entries()] == ["inbound", "decision", "send"]
    assert broken() is None


def test_nothing_is_logged_when_the_transaction_rolls_back() -> None:
    written(1)

    with suppress(RuntimeError), db.transaction():
        log.append("send", "B", {}, at=NOW)
        raise RuntimeError
    written(1)

    with db.transaction():
        assert [entry.seq for entry in log.entries()] == [1, 2]
    assert broken() is None


def test_without_a_head_nothing_is_done_unlogged() -> None:
    tamper("delete from log_head")

    def declare() -> None:
        with db.transaction():
            db.execute(text("insert into health (system, state, since) values ('school', 'healthy', now())"))
            log.append("health", "per_ops", {}, at=NOW)

    with pytest.raises(psycopg.errors.NotNullViolation):
        declare()

    with db.transaction():
        assert db.execute(text("select count(*) from health")).scalar_one() == 0


def test_what_must_be_kept_is_kept_though_the_other_transaction_rolls_back() -> None:
    with suppress(RuntimeError), db.transaction():
        log.append("send", "B", {}, at=NOW)
        with db.apart():
            log.append("denied", "A", {}, at=NOW)
        raise RuntimeError

    with db.transaction():
        assert [entry.kind for entry in log.entries()] == ["denied"]


def test_a_joined_transaction_logs_once_with_the_outer_one() -> None:
    with db.transaction():
        with db.transaction():
            log.append("inner", "B", {}, at=NOW)
        log.append("outer", "B", {}, at=NOW)

    with db.transaction():
        assert [entry.kind for entry in log.entries()] == ["inner", "outer"]


COLUMNS: dict[str, list[Any]] = {
    "kind": ["draft"],
    "actor": ["per_coach"],
    "case_id": ["case_two", None],
    "conversation_id": ["conv_two"],
    "release": ["r2"],
    "at": [NOW + timedelta(microseconds=1)],
    "payload_hash": ["0" * 64],
    "hash": ["0" * 64],
}


@pytest.mark.parametrize("seq", [1, 2, 3])
def test_a_changed_column_is_named_where_it_stands(seq: int) -> None:
    written()

    for column, values in COLUMNS.items():
        for value in values:
            found = found_after(f"update log set {column} = :value where seq = :seq", value=value, seq=seq)
            assert found is not None, (column, value)
            assert found[0] == seq, (column, value)


def test_a_changed_payload_is_named_where_it_stands() -> None:
    written()

    for seq in (1, 2, 3):
        found = found_after("update log_payloads set payload = :payload where seq = :seq", payload="{}", seq=seq)
        assert found == (seq, "its payload was changed")


def test_a_payload_changed_together_with_its_hash_is_named_all_the_same() -> None:
    written()

    tamper("update log_payloads set payload = '{}' where seq = 2")
    tamper("update log set payload_hash = encode(sha256('{}'), 'hex') where seq = 2")

    assert broken() == (2, "its columns were changed, or the entry before it was")


def test_an_entry_rewritten_with_a_hash_that_fits_breaks_the_next_one() -> None:
    written()
    with db.transaction():
        row = db.execute(text("select * from log where seq = 2")).mappings().one()
        before = db.execute(text("select hash from log where seq = 1")).scalar_one()

    tamper("update log set actor = 'A', hash = :hash where seq = 2", hash=log.link({**row, "actor": "A"}, before))

    assert broken() == (3, "its columns were changed, or the entry before it was")


def test_a_deleted_entry_is_named() -> None:
    written()

    for seq in (1, 2):
        assert found_after("delete from log where seq = :seq", seq=seq) == (seq, f"entry {seq} is missing")


def test_a_truncated_tail_is_named_at_its_first_missing_entry() -> None:
    written()

    for left in (0, 1, 2):
        found = found_after("delete from log where seq > :left", left=left)
        assert found == (left + 1, f"the log ends at entry {left}, its head says 3")


def test_two_entries_that_changed_places_are_named() -> None:
    written()

    tamper("update log set seq = case seq when 2 then 9 else 2 end where seq in (2, 3)")
    tamper("update log set seq = 3 where seq = 9")

    found = broken()
    assert found is not None
    assert found[0] == 2


def test_an_entry_put_behind_the_head_is_named() -> None:
    written()

    tamper("insert into log select 4, at, kind, actor, case_id, conversation_id, release, payload_hash, hash from log where seq = 3")  # noqa: E501  # fmt: skip

    assert broken() == (4, "its columns were changed, or the entry before it was")


def test_a_head_moved_back_or_changed_or_removed_is_named() -> None:
    written()

    tamper("update log_head set seq = 2")
    assert broken() == (4, "the log ends at entry 3, its head says 2")
    tamper("update log_head set seq = 3, hash = repeat('0', 64)")
    assert broken() == (3, "the head has another hash than this entry")
    tamper("delete from log_head")
    assert broken() == (4, "the log has no head")


def test_erasing_a_case_keeps_the_chain_whole() -> None:
    written(2, case="case_one")
    written(2, case="case_two")

    with db.transaction():
        erased = log.erase("case_one")

    assert erased == 2
    assert broken() is None
    with db.transaction():
        assert [entry.payload for entry in log.walk("case_one")] == [{}, {}]
        assert [entry.payload for entry in log.walk("case_two")] == [{"number": 0}, {"number": 1}]
    written(1)
    assert broken() is None


def test_writers_at_the_same_time_never_fork_the_chain() -> None:
    threads, rounds = 8, 25
    together = Barrier(threads)

    def write(writer: int) -> None:
        together.wait()
        for number in range(rounds):
            with db.transaction():
                log.append("send", f"w{writer}", {"number": number}, at=NOW)
                log.append("case", f"w{writer}", {"number": number}, at=NOW)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(write, range(threads)))

    assert broken() is None
    with db.transaction():
        entries = log.entries(limit=1000)
    assert [entry.seq for entry in entries] == list(range(1, threads * rounds * 2 + 1))
    for writer in range(threads):
        mine = [(entry.payload["number"], entry.kind) for entry in entries if entry.actor == f"w{writer}"]
        assert mine == [(number, kind) for number in range(rounds) for kind in ("send", "case")]


def test_verifying_a_log_that_grows_meanwhile_finds_it_whole() -> None:
    stop = Event()

    def write() -> None:
        while not stop.is_set():
            written(1)

    with ThreadPoolExecutor(1) as pool:
        writing = pool.submit(write)
        found = [broken() for _round in range(60)]
        stop.set()
        writing.result()

    assert found == [None] * 60


def test_entries_are_found_by_case_actor_kind_and_time() -> None:
    with db.transaction():
        for hour, (kind, actor, case) in enumerate([("send", "B", "c1"), ("task", "C", "c1"), ("send", "B", "c2")]):
            log.append(kind, actor, {}, at=NOW + timedelta(hours=hour), case_id=case)

    def found(**wanted: Any) -> list[int]:
        with db.transaction():
            return [entry.seq for entry in log.entries(**wanted)]

    assert found(case_id="c1") == [1, 2]
    assert found(actor="B") == [1, 3]
    assert found(kind="task") == [2]
    assert found(since=NOW + timedelta(hours=1)) == [2, 3]
    assert found(until=NOW + timedelta(hours=1)) == [1]
    assert found(after=1, limit=1) == [2]
    assert found(before=3, newest_first=True) == [2, 1]
