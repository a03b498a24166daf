"""The embedded database comes up again whatever happened to it, and is gone when the last who uses it has left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from caseward.core.errors import CasewardError
from caseward.store import embedded
from caseward.store.db import driver_url
from caseward.store.embedded import Embedded
from tests.conftest import wait_until
from tests.folders import tmp_path as tmp_path


def run(url: str, statement: str) -> object:
    with create_engine(driver_url(url), poolclass=NullPool).begin() as connection:
        result = connection.execute(text(statement))
        return result.scalar() if result.returns_rows else None


@contextmanager
def serving(folder: Path) -> Iterator[Embedded]:
    server = Embedded(folder)
    try:
        yield server
    finally:
        server.stop()


def process(folder: Path) -> int:
    """Return the number of the server's process."""
    return int((folder / "database" / "files" / "postmaster.pid").read_text().splitlines()[0])


def running(folder: Path) -> list[str]:
    """Return the command lines of processes that were started for a folder."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if f"{folder}/" in line:
            found.append(line)
    return found


def test_what_was_stored_is_there_after_a_stop(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        run(server.url, "create table t as select 7 as n")
        assert Embedded.in_use(tmp_path)

    assert Embedded.exists(tmp_path)
    assert not Embedded.in_use(tmp_path)
    assert running(tmp_path) == []
    with serving(tmp_path) as server:
        assert run(server.url, "select n from t") == 7


def test_it_listens_on_no_network_and_only_its_owner_may_enter_its_folders(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        assert run(server.url, "show listen_addresses") == ""
        [sockets] = parse_qs(urlsplit(server.url).query)["host"]
        for folder in (tmp_path / "database" / "files", Path(sockets)):
            assert folder.stat().st_mode & 0o077 == 0


def test_a_server_that_was_killed_comes_up_with_what_was_committed(tmp_path: Path) -> None:
    with serving(tmp_path) as first:
        run(first.url, "create table t as select 7 as n")
        os.kill(process(tmp_path), signal.SIGKILL)

        with serving(tmp_path) as second:
            assert run(second.url, "select n from t") == 7


def test_a_lock_file_that_names_another_program_is_no_obstacle(tmp_path: Path) -> None:
    with serving(tmp_path):
        lock = (tmp_path / "database" / "files" / "postmaster.pid").read_text().splitlines()
    lock[0] = str(os.getpid())
    (tmp_path / "database" / "files" / "postmaster.pid").write_text("\n".join(lock) + "\n")

    with serving(tmp_path) as server:
        assert run(server.url, "select 1") == 1


def test_a_database_whose_making_was_interrupted_is_made_anew(tmp_path: Path) -> None:
    (tmp_path / "database" / "files" / "base").mkdir(parents=True)

    with serving(tmp_path) as server:
        assert run(server.url, "select 1") == 1


def test_a_long_path_still_has_a_socket(tmp_path: Path) -> None:
    folder = tmp_path / ("long-" * 20)

    with serving(folder) as server:
        assert run(server.url, "select 1") == 1


def test_a_folder_with_odd_letters_in_its_name_is_as_good(tmp_path: Path) -> None:
    with serving(tmp_path / "it's data with space & ünïcode %20") as server:
        assert run(server.url, "select 1") == 1


def test_the_last_process_that_leaves_stops_the_server_even_after_one_was_killed(tmp_path: Path) -> None:
    code = """
        import sys, time
        from pathlib import Path
        from caseward.store.embedded import Embedded
        server = Embedded(Path(sys.argv[1]))
        print("up", flush=True)
        sys.stdin.readline()
        server.stop()
    """
    command = [sys.executable, "-c", textwrap.dedent(code), str(tmp_path)]
    others = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    for other in others:
        assert other.stdout is not None
        assert other.stdout.readline() == "up\n"
    killed, second, last = others

    killed.kill()
    killed.wait()
    second.communicate("leave\n")
    assert Embedded.in_use(tmp_path)
    last.communicate("leave\n")

    wait_until(lambda: not running(tmp_path), what="the server to stop")
    assert not Embedded.in_use(tmp_path)


def test_a_copy_brings_back_what_was_there(tmp_path: Path) -> None:
    copy = tmp_path / "copy.dump"
    with serving(tmp_path / "one") as one:
        run(one.url, "create table t as select 7 as n")
        embedded.dump(one.url, copy)
        run(one.url, "update t set n = 8")
        embedded.load(one.url, copy)
        assert run(one.url, "select n from t") == 7

    with serving(tmp_path / "two") as two:
        embedded.load(two.url, copy)
        assert run(two.url, "select n from t") == 7


def test_a_file_that_is_no_copy_changes_nothing(tmp_path: Path) -> None:
    (tmp_path / "junk").write_text("not a copy")
    with serving(tmp_path) as server:
        run(server.url, "create table t as select 7 as n")

        with pytest.raises(CasewardError, match="nothing was restored"):
            embedded.load(server.url, tmp_path / "junk")

        assert run(server.url, "select n from t") == 7


def test_a_server_that_cannot_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(embedded.SETTINGS, "no_such_setting", "1")

    with pytest.raises(CasewardError, match=r"did not start; its log is .*could not start server"):
        Embedded(tmp_path)


def test_a_database_is_wiped_only_when_nobody_uses_it(tmp_path: Path) -> None:
    with serving(tmp_path) as server:
        run(server.url, "create table t as select 7 as n")
        with pytest.raises(CasewardError, match="is in use"):
            Embedded.wipe(tmp_path)
        assert run(server.url, "select n from t") == 7

    Embedded.wipe(tmp_path)

    assert not Embedded.exists(tmp_path)
    Embedded.wipe(tmp_path / "nothing")
