"""A demo whose vendors are simulated: those it has by itself, and Slack and Discord where it is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from typer.testing import CliRunner

from caseward.adapters import find
from caseward.cli import app, practice
from caseward.desk import tools
from caseward.settings import Settings
from caseward.simulators import serving, slack
from tests.conftest import Desk

ALWAYS = {"webchat", "whatsapp", "telegram", "email"}


@pytest.mark.parametrize("beside", [(), ("slack",), ("slack", "discord")])
def test_a_demo_is_set_up_for_the_vendors_that_are_named(beside: tuple[str, ...]) -> None:
    settings = Settings.load(demo=True, **practice.settings(beside))

    assert set(find.channels(settings)) == {*ALWAYS, *beside}


def test_a_request_stands_in_slack_too_and_its_people_are_known_there(desk: Desk) -> None:
    workspace = slack.Slack()
    with serving.running(workspace.app) as url:
        given = dict(practice.settings(("slack",))) | {"slack_api_url": f"{url}/api"}
        plug = find.channels(Settings.load(demo=True, **given))["slack"]
        tools.use(replace(tools.given(), channels={**tools.given().channels, "slack": plug}))
        practice.introduce(desk.clock(), ("slack",))
        conversation = desk.open(as_="stu-001", language="en")

        desk.say(conversation, "I want my money back")
        desk.settle()

        [card] = workspace.shown(practice.SLACK_LANES["approvals"])
        assert desk.request(conversation).question in card.words()
        assert practice.SLACK_TEAM.keys() == slack.PEOPLE.keys()


def test_what_stands_beside_simulated_vendors_needs_them() -> None:
    came = CliRunner().invoke(cast(Any, app), ["demo", "--beside", "slack"])

    assert came.exit_code != 0
    assert "add --simulated" in f"{came.output}{came.exception}"
