"""Skills that a pack declares keep what the port promises, over records in memory and in the database alike."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from caseward.adapters import find
from caseward.core.declared import Addition, DeclaredSkill, Entry, Look, Requirement
from caseward.core.errors import BadInput
from caseward.core.pack import IdentityPolicy, Match, Pack
from caseward.core.ports import RecordBook, Skill
from caseward.core.task import Result, ResultStatus
from caseward.store import db, samples
from caseward.store.records import StoredRecords
from tests.memory_book import MemoryBook

NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def at(**span: float) -> str:
    return (NOW + timedelta(**span)).isoformat()


RECORDS: dict[str, list[dict[str, Any]]] = {
    "person": [
        {"id": "ann", "email": "ann@example.com", "phone": "+34600000001", "account": "acme", "tier": "gold"},
        {"id": "ben", "email": "ben@example.com", "phone": "+34600000002", "account": "acme"},
        {"id": "cy", "email": "cy@example.com"},
    ],
    "order": [
        {"id": "SD-1", "person": "ann", "state": "placed", "placed_at": at(days=-3), "total": "49.90 EUR"},
        {"id": "SD-2", "person": "ann", "state": "placed", "placed_at": at(days=-1), "total": "120.00 EUR"},
        {"id": "SD-3", "person": "ann", "state": "sent", "placed_at": at(days=-9), "delivered_at": at(days=-14)},
        {"id": "SD-4", "person": "ben", "state": "placed", "placed_at": at(days=-2), "total": "10.00 EUR"},
    ],
    "visit": [
        {"id": "v-1", "person": "ann", "starts_at": at(days=-1)},
        {"id": "v-2", "person": "ann", "starts_at": at(days=4)},
        {"id": "v-3", "person": "ann", "starts_at": at(days=2)},
    ],
    "invoice": [{"id": "INV-2026-0001", "person": "ann"}, {"id": "INV-2026-0002", "person": "ben"}],
    "plan": [{"id": "p-1", "account": "acme", "seats": 5}],
    "incident": [{"id": "i-1", "state": "open", "title": "Slow"}, {"id": "i-2", "state": "closed", "title": "Old"}],
}
Run = Callable[..., Result]


@pytest.fixture(params=["memory", "stored"])
def book(request: pytest.FixtureRequest) -> RecordBook:
    """The records above."""
    if request.param == "stored":
        request.getfixturevalue("database")
        with db.transaction():
            samples.lay_out(RECORDS, claims={}, now=NOW)
        return StoredRecords()
    made = MemoryBook()
    for kind, rows in RECORDS.items():
        made.put(kind, *rows)
    return made


def reading(name: str = "look", /, **look: Any) -> DeclaredSkill:
    return DeclaredSkill(id=name, system="records", reads=Look(**look))


def writing(name: str = "work", /, **entry: Any) -> DeclaredSkill:
    return DeclaredSkill(id=name, system="records", writes=Entry(**entry))


def made(book: RecordBook, school: Pack, skill: DeclaredSkill) -> Skill:
    return find.skills(("records",), book, replace(school, skills={skill.id: skill}))[skill.id]


@pytest.fixture
def read(book: RecordBook, school: Pack) -> Callable[..., dict[str, Any]]:
    """Reads as somebody: `read(look, contact="ann")`."""

    def call(skill: DeclaredSkill, /, contact: str = "ann", **args: Any) -> dict[str, Any]:
        result = made(book, school, skill).run({"contact": contact, **args}, key="", now=NOW)
        assert result.status is ResultStatus.SUCCESS
        return dict(result.values)

    return call


@pytest.fixture
def work(book: RecordBook, school: Pack) -> Run:
    """Writes as somebody: `work(entry, order="SD-1")`."""

    def call(skill: DeclaredSkill, /, contact: str = "ann", key: str = "k", **args: Any) -> Result:
        return made(book, school, skill).run({"contact": contact, **args}, key=key, now=NOW)

    return call


ORDER = {"kind": "order", "found": "order", "values": {"order_id": "id", "order_amount": "total"}}


# --- reading ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        pytest.param({"pick": "newest", "by": "placed_at"}, {"order": "found", "order_id": "SD-2"}, id="newest"),
        pytest.param({"pick": "oldest", "by": "placed_at"}, {"order": "found", "order_id": "SD-3"}, id="oldest"),
        pytest.param({"pick": "only"}, {"order": "many"}, id="none of several"),
        pytest.param({"pick": "only", "where": {"state": "sent"}}, {"order": "found", "order_id": "SD-3"}, id="one"),
        pytest.param({"pick": "only", "where": {"state": ("lost", "back")}}, {"order": "none"}, id="nothing fits"),
    ],
)
def test_a_reading_picks_one_of_the_contacts_own_records(
    read: Callable[..., dict[str, Any]], look: dict[str, Any], expected: dict[str, str]
) -> None:
    values = read(reading(**ORDER, **look))

    assert {name: values.get(name) for name in expected} == expected
    assert ("order_id" in values) == ("order_id" in expected)


def test_the_next_record_is_the_nearest_that_is_still_ahead(read: Callable[..., dict[str, Any]]) -> None:
    look = reading(kind="visit", pick="next", by="starts_at", values={"visit_id": "id"}, lists={"slots": "starts_at"})

    values = read(look)

    assert values == {"visit_id": "v-3", "slots": [at(days=2), at(days=4)]}


def test_a_named_record_is_read_only_if_it_is_the_contacts_own(read: Callable[..., dict[str, Any]]) -> None:
    look = reading(**ORDER, named="order", pick="newest", by="placed_at", count="orders")

    assert read(look, order="SD-1")["order_id"] == "SD-1"
    assert read(look, order=["SD-4"]) == {"order": "none", "orders": 0}
    assert read(look, order=["SD-9"]) == {"order": "none", "orders": 0}


def test_a_named_record_counts_whatever_would_be_chosen_from(read: Callable[..., dict[str, Any]]) -> None:
    look = reading(**ORDER, named="order", where={"state": "placed"})

    assert read(look, order="SD-3")["order_id"] == "SD-3"


def test_a_reading_may_go_by_what_an_earlier_one_found(read: Callable[..., dict[str, Any]]) -> None:
    look = reading(**ORDER, of="order_id")

    assert read(look, order_id=["SD-2"])["order_id"] == "SD-2"
    assert read(look, order_id=["SD-4"]) == {"order": "none"}
    assert read(look, order_id=[]) == {"order": "none"}
    assert read(look) == {"order": "none"}


def test_of_two_named_records_none_is_chosen(read: Callable[..., dict[str, Any]]) -> None:
    look = reading(**ORDER, named="order", pick="newest", by="placed_at")

    assert read(look, order=["SD-1", "SD-2"]) == {"order": "many"}
    assert read(look, order=["SD-1", "SD-4"])["order_id"] == "SD-1"


def test_what_was_not_found_has_the_values_that_the_pack_gives_it(read: Callable[..., dict[str, Any]]) -> None:
    look = reading(**ORDER, otherwise={"order_state": "none"})

    assert read(look, contact="cy") == {"order": "none", "order_state": "none"}


def test_records_of_the_contacts_account_and_of_nobody_are_found(read: Callable[..., dict[str, Any]]) -> None:
    seats = reading(kind="plan", owner="account", through="account", values={"seats": "seats"}, found="plan")
    state = reading(kind="incident", owner="", where={"state": "open"}, values={"incident_title": "title"})
    own = reading(kind="person", owner="id", values={"customer_tier": "tier"})

    assert read(seats, contact="ben") == {"plan": "found", "seats": 5}
    assert read(seats, contact="cy") == {"plan": "none"}
    assert read(state, contact="cy") == {"incident_title": "Slow"}
    assert read(own) == {"customer_tier": "gold"}


# --- writing ----------------------------------------------------------------------------------------------------------

CANCEL = writing(
    kind="order",
    id="order",
    require=(
        Requirement(field="state", one_of=("placed",), refuse="dispatched"),
        Requirement(field="total", at_most="100.00 EUR", refuse="too_much"),
    ),
    set={"state": "cancelled", "cancelled_at": "{now}", "note": "by {contact}, {reference}"},
    add=(Addition(kind="refund", id="{record.id}", fields={"amount": "{record.total}", "person": "{contact}"}),),
    values={"order_id": "{order}", "order_amount": "{record.total}"},
    unknown="order_unknown",
)


def test_a_write_changes_the_record_and_adds_what_comes_of_it(work: Run, book: RecordBook) -> None:
    done = work(CANCEL, order="SD-1")

    order, refund = book.get("order", "SD-1"), book.get("refund", "SD-1")
    assert done.status is ResultStatus.SUCCESS
    assert done.values == {"order_id": "SD-1", "order_amount": "49.90 EUR"}
    assert order is not None
    assert order.data["state"] == "cancelled"
    assert order.data["note"] == f"by ann, {done.reference}"
    assert order.data["total"] == "49.90 EUR"
    assert refund is not None
    assert refund.data == {"id": "SD-1", "amount": "49.90 EUR", "person": "ann"}


def test_one_key_is_one_effect(work: Run, book: RecordBook) -> None:
    first, again = work(CANCEL, order="SD-1"), work(CANCEL, order="SD-1")

    assert first == again
    assert len(book.find("refund")) == 1
    order = book.get("order", "SD-1")
    assert order is not None
    assert order.revision == 2


@pytest.mark.parametrize(
    ("order", "contact", "detail"),
    [
        pytest.param("SD-3", "ann", "dispatched", id="a requirement does not hold"),
        pytest.param("SD-2", "ann", "too_much", id="an amount above the limit"),
        pytest.param("SD-4", "ann", "order_unknown", id="somebody else's"),
        pytest.param("SD-9", "ann", "order_unknown", id="no such record"),
        pytest.param("", "ann", "order_unknown", id="an argument that is empty"),
    ],
)
def test_what_the_records_do_not_allow_is_refused_by_name(
    work: Run, book: RecordBook, order: str, contact: str, detail: str
) -> None:
    refused = work(CANCEL, contact=contact, order=order)

    assert (refused.status, refused.detail) == (ResultStatus.FAILED, detail)
    assert not book.find("refund")


@pytest.mark.parametrize(
    ("requirement", "fits"),
    [
        pytest.param({"field": "delivered_at", "within": "14d"}, True, id="to the minute"),
        pytest.param({"field": "delivered_at", "within": "13d 23h"}, False, id="longer ago"),
        pytest.param({"field": "placed_at", "ahead": "0m"}, False, id="not ahead"),
        pytest.param({"field": "placed_at", "past": "9d"}, True, id="long ago"),
        pytest.param({"field": "placed_at", "past": "9d 1m"}, False, id="not long enough ago"),
        pytest.param({"field": "missing", "within": "14d"}, False, id="a field it lacks"),
        pytest.param({"field": "state", "equals": "{expected}"}, True, id="as it was read"),
        pytest.param({"field": "state", "equals": "placed"}, False, id="not as it was read"),
        pytest.param({"field": "state", "at_most": 5}, False, id="no number"),
    ],
)
def test_requirements_compare_with_now_and_with_what_was_read(
    work: Run, requirement: dict[str, Any], fits: bool
) -> None:
    entry = writing(kind="order", id="order", args=("expected",), set={"seen": True},
                    require=(Requirement(**requirement, refuse="no"),))  # fmt: skip

    done = work(entry, order="SD-3", expected="sent")

    assert (done.status is ResultStatus.SUCCESS) == fits, done


def test_a_write_may_only_add(work: Run, book: RecordBook) -> None:
    ask = writing(args=("what",), add=(Addition(kind="request", fields={"what": "{what}", "urgent": True, "n": 2}),))

    first, second = work(ask, what="export", key="a"), work(ask, what="export", key="b")

    assert first.reference != second.reference
    assert [each.data["urgent"] for each in book.find("request", what="export")] == [True, True]


def test_a_write_may_be_about_the_contacts_own_record(work: Run, book: RecordBook) -> None:
    done = work(writing(kind="person", id="contact", owner="id", set={"told_at": "{now}"}))

    person = book.get("person", "ann")
    assert done.status is ResultStatus.SUCCESS
    assert person is not None
    assert person.data["told_at"] == NOW.isoformat()


def test_whoever_comes_second_is_refused(work: Run, book: RecordBook) -> None:
    once = writing(kind="order", id="order", add=(Addition(kind="claim", id="{record.id}", refuse="claimed"),))

    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda key: work(once, order="SD-1", key=key), [f"k{n}" for n in range(8)]))

    assert [each.status for each in done].count(ResultStatus.SUCCESS) == 1
    assert {each.detail for each in done} == {"", "claimed"}
    assert len(book.find("claim")) == 1


def test_a_name_that_is_built_in_cannot_be_declared(school: Pack) -> None:
    with pytest.raises(BadInput, match="two of them have a skill 'refund'"):
        made(MemoryBook(), school, writing("refund", add=(Addition(kind="x"),)))


# --- who is who -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("identity", "given", "person"),
    [
        pytest.param({}, {"invoice": "inv-2026-0001", "email": "Ann@Example.com"}, "ann", id="as the house does it"),
        pytest.param({}, {"invoice": "INV-2026-0001", "email": "ben@example.com"}, "", id="of two people"),
        pytest.param({}, {"invoice": "INV-2026-0001"}, "", id="half of it"),
        pytest.param({"fields": ("order", "email")}, {"order": "SD-4", "email": "ben@example.com"}, "ben", id="order"),
        pytest.param({"fields": ("order", "email")}, {"order": "SD-4", "email": "x@example.com"}, "", id="no such"),
        pytest.param({"fields": ("phone",)}, {"phone": "+34600000002"}, "ben", id="own record alone"),
        pytest.param({"fields": ("phone",)}, {"phone": ""}, "", id="nothing given"),
        pytest.param({"fields": ("order", "invoice")}, {"order": "SD-1", "invoice": "INV-2026-0001"}, "ann", id="two"),
        pytest.param({"fields": ("order", "invoice")}, {"order": "SD-4", "invoice": "INV-2026-0001"}, "", id="apart"),
        pytest.param(
            {"fields": ("account", "email"), "match": {"account": Match(kind="person", field="account", person="id")}},
            {"account": "ACME", "email": "ben@example.com"},
            "ben",
            id="a field of the person",
        ),
        pytest.param(
            {"fields": ("state", "email"), "match": {"state": Match(kind="order", field="state")}},
            {"state": "sent", "email": "ann@example.com"},
            "ann",
            id="a field of another record",
        ),
    ],
)
def test_a_person_is_found_by_the_proofs_that_the_pack_names(
    book: RecordBook, school: Pack, identity: dict[str, Any], given: dict[str, str], person: str
) -> None:
    pack = replace(school, profile=replace(school.profile, identity=IdentityPolicy(**identity)))

    found = find.skills(("records",), book, pack)["find_person"].run(given, key="", now=NOW)

    assert found.values.get("contact", "") == person
    assert found.detail == ("" if person else "no_match")
