"""The one file that knows the durable engine (DBOS): story, workflow, step, transact, enqueue, start, recover, forget.

A *story* is one transaction: everything it reads, decides and writes commits together with its checkpoint, so killing
the process anywhere leaves it done or not begun. A *workflow* is for what cannot be one transaction, an effect outside:
mark it, do it, record it. Both are started with an id, and one id runs once.
"""

from __future__ import annotations

import contextlib
import functools
import json
import logging
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any, Final, ParamSpec, Protocol, TypeVar

from dbos import DBOS, DBOSClient, SetWorkflowID, SQLAlchemyDatasource
from dbos import error as dbos_error
from dbos._serialization import Serializer

P = ParamSpec("P")
R = TypeVar("R")

QUEUE: Final = "stories"
VERSION: Final = "caseward-1"
"""Pinned: a release must pick up what the one before it left. Raise it only when a stored shape cannot be read."""
POLL_SECONDS: Final = 0.1
QUEUE_SECONDS: Final = 0.25
"""How often each process looks for enqueued stories; a look costs some milliseconds, so an idle desk pays for it."""
SYSTEM_POOL: Final = 16
"""Connections of the engine's own: a story holds one of the store's while the engine asks for one of these, so sharing
a pool would let a burst wait for itself."""


_log = logging.getLogger(__name__)


class Join(Protocol):
    """How the store takes part in the engine's transaction."""

    def __call__(self, connection: Any, /) -> contextlib.AbstractContextManager[Any]:
        """Make `connection` the store's current one; what it yields has `after`, calls to make once committed."""
        ...


class _Json(Serializer):
    """JSON instead of pickle: readable in the database, and nothing stored can run code."""

    def serialize(self, data: Any) -> str:
        if isinstance(data, BaseException):
            data = {"error": type(data).__name__, "message": str(data)}
        return json.dumps(data, ensure_ascii=False, separators=(",", ":"), default=_plain)

    def deserialize(self, serialized_data: str) -> Any:
        value = json.loads(serialized_data)
        if isinstance(value, dict) and set(value) == {"error", "message"}:
            return RuntimeError(f"{value['error']}: {value['message']}")
        return value

    def name(self) -> str:
        return "caseward_json"


def _plain(value: Any) -> Any:
    if isinstance(value, BaseException):
        return {"error": type(value).__name__, "message": str(value)}
    return str(value)


class _Engine:
    """What launch() sets and everything else uses."""

    datasource: SQLAlchemyDatasource | None = None
    client: DBOSClient | None = None
    join: Join | None = None


def launch(url: str, engine: Any, join: Join, *, executor_id: str, run: bool = True) -> None:
    """Start the engine in this process.

    Args:
        url: the database, as postgresql+psycopg://...
        engine: the store's pool, on which a story commits business rows and checkpoint together.
        join: how the store takes part in a story's transaction.
        executor_id: unique to this live process; what a dead one left is taken over by its id.
        run: False for a process that only enqueues.
    """
    for name in ("dbos", "dbos._logger"):
        logging.getLogger(name).setLevel(logging.ERROR)
    DBOS(
        config={
            "name": "caseward",
            "system_database_url": url,
            "sys_db_pool_size": SYSTEM_POOL,
            "executor_id": executor_id,
            "application_version": VERSION,
            "serializer": _Json(),
            "notification_listener_polling_interval_sec": POLL_SECONDS,
            "scheduler_polling_interval_sec": 3600.0,
            "log_level": "ERROR",
            "enable_otlp": False,
        }
    )
    _Engine.datasource = SQLAlchemyDatasource.create(url, engine=engine, serializer=_Json())
    _Engine.join = join
    if run:
        DBOS.launch()
        DBOS.register_queue(QUEUE, polling_interval_sec=QUEUE_SECONDS)
    _Engine.client = DBOSClient(system_database_url=url, system_database_engine=engine, serializer=_Json())


def load() -> None:
    """Import what the engine would when it is launched: here once for all processes to come."""
    for name in ("_datasource_postgres", "_sys_db_postgres"):
        import_module(f"dbos.{name}")


def shut_down() -> None:
    """Stop taking work and let what runs finish."""
    if _Engine.client is not None:
        DBOS.destroy(workflow_completion_timeout_sec=5)
    _Engine.datasource = _Engine.client = _Engine.join = None


_registered: dict[str, Callable[..., Any]] = {}
_functions: dict[str, Callable[..., Any]] = {}
_plain_stories: dict[str, tuple[Callable[..., Any], Callable[..., Any]]] = {}


def workflow(function: Callable[P, R]) -> Callable[P, R]:
    """Register a function whose steps are each done once; its arguments and results are plain JSON values."""
    registered = DBOS.workflow(name=function.__name__)(function)
    _registered[function.__name__] = registered
    _functions[function.__name__] = function
    return registered


def story(*, otherwise: Callable[P, R]) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Register a function that runs whole in one transaction.

    Args:
        otherwise: what is done instead, in a transaction of its own, when the story raises; its own effects are undone
            by then, so that a fault of ours strands nobody.
    """

    def register(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            try:
                return transact(function, *args, **kwargs)
            except dbos_error.DBOSException:
                raise
            except Exception:
                _log.exception("story %s%r went wrong; doing %s instead", function.__name__, args, otherwise.__name__)
                return transact(otherwise, *args, **kwargs)

        _plain_stories[function.__name__] = (function, otherwise)
        return workflow(run)

    return register


def bare(name: str) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """Return a story and what is done otherwise, for a caller that runs them in a transaction of its own.

    That is right where a row the story claims is its checkpoint already, as a turn's mailbox row is.
    """
    return _plain_stories[name]


_errands: dict[str, Callable[[str], object]] = {}


def errand(function: Callable[[str], object]) -> Callable[[str], object]:
    """Register a function of one subject that leaves no record here, for the subject's row is one: it marks the row,
    does its work and settles it, in commits of its own, and may be run again from wherever it stopped."""
    _errands[function.__name__] = function
    return function


def run_errand(name: str, subject: str) -> object:
    """Run an errand, here and now."""
    return _errands[name](subject)


class Rehearsal:
    """Stories and workflows run one after the other in this thread, and the engine keeps no record of them."""

    def __init__(self, transaction: Callable[[], contextlib.AbstractContextManager[object]]) -> None:
        """Prepare; `transaction` opens the store's."""
        self.transaction = transaction
        self._begun: set[str] = set()
        self._waiting: list[tuple[str, tuple[str | int, ...]]] = []

    def begin(self, name: str, *args: str | int, id: str) -> None:
        """Have a registered function run by `go_on`; an id that was begun before is left alone."""
        if id not in self._begun:
            self._begun.add(id)
            self._waiting.append((name, args))

    def go_on(self) -> int:
        """Run what was begun, and what that begins; return how much it was."""
        done = 0
        while self._waiting:
            name, args = self._waiting.pop(0)
            _functions[name](*args)
            done += 1
        return done


_rehearsal: Rehearsal | None = None


@contextlib.contextmanager
def rehearse(transaction: Callable[[], contextlib.AbstractContextManager[object]]) -> Iterator[Rehearsal]:
    """Have what is begun inside run without the engine: for a process that is alone with its database, and whose work
    is thrown away if it does not come to its end."""
    global _rehearsal
    _rehearsal = Rehearsal(transaction)
    try:
        yield _rehearsal
    finally:
        _rehearsal = None


def step(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `function` as a step outside any transaction: repeated only if the process dies before it is recorded."""
    if _rehearsal is not None:
        return function(*args, **kwargs)
    return DBOS.run_step({"name": function.__name__}, function, *args, **kwargs)


def transact(function: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
    """Run `function` as a step in one transaction that also holds the step's checkpoint."""
    if _rehearsal is not None:
        with _rehearsal.transaction():
            return function(*args, **kwargs)
    datasource, join = _Engine.datasource, _Engine.join
    if datasource is None or join is None:
        raise RuntimeError("the durable engine is not launched")
    after: list[Callable[[], None]] = []

    def body() -> R:
        after.clear()
        with join(datasource.sql_session().connection()) as opened:
            value = function(*args, **kwargs)
        after.extend(opened.after)
        return value

    value = datasource.run_tx_step({"name": function.__name__, "isolation_level": "READ COMMITTED"}, body)
    for call in after:
        call()
    return value


def start(name: str, *args: str | int, id: str) -> None:
    """Start a registered function in this process now; an id that was started before is left alone."""
    if _rehearsal is not None:
        _rehearsal.begin(name, *args, id=id)
        return
    with contextlib.suppress(dbos_error.DBOSException), SetWorkflowID(id):
        DBOS.start_workflow(_registered[name], *args)


def enqueue(connection: Any, name: str, *args: str | int, id: str) -> None:
    """Have a registered function run, by any process, once the transaction on `connection` commits."""
    if name not in _registered:
        raise KeyError(f"no story or workflow is called {name!r}")
    if _rehearsal is not None:
        _rehearsal.begin(name, *args, id=id)
        return
    if _Engine.client is None:
        raise RuntimeError("the durable engine is not launched")
    options: Any = {
        "queue_name": QUEUE,
        "workflow_name": name,
        "workflow_id": id,
        "app_version": VERSION,
    }
    _Engine.client.enqueue_in_transaction(connection, options, *args)


def failed(id: str) -> bool:
    """Return whether the work with this id ended in an error; what never began has not failed."""
    if _rehearsal is not None:
        return False
    status = DBOS.get_workflow_status(id)
    return status is not None and status.status in ("ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED")


def recover(executor_id: str) -> int:
    """Take over the unfinished work of a process that is surely dead; return how much it was."""
    return len(DBOS._recover_pending_workflows([executor_id]))


def forget_finished(*, before: float, limit: int = 500) -> int:
    """Delete the records of work finished before the Unix time `before`, at most `limit`; return how many."""
    from dbos._sys_db import WorkflowStatusString

    done = [WorkflowStatusString.SUCCESS.value, WorkflowStatusString.ERROR.value]
    rows = DBOS.list_workflows(
        status=done,
        end_time=time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(before)),
        limit=limit,
        load_input=False,
        load_output=False,
    )
    ids = [row.workflow_id for row in rows]
    if ids:
        DBOS.delete_workflows(ids)
    return len(ids)
