"""What is known of a contact: an older revision never overwrites a newer one, and what expired is not relied on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caseward.core.ids import ContactId
from caseward.core.turn import Reading
from caseward.store import context, db

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
CITRA = ContactId("stu-001")

pytestmark = pytest.mark.usefixtures("database")


def reading(revision: int, *, name: str = "next_session", minutes: int = 5, value: object = None) -> Reading:
    return Reading(
        name=name,
        values={"revision": revision, "value": value},
        source="calendar",
        read_at=NOW,
        expires_at=NOW + timedelta(minutes=minutes),
        revision=revision,
    )


def keep(*readings: Reading, contact: ContactId = CITRA) -> list[bool]:
    with db.transaction():
        return [context.keep(contact, each) for each in readings]


def fresh(after: float = 0, contact: ContactId = CITRA) -> dict[str, Reading]:
    with db.transaction():
        return context.fresh(contact, NOW + timedelta(minutes=after))


def test_a_reading_is_relied_on_until_it_expires() -> None:
    kept = reading(1)
    keep(kept)

    assert fresh() == {"next_session": kept}
    assert fresh(4.9) == {"next_session": kept}
    assert fresh(5) == {}


def test_an_older_revision_never_overwrites_a_newer_one() -> None:
    assert keep(reading(2, value="new"), reading(1, value="old")) == [True, False]

    assert fresh()["next_session"].values == {"revision": 2, "value": "new"}


def test_the_same_revision_may_be_written_again() -> None:
    assert keep(reading(2, value="a"), reading(2, value="b")) == [True, True]

    assert fresh()["next_session"].values["value"] == "b"


def test_readings_and_contacts_do_not_mix() -> None:
    keep(reading(1), reading(1, name="last_payment"))
    keep(reading(9), contact=ContactId("stu-002"))

    assert set(fresh()) == {"next_session", "last_payment"}
    assert fresh()["next_session"].revision == 1


def test_what_was_written_makes_all_that_is_known_of_the_contact_old() -> None:
    keep(reading(1), reading(1, name="last_payment"))
    keep(reading(1), contact=ContactId("stu-002"))

    with db.transaction():
        context.drop(CITRA)

    assert fresh() == {}
    assert fresh(contact=ContactId("stu-002")) != {}


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(0, 5), min_size=1, max_size=8))
def test_whatever_the_order_of_arrival_the_newest_revision_stays(revisions: list[int]) -> None:
    with db.transaction():
        context.drop(CITRA)

    keep(*(reading(revision, value=at) for at, revision in enumerate(revisions)))

    last = max(at for at, revision in enumerate(revisions) if revision == max(revisions))
    assert fresh()["next_session"].values == {"revision": max(revisions), "value": last}
