"""The webhook: only what the vendor signed, exactly as it signed it, is believed; it is stored before the answer."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from caseward.desk import tools
from caseward.store import db, hooks, log
from caseward.store.db import transaction
from caseward.web.problems import MEDIA_TYPE
from caseward.web.security import MAX_HOOK
from tests import channels_house as house
from tests.conftest import Desk, Server

BODY = b'{"events": [], "note": "\\u00e9"}'


@pytest.fixture
def plug(server: Server) -> house.House:
    return house.plug_in()


def stored() -> int:
    with transaction():
        return len(db.run("select from hooks").fetchall())


def turned_away() -> list[str]:
    with transaction():
        return [str(entry.payload["why"]) for entry in log.entries(kind="denied")]


def test_what_the_vendor_signed_is_stored_before_it_is_answered(server: Server, plug: house.House) -> None:
    answer = house.post(server.url, BODY)

    assert (answer.status_code, answer.content) == (200, b"")
    with transaction():
        [row] = db.run("select * from hooks").fetchall()
    assert (row.channel, bytes(row.body), row.state) == (house.NAME, BODY, hooks.READ)


FORGERIES = {
    "no signature": (BODY, ""),
    "a signature of other words": (BODY, house.sign(b"{}")),
    "a body cut short": (BODY[:-3], house.sign(BODY)),
    "the same JSON written otherwise": (json.dumps(json.loads(BODY)).encode() + b" ", house.sign(BODY)),
    "letters instead of escapes": (json.dumps(json.loads(BODY), ensure_ascii=False).encode(), house.sign(BODY)),
}


@pytest.mark.parametrize("name", FORGERIES)
def test_what_the_vendor_did_not_sign_like_this_is_refused_and_not_stored(
    server: Server, plug: house.House, name: str
) -> None:
    body, signature = FORGERIES[name]

    answer = house.post(server.url, body, signature=signature)

    assert answer.status_code == 403
    assert answer.headers["content-type"].startswith(MEDIA_TYPE)
    assert answer.json()["code"] == "refused"
    assert stored() == 0
    assert turned_away() == ["the signature does not fit the body"]


def test_a_flood_of_forged_calls_is_one_entry_of_the_log(server: Server, plug: house.House) -> None:
    answers = [house.post(server.url, BODY, signature="x").status_code for _ in range(5)]

    assert answers == [403] * 5
    assert len(turned_away()) == 1


def test_a_channel_that_is_set_up_anew_is_recorded_anew(server: Server, plug: house.House) -> None:
    for _ in range(20):  # another's place in memory is taken again
        house.plug_in()
        house.post(server.url, BODY, signature="x")

    assert len(turned_away()) == 20


def test_the_same_bytes_again_are_the_same_call(server: Server, plug: house.House, desk: Desk) -> None:
    body = house.body(house.message("m1", "62811", "Studio buka jam berapa ya?"))

    answers = [house.post(server.url, body).status_code for _ in range(3)]
    desk.settle()

    assert answers == [200] * 3
    assert stored() == 1
    assert len(plug.sent) == 1


def test_the_vendor_reads_what_it_wants_to_read(server: Server, plug: house.House) -> None:
    answer = house.post(server.url, house.body(wants_answer=True))

    assert answer.json() == {"heard": True}


def test_an_address_is_registered_by_whoever_knows_the_word(server: Server, plug: house.House) -> None:
    with house.client(server.url) as client:
        known = client.get("/webhooks/house", params={"secret": house.SECRET.decode(), "challenge": "1158"})
        unknown = client.get("/webhooks/house", params={"secret": "guess", "challenge": "1158"})

    assert (known.status_code, known.text) == (200, "1158")
    assert known.headers["content-type"].startswith("text/plain")
    assert (unknown.status_code, unknown.json()["code"]) == (403, "refused")
    assert turned_away() == ["the word is not ours"]


@pytest.mark.parametrize("channel", ["nowhere", "webchat"])
def test_a_channel_that_is_not_set_up_or_that_nobody_calls_is_not_there(server: Server, channel: str) -> None:
    with house.client(server.url) as client:
        answers = [client.get(f"/webhooks/{channel}"), client.post(f"/webhooks/{channel}", content=BODY)]

    assert [(each.status_code, each.json()["code"]) for each in answers] == [(404, "not_found")] * 2
    assert stored() == 0


def test_a_body_is_taken_up_to_its_bound(server: Server, plug: house.House) -> None:
    room = MAX_HOOK - len(house.body(filling=""))
    largest, larger = house.body(filling="x" * room), house.body(filling="x" * (room + 1))

    assert house.post(server.url, largest).status_code == 200
    refused = house.post(server.url, larger)
    assert (refused.status_code, refused.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("body", "reason"), [(b'{"something": "new"}', "not an object with events"), (b'{"something": []', "delimiter")]
)
def test_what_is_signed_and_cannot_be_read_is_kept_and_the_vendor_does_not_repeat_it(
    server: Server, plug: house.House, body: bytes, reason: str
) -> None:
    answer = house.post(server.url, body)

    assert answer.status_code == 200
    with transaction():
        [row] = db.run("select * from hooks").fetchall()
        told = hooks.unread(tools.now())
    assert (row.state, bytes(row.body)) == (hooks.KEPT, body)
    assert reason in row.error
    assert told[house.NAME][:2] == (1, 0)


def test_without_its_database_a_call_is_answered_so_that_the_vendor_repeats_it(
    server: Server, plug: house.House, lost_database: None
) -> None:
    answer = house.post(server.url, house.body(house.message("m1", "62811", "Halo")))

    assert (answer.status_code, answer.json()["code"]) == (503, "system_down")
    assert "retry-after" in answer.headers


@pytest.fixture
def lost_database(desk: Desk, plug: house.House) -> Iterator[None]:
    """The store's pool leads nowhere while a test runs."""
    engine = db._engine
    db._engine = None
    db.connect("postgresql://nobody@127.0.0.1:9/nowhere")
    yield
    db.disconnect()
    db._engine = engine
