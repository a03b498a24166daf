"""Held consent outlives the process: killed while it is held, the reply leaves once, or not at all if it was undone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conftest import SCHOOL, wait_until
from tests.folders import tmp_path as tmp_path
from tests.soak.serving import Database, Server

HOLD_SECONDS = 10
SWEPT = timedelta(seconds=2)
"""Within what time after it is over a hold is found."""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """The school's desk, with a hold before refunds, in processes that may be killed."""
    pack = Path(shutil.copytree(SCHOOL, tmp_path / "school"))
    matrix = pack / "approvals.yaml"
    row = "{tier: R3, phases: [pilot], topologies: [hub, empowered], lane: coach"
    assert row in matrix.read_text("utf-8")
    matrix.write_text(matrix.read_text("utf-8").replace(row, f"{row}, hold_seconds: {HOLD_SECONDS}"), "utf-8")
    (pack / "golden" / "matrix.yaml").unlink()  # which expects the school's own terms
    data = tmp_path / "data"
    data.mkdir()
    database = Database(data)
    served = Server(data, CASEWARD_PACK=str(pack))
    try:
        served.start()
        served.wait_ready()
        yield served
    finally:
        if served.alive:
            served.kill()
        database.stop()


class Contact:
    """Somebody who asked for a refund, with the coach's view of the request."""

    def __init__(self, server: Server) -> None:
        self.coach = httpx2.Client(
            base_url=f"{server.base}/api/v1", headers={"Authorization": f"Bearer {server.token('coach')}"}, timeout=20
        )
        opened = httpx2.post(f"{server.base}/chat/session", json={"as": "stu-003"}).json()
        self.http = httpx2.Client(
            base_url=server.base, headers={"Authorization": f"Bearer {opened['token']}"}, timeout=20
        )
        self.http.post("/chat/messages", json={"id": "m1", "text": "saya mau refund pembayaran saya"})
        wait_until(lambda: self.requests("open"), what="the coach to be asked")
        self.request = self.requests("open")[0]

    def requests(self, state: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.coach.get("/approvals", params={"state": state}).json()["items"]
        return found

    def approve(self) -> dict[str, Any]:
        word = {"verdict": "approve", "digest": self.request["digest"]}
        answer = self.coach.post(f"/approvals/{self.request['id']}/verdict", json=word).raise_for_status()
        held: dict[str, Any] = answer.json()
        return held

    def told(self) -> int:
        """Return how often they were told that the money is on its way."""
        items = self.http.get("/chat/messages").json()["items"]
        return sum(each["text"] == self.request["reply"] for each in items)

    def tasks(self) -> list[str]:
        case = self.coach.get(f"/cases/{self.request['case']}").json()
        return [each["state"] for each in case["tasks"]]


def test_killed_while_it_is_held_consent_is_carried_out_once_and_what_was_undone_never(server: Server) -> None:
    contact = Contact(server)
    over = datetime.fromisoformat(contact.approve()["held_until"])
    undone = contact.coach.post(f"/approvals/{contact.request['id']}/undo").raise_for_status().json()
    assert (undone["state"], undone["votes"]) == ("open", [])

    server.kill()
    server.start()
    server.wait_ready()
    wait_until(lambda: datetime.now(UTC) > over + SWEPT, what="what would have been done by now")
    assert [each["id"] for each in contact.requests("open")] == [contact.request["id"]]
    assert (contact.told(), contact.tasks()) == (0, [])

    held = contact.approve()
    assert (held["state"], held["held_until"] is not None, contact.tasks()) == ("approved", True, [])
    server.kill()
    server.start(workers=2)  # two processes find the same timer
    server.wait_ready()

    wait_until(lambda: contact.told() == 1, what="the refund to be told")
    assert contact.tasks() == ["done"]
