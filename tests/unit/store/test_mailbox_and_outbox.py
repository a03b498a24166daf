"""Mailbox and outbox together, under any order of events: what came in is worked once, what goes out goes out once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from caseward.core import ids
from caseward.core.ids import ConversationId, OutboxId
from caseward.store import cases, db, messages, outbox, turns
from caseward.store.effects import EffectState

START = datetime(2026, 11, 23, 3, 0, tzinfo=UTC)
DEBOUNCE = timedelta(seconds=1)
LONGEST = timedelta(seconds=4)
SETTLED = (EffectState.DONE, EffectState.FAILED)

names = st.sampled_from(["m1", "m2", "m3", "m4", "m5", "m6"])
keys = st.sampled_from(["reply:1", "reply:2", "ack:1"])
outcomes = st.sampled_from(["commit", "commit", "die"])


class MailboxAndOutbox(RuleBasedStateMachine):
    """One conversation; each step is a transaction that commits or, as when its process dies, does not."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.address = ids.new("chat")
        with db.transaction():
            self.conversation: ConversationId = messages.open_conversation(
                "webchat", self.address, token_hash=None, language="id", now=START
            )
            self.case = cases.open_case(self.conversation, channel="webchat", language="id", now=START)
        self.waiting: dict[str, datetime] = {}
        """Message → when it came, for those that no turn has taken."""
        self.due: datetime | None = None
        self.taken: dict[str, int] = {}
        """Message → the turn that took it."""
        self.turn = 0
        self.posted: dict[str, OutboxId] = {}
        self.states: dict[str, EffectState] = {}

    def attempt(self, outcome: str, work: Callable[[], Any]) -> Any:
        """Do `work` in a transaction; return None when it did not commit."""
        with db.engine().connect() as connection:
            with db.joining(connection):
                result = work()
            if outcome == "die":
                connection.rollback()
                return None
            connection.commit()
            return result

    @rule(seconds=st.sampled_from([0.2, 0.9, 1.0, 3.0, 10.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    @rule(name=names, outcome=outcomes)
    def a_message_comes_in(self, name: str, outcome: str) -> None:
        received = self.attempt(
            outcome,
            lambda: messages.receive(
                self.conversation, provider_id=name, text=name, kind="text", at=self.now, debounce=DEBOUNCE,
                collect_max=LONGEST,
            ),
        )  # fmt: skip
        if received is None:
            return
        known = name in self.waiting or name in self.taken
        assert received.new is not known
        assert received.message.text == name
        if not known:
            self.waiting[name] = self.now
            self.due = min(self.now + DEBOUNCE, min(self.waiting.values()) + LONGEST)
            assert (received.ready, received.turn) == (self.due, self.turn + 1)

    @rule(outcome=outcomes)
    def a_turn_begins(self, outcome: str) -> None:
        def begin() -> Any:
            claim = messages.begin(self.conversation)
            taken = turns.take_up(self.conversation, claim.turn, self.case.id) if claim else ()
            return claim, [message.text for message in taken]

        begun = self.attempt(outcome, begin)
        if begun is None:
            return
        claim, taken = begun
        if not self.waiting:
            assert claim is None
            return
        self.turn += 1
        assert claim.turn == self.turn
        assert taken == list(self.waiting)  # in the order of arrival
        self.taken |= dict.fromkeys(taken, self.turn)
        self.waiting, self.due = {}, None

    @rule(key=keys, delivered=st.booleans(), outcome=outcomes)
    def something_is_said(self, key: str, delivered: bool, outcome: str) -> None:
        posted = self.attempt(
            outcome,
            lambda: (
                outbox.said(f"{key}:{self.case.id}"),
                outbox.put(
                    case_id=self.case.id, message_id="msg_one", channel="webchat", address=self.address, text=key,
                    key=f"{key}:{self.case.id}", approvers=("policy",), delivered=delivered, now=self.now,
                ),
            ),
        )  # fmt: skip
        if posted is None:
            return
        said_before, parcel = posted
        assert said_before is (key in self.posted)
        assert (parcel is None) is (key in self.posted)
        if parcel is not None:
            self.posted[key] = parcel
            self.states[key] = EffectState.DONE if delivered else EffectState.QUEUED

    @precondition(lambda self: self.posted)
    @rule(data=st.data(), state=st.sampled_from(EffectState), outcome=outcomes)
    def a_parcel_moves(self, data: st.DataObject, state: EffectState, outcome: str) -> None:
        key = data.draw(st.sampled_from(sorted(self.posted)))

        def move() -> bool:
            outbox.move(self.posted[key], state, now=self.now, next_at=self.now)
            return True

        moved = self.attempt(outcome, move)
        if moved and self.states[key] not in SETTLED:
            self.states[key] = state

    @invariant()
    def every_message_is_waiting_in_a_due_turn_or_was_taken_once(self) -> None:
        with db.transaction():
            stored = [message.text for message in messages.visible(self.conversation, after=0)]
            ready = dict(messages.ready(before=START + timedelta(days=1), limit=10_000))
            by_turn = {turn: messages.of_turn(self.conversation, turn) for turn in range(1, self.turn + 1)}
        assert sorted(stored) == sorted([*self.waiting, *self.taken])
        assert ready.get(self.conversation) == (self.turn + 1 if self.waiting else None)
        for turn, taken in by_turn.items():
            assert [message.text for message in taken] == [name for name in self.taken if self.taken[name] == turn]

    @invariant()
    def a_turn_is_due_at_its_time_and_not_before(self) -> None:
        if self.due is not None:
            with db.transaction():
                early = messages.ready(before=self.due - timedelta(milliseconds=1), limit=10_000)
                late = messages.ready(before=self.due, limit=10_000)
            assert self.conversation not in dict(early)
            assert self.conversation in dict(late)

    @invariant()
    def everything_said_stands_in_the_outbox_once_and_settled_states_stay(self) -> None:
        with db.transaction():
            parcels = outbox.of_case(self.case.id)
        assert {parcel.key: parcel.state for parcel in parcels} == {
            f"{key}:{self.case.id}": state for key, state in self.states.items()
        }
        assert len(parcels) == len(self.posted)


def test_whatever_happens_and_wherever_a_process_dies_nothing_is_lost_and_nothing_is_done_twice(database: str) -> None:
    run_state_machine_as_test(
        MailboxAndOutbox,
        settings=settings(max_examples=30, stateful_step_count=25, deadline=None, suppress_health_check=[*HealthCheck]),
    )
