"""A desk of two processes takes a new release, a roll-back and a phase within seconds, whatever dies on the way."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest

from tests.conftest import SCHOOL, Cluster
from tests.soak.serving import Server

FIRST, NEXT = "2026-11-21.1", "2026-11-23.1"
SECONDS = 60.0
"""Within what time every process has followed on a busy machine; on an idle one it is about four."""
MIDWAY = "leave:caseward.desk.current.in_force:0"
"""The first look of a process that serves is its first exchange: it dies with the new release in its hands."""


class House:
    """A real desk over a database of its own, with two people."""

    def __init__(self, url: str, data: Path) -> None:
        """Prepare it; the pack is a folder that is ours to change."""
        data.mkdir()
        self.url = url
        self.folder = data / "school"
        shutil.copytree(SCHOOL, self.folder)
        self.server = Server(data, CASEWARD_DEMO="false", CASEWARD_DATABASE_URL=url, CASEWARD_PACK=str(self.folder))
        self.greeting = self.folder / "templates" / "greeting.yaml"

    def start(self, *, crash: str = "") -> None:
        self.server.start(workers=2, crash=crash)
        self.server.wait_ready()

    def told(self, *words: str) -> Any:
        """Run a command that must succeed, and return its document."""
        done = self.server.command(*words, "--json")
        assert done.code == 0, done.err + done.out
        return json.loads(done.out)

    def lose_its_files(self) -> None:
        """Take its folder away, the setting that names it, and what it keeps of releases."""
        self.folder.rename(self.folder.with_name("lost"))
        shutil.rmtree(self.server.data / "releases", ignore_errors=True)
        del self.server._environment["CASEWARD_PACK"]

    def find_its_files(self) -> None:
        """Put its folder back, and the setting."""
        self.folder.with_name("lost").rename(self.folder)
        self.server._environment["CASEWARD_PACK"] = str(self.folder)

    def person(self, role: str) -> str:
        made = self.told(
            "person", "new", "--name", f"Example {role}", "--role", role, "--email", f"{role}@school.example"
        )
        return str(made["person"])

    def serving(self) -> list[str]:
        """Return the release that each live process serves."""
        alive = "select release from workers where seen_at > now() - interval '10 seconds'"
        with psycopg.connect(self.url, autocommit=True) as connection:
            return [str(row[0]) for row in connection.execute(alive)]

    def followed(self, release: str) -> float:
        """Wait until two processes serve a release and none another, and return how long that took."""
        began = time.monotonic()
        assert self.server.wait(lambda: self.serving() == [release, release], SECONDS), self.serving()
        return time.monotonic() - began

    def greets(self) -> str:
        """Return what somebody new is greeted with."""
        with httpx2.Client(base_url=self.server.base, timeout=20) as client:
            token = client.post("/chat/session", json={}).raise_for_status().json()["token"]
            client.headers["Authorization"] = f"Bearer {token}"
            client.post("/chat/messages", json={"id": "m1", "text": "halo"}).raise_for_status()
            said: list[str] = []

            def heard() -> bool:
                items = client.get("/chat/messages", params={"after": 0}).json()["items"]
                said[:] = [each["text"] for each in items if each["from"] == "desk"]
                return bool(said)

            assert self.server.wait(heard, SECONDS)
        return said[0]


@pytest.fixture
def house(cluster: Cluster, tmp_path: Path) -> Iterator[House]:
    """A house, its server killed in the end whatever became of it."""
    url = cluster.create()
    made = House(url, tmp_path / "data")
    yield made
    if made.server.alive:
        made.server.kill()
    cluster.drop(url)


def test_every_process_follows_whatever_dies_and_a_desk_starts_from_its_database_alone(house: House) -> None:
    house.start(crash=MIDWAY)
    agent, coach = house.person("agent"), house.person("coach")
    assert house.followed(FIRST) < SECONDS
    before = house.greets()
    house.greeting.write_text(house.greeting.read_text("utf-8").replace("{business}", "{business} (new)"), "utf-8")
    proposed = house.told("release", "propose", str(house.folder), "--reason", "say it is new", "--as", NEXT)
    assert (proposed["state"], proposed["changed"], proposed["lane"]) == ("proposed", ["templates"], "qa")
    refused = house.server.command("release", "approve", NEXT, "--by", coach, "--reason", "fine")
    assert (refused.code, "does not decide in the lane qa" in refused.err) == (1, True)
    house.told("release", "approve", NEXT, "--by", agent, "--reason", "fine")

    house.told("release", "publish", NEXT)

    assert house.server.wait(lambda: house.server.crashed, SECONDS), "no process was killed on the way"
    print(f"two processes, one of them killed, followed in {house.followed(NEXT):.1f} s")
    assert "(new)" not in before
    assert "(new)" in house.greets()

    house.server.kill()
    house.lose_its_files()
    house.start()

    assert house.followed(NEXT) < SECONDS
    assert "(new)" in house.greets()

    house.told("release", "rollback", "--by", "agent@school.example", "--reason", "the old words were better")
    print(f"rolled back in {house.followed(FIRST):.1f} s")
    assert "(new)" not in house.greets()
    assert house.told("phase", "set", "hardening", "--by", coach, "--reason", "it goes well")["phase"] == "hardening"

    def hardened() -> bool:
        lines = httpx2.get(f"{house.server.base}/metrics").text.splitlines()
        return any(line.startswith("caseward_release{") and 'phase="hardening"' in line for line in lines)

    assert house.server.wait(hardened, SECONDS)
    house.find_its_files()
    checks = {each["name"]: each for each in house.told("doctor")["checks"]}
    assert FIRST in checks["release"]["detail"]
    assert "hardening, empowered" in checks["phase"]["detail"]
    assert "1 files" in checks["folder"]["detail"]
