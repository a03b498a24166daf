"""Templates filled with values, and values printed as people of the business write them."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseward.core.errors import NotFound, PackError
from caseward.core.pack import Pack, Template
from caseward.packs import wording

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)  # Saturday 10:00 in Jakarta
SUNDAY = datetime(2026, 11, 22, 3, tzinfo=UTC)


@pytest.fixture(scope="module")
def pack(school: Pack) -> Pack:
    """The school with one template of our own."""
    hello = Template(
        id="hello",
        owner="editor",
        status="approved",
        reviewed=date(2026, 11, 20),
        text={"id": " Halo {name}, {slot}. ", "en": "Hello {name}, {slot}."},
    )
    retired = replace(hello, id="old", status="retired")
    return replace(school, templates={**school.templates, "hello": hello, "old": retired})


def render(pack: Pack, language: str = "id", **values: Any) -> str:
    return wording.render(pack, "hello", language, values, now=NOW)


def show(pack: Pack, name: str, value: Any, language: str = "id") -> str:
    return wording.show(pack, name, value, language, now=NOW)


def test_a_template_is_filled_in_the_language_asked_for(pack: Pack) -> None:
    assert render(pack, "id", name="Citra", slot=SUNDAY) == "Halo Citra, Minggu 22 November, 10:00."
    assert render(pack, "en", name="Citra", slot=SUNDAY) == "Hello Citra, Sunday 22 November, 10:00."


def test_a_language_that_the_business_does_not_speak_gets_its_first_one(pack: Pack) -> None:
    assert render(pack, "fr", name="Citra", slot=SUNDAY) == "Halo Citra, Minggu 22 November, 10:00."


@pytest.mark.parametrize("values", [{}, {"name": None, "slot": SUNDAY}])
def test_a_value_that_is_lacking_is_an_error_and_never_a_hole(pack: Pack, values: dict[str, Any]) -> None:
    with pytest.raises(PackError, match=r"templates/hello\.yaml, id: no value for name") as raised:
        render(pack, **values)

    assert "have the plan read it" in raised.value.fix


@pytest.mark.parametrize("id", ["old", "nowhere"])
def test_only_an_approved_template_is_rendered(pack: Pack, id: str) -> None:
    with pytest.raises(NotFound, match=f"no approved template '{id}'"):
        wording.render(pack, id, "id", {"name": "Citra", "slot": SUNDAY}, now=NOW)


def test_a_value_that_looks_like_a_place_stays_as_it_is(pack: Pack) -> None:
    assert render(pack, name="{slot}", slot=SUNDAY) == "Halo {slot}, Minggu 22 November, 10:00."


def test_the_places_of_a_template_are_known_by_language(pack: Pack) -> None:
    assert wording.places(pack.templates["hello"]) == {language: {"name", "slot"} for language in ("id", "en")}


@pytest.mark.parametrize(
    ("name", "value", "id", "en"),
    [
        ("session_at", SUNDAY, "Minggu 22 November, 10:00", "Sunday 22 November, 10:00"),
        ("session_at", SUNDAY.isoformat(), "Minggu 22 November, 10:00", "Sunday 22 November, 10:00"),
        ("session_at", SUNDAY + timedelta(days=60), "Kamis 21 Januari 2027, 10:00", "Thursday 21 January 2027, 10:00"),
        ("promise_time", NOW + timedelta(hours=1), "11:00", "11:00"),
        ("promise_time", SUNDAY, "Minggu 22 November, 10:00", "Sunday 22 November, 10:00"),
        ("paid_on", "2026-11-03", "3 November 2026", "3 November 2026"),
        ("paid_on", "2026-05-03T10:00:00+07:00", "3 Mei 2026", "3 May 2026"),
        ("invoice_due", date(2026, 8, 17), "17 Agustus 2026", "17 August 2026"),
        ("invoice_amount", 1_450_000, "Rp1.450.000", "IDR1,450,000"),
        ("invoice_amount", "450000", "Rp450.000", "IDR450,000"),
        ("name", "Citra", "Citra", "Citra"),
        ("case", 1001, "1001", "1001"),
    ],
)
def test_the_name_of_a_value_says_how_it_is_printed(pack: Pack, name: str, value: Any, id: str, en: str) -> None:
    assert show(pack, name, value, "id") == id
    assert show(pack, name, value, "en") == en


def test_choices_are_numbered_from_one(pack: Pack) -> None:
    options = [SUNDAY.isoformat(), (SUNDAY + timedelta(hours=2)).isoformat()]

    assert show(pack, "options", options) == "1. Minggu 22 November, 10:00\n2. Minggu 22 November, 12:00"


def test_an_instant_is_printed_in_the_zone_of_the_business(pack: Pack) -> None:
    late = datetime(2026, 11, 22, 17, 30, tzinfo=UTC)

    assert show(pack, "session_at", late) == "Senin 23 November, 00:30"


def test_today_ends_at_midnight_of_the_business(pack: Pack) -> None:
    before, after = (datetime(2026, 11, 21, 16, 59, tzinfo=UTC), datetime(2026, 11, 21, 17, tzinfo=UTC))

    assert show(pack, "promise_time", before) == "23:59"
    assert show(pack, "promise_time", after) == "Minggu 22 November, 00:00"


SAMPLES: dict[str, Any] = {
    "at": SUNDAY,
    "time": SUNDAY,
    "on": "2026-11-03",
    "due": "2026-11-03",
    "amount": 450_000,
    "options": [SUNDAY.isoformat()],
    "slot": SUNDAY,
}


def test_no_template_of_the_school_leaves_a_place_open(school: Pack) -> None:
    for template in school.templates.values():
        for language, places in wording.places(template).items():
            values = {name: SAMPLES.get(name.rpartition("_")[2], "Citra") for name in places}
            text = wording.render(school, template.id, language, values, now=NOW)
            assert not re.search(r"[{}]", text), (template.id, language)


@given(st.integers(0, 10**15))
def test_an_amount_is_printed_whole(pack: Pack, amount: int) -> None:
    printed = show(pack, "invoice_amount", amount)

    assert printed.startswith("Rp")
    assert int(printed.removeprefix("Rp").replace(".", "")) == amount


@given(st.datetimes(datetime(2020, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)))
def test_an_instant_never_loses_its_hour_or_day(pack: Pack, at: datetime) -> None:
    local = at.astimezone(pack.hours.zone)

    printed = show(pack, "session_at", at)

    assert printed.endswith(f", {local:%H:%M}")
    assert f" {local.day} " in printed
    assert (str(local.year) in printed) == (local.year != 2026)


def test_words_are_read_back_as_the_template_and_what_was_printed_in_it(school: Pack) -> None:
    text = {"en": "{name}, see you {at} ({name}).", "id": "{name}, sampai jumpa {at}."}
    template = replace(next(iter(school.templates.values())), text=text)

    assert wording.read_back(template, "Ana, see you Monday (Ana).") == ("en", {"name": "Ana", "at": "Monday"})
    assert wording.read_back(template, "Ana, sampai jumpa besok.") == ("id", {"name": "Ana", "at": "besok"})
    assert wording.read_back(template, "Ana, see you Monday (Budi).") is None
    assert wording.read_back(template, "Ana, see you Monday.") is None
    assert wording.fill(text["en"], {"name": "Ana", "at": "Monday"}) == "Ana, see you Monday (Ana)."
