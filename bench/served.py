"""A desk in processes of its own, and what it costs: CPU time and memory, the database's told apart."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

TICKS = os.sysconf("SC_CLK_TCK")
READY_SECONDS = 120


@dataclass(frozen=True, kw_only=True)
class Cost:
    """CPU seconds used so far."""

    desk: float
    database: float
    watching: float
    """The database process that the bench itself keeps busy."""
    machine: float
    """Everything on this machine."""

    def __sub__(self, earlier: Cost) -> Cost:
        names = ("desk", "database", "watching", "machine")
        return Cost(**{name: getattr(self, name) - getattr(earlier, name) for name in names})


class Served:
    """`caseward` serving the sample school from a folder of its own, without waiting for further messages."""

    def __init__(self, folder: Path, *, workers: int, environment: Mapping[str, str]) -> None:
        """Start it and wait until it serves; `ready_seconds` says how long that took."""
        self.folder = folder
        self.port = _free_port()
        began = time.perf_counter()
        variables = {
            **{name: value for name, value in os.environ.items() if not name.startswith("CASEWARD_")},
            "CASEWARD_DATA": str(folder),
            "CASEWARD_DEMO": "true",
            "CASEWARD_DEBOUNCE_MS": "0",
            "CASEWARD_LOG_LEVEL": "warning",
            **environment,
        }
        program = Path(sys.executable).parent / "caseward"
        with (folder / "served.log").open("ab") as log:
            self._process = subprocess.Popen(
                [program, "serve", "--port", str(self.port), "--workers", str(workers)],
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        while not self._ready():
            assert self._process.poll() is None, (folder / "served.log").read_text()[-2000:]
            assert time.perf_counter() - began < READY_SECONDS, "it did not get ready"
            time.sleep(0.02)
        self.ready_seconds = time.perf_counter() - began

    def _ready(self) -> bool:
        with contextlib.closing(self.connection()) as connection:
            try:
                connection.request("GET", "/readyz")
                return connection.getresponse().status == 200
            except (OSError, http.client.HTTPException):
                return False

    def connection(self) -> http.client.HTTPConnection:
        """Return a connection to it, not opened yet."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    @property
    def database_url(self) -> str:
        """Where its database listens."""
        home = self.folder / "demo" / "database"
        lines = (home / "files" / "postmaster.pid").read_text().splitlines()
        return f"postgresql://postgres@/postgres?host={lines[4]}&port={lines[3]}"

    def processes(self) -> list[int]:
        """Return the numbers of the desk's processes."""
        found, left = [], [self._process.pid]
        while left:
            pid = left.pop()
            if "postgres" in _command(pid):
                continue
            found.append(pid)
            left += _children(pid)
        return found

    def cost(self, *, watching: int = 0) -> Cost:
        """Return the CPU time used so far; `watching` is a database process of the bench's own."""
        postmaster = int((self.folder / "demo" / "database" / "files" / "postmaster.pid").read_text().split()[0])
        backends = [pid for pid in _children(postmaster) if pid != watching]
        return Cost(
            desk=sum(_cpu(pid) for pid in self.processes()),
            database=sum(_cpu(pid) for pid in (postmaster, *backends)),
            watching=_cpu(watching),
            machine=_machine_cpu(),
        )

    def memory_mb(self) -> dict[str, float]:
        """Return what the desk's processes hold: `rss` counts shared pages in each, `pss` shares them out."""
        totals = {"Rss": 0, "Pss": 0}
        for pid in self.processes():
            for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                name = line.partition(":")[0]
                if name in totals:
                    totals[name] += int(line.split()[1])
        return {name.lower(): round(kilobytes / 1024, 1) for name, kilobytes in totals.items()}

    def stop(self) -> None:
        """End it in good order."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(timeout=60)


@contextlib.contextmanager
def served(
    folder: Path, *, workers: int = 1, environment: Mapping[str, str] = MappingProxyType({})
) -> Iterator[Served]:
    """Serve for the length of a block, with further settings from `environment`."""
    desk = Served(folder, workers=workers, environment=environment)
    try:
        yield desk
    finally:
        desk.stop()


def post(connection: http.client.HTTPConnection, path: str, body: Mapping[str, Any], token: str = "") -> dict[str, Any]:
    """Post JSON and return the answer's; fail on a refusal."""
    headers = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
    connection.request("POST", path, json.dumps(body), headers)
    answer = connection.getresponse()
    text = answer.read()
    assert answer.status < 300, (answer.status, text)
    found: dict[str, Any] = json.loads(text)
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return ""


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found += [int(child) for child in task.read_text().split()]
    return found


def _machine_cpu() -> float:
    """Return the CPU seconds that were not idle, of all cores."""
    fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    user, nice, system, _idle, _waiting, irq, softirq, steal = map(int, fields)
    return (user + nice + system + irq + softirq + steal) / TICKS


def _cpu(pid: int) -> float:
    """Return the CPU seconds of a process, and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(ticks) for ticks in fields[11:15]) / TICKS
