"""The weekly report on the command line: for people, and for programs."""

from __future__ import annotations

from tests.e2e.test_people_commands import House
from tests.e2e.test_people_commands import house as house


def test_a_week_is_reported_in_lines_and_as_a_document(house: House) -> None:
    lines = house.type("report")
    document = house.told("report", "--week", "2026-W02")
    wrong = house.type("report", "--week", "last")

    assert lines.code == 0
    assert "0 cases opened; 0 open now" in lines.out
    assert "First response, p90" in lines.out
    assert (document["from"], document["to"], document["cases"]) == ("2026-01-05", "2026-01-11", 0)
    assert (wrong.code, "is no week that has begun" in wrong.err) == (2, True)
