"""An application for test_serve.py: the web over the database that the environment names, telling who answers."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from fastapi import FastAPI

from caseward.desk import tools
from caseward.packs.load import load
from caseward.settings import Settings
from caseward.store import db
from caseward.web.app import build

SCHOOL = Path(__file__).parents[3] / "packs" / "vocal-coaching"


def application() -> FastAPI:
    """Return the application of one process; called by its import path."""
    settings = Settings.load()
    app = build(settings, running=lambda: desk(settings))
    app.add_api_route("/pid", os.getpid)
    return app


def stillborn() -> FastAPI:
    """Return an application that cannot start; called by its import path."""
    return build(Settings.load(), running=_impossible)


@contextlib.contextmanager
def _impossible() -> Iterator[None]:
    raise RuntimeError("no desk today")
    yield


@contextlib.contextmanager
def desk(settings: Settings) -> Iterator[None]:
    """Connect and hand out tools, without an engine."""
    assert settings.database_url is not None
    db.connect(settings.database_url.get_secret_value())
    tools.use(tools.Tools(pack=load(SCHOOL), brain=tools.NoBrain(), channels={}, skills={}, begin=lambda *_begun: None))
    yield
    db.disconnect()
