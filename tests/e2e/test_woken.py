"""What people look at whatever the tier: guesses that are not sure enough, and what breaks the glass."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from caseward.core import conditions
from caseward.core.case import CaseStatus
from caseward.core.ids import ConversationId
from caseward.core.policy import Trigger
from caseward.desk import health, tools
from caseward.store import cases, db, log
from tests.conftest import Desk


def look_at(desk: Desk, confidence: int) -> None:
    """Have people look at what would go out by itself with less than this confidence."""
    rows = tuple(replace(row, confidence=confidence) for row in desk.pack.policy.matrix)
    desk.pack = replace(desk.pack, policy=replace(desk.pack.policy, matrix=rows))
    tools.use(replace(tools.given(), pack=desk.pack))


def wake_for(desk: Desk, *triggers: Trigger) -> None:
    """Have these triggers instead of the school's."""
    desk.pack = replace(desk.pack, policy=replace(desk.pack.policy, triggers=triggers))
    tools.use(replace(tools.given(), pack=desk.pack))


def trigger(fact: str, operator: str, value: object, *, severity: str = "P1", id: str = "alarm") -> Trigger:
    when = conditions.Test(fact=fact, operator=operator, value=value)  # type: ignore[arg-type]
    return Trigger(id=id, when=when, lane="coach", because="Somebody should see this.", severity=severity)


def wakings(desk: Desk, conversation: ConversationId) -> list[log.Entry]:
    return [each for each in desk.entries(conversation) if each.kind == "break_glass"]


def reasons(desk: Desk, conversation: ConversationId) -> list[str]:
    with db.transaction():
        body = cases.decision(desk.case(conversation).id)
    assert body is not None
    return list(body["reasons"])


# --- confidence -------------------------------------------------------------------------------------------------------


def test_a_page_that_is_not_sure_enough_to_answer_is_looked_at_in_the_lowest_lane(desk: Desk) -> None:
    look_at(desk, 80)
    conversation = desk.open(language="en")

    desk.say(conversation, "Do you offer lessons for kids?")
    desk.settle()

    request = desk.request(conversation)
    assert (request.lane, request.tier.name) == ("qa", "R0")
    [why] = reasons(desk, conversation)
    assert why.startswith("the page that answers it was found with 6")
    assert "80 % are asked for" in why


def test_what_is_surely_understood_goes_out_by_itself_all_the_same(desk: Desk) -> None:
    look_at(desk, 80)
    conversation = desk.open()

    desk.say(conversation, "Studio buka jam berapa ya?")
    desk.settle()

    assert "09.00" in desk.replies(conversation)[-1]
    assert reasons(desk, conversation) == []


def test_a_message_that_is_a_guess_is_looked_at_too(desk: Desk) -> None:
    look_at(desk, 70)
    given = tools.given()

    class Unsure:
        """Finds what the brain finds, and is never quite sure what was meant."""

        def understand(self, text: str, *, language: str | None = None) -> object:
            return replace(given.brain.understand(text, language=language), confidence=0.695)

        def find(self, text: str, *, language: str) -> object:
            return given.brain.find(text, language=language)

    tools.use(replace(given, brain=Unsure()))  # type: ignore[arg-type]
    conversation = desk.open()

    desk.say(conversation, "Studio buka jam berapa ya?")
    desk.settle()

    assert reasons(desk, conversation) == ["the message was understood with 69 % confidence, and 70 % are asked for"]
    assert desk.request(conversation).lane == "qa"


# --- break glass ------------------------------------------------------------------------------------------------------


def test_a_trigger_wakes_its_lane_raises_the_severity_and_runs_urgent_clocks(desk: Desk) -> None:
    wake_for(desk, trigger("intent", "is", "faq"))
    conversation = desk.open()

    desk.say(conversation, "Studio buka jam berapa ya?")
    desk.settle()

    case = desk.case(conversation)
    assert (case.severity, case.woken, case.status) == ("P1", ("alarm",), CaseStatus.WAITING_APPROVAL)
    assert desk.request(conversation).lane == "coach"
    [entry] = wakings(desk, conversation)
    assert entry.payload == {
        "trigger": "alarm", "because": "Somebody should see this.", "lane": "coach", "wakes": "Coach", "severity": "P1",
    }  # fmt: skip
    with db.transaction():
        due = cases.clocks_of(case.id)["resolution"].due_at
    assert due == desk.clock() + timedelta(minutes=desk.pack.profile.sla.urgent_minutes)


def test_a_case_is_woken_once_by_each_trigger_and_stays_urgent(desk: Desk) -> None:
    wake_for(desk, trigger("intent", "is", "faq"), trigger("intent", "is", "refund", severity="", id="money"))
    conversation = desk.open(as_="stu-003", language="en")

    for text in ("What are your opening hours?", "And where are you?", "I want a refund for my last payment please"):
        desk.say(conversation, text)
        desk.settle()

    assert [each.payload["trigger"] for each in wakings(desk, conversation)] == ["alarm", "money"]
    assert (desk.case(conversation).woken, desk.case(conversation).severity) == (("alarm", "money"), "P1")


def test_a_trigger_never_lowers_the_severity(desk: Desk) -> None:
    wake_for(desk, trigger("intent", "is", "complaint", severity="P4"))
    conversation = desk.open(as_="stu-003", language="en")

    desk.say(conversation, "I am really unhappy with how my last lesson went")
    desk.settle()

    assert desk.case(conversation).severity < "P4"


def test_a_person_is_woken_though_identity_is_not_proved(desk: Desk) -> None:
    wake_for(desk, trigger("intent", "is", "schedule"))
    conversation = desk.open(language="en")

    desk.say(conversation, "When is my next lesson?")
    desk.settle()

    assert desk.request(conversation).lane == "coach"
    assert not any("invoice number" in reply for reply in desk.replies(conversation))


def test_a_person_is_woken_while_a_system_is_down(desk: Desk) -> None:
    wake_for(desk, trigger("intent", "is", "schedule"))
    with db.transaction():
        health.declare("calendar", degraded=True, why="maintenance", by="ops", role="ops_lead")
    conversation = desk.open(as_="stu-001", language="en")

    desk.say(conversation, "When is my next lesson?")
    desk.settle()

    assert desk.request(conversation).lane == "coach"


def test_a_person_is_woken_before_the_contact_chooses_among_times(desk: Desk) -> None:
    wake_for(desk, trigger("intent", "is", "reschedule"))
    conversation = desk.open(as_="stu-001", language="en")

    desk.say(conversation, "Hi, can I move my next lesson to another day?")
    desk.settle()

    assert desk.request(conversation).lane == "coach"


def test_what_is_asked_first_may_settle_whether_somebody_is_woken(desk: Desk) -> None:
    wake_for(desk, trigger("minutes_to_session", "lt", 0))
    conversation = desk.open(language="en")

    desk.say(conversation, "When is my next lesson?")
    desk.settle()

    assert desk.case(conversation).status is CaseStatus.PENDING_VERIFICATION
    assert wakings(desk, conversation) == []


def test_a_trigger_that_nothing_will_settle_wakes_somebody(desk: Desk) -> None:
    wake_for(desk, trigger("minutes_to_session", "lt", 0))
    conversation = desk.open()

    desk.say(conversation, "Studio buka jam berapa ya?")
    desk.settle()

    assert len(wakings(desk, conversation)) == 1
    assert desk.request(conversation).lane == "coach"


def test_somebody_is_woken_by_a_turn_that_asks_nothing_new(desk: Desk) -> None:
    conversation = desk.open(as_="stu-003", language="en")
    desk.say(conversation, "I want a refund for my last payment please")
    desk.settle()
    wake_for(desk, trigger("intent", "is", "other"))

    desk.say(conversation, "Any news?")
    desk.settle()

    assert (desk.case(conversation).severity, desk.case(conversation).woken) == ("P1", ("alarm",))
