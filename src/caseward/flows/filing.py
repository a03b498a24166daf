"""A file that a contact sent is fetched, apart from their turn: an answer never waits for a picture."""

from __future__ import annotations

from caseward.desk import filing
from caseward.durable import step, workflow


@workflow
def fetch_file(file_id: str, attempt: int = 0) -> str:
    """Fetch one file; repeated only if the process dies before its outcome is recorded, which is harmless."""
    return step(filing.fetch, file_id)
