"""Migrations make exactly the tables that the code declares, once, whoever starts first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text

from caseward.core.errors import CasewardError
from caseward.store import db, migrate
from caseward.store.tables_console import metadata


def test_the_migrated_tables_are_the_declared_ones(empty_database: str) -> None:
    migrate.upgrade(empty_database)

    with create_engine(db.driver_url(empty_database)).connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"compare_type": True, "compare_server_default": True, "target_metadata": metadata}
        )
        assert compare_metadata(context, metadata) == []


def test_a_database_knows_its_revision_and_a_second_upgrade_finds_nothing_to_do(empty_database: str) -> None:
    assert migrate.current(empty_database) is None

    assert migrate.upgrade(empty_database) is None
    assert migrate.upgrade(empty_database) == migrate.head() == migrate.current(empty_database)


def test_processes_that_start_at_once_migrate_once(empty_database: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        before = list(pool.map(lambda _n: migrate.upgrade(empty_database), range(4)))

    assert sorted(before, key=str) == [*([migrate.head()] * 3), None]


def test_a_database_of_a_later_release_is_left_alone(empty_database: str) -> None:
    migrate.upgrade(empty_database)
    with create_engine(db.driver_url(empty_database)).begin() as connection:
        connection.execute(text("update alembic_version set version_num = '209901010000'"))

    with pytest.raises(CasewardError, match=r"209901010000.*does not know"):
        migrate.upgrade(empty_database)


def test_the_newest_file_is_the_head_of_one_unbroken_line() -> None:
    config = Config()
    config.set_main_option("script_location", str(migrate.FOLDER))
    line = ScriptDirectory.from_config(config)

    assert line.get_heads() == [migrate.head()]
    assert sorted(each.revision for each in line.walk_revisions()) == migrate.revisions()
