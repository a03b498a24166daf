"""Files that contacts send: fetched apart from the answer, within bounds, and what cannot be had is said to be so."""

from __future__ import annotations

from typing import Any

import pytest

from caseward.core.ports import Fetched
from caseward.flows import arrivals
from caseward.store import db, files
from caseward.store.files import File
from tests import channels_house as house
from tests.conftest import Desk

PNG = b"\x89PNG\r\n\x1a\n and so on"


@pytest.fixture
def plug(desk: Desk) -> house.House:
    plug = house.plug_in(files_mb=1, files=("image", "document"))
    plug.files["f1"] = Fetched(content=PNG, mime="image/png")
    plug.files["big"] = Fetched(content=b"x" * 1_000_001, mime="image/png")
    return plug


def sent(*attachments: dict[str, Any], id: str = "m1") -> None:
    told = house.message(id, "62811", "Studio buka jam berapa ya?", kind="media", attachments=attachments)
    arrivals.take(house.NAME, house.body(told))


def found(id: str = "m1") -> list[File]:
    with db.transaction():
        [row] = db.run("select id from messages where provider_id = %(id)s", {"id": id})
        return files.of_messages([row.id])


def test_a_picture_is_fetched_and_kept_and_the_answer_does_not_wait_for_it(desk: Desk, plug: house.House) -> None:
    sent({"ref": "f1", "kind": "image", "name": "a.png"})
    desk.settle()

    [file] = found()
    assert (file.state, file.mime, file.size, file.name) == (files.KEPT, "image/png", len(PNG), "a.png")
    with db.transaction():
        assert files.content(file.id) == PNG
    assert "09.00" in plug.texts[0]


def test_what_the_policy_does_not_want_is_named_only(desk: Desk, plug: house.House) -> None:
    sent(
        {"ref": "v1", "kind": "video"},
        {"ref": "f2", "kind": "document", "size": 9_000_000},
        {"ref": "", "kind": "location", "name": "here"},
    )
    desk.settle()

    assert [(file.n, file.state, file.why) for file in found()] == [
        (0, files.REFUSED, "files of the kind video are not fetched here"),
        (1, files.REFUSED, "larger than 1 MB"),
    ]


def test_what_turns_out_too_large_or_gone_is_given_up(desk: Desk, plug: house.House) -> None:
    sent({"ref": "big", "kind": "image"}, {"ref": "nowhere", "kind": "image"})
    desk.settle()

    assert [file.state for file in found()] == [files.REFUSED, files.GONE]
    assert [file.attempts for file in found()] == [1, 1]


def test_a_file_whose_vendor_is_away_is_asked_for_again_and_at_last_given_up(desk: Desk, plug: house.House) -> None:
    sent({"ref": "down", "kind": "image"}, id="m1")
    sent({"ref": "late", "kind": "image"}, id="m2")
    desk.settle()
    first = found("m1")[0]
    for _ in range(6):
        desk.clock.advance(hours=5)
        desk.settle()

    [last] = found("m1")
    assert (first.state, first.attempts) == (files.WANTED, 1)
    assert (last.state, last.attempts) == (files.GONE, 6)
    assert "no file today" in last.why
