"""A contact's wish never becomes a time that was not offered, and a time said plainly is always understood."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseward.core.pack import Pack
from caseward.core.when import Chooser

ZONE = ZoneInfo("Asia/Jakarta")
NOW = datetime(2026, 11, 20, 9, 0, tzinfo=ZONE)
DAYS = {
    "id": ("Senin", "Selasa", "Rabu", "Kamis", "Jumat", "Sabtu", "hari Minggu"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
MONTHS = {"id": {11: "November", 12: "Desember"}, "en": {11: "November", 12: "December"}}

slots = st.lists(
    st.builds(
        lambda day, hour, half: NOW.replace(hour=hour, minute=30 if half else 0) + timedelta(days=day),
        st.integers(1, 20),
        st.integers(8, 19),
        st.booleans(),
    ),
    min_size=1,
    max_size=6,
    unique=True,
).map(sorted)


@pytest.fixture(scope="module")
def chooser(school: Pack) -> Chooser:
    return Chooser(school.lexicon)


@settings(deadline=None)
@given(offered=slots, data=st.data())
def test_a_time_said_in_full_is_the_time_chosen(chooser: Chooser, offered: list[datetime], data: st.DataObject) -> None:
    wanted = data.draw(st.sampled_from(offered))
    month = MONTHS["id"][wanted.month]
    said = data.draw(
        st.sampled_from(
            (
                f"{DAYS['id'][wanted.weekday()]} {wanted.day} {month} jam {wanted:%H.%M}",
                f"tolong pindah ke {wanted.day} {month} {wanted.year} pukul {wanted:%H:%M} ya kak",
                f"{wanted:%d/%m/%Y} {wanted:%H.%M}",
                f"{wanted:%Y-%m-%d} {wanted:%H:%M}",
                f"{MONTHS['en'][wanted.month]} {wanted.day} at {wanted:%I:%M %p}",
                f"{DAYS['en'][wanted.weekday()]}, {wanted.day} {MONTHS['en'][wanted.month]}, {wanted:%H:%M} please",
                f"{wanted:%H.%M} tanggal {wanted.day}",
            )
        )
    )

    choice = chooser.choose(said, offered, now=NOW, zone=ZONE)

    alike = [at for at in offered if (at.day, at.hour, at.minute) == (wanted.day, wanted.hour, wanted.minute)]
    assert choice.chosen == wanted or len(alike) > 1


@settings(deadline=None)
@given(offered=slots, data=st.data())
def test_a_number_is_a_place_in_the_list(chooser: Chooser, offered: list[datetime], data: st.DataObject) -> None:
    place = data.draw(st.integers(1, len(offered)))
    form = data.draw(
        st.sampled_from(("{}", "nomor {}", "yang ke-{} ya", "option {}", "#{}", "pilih {} aja kak", "{} please"))
    )

    assert chooser.choose(form.format(place), offered, now=NOW, zone=ZONE).chosen == offered[place - 1]


@settings(deadline=None)
@given(
    offered=slots,
    text=st.one_of(
        st.text(max_size=80),
        st.lists(
            st.sampled_from(
                [
                    "besok",
                    "lusa",
                    "sabtu",
                    "minggu",
                    "jam",
                    "pukul",
                    "10",
                    "2",
                    "4",
                    "9.30",
                    "16:00",
                    "4pm",
                    "pagi",
                    "sore",
                    "nomor",
                    "kedua",
                    "last",
                    "tanggal",
                    "22",
                    "nov",
                    "depan",
                    "jangan",
                    "sebelum",
                    "atau",
                    "ke",
                    "monday",
                    "tomorrow",
                    "at",
                    "next",
                    "the",
                    "31/12",
                    "inv-2026-0001",
                ]
            ),
            max_size=8,
        ).map(" ".join),
    ),
)
def test_only_offered_times_are_ever_chosen(chooser: Chooser, offered: list[datetime], text: str) -> None:
    choice = chooser.choose(text, offered, now=NOW, zone=ZONE)

    assert [at for at in offered if at in choice.slots] == list(choice.slots)
    assert choice.chosen is None or choice.chosen in offered


@settings(deadline=None)
@given(offered=slots, data=st.data())
def test_a_refusal_chooses_nothing(chooser: Chooser, offered: list[datetime], data: st.DataObject) -> None:
    wanted = data.draw(st.sampled_from(offered))
    refusal = data.draw(st.sampled_from(("jangan", "bukan", "not", "selain", "anything but")))

    said = f"{refusal} {DAYS['id'][wanted.weekday()]} jam {wanted:%H.%M}"

    assert chooser.choose(said, offered, now=NOW, zone=ZONE).slots == ()
