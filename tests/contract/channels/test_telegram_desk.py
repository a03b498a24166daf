"""The whole way over Telegram: a contact asks in private, the team decides in its group, and the answer comes back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from caseward.adapters.channels.telegram import Telegram
from caseward.core.case import CaseStatus
from caseward.core.ids import ContactId, ConversationId
from caseward.core.roles import Role
from caseward.desk import tools
from caseward.simulators.telegram import GROUPS, TOKEN
from caseward.simulators.telegram import Telegram as Vendor
from caseward.store import contacts, db, lanes, links, people
from caseward.store.lanes import Bound, Handle
from caseward.store.people import Person
from tests.conftest import Server

APPROVALS = next(str(number) for number, title in GROUPS.items() if title == "Approvals")


@pytest.fixture
def vendor(server: Server) -> Iterator[Vendor]:
    """A Telegram whose bot is the desk's, called by webhook: each update three times, in any order."""
    made = Vendor(clock=server.desk.clock)
    with made.running() as url:
        given = tools.given()
        bot = Telegram(url, TOKEN, "a-secret")
        tools.use(replace(given, channels={**given.channels, "telegram": bot}))
        made.duplicate(2)
        made.shuffle(11)
        hook = {"url": f"{server.url}/webhooks/telegram", "secret_token": "a-secret"}
        assert made.call("setWebhook", hook)[0] == 200
        now = server.desk.clock()
        with db.transaction():
            people.add(Person(id="per_ana", name="Ana", role=Role.AGENT), now=now)
            lanes.link(Handle(channel="telegram", handle="1001", person_id="per_ana"), now=now)
            lanes.bind(Bound(lane="approvals", channel="telegram", chat=APPROVALS), now=now)
            contacts.prove("telegram", "2001", ContactId("stu-001"), method="channel", now=now)
        yield made


def settled(server: Server, vendor: Vendor) -> None:
    """Wait until everything was told, and do what is due."""
    vendor.until(lambda: not vendor.world.updates)
    server.desk.settle()


def conversation() -> ConversationId:
    with db.transaction():
        found = links.home("telegram", "2001").own
    assert found is not None
    return found


def test_what_a_contact_asks_is_decided_in_the_group_and_answered_in_private(server: Server, vendor: Vendor) -> None:
    vendor.write("Citra", None, "/start")
    vendor.write("Citra", None, "When is my next lesson?")
    settled(server, vendor)
    [card] = vendor.messages("Approvals")
    assert card.labels[:2] == ["Approve", "Deny"]
    request = server.desk.request(conversation())
    told = [each.text for each in vendor.messages("Citra")]

    stranger = vendor.press("Budi", "Approvals", card.id, "Approve")
    vendor.write("Ana", "Approvals", "lunch?")
    vendor.forward("Ana", "Approvals", card.id, "Approvals")
    settled(server, vendor)
    assert stranger.answer is not None
    assert "do not know you" in stranger.answer
    assert server.desk.request(conversation()).id == request.id

    vendor.write("Ana", "Approvals", "approve", reply_to=card.id)
    settled(server, vendor)

    assert server.desk.case(conversation()).status is CaseStatus.RESOLVED
    assert card.labels == []
    assert "Approved by Ana" in card.text
    fresh = [each.text for each in vendor.messages("Citra")][len(told) :]
    assert len(fresh) == 1
    assert "25 November" in fresh[0]

    late = vendor.press_data("Ana", "Approvals", card.id, "l:of-another-time")
    settled(server, vendor)
    assert late.answer is not None
    assert "means nothing any more" in late.answer
