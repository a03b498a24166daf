"""`caseward explain --facts`: the same answer as the gate's, told so that people and programs can follow it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from tests.unit.cli.conftest import Typed

MOVE: dict[str, Any] = {
    "intent": "reschedule",
    "published_answer": False,
    "account_specific": True,
    "transactional": True,
    "exception_requested": False,
    "identity": "verified",
    "minutes_to_session": 300,
    "reschedules_this_month": 1,
    "chargeback_threat": False,
    "legal_threat": False,
    "abuse_or_safety": False,
    "minor_or_sensitive": False,
    "insists_unverified": False,
    "knowledge_contradiction": False,
    "degraded": [],
}


def explained(typed: Typed, facts: dict[str, Any], *words: str) -> Any:
    said = typed("explain", "--facts", "-", "--pack", "vocal-coaching", "--json", *words, stdin=json.dumps(facts))
    assert said.code == 0, said.err
    return said.json


def ids(told: Any) -> list[str]:
    return [each["rule"] for each in told]


def test_it_decides_as_the_gate_does(typed: Typed) -> None:
    told = explained(typed, MOVE)

    decided = typed("decide", "vocal-coaching", "--json", stdin=json.dumps(MOVE)).json
    assert {name: decided[name] for name in ("tier", "approval", "auto_send", "executor", "hold", "release")} == {
        name: told["decision"][name] for name in ("tier", "approval", "auto_send", "executor", "hold", "release")
    }
    assert ids(told["matched"]) == decided["rules"]


def test_a_matched_rule_shows_each_line_with_the_value_that_met_it(typed: Typed) -> None:
    told = explained(typed, MOVE)["matched"][0]

    assert told["rule"] == "transaction-within-policy"
    assert {"says": "minutes_to_session is 60 or more", "fact": "minutes_to_session", "value": 300} in told["lines"]


def test_a_near_miss_says_what_the_fact_would_have_to_be(typed: Typed) -> None:
    near = {each["rule"]: each for each in explained(typed, MOVE)["near"]}

    needs = near["session-too-near"]["ways"]
    assert needs == [
        [{"fact": "minutes_to_session", "now": 300, "says": "minutes_to_session is less than 60 (now 300)"}]
    ]


def test_another_tier_is_reached_by_the_change_that_is_told(typed: Typed) -> None:
    told = {each["tier"]: each for each in explained(typed, MOVE)["another"]}

    changes = next(each for each in told["R3"]["changes"] if each[0]["fact"] == "minutes_to_session")
    assert [(change["value"], change["high"]) for change in changes] == [(59, 59)]
    other = typed("decide", "vocal-coaching", "--json", stdin=json.dumps({**MOVE, "minutes_to_session": 59})).json
    assert other["tier"] == "R3"
    assert (told["R0"]["changes"], told["R0"]["complete"]) == ([], True)


def test_it_says_who_asks_for_consent_and_where_it_would_go_by_itself(typed: Typed) -> None:
    told = explained(typed, MOVE)

    assert told["consent"]["lane"] == "qa"
    assert [each["by"] for each in told["consent"]["asked_by"]] == ["row"]
    assert told["alone"]["stops"] == ["lane"]
    assert {"phase": "production", "topology": "empowered"} in told["alone"]["settings"]
    assert explained(typed, MOVE, "--phase", "production")["alone"]["stops"] == []


def test_what_is_missing_is_told_with_its_meaning_and_the_rules_that_wait_for_it(typed: Typed) -> None:
    unknown = {name: value for name, value in MOVE.items() if name != "minutes_to_session"}

    told = explained(typed, unknown)

    missing = {each["fact"]: each for each in told["missing"]}
    assert "session-too-near" in missing["minutes_to_session"]["rules"]
    assert "Time left" in missing["minutes_to_session"]["because"]
    assert "session-too-near" in ids(told["possible"])


def test_people_read_it_in_blocks_with_values_aligned(typed: Typed) -> None:
    said = typed("explain", "--facts", "-", "--pack", "vocal-coaching", stdin=json.dumps(MOVE)).out

    titles = re.findall(r"^(\w[\w ]+?)(?::.*)?$", said, re.M)
    assert titles == ["Matched", "Nearly matched", "Consent", "To go out by itself", "What would have to change"]
    first = said.partition("transaction-may-run")[0]
    columns = {found.start(1) - found.start() for found in re.finditer(r"^ {6}\w+ is .*  (\S+)$", first, re.M)}
    assert len(columns) == 1
    assert "R0  no change of up to three facts leads there" in said


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        pytest.param((), "name a case", id="neither a case nor facts"),
        pytest.param(("1001", "--facts", "-"), "name a case", id="both"),
        pytest.param(("1001", "--pack", "vocal-coaching"), "leave --pack", id="a case by other rules"),
        pytest.param(("--facts", "nowhere.json"), "nowhere.json cannot be read", id="no file"),
        pytest.param(("--facts", "-", "--pack", "nowhere"), "is no pack", id="no pack"),
    ],
)
def test_what_cannot_be_explained_is_refused_in_one_line(typed: Typed, words: tuple[str, ...], complaint: str) -> None:
    said = typed("explain", *words, stdin="{}")

    assert (said.code, said.out) == (2, "")
    assert complaint in said.err
    assert said.err.count("\n") == 1


@pytest.mark.parametrize("facts", ["[]", '{"mood": 1}', "nonsense", '{"intent": null}'])
def test_facts_that_cannot_be_meant_are_refused(typed: Typed, facts: str) -> None:
    said = typed("explain", "--facts", "-", "--pack", "vocal-coaching", stdin=facts)

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("caseward: standard input")
