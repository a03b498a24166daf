"""Every address of the desk against every role: who is let in is declared here, and a new address without a line fails.

Whoever is not let in gets no page of it, changes nothing, and meets no fault of ours; nor does who is not signed in.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest
from fastapi.routing import iter_route_contexts
from fastapi.testclient import TestClient

from caseward.core.roles import Role
from caseward.settings import Settings
from caseward.store import approvals, log, people, tokens
from caseward.store.db import transaction
from caseward.store.people import Person
from tests.conftest import application
from tests.e2e.console_house import Browser, House, a_full_desk, house

LETTERS = {"c": Role.COACH, "a": Role.AGENT, "l": Role.OPS_LEAD, "o": Role.ON_CALL, "A": Role.ADMIN}
ALL = "caloA"
OUTSIDE = "outside"
"""For who is not signed in: the way in, customers, vendors, probes."""
TOKEN = "token"
"""For programs with a token; tests/contract/web holds each against roles and scopes."""
WHO = """
caloA   GET /
caloA   GET /account
caloA   POST /account/codes
caloA   GET /account/factor
caloA   POST /account/factor
caloA   POST /account/factor/begin
caloA   POST /account/factor/off
caloA   POST /account/name
caloA   POST /account/password
caloA   POST /account/sessions/end
caloA   POST /account/sessions/end-others
token   GET /api/v1/approvals
token   GET /api/v1/approvals/{approval_id}
token   POST /api/v1/approvals/{approval_id}/read
token   POST /api/v1/approvals/{approval_id}/undo
token   POST /api/v1/approvals/{approval_id}/verdict
token   GET /api/v1/cases
token   GET /api/v1/cases/{case_id}
token   GET /api/v1/figures
token   GET /api/v1/log
token   GET /api/v1/releases
token   GET /api/v1/releases/{release_id}
token   POST /api/v1/releases/{release_id}/approve
token   POST /api/v1/releases/{release_id}/publish
token   POST /api/v1/releases/{release_id}/refuse
token   POST /api/v1/releases/{release_id}/rollback
cal     GET /approvals
cal     POST /approvals/{approval_id}/preview
cl      POST /approvals/{approval_id}/read
c       POST /approvals/{approval_id}/undo
c       POST /approvals/{approval_id}/verdict
caloA   GET /audit
caloA   POST /audit/export
calA    GET /cases/{case_id}
cal     POST /cases/{case_id}/assign
cal     POST /cases/{case_id}/hand-back
cal     POST /cases/{case_id}/macro
cal     GET /cases/{case_id}/merge
cal     POST /cases/{case_id}/merge
cal     POST /cases/{case_id}/move
cal     POST /cases/{case_id}/note
cal     POST /cases/{case_id}/reopen
cal     POST /cases/{case_id}/reply
cal     POST /cases/{case_id}/resolve
cal     POST /cases/{case_id}/reveal
cal     POST /cases/{case_id}/snooze
cal     GET /cases/{case_id}/split
cal     POST /cases/{case_id}/split
cal     POST /cases/{case_id}/tags
cal     POST /cases/{case_id}/wake
outside GET /chat
outside POST /chat
outside POST /chat/leave
outside GET /chat/messages
outside POST /chat/messages
outside POST /chat/session
outside POST /chat/transcript
outside GET /chat/stream
outside GET /chat/theme.css
outside GET /chat/widget
outside GET /chat/widget.js
calA    GET /contacts
calA    GET /contacts/{contact_id}
cal     GET /contacts/{contact_id}/merge
cal     POST /contacts/{contact_id}/merge
cal     POST /contacts/{contact_id}/reveal
outside GET /docs
caloA   GET /events
cal     GET /files/{file_id}
cal     GET /files/{file_id}/picture
outside GET /healthz
caloA   GET /inbox
cal     POST /inbox/next
calA    GET /inbox/views
calA    POST /inbox/views
calA    POST /inbox/views/{view_id}
calA    GET /knowledge
calA    GET /knowledge/articles/{article_id}
calA    GET /knowledge/candidates
cal     POST /knowledge/candidates/{candidate_id}/dismiss
calA    GET /knowledge/changes/{release_id}
cal     POST /knowledge/changes/{release_id}/again
calA    POST /knowledge/changes/{release_id}/verdict
cal     GET /knowledge/edit/{place}/{id}
cal     POST /knowledge/edit/{place}/{id}
cal     GET /knowledge/new/{place}
cal     POST /knowledge/new/{place}
calA    GET /knowledge/releases
calA    GET /knowledge/releases/{release_id}
calA    POST /knowledge/releases/{release_id}/roll-back
calA    GET /knowledge/templates
calA    GET /knowledge/templates/{template_id}
calA    GET /knowledge/try
cal     POST /knowledge/{place}/{id}/retire
cal     POST /knowledge/{place}/{id}/reviewed
cal     POST /merges/{merge_id}/undo
outside GET /metrics
caloA   GET /more
outside GET /openapi.json
caloA   GET /overview
calA    GET /overview/cases
lA      GET /overview/export.csv
lA      GET /overview/export.json
lA      GET /overview/figures
lA      GET /overview/report/{week}
caloA   GET /presence
caloA   POST /presence
outside GET /readyz
caloA   GET /search
outside GET /second-step
outside POST /second-step
caloA   GET /settings
lA      GET /settings/channels
lA      GET /settings/channels/{channel}
lA      POST /settings/channels/{channel}/admission
lA      POST /settings/channels/{channel}/code
lA      POST /settings/channels/{channel}/link
lA      POST /settings/channels/{channel}/test
lA      POST /settings/channels/{channel}/wording
clA     GET /settings/hours
clA     GET /settings/hours/edit
clA     POST /settings/hours/propose
caloA   GET /settings/keys
caloA   POST /settings/keys
lA      GET /settings/people
A       POST /settings/people
lA      GET /settings/people/{person_id}
A       POST /settings/people/{person_id}/disable
A       POST /settings/people/{person_id}/enable
A       POST /settings/people/{person_id}/factor
A       POST /settings/people/{person_id}/invite
A       POST /settings/people/{person_id}/reset
A       POST /settings/people/{person_id}/role
A       POST /settings/people/{person_id}/sessions
clA     GET /settings/phase
clA     GET /settings/phase/decide
clA     POST /settings/phase/decide
clA     GET /settings/policies
clA     GET /settings/policies/try
loA     GET /settings/readiness
A       GET /settings/retention
A       GET /settings/retention/edit
A       POST /settings/retention/propose
loA     GET /settings/systems
loA     POST /settings/systems
clA     GET /settings/targets
clA     GET /settings/targets/edit
clA     POST /settings/targets/propose
lA      GET /settings/tokens
l       POST /settings/tokens
lA      POST /settings/tokens/{token_id}/end
caloA   POST /shell
cal     POST /shift
outside GET /sign-in
outside POST /sign-in
outside GET /sign-in/{token}
outside POST /sign-in/{token}
outside POST /sign-out
outside GET /sso
outside GET /sso/back
outside GET /static/{name}
loA     GET /systems
caloA   POST /theme
outside GET /webhooks/{channel}
outside POST /webhooks/{channel}
"""
"""Letters of the roles that are let in, or one of the two words above; method; path. What is at the ids is a case that
waits for a coach, somebody else's token, and so on: see `places`."""
DECLARED: Mapping[str, str] = {
    place: who for who, place in (line.split(maxsplit=1) for line in WHO.split("\n") if line)
}
FIELDS: Mapping[str, Mapping[str, str]] = {
    "POST /approvals/{approval_id}/preview": {"verdict": "edit", "text": "Hello.", "digest": "0" * 64},
    "POST /approvals/{approval_id}/verdict": {"verdict": "approve", "digest": "0" * 64},
    "POST /knowledge/changes/{release_id}/verdict": {"verdict": "refuse", "reason": "no"},
    "POST /settings/people/{person_id}/role": {"role": "agent"},
    "POST /settings/tokens": {"role": "agent", "name": "Export"},
}
"""What a form must hold to be looked at at all. A token of an agent is beyond an administrator's own rights."""
STREAMS = frozenset({"GET /events", "GET /chat/stream"})
"""They answer for as long as somebody listens; they are only asked by who is refused."""


@dataclass(frozen=True)
class Place:
    """One address as it is called."""

    name: str
    method: str
    path: str


def routes() -> Iterator[tuple[str, str]]:
    """Yield method and path of every address there is, found by the application itself."""
    for found in iter_route_contexts(application(Settings(allowed_hosts=("testserver",))).routes):
        for method in sorted(found.methods or {"GET"}):
            if method != "HEAD":
                yield method, str(found.path)


def test_every_address_is_declared_and_no_other() -> None:
    assert {f"{method} {path}" for method, path in routes()} == set(DECLARED)


@pytest.fixture
def desk(database: str) -> Iterator[House]:
    with house() as opened:
        opened.app = application(Settings(allowed_hosts=("testserver",)))
        yield opened


def places(desk: House) -> list[Place]:
    """Return every address with the ids of things that exist, as far as there are any."""
    asked = a_full_desk(desk)["citra"]
    with transaction():
        people.add(
            Person(id="per_extra", name="Somebody else", role=Role.AGENT, email="x@studio.example"), now=desk.now
        )
        case = approvals.get(asked).case_id
        token = tokens.make("admin", name="Theirs", now=desk.now, made_by=desk.person(Role.ADMIN))
    known = {
        "case_id": case,
        "approval_id": asked,
        "contact_id": "con_citra",
        "person_id": "per_extra",
        "token_id": token.id,
        "channel": "webchat",
        "week": "2026-W47",
        "place": "knowledge",
        "name": "console.css",
    }
    return [
        Place(f"{method} {path}", method, re.sub(r"\{(\w+)(:\w+)?\}", lambda hole: known.get(hole[1], "nothing"), path))
        for method, path in routes()
    ]


def ask(browser: Browser, place: Place, csrf: str = "") -> tuple[int, str, str]:
    """Call an address, with the form's token and nothing else; return status, where it leads, and what it shows."""
    client: TestClient = browser.client
    client.follow_redirects = False
    if place.method == "GET":
        answer = client.get(place.path)
    else:
        answer = client.request(place.method, place.path, data={**FIELDS.get(place.name, {}), "csrf": csrf})
    return answer.status_code, answer.headers.get("location", ""), answer.text


def test_each_role_is_let_in_where_it_is_declared_and_nowhere_else(desk: House) -> None:
    wrong: list[str] = []
    every = [place for place in places(desk) if DECLARED.get(place.name, OUTSIDE) not in (OUTSIDE, TOKEN)]
    browsers = {letter: desk.browser(role) for letter, role in LETTERS.items()}
    tokens_of = {letter: csrf_of(browser) for letter, browser in browsers.items()}
    before = last()
    for place in every:
        for letter in set(ALL) - set(DECLARED[place.name]):
            status, leads, shown = ask(browsers[letter], place, tokens_of[letter])
            reads = letter in DECLARED["GET /cases/{case_id}"]  # may see the case, and not do this with it
            if status not in (403, 404) or ("Citra" in shown and not reads):
                wrong.append(f"{LETTERS[letter]} is not kept out of {place.name}: {status} {leads}")
    assert changed_since(before) == []

    for place in sorted(every, key=lambda place: place.method):
        for letter in DECLARED[place.name] if place.name not in STREAMS else "":
            status, leads, _ = ask(browsers[letter], place, tokens_of[letter])
            if status >= 500 or status == 403 or leads.startswith("/sign-in"):
                wrong.append(f"{LETTERS[letter]} is not let in to {place.name}: {status} {leads}")

    assert wrong == [], "\n".join(wrong)


def test_who_is_not_signed_in_is_sent_to_sign_in_and_sees_and_changes_nothing(desk: House) -> None:
    wrong: list[str] = []
    every, stranger = places(desk), desk.browser()
    before = last()
    for place in every:
        if DECLARED.get(place.name, OUTSIDE) == OUTSIDE:
            continue
        status, leads, shown = ask(stranger, place)
        if DECLARED[place.name] == TOKEN:
            fine = status == 401
        else:
            fine = (status == 303 and leads.startswith("/sign-in?next=")) or status in (401, 403)
        if not fine or "Citra" in shown:
            wrong.append(f"{place.name}: {status} {leads}")

    assert wrong == [], "\n".join(wrong)
    assert changed_since(before) == []


def test_a_form_without_the_sessions_own_token_does_nothing(desk: House) -> None:
    wrong: list[str] = []
    every = [
        place
        for place in places(desk)
        if place.method == "POST" and DECLARED.get(place.name, OUTSIDE) not in (OUTSIDE, TOKEN)
    ]
    browsers = {letter: desk.browser(role) for letter, role in LETTERS.items()}
    before = last()
    for place in every:
        status, leads, _ = ask(browsers[DECLARED[place.name][0]], place, csrf="made up")
        if status != 403:
            wrong.append(f"{place.name}: {status} {leads}")

    assert wrong == [], "\n".join(wrong)
    assert changed_since(before) == []


def csrf_of(browser: Browser) -> str:
    return re.findall(r'name="csrf" value="([^"]+)"', browser.get("/more").text)[0]


def last() -> int:
    with transaction():
        return log.length()


def changed_since(seq: int) -> list[str]:
    """Return the kinds of entry that came since, but refusals."""
    with transaction():
        return [each.kind for each in log.entries(after=seq, limit=1000) if each.kind != "denied"]
