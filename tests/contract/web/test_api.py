"""The API by token: what a role may read and decide, and the shapes that others rely on."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest

from caseward.core.approval import Terms
from caseward.core.ids import CaseId
from caseward.core.policy import Tier
from caseward.core.roles import Role
from caseward.store import cases, log, tags, tokens
from caseward.store.db import transaction
from tests.contract.web.conftest import Site, Visitor, problem

PATHS = ("/api/v1/cases", "/api/v1/approvals", "/api/v1/log")


def get(site: Site, path: str, role: str = "ops_lead", **params: Any) -> Any:
    with site.client(site.token(role)) as client:
        return client.get(path, params=params).raise_for_status().json()


def filed(site: Site, text: str = "I want a refund") -> tuple[Visitor, CaseId]:
    visitor = site.visitor()
    visitor.post(text)
    return visitor, site.case(visitor.conversation)


def verdict(site: Site, approval: str, role: str = "coach", token: str = "", **body: Any) -> httpx2.Response:
    with site.client(token or site.token(role)) as client:
        return client.post(f"/api/v1/approvals/{approval}/verdict", json=body)


# --- who gets in ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Basic abc", "Bearer nonsense", "Bearer " + "x" * 4000])
def test_without_a_good_token_nothing_is_read(site: Site, path: str, header: str) -> None:
    with site.client() as client:
        headers = {"Authorization": header} if header.strip() == header and header else {}
        answer = client.get(path, headers=headers)

    assert problem(answer)[:2] == (401, "no_token")
    assert answer.headers["www-authenticate"] == 'Bearer realm="api"'


def test_an_expired_and_a_revoked_token_open_nothing(site: Site) -> None:
    with transaction():
        expired = tokens.make("admin", now=site.now(), expires_at=site.now() + timedelta(hours=1)).token
        revoked = tokens.make("admin", now=site.now()).token
        found = tokens.of(revoked, now=site.now())
        assert found
        tokens.revoke(found.id, now=site.now())
    site.late = timedelta(hours=2)

    for token in (expired, revoked):
        with site.client(token) as client:
            assert problem(client.get("/api/v1/cases"))[:2] == (401, "no_token")
    site.late = timedelta()


def test_a_chat_token_is_no_api_token_and_the_other_way_round(site: Site) -> None:
    with site.client(site.visitor().token) as client:
        assert problem(client.get("/api/v1/cases"))[0] == 401
    with site.client(site.token("admin")) as client:
        assert problem(client.get("/chat/messages"))[0] == 401


def test_a_token_is_held_to_its_scopes(site: Site) -> None:
    with site.client(site.token("ops_lead", "log:read")) as client:
        assert client.get("/api/v1/log").status_code == 200
        status, code, detail = problem(client.get("/api/v1/cases"))

    assert (status, code) == (403, "not_in_scope")
    assert "--scope cases:read" in detail


@pytest.mark.parametrize("role", ["A", "B", "robot", ""])
def test_a_role_that_is_no_persons_reads_nothing(site: Site, role: str) -> None:
    with site.client(site.token(role)) as client:
        assert problem(client.get("/api/v1/cases"))[:2] == (403, "not_for_role")


# --- cases ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("role", list(Role))
def test_every_role_of_the_house_reads_the_whole_file_of_a_case(site: Site, role: str) -> None:
    visitor, case = filed(site)
    site.say(visitor.conversation, "not yet in the case")
    approval = site.ask(case)

    body = get(site, f"/api/v1/cases/{case}", role)

    assert (body["id"], body["status"], body["owner"], body["channel"]) == (case, "waiting_approval", "desk", "webchat")
    assert body["tier"] == body["decision"]["tier"] == "R3"
    assert (body["decision"]["rules"], body["decision"]["missing"]) == (["refund-request"], [])
    assert body["decision"]["release"] == "2026-11-21.1"
    (fact,) = body["decision"]["facts"]
    assert (fact["name"], fact["value"], fact["source"]) == ("intent", "refund", "message")
    assert datetime.fromisoformat(fact["at"]).tzinfo == UTC
    assert [(each["from"], each["text"]) for each in body["messages"]] == [("customer", "I want a refund")]
    assert [each["id"] for each in body["approvals"]] == [approval]
    assert [(each["skill"], each["state"]) for each in body["tasks"]] == [("refund", "queued")]
    assert [each["kind"] for each in body["clocks"]] == ["decision"]


def test_a_case_is_found_by_its_number_too(site: Site) -> None:
    _visitor, case = filed(site)
    number = get(site, f"/api/v1/cases/{case}")["number"]

    assert get(site, f"/api/v1/cases/{number}")["id"] == case


@pytest.mark.parametrize("id", ["case_0000000000000000", "999999999"])
def test_a_case_that_is_not_there_is_named(site: Site, id: str) -> None:
    with site.client(site.token("admin")) as client:
        assert problem(client.get(f"/api/v1/cases/{id}")) == (404, "not_found", f"there is no case {id}")


@pytest.mark.parametrize("id", ["9" * 30, "²", "case_'; drop", "a%00b", "..%2f..", "case_" + "x" * 100])
def test_what_cannot_be_a_case_is_refused(site: Site, id: str) -> None:
    with site.client(site.token("admin")) as client:
        assert client.get(f"/api/v1/cases/{id}").status_code in (400, 404)


def test_cases_are_listed_newest_first_filtered_and_a_part_at_a_time(site: Site) -> None:
    found = [filed(site) for _ in range(5)]
    ids = [case for _visitor, case in found][::-1]

    first = get(site, "/api/v1/cases", limit=2)
    second = get(site, "/api/v1/cases", limit=2, cursor=first["next"])

    assert [each["id"] for each in first["items"] + second["items"]] == ids[:4]
    mine = get(site, "/api/v1/cases", conversation=found[0][0].conversation)
    assert ([each["id"] for each in mine["items"]], mine["next"]) == ([ids[-1]], None)
    assert get(site, "/api/v1/cases", conversation=found[0][0].conversation, tier="R0")["items"] == []
    assert get(site, "/api/v1/cases", status="closed")["items"] == []


def test_cases_are_filtered_by_what_the_inbox_filters_by(site: Site) -> None:
    (_first, one), (_second, other) = filed(site), filed(site)
    with transaction():
        tags.add(CaseId(one), "vip guest", by="per_1", at=site.now())
        opened = cases.get(one).opened_at
        cases.change(cases.get(other), opened, snoozed_until=opened + timedelta(days=1), language="de")

    def ids(**filters: str) -> list[str]:
        items = get(site, "/api/v1/cases", **filters)["items"]
        return [each["id"] for each in items if each["id"] in (one, other)]

    assert ids(tag="vip guest") == [one]
    assert ids(snoozed="true") == [other]
    assert ids(snoozed="false") == [one]
    assert ids(language="de") == [other]
    assert ids(opened_since=(opened + timedelta(days=1)).isoformat()) == []
    assert len(ids(opened_until=(opened + timedelta(days=1)).isoformat())) == 2
    assert ids(with_files="true") == []


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({"status": "nonsense"}, "status"),
        ({"tier": "R9"}, "tier"),
        ({"limit": "0"}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"cursor": "9" * 30}, "cursor"),
        ({"contact": "a b"}, "contact"),
        ({"channel": "\u0000"}, "zero byte"),
        ({"tag": "\u0000"}, "zero byte"),
        ({"tag": "\u0001"}, "tag"),
        ({"opened_since": "2026-11-23T10:00:00"}, "opened_since"),
    ],
)
def test_a_wrong_filter_is_named(site: Site, params: dict[str, str], named: str) -> None:
    with site.client(site.token("admin")) as client:
        answer = client.get("/api/v1/cases", params=params)

    assert answer.status_code == 400
    assert named in problem(answer)[2]


# --- approvals --------------------------------------------------------------------------------------------------------


def test_an_approval_shows_exactly_what_would_be_said_and_done(site: Site) -> None:
    _visitor, case = filed(site)
    approval = site.ask(case, reply="Your payment has been returned.")

    body = get(site, f"/api/v1/approvals/{approval}")

    assert (body["case"], body["tier"], body["lane"], body["state"]) == (case, "R3", "coach", "open")
    assert (body["question"], body["reply"]) == ("Return this payment?", "Your payment has been returned.")
    assert [(each["kind"], each["skill"]) for each in body["effects"]] == [("task", "refund"), ("reply", None)]
    assert len(body["digest"]) == 64
    assert body in get(site, "/api/v1/approvals", state="open", limit=200)["items"]


def test_approvals_are_listed_a_part_at_a_time_and_by_lane(site: Site) -> None:
    _visitor, case = filed(site)
    asked = {site.ask(case, lane="qa") for _ in range(3)}

    first = get(site, "/api/v1/approvals", lane="qa", limit=2)
    rest = get(site, "/api/v1/approvals", lane="qa", limit=2, cursor=first["next"])

    assert {each["id"] for each in first["items"] + rest["items"]} == asked
    assert rest["next"] is None


def test_a_verdict_counts_once_and_begins_what_follows(site: Site) -> None:
    _visitor, case = filed(site)
    approval = site.ask(case)
    digest = get(site, f"/api/v1/approvals/{approval}")["digest"]

    decided = verdict(site, approval, verdict="approve", digest=digest)
    again = verdict(site, approval, verdict="approve", digest=digest)

    assert (decided.status_code, decided.json()["state"]) == (200, "approved")
    assert decided.json()["decided_by"].startswith("tok_")
    assert problem(again)[:2] == (409, "conflict")
    assert [begun for begun in site.begun if begun[1] == approval] == [("conclude", approval)]


def test_of_two_who_decide_at_once_one_is_heard(site: Site) -> None:
    _visitor, case = filed(site)
    approval = site.ask(case)
    digest = get(site, f"/api/v1/approvals/{approval}")["digest"]
    tokens = [site.token("coach") for _ in range(4)]
    answers: list[int] = []
    word = {"verdict": "deny", "digest": digest, "reason": "no"}
    people_ = [
        threading.Thread(
            target=lambda token=token: answers.append(verdict(site, approval, token=token, **word).status_code)
        )
        for token in tokens
    ]

    for each in people_:
        each.start()
    for each in people_:
        each.join()

    assert sorted(answers) == [200, 409, 409, 409]


def test_a_request_that_needs_two_is_open_until_two_have_approved(site: Site) -> None:
    _visitor, case = filed(site)
    approval = site.ask(case, terms=Terms(needs=2))
    read = get(site, f"/api/v1/approvals/{approval}")
    assert (read["needs"], read["votes"], read["held_until"]) == (2, [], None)
    first, second = site.token("coach"), site.token("coach")
    word = {"verdict": "approve", "digest": read["digest"]}

    one = verdict(site, approval, token=first, conditions="once", **word)
    same = verdict(site, approval, token=first, **word)
    both = verdict(site, approval, token=second, **word)

    assert (one.json()["state"], [each["conditions"] for each in one.json()["votes"]]) == ("open", ["once"])
    assert problem(same)[:2] == (409, "conflict")
    assert (both.json()["state"], len({each["person"] for each in both.json()["votes"]})) == ("approved", 2)
    assert [begun for begun in site.begun if begun[1] == approval] == [("conclude", approval)]
    assert both.json() in get(site, f"/api/v1/cases/{case}")["approvals"]


def undo(site: Site, approval: str, role: str = "coach") -> httpx2.Response:
    with site.client(site.token(role)) as client:
        return client.post(f"/api/v1/approvals/{approval}/undo")


def test_consent_is_taken_back_while_it_is_held_and_not_later(site: Site) -> None:
    _visitor, case = filed(site)
    approval = site.ask(case, terms=Terms(hold_seconds=60))
    word = {"verdict": "approve", "digest": get(site, f"/api/v1/approvals/{approval}")["digest"]}
    assert "nothing to undo" in problem(undo(site, approval))[2]

    held = verdict(site, approval, **word).json()
    undone = undo(site, approval).json()
    assert (held["state"], undone["state"], undone["votes"]) == ("approved", "open", [])
    assert held["held_until"] > held["decided_at"]
    assert undone["held_until"] is None

    verdict(site, approval, **word)
    site.late += timedelta(seconds=60)
    late = undo(site, approval)
    site.late = timedelta()
    assert problem(late)[:2] == (409, "conflict")
    assert "too late to undo" in problem(late)[2]
    assert not [begun for begun in site.begun if begun[1] == approval]


@pytest.mark.parametrize("role", ["agent", "ops_lead", "on_call", "admin"])
def test_only_a_role_of_the_lane_takes_consent_back(site: Site, role: str) -> None:
    _visitor, case = filed(site)
    approval = site.ask(case, terms=Terms(hold_seconds=60))
    verdict(site, approval, verdict="approve", digest=get(site, f"/api/v1/approvals/{approval}")["digest"])

    assert problem(undo(site, approval, role))[:2] == (403, "refused")
    assert get(site, f"/api/v1/approvals/{approval}")["state"] == "approved"


def test_consent_on_old_facts_is_refused_with_what_where_and_the_fix(site: Site) -> None:
    approval = site.ask(site.case(site.visitor().conversation), read_before=timedelta(hours=3))
    asked = get(site, f"/api/v1/approvals/{approval}")

    refused = verdict(site, approval, verdict="approve", digest=asked["digest"])

    assert (refused.status_code, refused.json()["code"]) == (409, "not_now")
    assert refused.json()["detail"] == (
        f"approval {approval}: last payment is too old to decide on; read it now by "
        f"POST /api/v1/approvals/{approval}/read, then decide"
    )
    assert asked["not_now"] == "last payment is too old to decide on; read it now"
    with site.client(site.token("agent")) as client:
        assert client.post(f"/api/v1/approvals/{approval}/read").status_code == 403
    with site.client(site.token("coach")) as client:
        assert client.post(f"/api/v1/approvals/{approval}/read").status_code == 202
    assert ("read_anew", approval) in site.begun
    assert verdict(site, approval, verdict="deny", digest=asked["digest"], reason="no").status_code == 200
    assert get(site, f"/api/v1/approvals/{approval}")["not_now"] is None
    with site.client(site.token("coach")) as client:
        assert client.post(f"/api/v1/approvals/{approval}/read").status_code == 409


def test_a_verdict_on_another_draft_than_the_one_asked_about_is_refused(site: Site) -> None:
    _visitor, case = filed(site)
    approval = site.ask(case)

    answer = verdict(site, approval, verdict="approve", digest="0" * 64)

    assert problem(answer)[:2] == (409, "conflict")
    assert "changed" in problem(answer)[2]


@pytest.mark.parametrize("role", ["agent", "ops_lead", "on_call", "admin"])
def test_only_a_role_of_the_lane_decides_and_the_attempt_is_on_record(site: Site, role: str) -> None:
    _visitor, case = filed(site)
    approval = site.ask(case)
    digest = get(site, f"/api/v1/approvals/{approval}")["digest"]

    answer = verdict(site, approval, role, verdict="approve", digest=digest)

    assert problem(answer)[:2] == (403, "refused")
    assert get(site, f"/api/v1/approvals/{approval}")["state"] == "open"
    denied = get(site, "/api/v1/log", kind="denied", case=case)["items"]
    assert [entry["payload"]["role"] for entry in denied] == [role]


def test_a_verdict_out_of_time_counts_as_nothing(site: Site) -> None:
    _visitor, case = filed(site)
    approval = site.ask(case)
    digest = get(site, f"/api/v1/approvals/{approval}")["digest"]
    site.late = timedelta(hours=5)

    answer = verdict(site, approval, verdict="approve", digest=digest)

    site.late = timedelta()
    assert problem(answer)[:2] == (409, "conflict")
    assert "expired" in problem(answer)[2]


@pytest.mark.parametrize(
    ("body", "named"),
    [
        ({}, "verdict: missing"),
        ({"verdict": "approve"}, "digest: missing"),
        ({"verdict": "maybe", "digest": "x"}, "verdict"),
        ({"verdict": "approve", "digest": 5}, "digest"),
        ({"verdict": "approve", "digest": "x" * 129}, "digest"),
        ({"verdict": "approve", "digest": "x", "as": "coach"}, "as: unknown"),
        ({"verdict": "deny", "digest": "DIGEST"}, "reason"),
        ({"verdict": "edit", "digest": "DIGEST", "text": ""}, "text"),
    ],
)
def test_a_wrong_verdict_is_named(site: Site, body: dict[str, Any], named: str) -> None:
    _visitor, case = filed(site)
    approval = site.ask(case)
    digest = get(site, f"/api/v1/approvals/{approval}")["digest"]
    body = {key: digest if value == "DIGEST" else value for key, value in body.items()}

    answer = verdict(site, approval, **body)

    assert problem(answer)[0] == 400
    assert named in problem(answer)[2]
    assert get(site, f"/api/v1/approvals/{approval}")["state"] == "open"


# --- the action log ---------------------------------------------------------------------------------------------------


def test_the_log_is_read_in_order_filtered_and_a_part_at_a_time(site: Site) -> None:
    _visitor, case = filed(site)
    with transaction():
        for number in range(5):
            log.append("check", "A", {"number": number}, at=site.now(), case_id=case)

    first = get(site, "/api/v1/log", case=case, kind="check", limit=3)
    rest = get(site, "/api/v1/log", case=case, kind="check", cursor=first["next"])

    entries = first["items"] + rest["items"]
    assert [entry["payload"]["number"] for entry in entries] == list(range(5))
    assert [entry["seq"] for entry in entries] == sorted(entry["seq"] for entry in entries)
    assert (rest["next"], entries[0]["actor"], entries[0]["case"]) == (None, "A", case)
    until = get(site, "/api/v1/log", case=case, until="2020-01-01T00:00:00Z")
    assert until["items"] == []


@pytest.mark.parametrize("role", ["coach", "agent", "on_call"])
def test_who_may_not_read_all_of_the_log_reads_their_own_decisions(site: Site, role: str) -> None:
    _visitor, case = filed(site)
    approval = site.ask(case)
    token = site.token(role)
    verdict(site, approval, token=token, verdict="deny", digest="0", reason="no")
    with site.client(token) as client:
        own = client.get("/api/v1/log").json()["items"]
        refused = client.get("/api/v1/log", params={"actor": "A"})

    assert problem(refused)[:2] == (403, "not_for_role")
    assert all(entry["actor"].startswith("tok_") for entry in own)
    assert len(own) == (0 if role == "coach" else 1), "a refused attempt is theirs"


@pytest.mark.parametrize("params", [{"since": "yesterday"}, {"since": "2026-11-21T10:00:00"}, {"cursor": "-1"}])
def test_a_wrong_time_or_place_in_the_log_is_named(site: Site, params: dict[str, str]) -> None:
    with site.client(site.token("admin")) as client:
        answer = client.get("/api/v1/log", params=params)

    assert problem(answer)[0] == 400
    assert next(iter(params)) in problem(answer)[2]


def test_a_case_of_lower_tier_says_so(site: Site) -> None:
    visitor = site.visitor()
    visitor.post("Where are you?")
    case = site.case(visitor.conversation, tier=Tier.R0)

    assert get(site, f"/api/v1/cases/{case}")["tier"] == "R0"
