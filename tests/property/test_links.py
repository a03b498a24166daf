"""Whatever is linked, merged, undone and said, in whatever order: nothing is lost, doubled, or proved for two."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from hypothesis import HealthCheck, given
from hypothesis import strategies as st
from sqlalchemy import text

from caseward.core.case import Contact
from caseward.core.errors import BadInput, Conflict
from caseward.core.events import Moved
from caseward.core.ids import ContactId
from caseward.core.messages import Inbound, Sender
from caseward.desk import intake, links, merging
from caseward.flows import joining
from caseward.store import cases, contacts, db
from tests.conftest import Desk, examples

COACH = {"person": "sample_coach", "role": "coach"}
_worlds = count(1)
_messages = count(1)

WHO, ADDRESS = st.integers(0, 3), st.integers(0, 4)
STEPS = st.one_of(
    st.tuples(st.just("say"), ADDRESS, ADDRESS),
    st.tuples(st.just("prove"), ADDRESS, WHO),
    st.tuples(st.just("move"), ADDRESS, ADDRESS),
    st.tuples(st.just("merge"), WHO, WHO),
    st.tuples(st.just("join"), ADDRESS, ADDRESS),
    st.tuples(st.just("split"), ADDRESS, ADDRESS),
    st.tuples(st.just("undo"), ADDRESS, ADDRESS),
)


@dataclass
class World:
    """Some contacts and addresses of their own, in the one database; what was said there, and what was merged."""

    desk: Desk
    n: int = field(default_factory=lambda: next(_worlds))
    said: list[str] = field(default_factory=list)
    merges: list[str] = field(default_factory=list)

    def contact(self, who: int) -> ContactId:
        return ContactId(f"w{self.n}-{who}")

    def address(self, at: int) -> str:
        return f"w{self.n}-{at}"

    def do(self, step: str, one: int, other: int) -> None:
        with db.transaction():
            getattr(self, step)(one, other)

    def say(self, at: int, names: int) -> None:
        """Somebody writes, and names the case of somebody else, which opens nothing."""
        with db.transaction():
            home = links.home("house", self.address(names))
            case = cases.latest(home) if home else None
        id_ = f"m{next(_messages)}"
        inbound = Inbound(channel="house", provider_id=id_, address=self.address(at), text="halo", at=self.desk.clock(),
                          sender=Sender(name="Somebody"), case=str(case.number) if case else "")  # fmt: skip
        conversation = links.conversation_for(inbound, self.desk.clock())
        assert intake.take_in(conversation, inbound).new
        assert intake.file(conversation) is not None
        assert links.conversation_for(inbound, self.desk.clock()) == conversation, "said again, it is the same message"
        self.said.append(id_)

    def prove(self, at: int, who: int) -> None:
        known = contacts.stands_for(self.contact(who))
        contacts.prove("house", self.address(at), known, method="channel", now=self.desk.clock())

    def move(self, at: int, to: int) -> None:
        now = self.desk.clock()
        links.moved(Moved(channel="house", address=self.address(at), now=self.address(to), why="", at=now))
        assert contacts.identity("house", self.address(at)) is None

    def merge(self, one: int, other: int) -> None:
        with suppress(BadInput, Conflict):
            self.merges.append(merging.merge(self.contact(one), self.contact(other), **COACH, reason="one person").id)

    def join(self, one: int, other: int) -> None:
        numbers = [each for each in (self._case(one), self._case(other)) if each]
        if len(numbers) == 2:
            with suppress(BadInput, Conflict):
                self.merges.append(joining.merge(*numbers, **COACH, reason="one matter").id)

    def split(self, at: int, nth: int) -> None:
        number = self._case(at)
        if number:
            found = db.execute(text("select id from messages where case_id = :id and inbound order by seq"),
                               {"id": cases.get(number).id}).scalars().all()  # fmt: skip
            with suppress(BadInput):
                self.merges.append(joining.split(number, found[nth : nth + 1], **COACH)[0].id)

    def undo(self, nth: int, _other: int) -> None:
        if self.merges:
            with suppress(Conflict):
                joining.undo(self.merges[nth % len(self.merges)], **COACH)

    def _case(self, at: int) -> str:
        home = links.home("house", self.address(at))
        case = cases.latest(home) if home else None
        return str(case.number) if case else ""

    def snapshot(self) -> dict[str, Any]:
        """Return who is who and what is filed where, of this world."""
        like = {"like": f"w{self.n}-%"}
        with db.transaction():
            whose = db.execute(text("select address, contact_id from identities where address like :like"), like).all()
            filed = db.execute(
                text(
                    "select m.provider_id, m.case_id from messages m join conversations c on c.id = m.conversation_id "
                    "where c.address like :like and m.inbound"
                ),
                like,
            ).all()
            doors = db.execute(
                text("select address, case_id from doors where address like :like and closed_at is null"), like
            ).all()
            owned = db.execute(
                text(
                    "select s.id, s.contact_id, s.merged from cases s join conversations c on c.id = s.conversation_id "
                    "where c.address like :like"
                ),
                like,
            ).all()
        return {"whose": sorted(map(tuple, whose)), "filed": sorted(map(tuple, filed)),
                "doors": sorted(map(tuple, doors)), "owned": sorted(map(str, owned))}  # fmt: skip


def world(desk: Desk, steps: Sequence[tuple[str, int, int]]) -> World:
    """Return a world of its own after some steps."""
    made = World(desk=desk)
    with db.transaction():
        for who in range(4):
            known = Contact(id=made.contact(who), name="Somebody", email="", phone="", locale="id")
            contacts.keep(known, sample=False, now=desk.clock())
    peopled = [("say", at, at) for at in range(4)] + [("prove", at, at) for at in range(3)]
    for step in [*peopled, *steps]:
        desk.clock.advance(seconds=1)
        made.do(*step)
    desk.settle()
    return made


SLOW = examples(10, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SLOW
@given(steps=st.lists(STEPS, max_size=14))
def test_no_message_is_lost_or_filed_twice_and_no_address_is_anybody_elses(
    desk: Desk, steps: list[tuple[str, int, int]]
) -> None:
    made = world(desk, steps)

    now = made.snapshot()
    assert sorted(id for id, _case in now["filed"]) == sorted(made.said)
    assert all(case for _id, case in now["filed"]), "every message is in a case"
    assert len({address for address, _contact in now["whose"]}) == len(now["whose"])
    with db.transaction():
        gone = [contact for _at, contact in now["whose"] if contacts.stands_for(contact) != contact]
        open_ = {case for _id, case in now["filed"] if cases.get(case).merged is not None}
    assert gone == [], "nothing is proved for a contact that is part of another"
    assert open_ == set(), "no message stays with a case that is part of another"


@SLOW
@given(steps=st.lists(STEPS, max_size=10), step=st.tuples(st.sampled_from(["merge", "join"]), WHO, WHO))
def test_undoing_restores_exactly_what_was(
    desk: Desk, steps: list[tuple[str, int, int]], step: tuple[str, int, int]
) -> None:
    made = world(desk, steps)
    before, known = made.snapshot(), list(made.merges)

    made.do(*step)
    for merge_id in made.merges[len(known) :]:
        joining.undo(merge_id, **COACH)

    assert made.snapshot() == before


def test_the_worlds_above_do_merge(desk: Desk) -> None:
    made = world(desk, [("join", 0, 1), ("merge", 1, 0)])

    assert len(made.merges) == 2
    assert [contact for _at, contact in made.snapshot()["whose"]] == [f"w{made.n}-{who}" for who in (1, 1, 2)]
    assert len({case for _id, case in made.snapshot()["filed"]}) == 3
