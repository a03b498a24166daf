"""The API of releases by token: read by everybody of the house, decided by the roles of a lane, one at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any

import httpx2
import pytest
from sqlalchemy import text

from caseward.adapters import find
from caseward.core.roles import Role
from caseward.desk import library, tools
from caseward.packs import shelf
from caseward.store import db, log
from caseward.store.db import transaction
from tests.conftest import SCHOOL
from tests.contract.web.conftest import Site, problem

FIRST = "2026-11-21.1"
NEXT = "2026-11-23.1"
GREETING = "templates/greeting.yaml"
BEFORE = {"approve": (), "refuse": (), "publish": ("approve",), "rollback": ("approve", "publish")}
"""Verb → what has to be done before."""
REFUSED = [(verb, role) for verb in BEFORE for role in (Role.ADMIN, Role.ON_CALL, Role.COACH)]
REFUSED.remove(("publish", Role.COACH))  # who decides in some lane may ask for what others consented to
REFUSED = [each for each in REFUSED if each not in (("publish", Role.ADMIN), ("rollback", Role.ADMIN))]
"""An administrator consents to nothing, and may have published what others consented to."""


@pytest.fixture
def proposal(site: Site) -> Iterator[str]:
    """A first release and a proposal to change a template, by somebody else."""
    tools.use(replace(tools.given(), built_in=frozenset(find.skill_names(("records",)))))
    files = shelf.snapshot(SCHOOL)
    with transaction():
        library.open_with(files)
        changed = {**files, GREETING: files[GREETING] + "# looked at again\n"}
        library.propose(changed, author="per_1", reason="warmer words", release=NEXT)
    yield NEXT
    with transaction():
        db.execute(text("truncate releases, release_switches cascade"))


def do(site: Site, verb: str, role: str, *scopes: str, release: str = NEXT, **body: Any) -> httpx2.Response:
    with site.client(site.token(role, *scopes)) as client:
        return client.post(f"/api/v1/releases/{release}/{verb}", json=body)


def read(site: Site, path: str = "", role: str = "on_call", *scopes: str) -> Any:
    with site.client(site.token(role, *scopes)) as client:
        return client.get(f"/api/v1/releases{path}").raise_for_status().json()


def denied() -> int:
    with transaction():
        return len(log.entries(kind="denied"))


@pytest.mark.parametrize("role", list(Role))
def test_every_role_reads_what_the_desk_goes_by(site: Site, proposal: str, role: str) -> None:
    page = read(site, "", role)
    whole = read(site, f"/{proposal}", role)

    assert [(each["id"], each["state"], each["current"]) for each in page["items"]] == [
        (NEXT, "proposed", False), (FIRST, "published", True),
    ]  # fmt: skip
    assert page["next"] is None
    assert (whole["changed"], whole["lane"], whole["author"], whole["reason"]) == (
        ["templates"], "qa", "per_1", "warmer words",
    )  # fmt: skip
    assert [(each["path"], each["part"]) for each in whole["files"]] == [(GREETING, "templates")]
    assert "+# looked at again" in whole["files"][0]["diff"]
    assert datetime.fromisoformat(whole["proposed_at"]).tzinfo is not None


def test_a_release_is_approved_published_and_rolled_back(site: Site, proposal: str) -> None:
    approved = do(site, "approve", "agent", "releases:write", reason="fine").raise_for_status().json()
    published = do(site, "publish", "agent").raise_for_status().json()
    back = do(site, "rollback", "agent", release=FIRST, reason="not now").raise_for_status().json()

    assert (approved["state"], approved["current"]) == ("approved", False)
    assert (published["state"], published["current"]) == ("published", True)
    assert (back["id"], back["current"]) == (FIRST, True)


@pytest.mark.parametrize(("verb", "role"), REFUSED)
def test_a_role_that_does_not_decide_in_the_lane_changes_nothing(
    site: Site, proposal: str, verb: str, role: str
) -> None:
    release = FIRST if verb == "rollback" else NEXT
    for earlier in BEFORE[verb]:
        do(site, earlier, "agent", reason="fine").raise_for_status()
    before = denied()

    status, code, _detail = problem(do(site, verb, role, release=release, reason="because"))

    assert (status, code) == (403, "refused")
    assert denied() == before + 1


def test_a_token_for_reading_decides_nothing_and_one_for_deciding_reads_nothing(site: Site, proposal: str) -> None:
    assert problem(do(site, "approve", "agent", "releases:read", reason="fine"))[:2] == (403, "not_in_scope")
    with site.client(site.token("agent", "releases:write")) as client:
        assert problem(client.get("/api/v1/releases"))[:2] == (403, "not_in_scope")


def test_what_is_no_more_so_is_a_conflict_and_what_is_not_there_is_not_found(site: Site, proposal: str) -> None:
    assert problem(do(site, "publish", "agent"))[:2] == (409, "conflict")
    do(site, "refuse", "agent", reason="no").raise_for_status()
    assert problem(do(site, "approve", "agent", reason="fine"))[:2] == (409, "conflict")
    assert problem(do(site, "rollback", "agent", reason="fine"))[:2] == (409, "conflict")
    assert problem(do(site, "approve", "agent", release="2020-01-01.1", reason="fine"))[:2] == (404, "not_found")


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": "  "}, {"reason": "fine", "by": "coach"}])
def test_who_consents_says_why_and_nothing_else(site: Site, proposal: str, body: dict[str, str]) -> None:
    assert problem(do(site, "approve", "agent", **body))[:2] == (400, "bad_input")
    assert read(site, f"/{proposal}")["state"] == "proposed"
