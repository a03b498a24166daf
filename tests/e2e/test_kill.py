"""Killed at any point: every message is answered or waits in sight, and nothing is done twice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.folders import tmp_path as tmp_path
from tests.soak.kill import PLACES, kill

FEW = ("database", "leave:caseward.desk.executor.run:0", "committed:caseward.store.messages.receive:2")
MANY = 2 * len(PLACES)
LONG_OUTAGE_SECONDS = 30.0


@pytest.mark.timeout(600)
def test_a_desk_that_is_killed_a_few_times_loses_nothing_and_does_nothing_twice(tmp_path: Path) -> None:
    report = kill(len(FEW), seed=1, folder=tmp_path, ways=FEW)

    print(report)
    assert report.problems == []
    assert report.effects > 0
    assert not [way for way in report.deaths if "not reached" in way]


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_desk_that_is_killed_everywhere_loses_nothing_and_does_nothing_twice(tmp_path: Path, seed: int) -> None:
    report = kill(MANY, seed=seed, folder=tmp_path)

    print(report)
    assert report.problems == []


@pytest.mark.soak
@pytest.mark.timeout(0)
def test_a_desk_whose_database_is_gone_for_half_a_minute_recovers_by_itself(tmp_path: Path) -> None:
    report = kill(2, seed=3, folder=tmp_path, ways=("database",), outage_seconds=LONG_OUTAGE_SECONDS)

    print(report)
    assert report.problems == []
