"""What vendors tell comes in once, whatever they do: several times, at once, out of order, in pieces, or not at all."""

from __future__ import annotations

from tests import channels_house as house
from tests.conftest import Server


def test_a_message_that_a_vendor_delivers_is_answered_over_its_channel(server: Server) -> None:
    plug = house.plug_in()

    answer = house.post(server.url, house.body(house.message("m1", "62811", "Studio buka jam berapa ya?")))
    server.desk.settle()

    assert (answer.status_code, answer.content) == (200, b"")
    [(address, payload, _key)] = plug.sent
    assert address == "62811"
    assert "09.00" in payload["text"]
