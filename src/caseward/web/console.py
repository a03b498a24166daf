"""The console: every page found in web/pages, the assets, and what surrounds them."""

from __future__ import annotations

from fastapi import APIRouter, FastAPI

from caseward.web import assets, failures, menu
from caseward.web.live import Live
from caseward.web.security import Security


def router() -> APIRouter:
    """Return the routes of all pages and of the assets."""
    made = APIRouter(include_in_schema=False)
    made.include_router(assets.router)
    for module in menu.modules():
        if hasattr(module, "router"):
            made.include_router(module.router)
    return made


def install(app: FastAPI) -> None:
    """Put the console into `app`: pages, assets, errors in words, and the headers every answer carries."""
    app.state.live = Live()
    app.include_router(router())
    failures.install(app)
    app.add_middleware(Security)
