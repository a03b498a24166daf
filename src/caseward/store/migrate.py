"""Bring a database to the newest shape of its tables.

A revision is a file of migrations/versions named date first, `2026-11-21-0900_what.py`; the digits are its id, so the
newest one is known without loading Alembic, and a start with nothing to do costs one query.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from caseward.core.errors import CasewardError
from caseward.store.db import driver_url

FOLDER = Path(__file__).parent / "migrations"
LOCK = 0x63617365
"""Advisory lock that one migrating process holds while the others wait."""


def head() -> str:
    """Return the newest revision that this release knows."""
    return revisions()[-1]


def revisions() -> list[str]:
    """Return every revision that this release knows, oldest first."""
    return sorted(path.name.partition("_")[0].replace("-", "") for path in (FOLDER / "versions").glob("*-*_*.py"))


def current(url: str) -> str | None:
    """Return the revision of a database, or None for one that holds nothing yet."""
    with _connect(url) as connection:
        return _current(connection)


def upgrade(url: str) -> str | None:
    """Bring a database to the newest revision; return the one it had before.

    Any number of processes may call this at once: the first migrates, the others wait and find nothing to do. Raises
    CasewardError for a database that a later release has changed already.
    """
    with _connect(url) as connection:
        before = _current(connection)
        if before == head():
            return before
        connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": LOCK})
        connection.commit()
        before = _current(connection)
        if before != head():
            _refuse_later(before)
            _run(connection)
        return before


def _refuse_later(revision: str | None) -> None:
    if revision is not None and revision not in revisions():
        raise CasewardError(
            f"this database is at revision {revision}, which this release does not know (its newest is {head()}); "
            "start the release that made it, or a later one"
        )


def _run(connection: Connection) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    command.upgrade(config, "head")


def _current(connection: Connection) -> str | None:
    with connection.begin():
        if connection.execute(text("select to_regclass('alembic_version')")).scalar() is None:
            return None
        found: str | None = connection.execute(text("select version_num from alembic_version")).scalar()
        return found


def _connect(url: str) -> Connection:
    """Return a connection of its own, closed for good (and so giving up its locks) at the end of the `with`."""
    return create_engine(driver_url(url), poolclass=NullPool).connect()
