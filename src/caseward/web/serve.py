"""Runs the web: one process, or several side by side that share a socket, each with its own desk and engine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack

import uvicorn
from pydantic import SecretStr
from uvicorn.supervisors import Multiprocess

from caseward.settings import FILE, Settings, variable
from caseward.web.measure import SHARED

BACKLOG = 1024
KEEP_ALIVE_SECONDS = 15
GRACE_SECONDS = 10
"""How long a stopping process lets open answers finish."""
HEALTH_SECONDS = 30
"""A worker that does not answer its supervisor for this long is replaced; a start loads the brain and may be slow."""
UVICORN_LEVEL = "warning"
"""The desk logs its own; what uvicorn has to say is worth reading only when something is wrong."""


def serve(settings: Settings, factory: str) -> None:
    """Serve until told to stop.

    Args:
        settings: what to serve; handed to the processes by their environment.
        factory: import path of a function that returns the application, such as `package.module:function`. Each process
            calls it once, after which the application's own start and stop are run.

    SIGTERM and SIGINT stop it: no new requests, open ones finish, streams end, then the desk stops.
    """
    with ExitStack() as cleared:
        os.environ.update(environment(settings))
        for name in settings.model_fields_set:
            os.environ.pop(variable(name) + FILE, None)
        if settings.workers > 1:
            figures = cleared.enter_context(tempfile.TemporaryDirectory(prefix="caseward-figures-"))
            os.environ[SHARED] = figures
        config = configure(settings, factory)
        if settings.workers == 1:
            uvicorn.Server(config).run()
            return
        Multiprocess(config, sockets=[config.bind_socket()]).run()


def configure(settings: Settings, app: object) -> uvicorn.Config:
    """Return how uvicorn serves `app`: an application, or the import path of a factory of one."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        factory=isinstance(app, str),
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        backlog=BACKLOG,
        log_config=None,  # its warnings go where ours go
        log_level=UVICORN_LEVEL,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # app.py believes the proxies that the settings name, and no others
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        timeout_worker_healthcheck=HEALTH_SECONDS,
        lifespan="on",
        ws="none",
    )


def environment(settings: Settings) -> Mapping[str, str]:
    """Return the variables that make `Settings.load` read these settings again."""
    given = {}
    for name in settings.model_fields_set:
        value = getattr(settings, name)
        if isinstance(value, SecretStr):
            given[variable(name)] = value.get_secret_value()
        elif isinstance(value, bool):
            given[variable(name)] = str(value).lower()
        elif isinstance(value, tuple):
            given[variable(name)] = ",".join(value)
        elif value is not None and value != "":
            given[variable(name)] = str(value)
    return given
