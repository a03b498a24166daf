"""Runs revisions on the connection that store/migrate.py hands over, within bounds.

A revision that cannot get its locks gives up instead of queueing everybody behind it; try again at a quieter time.
"""

from alembic import context

LOCK_TIMEOUT = "5s"
STATEMENT_TIMEOUT = "10min"

connection = context.config.attributes["connection"]
with connection.begin():
    connection.exec_driver_sql(f"set local lock_timeout = '{LOCK_TIMEOUT}'")
    connection.exec_driver_sql(f"set local statement_timeout = '{STATEMENT_TIMEOUT}'")
    context.configure(connection=connection, target_metadata=None, transactional_ddl=True)
    context.run_migrations()
