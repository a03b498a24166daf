"""One process answers and another works: what is said is answered soon, whichever of them dies."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.conftest import Cluster
from tests.soak.serving import Server

SECONDS = 60.0
HOURS = "Studio buka jam berapa ya?"


class Desk:
    """A desk of two processes, and somebody who writes in its chat."""

    def __init__(self, url: str, data: Path) -> None:
        """Prepare it over a database of its own."""
        data.mkdir()
        self.server = Server(data, CASEWARD_DATABASE_URL=url)
        self.said = 0

    def parts(self) -> dict[str, int]:
        """Return the numbers of the process that `answers` and of the one that `works`, which has less claim."""
        first = self.server.pid
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        nice = {}
        for pid in map(int, children):
            with contextlib.suppress(ProcessLookupError):  # gone since
                nice[pid] = os.getpriority(os.PRIO_PROCESS, pid)
        ours = os.getpriority(os.PRIO_PROCESS, 0)
        return {"works" if each > ours else "answers": pid for pid, each in nice.items()}

    def both(self) -> dict[str, int]:
        """Wait until there are both."""
        assert self.server.wait(lambda: len(self.parts()) == 2, SECONDS), self.parts()
        return self.parts()

    def say(self, client: httpx2.Client) -> None:
        """Say one more thing; it is taken at once, by whoever answers by then."""
        self.said += 1

        def taken() -> bool:
            try:
                said = client.post("/chat/messages", json={"id": f"m{self.said}", "text": HOURS})
            except httpx2.HTTPError:
                return False
            return said.status_code == 202

        assert self.server.wait(taken, SECONDS), self.server.last_words()

    def answers(self, client: httpx2.Client) -> int:
        """Return how often the desk has answered: what is asked is on a page, so that is all it says."""
        items = client.get("/chat/messages", params={"after": 0}).raise_for_status().json()["items"]
        return sum(each["from"] == "desk" for each in items)


@pytest.fixture
def desk(cluster: Cluster, tmp_path: Path) -> Iterator[Desk]:
    url = cluster.create()
    opened = Desk(url, tmp_path / "data")
    try:
        opened.server.start(workers=2)
        opened.server.wait_ready()
        yield opened
        assert opened.server.stop() == 0
    finally:
        if opened.server.alive:
            opened.server.kill()
        cluster.drop(url)


def test_whichever_process_dies_what_is_said_is_taken_and_answered_once(desk: Desk) -> None:
    with httpx2.Client(base_url=desk.server.base, timeout=20) as client:
        token = client.post("/chat/session", json={}).raise_for_status().json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        before = desk.both()
        desk.say(client)
        assert desk.server.wait(lambda: desk.answers(client) == 1, SECONDS), desk.server.last_words()

        # when the one that works is gone, the other still takes what is said, and its successor answers it
        os.kill(before["works"], signal.SIGKILL)
        assert client.post("/chat/messages", json={"id": "m2", "text": HOURS}).status_code == 202
        desk.said = 2
        assert desk.server.wait(lambda: desk.answers(client) == 2, SECONDS), desk.server.last_words()

        # when the one that answers is gone, it is replaced too, and the one that works goes on
        now = desk.both()
        os.kill(now["answers"], signal.SIGKILL)
        desk.say(client)
        assert desk.server.wait(lambda: desk.answers(client) == 3, SECONDS), desk.server.last_words()

        after = desk.both()

    assert (now["answers"], after["works"]) == (before["answers"], now["works"])
    assert before["works"] != now["works"]
    assert now["answers"] != after["answers"]
