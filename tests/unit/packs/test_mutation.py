"""Slips in a shipped pack's policy are noticed by a golden case, a promise or a proof. `make soak` tries them all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.mutate import Result, table, try_out

SCHOOL = Path(__file__).parents[3] / "packs" / "vocal-coaching"
PACKS = sorted(path for path in SCHOOL.parent.iterdir() if (path / "pack.yaml").exists())
A_FEW = 60


def survivors(results: tuple[Result, ...]) -> list[str]:
    return [f"{each.kind} {each.name}" for each in results if each.fate == "SURVIVED"]


def test_a_few_slips_of_the_school_are_all_noticed() -> None:
    results = try_out(SCHOOL, sample=A_FEW)

    assert len(results) == A_FEW
    assert survivors(results) == []


@pytest.mark.soak
@pytest.mark.timeout(0)
@pytest.mark.parametrize("folder", PACKS, ids=lambda folder: folder.name)
def test_every_slip_is_noticed_and_every_promise_is_needed(folder: Path) -> None:
    results = try_out(folder)

    print(table(results))
    assert survivors(results) == []
