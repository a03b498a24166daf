"""agents.yaml: no two agents speak or execute, nobody both consents and executes, somebody answers for every duty."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from caseward.core.agents import DUTIES
from caseward.core.errors import PackError
from caseward.core.roles import CAPABILITIES, Actor
from caseward.packs import separation
from caseward.packs.load import load, read
from caseward.packs.places import Places

SCHOOL = Path(__file__).parents[3] / "packs" / "vocal-coaching"
FILE = "agents.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SCHOOL, tmp_path / "school"))


@pytest.fixture
def spoilt(folder: Path) -> Callable[[str, str], tuple[list[PackError], int]]:
    """Replace words of agents.yaml; return what is said about it then, and the line on which they stood."""

    def spoil(old: str, new: str) -> tuple[list[PackError], int]:
        path = folder / FILE
        text = path.read_text("utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), "utf-8")
        return list(separation.check(load(folder), Places(folder))), text[: text.index(old)].count("\n") + 1

    return spoil


def entry(activity: str) -> str:
    """Return the school's whole entry for an activity, as it stands in its file."""
    text = (SCHOOL / FILE).read_text("utf-8")
    found = re.search(rf"  - id: {activity}\n(?:    .*\n)+", text)
    assert found
    return found[0]


def test_the_school_keeps_its_agents_apart() -> None:
    assert list(separation.check(load(SCHOOL), Places(SCHOOL))) == []


def test_the_school_grants_exactly_what_the_house_allows() -> None:
    agents = load(SCHOOL).agents

    assert set(agents.agents) == set(Actor)
    assert {effect: frozenset(agents.holders(effect)) for effect in CAPABILITIES} == CAPABILITIES


@pytest.mark.parametrize(
    ("old", "new", "message", "fix"),
    [
        pytest.param("Decision, may: [route, approve]", "Decision, may: [route, approve, send]",
                     "A may not send; only B may", "take `send` out of what A may do", id="two voices"),
        pytest.param("Decision, may: [route, approve]", "Decision, may: [route, approve, send]",
                     "A and B may all send; exactly one agent may", "leave `send` to one", id="two voices counted"),
        pytest.param("Decision, may: [route, approve]", "Decision, may: [route, approve, execute]",
                     "A may both approve and execute", "give one of the two", id="approves and executes"),
        pytest.param("Knowledge, may: [publish_policy, publish_knowledge]",
                     "Knowledge, may: [publish_policy, publish_knowledge, publish_template]",
                     "E may not publish template; only F may", "take `publish_template`", id="too many rights"),
        pytest.param("Frontline, may: [send]", "Frontline, may: []",
                     "no agent may send", "add `send` to what B may do", id="no voice"),
        pytest.param("Operations, may: [execute]", "Operations",
                     "no agent may execute", "add `execute` to what C may do", id="nobody executes"),
        pytest.param("Templates, may: [publish_template]", "Templates, may: []",
                     "no agent may publish template", "what F may do", id="nobody publishes templates"),
        pytest.param("  D: {title: Review, may: [advise]}\n", "",
                     "agent D is missing", "add `D:`", id="an agent is missing"),
        pytest.param(entry("incident"), "",
                     "nobody answers for 'incident'", "add an entry `id: incident`", id="a duty is missing"),
        pytest.param("effect: publish_policy", "effect: publish_knowledge",
                     "'publish-policy' is about the effect 'publish_policy'", "write `effect: publish_policy`",
                     id="a duty about something else"),
        pytest.param("    effect: send\n", "",
                     "'answer-contact' is about the effect 'send'", "write `effect: send`", id="a duty about nothing"),
        pytest.param("responsible: [F]", "responsible: []",
                     "nobody does it", "name at least one", id="nobody is responsible"),
        pytest.param("responsible: [F]", "responsible: [E]",
                     "E is responsible, and may not publish template", "name F", id="responsible without the right"),
        pytest.param("responsible: [B]", "responsible: [B, coach]",
                     "coach is responsible, and may not send", "name B", id="a person who would speak"),
        pytest.param("responsible: [A, agent, ops_lead, coach]", "responsible: [A, on_call]",
                     "on_call is responsible, and may not approve", "name A", id="a person outside all lanes"),
        pytest.param("responsible: [C]", "responsible: [C, A]",
                     "A both approves and executes", "make somebody else responsible", id="one hand by its duties"),
        pytest.param("accountable: agent", "accountable: agents",
                     "'agents' is neither an agent nor a role", "did you mean 'agent'?", id="an unknown role"),
        pytest.param("consulted: [A, admin]", "consulted: [A, lawyer]",
                     "'lawyer' is neither an agent nor a role", "use one of A, B", id="an unknown adviser"),
        pytest.param("informed: [A, E, F]", "informed: [A, E, G]",
                     "'G' is neither an agent nor a role", "use one of A, B", id="an unknown reader"),
    ],
)  # fmt: skip
def test_what_is_not_kept_apart_is_named_with_its_fix(
    spoilt: Callable[[str, str], tuple[list[PackError], int]], old: str, new: str, message: str, fix: str
) -> None:
    errors, _line = spoilt(old, new)

    found = [each for each in errors if message in each.message]
    assert found, [str(each) for each in errors]
    assert fix in found[0].fix
    assert found[0].file == FILE


def test_a_complaint_names_the_line(spoilt: Callable[[str, str], tuple[list[PackError], int]]) -> None:
    errors, line = spoilt("accountable: ops_lead\n    consulted: [A]\n", "accountable: C3\n    consulted: [A]\n")

    assert [(error.line, error.rule) for error in errors] == [(line, "execute-operation")]


@pytest.mark.parametrize("duty", DUTIES)
def test_no_duty_may_be_left_out(spoilt: Callable[[str, str], tuple[list[PackError], int]], duty: str) -> None:
    errors, _line = spoilt(entry(duty), "")

    assert f"nobody answers for {duty!r}" in [error.message for error in errors]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param("accountable: agent", "accountable: [agent, coach]", "raci.0.accountable", id="two who answer"),
        pytest.param("    accountable: agent\n", "", "raci.0.accountable is missing", id="nobody who answers"),
        pytest.param("may: [send]", "may: [shout]", "agents.B.may.0", id="an unknown effect"),
        pytest.param("  F: {", "  G: {", "agents.G", id="a seventh agent"),
        pytest.param("id: incident", "id: approve", "this id stands twice", id="a duty twice"),
    ],
)
def test_a_malformed_line_is_one_clear_complaint(folder: Path, old: str, new: str, message: str) -> None:
    path = folder / FILE
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")

    pack, errors = read(folder)

    assert pack is None
    assert len(errors) == 1
    assert message in errors[0].message
    assert (errors[0].file, bool(errors[0].line), bool(errors[0].fix)) == (FILE, True, True)


def test_a_pack_without_the_file_is_told_to_write_one(folder: Path) -> None:
    (folder / FILE).unlink()

    pack, errors = read(folder)

    assert pack is None
    assert [(error.file, error.message) for error in errors] == [(FILE, "cannot be read: No such file or directory")]
