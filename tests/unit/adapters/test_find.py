"""Plugs are found by the names of their files, and only those that the settings allow."""

from __future__ import annotations

import pytest

from caseward.adapters import find
from caseward.core.errors import BadInput
from caseward.core.messages import Reply
from caseward.core.pack import Pack
from caseward.settings import Settings
from tests.memory_book import MemoryBook


def test_what_came_along_is_listed_by_file_name() -> None:
    assert "webchat" in find.names("channels")
    assert find.names("skills") == ["records"]
    assert find.names("brains") == ["local"]


def test_a_channel_without_its_secrets_stays_off() -> None:
    assert set(find.channels(Settings())) == {"webchat"}


def test_only_what_is_allowed_is_plugged_in(school: Pack) -> None:
    assert set(find.channels(Settings(channels=("webchat",)))) == {"webchat"}
    assert find.channels(Settings(channels=())) == {}
    assert find.skills((), MemoryBook(), school) == {}


@pytest.mark.parametrize("name", ["telegraph", "_hidden", "../find"])
def test_a_plug_that_does_not_exist_is_named_with_those_that_do(name: str) -> None:
    with pytest.raises(BadInput, match=r"CASEWARD_CHANNELS names .* which does not exist; there is .*webchat"):
        find.require(channels=(name,))


def test_without_a_brain_nothing_starts(school: Pack) -> None:
    with pytest.raises(BadInput, match="CASEWARD_BRAINS is empty"):
        find.brain((), school)


def test_a_system_allowed_twice_has_its_skills_twice(school: Pack) -> None:
    with pytest.raises(BadInput, match="two of them have a skill"):
        find.skills(("records", "records"), MemoryBook(), school)


def test_the_web_chat_needs_no_call_to_deliver() -> None:
    channel = find.channels(Settings())["webchat"]
    payload = channel.render(Reply(text="Halo"))

    assert (channel.name, channel.pull) == ("webchat", True)
    assert channel.deliver("chat_1", payload, key="reply:1") == channel.lookup("chat_1", key="reply:1") == "reply:1"
