"""How far the desk is trusted is decided by people, a step at a time, and holds from the next turn on."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier

import pytest

from caseward.core.approval import ApprovalState
from caseward.core.errors import BadInput, Conflict, Refused
from caseward.core.pack import Pack
from caseward.core.release import Files
from caseward.core.roles import Actor, Role
from caseward.desk import library, tools, trust
from caseward.desk.tools import Tools
from caseward.flows.changeover import Changeover
from caseward.packs import shelf
from caseward.store import approvals, db, log, phases
from tests.conftest import SCHOOL, Desk

MINE = "When is my next lesson?"


@pytest.fixture
def first(desk: Desk) -> Files:
    """The school's files, published as the desk's first release."""
    files = shelf.snapshot(SCHOOL)
    with db.transaction():
        library.open_with(files)
    return files


@pytest.fixture
def changeover(desk: Desk, first: Files, tmp_path: Path) -> Changeover:
    """What makes this process follow."""

    def outfit(pack: Pack) -> Tools:
        return replace(tools.given(), pack=pack)

    made = Changeover(tmp_path, outfit)
    made.look()
    return made


def decide(phase: str, *, topology: str = "", ticked: tuple[str, ...] = ()) -> phases.PhaseDecision:
    with db.transaction():
        return trust.decide(
            phase, person="sample_coach", role=Role.COACH, reason="because", topology=topology, ticked=ticked
        )


def where() -> tuple[str, str]:
    with db.transaction():
        at = trust.standing()
    return at.phase, at.topology


def entries(kind: str) -> list[tuple[str, Mapping[str, object]]]:
    with db.transaction():
        return [(entry.actor, entry.payload) for entry in log.entries(kind=kind)]


def test_until_somebody_decides_the_packs_own_phase_holds(desk: Desk, first: Files) -> None:
    assert where() == ("pilot", "empowered")


def test_a_promotion_opens_what_the_matrix_says_and_a_demotion_closes_it(desk: Desk, changeover: Changeover) -> None:
    assert "Friday" not in " ".join(desk.ask(MINE, as_="stu-001", language="en"))
    asked = desk.open(as_="stu-001", language="en")
    desk.say(asked, MINE)
    desk.settle()
    assert desk.request(asked).lane == "qa"

    decide("hardening")
    assert changeover.look()
    free = desk.open(as_="stu-001", language="en")
    desk.say(free, MINE)
    desk.settle()
    with db.transaction():
        assert approvals.of_case(desk.case(free).id) == []
    decide("pilot")
    assert changeover.look()
    again = desk.open(as_="stu-001", language="en")
    desk.say(again, MINE)
    desk.settle()

    assert desk.request(again).state is ApprovalState.OPEN


def test_a_promotion_is_one_step_and_a_demotion_any_number(desk: Desk, first: Files) -> None:
    with pytest.raises(Refused, match="the next phase is hardening"):
        decide("production")

    decide("hardening")
    decide("production")
    decide("pilot")

    assert where() == ("pilot", "empowered")
    with db.transaction():
        assert [(each.phase, each.was) for each in phases.every()] == [
            ("pilot", "production, empowered"),
            ("production", "hardening, empowered"),
            ("hardening", "pilot, empowered"),
        ]


def test_a_decision_keeps_the_criteria_as_they_were_stated_and_ticked(desk: Desk, first: Files) -> None:
    with db.transaction():
        stated = trust.criteria("hardening")

    decided = decide("hardening", ticked=stated[:1])

    assert decided.criteria == {stated[0]: True, **dict.fromkeys(stated[1:], False)}
    assert [(actor, payload["criteria"]) for actor, payload in entries("phase")] == [
        ("sample_coach", dict(decided.criteria))
    ]
    with pytest.raises(BadInput, match="no criterion of production"):
        decide("production", ticked=("It went well",))


def test_only_who_decides_in_the_phases_lane_promotes_or_demotes(desk: Desk, first: Files) -> None:
    decide("hardening")

    for role in [*Role, *Actor, "", "house"]:
        for phase in ("production", "pilot"):
            if role is not Role.COACH:
                with pytest.raises(Refused, match="the lane coach does"), db.transaction():
                    trust.decide(phase, person="somebody", role=role, reason="because")

    assert where() == ("hardening", "empowered")
    assert {(actor, payload["effect"]) for actor, payload in entries("denied")} == {("somebody", "phase")}


def test_who_asks_whom_is_decided_in_the_same_way(desk: Desk, first: Files) -> None:
    decide("pilot", topology="hub")

    assert where() == ("pilot", "hub")
    for phase, topology in (("pilot", "hub"), ("pilot", "elsewhere"), ("launch", "")):
        with pytest.raises(BadInput):
            decide(phase, topology=topology)


def test_of_two_that_decide_at_once_one_is_told(desk: Desk, first: Files) -> None:
    together = Barrier(2)

    def promote(_n: int) -> bool:
        with db.transaction():
            trust.standing()
            together.wait()
        try:
            decide("hardening")
        except (Conflict, BadInput):
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(promote, range(2))) == [False, True]


def test_what_is_decided_while_somebody_decides_is_noticed(
    desk: Desk, first: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    look, looked = phases.current, list[str]()

    def meanwhile() -> phases.PhaseDecision | None:
        found = look()
        if not looked:
            looked.append("once")
            with ThreadPoolExecutor(1) as pool:
                pool.submit(decide, "hardening").result()
        return found

    monkeypatch.setattr(phases, "current", meanwhile)

    with pytest.raises((Conflict, BadInput)):
        decide("hardening")


def test_another_release_is_served_in_the_phase_that_was_decided(
    desk: Desk, first: Files, changeover: Changeover
) -> None:
    decide("hardening", topology="hub")
    files = {**first, "templates/greeting.yaml": first["templates/greeting.yaml"] + "# looked at again\n"}
    with db.transaction():
        library.propose(files, author="per_1", reason="because", release="2026-11-23.1")
        library.approve("2026-11-23.1", person="sample_agent", role=Role.AGENT, reason="fine")
        library.publish("2026-11-23.1")

    assert changeover.look()

    pack = tools.pack()
    assert (pack.profile.release, pack.policy.phase, pack.policy.topology) == ("2026-11-23.1", "hardening", "hub")
    assert (pack.profile.phase, pack.profile.topology) == ("hardening", "hub")
