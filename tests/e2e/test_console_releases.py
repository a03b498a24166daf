"""Releases in the console: what a change would do is seen before anybody consents, and everything is done by right."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from typing import Any

import pytest
from httpx2 import Response

from caseward.core.policy import Tier
from caseward.core.release import Files, State
from caseward.core.roles import Role
from caseward.desk import library
from caseward.store import casefile, releases
from caseward.store.db import transaction
from caseward.web import effects
from caseward.web.session import EVERYONE
from tests.e2e.console_house import Browser, House, house
from tests.e2e.console_releases import FIRST, NEXT, RULE, light_school, propose, stricter

CHANGE, LIST = f"/knowledge/changes/{NEXT}", "/knowledge/releases"
READERS = (Role.ADMIN, Role.AGENT, Role.COACH, Role.OPS_LEAD)
SOON: dict[str, Any] = {
    "intent": "reschedule",
    "published_answer": False,
    "account_specific": True,
    "transactional": True,
    "exception_requested": False,
    "identity": "verified",
    "minutes_to_session": 75,
    "reschedules_this_month": 1,
    "chargeback_threat": False,
    "legal_threat": False,
    "abuse_or_safety": False,
    "minor_or_sensitive": False,
    "insists_unverified": False,
    "knowledge_contradiction": False,
    "degraded": [],
}


@pytest.fixture
def desk(database: str) -> Iterator[House]:
    with house() as opened:
        yield opened


@pytest.fixture
def files() -> Files:
    return light_school()


def words_of(page: str) -> str:
    """Return what a page says, without its markup."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def state(release: str) -> str:
    with transaction():
        now = releases.current()
        return "current" if now and now.release == release else str(releases.get(release).state)


def number(case_id: str) -> int:
    with transaction():
        return casefile.find(case_id).number


def proved(browser: Browser, path: str = CHANGE) -> Response:
    """Return the page of a change once its effects are known, up to the last decision."""
    browser.get(path)
    effects.finish()
    return browser.get(path)


def offered(page: str) -> set[str]:
    return set(re.findall(r'name="verdict" value="(\w+)"', page))


def test_a_change_is_seen_with_its_effects_then_approved_published_and_rolled_back(desk: House, files: Files) -> None:
    past = desk.case("Citra Sample", "Can I move it?", tier=Tier.R2, facts=SOON, rules=("transaction-within-policy",))
    stricter(files)
    coach = desk.browser(Role.COACH)

    listed = coach.get(LIST)
    page = proved(coach)
    told = words_of(page.text)

    assert f'href="{CHANGE}"' in listed.text
    assert "Waits for consent" in words_of(listed.text)
    assert "Added rule second-change-at-short-notice Tier: R3" in told
    assert "R2 R3 pilot, empowered" in told
    assert "Consent: Quality check → Coach" in told
    assert "1 of the 1 latest decisions would have been otherwise" in told
    assert f'href="/cases/{number(past)}?tab=trace#file"' in page.text
    assert "Every golden case is decided as before" in told
    assert re.search(r"(\d+) of \1 statements, for all facts", told)
    assert "+- id: second-change-at-short-notice" in page.text
    assert offered(page.text) == {"approve", "refuse"}

    approved = coach.submit(page, CHANGE, verdict="approve", reason="That hour is mine")
    assert state(NEXT) == State.APPROVED
    assert "Approved by Coach · That hour is mine" in words_of(approved.text)
    assert offered(approved.text) == {"publish", "refuse"}

    published = coach.submit(approved, CHANGE, verdict="publish")
    assert published.url.path == f"{LIST}/{NEXT}"
    assert state(NEXT) == "current"
    assert f'href="{LIST}/{FIRST}"' in published.text

    before = coach.get(f"{LIST}/{FIRST}")
    back = coach.submit(before, f"{LIST}/{FIRST}/roll-back", reason="Too strict")
    assert (state(FIRST), state(NEXT)) == ("current", State.PUBLISHED)
    assert "Current" in words_of(back.text)


def test_each_role_sees_and_may_do_its_own(desk: House, files: Files) -> None:
    stricter(files, author=desk.person(Role.OPS_LEAD))
    csrf = {}

    for role in sorted(EVERYONE):
        browser = desk.browser(role)
        page = browser.get(CHANGE)
        assert page.status_code == (200 if role in READERS else 403), role
        assert browser.get(LIST).status_code == page.status_code
        assert browser.get(f"{LIST}/{FIRST}").status_code == page.status_code
        assert offered(page.text) == {Role.COACH: {"approve", "refuse"}, Role.OPS_LEAD: {"withdraw"}}.get(role, set())
        token = re.search(r'name="csrf" value="([^"]+)"', browser.get("/more").text)
        assert token
        csrf[role] = (browser, token[1])

    for role, (browser, secret) in csrf.items():
        if role is not Role.COACH:
            for word in ("approve", "publish", "refuse"):
                posted = {"verdict": word, "reason": "because", "csrf": secret}
                refused = browser.client.post(f"{CHANGE}/verdict", data=posted)
                assert refused.status_code in (403, 409), (role, word)
            posted = {"reason": "because", "csrf": secret}
            assert browser.client.post(f"{LIST}/{FIRST}/roll-back", data=posted).status_code in (403, 409)
    assert state(NEXT) == State.PROPOSED


def test_an_administrator_publishes_what_others_consented_to_and_takes_it_back(desk: House, files: Files) -> None:
    stricter(files)
    coach, admin, agent = (desk.browser(role) for role in (Role.COACH, Role.ADMIN, Role.AGENT))

    early = offered(admin.get(CHANGE).text)
    coach.submit(coach.get(CHANGE), CHANGE, verdict="approve", reason="That hour is mine")
    page = admin.get(CHANGE)
    admin.submit(page, CHANGE, verdict="publish")
    published = state(NEXT)
    refused = agent.submit(agent.get(f"{LIST}/{FIRST}"), f"{LIST}/{FIRST}/roll-back", reason="Too strict")
    admin.submit(admin.get(f"{LIST}/{FIRST}"), f"{LIST}/{FIRST}/roll-back", reason="Too strict")

    assert (early, offered(page.text)) == (set(), {"publish"})
    assert published == "current"
    assert refused.status_code == 403
    assert state(FIRST) == "current"


def test_nobody_consents_to_their_own_change_and_the_page_says_so(desk: House, files: Files) -> None:
    stricter(files, author=desk.person(Role.COACH))
    coach = desk.browser(Role.COACH)

    page = coach.get(CHANGE)
    refused = coach.submit(page, CHANGE, verdict="approve", reason="It is mine")

    assert "approve" not in offered(page.text)
    assert "somebody else must consent" in words_of(page.text)
    assert refused.status_code == 403
    assert "This was not done" in refused.text
    assert "It is mine</textarea>" in refused.text
    assert state(NEXT) == State.PROPOSED


def test_a_verdict_without_a_reason_is_asked_again(desk: House, files: Files) -> None:
    stricter(files)
    coach = desk.browser(Role.COACH)

    again = coach.submit(coach.get(CHANGE), CHANGE, verdict="refuse", reason="  ")

    assert again.status_code == 400
    assert "Say why, so that it can be understood later." in words_of(again.text)
    assert state(NEXT) == State.PROPOSED


def test_a_form_of_another_session_changes_nothing(desk: House, files: Files) -> None:
    stricter(files)
    coach = desk.browser(Role.COACH)

    for csrf in ("", "guessed"):
        posted = coach.client.post(f"{CHANGE}/verdict", data={"verdict": "approve", "reason": "x", "csrf": csrf})
        assert posted.status_code == 403
    assert state(NEXT) == State.PROPOSED


def test_a_proposal_against_a_release_that_is_gone_is_out_of_date(desk: House, files: Files) -> None:
    stricter(files)
    greeting = "templates/greeting.yaml"
    with transaction():
        library.propose(
            {**files, greeting: files[greeting] + "# warmer\n"}, author="F", reason="warmer", release="2026-11-24.1"
        )
        if releases.get("2026-11-24.1").state is State.PROPOSED:
            library.approve("2026-11-24.1", person="per_agent", role=Role.AGENT, reason="good")
        library.publish("2026-11-24.1", person="per_agent", role=Role.AGENT)

    page = desk.browser(Role.COACH).get(CHANGE).text

    assert "It has to be proposed again" in page
    assert offered(page) == set()


def test_a_case_decided_since_the_page_was_last_seen_is_counted(desk: House, files: Files) -> None:
    stricter(files)
    coach = desk.browser(Role.COACH)

    before = words_of(proved(coach).text)
    desk.case("Citra Sample", "Can I move it?", tier=Tier.R2, facts=SOON, rules=("transaction-within-policy",))
    after = words_of(proved(coach).text)

    assert "0 of the 0 latest decisions would have been otherwise" in before
    assert "1 of the 1 latest decisions would have been otherwise" in after


def test_words_that_change_no_decision_are_proved_to_change_none(desk: House, files: Files) -> None:
    greeting = "templates/greeting.yaml"
    propose(files, **{greeting: files[greeting] + "# <b>warmer</b>\n"})

    page = proved(desk.browser(Role.ADMIN)).text

    told = words_of(page)
    assert "Nothing: for all facts, known and unknown, the decision is the same." in told
    assert "No rule, fact, lane, promise or row of the approval matrix changes." in told
    assert "&lt;b&gt;warmer" in page


def test_nobody_waits_for_the_proof_of_a_change(desk: House, files: Files) -> None:
    # given a change that nobody has looked at yet
    propose(files, **{"rules/short-notice.yaml": RULE + "# looked at for the first time\n"})
    coach = desk.browser(Role.COACH)

    # when somebody does
    page = coach.get(CHANGE)

    # then it is being proved, and can be decided on already
    assert "Being proved" in words_of(page.text)
    assert offered(page.text) == {"approve", "refuse"}

    # and what it would do is there once that is known
    assert "Added rule second-change-at-short-notice" in words_of(proved(coach).text)


@pytest.mark.parametrize("path", [f"{LIST}/nothing", "/knowledge/changes/2026-01-01.9", f"{LIST}/%00"])
def test_a_release_that_is_not_there_is_not_found(desk: House, path: str) -> None:
    assert desk.browser(Role.COACH).get(path).status_code in (400, 404)


def test_before_the_first_release_the_page_says_what_will_be_there(desk: House) -> None:
    assert "No release yet" in desk.browser(Role.COACH).get(LIST).text
