"""Slack as the team's lane, against a workspace that speaks what Slack documents."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from caseward.adapters.channels import slack
from caseward.core.errors import BadInput, CasewardError, Refused, SystemDown, Undeliverable
from caseward.core.events import Event, Pressed, Trouble, Typed
from caseward.core.ports import Button, Card, Hook, Lane
from caseward.settings import Settings
from caseward.simulators import slack as vendor
from caseward.simulators.serving import running
from caseward.simulators.slack import Fault

CARD = Card(
    title="Refund #1042 needs consent",
    lines=("Tier R3, lane coach", "Due 17:00 <!channel> *not bold*"),
    quote="Dear customer,\n> we return 250.00 & more.",
    buttons=(
        (Button(label="Approve", token="tok-approve"), Button(label="Deny", token="tok-deny")),
        (Button(label="Open", url="http://localhost/cases/1042"),),
    ),
)


@dataclass
class Workspace:
    """A workspace, the desk's lane in it, and what the lane made of what it was called with."""

    vendor: vendor.Slack
    lane: slack.Slack
    heard: list[Event] = field(default_factory=list)


@dataclass
class Street:
    """One server for all tests of the module: whoever stands behind its doors is theirs."""

    address: str = ""
    vendor: ASGIApp | None = None
    hook: ASGIApp | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let in at the door that is asked for."""
        behind = self.hook if scope.get("path") == "/hooks/slack" else self.vendor
        await (behind or Starlette())(scope, receive, send)


@pytest.fixture(scope="module")
def street() -> Iterator[Street]:
    opened = Street()
    with running(opened) as opened.address:
        yield opened


@pytest.fixture
def workspace(street: Street) -> Workspace:
    simulated = vendor.Slack(hook=f"{street.address}/hooks/slack")
    simulated.base = street.address
    lane = slack.Slack(vendor.TOKEN, vendor.SIGNING_SECRET, f"{street.address}/api")
    opened = Workspace(vendor=simulated, lane=lane)

    async def hook(request: Request) -> Response:
        body = await request.body()
        lane.verify(dict(request.headers), body)
        opened.heard += lane.parse(body)
        answer = lane.answer(body)
        return Response(status_code=200) if answer is None else JSONResponse(answer)

    street.vendor, street.hook = simulated.app, Starlette(routes=[Route("/hooks/slack", hook, methods=["POST"])])
    return opened


OFFLINE = slack.Slack("t", "s", "http://127.0.0.1:1/api")
"""For what needs nobody to answer."""


def event(**fields: object) -> bytes:
    said = {"type": "message", "user": "U1", "channel": "C1", "channel_type": "channel", "ts": "1700000000.000100"}
    return json.dumps({"type": "event_callback", "event": {**said, "text": "hi", **fields}}).encode()


def test_it_is_a_lane_that_its_vendor_calls(workspace: Workspace) -> None:
    assert isinstance(workspace.lane, Lane)
    assert isinstance(workspace.lane, Hook)


@pytest.mark.parametrize("missing", ["slack_token", "slack_signing_secret"])
def test_it_stays_off_without_its_secrets(missing: str) -> None:
    given = {"slack_token": SecretStr("xoxb-1"), "slack_signing_secret": SecretStr("s")}

    assert slack.channel(Settings(**given)) is not None
    assert slack.channel(Settings(**{**given, missing: None})) is None


# --- what the team is shown ---


def test_a_card_is_shown_whole_and_changed_in_place(workspace: Workspace) -> None:
    posted = workspace.lane.post("C0APPROVALS", CARD, key="card-1")
    workspace.lane.amend("C0APPROVALS", posted, Card(title="Approved by Ana at 14:02"))
    workspace.lane.amend("C0APPROVALS", posted, Card(title="Approved by Ana at 14:02"))

    [message] = workspace.vendor.shown("C0APPROVALS")
    assert (message.words(), message.edited) == ("Approved by Ana at 14:02", 2)


def test_words_to_be_judged_are_shown_as_they_are(workspace: Workspace) -> None:
    workspace.lane.post("C0OPS", CARD, key="card-1")

    [message] = workspace.vendor.shown("C0OPS")
    assert message.words() == "\n".join([CARD.title, *CARD.lines, CARD.quote])
    assert "<!channel>" not in message.text, "a notification calls nobody"


def test_a_card_larger_than_a_message_keeps_its_buttons(workspace: Workspace) -> None:
    rows = tuple((Button(label=f"{n} " + "x" * 200, token=f"t{n}"),) for n in range(3))
    large = Card(title="T" * 400, lines=("y" * 900,) * 300, quote="z" * 4000, buttons=rows)

    workspace.lane.post("C0OPS", large, key="card-1")

    [message] = workspace.vendor.shown("C0OPS")
    assert [block["type"] for block in message.blocks][-4:] == ["rich_text", "actions", "actions", "actions"]
    assert "…" in message.words()


def test_a_person_is_written_to_in_their_direct_conversation(workspace: Workspace) -> None:
    posted = workspace.lane.post("U0ANA", CARD, key="card-1")
    workspace.lane.amend("U0ANA", posted, Card(title="Closed"))
    workspace.lane.say("U0ANA", "Noted.", reply_to=posted)

    card, line = workspace.vendor.shown("U0ANA")
    assert (card.words(), line.text, line.thread) == ("Closed", "Noted.", posted)


def test_a_card_is_found_again_by_its_key(workspace: Workspace) -> None:
    workspace.vendor.faults["chat.postMessage"] = Fault(status=500, done=True)

    with pytest.raises(CasewardError, match="500") as lost:
        workspace.lane.post("C0OPS", CARD, key="card-1")

    assert not isinstance(lost.value, SystemDown | Undeliverable), "it may have gone out, and did"
    assert workspace.lane.lookup("C0OPS", key="card-1") == workspace.vendor.shown("C0OPS")[0].ts
    assert workspace.lane.lookup("C0OPS", key="card-2") is None


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("channel_not_found", Undeliverable),
        ("is_archived", Undeliverable),
        ("invalid_auth", SystemDown),
        ("ratelimited", SystemDown),
        ("fatal_error", CasewardError),
        ("never_heard_of", Undeliverable),
    ],
)
def test_an_error_says_whether_it_went_out(workspace: Workspace, code: str, kind: type[CasewardError]) -> None:
    workspace.vendor.faults["chat.postMessage"] = Fault(error=code)

    with pytest.raises(CasewardError, match=code) as raised:
        workspace.lane.say("C0OPS", "Hello")

    assert type(raised.value) is kind


def test_a_wrong_token_is_mended_and_not_lost(workspace: Workspace) -> None:
    workspace.vendor.token = "xoxb-another"

    with pytest.raises(SystemDown, match="invalid_auth"):
        workspace.lane.say("C0OPS", "Hello")


def test_nobody_at_the_door_means_that_it_surely_did_not_go_out() -> None:
    with pytest.raises(SystemDown, match="no connection"):
        OFFLINE.say("C0OPS", "Hello")


def test_a_channel_that_is_to_rest_is_not_called_and_others_are(workspace: Workspace) -> None:
    workspace.vendor.faults["chat.postMessage"] = Fault(status=429, error="ratelimited", wait=30)

    for _ in range(2):
        with pytest.raises(SystemDown, match="asks to wait"):
            workspace.lane.say("C0OPS", "Hello")
    workspace.lane.say("C0INCIDENTS", "Hello")

    assert workspace.vendor.shown("C0OPS") == [], "the second call would have gone through, and was not made"
    assert len(workspace.vendor.shown("C0INCIDENTS")) == 1


# --- what Slack tells ---


def test_the_address_is_registered(workspace: Workspace) -> None:
    assert workspace.vendor.register()
    with pytest.raises(Refused):
        workspace.lane.greet({"hub.challenge": "1"})


def test_what_is_typed_in_a_thread_answers_the_card(workspace: Workspace) -> None:
    posted = workspace.lane.post("C0APPROVALS", CARD, key="card-1")

    said = workspace.vendor.say("U0ANA", "C0APPROVALS", "@desk APPROVE if <100 & paid", thread=posted)

    [typed] = workspace.heard
    assert isinstance(typed, Typed)
    assert (typed.person, typed.chat, typed.reply_to) == ("U0ANA", "C0APPROVALS", posted)
    assert (typed.text, typed.message) == ("APPROVE if <100 & paid", said)
    assert abs(typed.at - datetime.now(UTC)).total_seconds() < 60


def test_a_direct_message_is_in_the_chat_of_who_wrote(workspace: Workspace) -> None:
    workspace.vendor.say("U0BUDI", "U0BUDI", "status")

    [typed] = workspace.heard
    assert isinstance(typed, Typed)
    assert (typed.person, typed.chat, typed.reply_to, typed.text) == ("U0BUDI", "U0BUDI", "", "status")


def test_a_button_tells_who_pressed_what_and_only_they_are_told_of_it(workspace: Workspace) -> None:
    posted = workspace.lane.post("C0APPROVALS", CARD, key="card-1")

    workspace.vendor.press("U0ANA", posted, "Approve")
    workspace.vendor.press("U0ANA", posted, "Open")

    [pressed] = workspace.heard
    assert isinstance(pressed, Pressed)
    assert (pressed.person, pressed.token, pressed.message) == ("U0ANA", "tok-approve", posted)
    workspace.lane.acknowledge(pressed.callback, "Approved, thank you")
    workspace.lane.acknowledge(pressed.callback, "")
    assert workspace.vendor.whispers == [("U0ANA", "Approved, thank you", "C0APPROVALS")]


@pytest.mark.parametrize(
    "address", ["http://169.254.169.254/latest", "file:///etc/passwd", "", "https://slack.com.evil.example/x"]
)
def test_no_other_address_is_answered(workspace: Workspace, address: str) -> None:
    with pytest.raises(Undeliverable, match="no address of Slack's"):
        workspace.lane.acknowledge(address, "Approved")


def test_a_used_up_answer_is_said_so(workspace: Workspace) -> None:
    with pytest.raises(Undeliverable, match="404"):
        workspace.lane.acknowledge(f"{workspace.vendor.base}/answers/gone", "Approved")


def test_the_page_shows_what_was_said_and_plays_whoever_is_picked(workspace: Workspace) -> None:
    posted = workspace.lane.post("C0APPROVALS", CARD, key="card-1")
    with httpx2.Client(base_url=workspace.vendor.base) as browser:
        page = browser.get("/").text
        browser.post("/page/press", json={"user": "U0BUDI", "message": posted, "label": "Deny"}).raise_for_status()
        browser.post("/page/say", json={"user": "U0ANA", "room": "D0ANA", "text": "status"}).raise_for_status()
        refused = browser.post("/page/say", json={"user": "U0ANA", "room": "C0OPS", "text": " "})
        state = browser.get("/page/state?after=-1").json()

    assert "static/slack.js" in page
    assert [each.token for each in workspace.heard if isinstance(each, Pressed)] == ["tok-deny"]
    assert [each.chat for each in workspace.heard if isinstance(each, Typed)] == ["U0ANA"]
    assert (refused.status_code, refused.json()) == (422, {"error": "write something first"})
    assert [each["text"].splitlines()[0] for each in state["messages"]] == [CARD.title, "status"]
    assert [each["way"] for each in state["exchanges"]] == ["to the app", "to the app", "from the app"]


def test_an_event_sent_again_names_the_same_message(workspace: Workspace) -> None:
    workspace.vendor.copies = 3

    workspace.vendor.say("U0ANA", "C0OPS", "status")

    assert len(workspace.heard) == 3
    assert len({repr(each) for each in workspace.heard}) == 1


FORGED: dict[str, Callable[[vendor.Slack, bytes], tuple[dict[str, str], bytes]]] = {
    "unsigned": lambda _vendor, body: ({}, body),
    "another secret": lambda _vendor, body: (vendor.Slack(secret="other").headers(body), body),
    "serialised anew": lambda ours, body: (ours.headers(body), json.dumps(json.loads(body), indent=1).encode()),
    "truncated": lambda ours, body: (ours.headers(body), body[:-1]),
    "too old": lambda ours, body: (ours.headers(body, at=time.time() - 301), body),
    "of the future": lambda ours, body: (ours.headers(body, at=time.time() + 301), body),
    "another time": lambda ours, body: (
        {**ours.headers(body), "X-Slack-Request-Timestamp": str(int(time.time()) - 1)},
        body,
    ),
    "no number": lambda ours, body: ({**ours.headers(body), "X-Slack-Request-Timestamp": "١٢٣"}, body),
    "odd letters": lambda ours, body: ({**ours.headers(body), "X-Slack-Signature": "v0=é\ud800"}, body),
}


@pytest.mark.parametrize("how", list(FORGED))
def test_what_slack_did_not_sign_is_refused(workspace: Workspace, how: str) -> None:
    headers, body = FORGED[how](workspace.vendor, event())

    with pytest.raises(Refused, match="slack"):
        workspace.lane.verify({name.lower(): value for name, value in headers.items()}, body)


@pytest.mark.parametrize(
    "fields",
    [
        {"bot_id": "B1"},
        {"subtype": "message_changed"},
        {"subtype": "channel_join"},
        {"subtype": {"a": 1}},
        {"user": None},
        {"type": "app_mention"},
        {"type": "reaction_added"},
    ],
    ids=str,
)
def test_what_nobody_wrote_is_passed_over(workspace: Workspace, fields: dict[str, object]) -> None:
    assert list(workspace.lane.parse(event(**fields))) == []


def test_marks_are_read_as_people_see_them(workspace: Workspace) -> None:
    text = "<@U2> in <#C1|ops>, <!here>: <https://a.example|the page> &lt;b&gt; <https://b.example>"

    [typed] = workspace.lane.parse(event(text=text, thread_ts="1700000000.000100"))

    assert isinstance(typed, Typed)
    assert typed.text == "@U2 in ops, @here: the page <b> https://b.example"
    assert typed.reply_to == "", "a thread's first message answers nothing"


def test_events_held_back_are_trouble(workspace: Workspace) -> None:
    [trouble] = workspace.lane.parse(b'{"type": "app_rate_limited", "minute_rate_limited": 1518467820}')

    assert isinstance(trouble, Trouble)
    assert (trouble.code, trouble.at) == ("app_rate_limited", datetime(2018, 2, 12, 20, 37, tzinfo=UTC))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)
EVENT = st.fixed_dictionaries(
    {"type": st.just("event_callback"), "event": st.fixed_dictionaries(
        {"type": st.just("message")},
        optional=dict.fromkeys(("user", "channel", "ts", "text", "subtype", "thread_ts", "channel_type"), JSON),
    )},
    optional={"authorizations": JSON, "event_time": JSON},
)  # fmt: skip
PRESS = st.fixed_dictionaries(
    {"type": st.just("block_actions")},
    optional=dict.fromkeys(("user", "actions", "container", "response_url"), JSON),
)


@given(data=EVENT | PRESS | JSON, form=st.booleans())
def test_no_json_upsets_the_parser(data: object, form: bool) -> None:
    text = json.dumps(data)
    body = urlencode({"payload": text}).encode() if form else text.encode()

    try:
        found = OFFLINE.parse(body)
        OFFLINE.answer(body)
    except BadInput:
        assert not isinstance(data, dict)
    else:
        assert all(isinstance(each, Typed | Pressed | Trouble) for each in found)
        repr(found).encode()


@given(body=st.binary(max_size=60))
def test_no_bytes_upset_the_parser(body: bytes) -> None:
    with contextlib.suppress(BadInput):
        assert OFFLINE.parse(body) == []
