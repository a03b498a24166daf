"""The action log taken out of the desk: an entry's parts to read, and files of many, masked and safe to open."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from caseward.core.masking import masker
from caseward.desk import tools
from caseward.store import casefile, trail
from caseward.store.db import transaction
from caseward.store.trail import Entry, Filter
from caseward.web import entries, words
from caseward.web.exported import guarded

WORDS_OF_PEOPLE = entries.WORDS_OF_PEOPLE | {"edited", "withheld", "outreach", "link"}
"""Kinds whose payload is, or holds, what somebody wrote or who they are."""
HIDDEN = "hidden from your role"
COLUMNS = ("entry", "at", "kind", "what", "who", "actor", "case", "release", "says", "payload", "hash")


class Form(StrEnum):
    """What a file of entries looks like."""

    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"


TYPES: Mapping[Form, str] = {
    Form.CSV: "text/csv; charset=utf-8",
    Form.JSON: "application/json",
    Form.JSONL: "application/jsonl",
}


def details(entry: Entry, *, masked: bool) -> list[tuple[str, str]]:
    """Return the parts of an entry's payload, in words; masked, without those of people."""
    if entry.payload is None:
        return []
    if masked and entry.kind in WORDS_OF_PEOPLE:
        return [(words.humane(str(name)), HIDDEN) for name in entry.payload]
    payload = _masked(entry.payload) if masked else entry.payload
    return [(words.humane(str(name)), _said(value)) for name, value in payload.items()]


def stream(wanted: Filter, form: Form, names: Mapping[str, str], *, masked: bool) -> Iterator[str]:
    """Yield a file of all entries that fit, a stretch at a time, each in a transaction of its own."""
    if form is Form.CSV:
        yield _line(COLUMNS)
    first = True
    reading = trail.every(wanted)
    while True:
        with transaction():
            found = next(reading, None)
            numbers = casefile.numbers([each.case_id for each in found if each.case_id]) if found else {}
        if found is None:
            break
        rows = [_row(each, names, numbers, masked=masked) for each in found]
        if form is Form.CSV:
            yield "".join(_line(_cells(row)) for row in rows)
        elif form is Form.JSONL:
            yield "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
        elif rows:
            yield ("[\n" if first else ",\n") + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
            first = False
    if form is Form.JSON:
        yield "[]\n" if first else "\n]\n"


def _row(entry: Entry, names: Mapping[str, str], numbers: Mapping[str, int], *, masked: bool) -> dict[str, Any]:
    told = entries.told(entry, names=names, numbers=numbers, masked=masked)
    hidden = masked and entry.kind in WORDS_OF_PEOPLE
    return {
        "entry": entry.seq,
        "at": entry.at.isoformat(),
        "kind": entry.kind,
        "what": told.title,
        "who": told.actor,
        "actor": entry.actor,
        "case": numbers.get(entry.case_id),
        "release": entry.release,
        "says": HIDDEN if hidden else _mask(told.text),
        "payload": None if entry.payload is None else HIDDEN if hidden else _masked(entry.payload),
        "hash": entry.hash,
    }


def _cells(row: Mapping[str, Any]) -> list[str]:
    payload = row["payload"]
    said = payload if isinstance(payload, str) else "" if payload is None else json.dumps(payload, ensure_ascii=False)
    return ["" if value is None else str(value) for value in {**row, "payload": said}.values()]


def _line(cells: Sequence[str]) -> str:
    """Return a line of CSV in which no cell is a formula."""
    line = io.StringIO()
    csv.writer(line).writerow([guarded(cell) for cell in cells])
    return line.getvalue()


def _masked(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _masked(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_masked(each) for each in value]
    return _mask(value) if isinstance(value, str) else value


def _mask(text: str) -> str:
    return masker("", tools.pack(), amounts=True)(text)


def _said(value: Any) -> str:
    if isinstance(value, Mapping):
        return "; ".join(f"{words.humane(str(name))}: {_said(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(_said(each) for each in value) or "none"
    if value is None or isinstance(value, bool):
        return "none" if value is None else "yes" if value else "no"
    return str(value)
