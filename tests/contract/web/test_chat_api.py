"""The public chat for programs: what is stored, who may read it, and what is told to whom gets it wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta

import httpx2
import pytest

from caseward.core.pack import Pack
from caseward.core.roles import Role
from caseward.settings import Settings
from caseward.store import contacts, db, messages, people, presence
from caseward.store.db import transaction
from caseward.store.people import Person
from caseward.web import chat_api
from tests.conftest import wait_until
from tests.contract.web.conftest import Site, Stream, problem, running

UNKNOWN = "0" * 43


def test_a_message_is_answered_with_202_once_it_is_stored(site: Site) -> None:
    visitor = site.visitor()

    answer = visitor.post("Halo")

    assert answer.status_code == 202
    said = answer.json()
    assert (said["from"], said["text"], said.keys()) == ("customer", "Halo", {"id", "seq", "from", "text", "at"})
    assert visitor.read()["items"] == [said]


def test_the_same_id_again_is_the_same_message(site: Site) -> None:
    visitor = site.visitor()

    first, again = visitor.post("Halo", id="a"), visitor.post("something else", id="a")

    assert first.json() == again.json()
    assert len(visitor.read()["items"]) == 1


def test_the_same_message_sent_many_times_at_once_is_stored_once(site: Site) -> None:
    visitor = site.visitor()
    answers: list[httpx2.Response] = []
    senders = [threading.Thread(target=lambda: answers.append(visitor.post("Halo", id="x"))) for _ in range(8)]

    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()

    assert {answer.status_code for answer in answers} == {202}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_messages_are_read_after_a_number_and_a_part_at_a_time(site: Site) -> None:
    visitor = site.visitor()
    first = visitor.post("satu").json()["seq"]
    for number in range(205):
        site.say(visitor.conversation, str(number))

    part = visitor.read(after=first)
    rest = visitor.read(after=part["next"])

    assert [item["text"] for item in part["items"] + rest["items"]] == [str(number) for number in range(205)]
    assert (len(part["items"]), rest["next"]) == (200, None)


def test_internal_notes_are_never_shown_to_the_contact(site: Site) -> None:
    visitor = site.visitor()
    site.say(visitor.conversation, "do not tell", kind="note")
    site.say(visitor.conversation, "told")

    assert [item["text"] for item in visitor.read()["items"]] == ["told"]
    assert [json.loads(event["data"])["text"] for event in visitor.follow(1)] == ["told"]


def test_it_is_told_which_message_was_taken_up(site: Site) -> None:
    visitor = site.visitor()
    seq = visitor.post("Halo").json()["seq"]

    before = visitor.read()["read"]
    site.take_up(visitor.conversation)

    assert (before, visitor.read()["read"]) == (0, seq)


# --- who may read what ------------------------------------------------------------------------------------------------


def test_a_token_reads_and_writes_its_own_conversation_only(site: Site) -> None:
    one, other = site.visitor(), site.visitor()
    one.post("mine")

    assert one.conversation != other.conversation
    assert other.read()["items"] == []
    other.post("theirs", id="m1")
    assert [item["text"] for item in one.read()["items"]] == ["mine"]


@pytest.mark.parametrize("header", [UNKNOWN, "a b", "ä", "x" * 5000])
def test_a_wrong_token_opens_nothing(site: Site, header: str) -> None:
    with site.client() as client:
        for method, path in (("POST", "/chat/messages"), ("GET", "/chat/messages"), ("GET", "/chat/stream")):
            answer = client.request(
                method,
                path,
                headers={b"Authorization": b"Bearer " + header.encode("latin-1")},
                json={"id": "m1", "text": "hi"} if method == "POST" else None,
            )
            assert problem(answer)[:2] == (401, "no_session")
            assert answer.headers["www-authenticate"].startswith("Bearer")


def test_without_a_token_the_answer_says_how_to_get_one(site: Site) -> None:
    with site.client() as client:
        status, code, detail = problem(client.get("/chat/messages"))

    assert (status, code) == (401, "no_session")
    assert "POST /chat/session" in detail


def test_the_cookie_of_a_conversation_is_for_the_chat_alone_and_no_script(site: Site) -> None:
    with site.client() as client:
        cookie = client.post("/chat/session", json={}).headers["set-cookie"].lower()
        client.post("/chat/messages", json={"id": "1", "text": "by cookie"}).raise_for_status()
        read = client.get("/chat/messages").json()["items"]

    assert {"httponly", "path=/chat", "samesite=lax"} <= set(cookie.split("; "))
    assert [item["text"] for item in read] == ["by cookie"]


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
@pytest.mark.parametrize("path", ["/chat/messages", "/chat/session", "/chat/leave"])
def test_a_page_of_another_site_can_post_nothing(site: Site, path: str, headers: dict[str, str]) -> None:
    with site.client() as client:
        client.post("/chat/session", json={})
        answer = client.post(path, json={"id": "1", "text": "forged"} if "messages" in path else {}, headers=headers)
        seen = client.get("/chat/messages").json()["items"]

    assert problem(answer)[:2] == (403, "cross_site")
    assert seen == []


def test_a_token_in_a_header_needs_no_origin_because_no_browser_adds_it_by_itself(site: Site) -> None:
    visitor = site.visitor()

    with site.client(visitor.token, Origin="https://shop.example") as client:
        assert client.post("/chat/messages", json={"id": "1", "text": "widget"}).status_code == 202


# --- sample contacts --------------------------------------------------------------------------------------------------


def test_in_a_demo_a_chat_opens_as_a_sample_contact(site: Site) -> None:
    visitor = site.visitor(**{"as": "stu-001"})

    with transaction():
        row = messages.conversation(visitor.conversation)
        assert row is not None
        found = contacts_of(row.address)

    assert found == "stu-001"


def contacts_of(address: str) -> str | None:
    proved = contacts.identity("webchat", address)
    return proved[0].id if proved else None


def test_a_sample_contact_that_is_not_there_is_named(site: Site) -> None:
    with site.client() as client:
        status, code, detail = problem(client.post("/chat/session", json={"as": "stu-999"}))

    assert (status, code) == (404, "not_found")
    assert "stu-999" in detail


def test_outside_a_demo_nobody_opens_a_chat_as_somebody_else(store: str, school: Pack) -> None:
    with running(Settings(demo=False), school) as site, site.client() as client:
        answer = client.post("/chat/session", json={"as": "stu-001"})
        page = client.get("/chat?as=stu-001")

    assert problem(answer)[:2] == (403, "not_a_demo")
    assert (page.status_code, "Rani" in page.text) == (404, False)


# --- too much ---------------------------------------------------------------------------------------------------------


def test_a_flood_of_messages_is_slowed_with_words(site: Site) -> None:
    visitor = site.visitor()
    most = site.pack.profile.limits.messages_per_minute

    answers = [visitor.post("hi", id=str(number)) for number in range(most + 1)]

    assert [answer.status_code for answer in answers[:most]] == [202] * most
    assert problem(answers[-1])[:2] == (429, "too_many")
    assert int(answers[-1].headers["retry-after"]) > 0


@pytest.fixture
def proxied(store: str, school: Pack) -> Iterator[Site]:
    """A site behind a proxy of this machine."""
    with running(Settings(trusted_proxies=("127.0.0.1",), public_url="https://desk.example"), school) as opened:
        yield opened


def test_one_address_opens_so_many_conversations_and_another_still_may(proxied: Site) -> None:
    def opening(client: httpx2.Client, address: str) -> int:
        return client.post("/chat/session", json={}, headers={"X-Forwarded-For": address}).status_code

    with proxied.client() as client:
        opened = next(n for n in range(300) if opening(client, "203.0.113.7") == 429)
        other = opening(client, "203.0.113.8")
        of_one_site = next(n for n in range(300) if opening(client, f"2001:db8::{n:x}") == 429)

    assert 60 <= opened < 120  # more where it takes so long that some time is over
    assert other == 200
    assert 60 <= of_one_site < 120


def test_under_https_the_cookie_is_for_https_only(proxied: Site) -> None:
    headers = {"Host": "desk.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    with proxied.client() as client:
        answer = client.post("/chat/session", json={}, headers=headers)

    assert answer.headers["set-cookie"].startswith("__Secure-caseward-chat=")
    assert "secure" in answer.headers["set-cookie"].lower()
    assert "max-age" in answer.headers["strict-transport-security"]


def test_a_proxy_that_is_not_trusted_changes_nothing(site: Site) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    with site.client() as client:
        answer = client.post("/chat/session", json={}, headers=headers)

    assert answer.headers["set-cookie"].startswith("caseward-chat=")


# --- the stream -------------------------------------------------------------------------------------------------------


def test_the_stream_tells_what_is_there_and_then_what_comes(site: Site) -> None:
    visitor = site.visitor()
    visitor.post("satu")
    with site.client(visitor.token) as client, Stream(client) as stream:
        before = stream.take(1)
        site.say(visitor.conversation, "dua")
        after = stream.take(1)

    told = [(event["id"], json.loads(event["data"])) for event in before + after]
    assert [body["text"] for _id, body in told] == ["satu", "dua"]
    assert [int(id) for id, _body in told] == [body["seq"] for _id, body in told]


def test_the_stream_goes_on_after_the_last_event_that_was_seen(site: Site) -> None:
    visitor = site.visitor()
    seen = [site.say(visitor.conversation, str(number)) for number in range(3)]

    events = visitor.follow(2, **{"Last-Event-ID": str(seen[0])})

    assert [int(event["id"]) for event in events] == seen[1:]


def test_the_stream_tells_that_a_message_was_taken_up(site: Site) -> None:
    visitor = site.visitor()
    seq = visitor.post("satu").json()["seq"]
    with site.client(visitor.token) as client, Stream(client) as stream:
        stream.take(1)
        site.take_up(visitor.conversation)
        (event,) = stream.take(1)

    assert (event["event"], json.loads(event["data"])) == ("read", {"seq": seq})


def test_the_stream_tells_while_somebody_writes_a_reply(site: Site) -> None:
    visitor = site.visitor()
    visitor.post("Halo")
    case_id = site.case(visitor.conversation)
    with transaction():
        people.add(Person(id="per_writer", name="Writer", role=Role.COACH), now=site.now())

    with site.client(visitor.token) as client, Stream(client) as stream:
        stream.take(2)  # what was said, and that it was taken up
        with transaction():
            presence.beat("tab-1", "per_writer", case_id=case_id, editing="apv_1", now=site.now())
        (begins,) = stream.take(1)
        with transaction():
            presence.leave("tab-1", "per_writer")
        (ends,) = stream.take(1)

    assert [(each["event"], each["data"]) for each in (begins, ends)] == [("typing", "true"), ("typing", "false")]


def test_a_silent_stream_shows_that_it_lives(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat_api, "HEARTBEAT", 1)
    visitor = site.visitor()

    with site.client(visitor.token) as client, client.stream("GET", "/chat/stream") as answer:
        lines = answer.iter_lines()
        seen = [next(lines) for _ in range(5)]

    assert seen == ["retry: 2000", "", ": here", "", ": here"]


def test_a_stream_outlives_a_database_that_was_away(site: Site, store: str) -> None:
    visitor = site.visitor()
    site.say(visitor.conversation, "before")
    with site.client(visitor.token) as client, Stream(client) as stream:
        stream.take(1)
        db.connect("postgresql://nobody@127.0.0.1:9/nowhere")
        with site.client() as other:
            assert other.get("/chat/messages", headers={"Authorization": f"Bearer {visitor.token}"}).status_code == 503
        db.connect(store)
        site.say(visitor.conversation, "after")
        (event,) = stream.take(1)

    assert json.loads(event["data"])["text"] == "after"


def test_many_open_streams_leave_the_site_free_to_answer(site: Site) -> None:
    with ExitStack() as opened:
        for _ in range(44):
            visitor = site.visitor()
            site.say(visitor.conversation, "hello")
            client = opened.enter_context(site.client(visitor.token))
            opened.enter_context(Stream(client)).take(1)

        answer = site.visitor().post("still there?")

    assert answer.status_code == 202
    assert answer.elapsed < timedelta(seconds=5)


def test_a_conversation_has_so_many_streams_and_closing_one_frees_its_place(site: Site) -> None:
    visitor = site.visitor()
    site.say(visitor.conversation, "hello")
    with site.client(visitor.token) as client:
        opened = [Stream(client) for _ in range(8)]
        for stream in opened:
            stream.take(1)
        refused = client.get("/chat/stream")
        for stream in opened:
            stream.close()

    assert problem(refused)[:2] == (429, "too_many")
    wait_until(lambda: visitor.stream_status() == 200, what="a closed stream to free its place")


@pytest.mark.parametrize("value", ["-1", "abc", str(2**63), "1.5", "\u0661"])
def test_a_wrong_number_to_go_on_after_is_named(site: Site, value: str) -> None:
    visitor = site.visitor()

    with site.client(visitor.token) as client:
        polled = client.get("/chat/messages", params={"after": value})
        streamed = client.get("/chat/stream", headers={b"Last-Event-ID": value.encode()})

    assert problem(polled)[0] == 400
    assert "after" in problem(polled)[2]
    assert problem(streamed)[0] == 400
    assert "last-event-id" in problem(streamed)[2]
