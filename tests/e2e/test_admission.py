"""Who is let in on a channel that is not open to everybody, and how the team decides it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from caseward.core.case import CaseStatus
from caseward.core.errors import BadInput, Refused
from caseward.core.ids import ConversationId
from caseward.desk import reception
from caseward.flows import arrivals
from caseward.store import admissions, db, links, log
from tests import channels_house as house
from tests.conftest import Desk

HOURS = "Studio buka jam berapa ya?"
LEAD = {"by": "sample_ops_lead", "role": "ops_lead"}


def wrote(text: str, *, id: str = "m1", address: str = "62811", **more: Any) -> None:
    arrivals.take(house.NAME, house.body(house.message(id, address, text, **more)))


def own(address: str = "62811") -> ConversationId | None:
    with db.transaction():
        return links.home(house.NAME, address).own


def standing(address: str = "62811") -> str:
    with db.transaction():
        known = admissions.of(house.NAME, address)
    return known.state if known else ""


def told(kind: str = "admission") -> list[Mapping[str, Any]]:
    with db.transaction():
        return [entry.payload for entry in log.entries(kind=kind)]


def invited() -> str:
    with db.transaction():
        return reception.invite(house.NAME, **LEAD)


def stored() -> list[str]:
    with db.transaction():
        return [row.text for row in db.run("select text from messages where inbound order by seq")]


def test_whoever_is_on_the_list_is_served_and_of_others_only_the_address_is_noted(desk: Desk) -> None:
    plug = house.plug_in(access="allowlist", allow=("62811",))

    wrote(HOURS, id="m1", address="62811")
    wrote("my secret words", id="m2", address="62899")
    desk.settle()

    assert [address for address, _payload, _key in plug.sent] == ["62811"]
    assert stored() == [HOURS]
    assert (standing("62811"), standing("62899")) == ("", "asked")
    assert told() == [{"channel": house.NAME, "address": "62899", "state": "asked"}]


def test_somebody_whom_a_person_admits_is_served_from_then_on_until_they_are_refused(desk: Desk) -> None:
    plug = house.plug_in(access="allowlist")
    wrote(HOURS, id="m1")
    desk.settle()
    assert plug.sent == []

    with db.transaction():
        reception.admit(house.NAME, "62811", **LEAD)
    wrote(HOURS, id="m2")
    desk.settle()
    assert len(plug.sent) == 1

    with db.transaction():
        reception.refuse(house.NAME, "62811", **LEAD)
    wrote(HOURS, id="m3")
    desk.settle()
    assert len(plug.sent) == 1
    assert [each["state"] for each in told()] == ["asked", "admitted", "refused"]


def test_a_code_lets_one_contact_in_once_and_is_no_question(desk: Desk) -> None:
    plug = house.plug_in(access="pairing")
    code = invited()

    wrote(f" {code.lower()} ", id="m1")
    desk.settle()
    wrote(code, id="m2", address="62899")
    wrote(HOURS, id="m3")
    desk.settle()

    assert (standing("62811"), standing("62899")) == ("admitted", "asked")
    assert [address for address, _payload, _key in plug.sent] == ["62811", "62811"]
    assert "09.00" in plug.texts[1]
    assert stored() == ["[code]", HOURS]
    assert len(told("triage")) == 1


def test_a_code_that_a_vendor_delivers_twice_is_still_no_question(desk: Desk) -> None:
    plug = house.plug_in(access="pairing")
    code = invited()

    wrote(code, id="m1")
    wrote(code, id="m1", reply_to="")
    desk.settle()

    assert (len(plug.sent), stored()) == (1, ["[code]"])


def test_a_code_expires(desk: Desk) -> None:
    house.plug_in(access="pairing")
    code = invited()
    desk.clock.set(desk.clock() + reception.CODE_LASTS)

    wrote(code)

    assert standing() == "asked"


def test_guessing_codes_ends_and_then_only_a_person_lets_in(desk: Desk) -> None:
    house.plug_in(access="pairing")
    code = invited()

    for n in range(reception.TRIES):
        wrote("AAAAA-AAAA" + "ABCDEFGHJK"[n], id=f"g{n}")
    wrote(code, id="late")

    assert standing() == "asked"


def test_a_refusal_is_said_once_and_to_so_many_a_minute(desk: Desk) -> None:
    plug = house.plug_in(access="allowlist", refusal="message-unreadable")

    for n in range(reception.TOLD_A_MINUTE + 5):
        for again in range(2):
            wrote(HOURS, id=f"m{n}-{again}", address=f"628{n}")
    wrote("I am away", id="auto", address="62999", automatic=True)
    desk.settle()

    assert len(plug.sent) == reception.TOLD_A_MINUTE
    assert set(plug.texts) == {desk.pack.template("message-unreadable").text["id"].strip()}
    conversation = own("6280")
    assert conversation is not None
    assert desk.case(conversation).status is CaseStatus.CLOSED
    assert stored() == []


def test_only_those_who_look_after_the_door_open_it(desk: Desk) -> None:
    house.plug_in(access="pairing")

    with db.transaction(), pytest.raises(Refused, match="coach lets nobody in"):
        reception.admit(house.NAME, "62811", by="sample_coach", role="coach")

    assert standing() == ""
    assert [each["effect"] for each in told("denied")] == ["admission"]


def test_a_code_is_made_only_where_one_is_asked_for(desk: Desk) -> None:
    house.plug_in(access="allowlist")

    with db.transaction(), pytest.raises(BadInput, match="allowlist"):
        reception.invite(house.NAME, **LEAD)
