"""The database and the current transaction.

`with transaction():` opens one; every function of an aggregate uses the current one without being handed it. What is
said on every turn goes through `run`, straight to the driver; everything else through `execute`. What nobody reads back
is held and sent with the commit in one go, log entries last, so that the chain's head is locked for as short as can be.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime
from types import SimpleNamespace
from typing import Any, LiteralString, cast

import psycopg
from psycopg.rows import namedtuple_row
from sqlalchemy import Connection, Engine, create_engine, event

from caseward.core.errors import CasewardError
from caseward.store import precedence

POOL = 16


@dataclass(slots=True)
class Transaction:
    """One open transaction: its connection, and what is to happen around its commit."""

    connection: Connection
    entries: list[Any] = field(default_factory=list)
    """Log entries waiting for the commit."""
    after: list[Callable[[], None]] = field(default_factory=list)
    """Called once committed: wake-ups, never state."""
    pending: dict[str, Any] = field(default_factory=dict)
    """What aggregates hold back to write once, just before the commit, or remember of what they read."""
    held: list[tuple[LiteralString, Any]] = field(default_factory=list)
    """Statements whose rows nobody here reads back, waiting for the commit."""

    @property
    def driver(self) -> psycopg.Connection[Any]:
        """The driver's own connection, which SQLAlchemy's stands on."""
        return cast("psycopg.Connection[Any]", self.connection.connection.driver_connection)


_engine: Engine | None = None
_current: ContextVar[Transaction | None] = ContextVar("transaction", default=None)
_flushes: dict[int, Callable[[Transaction], None]] = {}


def on_flush(order: int, flush: Callable[[Transaction], None]) -> None:
    """Have `flush` write what its aggregate holds back, before each commit, in the order given; the log comes last."""
    _flushes[order] = flush


def connect(url: str, *, pool: int = POOL) -> Engine:
    """Open the process's one pool of connections to `url` (postgresql://...), in the old one's place, and return it."""
    global _engine
    opened = create_engine(
        driver_url(url),
        pool_size=pool,
        max_overflow=pool,
        pool_pre_ping=False,
        pool_use_lifo=True,
        json_serializer=dumps,
        connect_args={"application_name": "caseward", "connect_timeout": 5},
    )
    event.listen(opened, "handle_error", _drop_broken_pool)
    before, _engine = _engine, opened  # other threads always find one
    if before is not None:
        before.dispose()
    return opened


def disconnect() -> None:
    """Close the pool, if one is open."""
    global _engine
    if _engine is not None:
        _engine.dispose()
        _engine = None


def _forked() -> None:
    """In a forked process: the connections are the parent's, and this one opens its own."""
    if _engine is not None:
        _engine.dispose(close=False)


os.register_at_fork(after_in_child=_forked)


def driver_url(url: str) -> str:
    """Return `url` with the psycopg 3 driver named, as SQLAlchemy wants it."""
    for scheme in ("postgresql://", "postgres://"):
        if url.startswith(scheme):
            return "postgresql+psycopg://" + url.removeprefix(scheme)
    return url


def _drop_broken_pool(context: Any) -> None:
    context.invalidate_pool_on_disconnect = True


def engine() -> Engine:
    """Return the open pool; raise CasewardError when none is."""
    if _engine is None:
        raise CasewardError("no database is connected; call store.db.connect first")
    return _engine


@contextlib.contextmanager
def transaction() -> Iterator[Transaction]:
    """Open a transaction, or join the one that is open."""
    joined = _current.get()
    if joined is not None:
        yield joined
        return
    with engine().begin() as connection, _entered(connection) as opened:
        yield opened
        _commit(opened)
    for call in opened.after:
        call()


def _commit(opened: Transaction) -> None:
    """Write what is held back and commit, all in one go; once this returns, it is on disk.

    The log's head is locked from the writing of entries to the commit, and all writers take turns at it. So that none
    waits there for another's disk, the commit lets go of its locks first and the disk is waited for after it, with
    those of other processes: a second commit, of an empty note, waits until all that came before is on disk.
    """
    logs = bool(opened.entries)
    with opened.driver.pipeline():
        _flush(opened)
        if logs:
            opened.driver.execute("set local synchronous_commit = off", prepare=False)
        opened.driver.execute("commit", prepare=False)
        if logs:
            opened.driver.execute("select pg_logical_emit_message(true, 'caseward', '')")


def hurry() -> None:
    """Have commits not wait for the disk: for work that is thrown away if it does not come to its end.

    It holds for the connection that is used next, which is the same one as long as one thread uses one at a time.
    """
    with transaction() as opened:
        opened.driver.execute("set synchronous_commit = off")


@contextlib.contextmanager
def apart() -> Iterator[Transaction]:
    """Open a transaction of its own even inside another: for what must be kept though the other rolls back."""
    token = _current.set(None)
    try:
        with transaction() as opened:
            yield opened
    finally:
        _current.reset(token)


@contextlib.contextmanager
def joining(connection: Connection) -> Iterator[Transaction]:
    """Make a connection that somebody else commits the current transaction (the durable engine's)."""
    if not connection.in_transaction():
        connection.begin()  # what `run` does goes by SQLAlchemy, which would see nothing to commit
    with _entered(connection) as opened:
        yield opened
        with opened.driver.pipeline():
            _flush(opened)


def _flush(opened: Transaction) -> None:
    """Write what is held back. In a pipeline nothing is waited for: errors come when it ends, and no flush may read."""
    _catch_up(opened)
    for _order, flush in sorted(_flushes.items()):
        flush(opened)


def _catch_up(opened: Transaction) -> None:
    for statement, parameters in opened.held:
        opened.driver.execute(statement, parameters)
    opened.held.clear()


@contextlib.contextmanager
def _entered(connection: Connection) -> Iterator[Transaction]:
    opened = Transaction(connection)
    token = _current.set(opened)
    try:
        yield opened
    finally:
        _current.reset(token)


def opened() -> Transaction | None:
    """Return the open transaction, or None outside one."""
    return _current.get()


def current() -> Transaction:
    """Return the open transaction; raise CasewardError outside one."""
    opened = _current.get()
    if opened is None:
        raise CasewardError("no transaction is open; wrap the call in `with transaction():`")
    return opened


def execute(statement: Any, parameters: Any = None) -> Any:
    """Run a statement of SQLAlchemy's in the current transaction."""
    precedence.give_way()
    opened = current()
    _catch_up(opened)
    return opened.connection.execute(statement, parameters)


def run(statement: LiteralString, parameters: Any = None) -> psycopg.Cursor[Any]:
    """Run plain SQL in the current transaction, for what every turn needs: a third of the work that `execute` is.

    Its rows have their columns' names. It does not see what is held back.
    """
    precedence.give_way()
    return current().driver.cursor(row_factory=namedtuple_row).execute(statement, parameters)


@contextlib.contextmanager
def together() -> Iterator[None]:
    """Send what `run` is given inside in one go: nothing is waited for until rows are asked for, or this ends.

    `execute` has no place in it.
    """
    with current().driver.pipeline():
        yield


def row(value: Mapping[str, Any], *instants: str) -> SimpleNamespace:
    """Return a row that came as JSON in a column of another's as `run` returns rows; `instants` are parsed."""
    parsed = {name: datetime.fromisoformat(value[name]) for name in instants if value[name]}
    return SimpleNamespace(**{**value, **parsed})


def hold(statement: LiteralString, parameters: Any) -> None:
    """Run plain SQL with the commit, or before the next `execute`: for rows that nobody waits for."""
    current().held.append((statement, parameters))


def after_commit(call: Callable[[], None]) -> None:
    """Call `call` once the current transaction is committed; it is lost if the process dies, so it may only wake."""
    current().after.append(call)


def dumps(value: Any) -> str:
    """Return `value` as JSON, whatever an aggregate puts into it."""
    return json.dumps(value, default=plain, ensure_ascii=False, separators=(",", ":"))


def plain(value: Any) -> Any:
    """Return `value` as JSON can hold it: instants as RFC 3339, sets sorted."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, frozenset | set):
        return sorted(value)
    if hasattr(value, "isoformat"):
        return value.isoformat()
    return str(value)
