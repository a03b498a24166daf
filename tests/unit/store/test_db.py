"""The pool of connections."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine

from caseward.store import db


@pytest.fixture
def unconnected() -> Iterator[None]:
    db.disconnect()
    yield
    db.disconnect()


@pytest.mark.usefixtures("unconnected")
def test_while_a_new_pool_is_opened_others_find_the_old_one(monkeypatch: pytest.MonkeyPatch) -> None:
    found_meanwhile: list[Engine] = []
    create = db.create_engine

    def watched(*args: Any, **kwargs: Any) -> Engine:
        found_meanwhile.append(db.engine())
        return create(*args, **kwargs)

    first = db.connect("postgresql://nobody@127.0.0.1:9/first")
    monkeypatch.setattr(db, "create_engine", watched)
    second = db.connect("postgresql://nobody@127.0.0.1:9/second")

    assert found_meanwhile == [first]
    assert db.engine() is second
