"""What tests stand on: one PostgreSQL a worker, a fresh database a test, and a desk whose clock is ours.

A module uses either `database` (the store alone) or `desk` (everything), because the store connects to one at a time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.engine import make_url

from caseward.core.pack import Pack
from caseward.packs.load import load
from caseward.store import db, log, migrate
from caseward.store.embedded import Embedded

SCHOOL = Path(__file__).parents[1] / "packs" / "vocal-coaching"
TEMPLATE = "caseward_template"
PATIENCE_SECONDS = 30
"""How long a wait for a condition may take before the test fails."""
_numbers = count(1)


def wait_until(condition: Callable[[], object], *, what: str, seconds: float = PATIENCE_SECONDS) -> None:
    """Return once `condition` holds; fail after `seconds`, naming `what` was waited for."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(0.005)


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
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A PostgreSQL of this worker's own. It need not survive a power cut, so it does not wait for the disk."""
    server = Embedded(tmp_path_factory.mktemp("cluster"))
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


@pytest.fixture
def empty_database(cluster: Cluster) -> Iterator[str]:
    """The address of a database that holds nothing yet."""
    url = cluster.create()
    yield url
    cluster.drop(url)


@pytest.fixture
def database(cluster: Cluster) -> Iterator[str]:
    """A fresh, migrated database that the store is connected to; its address."""
    url = cluster.create(template=TEMPLATE)
    db.connect(url)
    with db.transaction():
        log.start()
    yield url
    db.disconnect()
    cluster.drop(url)


# --- the school and its desk ------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def school() -> Pack:
    """The sample school."""
    return load(SCHOOL)
