"""What the console shows of consent that takes several people, and of consent that can still be taken back."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from httpx2 import Response

from caseward.core.approval import Terms
from caseward.core.ids import ApprovalId
from caseward.core.roles import Role
from caseward.desk import tools
from caseward.store import approvals, cases, people
from caseward.store.db import transaction
from caseward.store.people import Person
from tests.e2e.console_house import House, house


@pytest.fixture
def desk(database: str) -> Iterator[House]:
    with house() as opened:
        yield opened


@pytest.fixture
def second(desk: House) -> str:
    """A second coach, and the link that signs them in."""
    with transaction():
        people.add(Person(id="per_second", name="Second coach", role=Role.COACH, sample=True), now=desk.now)
        return people.link("per_second", expires_at=desk.now + timedelta(days=1))


def ask(desk: House, **terms: int) -> ApprovalId:
    return desk.ask(desk.case("Citra Sample", "Can I move it?"), terms=Terms(**terms))


def words(page: Response) -> str:
    """Return what a page says, without its markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.text).split())


def test_the_card_says_how_many_must_approve_and_who_has(desk: House, second: str) -> None:
    approval = ask(desk, needs=2)
    one, other = desk.browser(Role.COACH), desk.browser()
    other.submit(other.get(f"/sign-in/{second}"), "/sign-in/")

    card = one.get("/approvals")
    assert "2 people must approve" in words(card)
    one.submit(card, f"/approvals/{approval}", verdict="approve", conditions="only this once")

    mine = one.get(f"/approvals?open={approval}")
    assert "1 of 2 have approved" in words(mine)
    assert "Coach 10:00 · only this once" in words(mine)
    assert "You have approved this. It waits for one more person." in words(mine)
    assert "Waiting for others" in words(mine)
    assert 'value="approve"' not in mine.text
    theirs = other.get("/approvals")
    assert "Waiting for you" in words(theirs)
    assert 'value="approve"' in theirs.text
    other.submit(theirs, f"/approvals/{approval}", verdict="approve")
    assert desk.state(approval) == "approved"
    assert desk.begun == [("conclude", approval)]
    with transaction():
        case_id = approvals.get(approval).case_id
    assert "Coach and Second coach approved this" in words(one.get(f"/cases/{case_id}"))


def test_a_second_click_of_the_same_person_is_told_that_it_waits_for_others(desk: House) -> None:
    approval = ask(desk, needs=2)
    browser = desk.browser(Role.COACH)
    card = browser.get("/approvals")
    browser.submit(card, f"/approvals/{approval}", verdict="approve")

    again = browser.submit(card, f"/approvals/{approval}", verdict="approve")

    assert again.status_code == 409
    assert "You have approved this It waits for somebody else." in words(again)
    assert (desk.state(approval), desk.begun) == ("open", [])


def test_what_somebody_has_approved_is_not_counted_as_waiting_for_them(desk: House) -> None:
    approval = ask(desk, needs=2)
    browser = desk.browser(Role.COACH)
    card = browser.get("/approvals")
    assert re.search(r'nav-count is-hot">1<', card.text)

    browser.submit(card, f"/approvals/{approval}", verdict="approve")

    assert not re.search(r'nav-count is-hot">', browser.get("/approvals").text)


@pytest.mark.parametrize("start", ["/approvals?open={id}", "/cases/{case}"])
def test_held_consent_says_when_it_is_sent_and_can_be_undone_without_scripts(desk: House, start: str) -> None:
    approval = ask(desk, hold_seconds=10)
    with transaction():
        case_id = approvals.get(approval).case_id
    browser = desk.browser(Role.COACH)
    card = browser.get(start.format(id=approval, case=case_id))
    assert "10 s to undo" in words(card)

    held = browser.submit(card, f"/approvals/{approval}", verdict="approve")
    assert "Approved. Sending at 10:00:10 Undo" in words(held)
    assert 'value="approve"' not in held.text
    assert desk.begun == []

    undone = browser.press(held, f"/approvals/{approval}/undo")
    assert 'value="approve"' in undone.text
    assert desk.state(approval) == "open"


def test_what_is_held_stays_in_the_queue_under_its_own_title(desk: House) -> None:
    approval = ask(desk, hold_seconds=10)
    other = desk.ask(desk.case("Budi Example", "I want my money back"), question="Return this payment?")
    browser = desk.browser(Role.COACH)
    browser.submit(browser.get(f"/approvals?open={approval}"), f"/approvals/{approval}", verdict="approve")

    queue = browser.get("/approvals")

    assert re.search(r"Waiting for you 1 .* Approved, not sent yet 1 .* Sending at 10:00:10", words(queue))
    assert f'data-approval="{other}"' in queue.text  # what waits comes first


def test_an_undo_that_comes_late_is_told_so_and_changes_nothing(desk: House) -> None:
    approval = ask(desk, hold_seconds=10)
    browser = desk.browser(Role.COACH)
    held = browser.submit(browser.get("/approvals"), f"/approvals/{approval}", verdict="approve")
    desk.now += timedelta(seconds=10)

    late = browser.press(held, f"/approvals/{approval}/undo")

    assert late.status_code == 409
    assert "It was too late to undo this" in words(late)
    assert desk.state(approval) == "approved"
    assert "/undo" not in browser.get(f"/approvals?open={approval}").text


def test_only_who_may_decide_is_offered_to_undo(desk: House) -> None:
    approval = ask(desk, hold_seconds=10)
    coach, agent = desk.browser(Role.COACH), desk.browser(Role.AGENT)
    held = coach.submit(coach.get("/approvals"), f"/approvals/{approval}", verdict="approve")
    with transaction():
        case_id = approvals.get(approval).case_id

    seen = agent.get(f"/cases/{case_id}")
    assert "Sending at 10:00:10" in words(seen)
    assert "/undo" not in seen.text
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', seen.text))
    tried = agent.client.post(f"/approvals/{approval}/undo", data=hidden)
    assert tried.status_code == 403
    assert held.status_code == 200
    assert desk.state(approval) == "approved"


def test_who_is_not_named_for_a_lane_reads_why_they_cannot_decide(desk: House) -> None:
    lanes = {**desk.pack.profile.lanes, "coach": replace(desk.pack.profile.lanes["coach"], people=("per_second",))}
    pack = replace(desk.pack, profile=replace(desk.pack.profile, lanes=lanes))
    tools.use(replace(tools.given(), pack=pack))
    approval = ask(desk)
    with transaction():
        case_id = approvals.get(approval).case_id

    card = desk.browser(Role.COACH).get(f"/cases/{case_id}")

    assert 'value="approve"' not in card.text
    assert "decides this. You can read it here." in words(card)


def test_a_case_that_woke_somebody_is_marked_with_by_what_and_why(desk: House) -> None:
    case_id = desk.case("Citra Sample", "My lawyer will call you")
    with transaction():
        cases.change(cases.get(case_id), desk.now, woken=("threat",))
    browser = desk.browser(Role.COACH)

    inbox, case = browser.get("/inbox?view=all-open"), browser.get(f"/cases/{case_id}")

    assert "Woken by threat ·" in words(inbox)
    assert "Woken by threat A threat is answered by the coach, and soon." in words(case)
