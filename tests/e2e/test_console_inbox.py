"""The inbox over the real store, in a browser without scripts: lists, saved views, who has a case, tags, snooze."""

from __future__ import annotations

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from bench import crowd
from caseward import durable
from caseward.core.case import DESK, DONE, OURS, CaseStatus
from caseward.core.errors import Refused
from caseward.core.policy import Tier
from caseward.core.roles import WORK_ON_CASES, Role
from caseward.flows import sorting
from caseward.store import approvals, caselist, cases, log, messages, people
from caseward.store.caselist import PAGE, Filters, View, Wanted
from caseward.store.db import execute, transaction
from caseward.web import listing
from tests.e2e.console_house import House, a_full_desk, house

OPEN = {"status": CaseStatus.OPEN, "tier": Tier.R1, "clock": "resolution"}


@pytest.fixture
def desk(database: str) -> Iterator[House]:
    with house() as opened:
        yield opened


def names(page: Any) -> list[str]:
    """Return whose rows a list shows, in its order."""
    return re.findall(r'class="row-who"><b>([^<]*)</b>', page.text)


# --- lists ------------------------------------------------------------------------------------------------------------


def test_every_case_is_on_exactly_one_page_of_a_list_in_the_order_of_its_deadlines(desk: House, database: str) -> None:
    crowd.fill(database, 1_500, now=desk.now)
    with transaction():
        known = [dict(row._mapping) for row in execute(text("select * from cases"))]
        asked = set(execute(text("select case_id from approvals where state = 'open'")).scalars())
        tagged = {(row.case_id, row.tag) for row in execute(text("select case_id, tag from case_tags"))}
    asker = caselist.Asker(person_id="crowd_1", lanes=("coach",))
    day = listing.day(desk.pack, desk.now)

    def belongs(view: View, case: dict[str, Any]) -> bool:
        if view is View.CLOSED:
            return case["status"] in DONE
        needs = case["owner"] == DESK and case["status"] in (CaseStatus.OPEN, CaseStatus.WAITING_APPROVAL)
        return case["status"] not in DONE and (view is View.ALL_OPEN or (view is View.UNASSIGNED and needs))

    def place(case: dict[str, Any]) -> tuple[Any, ...]:
        if case["status"] in DONE:
            return (3, -case["number"])
        today = case["status"] in OURS or (case["due_at"] is not None and case["due_at"] < day.ends_at)
        group = 0 if case["id"] in asked else 1 if today else 2
        return (group, case["due_at"] is None, case["due_at"] or desk.now, case["number"])

    @settings(max_examples=20, deadline=None)
    @given(
        view=st.sampled_from([View.ALL_OPEN, View.UNASSIGNED, View.CLOSED]),
        tier=st.none() | st.integers(0, 3),
        language=st.sampled_from(["", "id", "en"]),
        tag=st.sampled_from(["", "", "vip", "nowhere"]),
    )
    def check(view: View, tier: int | None, language: str, tag: str) -> None:
        filters = Filters(tier=tier, language=language, tag=tag)
        fit = [
            case
            for case in known
            if belongs(view, case)
            and tier in (None, case["tier"])
            and language in ("", case["language"])
            and (not tag or (case["id"], tag) in tagged)
        ]
        expected = [case["id"] for case in sorted(fit, key=place)]
        shown: list[str] = []
        with transaction():
            for number in range(1, len(fit) // PAGE + 2):
                page = caselist.page(Wanted(view=view, asker=asker, day=day, filters=filters), number)
                shown += [row.id for row in page.rows]
                assert (page.after is None) == (len(shown) >= len(fit))

        assert shown == expected

    check()


def test_a_row_says_who_what_until_when_whose_and_what_it_is_marked_with(desk: House) -> None:
    a_full_desk(desk)
    late = desk.case("Fitri Testcase", "When is my next session?", due_minutes=-3, **OPEN)
    browser = desk.browser(Role.COACH)
    sorting.assign(late, desk.person(Role.AGENT), person=desk.person(Role.COACH), role=Role.COACH)
    sorting.tag(late, "  VIP  guest ", person=desk.person(Role.COACH), role=Role.COACH)

    page = browser.get("/inbox?view=all-open")

    [row] = re.findall(rf'<li id="row-{late}">.*?</li>', page.text, re.S)
    assert re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", row)).strip() == (
        f"Unread Fitri Testcase #{_number(late)} Resolve: due 09:57 +03:00 When is my next session? R1 Open vip guest "
        "Owner Agent AG"
    )
    assert names(page) == ["Budi Example", "Dewi Demo", "Citra Sample", "Unknown contact", "Fitri Testcase",
                           "Eko Placeholder"]  # fmt: skip
    assert re.findall(r'class="group">(\w+(?: \w+)?) <span class="num">(\d+)', page.text) == [
        ("Decide soon", "3"),
        ("Today", "3"),
    ]


def _number(case_id: str) -> int:
    with transaction():
        return cases.get(case_id).number


def test_every_view_holds_what_its_name_says(desk: House) -> None:
    a_full_desk(desk)
    waiting = desk.case("Hana Sample", "Could you change my slot", **{**OPEN, "status": CaseStatus.WAITING_CUSTOMER})
    again = desk.case("Indra Example", "It is broken again", due_minutes=600, **OPEN)
    desk.case("Joko Demo", "Thanks", **{**OPEN, "status": CaseStatus.CLOSED})
    taken = desk.case("Kirana Sample", "Where do I pay", due_minutes=500, **OPEN)
    with transaction():
        cases.change(cases.get(again), desk.now, reopened=1, reopened_at=desk.now - timedelta(minutes=5))
    sorting.assign(taken, desk.person(Role.COACH), person=desk.person(Role.COACH), role=Role.COACH)
    sorting.snooze(waiting, "tomorrow", person=desk.person(Role.COACH), role=Role.COACH)
    browser = desk.browser(Role.COACH)

    def held(view: str) -> set[str]:
        return set(names(browser.get(f"/inbox?view={view}")))

    assert held("for-you") == {"Budi Example", "Citra Sample", "Kirana Sample"}
    assert held("unassigned") == {"Budi Example", "Dewi Demo", "Citra Sample", "Unknown contact", "Indra Example"}
    assert held("pending-verification") == {"Eko Placeholder"}
    assert held("breaching") == {"Budi Example", "Dewi Demo", "Citra Sample", "Eko Placeholder", "Unknown contact"}
    assert held("waiting-on-customer") == set()
    assert held("snoozed") == {"Hana Sample"}
    assert held("reopened") == {"Indra Example"}
    assert held("closed") == {"Joko Demo"}
    menu = browser.get("/inbox?view=reopened").text
    assert re.search(r'href="/inbox\?view=reopened" aria-current="page">.*?Reopened this week.*?>1<', menu)
    assert re.search(r'href="/inbox\?view=breaching">.*?Breaching soon.*?>5<', menu)


def test_what_narrows_a_list_is_in_its_address_is_named_and_is_cleared_by_one_button(desk: House) -> None:
    a_full_desk(desk)
    browser = desk.browser(Role.COACH)

    narrowed = browser.get("/inbox?view=all-open&tier=R1&channel=webchat")
    empty = browser.get("/inbox?view=all-open&tier=R1&tag=%3Cb%3Evip&owner=me")

    assert names(narrowed) == ["Eko Placeholder"]
    assert "view=all-open&amp;tier=R1&amp;channel=webchat" in narrowed.text
    opened = browser.get(re.search(r'href="(/cases/[^"]+)" data-row', narrowed.text)[1].replace("&amp;", "&"))  # type: ignore[index]
    assert names(opened) == ["Eko Placeholder"]
    assert "Nothing is in this list with Tier R1 and Owner You and Tag &lt;b&gt;vip." in empty.text
    assert "<b>vip" not in empty.text
    assert '<a class="button" href="/inbox?view=all-open">Clear the filters</a>' in empty.text
    assert len(names(browser.get("/inbox?view=all-open&age=today"))) == 5
    assert names(browser.get("/inbox?view=all-open&age=week-old")) == []
    nothing = browser.get("/inbox?view=nothing&page=zero&tier=R9&age=old&files=2")
    assert names(nothing) != []
    assert not [each for each in ("Tier R9", "Opened old", "Files 2") if each in nothing.text], (
        "no filter is named that is none"
    )
    assert names(browser.get("/inbox?view=all-open&tier=1")) == names(browser.get("/inbox?view=all-open&tier=r1"))
    assert names(browser.get("/inbox?view=all-open&tier=1")) == ["Eko Placeholder"]


def test_a_case_is_unread_until_it_is_opened_and_again_when_the_contact_writes(desk: House) -> None:
    case_id = desk.case("Dewi Demo", "Tuesday works", **OPEN)
    coach, agent = desk.browser(Role.COACH), desk.browser(Role.AGENT)

    def unread(browser: Any) -> bool:
        return 'class="row-dot"' in browser.get("/inbox?view=all-open").text

    assert unread(coach)
    assert 'class="row-dot"' not in coach.get(f"/cases/{case_id}?view=all-open").text
    assert not unread(coach)
    assert unread(agent)
    with transaction():
        conversation = cases.get(case_id).conversation_id
        messages.receive(conversation, provider_id="again", text="Hello?", kind="text", at=desk.now,
                         debounce=timedelta(), collect_max=timedelta())  # fmt: skip
        execute(text("update messages set case_id = :case where provider_id = 'again'"), {"case": case_id})
    assert unread(coach)


def test_a_case_that_somebody_may_not_read_leaves_no_trace_of_their_trying(desk: House) -> None:
    theirs = desk.case("Dewi Demo", "Tuesday works", **OPEN)

    assert desk.browser(Role.ON_CALL).get(f"/cases/{theirs}").status_code == 404

    with transaction():
        assert execute(text("select count(*) from case_seen")).scalar() == 0


# --- saved views ------------------------------------------------------------------------------------------------------


def test_a_list_is_saved_under_a_name_renamed_put_in_order_and_deleted(desk: House) -> None:
    a_full_desk(desk)
    browser = desk.browser(Role.COACH)

    def saved() -> list[tuple[str, str]]:
        found = re.findall(r'href="/inbox\?([^"]*)"[^>]*><i class="dot dot-own"></i><span[^>]*>([^<]*)</span>',
                           browser.get("/audit").text)  # fmt: skip
        return [(query.replace("&amp;", "&"), name) for query, name in found]

    for name, query in (("Small <things>", "view=all-open&tier=R1"), ("Mine", "view=all-open&owner=me")):
        page = browser.submit(browser.get(f"/inbox?{query}"), "/inbox/views", name=name, query=query)
        assert str(page.url).endswith(query)
    assert saved() == [("view=all-open&tier=R1", "Small &lt;things&gt;"), ("view=all-open&owner=me", "Mine")]

    own = re.findall(r'action="(/inbox/views/view_\w+)"', browser.get("/inbox/views").text)
    browser.submit(browser.get("/inbox/views"), own[1], act="up")
    browser.submit(browser.get("/inbox/views"), own[0], act="rename", name="Payments")
    assert [name for _query, name in saved()] == ["Mine", "Payments"]
    browser.submit(browser.get("/inbox/views"), own[1], act="delete")
    assert [name for _query, name in saved()] == ["Payments"]
    assert browser.submit(browser.get("/inbox/views"), own[0], act="rename", name=" ").status_code == 400
    with transaction():
        told = [entry.payload for entry in log.entries(kind="view", limit=20)]
    done = [what for said in told for what, value in said.items() if str(value).startswith("view_")]
    assert done == ["saved", "saved", "moved", "renamed", "deleted"]


def test_views_for_everybody_are_an_ops_leads_and_nobody_reaches_anothers(desk: House) -> None:
    lead, coach, on_call = (desk.browser(role) for role in (Role.OPS_LEAD, Role.COACH, Role.ON_CALL))
    inbox = lead.get("/inbox?view=all-open&tier=R3")
    lead.submit(inbox, "/inbox/views", name="Hard ones", shared="1")
    lead.submit(inbox, "/inbox/views", name="My own")

    seen = coach.get("/inbox/views").text
    [shared, own] = re.findall(r'action="(/inbox/views/view_\w+)"', lead.get("/inbox/views").text)[::-1]
    csrf = re.search(r'name="csrf" value="([^"]+)"', seen)[1]  # type: ignore[index]

    assert "Hard ones" in seen
    assert "My own" not in seen
    assert coach.client.post(shared, data={"csrf": csrf, "act": "delete"}).status_code == 403
    assert coach.client.post(own, data={"csrf": csrf, "act": "delete"}).status_code == 404
    assert coach.client.post("/inbox/views", data={"csrf": csrf, "name": "x", "shared": "1"}).status_code == 403
    assert on_call.get("/inbox/views").status_code == 403
    assert "Saved views" not in on_call.get("/inbox").text


# --- who has a case ---------------------------------------------------------------------------------------------------


def test_a_case_is_taken_given_and_given_back_and_the_log_says_who_whom(desk: House) -> None:
    case_id = desk.case("Dewi Demo", "Tuesday works", **OPEN)
    coach, lead = desk.browser(Role.COACH), desk.browser(Role.OPS_LEAD)
    assign = f"/cases/{case_id}/assign"

    def give(browser: Any, to: str) -> int:
        page = browser.get(f"/cases/{case_id}")
        csrf = re.search(r'name="csrf" value="([^"]+)"', page.text)[1]  # type: ignore[index]
        return int(browser.client.post(assign, data={"csrf": csrf, "to": to, "next": f"/cases/{case_id}"}).status_code)

    assert give(coach, desk.person(Role.COACH)) == 200
    assert give(desk.browser(Role.AGENT), desk.person(Role.AGENT)) == 403
    assert give(desk.browser(Role.ADMIN), desk.person(Role.COACH)) == 403
    assert give(coach, desk.person(Role.ON_CALL)) == 400
    assert give(lead, desk.person(Role.AGENT)) == 200
    assert give(lead, "") == 200
    with transaction():
        told = [(entry.actor, entry.payload["was"], entry.payload["owner"]) for entry in log.walk(case_id)
                if "owner" in entry.payload]  # fmt: skip
    assert told == [
        ("per_coach", DESK, "per_coach"),
        ("per_ops_lead", "per_coach", "per_agent"),
        ("per_ops_lead", "per_agent", DESK),
    ]


def test_the_next_case_is_the_most_urgent_that_one_may_decide(desk: House) -> None:
    asks = a_full_desk(desk)
    desk.case("Fitri Testcase", "When is my next session?", due_minutes=90, **OPEN)
    agent = desk.browser(Role.AGENT)

    opened = [agent.submit(agent.get("/inbox"), "/inbox/next") for _ in range(4)]

    titles = [re.search(r"<title>([^<]*) ·", page.text)[1].partition(" ")[2] for page in opened[:3]]  # type: ignore[index]
    assert titles == ["Unknown contact", "Dewi Demo", "Fitri Testcase"]
    assert str(opened[3].url).endswith("/inbox?view=unassigned")
    assert desk.state(asks["citra"]) == "open"
    with transaction():
        assert cases.get(approvals.get(asks["citra"]).case_id).owner == DESK


def test_several_who_ask_for_the_next_case_at_once_get_different_ones(desk: House) -> None:
    made = {desk.case(f"N{n} Sample", f"Question {n}", **OPEN) for n in range(8)}
    askers = [(desk.person(role), role) for role in (Role.COACH, Role.AGENT, Role.OPS_LEAD, Role.AGENT)]

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(sorting.take_next, person=person, role=role) for person, role in askers * 2]
        got = [each.result() for each in asked]

    assert sorted(got, key=str) == sorted(made)
    assert sorting.take_next(person=desk.person(Role.COACH), role=Role.COACH) is None
    with pytest.raises(Refused):
        sorting.take_next(person=desk.person(Role.ADMIN), role=Role.ADMIN)


def test_cases_given_out_at_once_go_round_among_those_on_shift(desk: House) -> None:
    made = [desk.case(f"N{n} Sample", f"Question {n}", **OPEN) for n in range(6)]
    sorting.go_on_shift(desk.person(Role.AGENT), False)
    hand_out, _otherwise = durable.bare("hand_out")

    def give_out(case_id: str) -> str:
        with transaction():
            return str(hand_out(case_id))

    with ThreadPoolExecutor(6) as pool:
        got = list(pool.map(give_out, made))

    on_shift = {desk.person(role) for role in WORK_ON_CASES - {Role.AGENT}}
    assert {person: got.count(person) for person in on_shift} == dict.fromkeys(on_shift, 3)


def test_a_person_says_in_the_menu_whether_they_are_there(desk: House) -> None:
    agent = desk.browser(Role.AGENT)

    away = agent.submit(agent.get("/audit"), "/shift", to="away")

    assert ">away</button>" in re.sub(r"<span[^>]*>· </span>", "", away.text)
    with transaction():
        assert not people.is_available(desk.person(Role.AGENT))
        assert [entry.payload for entry in log.entries(kind="shift", limit=5)] == [{"on shift": False}]
    assert 'action="/shift"' not in desk.browser(Role.ADMIN).get("/audit").text


# --- tags and snooze --------------------------------------------------------------------------------------------------


def test_a_case_is_marked_with_words_which_others_are_offered_and_which_narrow_the_list(desk: House) -> None:
    first = desk.case("Dewi Demo", "Tuesday works", **OPEN)
    second = desk.case("Eko Placeholder", "I paid", **OPEN)
    browser = desk.browser(Role.COACH)

    browser.submit(browser.get(f"/cases/{first}"), f"/cases/{first}/tags", add="  Late   PAYER <b>")
    page = browser.get(f"/cases/{second}")
    refused = browser.submit(page, f"/cases/{second}/tags", add="x" * 33)
    kept = names(browser.get("/inbox?view=all-open&tag=late+payer+%3Cb%3E"))
    browser.submit(browser.get(f"/cases/{first}"), f"/cases/{first}/tags", remove="late payer <b>")

    assert '<option value="late payer &lt;b&gt;">' in page.text
    assert refused.status_code == 400
    assert kept == ["Dewi Demo"]
    assert names(browser.get("/inbox?view=all-open&tag=late+payer+%3Cb%3E")) == []


def test_a_snoozed_case_is_out_of_sight_until_it_is_brought_back(desk: House) -> None:
    case_id = desk.case("Dewi Demo", "Tuesday works", **OPEN)
    browser = desk.browser(Role.COACH)
    page = browser.get(f"/cases/{case_id}")

    offered = re.findall(r'name="until" value="(\w+)"[^>]*>.*?([\w ]+)<span[^>]*><time datetime="([^"]+)"', page.text)
    told = browser.submit(page, f"/cases/{case_id}/snooze", until="later")
    hidden, snoozed = browser.get("/inbox?view=all-open"), browser.get("/inbox?view=snoozed")
    browser.submit(browser.get(f"/cases/{case_id}"), f"/cases/{case_id}/wake")
    past = browser.submit(browser.get(f"/cases/{case_id}"), f"/cases/{case_id}/snooze", day="2026-11-20")

    assert [(each, at) for each, _label, at in offered] == [
        ("later", "2026-11-23T06:00:00Z"),
        ("tomorrow", "2026-11-24T02:00:00Z"),
        ("monday", "2026-11-30T02:00:00Z"),
    ]
    assert names(hidden) == []
    assert names(snoozed) == ["Dewi Demo"]
    assert re.search(r"<dt>Snoozed</dt><dd>until <time[^>]*>13:00", told.text)
    assert "Open · back 13:00" in snoozed.text
    assert "<dt>Snoozed" not in browser.get(f"/cases/{case_id}").text
    assert names(browser.get("/inbox?view=all-open")) == ["Dewi Demo"]
    assert past.status_code == 400
