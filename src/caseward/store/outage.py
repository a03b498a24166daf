"""Which errors mean that the database itself is away, so that the same may be tried again."""

from __future__ import annotations

import psycopg
import psycopg.errors
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout


def is_outage(error: BaseException) -> bool:
    """Return whether `error` says that the database did not answer or had no connection left."""
    if isinstance(error, OperationalError | InterfaceError | PoolTimeout):
        return True
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return True
    return isinstance(error, DBAPIError) and error.connection_invalidated


def is_deadlock(error: BaseException) -> bool:
    """Return whether `error` says that two transactions waited for each other, and this one was given up for it."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    return isinstance(cause, psycopg.errors.DeadlockDetected | psycopg.errors.SerializationFailure)
