"""Whatever people say, in whatever order: nothing leaves without as many different consents to its words as are needed,
each of somebody who may, and nothing that was taken back leaves at all."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from hypothesis import HealthCheck, event, given
from hypothesis import strategies as st

from caseward.core.approval import Word
from caseward.core.errors import BadInput, Conflict, Refused
from caseward.core.roles import Role
from caseward.desk import tools, verdicts
from caseward.store import approvals, db, log, people
from caseward.store.approvals import Request
from caseward.store.people import Person
from tests.conftest import Desk, examples

MAY = ("per_ana", "per_budi", "per_citra", "per_dewi")
NOT = ("per_new", "per_coach")
"""Somebody who came to the lane after the question, and somebody of another lane."""
SUFFIXES = (" See you.", " Bye.", "")

steps = st.one_of(
    st.tuples(st.just("approve"), st.sampled_from((*MAY, *NOT))),
    st.tuples(st.just("approve"), st.sampled_from(MAY)),
    st.tuples(st.just("edit"), st.sampled_from(MAY), st.sampled_from(SUFFIXES)),
    st.tuples(st.just("undo"), st.sampled_from((*MAY, *NOT))),
    st.tuples(st.just("wait"), st.integers(1, 12)),
    st.tuples(st.just("disable"), st.sampled_from(MAY)),
    st.tuples(st.just("stale"), st.sampled_from(MAY)),
)


def ask_for(desk: Desk, **terms: int) -> None:
    rows = tuple(replace(row, **terms) for row in desk.pack.policy.matrix)  # type: ignore[arg-type]
    tools.use(replace(tools.given(), pack=replace(desk.pack, policy=replace(desk.pack.policy, matrix=rows))))


def employ(desk: Desk, *ids: str, role: Role = Role.AGENT, disabled: bool = False) -> None:
    with db.transaction():
        for id in ids:
            people.add(Person(id=id, name=id, role=role, disabled=disabled), now=desk.clock())


def take(desk: Desk, request: Request, words: str, step: tuple[object, ...], out: set[str]) -> None:
    """Do one step; what is refused changes nothing."""
    act, who = str(step[0]), str(step[1])
    if act == "wait":
        desk.clock.advance(seconds=int(who))
    elif act == "disable":
        employ(desk, who, disabled=True)
        out.add(who)
    elif who in out:
        return  # whose session is over says nothing any more
    else:
        with suppress(Refused, Conflict, BadInput), db.transaction():
            role = "coach" if who == "per_coach" else "agent"
            if act == "undo":
                verdicts.undo(request.id, person=who, role=role)
                return
            word = Word.EDIT if act == "edit" else Word.APPROVE
            digest = request.digest if act == "stale" else approvals.get(request.id).digest
            text = words + str(step[2]) if act == "edit" else None
            verdicts.decide(request.id, word, person=who, role=role, digest=digest, text=text)
    desk.settle()


def left(entries: Sequence[log.Entry], request: Request, needs: int) -> list[str]:
    """Return the words that left, having followed every word people said of them."""
    given: list[str] = []
    digest, sent = request.digest, []
    for entry in entries:
        of = entry.payload
        if entry.kind == "verdict" and of.get("approval") == request.id:
            if of["verdict"] == "undo":
                given = []
            elif of["verdict"] == "edit":
                digest, given = of["digest"], [entry.actor]
            elif of["verdict"] == "approve":
                assert of["digest"] == digest
                given.append(entry.actor)
        if entry.kind == "send" and of["approvers"] != ["policy"]:
            assert of["digest"] == digest
            assert len(set(of["approvers"])) == len(of["approvers"]) >= needs
            assert set(of["approvers"]) <= set(given)
            assert set(of["approvers"]) <= set(MAY)
            sent.append(of["text"])
    return sent


@examples(12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(needs=st.integers(1, 3), hold=st.sampled_from([0, 10]), said=st.lists(steps, min_size=1, max_size=14))
def test_nothing_leaves_without_the_consent_of_as_many_as_are_needed(
    desk: Desk, needs: int, hold: int, said: Sequence[tuple[object, ...]]
) -> None:
    ask_for(desk, needs=needs, hold_seconds=hold)
    employ(desk, *MAY)
    employ(desk, "per_coach", role=Role.COACH)
    employ(desk, "per_new", role=Role.ADMIN)
    conversation = desk.open(as_="stu-001", language="en")
    desk.say(conversation, "When is my next lesson?")
    desk.settle()
    request = desk.request(conversation)
    employ(desk, "per_new")
    with db.transaction():
        words = approvals.draft(request.draft_id)[0].reply

    out: set[str] = set()
    for step in said:
        take(desk, request, words, step, out)
    desk.clock.advance(seconds=30)
    desk.settle()

    sent = left(desk.entries(conversation), request, needs)
    assert len(sent) <= 1
    event(f"{needs} needed, held {hold} s: {'left' if sent else 'did not leave'}")
