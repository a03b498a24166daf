"""The online shop's desk, from the words of a customer to what was done about them. Nothing but the pack is its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from caseward.adapters import find
from caseward.adapters.records.kinds import changed
from caseward.core.approval import Word
from caseward.core.case import CaseStatus
from caseward.core.errors import Refused
from caseward.core.ids import ConversationId
from caseward.core.messages import Inbound
from caseward.core.pack import Pack
from caseward.core.ports import Brain
from caseward.desk import health, tools
from caseward.flows import support
from caseward.packs.load import load
from caseward.store import approvals, cases, db, effects, messages
from caseward.store.records import StoredRecords
from tests.conftest import Desk, Server, wait_until

FOLDER = Path(__file__).parents[2] / "packs" / "online-shop"
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
    more(desk, conversation, text)
    return conversation


def more(desk: Desk, conversation: ConversationId, text: str) -> None:
    """Have them say something more."""
    desk.say(conversation, text)
    desk.settle()


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


def record(kind: str, id: str) -> dict[str, Any] | None:
    """Return a record as the built-in systems hold it now."""
    found = StoredRecords().get(kind, id)
    return None if found is None else dict(found.data)


def facts(desk: Desk, conversation: ConversationId) -> dict[str, Any]:
    """Return what was known when the case was decided last."""
    case = desk.case(conversation)
    entry = [each for each in desk.entries(conversation) if each.kind == "decision"][-1]
    assert entry.payload is not None, case.id
    return {each["name"]: each["value"] for each in entry.payload["facts"]}


def draft_of(desk: Desk, conversation: ConversationId) -> list[str]:
    """Return the words that are asked about."""
    with db.transaction():
        draft, _checks, _at = approvals.draft(desk.request(conversation).draft_id)
    return list(draft.replies.values())


def serve_in(desk: Desk, phase: str) -> None:
    """Have the desk go on in another phase."""
    desk.pack = replace(desk.pack, policy=replace(desk.pack.policy, phase=phase))
    tools.use(replace(tools.given(), pack=desk.pack))


# --- published pages and readings -------------------------------------------------------------------------------------


def test_a_page_answers_somebody_unknown_at_once_in_their_language(desk: Desk) -> None:
    [english] = desk.ask("how much is shipping?", language="en")
    [german] = desk.ask("Was kostet der Versand?", language="de")

    assert "4.90 euros" in english
    assert "4,90 Euro" in german


def test_the_state_of_an_order_is_told_from_the_record_and_read_over_in_the_pilot(desk: Desk) -> None:
    conversation = ask(desk, "what is the status of my order?", as_="cus-001")

    assert asked(desk, conversation) == ("service", "R1")
    consent(desk, conversation, "agent")

    reply = desk.replies(conversation)[-1]
    assert "SD-100101" in reply
    assert "Nora table lamp" in reply
    assert "€64.80" in reply
    assert desk.case(conversation).status is CaseStatus.RESOLVED


def test_in_production_the_empowered_desk_says_where_a_parcel_is_by_itself(desk: Desk) -> None:
    serve_in(desk, "production")

    conversation = ask(desk, "Wo ist mein Paket?", as_="cus-002", language="de")

    [reply] = desk.replies(conversation)
    assert "Sample Express" in reply
    assert "Leipzig" in reply
    assert "Sonntag, 22. November" in reply


def test_an_order_that_is_named_is_the_one_that_is_read(desk: Desk) -> None:
    conversation = ask(desk, "what is the status of order SD-100122?", as_="cus-022")
    newest = ask(desk, "what is the status of my order?", as_="cus-022")

    assert "SD-100122" in str(draft_of(desk, conversation))
    assert "SD-100123" in str(draft_of(desk, newest))


def test_an_order_of_somebody_else_is_never_read(desk: Desk) -> None:
    conversation = ask(desk, "what is the status of order SD-100105?", as_="cus-001")

    words = str(draft_of(desk, conversation))
    assert "we find no order" in words
    assert "table" not in words
    assert facts(desk, conversation)["order_state"] == "unclear"


# --- who is who -------------------------------------------------------------------------------------------------------


def test_somebody_unknown_proves_themselves_with_order_number_and_email(desk: Desk) -> None:
    conversation = ask(desk, "please cancel order SD-100101")
    assert "number of one of your orders" in desk.replies(conversation)[-1]

    more(desk, conversation, "anna.example@example.com")

    assert asked(desk, conversation) == ("service", "R2")
    consent(desk, conversation, "agent")
    assert done(desk, conversation) == [("cancel_order", "done")]
    cancelled = record("order", "SD-100101")
    assert cancelled is not None
    assert cancelled["state"] == "cancelled"


def test_a_number_and_an_address_that_do_not_belong_together_open_nothing(desk: Desk) -> None:
    conversation = ask(desk, "where is order SD-100101?")

    more(desk, conversation, "SD-100101, ben.sample@example.org")

    assert "do not match our records" in desk.replies(conversation)[-1]
    assert done(desk, conversation) == []
    assert "Nora" not in " ".join(desk.replies(conversation))


def test_the_order_given_as_proof_is_not_taken_for_the_order_that_is_meant(desk: Desk) -> None:
    # given two open orders of one person, one of which is to be cancelled
    conversation = ask(desk, "please cancel order SD-100118")

    # when the other one is given as proof
    more(desk, conversation, "SD-100117 quinn.example@example.com")

    # then the desk asks, and takes the answer
    assert "Which order is it about?" in desk.replies(conversation)[-1]
    more(desk, conversation, "SD-100118")
    consent(desk, conversation, "agent")
    assert [record("order", id)["state"] for id in ("SD-100117", "SD-100118")] == ["placed", "cancelled"]  # type: ignore[index]


# --- before and after dispatch ----------------------------------------------------------------------------------------


def test_an_order_that_has_not_left_is_cancelled_once_and_its_money_goes_back(desk: Desk) -> None:
    conversation = ask(desk, "I want to cancel my order", as_="cus-001")

    assert asked(desk, conversation) == ("service", "R2")
    consent(desk, conversation, "agent")

    assert done(desk, conversation) == [("cancel_order", "done")]
    assert "is cancelled. €64.80 goes back by Visa" in desk.replies(conversation)[-1]
    refund = record("refund", "SD-100101")
    assert refund is not None
    assert refund["amount"] == "64.80 EUR"


def test_an_order_that_has_left_is_not_cancelled_whoever_agrees(desk: Desk) -> None:
    conversation = ask(desk, "cancel my order please", as_="cus-002")

    consent(desk, conversation, "agent")

    assert done(desk, conversation) == []
    assert "has left our house" in desk.replies(conversation)[-1]
    order = record("order", "SD-100102")
    assert order is not None
    assert order["state"] == "shipped"


def test_an_order_that_leaves_while_somebody_thinks_is_asked_about_anew(desk: Desk) -> None:
    conversation = ask(desk, "I want to cancel my order", as_="cus-001")
    book = StoredRecords()
    order = book.get("order", "SD-100101")
    assert order is not None
    book.apply("dispatch", changes=[changed(order, state="shipped")], remember={})
    consent(desk, conversation, "agent")

    assert done(desk, conversation) == []
    assert "has left our house" in str(draft_of(desk, conversation))


def test_in_production_a_cancellation_in_time_needs_nobody(desk: Desk) -> None:
    serve_in(desk, "production")

    conversation = ask(desk, "Bitte stornieren Sie meine Bestellung", as_="cus-018", language="de")
    desk.clock.advance(seconds=UNDO.total_seconds())
    desk.settle()

    assert done(desk, conversation) == [("cancel_order", "done")]
    assert "22,00 € gehen über PayPal zurück" in desk.replies(conversation)[-1]


def test_a_new_address_is_asked_for_and_taken_as_it_was_written(desk: Desk) -> None:
    conversation = ask(desk, "I want to change my delivery address", as_="cus-001")
    assert "Send the new address in one line" in desk.replies(conversation)[-1]

    more(desk, conversation, "Lindenweg 5, 10115 Berlin")
    consent(desk, conversation, "ops_lead")

    assert done(desk, conversation) == [("change_address", "done")]
    order = record("order", "SD-100101")
    assert order is not None
    assert order["address"] == "LINDENWEG 5, 10115 BERLIN"


def test_of_two_open_orders_the_contact_says_which(desk: Desk) -> None:
    conversation = ask(desk, "please cancel my order", as_="cus-017")
    assert "Which order is it about?" in desk.replies(conversation)[-1]

    more(desk, conversation, "the second one, order 100118")

    assert asked(desk, conversation) == ("service", "R2")
    assert "SD-100118" in str(draft_of(desk, conversation))


# --- returns, refunds, damage, lost parcels ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("contact", "lane", "skills"),
    [
        pytest.param("cus-007", "service", [("start_return", "done")], id="13 days"),
        pytest.param("cus-008", "owner", [], id="15 days"),
        pytest.param("cus-009", "service", [("start_return", "done")], id="20 days, gold"),
        pytest.param("cus-010", "owner", [], id="31 days, gold"),
    ],
)
def test_goods_come_back_within_the_window_of_the_customers_tier(
    desk: Desk, contact: str, lane: str, skills: list[tuple[str, str]]
) -> None:
    conversation = ask(desk, "I want to return my order", as_=contact)

    assert asked(desk, conversation)[0] == lane
    consent(desk, conversation, "coach" if lane == "owner" else "agent")
    assert done(desk, conversation) == skills


@pytest.mark.parametrize(
    ("contact", "lane", "roles", "amount"),
    [
        pytest.param("cus-003", "service", ("agent",), "€48.50", id="small"),
        pytest.param("cus-024", "service", ("ops_lead",), "€100.00", id="at the limit"),
        pytest.param("cus-004", "owner", ("coach",), "€249.00", id="dear"),
        pytest.param("cus-005", "both", ("coach", "ops_lead"), "€890.00", id="very dear"),
        pytest.param("cus-006", "owner", ("coach",), "€79.00", id="a first order"),
    ],
)
def test_money_goes_back_with_the_consent_its_amount_asks_for(
    desk: Desk, contact: str, lane: str, roles: tuple[str, ...], amount: str
) -> None:
    conversation = ask(desk, "where is my refund?", as_=contact)
    assert asked(desk, conversation)[0] == lane

    for role in roles:
        assert done(desk, conversation) == []
        desk.decide(conversation, Word.APPROVE, role=role)
    desk.clock.advance(seconds=UNDO.total_seconds())
    desk.settle()

    assert done(desk, conversation) == [("refund_order", "done")]
    assert f"refunded {amount}" in desk.replies(conversation)[-1]


def test_the_service_team_may_not_return_what_is_the_owners_to_return(desk: Desk) -> None:
    conversation = ask(desk, "where is my refund?", as_="cus-004")

    with pytest.raises(Refused):
        desk.decide(conversation, Word.APPROVE, role="agent")
    assert done(desk, conversation) == []


def test_damage_is_acknowledged_and_a_photo_asked_for(desk: Desk) -> None:
    conversation = ask(desk, "my vase arrived broken", as_="cus-011")

    assert facts(desk, conversation)["attachment"] is False
    assert asked(desk, conversation) == ("service", "R2")
    consent(desk, conversation, "agent")
    assert "with a photo" in desk.replies(conversation)[-1]
    assert done(desk, conversation) == []


def test_damage_with_a_photo_is_replaced_once_somebody_has_looked(desk: Desk) -> None:
    conversation = desk.open(as_="cus-011", language="en")
    with db.transaction():
        row = messages.conversation(conversation)
    assert row is not None
    photo = Inbound(channel=row.channel, provider_id="p1", address=row.address, text="my vase arrived broken",
                    at=desk.clock(), kind="media")  # fmt: skip
    support.receive(conversation, photo)
    desk.settle()

    assert facts(desk, conversation)["attachment"] is True
    consent(desk, conversation, "agent")
    assert done(desk, conversation) == [("send_replacement", "done")]


def test_dear_damage_is_replaced_by_the_owner_alone(desk: Desk) -> None:
    conversation = ask(desk, "Der Spiegel ist kaputt angekommen", as_="cus-012", language="de")

    assert asked(desk, conversation) == ("owner", "R3")
    consent(desk, conversation, "coach")
    assert done(desk, conversation) == [("send_replacement", "done")]


@pytest.mark.parametrize(
    ("contact", "skills", "words"),
    [("cus-013", [("trace_parcel", "done")], "look for the parcel"), ("cus-014", [], "late but not lost")],
)
def test_the_carrier_is_asked_after_five_days_without_a_scan(
    desk: Desk, contact: str, skills: list[tuple[str, str]], words: str
) -> None:
    conversation = ask(desk, "my parcel is lost", as_=contact)
    consent(desk, conversation, "agent")

    assert done(desk, conversation) == skills
    assert words in desk.replies(conversation)[-1]


def test_a_link_to_sign_in_goes_to_the_registered_address(desk: Desk) -> None:
    conversation = ask(desk, "I cannot sign in", as_="cus-009")
    consent(desk, conversation, "agent")

    assert "ivan.example@example.com" in desk.replies(conversation)[-1]


def test_an_account_in_other_hands_wakes_the_owner(desk: Desk) -> None:
    conversation = ask(desk, "my account was hacked and somebody ordered a table", as_="cus-009")

    assert asked(desk, conversation)[0] == "owner"
    case = desk.case(conversation)
    assert case.severity == "P1"
    with db.transaction():
        assert "account-in-other-hands" in cases.get(case.id).woken


def test_nothing_is_changed_while_payments_are_down(desk: Desk) -> None:
    with db.transaction():
        health.declare("payments", degraded=True, why="maintenance", by="ops", role="ops_lead")

    conversation = ask(desk, "I want to cancel my order", as_="cus-001")

    consent(desk, conversation, "agent")
    assert done(desk, conversation) == []
    order = record("order", "SD-100101")
    assert order is not None
    assert order["state"] == "placed"


# --- a record that says what no fact allows ---------------------------------------------------------------------------


def test_what_a_system_says_and_no_fact_allows_is_unknown_and_on_record(desk: Desk) -> None:
    book = StoredRecords()
    order = book.get("order", "SD-100101")
    assert order is not None
    book.apply("odd", changes=[changed(order, state="teleported", total="64.80 USD")], remember={})
    conversation = ask(desk, "please cancel order SD-100101", as_="cus-001")

    known = facts(desk, conversation)
    assert "order_state" not in known
    assert "order_amount" not in known
    assert asked(desk, conversation)[1] == "R3"
    wrong = [each.payload["what"] for each in desk.entries(conversation) if each.kind == "error" and each.payload]
    assert any("'teleported'" in each and "order_state" in each for each in wrong)


# --- over the web -----------------------------------------------------------------------------------------------------


def test_the_chat_page_speaks_german_and_the_desk_answers_over_http(server: Server) -> None:
    with httpx2.Client(base_url=server.url, timeout=30) as browser:
        page = browser.get("/chat", params={"lang": "de"})
        opened = browser.post("/chat/session", json={"as": "cus-002", "language": "de"}).json()
        browser.headers["Authorization"] = f"Bearer {opened['token']}"
        said = browser.post("/chat/messages", json={"id": "m1", "text": "Wie lange dauert die Lieferung?"})
        assert said.status_code == 202
        server.desk.settle()
        found: list[str] = []

        def answered() -> bool:
            items = browser.get("/chat/messages", params={"after": 0}).json()["items"]
            found[:] = [each["text"] for each in items if each["from"] == "desk"]
            return bool(found)

        wait_until(answered, what="an answer")

    assert page.status_code == 200
    assert "Nachricht schreiben" in page.text
    assert "Werktage" in found[0]
