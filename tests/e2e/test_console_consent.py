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
from caseward.desk import health, tools
from caseward.store import approvals, cases, people
from caseward.store.db import transaction
from caseward.store.people import Person
from tests.e2e.console_house import REPLY, House, house


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
    assert re.search(r"Approved\b.* Sending at 10:00:10 Undo", words(held))
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
    assert "decides this. You can read it here and add a note." in words(card)


def test_a_case_that_woke_somebody_is_marked_with_by_what_and_why(desk: House) -> None:
    case_id = desk.case("Citra Sample", "My lawyer will call you")
    with transaction():
        cases.change(cases.get(case_id), desk.now, woken=("threat",))
    browser = desk.browser(Role.COACH)

    inbox, case = browser.get("/inbox?view=all-open"), browser.get(f"/cases/{case_id}")

    assert "Woken by threat ·" in words(inbox)
    assert "Woken by threat A threat is answered by the coach, and soon." in words(case)


# --- the queue goes on by itself --------------------------------------------------------------------------------------


def three(desk: House, **terms: int) -> list[ApprovalId]:
    """Put three requests on the desk, in the order in which they are due."""
    return [
        desk.ask(desk.case(f"{name} Sample", "Can I move it?", due_minutes=due), terms=Terms(**terms))
        for name, due in (("Arif", 10), ("Bella", 20), ("Citra", 30))
    ]


def opened(page: Response) -> str:
    """Return the request whose card a page shows, empty for none."""
    found = re.search(r'data-approval="(\w+)"', page.text)
    return found[1] if found else ""


def test_after_a_decision_the_next_request_is_open_and_a_line_says_what_became_of_the_last(desk: House) -> None:
    first, second, third = three(desk, hold_seconds=10)
    browser = desk.browser(Role.COACH)
    card = browser.get("/approvals")
    assert opened(card) == first

    onward = browser.submit(card, f"/approvals/{first}", verdict="approve")

    assert opened(onward) == second
    assert re.search(r'id="question" tabindex="-1" autofocus', onward.text)
    assert "Approved #1001 Grant a one-off reschedule? Sending at 10:00:10 Undo" in words(onward)
    last = browser.submit(browser.get(f"/approvals?open={third}"), f"/approvals/{third}", verdict="approve")
    assert opened(last) == second  # round to what was passed over
    back = browser.submit(last, f"/approvals/{third}/undo")
    assert (opened(back), desk.state(third)) == (third, "open")


def test_after_the_last_decision_nothing_needs_anybody_and_the_line_still_says_what_was_decided(desk: House) -> None:
    approval = ask(desk)
    browser = desk.browser(Role.COACH)

    done = browser.submit(browser.get("/approvals"), f"/approvals/{approval}", verdict="deny", reason="No.")

    assert "Denied #1001 Grant a one-off reschedule?" in words(done)
    assert "Nothing needs you" in words(done)


def test_nobody_reads_the_line_of_somebody_elses_decision(desk: House, second: str) -> None:
    first, *_ = three(desk)
    one, other = desk.browser(Role.COACH), desk.browser()
    other.submit(other.get(f"/sign-in/{second}"), "/sign-in/")
    one.submit(one.get("/approvals"), f"/approvals/{first}", verdict="approve")

    for unknown in (first, "apv_nothing", "<script>"):
        assert 'class="decided"' not in other.get(f"/approvals?decided={unknown}").text


# --- what stands in the way, and what changed -------------------------------------------------------------------------


def test_facts_too_old_to_decide_on_turn_approve_off_until_they_are_read_now(desk: House) -> None:
    approval = ask(desk)
    browser = desk.browser(Role.COACH)
    fresh = browser.get(f"/approvals?open={approval}")
    assert "Read now" not in fresh.text
    desk.now += timedelta(minutes=30)

    card = browser.get(f"/approvals?open={approval}")

    assert "Next session is 1 h 7 min old Approve is off until it is read again. Read now" in words(card)
    assert 'value="approve"' not in card.text
    refused = browser.submit(fresh, f"/approvals/{approval}", verdict="approve")
    assert (refused.status_code, desk.state(approval)) == (409, "open")
    assert "Next session is too old to decide on; read it now" in words(refused)
    assert desk.state(approval) == "open"
    desk.begun.clear()
    reading = browser.press(card, f"/approvals/{approval}/read")
    assert "Being read now" in words(reading)
    assert desk.begun == [("read_anew", approval)]


def test_what_was_typed_is_kept_though_the_facts_got_old_meanwhile(desk: House) -> None:
    approval = ask(desk)
    browser = desk.browser(Role.COACH)
    edit = browser.get(f"/approvals?open={approval}&act=edit")
    desk.now += timedelta(minutes=30)

    kept = browser.submit(edit, f"/approvals/{approval}", verdict="edit", text="Your coach agrees, this once.")

    assert kept.status_code == 409
    assert "Your coach agrees, this once.</textarea>" in kept.text
    assert re.search(r'value="edit" data-send disabled', kept.text)


def test_while_a_system_it_needs_is_down_approve_is_off_and_says_since_when(desk: House) -> None:
    approval = ask(desk)
    with transaction():
        health.declare("calendar", degraded=True, why="no answer", by="per_ops", role="ops_lead")
    browser = desk.browser(Role.COACH)

    card = browser.get(f"/approvals?open={approval}")

    assert "Calendar cannot be relied on since 10:00. Approve is off until it answers again." in words(card)
    assert 'value="approve"' not in card.text
    assert "act=deny" in card.text


def test_who_comes_second_reads_who_decided_what_and_when_and_keeps_their_words(desk: House, second: str) -> None:
    approval = ask(desk)
    one, other = desk.browser(Role.COACH), desk.browser()
    other.submit(other.get(f"/sign-in/{second}"), "/sign-in/")
    edit = other.get(f"/approvals?open={approval}&act=edit")
    desk.now += timedelta(minutes=9)
    one.submit(one.get("/approvals"), f"/approvals/{approval}", verdict="deny", reason="No.")

    told = other.submit(edit, f"/approvals/{approval}", verdict="edit", text="Mine.")

    assert told.status_code == 409
    assert "Coach denied this at 10:09" in words(told)
    assert "Mine." in told.text


def test_who_saw_other_words_is_shown_what_changed_and_by_whom(desk: House, second: str) -> None:
    approval = ask(desk, needs=2)
    one, other = desk.browser(Role.COACH), desk.browser()
    other.submit(other.get(f"/sign-in/{second}"), "/sign-in/")
    before = other.get(f"/approvals?open={approval}")
    edit = one.get(f"/approvals?open={approval}&act=edit")
    reworded = REPLY.replace("as a one-time exception", "this once")
    one.submit(edit, f"/approvals/{approval}", verdict="edit", text=reworded)

    told = other.submit(before, f"/approvals/{approval}", verdict="approve")

    assert told.status_code == 409
    assert "Coach edited the reply at 10:00" in words(told)
    assert re.search(r"See the change.*<del>.*exception.*</del>", told.text, re.S)
    assert "<ins>this once</ins>" in told.text


def test_a_preview_marks_what_an_edit_changes_of_the_proposal(desk: House) -> None:
    approval = ask(desk)
    browser = desk.browser(Role.COACH)
    edit = browser.get(f"/approvals?open={approval}&act=edit")
    token = re.search(r'name="csrf" value="([^"]+)"', edit.text)
    assert token

    form = {"csrf": token[1], "verdict": "edit", "digest": "x", "text": REPLY.replace("Good news", "<b>Hello</b>")}
    part = browser.client.post(f"/approvals/{approval}/preview?part=checks", data=form)

    assert "<del>Good news</del><ins>&lt;b&gt;Hello&lt;/b&gt;</ins>, Citra" in part.text


def test_an_ops_lead_sees_the_backlog_and_may_only_send_it_on(desk: House) -> None:
    approval = ask(desk)
    browser = desk.browser(Role.OPS_LEAD)

    card = browser.get(f"/approvals?open={approval}")

    assert "Coach decides this. You can escalate it, or add a note." in words(card)
    assert "act=escalate" in card.text
    assert not any(act in card.text for act in ("act=edit", "act=deny", 'value="approve"'))
    why = browser.get(f"/approvals?open={approval}&act=escalate")
    assert "It stays with the coach" in words(why), "no lane is above theirs"
    browser.submit(why, f"/approvals/{approval}", verdict="escalate", preset="Safety")
    assert desk.state(approval) == "escalated"


def test_the_administrator_reads_which_rules_fired_and_decides_nothing(desk: House) -> None:
    approval = ask(desk)
    with transaction():
        case_id = approvals.get(approval).case_id

    card = desk.browser(Role.ADMIN).get(f"/cases/{case_id}")

    assert "Session too near" in words(card)
    assert not any(act in card.text for act in ("act=edit", "act=deny", "act=escalate", 'value="approve"', "/read"))


def test_reasons_are_those_of_the_pack_where_it_names_some(desk: House) -> None:
    approval = ask(desk)
    profile = replace(desk.pack.profile, reasons={"deny": ("Two moves are enough",)})
    tools.use(replace(tools.given(), pack=replace(desk.pack, profile=profile)))
    browser = desk.browser(Role.COACH)

    deny, escalate = (browser.get(f"/approvals?open={approval}&act={act}") for act in ("deny", "escalate"))

    assert "Two moves are enough" in words(deny)
    assert "Outside policy" not in words(deny)
    assert "Chargeback or legal threat" in words(escalate)
