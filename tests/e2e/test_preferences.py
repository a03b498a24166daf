"""A contact says whether they want to be written to: the last word counts, whenever it comes in."""

from __future__ import annotations

from datetime import timedelta
from itertools import permutations

import pytest

from caseward.core.events import Preference
from caseward.core.messages import Inbound
from caseward.desk import outreach
from caseward.store import db, log
from tests.conftest import MORNING, Desk


def inbound(text: str) -> Inbound:
    return Inbound(channel="whatsapp", provider_id="m1", address="6281", text=text, at=MORNING)


def word(minute: int, *, wanted: bool) -> Preference:
    return Preference(channel="whatsapp", address="6281", wanted=wanted, at=MORNING + timedelta(minutes=minute))


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("STOP", "stop"),
        (" Berhenti.\u200b ", "stop"),
        ("berhenti  berlangganan", "stop"),
        ("Start", "start"),
        ("Mulai!", "start"),
        ("please stop the music", None),
        ("Kapan kelas mulai?", None),
        ("...", None),
    ],
)
def test_only_a_whole_message_says_stop_or_start(desk: Desk, text: str, meant: str | None) -> None:
    assert outreach.said(inbound(text)) == meant


def test_the_last_word_counts_in_whatever_order_words_come_in(desk: Desk) -> None:
    words = (word(1, wanted=False), word(2, wanted=True), word(3, wanted=False), word(3, wanted=True))

    for order in permutations(words):
        with db.transaction():
            for each in order:
                outreach.prefer(each)
            known = outreach.wanted("whatsapp", "6281"), outreach.wanted("whatsapp", "6282")
            db.run("delete from preferences")

        assert known == (False, None), "of two words of one instant the forbidding one stays"


def test_a_word_is_logged_once(desk: Desk) -> None:
    with db.transaction():
        for _ in range(3):
            outreach.prefer(word(1, wanted=False), source="stop")

    with db.transaction():
        kept = [entry.payload for entry in log.entries(kind="preference")]
    assert kept == [{"channel": "whatsapp", "address": "6281", "wanted": False, "source": "stop"}]
