"""What became of words on their way is said with them, in words."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from caseward.core.events import Delivery
from caseward.core.ids import CaseId, OutboxId
from caseward.store.effects import EffectState
from caseward.store.outbox import Parcel
from caseward.web.thread import delivered

NOW = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
SAID = [
    (EffectState.QUEUED, None, "On its way"),
    (EffectState.RUNNING, None, "On its way"),
    (EffectState.HELD, None, "Waits for the contact to write"),
    (EffectState.UNKNOWN, None, "Not known whether it was sent"),
    (EffectState.FAILED, None, "Did not arrive"),
    (EffectState.DONE, Delivery.SENT, "Sent"),
    (EffectState.DONE, Delivery.DELIVERED, "Delivered"),
    (EffectState.DONE, Delivery.READ, "Read"),
    (EffectState.DONE, Delivery.FAILED, "Did not arrive"),
    (EffectState.DONE, None, ""),
]


@pytest.mark.parametrize(("state", "delivery", "words"), SAID)
def test_what_became_of_words_is_said(state: EffectState, delivery: Delivery | None, words: str) -> None:
    parcel = Parcel(
        id=OutboxId("out_1"), seq=1, case_id=CaseId("case_1"), message_id="msg_1", channel="house", address="62811",
        text="Halo.", reply={}, key="reply:1", state=state, attempts=0, provider_ref="", error="", fault="",
        delivery=delivery, created_at=NOW, next_at=None, keeps_until=None, shut=False, slot_at=None, doubt_at=None,
        moves=0,
    )  # fmt: skip

    assert delivered(parcel) == words
