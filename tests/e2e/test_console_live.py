"""Pages that stay open: what their stream tells, what scripts replace and what they leave alone, who else is there."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Collection, Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx2
import psycopg
import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, expect

from caseward.core.approval import ApprovalState
from caseward.core.roles import Role
from caseward.store import approvals, cases, db, log, messages, people, watching
from caseward.store.db import transaction
from caseward.web import feed, live
from tests.conftest import wait_until
from tests.e2e.console_hands import Hands
from tests.e2e.console_house import House, a_full_desk, house
from tests.ports import free_port

COOKIE = "caseward-session"
LOST = 30_000
"""Within what a page notices that its server is gone, or is back, on a busy machine; in ms."""


@dataclass
class Served:
    """A house behind a real server that can be stopped and started again on its port."""

    house: House
    port: int = field(default_factory=free_port)
    asked: dict[str, str] = field(default_factory=dict)
    _running: tuple[uvicorn.Server, threading.Thread] | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def case_of(self, name: str) -> str:
        with transaction():
            return approvals.get(self.asked[name]).case_id

    def start(self) -> None:
        listening = socket.create_server(("127.0.0.1", self.port))
        self.house.app.state.live.closing = False
        config = uvicorn.Config(self.house.app, log_level="warning", lifespan="off", timeout_graceful_shutdown=3)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        wait_until(lambda: server.started, what="the server to start")
        self._running = (server, thread)

    def stop(self) -> None:
        assert self._running
        server, thread = self._running
        self.house.app.state.live.closing = True
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive(), "an open stream held the server up"

    def session(self, role: Role) -> str:
        """Sign in and return the cookie's value."""
        return str(self.house.browser(role).client.cookies[COOKIE])

    def client(self, session: str) -> httpx2.Client:
        return httpx2.Client(base_url=self.url, headers={"Cookie": f"{COOKIE}={session}"}, timeout=20)

    @contextmanager
    def stream(self, session: str, after: int | None = None, **headers: str) -> Iterator[Stream]:
        """Open a stream, at the end of what there is unless told otherwise."""
        query = {} if after is None else {"after": after}
        headers["Accept"] = "text/event-stream"
        with self.client(session) as client, client.stream("GET", "/events", params=query, headers=headers) as answer:
            assert answer.status_code == 200, answer.read()
            yield Stream(answer.iter_lines())

    def told(self, session: str, after: int) -> dict[str, Any]:
        """Ask once."""
        with self.client(session) as client:
            body: dict[str, Any] = client.get("/events", params={"after": after}).raise_for_status().json()
        return body

    def note(self, case_id: str, text: str = "Seen.", *, kind: str = "note") -> int:
        """Have the ops lead leave a note on a case; return the number of its entry."""
        with transaction():
            found, author = cases.get(case_id), self.house.person(Role.OPS_LEAD)
            at = self.house.now
            messages.add(found.conversation_id, case_id=found.id, author=author, text=text, at=at, kind="note")
            log.append(kind, author, {"text": text}, at=at, case_id=found.id, conversation_id=found.conversation_id)
        return newest()

    def beat(self, role: Role, tab: str, case_id: str, *, editing: str = "", **more: str) -> httpx2.Response:
        """Have a tab of somebody say that it is open."""
        browser = self.house.browser(role)
        page = browser.get("/more")
        csrf = page.text.partition('name="csrf" value="')[2].partition('"')[0]
        said = {"csrf": csrf, "tab": tab, "case": case_id, "editing": editing, **more}
        return browser.client.post("/presence", data=said)


class Stream:
    """An open stream of events."""

    def __init__(self, lines: Iterator[str]) -> None:
        self._lines = lines

    def next(self, *names: str) -> dict[str, Any]:
        """Return the next event of one of these names, or of any but signs of life; its data under `data`."""
        fields: dict[str, Any] = {}
        for line in self._lines:
            if line:
                name, _, value = line.partition(": ")
                fields[name] = json.loads(value) if name == "data" else value
            elif fields.get("event") in (names or {"change", "reload", "presence", "signed-out", "displaced"}):
                return fields
            else:
                fields = {}
        raise AssertionError("the stream ended")

    def ended(self) -> bool:
        """Wait until the stream ends."""
        return all(line is not None for line in self._lines)


def newest() -> int:
    with transaction():
        return watching.newest()


@pytest.fixture
def served(database: str) -> Iterator[Served]:
    with house() as opened:
        made = Served(opened)
        made.asked = dict(a_full_desk(opened))
        made.start()
        yield made
        made.stop()


# --- the stream -------------------------------------------------------------------------------------------------------


def test_a_tab_is_told_what_changed_under_the_number_of_the_log(served: Served) -> None:
    coach, citra = served.session(Role.COACH), served.case_of("citra")

    with served.stream(coach) as stream:
        hello = stream.next("hello")
        seq = served.note(citra, kind="verdict")
        told = stream.next()

    assert hello["id"] == str(seq - 1)
    assert hello["data"]["now"] == "2026-11-23T03:00:00.000Z"
    assert (told["event"], told["id"]) == ("change", str(seq))
    assert told["data"] == {"subjects": ["approvals", f"case:{citra}", "cases", "figures"]}
    assert "Seen" not in json.dumps(told), "an event says what changed, never what it says now"


def test_whoever_comes_back_is_told_what_they_missed_once_and_in_one_event(served: Served) -> None:
    coach, citra, budi = served.session(Role.COACH), served.case_of("citra"), served.case_of("budi")
    before = newest()
    served.note(citra)
    last = served.note(budi)

    with served.stream(coach, after=before) as stream:
        replayed = stream.next()
        after_that = served.note(citra)
        following = stream.next()
    with served.stream(coach, after=before, **{"Last-Event-ID": str(last)}) as stream:
        resumed = stream.next()

    assert (replayed["id"], replayed["data"]["subjects"][:2]) == (
        str(last),
        [f"case:{each}" for each in sorted([budi, citra])],
    )
    assert (following["id"], following["data"]["subjects"][0]) == (str(after_that), f"case:{citra}")
    assert (resumed["id"], resumed["data"]["subjects"][0]) == (str(after_that), f"case:{citra}")
    assert f"case:{budi}" not in resumed["data"]["subjects"], "what was seen last counts, not what the page began with"
    assert served.told(coach, before) == {
        "now": "2026-11-23T03:00:00.000Z",
        "seq": after_that,
        "subjects": replayed["data"]["subjects"],
        "reload": False,
    }


def test_what_is_too_much_or_too_old_to_be_told_loads_the_parts_anew(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    coach, citra = served.session(Role.COACH), served.case_of("citra")
    before = newest()
    last = [served.note(citra) for _ in range(4)][-1]

    with served.stream(coach, after=last + 7) as stream:
        from_the_future = stream.next()
    monkeypatch.setattr(feed, "AT_MOST", 3)
    with served.stream(coach, after=before) as stream:
        too_much = stream.next()
    monkeypatch.undo()
    served.house.now += timedelta(minutes=11)
    too_old = served.told(coach, before)

    assert (from_the_future["event"], from_the_future["id"]) == ("reload", str(last))
    assert (too_much["event"], too_much["id"]) == ("reload", str(last))
    assert (too_old["reload"], too_old["seq"]) == (True, last)


def test_a_role_is_told_of_what_it_may_see(served: Served) -> None:
    before = newest()
    with transaction():
        (eko,) = watching.affected([row.id for row in db.run("select id from cases")])
    served.note(served.case_of("citra"), kind="verdict")
    served.note(eko, kind="verdict")
    with transaction():
        log.append("person", "per_admin", {"what": "invited"}, at=served.house.now)

    told = {role: set(served.told(served.session(role), before)["subjects"]) for role in Role}

    everything = {"cases", "figures", f"case:{eko}"}
    assert told[Role.ON_CALL] == everything
    assert told[Role.ADMIN] == everything | {f"case:{served.case_of('citra')}", "people"}
    assert told[Role.COACH] == everything | {f"case:{served.case_of('citra')}", "approvals"}
    assert told[Role.OPS_LEAD] == told[Role.COACH] | {"people"}
    with served.stream(served.session(Role.ON_CALL), after=before) as stream:
        assert set(stream.next()["data"]["subjects"]) == everything
        served.note(served.case_of("budi"))
        assert set(stream.next()["data"]["subjects"]) == {"cases", "figures"}


def test_a_stream_ends_with_its_session(served: Served) -> None:
    sessions = [served.session(Role.COACH), served.session(Role.AGENT)]
    with ExitStack() as stack:
        coach, agent = (stack.enter_context(served.stream(session)) for session in sessions)
        with transaction():
            db.run("update sessions set revoked_at = %s where person_id = 'per_coach'", (served.house.now,))
            people.disable("per_agent", True)

        assert coach.next()["event"] == "signed-out"
        assert agent.next()["event"] == "signed-out"
        assert coach.ended()
        assert agent.ended()
    with served.stream(sessions[0]) as stream:
        assert stream.next()["event"] == "signed-out"
    with served.client("") as client:
        assert client.get("/events").status_code == 303


def test_a_tab_too_many_takes_the_place_of_the_oldest_and_a_full_house_refuses(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    coach, agent = served.session(Role.COACH), served.session(Role.AGENT)
    with ExitStack() as stack:
        first, *rest = [stack.enter_context(served.stream(coach)) for _ in range(4)]
        for each in (first, *rest):
            each.next("hello")
        fifth = stack.enter_context(served.stream(coach))
        assert first.next()["event"] == "displaced"
        assert first.ended()
        seq = served.note(served.case_of("citra"))
        assert {each.next()["id"] for each in (*rest, fifth)} == {str(seq)}

        monkeypatch.setattr(live, "PER_PROCESS", 4)
        with served.client(agent) as client:
            refused = client.get("/events", headers={"Accept": "text/event-stream"})

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "5")


def test_a_stream_outlives_a_database_that_was_away(served: Served, database: str) -> None:
    with served.stream(served.session(Role.COACH)) as stream:
        stream.next("hello")
        db.connect("postgresql://nobody@127.0.0.1:9/nowhere")
        wait_until(lambda: served.house.app.state.live.news is None, what="a look that fails")
        db.connect(database)
        seq = served.note(served.case_of("citra"))

        assert stream.next()["id"] == str(seq)


def test_a_stream_tells_who_is_there_once_the_database_can_say_which_cases_may_be_known(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    away = threading.Event()
    real, failed = feed._hidden, []

    def hidden(case_ids: Collection[str]) -> set[str]:
        if away.is_set() and case_ids:
            failed.append(case_ids)
            raise psycopg.OperationalError("the server closed the connection")
        return real(case_ids)

    monkeypatch.setattr(feed, "_hidden", hidden)
    with transaction():
        (eko,) = watching.affected([row.id for row in db.run("select id from cases")])
    with served.stream(served.session(Role.ON_CALL)) as stream:
        stream.next("hello")
        away.set()
        assert served.beat(Role.OPS_LEAD, "tab-of-the-lead", eko).status_code == 204
        wait_until(lambda: len(failed) > 1, what="a second try")
        away.clear()

        told = stream.next("presence")

    assert told["data"] == {"cases": [eko]}


# --- who is there -----------------------------------------------------------------------------------------------------


def test_who_looks_at_a_case_is_seen_by_others_until_thirty_seconds_after_the_last_sign(served: Served) -> None:
    coach, citra = served.session(Role.COACH), served.case_of("citra")

    def shown() -> str:
        with served.client(coach) as client:
            return str(client.get("/presence", params={"case": [citra]}).text)

    with served.stream(coach) as stream:
        stream.next("hello")
        assert served.beat(Role.OPS_LEAD, "tab-of-the-lead", citra).status_code == 204
        appeared = stream.next()
        viewing = shown()
        served.beat(Role.COACH, "my-own-tab", citra)
        served.house.now += timedelta(seconds=29)
        still = shown()
        served.house.now += timedelta(seconds=2)
        gone = stream.next()

    assert (appeared["event"], appeared["data"], "id" in appeared) == ("presence", {"cases": [citra]}, False)
    assert "Ops lead is viewing" in viewing
    assert still == viewing, "nobody is shown to themselves"
    assert (gone["event"], gone["data"]) == ("presence", {"cases": [citra]})
    assert "Ops lead" not in shown()


def test_one_edits_and_the_other_sees_who_and_decides_all_the_same(served: Served) -> None:
    citra, request = served.case_of("citra"), served.asked["citra"]
    with transaction():
        people.add(
            people.Person(id="per_second", name="Second coach", role=Role.COACH, sample=True), now=served.house.now
        )
        db.run("update approvals set approvers = null where id = %s", (request,))
    first, second = served.house.browser(Role.COACH), served.house.browser(Role.COACH)
    with transaction():
        link = people.link("per_second", expires_at=served.house.now + timedelta(days=1))
    second.submit(second.get(f"/sign-in/{link}"), "/sign-in/")
    edit = second.get(f"/cases/{citra}?act=edit")

    assert served.beat(Role.COACH, "tab-of-the-first", citra, editing=request).status_code == 204
    assert served.beat(Role.COACH, "another-of-theirs", citra, editing=request).status_code == 204
    card = second.get(f"/cases/{citra}?act=edit").text
    refused = second.submit(edit, f"/approvals/{request}/verdict", verdict="edit", text="My own words")

    assert "Coach is editing this since 10:00" in card
    assert "act=edit" not in card.partition('id="approval"')[2]
    assert 'name="text"' not in card.partition('id="approval"')[2]
    assert refused.status_code == 409
    assert "Coach is editing this since 10:00" in refused.text
    assert "My own words</textarea>" in refused.text

    served.house.now += timedelta(seconds=31)
    taken = second.submit(refused, f"/approvals/{request}/verdict", verdict="edit", text="My own words")
    assert taken.status_code == 200
    assert served.house.state(request) != ApprovalState.OPEN
    assert first.get(f"/cases/{citra}").status_code == 200


def test_an_edit_is_free_once_its_tab_leaves(served: Served) -> None:
    citra, request = served.case_of("citra"), served.asked["citra"]
    served.beat(Role.OPS_LEAD, "tab-of-the-lead", citra, editing=request)

    refused = served.beat(Role.COACH, "tab-of-the-coach", citra, editing=request)
    stolen = served.beat(Role.COACH, "tab-of-the-lead", citra, gone="true")
    held = served.beat(Role.COACH, "tab-of-the-coach", citra, editing=request)
    served.beat(Role.OPS_LEAD, "tab-of-the-lead", citra, gone="true")
    had = served.beat(Role.COACH, "tab-of-the-coach", citra, editing=request)

    assert (refused.status_code, refused.json()["title"]) == (409, "Ops lead is editing this since 10:00")
    assert (stolen.status_code, held.status_code) == (204, 409), "nobody sends another's tab away"
    assert had.status_code == 204


@pytest.mark.parametrize(
    ("role", "case", "editing", "status"),
    [
        (Role.ON_CALL, "citra", "", 404),
        (Role.ADMIN, "citra", "citra", 403),
        (Role.COACH, "citra", "budi", 403),
        (Role.COACH, "nothing", "", 404),
    ],
)
def test_nobody_is_where_they_may_not_be(served: Served, role: Role, case: str, editing: str, status: int) -> None:
    case_id = served.case_of(case) if case in served.asked else "cas_nothing"

    answer = served.beat(role, "a-tab-of-mine", case_id, editing=served.asked.get(editing, ""))

    assert answer.status_code == status
    with transaction():
        assert not db.run("select 1 from presence").fetchall()


def test_a_sign_of_presence_is_a_form_of_ours(served: Served) -> None:
    browser = served.house.browser(Role.COACH)

    answer = browser.client.post("/presence", data={"csrf": "made-up", "tab": "a-tab-of-mine"})

    assert answer.status_code == 403


@pytest.mark.parametrize(
    ("verdict", "typed", "other"),
    [
        ("approve", {}, {"verdict": "deny", "reason": "No"}),
        ("edit", {"text": "My own words"}, {"verdict": "edit", "text": "Other words"}),
        ("deny", {"reason": "Not this time"}, {"verdict": "approve"}),
    ],
)
def test_a_decision_sent_twice_is_one_decision_and_another_is_told_what_was_decided(
    served: Served, verdict: str, typed: dict[str, str], other: dict[str, str]
) -> None:
    citra, browser = served.case_of("citra"), served.house.browser(Role.COACH)
    card = browser.get(f"/cases/{citra}?act={verdict if typed else ''}")

    answers = [browser.submit(card, "/approvals/", verdict=verdict, **typed) for _ in range(2)]
    contrary = browser.submit(card, "/approvals/", **other)

    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].url == answers[1].url
    with transaction():
        assert len(log.entries(case_id=citra, kind="verdict")) == 1
    assert contrary.status_code == 409
    assert "Nothing was done twice" in contrary.text


# --- in a browser -----------------------------------------------------------------------------------------------------


@contextmanager
def browsing(served: Served, chromium: Browser, role: Role) -> Iterator[BrowserContext]:
    """Open a browser that is signed in."""
    context = chromium.new_context(viewport={"width": 1440, "height": 900}, reduced_motion="reduce")
    context.set_default_timeout(LOST)
    context.add_cookies([{"name": COOKIE, "value": served.session(role), "url": served.url}])
    with closing(context):
        yield context


def opened(context: BrowserContext, address: str) -> Page:
    """Open a page and wait until it is live."""
    page = context.new_page()
    page.goto(address)
    expect(page.locator("[data-live]")).to_have_text("Live", timeout=LOST)
    return page


def test_nothing_is_taken_out_of_a_hand_while_updates_arrive(served: Served, chromium: Browser) -> None:
    citra, budi = served.case_of("citra"), served.case_of("budi")
    with browsing(served, chromium, Role.COACH) as context:
        page = opened(context, f"{served.url}/cases/{citra}?view=all-open")
        page.evaluate("for (const row of document.querySelectorAll('li[id]')) row.mine = true")
        page.locator("#composer summary").click()
        composer = page.locator("#composer textarea").first
        composer.press_sequentially("I will ")

        # given a list under the pointer and words half written, when much happens at once
        page.locator(f"#row-{budi}").hover()
        served.note(citra, "A note of somebody else")
        with transaction():
            db.run("update cases set status = 'waiting_customer' where id = %s", (budi,))
            db.run("update approvals set state = 'denied' where case_id = %s", (budi,))
        served.note(budi, kind="verdict")
        served.house.case("Gilang Sample", "Somebody new", due_minutes=200)
        served.beat(Role.OPS_LEAD, "tab-of-the-lead", citra)

        # then what stands beside it is new, one row and one note at a time
        expect(page.locator("#thread")).to_contain_text("A note of somebody else", timeout=LOST)
        expect(page.locator(f"#row-{budi}")).not_to_contain_text("Needs your approval")
        expect(page.get_by_text("1 new case")).to_be_visible(timeout=LOST)
        expect(page.locator("#case-head .seen")).to_contain_text("Ops lead is viewing")
        expect(page.locator(f"#row-{citra} .seen")).to_contain_text("Ops lead is viewing")
        expect(page.locator(".nav-item .nav-count").first).to_contain_text("6")
        assert page.locator("#list li[id]").count() == 5, "what is new is counted, not put in"
        mine = page.evaluate("[...document.querySelectorAll('li[id]')].filter(row => row.mine).map(row => row.id)")
        assert len(mine) == 4, "only the row that changed is another element"
        assert f"row-{budi}" not in mine

        # and the words are as they were, with the focus in them
        composer.press_sequentially("call her", delay=1)
        assert composer.input_value() == "I will call her"
        expect(composer).to_be_focused()

        page.get_by_role("button", name="Show", exact=True).click()
        expect(page.locator("#list li[id]")).to_have_count(6)
        expect(page.locator("#list")).to_be_focused()
        still = page.evaluate("[...document.querySelectorAll('li[id]')].filter(row => row.mine).length")
        assert still == 4
        served.house.now += timedelta(seconds=31)
        expect(page.locator("#case-head .seen")).to_be_empty()

        # and an open menu stays, though what it stands in has changed
        page.get_by_label("Owner and snooze").click()
        with transaction():
            db.run("update cases set owner = %s where id = %s", (served.house.person(Role.OPS_LEAD), citra))
        served.note(citra, "The lead has it now")
        expect(page.locator("#thread")).to_contain_text("The lead has it now", timeout=LOST)
        expect(page.get_by_role("button", name="Take it")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("button", name="Take it")).to_be_hidden()


def test_what_somebody_asked_to_see_stays_in_sight_until_they_leave_and_the_file_is_put_away_when_asked(
    served: Served, chromium: Browser
) -> None:
    citra = served.case_of("citra")
    with browsing(served, chromium, Role.AGENT) as context:
        # given a number that was asked for by a key, which is an event of the case itself
        page = opened(context, f"{served.url}/cases/{citra}?view=all-open")
        file = page.locator("#file-body")
        page.get_by_role("button", name="Show the number").press("Enter")
        expect(file).to_contain_text("+62 812 0000 0147")
        expect(page.get_by_role("button", name="Show the e-mail")).to_be_focused()
        expect(page.locator("[data-live]")).to_have_text("Live", timeout=LOST)

        # when the file changes around it
        expect(file).not_to_contain_text("Ops lead")
        page.locator("#composer summary").focus()
        with transaction():
            db.run("update cases set owner = %s where id = %s", (served.house.person(Role.OPS_LEAD), citra))
        served.note(citra, "The lead has it now")

        # then the file is new and the number still whole
        expect(file).to_contain_text("Ops lead", timeout=LOST)
        expect(file).to_contain_text("+62 812 0000 0147")

        # and the file is put away, though the address points into it
        page.get_by_role("link", name="History").click()
        expect(page.locator("#file-body")).to_contain_text("Looked at personal data")
        hands = Hands(page)
        hands.press("]")
        expect(page.locator("#file")).to_be_hidden()
        hands.press("]")
        expect(page.locator("#file")).to_be_visible()

        # loaded again it is masked, and nobody is said to have looked twice
        page.get_by_role("link", name="Case file", exact=True).click()
        page.get_by_role("button", name="Show the e-mail").click()
        expect(file).to_contain_text("citra@example.com")
        page.reload()
        expect(file).to_contain_text("c•••@example.com")
    with transaction():
        assert len(log.entries(kind="reveal")) == 2


def test_the_focus_stays_where_it_was_while_what_stands_around_it_is_replaced(
    served: Served, chromium: Browser
) -> None:
    citra, budi = served.case_of("citra"), served.case_of("budi")
    case, queue = f"/cases/{citra}?view=all-open", "/approvals"
    row, menu, button = f"#row-{citra} [data-row]", "[aria-label='Owner and snooze']", "button[name=verdict]"
    with browsing(served, chromium, Role.COACH) as context:
        page = opened(context, served.url + case)
        for number, focused in enumerate((row, f"#row-{budi} [data-row]", menu, "#composer summary", button)):
            # given the focus on something, when everything there is to see changes
            page.locator(focused).first.focus()
            with transaction():
                owner = served.house.person([Role.OPS_LEAD, Role.AGENT][number % 2])
                for each in (citra, budi):
                    db.run("update cases set owner = %s where id = %s", (owner, each))
            served.note(budi, kind="case")
            served.note(citra, f"Note {number}")

            # then the news is there, and the focus is on the same thing
            expect(page.locator("#thread")).to_contain_text(f"Note {number}", timeout=LOST)
            expect(page.locator(focused).first).to_be_focused()

        page.goto(served.url + queue)
        expect(page.locator("[data-live]")).to_have_text("Live", timeout=LOST)
        item = page.locator("#list [data-row]").nth(1)
        named = item.get_attribute("href")
        item.focus()
        with transaction():
            db.run("update approvals set state = 'denied' where id = %s", (served.asked["budi"],))
        served.note(budi, kind="verdict")
        expect(page.locator("#list li.is-gone")).to_have_count(1, timeout=LOST)
        expect(page.locator(f"#list [data-row][href='{named}']")).to_be_focused()


def test_who_edits_a_reply_is_told_what_others_do_and_keeps_the_words(served: Served, chromium: Browser) -> None:
    citra, request = served.case_of("citra"), served.asked["citra"]
    with browsing(served, chromium, Role.COACH) as context:
        page = opened(context, f"{served.url}/cases/{citra}?act=edit")
        text = page.locator("#text")
        text.fill("My own words about Saturday")
        wait_until(lambda: served.beat(Role.OPS_LEAD, "tab-of-the-lead", citra, editing=request).status_code == 409,
                   what="the editor to be held")  # fmt: skip
        other = opened(context, f"{served.url}/cases/{citra}")  # a second tab of the same person may read and edit
        expect(other.get_by_role("link", name="Edit")).to_be_visible()

        decided = served.house.browser(Role.COACH)
        decided.submit(
            decided.get(f"/cases/{citra}?act=deny"), f"/approvals/{request}/verdict", verdict="deny", reason="No"
        )
        served.house.now += timedelta(minutes=1)
        served.note(citra, kind="verdict")

        expect(page.locator(".changed")).to_contain_text("What you wrote is kept here")
        expect(page.locator(".changed b")).to_contain_text("Coach")
        expect(page.get_by_role("button", name="Approve this text")).to_be_disabled()
        assert text.input_value() == "My own words about Saturday"
        expect(other.locator("#approval")).to_have_count(0)
        expect(other.locator(".outcome")).to_be_visible()
        page.get_by_role("link", name="See the change").click()
        expect(page.locator(".outcome")).to_be_visible()


def test_a_server_that_restarts_costs_nothing_but_time(served: Served, chromium: Browser) -> None:
    citra = served.case_of("citra")
    with browsing(served, chromium, Role.COACH) as context:
        page = opened(context, f"{served.url}/cases/{citra}")
        second = opened(context, f"{served.url}/approvals")
        approve = page.get_by_role("button", name="Approve")
        expect(approve).to_be_enabled()

        served.stop()
        expect(page.locator("#offline")).to_contain_text("Decisions are off until you reconnect", timeout=LOST)
        expect(page.locator("[data-live]")).to_have_text("Reconnecting")
        expect(approve).to_be_disabled()
        served.note(citra, "Written while nobody could see it")
        served.start()

        expect(page.locator("#thread")).to_contain_text("Written while nobody could see it", timeout=LOST)
        expect(approve).to_be_enabled()
        expect(page.locator("#offline")).to_be_empty()
        expect(page.locator("[data-live]")).to_have_text("Live", timeout=LOST)
        expect(second.locator("[data-live]")).to_have_text("Live", timeout=LOST)

        with transaction():
            db.run("update sessions set revoked_at = %s", (served.house.now,))
        expect(page.locator("#offline")).to_contain_text("You are signed out")
        expect(approve).to_be_disabled()


def test_a_tab_that_slept_asks_what_it_missed_before_anything_is_decided_on_it(
    served: Served, chromium: Browser
) -> None:
    citra = served.case_of("citra")
    with browsing(served, chromium, Role.COACH) as context:
        context.clock.install()
        page = opened(context, f"{served.url}/cases/{citra}")
        approve = page.get_by_role("button", name="Approve")
        expect(approve).to_be_enabled()

        # while the machine sleeps nothing of it runs, and when it wakes the desk is slow to answer
        page.route("**/events*", lambda _route: None)
        page.clock.pause_at(page.evaluate("Date.now() / 1000") + 40)  # no time passes that a lost connection would take
        expect(approve).to_be_disabled()
        served.note(citra, "Written while the tab was asleep")
        page.unroute("**/events*")
        page.clock.resume()

        expect(page.locator("#thread")).to_contain_text("Written while the tab was asleep", timeout=LOST)
        expect(page.locator("[data-live]")).to_have_text("Live", timeout=LOST)
        expect(approve).to_be_enabled(timeout=LOST)
