"""caseward whatif, as it is typed."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Typed

SCHOOL = Path(__file__).parents[3] / "packs" / "vocal-coaching"
LATE = """
- id: late
  tier: R3
  when: {intent: reschedule, minutes_to_session: {lt: 120}}
  because: It is late.
  over: all
"""
MOVE: dict[str, Any] = {
    **{"intent": "reschedule", "published_answer": False, "account_specific": True, "transactional": True},
    **{"exception_requested": False, "identity": "verified", "minutes_to_session": 90, "reschedules_this_month": 0},
    **{"chargeback_threat": False, "legal_threat": False, "abuse_or_safety": False, "minor_or_sensitive": False},
    **{"insists_unverified": False, "knowledge_contradiction": False, "degraded": []},
}


@pytest.fixture
def stricter(tmp_path: Path) -> Path:
    """The school with one more rule."""
    folder = Path(shutil.copytree(SCHOOL, tmp_path / "stricter"))
    (folder / "rules" / "late.yaml").write_text(LATE)
    return folder


def test_the_same_pack_is_proved_the_same_and_the_command_succeeds(typed: Typed) -> None:
    said = typed("whatif", "vocal-coaching", "vocal-coaching")

    assert (said.code, said.out) == (0, "the same on all facts, in every phase and topology: proved\n")


def test_differences_are_told_in_the_packs_words(typed: Typed, stricter: Path) -> None:
    said = typed("whatif", "vocal-coaching", str(stricter))

    assert said.code == 1
    lines = said.out.splitlines()
    assert lines[0] == "added rule late"
    assert lines[1].startswith("differs in pilot, empowered on intent: reschedule, ")
    assert lines[2].startswith("    before: ")
    assert any(line.startswith("golden case golden/reschedule.yaml:") and "tier R2 → R3" in line for line in lines)


def test_past_cases_come_from_a_file_a_line_each(typed: Typed, stricter: Path, tmp_path: Path) -> None:
    lines = [{"case": 1001, "facts": MOVE}, {**MOVE, "minutes_to_session": 500}, {"intent": "dance"}]
    file = tmp_path / "cases.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))

    said = typed("whatif", "vocal-coaching", str(stricter), "--cases", str(file), "--json", "--limit", "1")

    assert said.code == 1
    assert [each["where"] for each in said.json["cases"]] == ["line 1, case 1001"]
    assert said.json["cases"][0]["before"]["tier"] == "R2"
    assert said.json["tried"] == 2
    assert said.json["unreadable"][0].startswith("line 3: fact intent: 'dance' is not one of")
    assert len(said.json["differences"]) == 1


@pytest.mark.parametrize(
    ("words", "cases", "complaint"),
    [
        pytest.param(("--cases", "-"), "[1]", "line 1: a case is a JSON object", id="no object"),
        pytest.param(("--cases", "-"), '{"facts": 3}', "line 1: facts are a JSON object", id="no facts"),
        pytest.param(("--cases", "-"), "{", "line 1 is not JSON", id="half an object"),
        pytest.param(("--cases", "nowhere"), "", "nowhere cannot be read", id="no file"),
        pytest.param(("--limit", "0"), "", "Usage: caseward whatif", id="no examples"),
    ],
)
def test_wrong_use_is_told_and_nothing_is_compared(
    typed: Typed, words: tuple[str, ...], cases: str, complaint: str
) -> None:
    said = typed("whatif", "vocal-coaching", "vocal-coaching", *words, stdin=cases)

    assert (said.code, said.out) == (2, "")
    assert complaint in said.err


def test_a_pack_that_cannot_be_read_is_named(typed: Typed, stricter: Path) -> None:
    (stricter / "rules" / "late.yaml").write_text(LATE.replace("R3", "R9"))

    said = typed("whatif", "vocal-coaching", str(stricter))

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("caseward: rules/late.yaml:3: ")
