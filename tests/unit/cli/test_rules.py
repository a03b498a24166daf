"""Asking a pack: the gate answers in one document, and wrong input in one line that says what mends it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.conftest import Typed

SCHOOL = Path(__file__).parents[3] / "packs" / "vocal-coaching"
FAQ: dict[str, Any] = {
    **{"intent": "faq", "published_answer": True, "account_specific": False, "transactional": False},
    **{"exception_requested": False, "identity": "unknown", "degraded": [], "chargeback_threat": False},
    **{"legal_threat": False, "abuse_or_safety": False, "minor_or_sensitive": False, "insists_unverified": False},
    "knowledge_contradiction": False,
}


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    """A copy of the school to spoil."""
    return Path(shutil.copytree(SCHOOL, tmp_path / "school"))


def test_a_decision_is_one_document(typed: Typed) -> None:
    said = typed("decide", "vocal-coaching", "--facts", "-", "--json", stdin=json.dumps(FAQ))

    assert said.code == 0
    assert said.json == {
        "tier": "R0",
        "approval": "none",
        "auto_send": True,
        "executor": None,
        "rules": ["published-answer"],
        "possible": [],
        "missing": [],
        "hold": None,
        "release": said.json["release"],
    }


def test_facts_may_come_from_a_file(typed: Typed, tmp_path: Path) -> None:
    file = tmp_path / "facts.json"
    file.write_text(json.dumps({**FAQ, "intent": "refund", "transactional": True, "identity": "verified"}))

    said = typed("decide", str(SCHOOL), "--facts", str(file), "--json")

    assert (said.json["tier"], said.json["approval"], said.json["executor"]) == ("R3", "coach", "operations")


def test_a_fact_left_out_is_named_as_missing(typed: Typed) -> None:
    known = {name: value for name, value in FAQ.items() if name != "legal_threat"}

    said = typed("decide", "vocal-coaching", "--json", stdin=json.dumps(known))

    assert (said.json["tier"], said.json["missing"], said.json["hold"]) == ("R3", ["legal_threat"], "missing")


def test_many_facts_are_decided_line_by_line(typed: Typed) -> None:
    lines = [FAQ, {**FAQ, "exception_requested": True}]

    said = typed("decide", "vocal-coaching", "--jsonl", stdin="\n\n".join(json.dumps(each) for each in lines))

    assert [json.loads(line)["tier"] for line in said.out.splitlines()] == ["R0", "R3"]


def test_phase_and_topology_may_be_tried(typed: Typed) -> None:
    own = {**FAQ, "intent": "schedule", "published_answer": False, "account_specific": True, "identity": "verified"}

    pilot = typed("decide", "vocal-coaching", "--json", stdin=json.dumps(own)).json
    later = typed(
        "decide", "vocal-coaching", "--json", "--phase", "production", "--topology", "empowered", stdin=json.dumps(own)
    ).json

    assert (pilot["approval"], pilot["auto_send"]) == ("qa", False)
    assert (later["approval"], later["auto_send"]) == ("none", True)


def test_in_words_a_decision_names_its_rules_and_why(typed: Typed) -> None:
    said = typed("decide", "vocal-coaching", stdin=json.dumps({**FAQ, "intent": "refund", "transactional": True}))

    assert said.out.startswith("R3, needs consent in lane coach")
    assert "refund-request: Money that has gone back cannot be fetched again" in said.out


@pytest.mark.parametrize(
    ("facts", "complaint"),
    [
        pytest.param("", "standard input is not JSON", id="nothing"),
        pytest.param("{", "standard input is not JSON", id="half an object"),
        pytest.param("[" * 100_000, "is not JSON: nested too deep", id="nested without end"),
        pytest.param("[]", "facts are a JSON object", id="no object"),
        pytest.param('{"legal_threat": true, "legal_threat": false}', "'legal_threat' stands twice", id="told twice"),
        pytest.param('{"mood": "good"}', "unknown fact 'mood'; this pack knows abuse_or_safety", id="unknown fact"),
        pytest.param('{"intent": "dance"}', "fact intent: 'dance' is not one of faq", id="unknown value"),
        pytest.param('{"identity": null}', "leave an unknown fact out", id="null"),
        pytest.param('{"minutes_to_session": 59.5}', "59.5 is not a whole number", id="not whole"),
        pytest.param('{"minutes_to_session": true}', "True is not a whole number", id="a bool is no number"),
        pytest.param('{"degraded": ["moon"]}', "is not a list of any of knowledge", id="unknown member"),
        pytest.param(b"\xff\xfe", "standard input is not UTF-8 text", id="binary"),
    ],
)
def test_facts_that_cannot_be_meant_are_refused_in_one_line(typed: Typed, facts: str | bytes, complaint: str) -> None:
    said = typed("decide", "vocal-coaching", "--facts", "-", "--json", stdin=facts)

    assert (said.code, said.out) == (2, "")
    assert complaint in said.err
    assert said.err.startswith("caseward: ")
    assert said.err.count("\n") == 1


def test_a_bad_line_is_named_by_its_number(typed: Typed) -> None:
    said = typed("decide", "vocal-coaching", "--jsonl", stdin=f"{json.dumps(FAQ)}\n{{}}\nnonsense\n")

    assert said.code == 2
    assert len(said.out.splitlines()) == 2
    assert "line 3 is not JSON" in said.err


@pytest.mark.parametrize(
    "words", [("decide", "nowhere"), ("check", "nowhere"), ("check", "/"), ("ask", "--pack", "no", "x")]
)
def test_a_pack_that_is_none_is_refused(typed: Typed, words: tuple[str, ...]) -> None:
    said = typed(*words)

    assert said.code == 2
    assert "is no pack: there is no pack.yaml in it" in said.err


@pytest.mark.parametrize(
    "words", [("dance",), ("decide",), ("decide", "x", "--phase", "dawn"), ("check", "--loud", "x")]
)
def test_wrong_usage_is_told_on_standard_error(typed: Typed, words: tuple[str, ...]) -> None:
    said = typed(*words)

    assert (said.code, said.out) == (2, "")
    assert "Usage: caseward" in said.err


def test_every_command_has_help(typed: Typed) -> None:
    listed = typed("--help").out

    names = [line.split()[0] for line in listed.partition("Commands:")[2].splitlines() if line.startswith("  ")]
    for name in [name for name in names if name.isalpha()]:
        assert typed(name, "--help").code == 0
    assert {"demo", "serve", "check", "decide", "triage", "ask", "redact", "explain", "log", "token", "doctor"} <= set(
        names
    )


def test_a_sound_pack_passes(typed: Typed) -> None:
    said = typed("check", "vocal-coaching", "--json")

    assert said.code == 0
    assert (said.json["ok"], said.json["errors"]) == (True, [])
    assert all(proof["holds"] and proof["counterexample"] is None for proof in said.json["proofs"])


def test_a_spoilt_pack_is_refused_with_file_line_and_fix(typed: Typed, pack: Path) -> None:
    rules = pack / "rules" / "published.yaml"
    rules.write_text(rules.read_text().replace("tier: R0", "tier: R7"))

    said = typed("check", str(pack), "--json")

    assert said.code == 1
    assert said.json["ok"] is False
    assert said.json["proofs"] == []
    error = said.json["errors"][0]
    assert error["file"] == "rules/published.yaml"
    assert error["line"] == next(n for n, line in enumerate(rules.read_text().splitlines(), 1) if "R7" in line)
    assert error["message"]
    assert error["fix"]


def test_a_golden_case_that_fails_is_a_counterexample(typed: Typed, pack: Path) -> None:
    golden = pack / "golden" / "published.yaml"
    golden.write_text(golden.read_text().replace("tier: R0", "tier: R1", 1))

    said = typed("check", str(pack), "--json")

    assert said.code == 1
    proof = said.json["proofs"][0]
    assert (proof["name"], proof["holds"]) == ("every golden case is decided as expected", False)
    assert "golden/published.yaml:" in proof["counterexample"]
    assert "tier is R0, expected R1" in proof["counterexample"]


def test_in_words_everything_wrong_is_named_with_its_fix(typed: Typed, pack: Path) -> None:
    (pack / "templates" / "degraded.yaml").unlink()

    said = typed("check", str(pack))

    assert said.code == 1
    assert (
        "templates/degraded.yaml: the desk says this template, and it is missing; write templates/degraded.yaml"
        in said.out
    )
    assert "is not fit to be served: 1 to mend." in said.out


def test_deciding_loads_neither_brain_nor_engine_nor_web() -> None:
    code = """
        import sys
        sys.argv = ["caseward", "decide", "vocal-coaching", "--json"]
        from caseward.cli import main
        main_ended = None
        try:
            main()
        except SystemExit as end:
            main_ended = end.code
        print(main_ended, sorted({"sklearn", "numpy", "dbos", "sqlalchemy", "fastapi", "holidays"} & set(sys.modules)))
    """

    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], input="{}", capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "0 []"
