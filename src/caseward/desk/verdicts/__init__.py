"""Verdicts: who may decide, on exactly which words, and on facts that may still be relied on. One door for console, API
and lanes."""

from caseward.desk.verdicts.deciding import (
    HOLD,
    Repeated,
    barred,
    decide,
    let_go,
    preview,
    read_now,
    stand_for,
    undo,
)
from caseward.desk.verdicts.freshness import NotNow, unfit

__all__ = [
    "HOLD",
    "NotNow",
    "Repeated",
    "barred",
    "decide",
    "let_go",
    "preview",
    "read_now",
    "stand_for",
    "undo",
    "unfit",
]
