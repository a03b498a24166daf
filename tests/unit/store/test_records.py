"""The built-in records: an effect happens once for its key, a claim has one holder, a stale writer is refused."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from caseward.core.errors import Conflict
from caseward.core.ports import Change
from caseward.store.records import StoredRecords


@pytest.fixture
def records(database: str) -> StoredRecords:
    book = StoredRecords()
    laid_out = [
        change(f"ses-{n}", revision=None, claim=None if n else "coach-1@10", student=f"stu-{n % 2}", at=f"2026-11-2{n}")
        for n in range(4)
    ]
    book.apply("samples", changes=laid_out, remember={})
    return book


def change(id: str = "ses-1", *, revision: int | None = 1, claim: str | None = None, **data: Any) -> Change:
    return Change(kind="session", id=id, data={"id": id, **data}, revision=revision, claim=claim)


def test_documents_are_found_by_their_fields(records: StoredRecords) -> None:
    assert [each.id for each in records.find("session", student="stu-1")] == ["ses-1", "ses-3"]
    assert [each.id for each in records.find("session", student="stu-1", at="2026-11-23")] == ["ses-3"]
    assert len(records.find("session")) == 4
    assert records.find("invoice") == []
    assert records.find("session", student="' or true --") == []


def test_a_document_that_is_not_there_is_none(records: StoredRecords) -> None:
    assert records.get("session", "ses-9") is None
    assert records.get("invoice", "ses-1") is None


def test_a_change_raises_the_revision(records: StoredRecords) -> None:
    records.apply("move", changes=[change(at="2026-12-01")], remember={"ok": True})

    found = records.get("session", "ses-1")
    assert found is not None
    assert (found.revision, found.data["at"]) == (2, "2026-12-01")


def test_the_same_key_again_changes_nothing_and_returns_what_was_remembered(records: StoredRecords) -> None:
    first = records.apply("move", changes=[change(at="2026-12-01")], remember={"reference": "first"})
    again = records.apply("move", changes=[change(at="2026-12-31", revision=2)], remember={"reference": "again"})

    assert first == again == {"reference": "first"}
    assert records.effect("move") == {"reference": "first"}
    found = records.get("session", "ses-1")
    assert found is not None
    assert (found.revision, found.data["at"]) == (2, "2026-12-01")


def test_an_effect_that_never_happened_is_none(records: StoredRecords) -> None:
    assert records.effect("move") is None


@pytest.mark.parametrize(
    "stale",
    [
        change(revision=2),
        change(revision=0),
        change(id="ses-9", revision=1),
        change(revision=None),  # new, and there already
    ],
)
def test_a_stale_writer_is_refused_and_nothing_is_kept(records: StoredRecords, stale: Change) -> None:
    with pytest.raises(Conflict, match="moved since it was read"):
        records.apply("move", changes=[change("ses-2", at="2026-12-01"), stale], remember={})

    found = records.get("session", "ses-2")
    assert found is not None
    assert found.revision == 1
    assert records.effect("move") is None


def test_a_claim_has_one_holder(records: StoredRecords) -> None:
    with pytest.raises(Conflict, match="somebody else holds that place"):
        records.apply("move", changes=[change(claim="coach-1@10")], remember={})
    assert records.effect("move") is None

    records.apply("free", changes=[change("ses-0", claim=None)], remember={})
    records.apply("move", changes=[change(claim="coach-1@10")], remember={})


def test_a_new_document_may_be_made_with_a_change_of_another(records: StoredRecords) -> None:
    records.apply("move", changes=[change(at="x"), change("ses-9", revision=None, at="y")], remember={})

    made = records.get("session", "ses-9")
    assert made is not None
    assert made.revision == 1


def test_of_many_with_the_same_key_at_once_one_makes_the_change(records: StoredRecords) -> None:
    together = Barrier(8)

    def move(number: int) -> Mapping[str, Any]:
        together.wait()
        return records.apply("move", changes=[change(at=str(number))], remember={"by": number})

    with ThreadPoolExecutor(8) as pool:
        remembered = list(pool.map(move, range(8)))

    assert len({each["by"] for each in remembered}) == 1
    found = records.get("session", "ses-1")
    assert found is not None
    assert (found.revision, found.data["at"]) == (2, str(remembered[0]["by"]))


def test_of_many_that_want_the_same_hour_at_once_one_gets_it(records: StoredRecords) -> None:
    slots = [Change(kind="slot", id=f"slot-{n}", data={}, revision=None) for n in range(8)]
    records.apply("slots", changes=slots, remember={})
    together = Barrier(8)

    def book(number: int) -> bool:
        together.wait()
        wanted = Change(kind="slot", id=f"slot-{number}", data={"id": number}, revision=1, claim="coach-2@11")
        try:
            records.apply(f"book:{number}", changes=[wanted], remember={})
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        booked = list(pool.map(book, range(8)))

    assert booked.count(True) == 1
    assert [records.effect(f"book:{n}") is not None for n in range(8)] == booked
