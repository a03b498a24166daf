"""The school's systems keep what their port promises, over records in memory and in the database alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from caseward.adapters import find
from caseward.core.declared import TOLD
from caseward.core.errors import Conflict
from caseward.core.pack import Pack
from caseward.core.ports import Change, RecordBook
from caseward.core.task import Result, ResultStatus
from caseward.packs import samples as sample_files
from caseward.store import db, samples
from caseward.store.records import StoredRecords
from tests.memory_book import MemoryBook

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
"""A Monday, 10:00 in the school's zone."""
Run = Callable[..., Result]


@pytest.fixture(params=["memory", "stored"])
def book(request: pytest.FixtureRequest, school: Pack) -> RecordBook:
    """The school's sample records, laid out around NOW."""
    documents = sample_files.resolve(school, NOW)
    claims = find.claims(documents)
    if request.param == "stored":
        request.getfixturevalue("database")
        with db.transaction():
            samples.lay_out(documents, claims=claims, now=NOW)
        return StoredRecords()
    made = MemoryBook()
    for kind, rows in documents.items():
        made.put(kind, *rows, claims=claims[kind])
    return made


@pytest.fixture
def run(book: RecordBook, school: Pack) -> Run:
    """Runs a skill by name: `run("person", contact="stu-001")`."""
    skills = find.skills(("records",), book, school)

    def call(name: str, /, *, key: str = "", now: datetime = NOW, **args: Any) -> Result:
        return skills[name].run(args, key=key, now=now)

    return call


def slots(run: Run, contact: str) -> list[str]:
    return list(run("free_slots", contact=contact).values.get("slots", ()))


def move(run: Run, contact: str, *, slot: str = "", key: str = "move", **more: Any) -> Result:
    session = run("next_session", contact=contact).values["session_id"]
    chosen = slot or slots(run, contact)[0]
    return run("reschedule", key=key, contact=contact, session=session, slot=chosen, **more)


def test_every_skill_says_what_it_is(book: RecordBook, school: Pack) -> None:
    skills = find.skills(("records",), book, replace(school, skills={}))

    assert sorted(skills) == find.skill_names(("records",))
    assert {name for name, each in skills.items() if each.writes} == {"reschedule", "resend_invoice", "refund"}
    assert {each.system for each in skills.values()} == {"calendar", "payments", "records"}
    assert {each.name for each in skills.values()} == set(skills)


def test_a_reading_tells_what_a_pack_may_count_on(run: Run) -> None:
    for name, values in TOLD.items():
        told = {value for n in range(1, 43) for value in run(name, contact=f"stu-{n:03}").values}

        assert told == {*values}, name


@pytest.mark.parametrize(
    ("contact", "session", "minutes"),
    [
        pytest.param("stu-001", "ses-001", 2 * 24 * 60 + 60, id="the nearer of two"),
        pytest.param("stu-002", "ses-003", 40, id="within the hour"),
        pytest.param("stu-014", "ses-016", -10, id="one that runs"),
    ],
)
def test_the_next_session_is_the_nearest_that_has_not_ended(run: Run, contact: str, session: str, minutes: int) -> None:
    found = run("next_session", contact=contact)

    assert found.status is ResultStatus.SUCCESS
    assert found.values["session"] == "found"
    assert found.values["session_id"] == session
    assert datetime.fromisoformat(found.values["session_at"]) - NOW == timedelta(minutes=minutes)
    assert found.values["session_at"].endswith("+00:00")
    assert found.values["coach"].startswith("Coach ")


def test_a_session_that_has_ended_makes_room_for_the_next(run: Run) -> None:
    assert run("next_session", contact="stu-014", now=NOW + timedelta(minutes=49)).values["session_id"] == "ses-016"
    assert run("next_session", contact="stu-014", now=NOW + timedelta(minutes=50)).values["session_id"] == "ses-017"


@pytest.mark.parametrize("contact", ["stu-018", "stu-019", "nobody"])
def test_sessions_taken_or_cancelled_are_not_next(run: Run, contact: str) -> None:
    assert run("next_session", contact=contact).values == {"session": "none"}


@pytest.mark.parametrize(
    ("contact", "changes"),
    [("stu-001", 0), ("stu-004", 1), ("stu-005", 2), ("stu-006", 3), ("stu-007", 0), ("stu-009", 2)],
)
def test_the_quota_counts_the_calendar_month_of_the_ops_zone(run: Run, contact: str, changes: int) -> None:
    found = run("reschedule_quota", contact=contact).values

    assert found == {"reschedules_this_month": changes, "quota_resets_on": "2026-12-01"}


def test_the_quota_is_new_at_midnight_of_the_ops_zone(run: Run) -> None:
    midnight = datetime(2026, 11, 30, 17, 0, tzinfo=UTC)

    before = run("reschedule_quota", contact="stu-006", now=midnight - timedelta(seconds=1)).values
    after = run("reschedule_quota", contact="stu-006", now=midnight).values

    assert (before["reschedules_this_month"], after["reschedules_this_month"]) == (3, 0)
    assert (before["quota_resets_on"], after["quota_resets_on"]) == ("2026-12-01", "2027-01-01")


def test_free_times_are_the_next_ones_of_the_own_coach_on_open_days(run: Run, book: RecordBook, school: Pack) -> None:
    free = [datetime.fromisoformat(each) for each in slots(run, "stu-001")]

    mine = {datetime.fromisoformat(each.data["starts"]) for each in book.find("slot", coach="coach-1")}
    assert free == sorted(free)
    assert set(free) <= mine
    assert 0 < len(free) <= 6
    assert all(at > NOW and school.hours.spans(at.astimezone(school.hours.zone).date()) for at in free)


def test_a_coach_without_free_time_leaves_the_slots_out(run: Run) -> None:
    assert run("free_slots", contact="stu-043").values == {}


def test_a_free_time_during_another_session_of_the_coach_is_not_free(run: Run, book: RecordBook) -> None:
    taken = datetime.fromisoformat(slots(run, "stu-001")[0])
    clash = {"person": "stu-002", "coach": "coach-1", "minutes": 60, "status": "scheduled"}
    starts = (taken - timedelta(minutes=30)).isoformat()
    book.apply("clash", changes=[added("session", "ses-999", starts=starts, **clash)], remember={})

    assert taken.isoformat() not in slots(run, "stu-001")


def test_moving_a_session_takes_the_new_time_and_frees_the_old_one(run: Run) -> None:
    before, chosen = run("next_session", contact="stu-001").values["session_at"], slots(run, "stu-001")[1]

    done = move(run, "stu-001", slot=chosen)

    assert done.status is ResultStatus.SUCCESS
    assert done.values["slot"] == done.values["session_at"] == chosen
    assert done.values["old_session_at"] == before
    assert done.reference
    assert run("next_session", contact="stu-001").values["session_at"] == chosen
    assert run("reschedule_quota", contact="stu-001").values["reschedules_this_month"] == 1
    assert chosen not in slots(run, "stu-001")
    assert before in slots(run, "stu-003"), "another contact of the same coach may have it"


def test_a_session_may_be_moved_back(run: Run) -> None:
    before = run("next_session", contact="stu-001").values["session_at"]
    move(run, "stu-001", key="there")

    back = move(run, "stu-001", slot=before, key="back")

    assert back.status is ResultStatus.SUCCESS
    assert run("next_session", contact="stu-001").values["session_at"] == before


def test_the_same_key_is_the_same_change_and_the_same_answer(run: Run, book: RecordBook, school: Pack) -> None:
    first, second = slots(run, "stu-001")[:2]
    done = move(run, "stu-001", slot=first)

    again = run("reschedule", key="move", contact="stu-001", session="ses-001", slot=second)

    assert again == done
    assert find.skills(("records",), book, school)["reschedule"].lookup(key="move") == done
    assert find.skills(("records",), book, school)["reschedule"].lookup(key="other") is None
    assert len(book.find("reschedule", person="stu-001")) == 1


@pytest.mark.parametrize(
    ("contact", "args", "detail"),
    [
        pytest.param("stu-002", {}, "too_late", id="40 minutes before"),
        pytest.param("stu-012", {}, "too_late", id="59 minutes before"),
        pytest.param("stu-005", {}, "quota_used", id="two changes used"),
        pytest.param("stu-001", {"slot": "2026-11-24T02:00:00+00:00"}, "slot_taken", id="a time nobody offered"),
        pytest.param(
            "stu-001", {"session_at": "2026-11-24T02:00:00+00:00"}, "session_moved", id="another time was meant"
        ),
    ],
)
def test_what_the_rules_of_the_house_do_not_allow_is_refused(
    run: Run, book: RecordBook, contact: str, args: Mapping[str, Any], detail: str
) -> None:
    before = book.find("session")

    refused = move(run, contact, **args)

    assert (refused.status, refused.detail) == (ResultStatus.FAILED, detail)
    assert book.find("session") == before


def test_a_session_in_exactly_an_hour_may_still_be_moved(run: Run) -> None:
    assert move(run, "stu-011").status is ResultStatus.SUCCESS


@pytest.mark.parametrize("contact", ["stu-002", "stu-005"])
def test_an_exception_sets_cutoff_and_quota_aside(run: Run, contact: str) -> None:
    assert move(run, contact, exception=True).status is ResultStatus.SUCCESS


def test_an_exception_never_books_twice(run: Run) -> None:
    taken = slots(run, "stu-001")[0]
    move(run, "stu-003", slot=taken, key="first")

    refused = move(run, "stu-001", slot=taken, key="second", exception=True)

    assert (refused.status, refused.detail) == (ResultStatus.FAILED, "slot_taken")


def test_a_foreign_session_cannot_be_moved(run: Run) -> None:
    slot = slots(run, "stu-001")[0]

    refused = run("reschedule", key="k", contact="stu-001", session="ses-005", slot=slot)

    assert (refused.status, refused.detail) == (ResultStatus.FAILED, "session_unknown")


def test_of_two_who_want_the_same_time_at_once_one_gets_it(run: Run) -> None:
    slot = slots(run, "stu-001")[0]
    calls = [("stu-001", "ses-001"), ("stu-003", "ses-005"), ("stu-009", "ses-011")]

    def call(who: tuple[str, str]) -> Result:
        return run("reschedule", key=f"k:{who[0]}", contact=who[0], session=who[1], slot=slot, exception=True)

    with ThreadPoolExecutor(3) as pool:
        results = list(pool.map(call, calls))

    assert sorted(result.status for result in results) == ["FAILED", "FAILED", "SUCCESS"]
    assert {result.detail for result in results} == {"", "slot_taken"}


@pytest.mark.parametrize(
    ("contact", "payment", "state"),
    [
        ("stu-003", "PAY-2026-0003", "CONFIRMED"),
        ("stu-022", "PAY-2026-0022", "PENDING"),
        ("stu-023", "PAY-2026-0023", "FAILED"),
        ("stu-024", "PAY-2026-0024", "EXPIRED"),
        ("stu-027", "PAY-2026-0027", "CONFIRMED"),
        ("stu-028", "PAY-2026-0102", "PENDING"),
    ],
)
def test_the_last_payment_is_the_latest_by_time(run: Run, contact: str, payment: str, state: str) -> None:
    found = run("last_payment", contact=contact).values

    assert (found["payment_id"], found["payment_state"]) == (payment, state)
    assert found["invoice_id"].startswith("INV-")
    assert isinstance(found["payment_amount"], int)
    assert datetime.fromisoformat(found["payment_at"]) <= NOW


def test_who_never_paid_and_was_never_billed_is_told_so(run: Run) -> None:
    assert run("last_payment", contact="nobody").values == {"payment_state": "none"}
    assert run("last_invoice", contact="nobody").values == {"invoice_state": "none"}


def test_the_last_invoice_is_the_one_due_last_and_goes_to_the_registered_address(run: Run) -> None:
    found = run("last_invoice", contact="stu-028").values

    assert (found["invoice_id"], found["invoice_state"]) == ("INV-2026-0102", "open")
    assert found["invoice_email"].endswith("@example.com")


def test_an_invoice_is_sent_again_once_and_to_its_owner_only(run: Run, book: RecordBook) -> None:
    first = run("resend_invoice", key="k", contact="stu-001", invoice="INV-2026-0001")
    again = run("resend_invoice", key="k", contact="stu-001", invoice="INV-2026-0001")
    foreign = run("resend_invoice", key="other", contact="stu-001", invoice="INV-2026-0003")

    assert first == again
    assert first.values["invoice_email"] == "citra.sample@example.com"
    assert (foreign.status, foreign.detail) == (ResultStatus.FAILED, "invoice_unknown")
    assert [each.data["invoice"] for each in book.find("invoice_send")] == ["INV-2026-0001"]


def test_a_confirmed_payment_goes_back_once(run: Run, book: RecordBook) -> None:
    done = run("refund", key="refund:PAY-2026-0003", contact="stu-003", payment="PAY-2026-0003")
    again = run("refund", key="another key", contact="stu-003", payment="PAY-2026-0003")

    assert (done.status, done.values["payment_amount"]) == (ResultStatus.SUCCESS, 2480000)
    assert (again.status, again.detail) == (ResultStatus.FAILED, "refunded_before")
    assert len(book.find("refund")) == 1
    assert run("last_payment", contact="stu-003").values["payment_state"] == "REFUNDED"


@pytest.mark.parametrize(
    ("contact", "payment", "detail"),
    [
        ("stu-022", "PAY-2026-0022", "not_confirmed"),
        ("stu-001", "PAY-2026-0003", "payment_unknown"),
        ("stu-001", "PAY-0", "payment_unknown"),
    ],
)
def test_nothing_else_goes_back(run: Run, book: RecordBook, contact: str, payment: str, detail: str) -> None:
    refused = run("refund", key="k", contact=contact, payment=payment)

    assert (refused.status, refused.detail) == (ResultStatus.FAILED, detail)
    assert book.find("refund") == []


@pytest.mark.parametrize(
    ("invoice", "email"),
    [("INV-2026-0001", "citra.sample@example.com"), (" inv-2026-0001 ", "Citra.SAMPLE@Example.com ")],
)
def test_invoice_and_registered_address_together_name_a_person(run: Run, invoice: str, email: str) -> None:
    found = run("find_person", invoice=invoice, email=email)
    person = run("person", contact=found.values["contact"])

    assert found.values == {"contact": "stu-001"}
    assert person.values["name"] == "Citra Sample"
    assert set(person.values) == {"name", "email", "phone", "locale", "package", "coach"}


@pytest.mark.parametrize(
    ("invoice", "email"),
    [
        pytest.param("INV-2026-0001", "budi.example@example.com", id="somebody else's address"),
        pytest.param("INV-2026-0001", "", id="no address"),
        pytest.param("INV-9999-9999", "citra.sample@example.com", id="no such invoice"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_mismatch_does_not_say_which_part_is_wrong(run: Run, invoice: str, email: str) -> None:
    assert run("find_person", invoice=invoice, email=email) == Result(status=ResultStatus.FAILED, detail="no_match")


# --- the port itself --------------------------------------------------------------------------------------------------


def added(kind: str, id: str, *, claim: str | None = None, **fields: Any) -> Change:
    return Change(kind=kind, id=id, data={"id": id, **fields}, revision=None, claim=claim)


def test_a_document_that_moved_is_not_overwritten_and_nothing_of_the_write_stays(book: RecordBook) -> None:
    coach = book.get("coach", "coach-1")
    assert coach is not None
    stale = Change(kind="coach", id="coach-1", data=coach.data, revision=coach.revision)
    book.apply("first", changes=[stale], remember={})

    with pytest.raises(Conflict):
        book.apply("second", changes=[added("note", "n1"), stale], remember={})

    assert book.get("note", "n1") is None
    assert book.effect("second") is None


def test_a_claim_is_held_by_one_document_until_it_claims_something_else(book: RecordBook) -> None:
    book.apply("a", changes=[added("place", "p1", claim="window")], remember={})
    with pytest.raises(Conflict):
        book.apply("b", changes=[added("place", "p2", claim="window")], remember={})

    book.apply("c", changes=[Change(kind="place", id="p1", data={"id": "p1"}, revision=1, claim="door")], remember={})
    book.apply("b", changes=[added("place", "p2", claim="window")], remember={"got": "it"})

    assert book.effect("b") == {"got": "it"}


def test_an_effect_that_was_made_is_remembered_and_not_made_again(book: RecordBook) -> None:
    first = book.apply("key", changes=[added("note", "n1")], remember={"n": 1})
    again = book.apply("key", changes=[added("note", "n2")], remember={"n": 2})

    assert first == again == book.effect("key") == {"n": 1}
    assert book.get("note", "n2") is None


@pytest.mark.parametrize(
    ("given", "contact"),
    [
        ({"phone": "+6280000000001"}, "stu-001"),
        ({"phone": "+62 8000-0000-001"}, "stu-001"),
        ({"phone": "080000000001"}, "stu-001"),
        ({"email": "Citra.Sample@example.com "}, "stu-001"),
        ({"phone": "+6580000000001"}, ""),
        ({"phone": "US.13491208655302741918"}, ""),
        ({"phone": ""}, ""),
    ],
    ids=["as it stands", "with spaces", "without its country", "an address", "of another country", "no number", "none"],
)
def test_whose_number_or_address_it_is_however_it_is_written(run: Run, given: dict[str, str], contact: str) -> None:
    found = run("find_by", **given)

    assert (found.values.get("contact", ""), found.detail) == (contact, "" if contact else "no_match")


def test_what_several_people_have_is_nobodys(run: Run, book: RecordBook) -> None:
    twin = {"id": "twin", "name": "Twin", "email": "twin@example.com", "phone": "0800-0000-0001"}
    book.apply("twin", changes=[Change(kind="person", id="twin", data=twin, revision=None)], remember={})

    found = run("find_by", phone="+6280000000001")

    assert (found.status, found.detail) == (ResultStatus.FAILED, "ambiguous")
