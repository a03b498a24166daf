"""The desk: a durable R0 turn, from a message's POST to its reply's row being committed, driven from outside.

One client tells what a turn costs, eight tell what a machine carries. The floor is the same number of rows in the same
two commits, written by psycopg and nothing else. CPU time is the desk's processes'; the database's stands apart. Memory
is what each process holds alone, plus its share of what several hold together (PSS).

Turns a second mean something only on a machine that does nothing else: `elsewhere_cores` is how many cores were busy
with other things meanwhile. The target of 150 was set where the durable engine alone has 305 one-step workflows a
second; how many it has here is measured beside it, and the ratio compares machines.
"""

from __future__ import annotations

import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from bench.served import Cost, Served, post, served
from bench.workflow import one_step
from caseward.packs.load import load

SCHOOL = Path(__file__).parents[1] / "packs" / "vocal-coaching"
CLIENTS = 8
TURNS_A_CONVERSATION = 3
"""Some turns open a case and some carry on with one; a conversation may not say too much a minute."""
LOOK_SECONDS = {1: 0.0005, CLIENTS: 0.003}
"""Clients → how often replies are looked for; looking costs the machine time that the desk then lacks."""
PATIENCE_SECONDS = 30


def measure(*, quick: bool = False) -> dict[str, Any]:
    """Return the figures, in the units that their names say, with targets beside some."""
    alone, together = (100, 400) if quick else (400, 2000)
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory(prefix="caseward-bench-") as scratch:
        with served(_folder(scratch, "one")) as desk:
            figures |= {"ready_s": round(desk.ready_seconds, 2), "ready_s_target": "<= 10"}
            figures |= _memory("one_worker", desk)
            texts = cycle(questions())
            _turns(desk, list(islice(texts, 60)), clients=2)  # warm up
            figures |= _alone(desk, list(islice(texts, alone)))
            figures |= _together("one_worker", desk, list(islice(texts, together)))
            figures |= _memory("one_worker_later", desk)
            figures |= _floor(desk, 100 if quick else 400, figures)
        with served(_folder(scratch, "two"), workers=2) as desk:
            _turns(desk, list(islice(texts, 100)), clients=4)
            figures |= _together("two_workers", desk, list(islice(texts, together)))
            figures |= _memory("two_workers", desk)
            figures |= _engine(desk, 200 if quick else 800, figures)
    return figures


# --- turns ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Run:
    """Some turns and what they cost."""

    latencies: Sequence[float]
    seconds: float
    cost: Cost
    driver: float
    """CPU seconds of the bench itself."""
    elsewhere: float
    """Cores that were busy with none of this."""
    released: int
    """How many were answered without a person, as an R0 turn is."""


def _alone(desk: Served, texts: Sequence[str]) -> dict[str, Any]:
    run = _turns(desk, texts, clients=1)
    cuts = statistics.quantiles(run.latencies, n=100)
    return {
        "alone_p50_ms": round(cuts[49] * 1000, 2),
        "alone_p50_ms_target": "<= 30",
        "alone_p99_ms": round(cuts[98] * 1000, 2),
        "alone_desk_cpu_ms_a_turn": round(run.cost.desk / len(texts) * 1000, 2),
        "alone_desk_cpu_ms_a_turn_target": "<= 10",
        "alone_database_cpu_ms_a_turn": round(run.cost.database / len(texts) * 1000, 2),
        "alone_elsewhere_cores": round(run.elsewhere, 2),
        "alone_released_share": round(run.released / len(texts), 3),
    }


def _together(name: str, desk: Served, texts: Sequence[str]) -> dict[str, Any]:
    run = _turns(desk, texts, clients=CLIENTS)
    cuts = statistics.quantiles(run.latencies, n=100)
    return {
        f"{name}_turns_per_s": round(len(texts) / run.seconds, 1),
        f"{name}_turns_per_s_target": ">= 150",
        f"{name}_p50_ms": round(cuts[49] * 1000, 2),
        f"{name}_p99_ms": round(cuts[98] * 1000, 2),
        f"{name}_desk_cpu_ms_a_turn": round(run.cost.desk / len(texts) * 1000, 2),
        f"{name}_database_cpu_ms_a_turn": round(run.cost.database / len(texts) * 1000, 2),
        f"{name}_driver_cpu_ms_a_turn": round(run.driver / len(texts) * 1000, 2),
        f"{name}_elsewhere_cores": round(run.elsewhere, 2),
    }


def _turns(desk: Served, texts: Sequence[str], *, clients: int) -> Run:
    """Have so many clients say the texts, each waiting for its reply before it says the next."""
    with psycopg.connect(desk.database_url, autocommit=True) as watching, Watcher(watching, clients) as watcher:
        tokens = _open(desk, len(texts) // TURNS_A_CONVERSATION + clients)
        shares = [texts[i::clients] for i in range(clients)]
        before, released = desk.cost(watching=watching.info.backend_pid), _released(watching)
        began, driver = time.perf_counter(), time.process_time()
        with ThreadPoolExecutor(clients) as pool:
            rounds = pool.map(lambda share: list(_client(desk, watcher, tokens, share)), shares)
            latencies = [each for latencies in rounds for each in latencies]
        seconds, driver = time.perf_counter() - began, time.process_time() - driver
        cost = desk.cost(watching=watching.info.backend_pid) - before
        elsewhere = (cost.machine - cost.desk - cost.database - cost.watching - driver) / seconds
        released = _released(watching) - released
        return Run(latencies, seconds, cost, driver, max(0.0, elsewhere), released)


def _client(desk: Served, watcher: Watcher, tokens: list[tuple[str, str]], texts: Sequence[str]) -> Iterator[float]:
    """Say the texts one after the other and yield how long each reply took to be committed."""
    connection = desk.connection()
    token, conversation = "", ""
    for number, text in enumerate(texts):
        if number % TURNS_A_CONVERSATION == 0:
            token, conversation = tokens.pop()
        began = time.perf_counter()
        seq = post(connection, "/chat/messages", {"id": f"m{number}", "text": text}, token)["seq"]
        yield watcher.replied(conversation, seq) - began
    connection.close()


def _open(desk: Served, count: int) -> list[tuple[str, str]]:
    connection = desk.connection()
    opened = [post(connection, "/chat/session", {}) for _conversation in range(count)]
    connection.close()
    return [(each["token"], each["conversation"]) for each in opened]


class Watcher:
    """Sees replies as soon as they are committed: one connection that looks for all clients, all the time."""

    def __init__(self, connection: psycopg.Connection[Any], clients: int) -> None:
        """Look through `connection` for so many clients."""
        self._every = LOOK_SECONDS.get(clients, LOOK_SECONDS[CLIENTS])
        self._connection = connection
        self._changed = threading.Condition()
        self._awaited: dict[str, int] = {}
        """Conversation → number of the message whose reply is awaited."""
        self._seen: dict[str, float] = {}
        """Conversation → when that reply was seen."""
        self._stopped = False
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watcher:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stopped = True
        self._thread.join()

    def replied(self, conversation: str, after: int) -> float:
        """Return when a reply after message `after` was seen, waiting for it."""
        with self._changed:
            self._awaited[conversation] = after
            came = self._changed.wait_for(lambda: conversation in self._seen, PATIENCE_SECONDS)
            assert came, f"no reply in {conversation} after message {after}"
            return self._seen.pop(conversation)

    def _look(self) -> None:
        query = """
            select conversation from unnest(%s::text[], %s::bigint[]) as awaited(conversation, after)
            where exists (select from messages where conversation_id = conversation and seq > after and not inbound)
        """
        while not self._stopped:
            awaited = dict(self._awaited)
            if awaited:
                found = self._connection.execute(query, (list(awaited), list(awaited.values()))).fetchall()
                at = time.perf_counter()
                with self._changed:
                    for (conversation,) in found:
                        del self._awaited[conversation]
                        self._seen[conversation] = at
                    if found:
                        self._changed.notify_all()
            time.sleep(self._every)


def _released(connection: psycopg.Connection[Any]) -> int:
    query = "select count(*) from decisions where tier = 0 and body ->> 'auto_send' = 'true'"
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def questions() -> list[str]:
    """Return the ways in which people ask what published pages answer, shuffled the same way each time."""
    pack = load(SCHOOL)
    pages = [page for page in pack.articles.values() if page.status == "published"]
    texts = [text for page in pages for texts in page.asked_as.values() for text in texts]
    return [texts[i * 37 % len(texts)] for i in range(len(texts))]


# --- the floor --------------------------------------------------------------------------------------------------------


def _floor(desk: Served, rounds: int, figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the same rows cost without a desk around them."""
    with psycopg.connect(desk.database_url) as connection:
        commits = _rows_of_a_turn(connection)
        copies = _scratch_tables(connection, [table for rows in commits for table, _row in rows])
        connection.commit()
        walls, before = [], time.thread_time()
        statements = [[(_insert(copies[table], row), _values(row)) for table, row in rows] for rows in commits]
        for _round in range(rounds):
            began = time.perf_counter()
            for rows in statements:
                for statement, values in rows:
                    connection.execute(statement, values)
                connection.commit()
            walls.append(time.perf_counter() - began)
        cpu = (time.thread_time() - before) / rounds * 1000
    median = statistics.median(walls) * 1000
    return {
        "floor_rows": sum(len(rows) for rows in commits),
        "floor_commits": len(commits),
        "floor_p50_ms": round(median, 2),
        "floor_cpu_ms": round(cpu, 2),
        "alone_p50_to_floor": round(figures["alone_p50_ms"] / median, 1),
        "alone_desk_cpu_to_floor": round(figures["alone_desk_cpu_ms_a_turn"] / cpu, 1),
    }


def _engine(desk: Served, rounds: int, figures: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the durable engine does here in a second, and how the desk's turns compare with that."""
    median, a_second, cpu = one_step(desk.database_url, rounds)
    return {
        "one_step_workflow_p50_ms": round(median * 1000, 2),
        "one_step_workflow_cpu_ms": round(cpu * 1000, 2),
        "one_step_workflows_per_s": round(a_second, 1),
        "two_workers_turns_to_workflows": round(figures["two_workers_turns_per_s"] / a_second, 2),
        "two_workers_turns_to_workflows_target": ">= 0.49",
    }


OF_CONVERSATION = ("conversations", "cases", "log")
OF_CASE = ("clocks", "decisions", "drafts", "outbox", "timers")


def _rows_of_a_turn(connection: psycopg.Connection[Any]) -> list[list[tuple[str, dict[str, Any]]]]:
    """Return the rows that a first turn wrote, as two commits: receiving the message, and answering it."""
    cursor = connection.cursor(row_factory=dict_row)
    case = cursor.execute(
        """
        select cases.* from cases join conversations on conversations.id = cases.conversation_id
        where conversations.turn = 1 and cases.status = 'resolved' order by number desc limit 1
        """
    ).fetchone()
    assert case is not None, "no case was answered in one turn"

    def rows(table: str, column: str, value: str) -> list[tuple[str, dict[str, Any]]]:
        query = sql.SQL("select * from {} where {} = %s").format(sql.Identifier(table), sql.Identifier(column))
        return [(table, row) for row in cursor.execute(query, (value,)).fetchall()]

    heard = [each for each in rows("messages", "conversation_id", case["conversation_id"]) if each[1]["inbound"]]
    said = [each for each in rows("messages", "conversation_id", case["conversation_id"]) if not each[1]["inbound"]]
    logged = rows("log", "conversation_id", case["conversation_id"])
    payloads = [payload for _table, entry in logged for payload in rows("log_payloads", "seq", entry["seq"])]
    mailbox = rows("conversations", "id", case["conversation_id"])
    head = rows("log_head", "id", "1")
    first = [*heard, *mailbox, *logged[:1], *payloads[:1], *head]
    second = [*heard, *said, *mailbox, ("cases", case), *logged[1:], *payloads[1:], *head]
    for table in OF_CASE:
        second += rows(table, "case_id", case["id"])
    return [first, second]


def _scratch_tables(connection: psycopg.Connection[Any], tables: Sequence[str]) -> dict[str, str]:
    """Make a copy of each table with the same indexes, none of them unique, so that the same row fits in many times."""
    copies = {table: f"floor_{table}" for table in tables}
    for table, copy in copies.items():
        names = (sql.Identifier(copy), sql.Identifier(table))
        connection.execute(sql.SQL("create table {} (like {} including defaults)").format(*names))
        found = connection.execute("select indexname, indexdef from pg_indexes where tablename = %s", (table,))
        for index, definition in found.fetchall():
            mine = definition.replace("CREATE UNIQUE INDEX", "CREATE INDEX", 1).replace(index, f"floor_{index}", 1)
            connection.execute(mine.replace(f"public.{table} ", f"public.{copy} ", 1))
    return copies


def _insert(table: str, row: Mapping[str, Any]) -> sql.Composed:
    columns = sql.SQL(", ").join(map(sql.Identifier, row))
    places = sql.SQL(", ").join(sql.Placeholder() * len(row))
    return sql.SQL("insert into {} ({}) values ({})").format(sql.Identifier(table), columns, places)


def _values(row: Mapping[str, Any]) -> list[Any]:
    return [Jsonb(value) if isinstance(value, dict | list) else value for value in row.values()]


# --- the rest ---------------------------------------------------------------------------------------------------------


def _memory(name: str, desk: Served) -> dict[str, Any]:
    held = desk.memory_mb()
    return {f"{name}_rss_mb": held["rss"], f"{name}_pss_mb": held["pss"], f"{name}_pss_mb_target": "<= 250"}


def _folder(scratch: str, name: str) -> Path:
    folder = Path(scratch) / name
    folder.mkdir()
    folder.chmod(0o755)
    return folder
