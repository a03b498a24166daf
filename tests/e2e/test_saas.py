"""The support and on-call desk of a software service, from the words of a customer to what was done about them.

Nothing but the pack differs from the school: the same desk, the same doors.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx2
import pytest

from caseward.adapters import find
from caseward.core.approval import Word
from caseward.core.case import CaseStatus
from caseward.core.ids import ConversationId
from caseward.core.pack import Pack
from caseward.core.ports import Brain
from caseward.desk import health, tools
from caseward.packs.load import load
from caseward.store import db, effects
from caseward.store.records import StoredRecords
from tests.conftest import Desk, Server

FOLDER = Path(__file__).parents[2] / "packs" / "saas-oncall"
UNDO = timedelta(seconds=31)
"""Longer than any reply of this pack is held back."""


@pytest.fixture(scope="module")
def school() -> Pack:
    """Whom this module's desk works for, in the school's place."""
    return load(FOLDER)


@pytest.fixture(scope="module")
def brain(school: Pack) -> Brain:
    """The local brain, trained on this pack."""
    return find.brain(("local",), school)


def ask(desk: Desk, text: str, *, as_: str | None = None, language: str = "en") -> ConversationId:
    """Have somebody say one thing in a new chat."""
    conversation = desk.open(as_=as_, language=language)
    desk.say(conversation, text)
    desk.settle()
    return conversation


def consent(desk: Desk, conversation: ConversationId, *roles: str) -> None:
    """Have sample people of these roles approve what is asked, and let the time to take it back pass."""
    for role in roles:
        desk.decide(conversation, Word.APPROVE, role=role)
    desk.clock.advance(seconds=UNDO.total_seconds())
    desk.settle()


def asked(desk: Desk, conversation: ConversationId) -> tuple[str, str]:
    """Return the lane that is asked, and the case's tier."""
    return desk.request(conversation).lane, str(desk.case(conversation).tier)


def done(desk: Desk, conversation: ConversationId) -> list[tuple[str, str]]:
    """Return what operations did for a conversation's case: skill and state."""
    with db.transaction():
        return [(each.request.skill, str(each.state)) for each in effects.tasks_of(desk.case(conversation).id)]


def record(kind: str, id: str) -> dict[str, object]:
    """Return a record as the built-in systems hold it now."""
    found = StoredRecords().get(kind, id)
    assert found is not None, f"no {kind} {id}"
    return dict(found.data)


def serve_in(desk: Desk, phase: str) -> None:
    """Have the desk go on in another phase."""
    desk.pack = replace(desk.pack, policy=replace(desk.pack.policy, phase=phase))
    tools.use(replace(tools.given(), pack=desk.pack))


# --- status and incidents ---------------------------------------------------------------------------------------------


def test_a_page_answers_somebody_unknown_at_once(desk: Desk) -> None:
    [reply] = desk.ask("how do outage credits work?", language="en")

    assert "44 minutes" in reply


def test_the_status_page_is_repeated_to_anybody_who_asks(desk: Desk) -> None:
    [well] = desk.ask("is eu-1 down?", language="en")
    [ill] = desk.ask("¿está caída la API en us-1?", language="es")

    assert "no open incident" in well
    assert "API en us-1" in ill
    assert "La causa se conoce" in ill


def test_an_incident_that_is_not_public_is_announced_by_nobody_but_the_on_call_lead(desk: Desk) -> None:
    conversation = ask(desk, "is there a problem with ap-1", as_="usr-10a")

    assert asked(desk, conversation) == ("on_call", "R3")
    assert "incident" not in " ".join(desk.replies(conversation)).lower().replace("incident-", "")
    assert "Webhooks" not in " ".join(desk.replies(conversation))


def test_no_status_is_said_while_the_status_page_cannot_be_read(desk: Desk) -> None:
    with db.transaction():
        health.declare("status_page", degraded=True, why="maintenance", by="ops", role="ops_lead")
    [reply] = desk.ask("is eu-1 down?", language="en")

    assert "cannot be read" in reply


def test_trouble_that_nobody_knows_of_goes_to_the_on_call_lead_at_once(desk: Desk) -> None:
    conversation = ask(desk, "our webhooks have stopped arriving", as_="usr-01a")

    assert asked(desk, conversation) == ("on_call", "R3")
    assert "engineer on call" in desk.replies(conversation)[0]


def test_an_enterprise_outage_wakes_somebody_even_where_the_desk_may_answer(desk: Desk) -> None:
    serve_in(desk, "production")

    team = ask(desk, "nothing loads since this morning", as_="usr-08a")
    enterprise = ask(desk, "nothing loads since this morning", as_="usr-09a")

    assert "The cause is known" in desk.replies(team)[0]
    assert asked(desk, enterprise) == ("on_call", "R1")
    assert desk.case(enterprise).severity <= "P2"


# --- plans and seats --------------------------------------------------------------------------------------------------


def test_an_admin_gets_a_seat_once_somebody_has_looked(desk: Desk) -> None:
    conversation = ask(desk, "please add a seat", as_="usr-01a")
    assert asked(desk, conversation) == ("qa", "R2")
    assert record("seat", "SEAT-1001-13")["state"] == "available"

    consent(desk, conversation, "agent")

    assert done(desk, conversation) == [("add_seat", "done")]
    assert record("seat", "SEAT-1001-13")["state"] == "paid"
    assert "one more seat, for €20.00 a month" in desk.replies(conversation)[-1]


def test_a_member_gets_no_seat_whoever_consents(desk: Desk) -> None:
    conversation = ask(desk, "añadid un usuario por favor", as_="usr-01b", language="es")

    consent(desk, conversation, "agent")

    assert done(desk, conversation) == []
    assert "solo lo puede pedir un administrador" in desk.replies(conversation)[-1]
    assert record("seat", "SEAT-1001-13")["state"] == "available"


def test_two_seats_asked_for_one_after_the_other_are_two(desk: Desk) -> None:
    for _ in range(2):
        consent(desk, ask(desk, "please add a seat", as_="usr-01a"), "agent")

    assert [record("seat", f"SEAT-1001-{number}")["state"] for number in (13, 14, 15)] == ["paid", "paid", "available"]


def test_an_upgrade_from_free_holds_at_once(desk: Desk) -> None:
    conversation = ask(desk, "please upgrade us to the team plan", as_="usr-02a")
    consent(desk, conversation, "agent")

    assert done(desk, conversation) == [("upgrade_plan", "done")]
    assert record("subscription", "SUB-1002")["tier"] == "team"
    assert "is now on the Team plan" in desk.replies(conversation)[-1]


def test_a_downgrade_waits_for_the_end_of_the_period(desk: Desk) -> None:
    conversation = ask(desk, "please downgrade us to free", as_="usr-01a")
    consent(desk, conversation, "agent")

    kept = record("subscription", "SUB-1001")
    assert (kept["tier"], kept["next_tier"]) == ("team", "free")
    assert "stays on the Team plan until" in desk.replies(conversation)[-1]


def test_a_downgrade_on_the_last_day_is_for_a_person(desk: Desk) -> None:
    conversation = ask(desk, "bajadnos a free por favor", as_="usr-06a", language="es")

    assert asked(desk, conversation) == ("on_call", "R3")
    assert done(desk, conversation) == []


def test_in_production_the_empowered_desk_adds_a_seat_by_itself(desk: Desk) -> None:
    serve_in(desk, "production")

    conversation = ask(desk, "please add a seat", as_="usr-01a")
    desk.clock.advance(seconds=UNDO.total_seconds())
    desk.settle()

    assert done(desk, conversation) == [("add_seat", "done")]


# --- credits ----------------------------------------------------------------------------------------------------------


def test_a_small_credit_is_booked_once_however_often_it_is_asked_for(desk: Desk) -> None:
    first = ask(desk, "we want a credit for the outage", as_="usr-01a")
    assert asked(desk, first) == ("on_call", "R2")
    consent(desk, first, "on_call")

    second = ask(desk, "please credit our account for the downtime", as_="usr-01a")
    consent(desk, second, "on_call")

    assert done(desk, first) == [("grant_credit", "done")]
    assert done(desk, second) == []
    assert record("outage", "OUT-1001")["state"] == "granted"
    assert record("credit", "CRD-OUT-1001")["amount"] == "24.00 EUR"
    assert "€24.00" in desk.replies(first)[-1]
    assert "is settled" in desk.replies(second)[-1]


def test_a_credit_above_the_limit_is_the_owners(desk: Desk) -> None:
    conversation = ask(desk, "pedimos el abono del SLA", as_="usr-03a", language="es")
    assert asked(desk, conversation) == ("owner", "R3")

    consent(desk, conversation, "admin")

    assert done(desk, conversation) == [("grant_credit", "done")]
    assert "180,00 €" in desk.replies(conversation)[-1]


def test_a_credit_far_above_the_limit_takes_two_people(desk: Desk) -> None:
    conversation = ask(desk, "queremos un abono por la caída", as_="usr-04a", language="es")
    assert asked(desk, conversation) == ("owner", "R3")

    desk.decide(conversation, Word.APPROVE, role="admin")
    desk.clock.advance(seconds=UNDO.total_seconds())
    desk.settle()
    assert done(desk, conversation) == []

    consent(desk, conversation, "ops_lead")
    assert done(desk, conversation) == [("grant_credit", "done")]


def test_no_credit_while_an_incident_is_open(desk: Desk) -> None:
    conversation = ask(desk, "we want a credit for the outage", as_="usr-08a")
    assert asked(desk, conversation) == ("on_call", "R3")

    consent(desk, conversation, "on_call")

    assert done(desk, conversation) == []
    assert "still open" in desk.replies(conversation)[-1]


def test_forty_three_minutes_give_no_credit(desk: Desk) -> None:
    conversation = ask(desk, "queremos un abono por la caída", as_="usr-16a", language="es")
    consent(desk, conversation, "on_call")

    assert done(desk, conversation) == []
    assert "no consta en tu cuenta ninguna caída lo bastante larga" in desk.replies(conversation)[-1]


# --- access and security ----------------------------------------------------------------------------------------------


def test_a_lost_second_factor_is_not_an_agents_to_decide(desk: Desk) -> None:
    conversation = ask(desk, "he perdido el móvil y no puedo entrar", as_="usr-01b", language="es")
    assert asked(desk, conversation) == ("on_call", "R3")

    consent(desk, conversation, "on_call")

    assert done(desk, conversation) == [("start_recovery", "done")]
    assert "teo.ejemplo@example.org" in desk.replies(conversation)[-1]


def test_an_admins_second_factor_takes_two_people(desk: Desk) -> None:
    conversation = ask(desk, "I lost my phone and cannot sign in", as_="usr-01a")

    desk.decide(conversation, Word.APPROVE, role="on_call")
    desk.clock.advance(seconds=UNDO.total_seconds())
    desk.settle()
    assert done(desk, conversation) == []

    consent(desk, conversation, "ops_lead")
    assert done(desk, conversation) == [("start_recovery", "done")]


def test_somebody_unknown_with_a_lost_phone_is_asked_who_they_are(desk: Desk) -> None:
    conversation = ask(desk, "I lost my phone and cannot sign in")
    assert desk.case(conversation).status is CaseStatus.PENDING_VERIFICATION

    desk.say(conversation, "account 1001, mara.sample@example.org")
    desk.settle()

    assert asked(desk, conversation) == ("on_call", "R3")


def test_another_accounts_number_proves_nothing(desk: Desk) -> None:
    conversation = ask(desk, "please add a seat")

    desk.say(conversation, "acc 1002, mara.sample@example.org")
    desk.settle()

    assert "do not belong together" in desk.replies(conversation)[-1]
    assert done(desk, conversation) == []


def test_a_reported_weakness_reaches_the_on_call_lead_and_no_page_answers(desk: Desk) -> None:
    conversation = ask(desk, "Do you have a bug bounty? I found an SQL injection in your search.")

    assert asked(desk, conversation) == ("on_call", "R3")
    assert desk.case(conversation).severity == "P1"
    [acknowledged] = desk.replies(conversation)
    assert "security engineer" in acknowledged
    assert "bounty" not in acknowledged


def test_deleting_data_takes_two_of_the_owners_lane_and_is_done_by_none_of_ours(desk: Desk) -> None:
    conversation = ask(desk, "please delete all our data", as_="usr-01a")
    assert asked(desk, conversation) == ("owner", "R3")

    consent(desk, conversation, "admin", "ops_lead")

    assert done(desk, conversation) == []
    assert "we agree to your request about data" in desk.replies(conversation)[-1]


def test_the_own_account_is_said_to_its_own_people(desk: Desk) -> None:
    serve_in(desk, "production")

    [plan] = desk.ask("what plan are we on", as_="usr-01b", language="en")
    [usage] = desk.ask("cuántas llamadas hemos usado este mes", as_="usr-01b", language="es")

    assert "Almond Works is on the Team plan with 12 paid seats, for €240.00 a month" in plan
    assert "70000 de 1000000 llamadas" in usage


# --- over the web -----------------------------------------------------------------------------------------------------


def test_the_chat_page_serves_this_business_too(server: Server) -> None:
    page = httpx2.get(f"{server.url}/chat")

    assert page.status_code == 200
    assert "Cloud demo" in page.text
