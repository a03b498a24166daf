"""The console: every page found in web/pages, the assets, and what surrounds them."""

from __future__ import annotations

from collections.abc import Iterator

from fastapi import FastAPI
from fastapi.routing import APIRoute

from caseward.web import assets, failures, menu
from caseward.web.live import Live
from caseward.web.security import Security


def routes() -> Iterator[APIRoute]:
    """Yield the routes of the assets and of all pages; programs are not told of them."""
    modules = [module for module in menu.modules() if hasattr(module, "router")]
    for router in (assets.router, *(module.router for module in modules)):
        for route in router.routes:
            route.include_in_schema = False
            yield route


def install(app: FastAPI) -> None:
    """Put the console into `app`: pages, assets, errors in words, and the headers every answer carries."""
    app.state.live = Live()
    app.router.routes.extend(routes())
    failures.install(app)
    app.add_middleware(Security)
