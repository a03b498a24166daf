"""The settings that the pack holds: seen by who may, tried before they are proposed, proposed as any other change."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from caseward.adapters import find
from caseward.adapters.channels import whatsapp
from caseward.core.case import CaseStatus
from caseward.core.errors import Conflict, Refused
from caseward.core.pack import Pack
from caseward.core.policy import Tier
from caseward.core.roles import Role
from caseward.desk import library, retention, tools
from caseward.flows import testing_lines
from caseward.packs.wording import numbered
from caseward.simulators.serving import running
from caseward.simulators.whatsapp import ACCOUNT_ID, APP_SECRET, NUMBER_ID, TOKEN, VERIFY_TOKEN, WhatsApp
from caseward.store import admissions, cases, log, phases, releases, wires
from caseward.store.db import transaction
from tests.e2e.console_house import Browser, House, a_full_desk, house
from tests.e2e.console_releases import light_school

RULES = {"policies", "hours", "targets", "phase"}
SEEN = {
    Role.COACH: RULES,
    Role.OPS_LEAD: {*RULES, "channels", "systems", "readiness"},
    Role.ADMIN: {*RULES, "channels", "systems", "readiness", "retention"},
    Role.ON_CALL: {"systems", "readiness"},
    Role.AGENT: set[str](),
}
"""Role → the pages of the business's settings that it has."""


@pytest.fixture
def desk(database: str) -> Iterator[House]:
    with house() as opened:
        built_in, along = frozenset(find.skill_names(("records",))), tuple(find.names("channels"))
        tools.use(replace(tools.given(), built_in=built_in, along=along))
        with transaction():
            library.open_with(light_school())
        yield opened


def proposal() -> releases.Release:
    """Return the one change that was proposed."""
    with transaction():
        [found] = [each for each in releases.every() if each.state == "proposed"]
    return found


def written(release: str, file: str = "pack.yaml") -> str:
    with transaction():
        return releases.files(release)[file]


def no_proposal() -> bool:
    with transaction():
        return all(each.state == "published" for each in releases.every())


def edited(browser: Browser, path: str, **fields: str) -> str:
    """Return the form's page with these fields asked about."""
    return html.unescape(browser.client.get(path, params=fields).text)


# --- targets ----------------------------------------------------------------------------------------------------------


def test_other_targets_are_shown_with_how_the_last_weeks_would_have_gone_and_proposed(desk: House) -> None:
    # given one reply that took two business minutes, and one that took ten: three were promised
    for name, minutes in (("Citra Sample", 2), ("Budi Example", 10)):
        case = desk.case(name, "When is my lesson?", clock="first_response", due_minutes=-37)
        with transaction():
            cases.set_clock(case, "first_response", met_at=desk.now - timedelta(minutes=40 - minutes))
    browser = desk.browser(Role.OPS_LEAD)
    assert re.search(r"First reply</dt><dd class=\"num\">1 of 2</dd>", browser.get("/settings/targets").text)

    # when twelve minutes are tried, and ten seconds to undo what is of tier R3
    fields = dict(re.findall(r'name="([a-z_0-9R]+)" value="([^"]*)"', browser.get("/settings/targets/edit").text))
    held = [name for name in fields if name.startswith("hold_")]
    asked = {**fields, "first_response_minutes": "12", held[0]: "7"}
    page = browser.client.get("/settings/targets/edit", params=asked)

    # then both would have been kept
    assert re.search(
        r"<b>First reply</b></td><td class=\"num\">2</td><td class=\"num\">1</td>.*?1 more", page.text, re.S
    )
    assert no_proposal()

    # and what is proposed is these two figures, in their files
    browser.submit(page, "/settings/targets/propose", reason="Three minutes are not kept")
    made = proposal()
    assert "first_response_minutes: 12\n" in written(made.id)
    with transaction():
        before = releases.files(made.base)
    changed = sorted(name for name, text in before.items() if written(made.id, name) != text)
    assert changed == ["approvals.yaml", "pack.yaml"]
    assert "hold_seconds: 7" in written(made.id, "approvals.yaml")


def test_a_target_that_is_no_number_is_given_back(desk: House) -> None:
    browser = desk.browser(Role.ADMIN)

    for fields, complaint in (
        ({"first_response_minutes": "0"}, "First reply: '0' is not a number from 1"),
        ({"first_response_minutes": ""}, "First reply: '' is not a number"),
        ({"resolve_R0": "soon"}, "Resolve R0: 'soon' is not a number"),
        ({"warn_decision": "-1"}, "Decide: warn the team: '-1' is not a number"),
    ):
        page = browser.client.get("/settings/targets/edit", params=fields)

        assert page.status_code == 400
        assert complaint in html.unescape(page.text)
    assert no_proposal()


# --- phase ------------------------------------------------------------------------------------------------------------


def test_another_phase_is_seen_with_its_effects_and_decided_by_who_may(desk: House) -> None:
    # given an answer about somebody's own lesson, which is looked at in the pilot
    desk.case("Citra Sample", "When is my lesson?", tier=Tier.R1, intent="schedule", rules=("own-record",))
    lead, coach = desk.browser(Role.OPS_LEAD), desk.browser(Role.COACH)

    # when an ops lead looks at hardening, they see what it would change and cannot decide on it
    seen = html.unescape(lead.get("/settings/phase/decide?phase=hardening").text)
    assert "looked at below 95 % confidence" in seen
    assert 'action="/settings/phase/decide"' not in seen
    assert "Coach decides on it" in seen

    # when a coach decides, with one criterion met
    page = coach.get("/settings/phase/decide?phase=hardening")
    csrf = re.findall(r'name="csrf" value="([^"]*)"', page.text)[0]
    given = {"csrf": csrf, "phase": "hardening", "topology": "empowered", "tick": ["1"]}
    assert coach.client.post("/settings/phase/decide", data=given).status_code == 400  # no reason
    after = coach.client.post("/settings/phase/decide", data={**given, "reason": "Four good weeks"})

    # then it is so, on record, with what was not ticked
    assert "Hardening, empowered" in after.text
    with transaction():
        [decided] = phases.every()
        [entry] = log.entries(kind="phase")
    assert (decided.phase, decided.by, decided.reason) == ("hardening", desk.person(Role.COACH), "Four good weeks")
    assert list(decided.criteria.values()) == [False, True, False, False]
    assert entry.payload["criteria"] == dict(decided.criteria)

    # and back again
    tools.use(replace(tools.given(), pack=at(desk, "hardening")))
    back = coach.get("/settings/phase/decide?phase=pilot")
    coach.submit(back, "/settings/phase/decide", reason="A reply had to be taken back")
    with transaction():
        assert phases.every()[0].phase == "pilot"


def test_two_steps_at_once_and_phases_that_are_none_are_refused(desk: House) -> None:
    coach = desk.browser(Role.COACH)
    page = coach.get("/settings/phase/decide?phase=production")
    csrf = re.findall(r'name="csrf" value="([^"]*)"', page.text)[0]

    assert 'action="/settings/phase/decide"' not in page.text
    assert coach.get("/settings/phase/decide?phase=freedom").status_code == 400
    for role, phase, status in ((Role.COACH, "production", 403), (Role.OPS_LEAD, "hardening", 403)):
        browser = desk.browser(role)
        csrf = re.findall(r'name="csrf" value="([^"]*)"', browser.get("/audit").text)[0]
        given = {"csrf": csrf, "phase": phase, "reason": "because"}
        assert browser.client.post("/settings/phase/decide", data=given).status_code == status
    with transaction():
        assert phases.every() == []


def at(desk: House, phase: str) -> Pack:
    """Return the house's pack as it is served in another phase."""
    return replace(desk.pack, policy=replace(desk.pack.policy, phase=phase))


# --- hours ------------------------------------------------------------------------------------------------------------


def test_the_week_and_the_closed_days_that_come_are_shown(desk: House) -> None:
    page = html.unescape(desk.browser(Role.COACH).get("/settings/hours").text)

    assert "Open now." in page
    assert "09:00 to 20:00" in page
    assert "Christmas" in page  # a public holiday, by its name
    assert re.search(r'datetime="2026-12-24">Thu 24 Dec 2026</time><span class="">Own day', page)
    assert 'datetime="2026-12-27"' not in page  # a Sunday, closed by the week


def test_other_hours_are_shown_with_what_they_would_change_and_proposed(desk: House) -> None:
    # given cases with promises that run, and an ops lead who wants to close on Mondays and on a day of their own
    a_full_desk(desk)
    browser = desk.browser(Role.OPS_LEAD)
    form = browser.get("/settings/hours/edit")
    closed = re.search(r'name="closed"[^>]*>([^<]*)<', form.text)
    assert closed
    asked = {"mon": "", "sat": "09:00-12:00, 13:00-18:00", "closed": f"{closed[1]}\n2026-12-02"}

    # when they look at it
    page = browser.client.get("/settings/hours/edit", params=asked)
    text = html.unescape(page.text)

    # then the days and the promises that would have been otherwise are named, and nothing has changed
    assert "63 h a week become 52 h" in text
    assert "Mon 23 Nov 2026: closed, it was 09:00 to 20:00" in text
    assert "Wed 2 Dec 2026: closed, it was 09:00 to 20:00" in text
    assert re.search(r"#\d+</a> Decide by .*? later", text, re.S)
    assert no_proposal()

    # when they propose it
    after = browser.submit(page, "/settings/hours/propose", reason="Nobody comes on Mondays")

    # then it waits for consent as any change does, with the comments of the file in their places
    made = proposal()
    assert after.url.path == f"/knowledge/changes/{made.id}"
    assert (made.author, made.reason, made.lane) == (desk.person(Role.OPS_LEAD), "Nobody comes on Mondays", "coach")
    text = written(made.id)
    assert 'sat: ["09:00-12:00", "13:00-18:00"]' in text
    assert "\n  mon:" not in text
    assert "    - 2026-12-02\n" in text
    assert "# The studio also closes from 24 December" in text
    with transaction():
        said = [(each.actor, each.payload["state"]) for each in log.entries(kind="release")]
    assert (desk.person(Role.OPS_LEAD), "proposed") in said


SLIPS: list[tuple[dict[str, str], str]] = [
    ({"mon": "nine to five"}, "Monday: 'nine to five' is no span"),
    ({"mon": "18:00-09:00"}, "ends before it starts"),
    ({"zone": "Asia/Nowhere"}, "Unknown time zone"),
    ({"country": "XX"}, "No public holidays known"),
    ({"closed": "25 December"}, "'25' is no day"),
    ({"closed": "2026-02-30"}, "'2026-02-30' is no day"),
    (dict.fromkeys(("mon", "tue", "wed", "thu", "fri", "sat", "sun"), ""), "never be open"),
    ({"mon": "09:00-20:00"}, "Nothing would change"),
]


def test_hours_that_cannot_be_are_given_back_as_they_were_filled_in(desk: House) -> None:
    browser = desk.browser(Role.ADMIN)

    for fields, complaint in SLIPS:
        page = browser.client.get("/settings/hours/edit", params=fields)

        assert page.status_code == 400, fields
        text = html.unescape(page.text)
        assert complaint in text, fields
        assert all(value in text for value in fields.values()), fields
        assert 'action="/settings/hours/propose"' not in text, fields


def test_what_was_looked_at_before_another_release_is_looked_at_again(desk: House) -> None:
    browser = desk.browser(Role.ADMIN)
    page = browser.client.get("/settings/hours/edit", params={"mon": "10:00-20:00"})
    with transaction():
        files = {**releases.files(releases.current().release)}  # type: ignore[union-attr]
        files["pack.yaml"] = files["pack.yaml"].replace("attempts: 3", "attempts: 4")
        library.follow(files)

    answer = browser.submit(page, "/settings/hours/propose", reason="Later")

    assert answer.status_code == 409
    assert "became current meanwhile" in answer.text
    assert no_proposal()


@pytest.mark.parametrize("role", [Role.AGENT, Role.ON_CALL])
def test_others_propose_nothing(desk: House, role: Role) -> None:
    browser = desk.browser(role)
    csrf = re.findall(r'name="csrf" value="([^"]*)"', browser.get("/audit").text)[0]

    answers = [
        browser.client.post(path, data={"csrf": csrf, "mon": "", "reason": "because", "base": "2026-11-21.1"})
        for path in (
            "/settings/hours/propose",
            "/settings/targets/propose",
            "/settings/retention/propose",
            "/settings/channels/telegram/admission",
            "/settings/channels/telegram/code",
        )
    ]

    assert {each.status_code for each in answers} == {403}
    assert no_proposal()


# --- retention --------------------------------------------------------------------------------------------------------


def test_what_is_kept_is_shown_and_other_periods_are_proposed_with_what_they_would_delete(desk: House) -> None:
    # given a case that was closed three hundred days ago
    case = desk.case("Citra Sample", "When is my lesson?", status=CaseStatus.CLOSED)
    desk.now += timedelta(days=300)
    browser = desk.browser(Role.ADMIN)
    assert "730 days" in browser.get("/settings/retention").text

    # when two hundred days are tried
    page = browser.client.get("/settings/retention/edit", params={"messages": "200"})
    assert re.search(r"Conversations, 200 days</dt><dd class=\"num\">1</dd>", page.text)
    too_few = browser.client.get("/settings/retention/edit", params={"messages": "3"})
    assert (too_few.status_code, "from 30 to 36500" in too_few.text) == (400, True)

    # then it is proposed, and nothing is gone before it is published
    browser.submit(page, "/settings/retention/propose", reason="The lawyer says so")
    assert "\nretention:\n  messages: 200\n" in written(proposal().id)
    with transaction():
        assert cases.get(case).status is CaseStatus.CLOSED
        retention.delete("messages")
        assert log.entries(kind="retention") == []


# --- channels ---------------------------------------------------------------------------------------------------------


def test_a_channel_says_why_it_is_off_and_what_is_missing(desk: House) -> None:
    page = html.unescape(desk.browser(Role.ADMIN).get("/settings/channels").text)

    assert "Not given: CASEWARD_TELEGRAM_TOKEN" in page
    assert "CASEWARD_WHATSAPP_APP_SECRET, CASEWARD_WHATSAPP_VERIFY_TOKEN" in page


def test_whoever_asks_is_let_in_or_refused_on_record(desk: House) -> None:
    with transaction():
        admissions.ask("telegram", "4711", wrong_code=False, now=desk.now)
    browser = desk.browser(Role.OPS_LEAD)
    page = browser.get("/settings/channels/telegram")
    assert "Asks to be let in" in page.text

    page = browser.submit(page, "/settings/channels/telegram/admission", word="admit")
    assert "Let in" in page.text
    browser.submit(page, "/settings/channels/telegram/admission", word="refuse")

    with transaction():
        said = [(each.actor, each.payload["state"]) for each in log.entries(kind="admission")]
    assert said == [(desk.person(Role.OPS_LEAD), "admitted"), (desk.person(Role.OPS_LEAD), "refused")]
    assert browser.get("/settings/channels/pigeon").status_code == 404
    csrf = re.findall(r'name="csrf" value="([^"]*)"', page.text)[0]
    code = browser.client.post("/settings/channels/telegram/code", data={"csrf": csrf})
    assert (code.status_code, "lets nobody in" in code.text) == (400, True)  # its access is open, not by code


RANI = "6281200000001"


@pytest.fixture
def vendor(desk: House) -> Iterator[WhatsApp]:
    """A number at the vendor, and the desk's line to it."""
    sim = WhatsApp(templates={})
    with running(sim.app) as url:
        given = {"api_url": f"{url}/v23.0", "number_id": NUMBER_ID, "token": TOKEN, "account_id": ACCOUNT_ID}
        plug = whatsapp.WhatsApp(**given, app_secret=APP_SECRET, verify_token=VERIFY_TOKEN)
        tools.use(replace(tools.given(), channels={"whatsapp": plug}))
        yield sim
    sim.close()


def test_a_test_message_goes_out_once_to_an_address_and_is_on_record(desk: House, vendor: WhatsApp) -> None:
    vendor.say(RANI, "Halo")
    browser = desk.browser(Role.OPS_LEAD)
    page = browser.get("/settings/channels/whatsapp")

    taken = browser.submit(page, "/settings/channels/whatsapp/test", address=f" {RANI} ")
    shut = browser.submit(page, "/settings/channels/whatsapp/test", address="6281200000002")
    empty = browser.submit(page, "/settings/channels/whatsapp/test", address="  ")

    assert "The vendor took it" in taken.text
    assert vendor.texts(RANI) == ["A test message from Studio demo. Nothing has to be done."]
    assert shut.status_code >= 400
    assert "More than 24 hours" in html.unescape(shut.text)
    assert 'value="6281200000002"' in shut.text
    assert (empty.status_code, "write the address" in html.unescape(empty.text).lower()) == (400, True)
    with transaction():
        told = [(each.actor, each.payload["state"]) for each in log.entries(kind="test")]
        assert RANI not in str([each.payload for each in log.entries(kind="test")])
        assert wires.of("whatsapp").sent_at is not None
    assert told == [(desk.person(Role.OPS_LEAD), "sent"), (desk.person(Role.OPS_LEAD), "failed")]


def test_test_messages_are_few_and_sent_by_those_who_look_after_channels(desk: House, vendor: WhatsApp) -> None:
    vendor.say(RANI, "Halo")
    for role in (Role.COACH, Role.AGENT, Role.ON_CALL):
        browser = desk.browser(role)
        csrf = re.findall(r'name="csrf" value="([^"]*)"', browser.get("/more").text)[0]
        for act in ("test", "wording"):
            sent = browser.client.post(f"/settings/channels/whatsapp/{act}", data={"csrf": csrf, "address": RANI})
            assert sent.status_code == 403
        with pytest.raises(Refused):
            testing_lines.send_test("whatsapp", RANI, person=desk.person(role), role=role)
    assert vendor.texts(RANI) == []

    admin = desk.person(Role.ADMIN)
    for _ in range(testing_lines.MOST):
        testing_lines.send_test("whatsapp", RANI, person=admin, role=Role.ADMIN)
    with pytest.raises(Conflict):
        testing_lines.send_test("whatsapp", RANI, person=admin, role=Role.ADMIN)

    assert len(vendor.texts(RANI)) == testing_lines.MOST


def test_how_the_vendor_judges_our_wording_is_shown_as_it_was_looked_at_last(desk: House, vendor: WhatsApp) -> None:
    pack = tools.pack()
    [(reminder, one), (payment, other)] = sorted(pack.channels.of("whatsapp").approved.items(), reverse=True)[:2]
    vendor.approve(one.name, "id", numbered(pack.template(reminder), "id", one.values))
    vendor.approve(one.name, "en_US", "Something else")
    vendor.approve(other.name, "id", numbered(pack.template(payment), "id", other.values))
    vendor.judge(other.name, "id", "REJECTED", "SCAM")
    browser = desk.browser(Role.OPS_LEAD)
    before = browser.get("/settings/channels/whatsapp")
    calls = len(vendor.wire)

    after = browser.submit(before, "/settings/channels/whatsapp/wording").text
    lines = [re.sub(r"<[^>]+>|\s+", " ", each) for each in after.partition('id="approved"')[2].split("<li>")[1:]]

    assert "nobody has looked yet" in before.text
    assert calls == 0  # looking at the page asks the vendor nothing
    told = {(name, code): state for name in (one.name, other.name) for code in (" id ", " en_US ") for each in lines
            for state in ("Approved", "Differs", "Rejected", "Missing")
            if name in each and code in each and state in each}  # fmt: skip
    assert told == {
        (one.name, " id "): "Approved",
        (one.name, " en_US "): "Differs",
        (other.name, " id "): "Rejected",
        (other.name, " en_US "): "Missing",
    }
    assert all(said in after for said in ("Scam", "Something else", "looked at"))


# --- who sees what ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", sorted(SEEN))
def test_a_role_sees_its_settings_and_no_others(desk: House, role: Role) -> None:
    browser = desk.browser(role)
    every = set().union(*SEEN.values())

    found = set(re.findall(r'href="/settings/([a-z]+)"', browser.get("/settings").text)) & every

    assert found == SEEN[role]
    for page in every:
        wanted = 200 if page in SEEN[role] else 403
        assert browser.get(f"/settings/{page}").status_code == wanted, page
