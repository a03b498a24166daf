from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseward.packs.load import load
from caseward.web import masking, words

SCHOOL = Path(__file__).parents[3] / "packs" / "vocal-coaching"


def test_a_number_keeps_its_country_and_its_last_four_digits() -> None:
    assert words.masked_number("+62 812 0000 0147") == "+62 ••• •••• 0147"


@pytest.mark.parametrize("short", ["", "12345"])
def test_a_number_too_short_to_mask_is_hidden_whole(short: str) -> None:
    assert not any(char.isdigit() for char in words.masked_number(short))


@given(st.from_regex(r"\+62 ?8[0-9]{8,10}", fullmatch=True))
def test_masking_a_number_hides_all_but_the_last_four_digits(number: str) -> None:
    digits = number.replace(" ", "")

    assert digits[3:-4] not in words.masked_number(number).replace(" ", "")


def test_a_reader_without_the_right_reads_no_name_address_or_number() -> None:
    mask = masking.masker("Citra Sample", load(SCHOOL))

    text = mask("Citra here, citra@example.com or 0812 0000 0147, inv 2026 0412, about lesson 2 at 16:00")

    assert text == "C••• here, c•••@example.com or ••• •••• 0147, ••• •••• 0412, about lesson 2 at 16:00"


def test_languages_are_called_by_name_and_an_unknown_code_stays_as_it_is() -> None:
    assert [words.language(code) for code in ("id", "en", "zz9")] == ["Indonesian", "English", "zz9"]


def test_a_reading_is_told_without_ids_and_as_people_write_it() -> None:
    values = {
        "payment_id": "PAY-1",
        "payment_at": "2026-11-23T04:00:00+00:00",
        "payment_amount": 2480000,
        "payment_state": "CONFIRMED",
        "slots": [1, 2, 3, 4],
        "method": "QRIS",
    }

    told = words.reading(load(SCHOOL), values, datetime(2026, 11, 21, tzinfo=UTC))

    assert told == "Monday 23 November, 11:00 · IDR2,480,000 · Confirmed · 1, 2, 3 and 1 more · QRIS"
