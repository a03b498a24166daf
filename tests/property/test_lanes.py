"""Whatever several people press, type and decide in the console, at once and in any order, on any copy of a request:
one decision, every copy closed by it, and no word out without the consent of as many as are needed of those who may."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress

from hypothesis import HealthCheck, event, given
from hypothesis import strategies as st

from caseward.core.approval import AGREED, ApprovalState, Word
from caseward.core.errors import BadInput, Conflict, Refused
from caseward.core.events import Pressed, Typed
from caseward.core.ports import Button
from caseward.core.roles import Role
from caseward.desk import lanes, verdicts
from caseward.flows import by_hand
from caseward.store import approvals, cards, db, log
from tests.conftest import Desk, examples
from tests.e2e.lanes_house import APPROVALS, OPS, House, open_house

MAY = ("ana", "budi", "citra")
NOT = ("eka", "gita", "stranger")
"""Of another lane, shut out, and nobody we know."""
CHATS = (APPROVALS, OPS)
LABELS = ("Approve", "Deny", "Escalate", "Deny: outside policy", "Escalate: safety", "Back", "Undo")
TEXTS = ("APPROVE", "setuju kalau perlu", "DENY no", "tolak", "eskalasi unclear", "EDIT {words} See you.", "ok?", "why")

who = st.sampled_from((*MAY, *MAY, *NOT))
place = st.integers(0, 1)
steps = st.one_of(
    st.tuples(st.just("press"), who, place, st.sampled_from(LABELS)),
    st.tuples(st.just("old"), who, place, st.integers(0, 9)),
    st.tuples(st.just("type"), who, place, st.sampled_from(TEXTS)),
    st.tuples(st.just("console"), st.sampled_from(MAY), place, st.sampled_from([*Word, "undo"])),
    st.tuples(st.just("wait"), st.just(""), place, st.sampled_from([3, 11, 5 * 3600])),
)
Step = tuple[str, str, int, object]


class Round:
    """One request with its two copies, and every button that was ever on them."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.conversation, self.request = house.ask()
        self.old: list[tuple[str, Button]] = []
        self._count = 0
        with db.transaction():
            self.words = approvals.draft(self.request.draft_id)[0].reply

    def take(self, step: Step) -> None:
        """Do one step; what it begins is left to run."""
        act, person, copy, what = step
        self._count += 1
        card = self.house.vendor.of(CHATS[copy], title=self.request.question)[0]
        self.old += [(card.id, button) for button in card.buttons if (card.id, button) not in self.old]
        if act == "wait":
            self.house.desk.clock.advance(seconds=int(str(what)))
        elif act == "console":
            self._in_the_console(f"per_{person}", str(what))
        elif act == "type":
            self._keep(Typed, person, chat=card.chat, text=str(what).format(words=self.words), reply_to=card.id,
                       message=f"m{self._count}")  # fmt: skip
        elif act == "old" and self.old:
            message, button = self.old[int(str(what)) % len(self.old)]
            self._keep(Pressed, person, token=button.token, message=message, callback=f"c{self._count}")
        elif act == "press":
            for button in [each for each in card.buttons if each.label == what]:
                self._keep(Pressed, person, token=button.token, message=card.id, callback=f"c{self._count}")

    def _keep(self, kind: type[Pressed] | type[Typed], person: str, **of: str) -> None:
        with db.transaction():
            lanes.keep(kind(channel="telegram", person=person, at=self.house.desk.clock(), **of))

    def _in_the_console(self, person: str, what: str) -> None:
        with suppress(Refused, Conflict, BadInput), db.transaction():
            if what == "undo":
                verdicts.undo(self.request.id, person=person, role=Role.AGENT)
                return
            digest = approvals.get(self.request.id).digest
            text = f"{self.words} Bye." if what == Word.EDIT else None
            verdicts.decide(self.request.id, Word(what), person=person, role=Role.AGENT, digest=digest, text=text,
                            reason="so")  # fmt: skip


def settled(verdict: Sequence[log.Entry]) -> int:
    """Return how often words of people, or the time that was up, settled the request."""
    ends = {Word.DENY, Word.ESCALATE, ApprovalState.EXPIRED}
    return sum(
        entry.payload["verdict"] in ends or entry.payload.get("votes", 0) == entry.payload.get("needs", 1)
        for entry in verdict
    )


@examples(5, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    needs=st.integers(1, 2),
    hold=st.sampled_from([0, 10]),
    batches=st.lists(st.lists(steps, min_size=1, max_size=5), min_size=1, max_size=4),
)
def test_one_decision_closes_every_copy_and_nothing_leaves_without_consent(
    desk: Desk, needs: int, hold: int, batches: Sequence[Sequence[Step]]
) -> None:
    house = open_house(desk, needs=needs, hold=hold)
    for chat in CHATS:
        house.bind("approvals", chat)
    for name in MAY:
        house.employ(name, Role.AGENT)
    house.employ("eka", Role.ON_CALL)
    house.employ("gita", Role.AGENT, disabled=True)
    played = Round(house)

    for batch in batches:
        for step in batch:  # what one batch begins runs side by side
            played.take(step)
        desk.settle()
    desk.clock.advance(seconds=30)
    desk.settle()

    request = house.request(played.request)
    said = [entry for entry in desk.entries(played.conversation) if entry.payload.get("approval") == request.id]
    verdict = [entry for entry in said if entry.kind == "verdict"]
    may = {f"per_{name}" for name in MAY} | {"house"}
    assert {entry.actor for entry in verdict} <= may
    undone = sum(entry.payload["verdict"] == "undo" for entry in verdict)
    assert settled(verdict) == undone + (request.state is not ApprovalState.OPEN)
    sent = [entry for entry in desk.entries(played.conversation) if entry.kind == "send"]
    consented = [entry for entry in sent if entry.payload["approvers"] != ["policy"]]
    assert len(consented) <= (request.state in AGREED)  # consent that was held too long goes nowhere
    for entry in consented:
        assert len(set(entry.payload["approvers"])) >= needs
        assert set(entry.payload["approvers"]) <= may

    copies = [house.vendor.of(chat, title=request.question)[0] for chat in CHATS]
    assert copies[0].card.lines[0] == copies[1].card.lines[0]
    assert [bool(copy.buttons) for copy in copies] == [request.state is ApprovalState.OPEN] * 2
    with db.transaction():
        kept = cards.of("approval", request.id)
    assert [card.closed for card in kept] == [request.state is not ApprovalState.OPEN] * 2
    assert all(card.shown == card.wanted for card in kept)
    event(f"{needs} needed, held {hold} s: {request.state}")
    by_hand.resolve(desk.case(played.conversation).id, person="per_ana", role=Role.AGENT)  # nothing is left behind
    desk.settle()
