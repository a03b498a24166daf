"""What tests stand on: one PostgreSQL a worker, a fresh database a test, and a desk whose clock is ours.

A module uses either `database` (the store alone) or `desk` (everything), because the store connects to one at a time.
"""

from __future__ import annotations

import fcntl
import gc
import os
import pickle
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import uvicorn
from fastapi import FastAPI
from hypothesis import HealthCheck
from hypothesis import settings as bounds
from playwright.sync_api import Browser, expect, sync_playwright
from pydantic import SecretStr
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.engine import make_url

from caseward import app, durable
from caseward.adapters import find
from caseward.core.approval import ApprovalState, Word
from caseward.core.case import Case
from caseward.core.ids import ConversationId
from caseward.core.messages import Inbound, Message
from caseward.core.pack import Pack
from caseward.core.ports import Brain
from caseward.desk import tools, verdicts
from caseward.desk.tools import Tools
from caseward.flows import clockwork, support
from caseward.packs.load import load
from caseward.settings import Settings
from caseward.store import approvals, cases, db, log, messages, migrate, vault
from caseward.store.approvals import Request
from caseward.store.embedded import Embedded
from caseward.store.records import StoredRecords
from caseward.store.tables_console import metadata
from caseward.web import app as web_app
from caseward.web import serve
from caseward.web.live import Live

gc.set_threshold(200_000, 50, 50)  # while thousands of tests are collected, all to stay, little is to be found

bounds.register_profile(
    "patient", bounds(), deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True, database=None
)
bounds.register_profile("many", bounds.get_profile("patient"), derandomize=False, max_examples=1000)
bounds.load_profile("patient")  # a busy machine is slow, and not wrong; the same examples each time, others in the soak

SCHOOL = Path(__file__).parents[1] / "packs" / "vocal-coaching"
TEMPLATE = "caseward_template"
MORNING = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
"""A Monday, 10:00 in the school's zone: open, in the middle of no holiday, and of a month."""
PATIENCE_SECONDS = 60
"""How long a wait for a condition may take before the test fails."""
LONGEST = (
    "test_demo.py",
    "test_console_browser.py",
    "test_prover.py",
    "test_hot_swap.py",
    "test_console_tour.py",
    "test_kill.py",
    "test_serve.py",
    "test_releases.py",
    "test_outbox.py",
    "test_console_live.py",
    "test_app.py",
    "test_topology.py",
    "test_console_access.py",
    "test_hold_kill.py",
    "test_console_knowledge_browser.py",
    "test_rehearsal.py",
    "test_delivery_kill.py",
)
"""Files of a minute or so come first, for the last worker to finish is the one that is waited for; those that start
processes stand between others, so that not all of them start at once."""
_numbers = count(1)
CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium-headless-shell") or shutil.which("chromium") or ""
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what needs a browser, so that it can be left out where there is none; begin with what takes longest."""
    for item in items:
        if "chromium" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.browser)
    place = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


def pytest_collection_finish() -> None:
    """From here on only what the tests make is looked through, and more rarely than is usual."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real browser. Without one its tests are skipped, and fail where CI is true."""
    if not CHROMIUM:
        why = "needs a Chromium: install one, or name it in the variable CHROMIUM"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(why)
    with sync_playwright() as playwright:
        expect.set_options(timeout=20_000)  # a busy machine is slow, and not wrong
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def examples(few: int, **more: Any) -> bounds:
    """Bound a test whose examples take long to a few of them; the profile `many`, which the soak uses, tries ten times
    as many."""
    return bounds(max_examples=few * (10 if bounds.get_current_profile_name() == "many" else 1), deadline=None, **more)


def wait_until(condition: Callable[[], object], *, what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Return once `condition` holds; fail after `seconds`, naming `what` was waited for."""
    deadline, pause = time.monotonic() + seconds, 0.005
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(pause)
        pause = min(pause * 1.3, 0.05)  # to look costs something too, and others want to compute


# --- databases --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cluster:
    """The worker's PostgreSQL."""

    url: str

    def create(self, *, template: str = "template1") -> str:
        """Create a database and return its address."""
        name = f"test_{next(_numbers)}"
        self._admin(f'create database "{name}" template "{template}"')
        return make_url(self.url).set(database=name).render_as_string(hide_password=False)

    def drop(self, url: str) -> None:
        """Drop a database, whoever is connected to it."""
        self._admin(f'drop database if exists "{make_url(url).database}" with (force)')

    def _admin(self, statement: str) -> None:
        engine = create_engine(db.driver_url(self.url), isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL of this worker's own. It need not survive a power cut, so it does not wait for the disk.

    Its folder is not pytest's: other runs on the machine clear those away.
    """
    folder = Path(tempfile.mkdtemp(prefix="caseward-tests-"))
    server = Embedded(folder)
    engine = create_engine(db.driver_url(server.url), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            connection.execute(text(f"alter system set {setting} = off"))
        connection.execute(text("select pg_reload_conf()"))
        connection.execute(text(f"create database {TEMPLATE}"))
    engine.dispose()
    migrate.upgrade(make_url(server.url).set(database=TEMPLATE).render_as_string(hide_password=False))
    yield Cluster(server.url)
    server.stop()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def empty_database(cluster: Cluster) -> Iterator[str]:
    """The address of a database that holds nothing yet."""
    url = cluster.create()
    yield url
    cluster.drop(url)


@pytest.fixture(scope="session")
def migrated_database(cluster: Cluster) -> str:
    """The address of a migrated database that tests share one after the other."""
    return cluster.create(template=TEMPLATE)


@pytest.fixture
def database(migrated_database: str) -> Iterator[str]:
    """A migrated database without rows that the store is connected to; its address."""
    empty(db.connect(migrated_database))
    vault.use(lambda: ("a secret of the tests",))
    with db.transaction():
        log.start()
    yield migrated_database
    db.disconnect()


_EMPTY = """
do $$
declare
    name text;
    filled boolean;
begin
    set local session_replication_role = replica;  -- the order of the tables does not matter
    foreach name in array array[{tables}] loop
        execute format('select exists (select from %I)', name) into filled;
        if filled then
            execute format('delete from %I', name);
        end if;
    end loop;
    for name in select sequencename from pg_sequences where schemaname = 'public' and last_value is not null loop
        execute format('alter sequence %I restart', name);
    end loop;
end
$$
""".format(tables=", ".join(f"'{table.name}'" for table in metadata.sorted_tables))
"""To truncate them all takes a tenth of a second, whether they hold anything or not."""


def empty(engine: Engine) -> None:
    """Take every row out of the tables, and begin to count anew."""
    with engine.begin() as connection:
        connection.execute(text(_EMPTY))


# --- the school and its desk ------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def school() -> Pack:
    """The sample school."""
    return load(SCHOOL)


class Clock:
    """Says what time it is, and moves only when told to."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def __call__(self) -> datetime:
        """Return the current instant, in UTC."""
        return self._now

    def set(self, now: datetime) -> None:
        """Make it `now`."""
        self._now = now.astimezone(UTC)

    def advance(self, **span: float) -> None:
        """Let time pass: `clock.advance(hours=2)`."""
        self._now += timedelta(**span)


@dataclass
class Desk:
    """A whole desk over a database of its own. Nothing runs by itself: `settle` does what is due and waits for it."""

    pack: Pack
    clock: Clock
    woken: list[tuple[str, int, datetime]] = field(default_factory=list)
    """Turns that were announced and not begun yet: conversation, number, and from when it may begin."""

    def open(self, *, as_: str | None = None, language: str = "id") -> ConversationId:
        """Open a web chat, as a sample contact or as nobody we know."""
        return self.open_with_token(as_=as_, language=language)[1]

    def open_with_token(self, *, as_: str | None = None, language: str = "id") -> tuple[str, ConversationId]:
        """Open a web chat and return the token that opens it, and the conversation."""
        return support.open_chat(language=language, sample_contact=as_)

    def say(self, conversation: ConversationId, text: str, *, id: str | None = None) -> Message:
        """Have the contact say something; the same id again is the same message."""
        provider_id = id or f"m{next(_numbers)}"
        with db.transaction():
            row = messages.conversation(conversation)
        assert row is not None, f"no conversation {conversation}"
        inbound = Inbound(channel=row.channel, provider_id=provider_id, address=row.address, text=text, at=self.clock())
        return support.receive(conversation, inbound)

    def settle(self, *, failing: bool = False) -> None:
        """Do everything that is due by the clock, and what follows from it, until nothing is left to do.

        Work that ended in an error fails the test, unless `failing` says that it is expected.
        """
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            wait_until(lambda: not self._at_work(), what="work in flight")
            if not failing:
                assert not self.errors(), self.errors()
            due = [woken for woken in self.woken if woken[2] <= self.clock()]
            self.woken = [woken for woken in self.woken if woken not in due]
            for conversation, turn, _ready in due:
                clockwork.work_turn(conversation, turn)
            if not due and clockwork.sweep() == 0:
                return
            assert time.monotonic() < deadline, f"still not settled: {self._left()}"

    def ask(self, text: str, *, as_: str | None = None, language: str = "id") -> list[str]:
        """Say one thing in a new chat and return what the desk replied."""
        conversation = self.open(as_=as_, language=language)
        self.say(conversation, text)
        self.settle()
        return self.replies(conversation)

    def replies(self, conversation: ConversationId) -> list[str]:
        """Return what the contact was told, oldest first."""
        with db.transaction():
            return [each.text for each in messages.visible(conversation, after=0) if not each.inbound]

    def case(self, conversation: ConversationId) -> Case:
        """Return the conversation's latest case."""
        with db.transaction():
            found = cases.latest(conversation)
        assert found is not None, f"no case in {conversation}"
        return found

    def request(self, conversation: ConversationId) -> Request:
        """Return the open request for consent of the conversation's latest case."""
        case_id = self.case(conversation).id
        with db.transaction():
            found = [each for each in approvals.of_case(case_id) if each.state is ApprovalState.OPEN]
        assert found, f"nothing is asked about {conversation}"
        return found[-1]

    def decide(self, conversation: ConversationId, word: Word, *, role: str = "coach", **more: Any) -> None:
        """Have a sample person of that role decide the open request, on facts that are read anew where they got too
        old meanwhile, and settle."""
        with db.transaction():
            asked = self.request(conversation)
            why = verdicts.unfit(approvals.draft(asked.draft_id)[0])
            if why is not None and why.stale and word in (Word.APPROVE, Word.EDIT):
                verdicts.read_now(asked.id, person=f"sample_{role}", role=role)
        if why is not None:
            self.settle()
        request = self.request(conversation)
        given = {"text": None, "reason": "", "conditions": "", "digest": request.digest, **more}
        with db.transaction():
            verdicts.decide(request.id, word, person=f"sample_{role}", role=role, **given)
        self.settle()

    def entries(self, conversation: ConversationId) -> list[log.Entry]:
        """Return the action log of the conversation's latest case, oldest first."""
        case_id = self.case(conversation).id
        with db.transaction():
            return list(log.walk(case_id))

    def errors(self) -> list[str]:
        """Return what work ended in an error, and in which."""
        rows = self._work("status not in ('SUCCESS', 'PENDING', 'ENQUEUED')")
        return [f"{row.workflow_uuid}: {row.error}" for row in rows]

    def _at_work(self) -> bool:
        return bool(self._work("status in ('PENDING', 'ENQUEUED')"))

    def _left(self) -> str:
        return f"{self.woken}, {[row.workflow_uuid for row in self._work('true')][-5:]}"

    def _work(self, condition: str) -> list[Any]:
        query = f"select workflow_uuid, error from dbos.workflow_status where {condition} order by created_at"
        with db.transaction():
            return list(db.execute(text(query)))


@pytest.fixture(scope="session")
def brain(school: Pack, tmp_path_factory: pytest.TempPathFactory) -> Brain:
    """The local brain, trained once for all workers: they find it in the folder of this very run."""
    if "PYTEST_XDIST_WORKER" not in os.environ:
        return find.brain(("local",), school)
    shared = tmp_path_factory.getbasetemp().parent / "brain"
    with shared.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not shared.exists():
            shared.write_bytes(pickle.dumps(find.brain(("local",), school)))
    found: Brain = pickle.loads(shared.read_bytes())
    return found


@pytest.fixture(scope="module")
def engine(cluster: Cluster) -> Iterator[Engine]:
    """A database with the durable engine running on it, for one module: the engine is one a process."""
    url = cluster.create(template=TEMPLATE)
    connected = db.connect(url)
    app.load_stories()
    durable.launch(db.driver_url(url), connected, db.joining, executor_id=f"test-{uuid4().hex}")
    yield connected
    durable.shut_down()
    db.disconnect()
    cluster.drop(url)


def _hear(errand: str, subject: str) -> None:
    """What a vendor sent is read here and now; other errands are the sweeper's."""
    if errand == "hear":
        durable.run_errand(errand, subject)


@pytest.fixture
def desk(engine: Engine, school: Pack, brain: Brain) -> Iterator[Desk]:
    """The school's desk on a Monday morning, with its sample records and nobody's words yet."""
    assert db.engine() is engine, "a module uses `desk` or `database`, not both"
    opened = Desk(pack=school, clock=Clock(MORNING))
    empty(engine)
    with engine.begin() as connection:
        for name in ("workflow_status", "operation_outputs", "datasource_outputs"):
            connection.execute(text(f"delete from dbos.{name}"))
    tools.use(
        Tools(
            pack=school,
            brain=brain,
            channels=find.channels(Settings(channels=("webchat",))),
            skills=find.skills(("records",), StoredRecords(), school),
            begin=lambda story, subject, id: durable.enqueue(db.current().connection, story, subject, id=id),
            carry=_hear,
            wake=lambda conversation, turn, ready: opened.woken.append((conversation, turn, ready)),
            clock=opened.clock,
            built_in=frozenset(find.skill_names(("records",))),
            debounce_ms=0,
        )
    )
    with db.transaction():
        log.start()
        app.lay_out(school, opened.clock())
    yield opened
    wait_until(lambda: not opened._at_work(), what="work in flight at the end of a test")
    tools.use(None)


# --- the web ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Server:
    """A real server on a free port of this machine."""

    url: str
    desk: Desk


_applications: dict[tuple[tuple[str, ...], ...], FastAPI] = {}


def application(settings: Settings) -> FastAPI:
    """Return the web application with these settings, put together once for a worker: it takes most of a second.

    Only one can be in use at a time. What it is made of depends on no other settings than the names and proxies.
    """
    made_of = (settings.hosts, settings.trusted_proxies)
    if made_of not in _applications:
        _applications[made_of] = web_app.build(settings)
    found = _applications[made_of]
    found.state.settings, found.state.live = settings, Live()
    return found


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """Settings of a demo that keeps its things in a temporary folder."""
    return Settings(data=tmp_path / "data", demo=True, secret=SecretStr("s" * 32))


@pytest.fixture
def server(desk: Desk, settings: Settings) -> Iterator[Server]:
    """The web over the desk, served by a real server."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
        own = settings.model_copy(update={"port": port})
        running = uvicorn.Server(serve.configure(own, application(own)))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listening]}, name="server")
        thread.start()
        try:
            wait_until(lambda: running.started or not thread.is_alive(), what="the server to start")
            assert running.started, "the server did not start"
            yield Server(url=f"http://127.0.0.1:{port}", desk=desk)
        finally:
            running.should_exit = True
            thread.join(PATIENCE_SECONDS)
