"""A real desk in processes of its own, over loopback, that may be killed and started again; and its database."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import psycopg

from caseward.store.embedded import Embedded
from tests.commands import Outcome, typed
from tests.ports import free_port

ROOT = Path(__file__).parents[2]
READY_SECONDS = 90
DEBOUNCE_MS = 50


class Database:
    """The embedded PostgreSQL of a demo, held by us, so that it outlives its desk and can be taken away from it."""

    def __init__(self, data: Path) -> None:
        """Start it under the data folder."""
        self._folder = data / "demo"
        self._folder.mkdir(parents=True, exist_ok=True)
        self._server = Embedded(self._folder)
        self.url = self._server.url

    @contextlib.contextmanager
    def connection(self) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        """Yield a connection of its own."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            yield connection

    def crash(self) -> None:
        """Stop it at once, as a power cut would."""
        self._server._run("pg_ctl", "stop", "-D", self._server._files, "-m", "immediate", "-w")

    def restart(self) -> None:
        """Start it again after a crash."""
        self._server._start()

    def stop(self) -> None:
        """Stop it in good order."""
        self._server.stop()


class Server:
    """`caseward serve` in demo mode."""

    def __init__(self, data: Path, *, program: str = "tests.soak.crashing", **environment: str) -> None:
        """Prepare to serve from a data folder; the environment's variables are given to every process."""
        self.data = data
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.mark = data / "crashed"
        self._program = program
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """What its processes, and commands about it, find around them."""
        mine = {
            "CASEWARD_DATA": str(self.data),
            "CASEWARD_DEMO": "true",
            "CASEWARD_DEBOUNCE_MS": str(DEBOUNCE_MS),
            "CASEWARD_LOG_LEVEL": "warning",
            "DESK_CRASHED": str(self.mark),
        }
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("CASEWARD_", "DESK_"))}
        return {**inherited, **mine, **self._environment}

    def start(self, *, workers: int = 1, crash: str = "") -> None:
        """Start it, to die at the place `crash` if one is given; `wait_ready` waits until it serves."""
        self.mark.unlink(missing_ok=True)
        with (self.data / "server.log").open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", self._program, "serve", "--port", str(self.port), "--workers", str(workers)],
                cwd=ROOT,
                env={**self.environment, "DESK_CRASH": crash},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_ready(self) -> None:
        """Return once it serves, or has died at its place; fail with its last words if it does neither."""
        if not self.wait(lambda: self.ready() or not self.alive or self.crashed, READY_SECONDS):
            raise AssertionError(f"not ready within {READY_SECONDS} s: {self.last_words()}")
        if not self.alive and not self.crashed:
            raise AssertionError(f"it ended by itself: {self.last_words()}")

    def wait(self, condition: Callable[[], bool], seconds: float) -> bool:
        """Return whether `condition` came to hold within that time."""
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True

    def ready(self) -> bool:
        """Return whether it serves."""
        try:
            # not verified: to read the machine's certificates takes longer than all the rest of the question
            return httpx2.get(f"{self.base}/readyz", timeout=2, verify=False).status_code == 200
        except httpx2.HTTPError:
            return False

    @property
    def alive(self) -> bool:
        """Whether its first process runs."""
        return self._process is not None and self._process.poll() is None

    @property
    def crashed(self) -> bool:
        """Whether a process died at its place."""
        return self.mark.exists()

    @property
    def pid(self) -> int:
        """Number of its first process."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """Kill every process of it at once. The database is in a session of its own and lives on."""
        assert self._process is not None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(timeout=30)

    def stop(self) -> int:
        """Ask it to end in good order and return its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(timeout=60)

    def command(self, *arguments: str) -> Outcome:
        """Run a command of `caseward` about this desk."""
        known = self.environment
        return typed(*arguments, given={name: value for name, value in known.items() if name.startswith("CASEWARD_")})

    def token(self, role: str) -> str:
        """Make an API token for a role."""
        done = self.command("token", "new", "--role", role)
        assert done.code == 0, done.err
        return done.out.strip()

    def last_words(self) -> str:
        """Return the end of its log."""
        log = self.data / "server.log"
        return log.read_text("utf-8", "replace")[-2000:] if log.exists() else ""
