"""The sample week: what a demo shows at first sight came about as everything at a desk does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from caseward import app, rehearsal
from caseward.core.errors import BadInput
from caseward.core.pack import Pack
from caseward.core.ports import Brain
from caseward.desk import tools
from caseward.settings import Settings
from caseward.store import db, log, samples
from tests import channels_house
from tests.channels_house import House
from tests.conftest import SCHOOL, Cluster, Desk

FRIDAY = datetime(2026, 11, 27, 8, 30, tzinfo=UTC)
"""15:30 in the studio."""
SUNDAY = datetime(2026, 11, 29, 20, 10, tzinfo=UTC)
"""The middle of a night in which the studio is closed."""


@dataclass(frozen=True, kw_only=True)
class Lived:
    """A week that was lived through."""

    until: datetime
    missed: Sequence[str]


@pytest.fixture(
    scope="module", params=[FRIDAY, pytest.param(SUNDAY, marks=pytest.mark.soak)], ids=["by day", "by night"]
)
def lived(
    request: pytest.FixtureRequest, cluster: Cluster, school: Pack, brain: Brain, tmp_path_factory: Any
) -> Iterator[Lived]:
    url, until = cluster.create(), request.param
    folder: Path = tmp_path_factory.mktemp("week")
    settings = Settings.model_validate({"database_url": url, "data": folder, "pack": SCHOOL, "demo": True})
    db.connect(url)
    pack = app.prepare(url, settings, until - rehearsal.SPAN, demo=True)
    missed = app.live_through_a_week(settings, pack, brain, until=until)
    yield Lived(until=until, missed=missed)
    db.disconnect()
    cluster.drop(url)


def ask(query: str) -> list[Any]:
    with db.transaction():
        return list(db.execute(text(query)))


def test_everything_in_the_script_happens(lived: Lived) -> None:
    assert list(lived.missed) == []


def test_it_leaves_cases_of_every_tier_settled_and_waiting(lived: Lived) -> None:
    tiers = Counter(row.tier for row in ask("select tier from cases"))
    statuses = Counter(row.status for row in ask("select status from cases"))
    verdicts = Counter(row.state for row in ask("select state from approvals"))

    assert set(tiers) == {0, 1, 2, 3}
    assert min(statuses[each] for each in ("closed", "resolved", "waiting_approval")) >= 5
    assert {"approved", "denied", "escalated", "open"} <= set(verdicts)
    assert len(ask("select from ratings where score is not null")) >= 3


def test_every_message_was_answered_or_is_visibly_waiting(lived: Lived) -> None:
    unheard = ask("select from messages where inbound and turn is null")
    silent = ask("""
        select number from cases where status not in ('waiting_approval', 'open', 'pending_verification', 'new')
        and not exists (select from messages where case_id = cases.id and not inbound and kind = 'text')
    """)

    assert (unheard, silent) == ([], [])
    assert ask("select from outbox where state not in ('done')") == []
    assert ask("select from tasks where state not in ('done', 'failed')") == []


def test_it_is_on_the_record_in_its_order_and_ends_now(lived: Lived) -> None:
    at = [row.at for row in ask("select at from log order by seq")]

    with db.transaction():
        assert log.verify() is None
    assert at == sorted(at)
    assert timedelta(days=5) < lived.until - at[1] <= rehearsal.SPAN
    assert at[-1] <= lived.until


def test_the_records_are_laid_out_anew_so_that_everything_can_be_tried(lived: Lived) -> None:
    with db.transaction():
        assert (samples.week(), samples.laid_out_at()) == (True, lived.until)
    assert ask("select from record_effects") == []


def test_nobody_outside_hears_of_it_whatever_channels_are_set_up(desk: Desk) -> None:
    vendor = channels_house.plug_in(House(name="email"))
    steps = [{"say": "I want a refund for my last payment please"}, {"after": 5, "by": "coach", "approve": ""}]
    row = {"id": "wk-1", "at": desk.clock().isoformat(), "as": "stu-003", "language": "en", "steps": steps}

    missed = rehearsal.live(
        tools.given(), rehearsal.scenes([row]), until=desk.clock() + timedelta(hours=1), each_day=lambda _at: None
    )

    assert list(missed) == []
    assert [row.state for row in ask("select state from tasks")] == ["done"]
    assert vendor.sent == []
    assert ask("select from outbox where channel = 'email'") == []


@pytest.mark.parametrize(
    ("step", "complaint"),
    [
        ({"say": "Halo", "by": "coach", "approve": ""}, "say and approve"),
        ({"dance": "now"}, "'dance'"),
        ({"after": "soon", "say": "Halo"}, "soon"),
    ],
    ids=["two things", "no such thing", "no time"],
)
def test_a_script_that_cannot_be_meant_names_the_scene(step: dict[str, object], complaint: str) -> None:
    row = {"id": "wk-1", "at": "2026-11-27T08:00:00+00:00", "language": "id", "steps": [step]}

    with pytest.raises(BadInput, match="wk-1") as told:
        rehearsal.scenes([row])

    assert complaint in str(told.value)
