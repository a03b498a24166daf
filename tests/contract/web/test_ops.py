"""Probes and figures, the description of the API, and the whole of it under generated input."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis.errors import Unsatisfiable
from prometheus_client.parser import text_string_to_metric_families
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

import caseward
from caseward.flows import clockwork
from caseward.store import cases, db, log, running
from caseward.store.db import transaction
from caseward.web.docs import CODES
from tests.conftest import examples
from tests.contract.web.conftest import Site

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
EXAMPLES = 6
"""Of generated input for each operation."""


def ready(site: Site) -> tuple[int, dict[str, object]]:
    with site.client() as client:
        answer = client.get("/readyz")
        return answer.status_code, answer.json()


def test_alive_is_said_without_asking_anything_else(site: Site, store: str) -> None:
    db.connect("postgresql://nobody@127.0.0.1:9/nowhere")
    with site.client() as client:
        answer = client.get("/healthz")
    db.connect(store)

    assert (answer.status_code, answer.json()) == (200, {"status": "alive"})


def test_a_site_is_ready_once_its_engine_beats_and_sweeps(site: Site) -> None:
    before = ready(site)
    with transaction():
        running.beat("me", host=clockwork.host(), pid=os.getpid(), now=site.now(), swept=True)
    after = ready(site)
    site.late = timedelta(minutes=2)
    silent = ready(site)
    site.late = timedelta()
    with transaction():
        running.leave("me")

    parts = {"database": "ok", "migrations": "ok"}
    assert before == (503, {"ready": False, **parts, "engine": "failed", "sweeper": "failed"})
    assert after == (200, {"ready": True, **parts, "engine": "ok", "sweeper": "ok"})
    assert silent == (503, {"ready": False, **parts, "engine": "failed", "sweeper": "failed"})


def test_a_site_is_not_ready_before_somebody_looks_for_due_work(site: Site) -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    with transaction():
        running.beat("before", host=clockwork.host(), pid=gone.pid, now=site.now(), swept=True)
        running.beat("me", host=clockwork.host(), pid=os.getpid(), now=site.now(), swept=False)
    answering = ready(site)
    with transaction():
        running.beat("elsewhere", host="another", pid=gone.pid, now=site.now(), swept=True)
    working = ready(site)
    with transaction():
        for each in ("before", "me", "elsewhere"):
            running.leave(each)

    assert (answering[0], answering[1]["engine"], answering[1]["sweeper"]) == (503, "ok", "failed")
    assert working[0] == 200


def test_a_site_without_its_database_is_not_ready_and_says_why(site: Site, store: str) -> None:
    db.connect("postgresql://nobody@127.0.0.1:9/nowhere")
    status, body = ready(site)
    db.connect(store)

    assert status == 503
    assert body["database"] == "failed"


def test_the_figures_count_what_happened(site: Site) -> None:
    visitor = site.visitor()
    visitor.post("I want a refund")
    before = figures(site)
    case = site.case(visitor.conversation)
    site.ask(case)
    with transaction():
        log.append("denied", "B", {"effect": "execute"}, at=site.now(), case_id=case)
        cases.change(cases.get(case), site.now(), woken=("threat", "anger"))
    site.late = timedelta(minutes=5)
    after = figures(site)
    site.late = timedelta()

    def grew(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert value(before, "caseward_messages_in_total") >= 1
    assert grew("caseward_decisions_total", tier="R3") == 1
    assert grew("caseward_approvals", state="open") == 1
    assert grew("caseward_tasks", state="queued") == 1
    assert grew("caseward_denied_total") == 1
    assert grew("caseward_break_glass_total", trigger="anger") == 1
    assert value(after, "caseward_oldest_unanswered_seconds") >= 300
    assert value(after, "caseward_http_request_seconds_count", path="/chat/messages", method="POST", status="202") >= 1


def figures(site: Site) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    with site.client() as client:
        answer = client.get("/metrics").raise_for_status()
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def value(seen: dict[tuple[str, frozenset[tuple[str, str]]], float], name: str, **labels: str) -> float:
    return seen.get((name, frozenset(labels.items())), 0.0)


def test_figures_name_no_address_that_somebody_made_up(site: Site) -> None:
    with site.client() as client:
        client.get("/made/up/by/a/scanner")
        client.request("BREW", "/teapot")
        text = client.get("/metrics").text

    assert "scanner" not in text
    assert "BREW" not in text


# --- the description --------------------------------------------------------------------------------------------------


def test_the_description_is_read_without_anything_from_outside(site: Site) -> None:
    with site.client() as client:
        page = client.get("/docs").text
        paths = client.get("/openapi.json").json()["paths"]

    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)
    assert not re.search(r"<style|\sstyle=|<script", page)
    for path in paths:
        assert path in page


def test_every_code_a_problem_may_have_is_described(site: Site) -> None:
    source = "".join(file.read_text("utf-8") for file in Path(caseward.__file__).parent.rglob("*.py"))
    used = set(re.findall(r'Problem\(\s*\d{3}, "(\w+)"', source)) | set(
        re.findall(r'^    code = "(\w+)"', source, re.M)
    )

    said_on_pages_only = {"error", "key_lost", "pack_error", "stale_form", "too_often", "undeliverable"}
    assert used - CODES.keys() <= said_on_pages_only


@pytest.mark.parametrize("mode", list(GenerationMode))
def test_generated_input_meets_only_answers_that_are_described(site: Site, mode: GenerationMode) -> None:
    with site.client() as client:
        described = client.get("/openapi.json").json()
    del described["paths"]["/chat/stream"]  # it never ends
    operations = [each.ok() for each in schemathesis.openapi.from_dict(described).get_all_operations()]
    visitor = site.visitor()
    visitor.post("I want a refund")
    site.ask(site.case(visitor.conversation))
    assert len(operations) == len(list(operations_of(described)))

    for operation in operations:
        with transaction():
            running.beat("me", host=clockwork.host(), pid=os.getpid(), now=site.now(), swept=True)
        token = site.visitor().token if operation.path.startswith("/chat") else site.token("ops_lead")
        examine(site, operation, mode, token)


def examine(site: Site, operation: Any, mode: GenerationMode, token: str) -> None:
    """Call one operation with generated input of one kind, and check every answer against its description."""

    @examples(EXAMPLES, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
    @given(case=operation.as_strategy(generation_mode=mode))
    def call(case: Any) -> None:
        answer = case.call(base_url=site.url, headers={"Authorization": f"Bearer {token}"})
        case.validate_response(answer, checks=CHECKS)

    with contextlib.suppress(Unsatisfiable):  # nothing wrong can be sent to what takes nothing
        call()


def operations_of(described: dict[str, Any]) -> Iterator[str]:
    for path, item in described["paths"].items():
        yield from (f"{method} {path}" for method in item)
