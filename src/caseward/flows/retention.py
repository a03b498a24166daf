"""What is old enough is deleted, once a day: batch after batch, each with its entry in the log in one commit.

Wherever the process dies, the batches that were committed are gone for good and the next one is found by looking.
"""

from __future__ import annotations

from caseward.desk import retention
from caseward.durable import transact, workflow

BATCHES = 400
"""Of one kind in a day, so that a backlog of years takes some nights and not a day of the machine."""


@workflow
def forget(day: str) -> str:
    """Delete what the pack keeps no longer; the day only names the run."""
    gone: dict[str, int] = {}
    for kind in retention.KINDS:
        for _ in range(BATCHES):
            count = transact(retention.delete, kind)
            if not count:
                break
            gone[kind] = gone.get(kind, 0) + count
    return ", ".join(f"{count} {kind}" for kind, count in gone.items()) or f"nothing on {day}"
