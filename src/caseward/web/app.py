"""The web as a whole: console, chat, API and probes behind one door."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext

from fastapi import FastAPI
from starlette.concurrency import run_in_threadpool
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from caseward import __version__
from caseward.settings import Settings
from caseward.web import (
    api,
    api_figures,
    api_releases,
    chat,
    chat_api,
    chat_mail,
    console,
    docs,
    effects,
    foresight,
    hooks,
    ops,
    problems,
    widget,
)
from caseward.web.door import Door
from caseward.web.live import Live
from caseward.web.measure import Measure

Running = Callable[[], AbstractContextManager[object]]
"""Makes what is entered when the server starts and left when it stops, such as the desk with its engine."""
ROUTERS = (
    hooks.router,
    chat_api.router,
    ops.router,
    chat.router,
    chat_mail.router,
    widget.router,
    api.router,
    api_releases.router,
    api_figures.router,
    docs.router,
)
"""Asked in this order whether an address is theirs, so those come first of which most is asked; then the console."""


def build(settings: Settings, *, running: Running = nullcontext) -> FastAPI:
    """Return the web application of one process."""
    app = FastAPI(
        title="Caseward",
        version=__version__,
        summary="A support desk where agents and people answer together, with the rules enforced in code.",
        docs_url=None,
        redoc_url=None,
        lifespan=lambda app: _lifespan(app, running),
    )
    app.state.settings = settings

    for router in ROUTERS:
        app.router.routes.extend(router.routes)  # as they are: to include them would make each a second time
    console.install(app)
    problems.install(app)
    app.add_middleware(Door, hosts=settings.hosts, answer=app.exception_handlers[Exception])
    app.add_middleware(Measure)  # a middleware is around those added before it
    if settings.trusted_proxies:
        app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(settings.trusted_proxies))
    docs.describe(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI, running: Running) -> AsyncIterator[None]:
    live: Live = app.state.live
    desk = running()
    await run_in_threadpool(desk.__enter__)
    live.open()
    ahead = foresight.at_work()
    ahead.__enter__()
    try:
        yield
    finally:
        await run_in_threadpool(ahead.__exit__, None, None, None)
        await run_in_threadpool(effects.finish)
        await live.stop()
        await run_in_threadpool(desk.__exit__, None, None, None)
