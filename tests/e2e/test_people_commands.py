"""People and systems on the command line: passwords, who is shut out, and degraded mode by hand."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from caseward import app
from caseward.cli import main
from caseward.core.roles import Role
from caseward.settings import Settings
from caseward.store import db, log, passwords, people, running, sessions
from caseward.store.people import Person
from tests.conftest import MORNING, SCHOOL, Cluster

GOOD = "four words that fit together"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a command left behind."""

    code: int
    out: str
    err: str


class House:
    """A database with a release and people, and no process at work."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        db.connect(url)
        given = {"database_url": url, "data": folder / "data", "pack": SCHOOL}
        app.prepare(url, Settings.model_validate(given), MORNING, demo=False)
        with db.transaction():
            for role in Role:
                person = Person(id=f"per_{role}", name=f"Example {role}", role=role, email=f"{role}@school.example")
                people.add(person, now=MORNING)

    def type(self, *words: str, stdin: str = "") -> Outcome:
        """Run a command in this process, on a connection of its own."""
        given = {
            "CASEWARD_DATABASE_URL": self.url,
            "CASEWARD_DATA": str(self.folder / "data"),
            "CASEWARD_PACK": str(SCHOOL),
        }
        out, err, code = io.StringIO(), io.StringIO(), 0
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            for name, value in given.items():
                patch.setenv(name, value)
            patch.setattr(sys, "argv", ["caseward", *words])
            patch.setattr(sys, "stdin", io.StringIO(stdin))
            try:
                main()
            except SystemExit as end:
                code = int(end.code or 0)
        db.connect(self.url)
        return Outcome(code=code, out=out.getvalue(), err=err.getvalue())

    def told(self, *words: str) -> Any:
        done = self.type(*words, "--json")
        assert done.code == 0, done.err + done.out
        return json.loads(done.out)


@pytest.fixture(scope="module")
def house(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    url = cluster.create()
    yield House(url, tmp_path_factory.mktemp("house"))
    db.disconnect()
    cluster.drop(url)


def signs_in(email: str, password: str) -> bool:
    return passwords.check(email, password, address="127.0.0.1", now=datetime.now(UTC)) is not None


def test_a_password_is_set_and_ends_what_was_open_before(house: House) -> None:
    now = datetime.now(UTC)
    with db.transaction():
        session = sessions.open_session(people.get("per_coach"), now=now)

    done = house.type("person", "password", "coach@school.example", "--stdin", stdin=f"{GOOD}\n")

    assert (done.code, GOOD in done.out + done.err) == (0, False)
    assert signs_in("coach@school.example", GOOD)
    with db.transaction():
        assert sessions.find(session, now=now) is None


@pytest.mark.parametrize(
    ("words", "stdin", "complaint"),
    [
        (("per_agent", "--stdin"), "too short\n", "at least 12 characters"),
        (("per_agent", "--stdin"), "", "at least 12 characters"),
        (("per_nobody", "--stdin"), f"{GOOD}\n", "nobody has the id or address 'per_nobody'"),
        (("per_agent",), f"{GOOD}\n", "give it with --stdin"),
    ],
)
def test_a_password_that_cannot_be_taken_changes_nothing(
    house: House, words: tuple[str, ...], stdin: str, complaint: str
) -> None:
    done = house.type("person", "password", *words, stdin=stdin)

    assert (done.code, "Traceback" in done.err) == (2, False)
    assert complaint in done.err
    assert not signs_in("agent@school.example", GOOD)


def test_somebody_who_is_disabled_is_out_at_once_and_comes_back_when_enabled(house: House) -> None:
    now = datetime.now(UTC)
    with db.transaction():
        session = sessions.open_session(people.get("per_agent"), now=now)

    out = house.type("person", "disable", "agent@school.example")
    with db.transaction():
        assert sessions.find(session, now=now) is None
    assert out.code == 0
    assert [each["disabled"] for each in house.told("person", "list") if each["person"] == "per_agent"] == [True]
    assert "Example agent  agent@school.example  disabled" in house.type("person", "list").out

    assert house.type("person", "enable", "per_agent").code == 0
    with db.transaction():
        assert not people.get("per_agent").disabled
    assert house.type("person", "disable", "per_nobody").code == 2


def test_a_system_is_declared_degraded_and_healthy_again_and_both_are_logged(house: House) -> None:
    on = house.told("degraded", "calendar", "--on", "--by", "on_call@school.example", "--reason", "moves hosts today")
    assert [(each["system"], each["degraded"], each["by"]) for each in on] == [("calendar", True, "per_on_call")]
    with db.transaction():
        assert running.systems()["calendar"].degraded

    listed = house.type("degraded").out
    assert "payments: healthy\n" in listed
    assert "calendar: degraded since" in listed

    off = house.type("degraded", "calendar", "--off", "--by", "per_admin", "--reason", "moved")
    assert (off.code, "calendar: healthy since" in off.out) == (0, True)
    with db.transaction():
        said = [(each.actor, each.payload["degraded"], each.payload["why"]) for each in log.entries(kind="health")]
    assert said == [("per_on_call", True, "moves hosts today"), ("per_admin", False, "moved")]


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        (("calendar", "--on", "--by", "per_coach", "--reason", "why not"), 1, "coach does not declare how systems are"),
        (("calendar", "--on", "--by", "per_nobody", "--reason", "why not"), 2, "nobody has the id or address"),
        (("calender", "--on", "--by", "per_admin", "--reason", "a slip"), 2, "there is no system 'calender'"),
        (("calender",), 2, "there is no system 'calender'"),
        (("calendar", "--on", "--by", "per_admin"), 2, "--reason TEXT"),
        (("calendar", "--on", "--by", "per_admin", "--reason", " "), 2, "say why"),
        (("calendar", "--by", "per_admin"), 2, "say which"),
    ],
)
def test_what_cannot_be_declared_is_explained(house: House, words: tuple[str, ...], code: int, complaint: str) -> None:
    done = house.type("degraded", *words)

    assert (done.code, "Traceback" in done.err) == (code, False)
    assert complaint in done.err
    with db.transaction():
        state = running.systems().get("calendar")
    assert state is None or not state.degraded
