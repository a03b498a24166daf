"""caseward playbook, as it is typed: what there is, whom it would write to and why not, and having it asked now."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from caseward import app
from caseward.core.ids import ContactId
from caseward.settings import Settings
from caseward.store import contacts, db, migrate, outreach
from tests.commands import Outcome, typed
from tests.conftest import SCHOOL, Cluster


class House:
    """A demo's database, in which one student is reached on Telegram; no process is at work."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url, self.folder = url, folder
        self.settings = Settings.model_validate(
            {"database_url": url, "data": folder / "data", "pack": SCHOOL, "demo": True}
        )
        db.connect(url)
        app.prepare(url, self.settings, datetime.now(UTC), demo=True)
        with db.transaction():
            contacts.prove("telegram", "tg-31", ContactId("stu-031"), method="phone", now=datetime.now(UTC))
        db.disconnect()

    def type(self, *words: str) -> Outcome:
        given = {"CASEWARD_DATABASE_URL": self.url, "CASEWARD_DATA": str(self.folder / "data"), "CASEWARD_DEMO": "1"}
        given |= {"CASEWARD_TELEGRAM_TOKEN": "1:t", "CASEWARD_TELEGRAM_SECRET": "s" * 32}
        return typed("playbook", *words, given={**given, "CASEWARD_PACK": str(SCHOOL)})


@pytest.fixture
def house(cluster: Cluster, tmp_path: Path) -> Iterator[House]:
    url = cluster.create()
    migrate.upgrade(url)
    yield House(url, tmp_path)
    cluster.drop(url)


def test_playbooks_are_listed_looked_through_and_asked_at_once(house: House) -> None:
    listed = house.type("list")
    shown = house.type("preview", "payment-follow-up", "--json")
    asked = house.type("run", "payment-follow-up")
    unknown = house.type("preview", "birthday")

    assert listed.out.splitlines() == [
        "session-reminder: A lesson is tomorrow; asked never, next never",
        "payment-follow-up: An invoice is overdue; asked never, next never",
    ], listed.err
    [row] = json.loads(shown.out)
    assert (row["key"], row["contact"]) == ("payment-follow-up:INV-2026-0031", "stu-031")
    assert row["step"] in ("send", "wait"), "it depends on the time of day"
    assert asked.out == "payment-follow-up is due; a desk at work asks it within seconds.\n"
    assert unknown.code == 2
    assert "no playbook 'birthday'; there is session-reminder, payment-follow-up" in unknown.err
    db.connect(house.url)
    with db.transaction():
        turns, rows = outreach.turns(), outreach.rows([row["key"]])
    db.disconnect()
    assert datetime.now(UTC) - turns["payment-follow-up"].next_at < timedelta(minutes=1)
    assert rows == {}, "looking records nothing"
