"""Runs the web: one process, or several side by side that share a socket, each with its own desk and engine."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib import import_module

import uvicorn
from pydantic import SecretStr

from caseward.settings import FILE, Settings, variable
from caseward.web.crew import Crew, give_back, share_a_heap

BACKLOG = 1024
KEEP_ALIVE_SECONDS = 15
GRACE_SECONDS = 10
"""How long a stopping process lets open answers finish."""
UVICORN_LEVEL = "warning"
"""The desk logs its own; what uvicorn has to say is worth reading only when something is wrong."""
SHARED = "PROMETHEUS_MULTIPROC_DIR"
"""Where several processes keep their figures; read once, when prometheus_client is imported."""
SWITCH_SECONDS = 0.0005
"""How long a thread keeps the interpreter while others want it: Python's 5 ms add up for one that often waits."""
NEEDED_AT_WORK = ("uvloop", "anyio._backends._asyncio")
"""What a process imports when it begins to serve: once, for all that are forked."""
ONE_THREAD = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""What numpy calculates with, read once, when it is imported."""


@contextlib.contextmanager
def ready(settings: Settings) -> Iterator[None]:
    """Make this process fit to serve; to be entered before the rest of the desk is imported.

    The workers add up their figures in a folder of their own. Numpy stays in one thread: its others would take the
    cores from the workers, and a process with threads cannot be forked.
    """
    for name in ONE_THREAD:
        os.environ.setdefault(name, "1")
    share_a_heap()
    sys.setswitchinterval(SWITCH_SECONDS)
    if settings.workers == 1:
        yield
        return
    with tempfile.TemporaryDirectory(prefix="caseward-figures-") as figures:
        os.environ[SHARED] = figures
        yield


def workers(settings: Settings) -> int:
    """Return how many of the processes work behind those that answer: all but one in four, and one at least answers."""
    return settings.workers - max(1, settings.workers // 4)


def serve(settings: Settings, factory: str, work: Callable[[int], None] | None = None) -> None:
    """Serve until told to stop, inside of `ready`.

    Args:
        settings: what to serve; handed to the application by the environment.
        factory: import path of a function that returns the application, such as `package.module:function`. It is called
            once; the application's own start and stop are run in each process that answers.
        work: what those of several processes run that work behind the ones that answer, given their places from 0; it
            ends with SystemExit, which SIGTERM raises. Without it all processes answer.

    SIGTERM and SIGINT stop it: no new requests, open ones finish, streams end, then the desk stops. Several processes
    are forked from this one, which must have no thread and no connection by then; they share what it has read.
    """
    os.environ.update(environment(settings))
    for name in settings.model_fields_set:
        os.environ.pop(variable(name) + FILE, None)
    config = configure(settings, factory)
    config.load()
    for name in NEEDED_AT_WORK:
        with contextlib.suppress(ImportError):
            import_module(name)
    give_back()
    if settings.workers == 1:
        uvicorn.Server(config).run()
        return
    with config.bind_socket() as shared:
        works: list[Callable[[], None]] = [partial(work, place) for place in range(workers(settings))] if work else []
        answers = [lambda: uvicorn.Server(config).run([shared])] * (settings.workers - len(works))
        code = Crew([*answers, *works]).run()
    if code:
        sys.exit(code)


def configure(settings: Settings, app: object) -> uvicorn.Config:
    """Return how uvicorn serves `app`: an application, or the import path of a factory of one."""
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        factory=isinstance(app, str),
        host=settings.host,
        port=settings.port,
        backlog=BACKLOG,
        log_config=None,  # its warnings go where ours go
        log_level=UVICORN_LEVEL,
        access_log=False,
        server_header=False,
        proxy_headers=False,  # app.py believes the proxies that the settings name, and no others
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
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
