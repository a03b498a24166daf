"""The console's pages over the real store, in a browser without scripts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest

from caseward.core.approval import ApprovalState
from caseward.core.case import CaseStatus
from caseward.core.roles import Role
from caseward.store import approvals, cases, log, messages, passwords, people, running, sessions
from caseward.store.db import transaction
from caseward.web.session import EVERYONE
from tests.e2e.console_house import REPLY, House, a_full_desk, house


@pytest.fixture
def desk(database: str) -> Iterator[House]:
    with house() as opened:
        yield opened


# --- signing in and out -----------------------------------------------------------------------------------------------


def test_without_a_session_every_page_asks_to_sign_in_and_then_goes_on(desk: House) -> None:
    browser = desk.browser()

    asked = browser.get("/audit?kind=verdict")

    assert asked.url.path == "/sign-in"
    assert 'name="next" value="/audit?kind=verdict"' in asked.text


def test_a_link_signs_in_by_its_button_and_not_by_being_looked_at(desk: House) -> None:
    browser, link = desk.browser(), desk.link(Role.COACH)

    looked = browser.get(f"/sign-in/{link}")
    still_out = browser.get("/inbox")
    signed_in = browser.submit(looked, "/sign-in/")

    assert still_out.url.path == "/sign-in"
    assert signed_in.url.path == "/inbox"


def test_the_link_of_a_real_person_works_once_and_a_sample_one_until_it_expires(desk: House) -> None:
    with transaction():
        real = replace(people.get(desk.person(Role.AGENT)), id="per_real", email="real@studio.example", sample=False)
        people.add(real, now=desk.now)
        link = people.link("per_real", expires_at=desk.now + timedelta(hours=1))
    sample = desk.link(Role.COACH)

    for token in (link, sample, sample):
        browser = desk.browser()
        assert browser.submit(browser.get(f"/sign-in/{token}"), "/sign-in/").url.path == "/inbox"
    again = desk.browser().get(f"/sign-in/{link}")
    desk.now += timedelta(days=2)
    late = desk.browser().get(f"/sign-in/{sample}")

    assert (again.status_code, late.status_code) == (404, 404)
    assert "ask for a new one" in again.text


def test_a_password_signs_in_and_a_wrong_one_says_nothing_about_which_part_is_wrong(desk: House) -> None:
    with transaction():
        people.add(
            people.get(desk.person(Role.COACH)), now=desk.now, password_hash=passwords.make("a long enough password")
        )
    browser = desk.browser()
    form = browser.get("/sign-in")

    wrong = browser.submit(form, "/sign-in", email="coach@studio.example", password="not the password")
    nobody = browser.submit(form, "/sign-in", email="nobody@studio.example", password="not the password")
    right = browser.submit(form, "/sign-in", email="Coach@studio.example", password="a long enough password")

    assert (wrong.status_code, nobody.status_code) == (403, 403)
    said = [re.findall(r'role="alert">.*?</div>', page.text, re.S) for page in (wrong, nobody)]
    assert said[0] == said[1] != []
    assert right.url.path == "/inbox"


def test_guessing_is_stopped_even_when_the_guess_is_right_at_last(desk: House) -> None:
    with transaction():
        people.add(people.get(desk.person(Role.COACH)), now=desk.now, password_hash=passwords.make("a long password"))
    browser = desk.browser()
    form = browser.get("/sign-in")

    for _ in range(passwords.FAILURES_PER_PAIR):
        browser.submit(form, "/sign-in", email="coach@studio.example", password="guess")
    stopped = browser.submit(form, "/sign-in", email="coach@studio.example", password="a long password")

    assert stopped.status_code == 429
    assert "Try again at 10:15." in stopped.text


def test_a_sign_in_form_of_another_browser_is_refused(desk: House) -> None:
    theirs, mine = desk.browser(), desk.browser()
    form = theirs.get(f"/sign-in/{desk.link(Role.ADMIN)}")

    refused = mine.submit(form, "/sign-in/")

    assert refused.status_code == 403
    assert mine.get("/inbox").url.path == "/sign-in"


def test_signing_out_ends_the_session_everywhere_and_signing_in_again_makes_a_new_one(desk: House) -> None:
    browser = desk.browser(Role.COACH)
    stolen = browser.client.cookies["caseward-session"]

    browser.submit(browser.get("/inbox"), "/sign-out")
    thief = desk.browser()
    thief.client.cookies.set("caseward-session", stolen)
    again = desk.browser(Role.COACH).client.cookies["caseward-session"]

    assert thief.get("/inbox").url.path == "/sign-in"
    assert again != stolen


@pytest.mark.parametrize(("step", "steps"), [(sessions.IDLE + timedelta(minutes=1), 1), (sessions.IDLE / 2, 13)])
def test_a_session_ends_by_idleness_and_by_age(desk: House, step: timedelta, steps: int) -> None:
    browser = desk.browser(Role.COACH)

    for _ in range(steps):
        desk.now += step
        browser.get("/more")

    assert browser.get("/more").url.path == "/sign-in"


def test_a_disabled_person_is_out_at_once(desk: House) -> None:
    browser = desk.browser(Role.COACH)
    with transaction():
        people.add(replace(people.get(desk.person(Role.COACH)), disabled=True), now=desk.now)

    assert browser.get("/inbox").url.path == "/sign-in"


def test_cookies_are_out_of_reach_of_scripts_and_of_other_sites(desk: House) -> None:
    browser = desk.browser()
    asked = browser.get(f"/sign-in/{desk.link(Role.COACH)}")
    browser.client.follow_redirects = False

    signed_in = browser.submit(asked, "/sign-in/")

    assert "httponly; max-age=43200; path=/; samesite=lax" in signed_in.headers["set-cookie"].lower()
    assert "samesite=strict" in asked.headers["set-cookie"].lower()


# --- what each role sees ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", sorted(EVERYONE))
def test_the_menu_lists_exactly_the_pages_of_a_role_and_each_of_them_opens(desk: House, role: Role) -> None:
    a_full_desk(desk)
    browser = desk.browser(role)
    expected = {"/inbox", "/overview", "/audit", "/settings"}
    expected |= set() if role in (Role.ON_CALL, Role.ADMIN) else {"/approvals"}
    expected |= set() if role is Role.ON_CALL else {"/knowledge"}

    home = browser.get("/")

    begins = {Role.OPS_LEAD: "/overview", Role.ADMIN: "/knowledge/releases"}
    assert home.url.path == begins.get(role, "/inbox")
    assert set(re.findall(r'class="nav-item" href="([^"]+)"', home.text)) == expected
    assert {browser.get(path).status_code for path in expected} == {200}


def test_a_page_of_another_role_is_refused_in_words(desk: House) -> None:
    refused = desk.browser(Role.ADMIN).get("/approvals")

    assert refused.status_code == 403
    assert "This is for coach, agent and ops lead. Ask one of them to do it." in refused.text


def test_an_administrator_reads_cases_without_personal_data(desk: House) -> None:
    a_full_desk(desk)
    browser = desk.browser(Role.ADMIN)

    found = browser.get("/inbox?q=Citra")
    case = re.search(r'href="(/cases/[^?"]+)', found.text)
    assert case
    pages = [found.text, *(browser.get(f"{case[1]}?tab={tab}").text for tab in ("file", "history", "trace"))]

    for page in pages:
        assert "Citra" not in re.sub(r'value="Citra"|q=Citra|“Citra”', "", page)
        assert "citra@" not in page
        assert "/reveal" not in page
        assert "C•••" in page


def test_an_administrator_reads_the_trail_without_the_words_of_people(desk: House) -> None:
    case = desk.case("Citra Sample", "My number is +62 812 0000 0147")
    with transaction():
        log.append("inbound", "contact", {"text": "My number is +62 812 0000 0147"}, at=desk.now, case_id=case)

    lead, administrator = (desk.browser(role).get("/audit?kind=inbound").text for role in (Role.OPS_LEAD, Role.ADMIN))

    assert "0147" in lead
    assert "0147" not in administrator


def test_on_call_reads_the_cases_that_a_system_holds_up_and_no_other(desk: House) -> None:
    asked = a_full_desk(desk)
    browser = desk.browser(Role.ON_CALL)
    with transaction():
        other = approvals.get(asked["citra"]).case_id

    listed = browser.get("/inbox").text

    assert "Eko Placeholder" in listed
    assert "Citra Sample" not in listed
    assert browser.get(f"/cases/{other}").status_code == 404


def test_a_number_is_masked_and_each_look_at_it_is_logged(desk: House) -> None:
    case = desk.case("Citra Sample", "When is my lesson?")
    browser = desk.browser(Role.COACH)
    page = browser.get(f"/cases/{case}")

    shown = browser.submit(page, f"/cases/{case}/reveal", field="phone")

    assert "+62 812 0000 0147" not in page.text
    assert "+62 812 0000 0147" in shown.text
    with transaction():
        looks = log.entries(kind="reveal")
    assert [(look.actor, look.case_id, look.payload) for look in looks] == [
        (desk.person(Role.COACH), case, {"field": "phone"})
    ]


# --- the lists --------------------------------------------------------------------------------------------------------


def test_the_inbox_puts_decisions_first_and_the_next_deadline_on_top(desk: House) -> None:
    a_full_desk(desk)

    page = desk.browser(Role.COACH).get("/inbox?view=all-open").text

    names = re.findall(r'class="row-who"><b>([^<]+)</b>', page)
    groups = re.findall(r'class="group">(\w[\w ]+?) <span', page)
    assert names == ["Budi Example", "Dewi Demo", "Citra Sample", "Unknown contact", "Eko Placeholder"]
    assert groups == ["Decide soon", "Today"]


def test_for_you_holds_what_you_may_decide(desk: House) -> None:
    a_full_desk(desk)

    coach, agent = (desk.browser(role).get("/inbox").text for role in (Role.COACH, Role.AGENT))

    assert re.findall(r'class="row-who"><b>([^<]+)</b>', coach) == ["Budi Example", "Citra Sample"]
    assert re.findall(r'class="row-who"><b>([^<]+)</b>', agent) == ["Dewi Demo"]


@pytest.mark.parametrize("search", ["citra", "stuck at", "#{number}"])
def test_a_search_finds_a_case_by_name_words_or_number(desk: House, search: str) -> None:
    a_full_desk(desk)
    browser = desk.browser(Role.COACH)
    number = re.search(r"Citra Sample</b><span[^>]*>#(\d+)", browser.get("/inbox").text)
    assert number

    page = browser.client.get("/inbox", params={"q": search.format(number=number[1])}).text

    assert re.findall(r'class="row-who"><b>([^<]+)</b>', page) == ["Citra Sample"]


@pytest.mark.parametrize("search", ["%", "_", "\\", "' or 1=1 --", "<script>", "99999999999999", "\u202e\ufeff"])
def test_a_search_for_anything_at_all_is_answered(desk: House, search: str) -> None:
    a_full_desk(desk)

    page = desk.browser(Role.COACH).client.get("/inbox", params={"q": search})

    assert page.status_code == 200
    assert "<script>" not in page.text


def test_a_list_shows_fifty_rows_and_the_way_to_the_rest(desk: House) -> None:
    for number in range(52):
        desk.case(f"Contact{number} Sample", "hello")
    browser = desk.browser(Role.COACH)

    first, second = browser.get("/inbox?view=all-open"), browser.get("/inbox?view=all-open&page=2")

    assert [page.text.count("data-row") for page in (first, second)] == [50, 2]
    assert "page=2" in first.text
    assert "page=3" not in second.text


def test_an_empty_inbox_says_that_this_is_good(desk: House) -> None:
    assert "Nothing needs you" in desk.browser(Role.COACH).get("/inbox").text


# --- the card ---------------------------------------------------------------------------------------------------------


def test_the_card_says_what_is_asked_why_what_it_rests_on_and_what_will_happen(desk: House) -> None:
    a_full_desk(desk)

    page = desk.browser(Role.COACH).get("/inbox?q=citra").text

    for words in (
        "Grant a one-off reschedule?",
        "Only a coach can make an exception.",
        "Needs 60 or more",
        "Needs fewer than 2",
        "Move lesson from Fri 16:00 to Sat 10:00",
        "English · 39 words",
        'href="#evidence-3"',
        "That change did not go through.",
        "Release 2026-11-21.1",
    ):
        assert words in page, words


def test_approving_records_the_verdict_and_begins_what_follows(desk: House) -> None:
    asked = a_full_desk(desk)
    browser = desk.browser(Role.COACH)
    page = browser.get("/inbox?q=citra")

    after = browser.submit(page, f"/approvals/{asked['citra']}/verdict", verdict="approve")

    assert desk.state(asked["citra"]) == "approved"
    assert desk.begun == [("conclude", asked["citra"])]
    assert "Coach approved this" in after.text


def test_the_queue_goes_on_to_the_next_card_with_the_focus_on_its_question(desk: House) -> None:
    asked = a_full_desk(desk)
    browser = desk.browser(Role.COACH)

    after = browser.submit(
        browser.get("/approvals"), f"/approvals/{asked['budi']}/verdict", verdict="deny", preset="Outside policy"
    )

    assert desk.state(asked["budi"]) == "denied"
    assert re.search(r'<h2 id="question" tabindex="-1" autofocus>Grant a one-off reschedule\?</h2>', after.text)


def test_words_can_be_edited_checked_and_approved(desk: House) -> None:
    asked = a_full_desk(desk)
    browser = desk.browser(Role.COACH)
    page = browser.get(f"/approvals?open={asked['citra']}&act=edit")
    better = REPLY.replace("Good news", "Very good news")

    checked = browser.submit(page, f"/approvals/{asked['citra']}/verdict", verdict="edit", text=better)

    assert desk.state(asked["citra"]) == "edited", checked.text
    with transaction():
        request = approvals.get(asked["citra"])
        assert approvals.draft(request.draft_id)[0].reply == better


def test_an_edit_that_a_check_refuses_is_shown_again_with_every_word_kept(desk: House) -> None:
    asked = a_full_desk(desk)
    browser = desk.browser(Role.COACH)
    page = browser.get(f"/approvals?open={asked['citra']}&act=edit")
    words = "You are booked for Sunday 29 November at 09:00, reference ABC-99 <b>& more</b>."

    refused = browser.submit(page, f"/approvals/{asked['citra']}/verdict", verdict="edit", text=words)

    assert refused.status_code == 400
    assert desk.state(asked["citra"]) == "open"
    assert "reference ABC-99 &lt;b&gt;&amp; more&lt;/b&gt;." in refused.text


def test_the_checks_of_an_edit_can_be_asked_for_without_deciding(desk: House) -> None:
    asked = a_full_desk(desk)
    browser = desk.browser(Role.COACH)
    page = browser.get(f"/approvals?open={asked['citra']}&act=edit")
    hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    form = {**hidden, "verdict": "edit", "text": "You are booked for Sunday 29 November at 09:00."}

    whole = browser.client.post(f"/approvals/{asked['citra']}/preview", data=form)
    part = browser.client.post(f"/approvals/{asked['citra']}/preview?part=checks", data=form)

    assert desk.state(asked["citra"]) == "open"
    assert "These words cannot be sent" in whole.text
    assert "29 November at 09:00" in whole.text
    assert "These words cannot be sent" in part.text
    assert "<html" not in part.text


@pytest.mark.parametrize("verdict", ["deny", "escalate"])
def test_a_denial_and_an_escalation_need_a_reason(desk: House, verdict: str) -> None:
    asked = a_full_desk(desk)
    browser = desk.browser(Role.COACH)
    page = browser.get(f"/approvals?open={asked['citra']}&act={verdict}")

    without = browser.submit(page, f"/approvals/{asked['citra']}/verdict", verdict=verdict)
    with_one = browser.submit(
        without, f"/approvals/{asked['citra']}/verdict", verdict=verdict, preset="Outside policy", reason="second time"
    )

    assert without.status_code == 400
    assert with_one.status_code == 200
    with transaction():
        assert approvals.get(asked["citra"]).reason == "Outside policy: second time"


def test_a_card_that_was_decided_meanwhile_says_who_did_and_keeps_what_was_typed(desk: House) -> None:
    asked = a_full_desk(desk)
    slow = desk.browser(Role.COACH)
    page = slow.get(f"/approvals?open={asked['dewi']}&act=edit")
    with transaction():
        approvals.settle(asked["citra"], ApprovalState.DENIED, by="per_coach", at=desk.now, reason="no")
    open_card = slow.get(f"/approvals?open={asked['budi']}&act=edit")
    with transaction():
        approvals.settle(asked["budi"], ApprovalState.DENIED, by="per_coach", at=desk.now, reason="No proof")

    late = slow.submit(open_card, f"/approvals/{asked['budi']}/verdict", verdict="edit", text="My own careful words.")

    assert page.status_code == 200
    assert late.status_code == 409
    for words in ("Coach denied this at 10:00", "Nothing was done twice", "No proof", "My own careful words."):
        assert words in late.text
    assert desk.begun == []


def test_the_same_click_twice_is_one_decision(desk: House) -> None:
    asked = a_full_desk(desk)
    browser = desk.browser(Role.COACH)
    page = browser.get("/inbox?q=citra")

    answers = [
        browser.submit(page, f"/approvals/{asked['citra']}/verdict", verdict="approve").status_code for _ in range(2)
    ]

    assert answers == [200, 200], "the same verdict of the same person is the same decision"
    assert desk.begun == [("conclude", asked["citra"])]


def test_a_draft_that_changed_since_it_was_read_is_not_approved(desk: House) -> None:
    asked = a_full_desk(desk)
    browser = desk.browser(Role.COACH)

    late = browser.submit(
        browser.get("/inbox?q=citra"), f"/approvals/{asked['citra']}/verdict", verdict="approve", digest="0" * 64
    )

    assert late.status_code == 409
    assert "The draft changed since you read it" in late.text
    assert desk.state(asked["citra"]) == "open"


def test_an_expired_request_cannot_be_approved(desk: House) -> None:
    asked = a_full_desk(desk)
    desk.now += timedelta(hours=5)
    browser = desk.browser(Role.COACH)

    late = browser.submit(browser.get("/inbox?q=citra"), f"/approvals/{asked['citra']}/verdict", verdict="approve")

    assert late.status_code == 409
    assert "counts as denied" in late.text


def test_who_may_not_decide_reads_who_does_and_a_forged_verdict_is_refused(desk: House) -> None:
    asked = a_full_desk(desk)
    agent = desk.browser(Role.AGENT)
    page = agent.get("/inbox?view=all-open&q=citra")

    forged = agent.submit(page, f"/approvals/{asked['citra']}/verdict", verdict="approve")

    assert "Coach decides this." in page.text
    assert 'value="approve"' not in page.text
    assert forged.status_code == 403
    assert desk.state(asked["citra"]) == "open"


def test_approve_is_off_with_the_reason_while_a_check_of_the_draft_fails(desk: House) -> None:
    case = desk.case("Citra Sample", "Can I move it?")
    desk.ask(case, failed="Sunday is not in the evidence")

    page = desk.browser(Role.COACH).get(f"/cases/{case}").text

    assert "Dates are known: Sunday is not in the evidence" in page
    assert 'value="approve"' not in page
    assert "act=edit" in page


# --- words of a person's own ------------------------------------------------------------------------------------------


def test_a_note_is_for_the_team_only(desk: House) -> None:
    case = desk.case("Citra Sample", "Can I move it?")
    browser = desk.browser(Role.AGENT)

    after = browser.client.post(
        f"/cases/{case}/note", data={"csrf": _csrf(browser.get("/more").text), "text": "Call her <b>first</b>"}
    )

    assert after.status_code == 200
    page = browser.get(f"/cases/{case}").text
    assert "Call her &lt;b&gt;first&lt;/b&gt;" in page
    assert "Internal note" in page
    with transaction():
        conversation = messages.of_case(case)[0].conversation_id
        assert [message.text for message in messages.visible(conversation, after=0)] == ["Can I move it?"]


def test_a_person_can_answer_in_their_own_words_when_nobody_is_asked_to_decide(desk: House) -> None:
    case = desk.case("Citra Sample", "Can I talk to a person?", tier=desk.pack.policy.rules[0].tier, rules=())
    browser = desk.browser(Role.COACH)

    browser.submit(browser.get(f"/cases/{case}"), f"/cases/{case}/reply", text="Thank you, I will look into it.")

    assert [story for story, _subject in desk.begun] == ["conclude"]


def test_a_person_settles_a_case_and_it_is_theirs_no_more(desk: House) -> None:
    case = desk.case("Citra Sample", "Can I talk to a person?", tier=desk.pack.policy.rules[0].tier, rules=())
    browser = desk.browser(Role.COACH)

    browser.submit(browser.get(f"/cases/{case}"), f"/cases/{case}/resolve")

    with transaction():
        assert cases.get(case).status is CaseStatus.RESOLVED


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/approvals/{approval}/verdict",
        "/approvals/{approval}/preview",
        "/cases/{case}/reveal",
        "/cases/{case}/note",
        "/cases/{case}/reply",
        "/cases/{case}/resolve",
        "/cases/{case}/hand-back",
        "/theme",
    ],
)
def test_no_form_is_taken_without_the_sessions_own_token(desk: House, path: str) -> None:
    case = desk.case("Citra Sample", "Can I move it?")
    approval = desk.ask(case)
    browser = desk.browser(Role.COACH)
    form = {"verdict": "approve", "digest": "", "field": "phone", "text": "My careful words."}

    for csrf in ({}, {"csrf": ""}, {"csrf": "guessed"}):
        refused = browser.client.post(path.format(approval=approval, case=case), data={**form, **csrf})

        assert refused.status_code == 403
        assert "This form is out of date" in refused.text
        assert "My careful words." in refused.text
    assert desk.state(approval) == "open"


@pytest.mark.parametrize(
    "headers", [{"origin": "https://evil.example"}, {"sec-fetch-site": "cross-site"}, {"origin": "null"}]
)
def test_a_form_from_another_site_is_refused_even_with_the_token(desk: House, headers: dict[str, str]) -> None:
    browser = desk.browser(Role.COACH)
    csrf = _csrf(browser.get("/more").text)

    refused = browser.client.post("/theme", data={"csrf": csrf, "theme": "dark"}, headers=headers)

    assert refused.status_code == 403


def test_words_typed_before_a_session_ended_are_given_back(desk: House) -> None:
    asked = a_full_desk(desk)
    browser = desk.browser(Role.COACH)
    page = browser.get(f"/approvals?open={asked['citra']}&act=edit")
    desk.now += sessions.IDLE * 2

    lost = browser.submit(page, f"/approvals/{asked['citra']}/verdict", verdict="edit", text="My own careful words.")

    assert lost.status_code == 403
    assert "My own careful words." in lost.text
    assert desk.state(asked["citra"]) == "open"


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/nothing", 404),
        ("/cases/case_unknown", 404),
        ("/cases/case_%C0%80", 404),
        ("/audit?before=abc", 400),
        ("/audit?before=99999999999999999999", 400),
        ("/cases/99999999999999999999", 404),
        ("/cases/²", 404),
        ("/audit?case=99999999999999999999", 200),
        ("/static/../settings.py", 404),
        ("/static/nothing.css", 404),
    ],
)
def test_a_wrong_address_is_answered_with_a_page_in_plain_words(desk: House, path: str, status: int) -> None:
    page = desk.browser(Role.COACH).get(path)

    assert page.status_code == status
    assert "<h1>" in page.text
    assert "Traceback" not in page.text


@pytest.mark.parametrize("path", ["/cases/%00", "/inbox?q=%00", "/audit?actor=%00", "/sign-in?next=%00"])
def test_a_zero_byte_in_an_address_is_refused(desk: House, path: str) -> None:
    assert desk.browser(Role.COACH).get(path).status_code == 400


def test_control_characters_typed_into_a_note_are_left_out(desk: House) -> None:
    case = desk.case("Citra Sample", "Can I move it?")
    browser = desk.browser(Role.COACH)

    browser.press(browser.get(f"/cases/{case}"), f"/cases/{case}/note", text="a\x00b\x1b[31m")

    assert "ab[31m" in browser.get(f"/cases/{case}").text


def test_what_nobody_foresaw_is_answered_with_a_reference_and_no_traceback(desk: House) -> None:
    browser = desk.browser(Role.COACH)
    browser.client = type(browser.client)(desk.app, raise_server_exceptions=False, cookies=browser.client.cookies)

    def broken() -> None:
        raise ZeroDivisionError("secret detail")

    desk.app.add_api_route("/broken", broken)
    page = browser.get("/broken")

    assert page.status_code == 500
    assert re.search(r"Reference <code>[0-9a-f]{8}</code>", page.text)
    assert "secret detail" not in page.text


def test_every_answer_forbids_what_is_not_ours(desk: House) -> None:
    browser = desk.browser(Role.COACH)

    for path in ("/inbox", "/nothing", "/sign-in", "/static/console.js"):
        headers = browser.get(path).headers

        assert headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'; style-src 'self'")
        assert headers["x-content-type-options"] == "nosniff"
        assert "unsafe" not in headers["content-security-policy"]
    assert browser.get("/inbox").headers["cache-control"] == "no-store"


def test_more_than_a_form_may_hold_is_refused(desk: House) -> None:
    browser = desk.browser(Role.COACH)

    refused = browser.client.post("/theme", data={"csrf": "x" * 1_100_000})

    assert refused.status_code == 413


# --- what hostile words become ----------------------------------------------------------------------------------------


def test_markup_in_names_and_messages_is_shown_and_never_run(desk: House) -> None:
    case = desk.case("<script>alert(1)</script> Sample", "<img src=x onerror=alert(1)> {{ 7 * 7 }} \u202egnp.exe")
    desk.ask(case, question="<b>Grant?</b>", reply="</textarea><script>alert(2)</script>")
    browser = desk.browser(Role.COACH)

    for path in ("/inbox", f"/cases/{case}", f"/cases/{case}?act=edit", f"/cases/{case}?tab=trace", "/audit"):
        page = browser.get(path).text

        assert "<script>alert" not in page
        assert "<img" not in page
        assert "<b>Grant" not in page


# --- trail, trace and the rest ----------------------------------------------------------------------------------------


def test_the_trace_names_rules_facts_sources_and_checks(desk: House) -> None:
    case = desk.case("Citra Sample", "Can I move it?", facts={"minutes_to_session": 41})
    desk.ask(case)

    page = desk.browser(Role.COACH).get(f"/cases/{case}?tab=trace").text

    for words in ("session-too-near", "counts as taken", "Minutes to session", "41 minutes", "Calendar", "Length"):
        assert words in page, words


def test_the_audit_trail_is_filtered_by_case_actor_and_kind(desk: House) -> None:
    asked = a_full_desk(desk)
    browser = desk.browser(Role.COACH)
    browser.submit(browser.get("/inbox?q=citra"), f"/approvals/{asked['citra']}/verdict", verdict="approve")
    lead = desk.browser(Role.OPS_LEAD)

    everything = lead.get("/audit").text
    verdicts = lead.get("/audit?kind=verdict&actor=per_coach").text
    none = lead.get("/audit?case=999999").text

    assert everything.count("<tr>") > verdicts.count("<tr>") == 2
    assert "Clear filters" in none


@pytest.mark.parametrize(("role", "sees"), [(Role.COACH, 1), (Role.AGENT, 0), (Role.ON_CALL, 0), (Role.ADMIN, 1)])
def test_the_audit_trail_shows_each_role_what_is_its_own(desk: House, role: Role, sees: int) -> None:
    asked = a_full_desk(desk)
    coach = desk.browser(Role.COACH)
    coach.submit(coach.get("/inbox?q=citra"), f"/approvals/{asked['citra']}/verdict", verdict="approve")

    page = desk.browser(role).get("/audit").text

    assert page.count("<b>Verdict</b>") == sees
    assert ("<b>Case</b>" in page) is (role is Role.ADMIN)


def test_a_system_that_cannot_be_relied_on_is_announced_on_every_page(desk: House) -> None:
    with transaction():
        running.set_health("payments", degraded=True, why="timeouts", by="auto", now=desk.now)

    assert "Payments cannot be relied on" in desk.browser(Role.COACH).get("/inbox").text


def test_the_theme_is_kept_by_a_form_and_given_back_to_the_device(desk: House) -> None:
    browser = desk.browser(Role.COACH)

    dark = browser.client.post(
        "/theme", data={"csrf": _csrf(browser.get("/more").text), "theme": "dark", "back": "/more"}
    )
    device = browser.client.post("/theme", data={"csrf": _csrf(dark.text), "theme": "", "back": "/more"})

    assert '<html lang="en" data-theme="dark"' in dark.text
    assert "data-theme=" not in device.text


def _csrf(page: str) -> str:
    found = re.search(r'name="csrf" value="([^"]+)"', page)
    assert found
    return found[1]
