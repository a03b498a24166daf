"""Wishes as people write them, against five offered times of a Friday morning."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from caseward.core.pack import Pack
from caseward.core.when import Choice, Chooser

ZONE = ZoneInfo("Asia/Jakarta")
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=ZONE)
OFFERED = tuple(
    datetime(2026, 11, day, hour, minute, tzinfo=ZONE)
    for day, hour, minute in ((21, 10, 0), (21, 14, 0), (22, 10, 0), (23, 16, 0), (24, 9, 30))
)
"""Saturday 10:00 and 14:00, Sunday 10:00, Monday 16:00, Tuesday 9:30."""


@pytest.fixture(scope="module")
def chooser(school: Pack) -> Chooser:
    return Chooser(school.lexicon)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("1", 1),
        ("2.", 2),
        ("#4", 4),
        ("yang kedua", 2),
        ("yg ke 2 aja kak", 2),
        ("nomor 3 ya", 3),
        ("no. 3", 3),
        ("opsi tiga", 3),
        ("3 aja ya kak makasih", 3),
        ("dua", 2),
        ("the third one please", 3),
        ("I'll take 2", 2),
        ("the 2nd one", 2),
        ("the last one", 5),
        ("yang terakhir", 5),
        ("2\ufe0f\u20e3", 2),
        ("besok jam 10", 1),
        ("Besok jam 2 siang", 2),
        ("besok sore jam 2?", None),
        ("tomorrow 2pm", 2),
        ("tomorrow at 10", 1),
        ("Sabtu pagi", 1),
        ("sabtu siang", 2),
        ("lusa pagi", 3),
        ("hari minggu jam 10", 3),
        ("jam sepuluh hari minggu", 3),
        ("22 Nov 10.00", 3),
        ("22/11", 3),
        ("2026-11-22", 3),
        ("tgl 22", 3),
        ("the 22nd works for me", 3),
        ("Senin", 4),
        ("senin depan", 4),
        ("next monday at 4", 4),
        ("jam 4", 4),
        ("jam 4 sore", 4),
        ("4pm monday", 4),
        ("16.00", 4),
        ("16", 4),
        ("november 23rd at 16:00", 4),
        ("selasa 9.30", 5),
        ("jam 9.30", 5),
        ("INV-2026-0412 pindah ke besok jam 2 siang", 2),
        ("pindahin dari Rabu jam 10 ke Senin jam 4 sore", 4),
        ("yang kedua, Sabtu jam 14.00", 2),
    ],
    ids=ascii,
)
def test_one_time_is_meant(chooser: Chooser, text: str, place: int | None) -> None:
    chosen = chooser.choose(text, OFFERED, now=NOW, zone=ZONE).chosen

    assert chosen == (OFFERED[place - 1] if place else None)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("besok", (1, 2)),
        ("sabtu", (1, 2)),
        ("jam 10", (1, 3)),
        ("10", (1, 3)),
        ("sabtu atau minggu jam 10", (1, 3)),
        ("pindahin les Sabtu jam 10 ke Senin jam 4", (1, 4)),
    ],
)
def test_several_times_fit(chooser: Chooser, text: str, places: tuple[int, ...]) -> None:
    choice = chooser.choose(text, OFFERED, now=NOW, zone=ZONE)

    assert choice == Choice(tuple(OFFERED[place - 1] for place in places))
    assert choice.chosen is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ok",
        "siap kak",
        "besok jam 11",
        "senin jam 10",
        "kamis",
        "sabtu depan",
        "minggu depan jam 10",
        "nomor 9",
        "tanggal 2",
        "2 orang",
        "3 hari lagi",
        "jangan sabtu",
        "gak bisa besok jam 10",
        "not the second",
        "before 10",
        "setelah jam 10",
        "jam setengah 10",
        "half past 9",
        "besok jam 10 lewat 15",
        "yang kedua, senin jam 4",
        "0812 3456 7890",
        "Rp10.000",
        "jam 99",
        "31/02",
        "besok jam 1000000",
    ],
)
def test_nothing_is_guessed(chooser: Chooser, text: str) -> None:
    assert chooser.choose(text, OFFERED, now=NOW, zone=ZONE) == Choice()


def test_nothing_offered_is_nothing_chosen(chooser: Chooser) -> None:
    assert chooser.choose("1", (), now=NOW, zone=ZONE) == Choice()


def test_days_are_counted_in_the_zone_of_the_ops(chooser: Chooser) -> None:
    late = datetime(2026, 11, 20, 18, 30, tzinfo=ZoneInfo("UTC"))  # Saturday 01:30 in Jakarta

    chosen = chooser.choose("besok jam 10", OFFERED, now=late, zone=ZONE).chosen

    assert chosen == OFFERED[2]


def test_a_language_without_numbers_of_its_own_still_reads_digits_and_days(school: Pack) -> None:
    dutch = Chooser({"nl": school.lexicon["id"]})

    assert dutch.choose("2", OFFERED, now=NOW, zone=ZONE).chosen == OFFERED[1]
    assert dutch.choose("senin jam 4 sore", OFFERED, now=NOW, zone=ZONE).chosen == OFFERED[3]
