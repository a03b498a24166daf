"""Releases and phases on the command line: the whole way of a change, and what is refused on it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from caseward import app
from caseward.core.roles import Role
from caseward.settings import Settings
from caseward.store import db, migrate, people
from caseward.store.people import Person
from tests.commands import Outcome, typed
from tests.conftest import MORNING, SCHOOL, Cluster

NEXT = "2026-11-23.1"


class House:
    """A database with a first release and two people, and the folder it came from; no process is at work."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.pack = Path(shutil.copytree(SCHOOL, folder / "school"))
        self.settings = Settings.model_validate({"database_url": url, "data": folder / "data", "pack": self.pack})
        db.connect(url)
        app.prepare(url, self.settings, MORNING, demo=False)
        with db.transaction():
            for role in (Role.AGENT, Role.COACH):
                person = Person(id=f"per_{role}", name=f"Example {role}", role=role, email=f"{role}@school.example")
                people.add(person, now=MORNING)
        db.disconnect()

    def type(self, *words: str) -> Outcome:
        """Run a command."""
        given = {"CASEWARD_DATABASE_URL": self.url, "CASEWARD_DATA": str(self.folder / "data")}
        return typed(*words, given={**given, "CASEWARD_PACK": str(self.pack)})

    def told(self, *words: str) -> Any:
        done = self.type(*words, "--json")
        assert done.code == 0, done.err + done.out
        return json.loads(done.out)

    def change(self, path: str, text: str = "# looked at again\n") -> None:
        file = self.pack / path
        file.write_text(file.read_text("utf-8") + text, "utf-8")


@pytest.fixture(scope="module")
def house(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One house for the module: its tests are steps of one story, each beginning where the one before ended."""
    url = cluster.create()
    yield House(url, tmp_path_factory.mktemp("house"))
    db.disconnect()
    cluster.drop(url)


def test_a_change_goes_all_the_way_and_back(house: House) -> None:
    first = house.told("release", "list")["current"]["release"]
    house.change("templates/greeting.yaml")
    house.change("rules/own-record.yaml")

    same_id = house.type("release", "propose", str(house.pack), "--reason", "clearer")
    assert (same_id.code, "raise `release` in pack.yaml" in same_id.err) == (1, True)
    proposed = house.told(
        "release", "propose", str(house.pack), "--reason", "clearer", "--author", "per_agent", "--as", NEXT
    )
    assert (proposed["state"], proposed["changed"], proposed["lane"]) == ("proposed", ["policy", "templates"], "coach")
    diff = house.type("release", "diff", NEXT)
    assert "+# looked at again" in diff.out
    assert "--- a/rules/own-record.yaml" in diff.out

    for words, code in ((("--by", "per_agent"), 1), (("--by", "per_nobody"), 2)):
        assert house.type("release", "approve", NEXT, *words, "--reason", "fine").code == code
    assert house.type("release", "publish", NEXT).code == 1
    approved = house.told("release", "approve", NEXT, "--by", "coach@school.example", "--reason", "fine")
    assert (approved["state"], approved["approver"]) == ("approved", "per_coach")
    assert house.told("release", "publish", NEXT)["current"]
    shown = house.told("release", "show", NEXT)
    assert [(each["kind"], each["was"]) for each in shown["history"]] == [("publish", first)]

    effects = house.told("release", "diff", first, NEXT, "--effects")
    assert (effects["rules"], effects["effects"]["same"]) == ([], True)
    back = house.told("release", "rollback", "--by", "per_coach", "--reason", "no")
    assert (back["id"], back["current"]) == (first, True)
    assert "* 2026-11-21.1" in house.type("release", "list").out
    assert house.type("log", "verify").code == 0


def test_a_pack_that_fails_is_refused_with_the_reason(house: House) -> None:
    broken = Path(shutil.copytree(house.pack, house.folder / "broken"))
    (broken / "templates" / "stalled.yaml").unlink()

    done = house.type("release", "propose", str(broken), "--reason", "because", "--as", "2026-11-24.1")

    assert done.code == 1
    assert "fails its check" in done.err
    assert "Traceback" not in done.err


@pytest.mark.parametrize(
    "words",
    [
        ("release", "show", "2020-01-01.1"),
        ("release", "diff", "2026-11-21.1"),
        ("release", "propose", "nowhere", "--reason", "x"),
        ("release", "propose", "vocal-coaching", "--reason", "x", "--as", "next"),
        ("release", "propose", "vocal-coaching", "--reason", " ", "--as", NEXT),
        ("phase", "set", "hardening", "--by", "per_coach", "--reason", "x", "--tick", "99"),
        ("phase", "set", "launch", "--by", "per_coach", "--reason", "x"),
    ],
    ids=" ".join,
)
def test_what_cannot_be_used_is_said_in_a_line(house: House, words: tuple[str, ...]) -> None:
    done = house.type(*words)

    assert done.code == 2
    assert done.err
    assert "Traceback" not in done.err


def test_a_phase_is_shown_and_set(house: House) -> None:
    before = house.told("phase", "show")
    assert (before["phase"], before["topology"], before["decided"], before["next"]) == (
        "pilot", "empowered", None, "hardening",
    )  # fmt: skip

    refused = house.type("phase", "set", "hardening", "--by", "per_agent", "--reason", "it goes well")
    assert refused.code == 1
    done = house.type("phase", "set", "hardening", "--by", "per_coach", "--reason", "it goes well", "--tick", "1")

    assert done.code == 0, done.err
    assert f"not ticked: {before['criteria'][1]}" in done.out
    after = house.told("phase", "show")
    assert (after["phase"], after["next"], after["decided"]["criteria"][before["criteria"][0]]) == (
        "hardening", "production", True,
    )  # fmt: skip


def test_an_empty_database_is_no_desk_of_another_version(cluster: Cluster, house: House) -> None:
    empty = cluster.create()
    try:
        done = typed("doctor", given={"CASEWARD_DATABASE_URL": empty})
    finally:
        cluster.drop(empty)

    assert migrate.current(house.url) == migrate.head()
    assert done.code == 1
    assert "holds no desk yet" in done.out
