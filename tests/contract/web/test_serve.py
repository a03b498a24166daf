"""Several processes behind one socket: they share settings and figures, are replaced when they die, stop in order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
from pydantic import SecretStr

from caseward.settings import Settings
from caseward.web.crew import CANNOT_START
from caseward.web.serve import environment
from tests.conftest import wait_until
from tests.contract.web.conftest import HOST, Stream
from tests.ports import free_port

ROOT = Path(__file__).parents[3]
PROGRAM = """
from caseward.settings import Settings
from caseward.web import crew, serve
crew.BEAT_SECONDS, crew.SILENCE_SECONDS = 0.1, 5.0
settings = Settings.load(workers=2, port={port}, demo=False)
with serve.ready(settings):
    serve.serve(settings, "{application}")
"""


def test_settings_reach_another_process_as_they_are(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    given = Settings(
        data=tmp_path,
        port=9001,
        workers=3,
        demo=True,
        debounce_ms=0,
        allowed_hosts=("a.example", "b.example"),
        trusted_proxies=("10.0.0.0/8",),
        database_url=SecretStr("postgresql://u:p@h/d"),
        secret=SecretStr("s" * 40),
    )

    for name, value in environment(given).items():
        monkeypatch.setenv(name, value)

    assert Settings.load() == given


@dataclass
class Served:
    """A running program."""

    program: subprocess.Popen[bytes]
    url: str
    scratch: Path
    answered: int = 0

    def pids(self) -> set[int]:
        """Return the processes that answer just now."""
        found = set()
        for _ in range(20):
            with httpx2.Client(base_url=self.url, verify=False) as client:
                try:
                    found.add(int(client.get("/pid").text))
                except httpx2.HTTPError:
                    continue
                self.answered += 1
        return found

    def stop(self) -> int:
        """Tell it to stop, and return how it ended."""
        self.program.send_signal(signal.SIGTERM)
        return self.program.wait(timeout=30)


def run(
    port: int, store: str, *, application: str = "served:application", **environment: str
) -> subprocess.Popen[bytes]:
    """Start two processes with an application of this folder."""
    code = PROGRAM.format(port=port, application=f"tests.contract.web.{application}")
    path = os.pathsep.join((str(ROOT), os.environ.get("PYTHONPATH", "")))
    known = {**os.environ, "CASEWARD_DATABASE_URL": store, "PYTHONPATH": path, **environment}
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, env=known)


@pytest.fixture
def served(store: str, tmp_path: Path) -> Iterator[Served]:
    """Two processes on a free port."""
    port = free_port()
    scratch = Path(tempfile.mkdtemp(dir=tmp_path))
    program = run(port, store, TMPDIR=str(scratch))
    running = Served(program, f"http://{HOST}:{port}", scratch)
    try:
        wait_until(lambda: len(running.pids()) == 2, what="two processes to answer", seconds=60)
        yield running
    finally:
        if program.poll() is None:
            program.kill()
            program.wait()


def test_two_processes_add_their_figures_and_are_replaced_when_they_die_or_hang_and_stop_in_order(
    served: Served,
) -> None:
    with httpx2.Client(base_url=served.url) as client:
        token = client.post("/chat/session").json()["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        client.post("/chat/messages", json={"id": "1", "text": "hello"}).raise_for_status()
        counted = [line for line in client.get("/metrics").text.splitlines() if "count" in line and '"/pid"' in line]
    assert float(counted[0].rpartition(" ")[2]) == served.answered

    dead, left = sorted(served.pids())
    os.kill(dead, signal.SIGKILL)
    wait_until(lambda: len(served.pids() - {dead}) == 2, what="another process to take its place", seconds=60)
    assert left in served.pids()

    os.kill(left, signal.SIGSTOP)
    wait_until(lambda: not Path(f"/proc/{left}").exists(), what="the one that hangs to be killed", seconds=60)
    wait_until(lambda: len(served.pids() - {dead, left}) == 2, what="another process to take its place", seconds=60)

    client = httpx2.Client(base_url=served.url, headers={"Authorization": f"Bearer {token}"})
    with client, Stream(client) as stream:
        stream.take(1)
        ended = served.stop()
        with pytest.raises(AssertionError, match="the stream ended"):
            stream.take(1)
    assert ended == 0
    assert list(served.scratch.glob("caseward-figures-*")) == []


def test_processes_whose_parent_is_gone_stop_by_themselves(served: Served) -> None:
    workers = served.pids()

    served.program.kill()
    served.program.wait()

    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), what="both to stop", seconds=60)


def test_an_application_that_cannot_start_ends_the_program(store: str) -> None:
    port = free_port()

    program = run(port, store, application="served:stillborn")

    assert program.wait(timeout=60) == CANNOT_START
