"""What people are asked about while policy moves: decided anew where it matters, and never asked twice for nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from caseward.core.approval import ApprovalState, Word
from caseward.core.case import CaseStatus
from caseward.core.ids import ConversationId
from caseward.core.pack import Pack
from caseward.core.release import Files
from caseward.core.roles import Role
from caseward.desk import library, tools, trust
from caseward.desk.tools import Tools
from caseward.flows.changeover import Changeover
from caseward.packs import shelf
from caseward.store import approvals, cases, db
from caseward.store.approvals import Request
from tests.conftest import SCHOOL, Desk

NEXT = "2026-11-23.1"
SCHEDULE = "templates/schedule.yaml"
MINE = "When is my next lesson?"
HEADING = "Take over this schedule question?"


@pytest.fixture
def publish(desk: Desk, tmp_path: Path) -> Callable[[Files], None]:
    """Makes files the current release, which this process then serves."""
    with db.transaction():
        library.open_with(shelf.snapshot(SCHOOL))

    def outfit(pack: Pack) -> Tools:
        return replace(tools.given(), pack=pack)

    changeover = Changeover(tmp_path, outfit)
    changeover.look()

    def now(files: Files) -> None:
        with db.transaction():
            lane = library.propose(files, author="per_1", reason="because", release=NEXT).lane
            role = {"coach": Role.COACH, "qa": Role.AGENT}[lane]
            library.approve(NEXT, person=f"sample_{role}", role=role, reason="fine")
            library.publish(NEXT)
        assert changeover.look()

    return now


def edited(path: str, old: str, new: str) -> Files:
    files = dict(shelf.snapshot(SCHOOL))
    assert old in files[path]
    return {**files, path: files[path].replace(old, new)}


def stricter() -> Files:
    """Return a policy that has the coach look at every question about a schedule."""
    rule = """
- id: coach-looks-at-schedules
  tier: R3
  when: {intent: schedule}
  because: The timetable is being rebuilt.
  over: all
"""
    files = {path: text for path, text in shelf.snapshot(SCHOOL).items() if not path.startswith("golden/")}
    return {**files, "rules/timetable.yaml": rule}


def asked(desk: Desk) -> ConversationId:
    """Have a student ask for what an agent looks at first."""
    conversation = desk.open(as_="stu-001", language="en")
    desk.say(conversation, MINE)
    desk.settle()
    return conversation


def requests(desk: Desk, conversation: ConversationId) -> list[Request]:
    """Return what people were asked, what is open last."""
    with db.transaction():
        found = approvals.of_case(desk.case(conversation).id)
    return sorted(found, key=lambda each: each.state is ApprovalState.OPEN)


def kinds(desk: Desk, conversation: ConversationId) -> list[str]:
    return [entry.kind for entry in desk.entries(conversation)]


def test_consent_is_carried_out_where_nothing_it_rests_on_has_moved(
    desk: Desk, publish: Callable[[Files], None]
) -> None:
    conversation = asked(desk)
    words = desk.request(conversation)
    publish(edited("templates/greeting.yaml", "{business}", "{business} (new)"))

    desk.decide(conversation, Word.APPROVE, role="agent")

    assert [each.state for each in requests(desk, conversation)] == [ApprovalState.APPROVED]
    assert "stale" not in kinds(desk, conversation)
    with db.transaction():
        assert desk.replies(conversation)[-1] == approvals.draft(words.draft_id)[0].reply


def held(desk: Desk) -> ConversationId:
    """Have somebody ask what a page answers, in a case that a person holds: they look at it before it goes out."""
    conversation = desk.open(language="id")
    desk.say(conversation, "jam buka?")
    desk.settle()
    with db.transaction():
        cases.change(desk.case(conversation), desk.clock(), owner="sample_agent", status=CaseStatus.OPEN)
    desk.say(conversation, "jam buka?")
    desk.settle()
    draft_id = desk.request(conversation).draft_id
    with db.transaction():
        assert [each.id for each in approvals.draft(draft_id)[0].evidence if each.kind == "article"] == [
            "opening-hours"
        ]
    return conversation


def test_a_page_that_stayed_as_it_was_may_be_cited_from_the_release_before(
    desk: Desk, publish: Callable[[Files], None]
) -> None:
    conversation = held(desk)
    publish(edited("templates/greeting.yaml", "{business}", "{business} (new)"))

    desk.decide(conversation, Word.APPROVE, role="agent")

    assert [each.state for each in requests(desk, conversation)] == [ApprovalState.APPROVED]
    assert desk.replies(conversation)[-1] == desk.replies(conversation)[0]


@pytest.mark.parametrize("word", [Word.APPROVE, Word.ESCALATE])
def test_a_page_that_has_changed_is_answered_from_anew(
    desk: Desk, publish: Callable[[Files], None], word: Word
) -> None:
    conversation = held(desk)
    publish(edited("knowledge/opening-hours.yaml", "09.00-20.00", "09.00-21.00"))

    desk.decide(conversation, word, role="agent", reason="so be it")
    if word is Word.ESCALATE:
        desk.decide(conversation, Word.APPROVE)

    last = requests(desk, conversation)[-1]
    assert last.state is ApprovalState.OPEN
    assert "page opening-hours" in last.why
    desk.decide(conversation, Word.APPROVE, role="agent" if last.lane == "qa" else "coach")
    assert "09.00-21.00" in desk.replies(conversation)[-1]


def test_words_that_have_changed_are_asked_about_anew(desk: Desk, publish: Callable[[Files], None]) -> None:
    conversation = asked(desk)
    publish(edited(SCHEDULE, "Your next lesson", "Your very next lesson"))

    desk.decide(conversation, Word.APPROVE, role="agent")

    first, second = requests(desk, conversation)
    assert (first.state, second.state) == (ApprovalState.APPROVED, ApprovalState.OPEN)
    assert f"Policy moved meanwhile ({NEXT}, pilot, empowered): template schedule." in second.why
    assert "Your very next" not in "".join(desk.replies(conversation))
    desk.decide(conversation, Word.APPROVE, role="agent")
    assert "Your very next" in desk.replies(conversation)[-1]
    assert len(requests(desk, conversation)) == 2


def test_nobody_is_asked_twice_where_the_new_policy_comes_to_the_same_words(
    desk: Desk, publish: Callable[[Files], None]
) -> None:
    conversation = asked(desk)
    publish(edited("intents.yaml", HEADING, f"{HEADING} (please)"))

    desk.decide(conversation, Word.APPROVE, role="agent")

    assert "stale" in kinds(desk, conversation)
    assert [each.state for each in requests(desk, conversation)] == [ApprovalState.APPROVED]
    assert "Your next lesson" in desk.replies(conversation)[-1]


def test_a_higher_tier_is_asked_about_in_its_own_lane(desk: Desk, publish: Callable[[Files], None]) -> None:
    conversation = asked(desk)
    publish(stricter())

    desk.decide(conversation, Word.APPROVE, role="agent")

    last = requests(desk, conversation)[-1]
    assert (last.state, str(last.tier)) == (ApprovalState.OPEN, "R3")
    assert "R1 is R3 now" in last.why


def test_words_that_somebody_wrote_are_kept_when_policy_moves(desk: Desk, publish: Callable[[Files], None]) -> None:
    conversation = asked(desk)
    publish(stricter())
    request = desk.request(conversation)
    with db.transaction():
        mine = "Hi. " + approvals.draft(request.draft_id)[0].reply

    desk.decide(conversation, Word.EDIT, role="agent", text=mine)

    last = requests(desk, conversation)[-1]
    with db.transaction():
        assert approvals.draft(last.draft_id)[0].reply == mine
    assert (last.state, last.lane, str(last.tier)) == (ApprovalState.OPEN, "coach", "R3")
    desk.decide(conversation, Word.APPROVE)
    assert desk.replies(conversation)[-1] == mine


def test_consent_of_a_lane_that_no_longer_suffices_is_asked_for_in_the_lane_that_does(
    desk: Desk, publish: Callable[[Files], None]
) -> None:
    conversation = asked(desk)
    with db.transaction():
        trust.decide("pilot", topology="hub", person="sample_coach", role=Role.COACH, reason="because")
    rows = (f"- {{tier: {tier}, phases: [pilot], topologies: [hub], lane: coach}}\n" for tier in ("R1", "R2"))
    files = {path: text for path, text in shelf.snapshot(SCHOOL).items() if not path.startswith("golden/")}
    publish({**files, "approvals.yaml": files["approvals.yaml"] + "".join(rows)})

    desk.decide(conversation, Word.APPROVE, role="agent")

    last = requests(desk, conversation)[-1]
    assert (last.state, last.lane) == (ApprovalState.OPEN, "coach")
