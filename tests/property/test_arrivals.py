"""Whatever a vendor tells, in whatever order, how often and in which pieces: no event is lost, none counts twice, and
nothing goes back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, event, given
from hypothesis import strategies as st

from caseward.core.case import DESK, DONE
from caseward.core.events import Delivery
from caseward.desk import takeover
from caseward.flows import arrivals
from caseward.store import cases, db, hooks, links, outbox
from tests import channels_house as house
from tests.conftest import MORNING, Desk, examples

WORDS = ("Studio buka jam berapa ya?", "I want a refund", "Halo", "[image]", "STOP", "x" * 5000, "")
_numbers = count(1)

Told = Mapping[str, Any]
messages_ = st.tuples(
    st.just("message"),
    st.integers(0, 1),
    st.sampled_from(WORDS),
    st.sampled_from(["text", "media", "reaction", "choice"]),
)
edits = st.tuples(
    st.just("edit"), st.integers(0, 1), st.sampled_from((*WORDS, "Jam berapa tutup?", "Maaf, salah kirim"))
)
others = st.one_of(
    st.tuples(st.just("echo"), st.integers(0, 2)),
    st.tuples(st.just("status"), st.integers(0, 3), st.sampled_from(list(Delivery))),
    st.tuples(st.just("preference"), st.booleans()),
    st.tuples(st.just("moved"), st.just("")),
    st.tuples(st.just("bounced"), st.integers(0, 3)),
    st.tuples(st.just("trouble"), st.just("")),
)
things = st.one_of(messages_, edits, edits, others)


def history(run: int, happened: Sequence[tuple[Any, ...]]) -> list[Told]:
    """Return what a vendor has to tell of two contacts, each event at an instant of its own."""
    told: list[Told] = []
    for n, (kind, *of) in enumerate(happened):
        address, at = f"{run}-{n % 2}", MORNING - timedelta(hours=1) + timedelta(seconds=n)
        match kind:
            case "message":
                told.append(house.message(f"{address}-m{of[0]}", address, of[1], at=at, kind=of[2]))
            case "edit":
                told.append(
                    house.event("edited", address=address, provider_id=f"{address}-m{of[0]}", text=of[1], at=at)
                )
            case "echo":
                told.append(
                    house.event("echo", address=address, provider_id=f"{address}-e{of[0]}", text="I do it.", at=at)
                )
            case "status":
                told.append(house.event("status", provider_id=f"out-{of[0] + 1}", state=str(of[1]), at=at))
            case "preference":
                told.append(house.event("preference", address=address, wanted=of[0], at=at))
            case "moved":
                told.append(house.event("moved", address=address, why="another number", at=at))
            case "bounced":
                told.append(house.event("bounced", address=address, provider_id=f"out-{of[0] + 1}", text="gone", at=at))
            case _:
                told.append(house.event("trouble", code="1", text="a fault", at=at))
    return told


def first_of_each_id(told: Sequence[Told]) -> dict[str, Told]:
    """Return what was said first under each id of a message: a vendor's id means one message."""
    found: dict[str, Told] = {}
    for each in told:
        if each["event"] == "inbound":
            found.setdefault(each["provider_id"], each)
    return found


def calls(draw: Any, told: Sequence[Told]) -> list[list[Told]]:
    """Return how the vendor delivers it: shuffled, some of it again, in bodies of several events."""
    first = list(first_of_each_id(told).values())
    own = [each for each in told if each["event"] != "inbound"] + first
    again = draw(st.lists(st.sampled_from(own), max_size=4)) if own else []
    order = draw(st.permutations([*own, *again]))
    sizes = draw(st.lists(st.integers(1, 4), min_size=len(order), max_size=len(order)))
    bodies, at = [], 0
    for size in sizes:
        if at < len(order):
            bodies.append(list(order[at : at + size]))
            at += size
    return bodies


def deliveries() -> dict[str, Delivery | None]:
    with db.transaction():
        return {row.id: Delivery(row.delivery) if row.delivery else None
                for row in db.run("select id, delivery from outbox").fetchall()}  # fmt: skip


def stored(query: str, run: int) -> list[Any]:
    with db.transaction():
        return db.run(query, {"of": f"{run}-%"}).fetchall()  # type: ignore[arg-type]


MESSAGES = """
    select messages.*, array(select text from message_edits where message_id = messages.id) as earlier
    from messages join conversations on conversations.id = conversation_id
    where address like %(of)s and provider_id is not null
"""


@examples(10, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(things, min_size=6, max_size=16), st.data())
def test_whatever_comes_in_whatever_order_nothing_is_lost_and_nothing_goes_back(
    desk: Desk, happened: list[tuple[Any, ...]], data: st.DataObject
) -> None:
    run, plug = next(_numbers), house.plug_in(lease_minutes=60)
    desk.clock.set(MORNING)
    told = history(run, happened)

    before = deliveries()
    for body in calls(data.draw, told):
        arrivals.take(house.NAME, house.body(*body, run=run, n=next(_numbers)))
        if data.draw(st.booleans()):
            desk.settle()
            after = deliveries()
            assert all(
                before.get(id) in (None, now) or (now is not None and now.follows(before[id]))
                for id, now in after.items()
            )
            before = after
    desk.settle()

    with db.transaction():
        assert hooks.unread(desk.clock()) == {}
    messages = {row.provider_id: row for row in stored(MESSAGES, run)}
    assert len(messages) == len(stored(MESSAGES, run))
    wrote, changed = first_of_each_id(told), [each for each in told if each["event"] == "edited"]
    echoed = {each["provider_id"] for each in told if each["event"] == "echo"}
    assert set(messages) == {*wrote, *(each["provider_id"] for each in changed), *echoed}
    for id, row in messages.items():
        if id in echoed:
            continue
        mine = sorted((each for each in changed if each["provider_id"] == id), key=lambda each: each["at"])
        said = [each["text"] for each in (*([wrote[id]] if id in wrote else []), *mine)]
        event(f"{len(mine)} changes")
        if mine:
            last = mine[-1]["text"]
            assert row.text == (last[:3999] + "…" if len(last) > 4000 else last or "[withdrawn]")
        kept = {row.text, *row.earlier}
        assert all(any(each.startswith(text[:3999] or "[") for each in kept) for text in said if text)
    keys = [key for _address, _payload, key in plug.sent]
    assert len(keys) == len(set(keys))
    for n in (0, 1):
        with db.transaction():
            own = links.home(house.NAME, f"{run}-{n}").own
            case = cases.latest(own) if own else None
            parcels = outbox.of_case(case.id) if case else []
        if case is not None and any(id.startswith(f"{run}-{n}-e") for id in echoed):
            assert case.owner == takeover.PHONE
            assert case.leased(desk.clock()) or case.status in DONE
        elif case is not None:
            assert case.owner == DESK
        event(f"{len(parcels)} parcels")
