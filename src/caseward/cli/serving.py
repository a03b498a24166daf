"""Run a desk: a demo to try, or the real thing."""

from __future__ import annotations

import contextlib
import http.client
import signal
import socket
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from enum import StrEnum
from types import FrameType
from typing import TYPE_CHECKING, Annotated

import typer

from caseward.core.errors import BadInput

if TYPE_CHECKING:
    from caseward.core.pack import Pack
    from caseward.settings import Settings

FACTORY = "caseward.app:application"
READY_SECONDS = 120
ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
MOST_FILES = 5
"""Files of a changed folder that are named at the start."""
TOUR = "tour"
"""Kind of sample record that says what to try: `as` whom, what to `say`, what to `see`."""


class Beside(StrEnum):
    """A vendor that a demo can have simulated beside those that it has anyway."""

    SLACK = "slack"
    DISCORD = "discord"


Port = Annotated[int | None, typer.Option(min=1, max=65535, help="The port to listen on.  [default: 8400]")]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("demo")(demo)
    app.command("serve")(serve)


def demo(
    pack: Annotated[
        str | None,
        typer.Option(metavar="DIR", help="The business to try: a pack's folder, or the name of one that came along."),
    ] = None,
    port: Port = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Forget what earlier demos of this business did.")] = False,
    empty: Annotated[bool, typer.Option("--empty", help="Begin without the sample week: nobody has written.")] = False,
    simulated: Annotated[
        bool, typer.Option("--simulated", help="Use the WhatsApp, Telegram and e-mail of `caseward simulate`.")
    ] = False,
    beside: Annotated[
        list[Beside] | None,
        typer.Option("--beside", help="With --simulated: Slack as another lane of the team, Discord for customers."),
    ] = None,
) -> None:
    """Run a business with sample records, web chat and console; Ctrl-C ends it and leaves nothing behind."""
    from caseward.settings import Settings

    beside = list(dict.fromkeys(beside or ()))
    if beside and not simulated:
        raise BadInput(f"--beside {beside[0]} is of the simulated vendors; add --simulated")
    settings = Settings.load(pack=pack, port=port, demo=True, workers=1, **(_vendors(beside) if simulated else {}))
    _require_port(settings)
    _say("starting the desk ...")
    from caseward.store import place

    if fresh:
        place.forget_demo(settings)
    with _until_told_to_stop(), ExitStack() as stack:
        business, links = _laid_out(settings, stack, week=not empty)
        if simulated:
            _introduce(beside)
        told = "\n".join((*_guide(settings.base_url, business, links), *(_play(beside) if simulated else ())))
        threading.Thread(target=_announce, args=(settings, told), daemon=True).start()
        _serve(settings)
    _say("the desk is closed.")


def _laid_out(settings: Settings, stack: ExitStack, *, week: bool) -> tuple[Pack, Mapping[str, str]]:
    """Lay the demo out; one that was interrupted on the way is forgotten and begun anew."""
    from caseward import app
    from caseward.store import place

    for again in (False, True):
        with ExitStack() as opened:
            learned = app.learn_beside(settings)
            url = place.connect(settings, opened, demo=True)
            _say("database is up; laying out the sample records ...")
            try:
                found = app.prepare_demo(url, settings, learned, week=week)
                stack.push(opened.pop_all())
                return found
            except app.Interrupted:
                if again or settings.database_url is not None:
                    raise
        place.forget_demo(settings)
    raise AssertionError("the loop returns or raises")


def _vendors(beside: Sequence[str]) -> Mapping[str, str]:
    from caseward.cli import practice

    return practice.settings(beside)


def _introduce(beside: Sequence[str]) -> None:
    from caseward.cli import practice

    practice.introduce(datetime.now(UTC), beside)


def serve(
    pack: Annotated[str | None, typer.Option(metavar="DIR", help="The business to serve.")] = None,
    host: Annotated[str | None, typer.Option(help="The address to listen on.  [default: 127.0.0.1]")] = None,
    port: Port = None,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes that answer and work.  [default: 2]")
    ] = None,
) -> None:
    """Serve the desk; see docs/settings.md for what the environment may say."""
    from caseward.settings import Settings

    settings = Settings.load(pack=pack, host=host, port=port, workers=workers)
    _require_port(settings)
    from caseward.web import serve as web

    with _until_told_to_stop(), web.ready(settings), ExitStack() as stack:
        from caseward import app

        found = app.prepare_to_serve(settings, stack)
        profile = found.pack.profile
        _say(f"serving {profile.name} {profile.release} at {settings.base_url}")
        if found.unpublished:
            _say(f"{settings.pack} has changes that are not served: {', '.join(found.unpublished[:MOST_FILES])}")
            _say(f"propose them with `caseward release propose {settings.pack} --reason ...`")
        if not found.people:
            _say("nobody can sign in yet; add somebody with `caseward person new`")
        _serve(settings)


def _serve(settings: Settings) -> None:
    from caseward import app
    from caseward.web import serve as web

    web.serve(settings, FACTORY, app.work)


@contextlib.contextmanager
def _until_told_to_stop() -> Iterator[None]:
    """Make the signals that end a program end this block in good order, wherever it is; once is enough."""

    def end(_number: int, _frame: FrameType | None) -> None:
        for number in ENDING:
            signal.signal(number, signal.SIG_IGN)
        raise _Ended

    before = {number: signal.signal(number, end) for number in ENDING}
    try:
        yield
    except _Ended:
        pass
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Ended(BaseException):
    """Somebody told the program to stop."""


def _require_port(settings: Settings) -> None:
    """Raise BadInput when something else listens on the port already, before anything is started for nothing."""
    try:
        family, kind, proto, _name, address = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM)[
            0
        ]
        with socket.socket(family, kind, proto) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError as error:
        raise BadInput(
            f"{settings.host}:{settings.port} cannot be listened on ({error.strerror}); name another --port or --host"
        ) from None


def _announce(settings: Settings, guide: str) -> None:
    """Print the guide once the desk answers."""
    started = time.monotonic()
    while not _ready(settings):
        if time.monotonic() - started > READY_SECONDS:
            _say(f"still not ready after {READY_SECONDS} s; see {settings.base_url}/readyz")
            return
        time.sleep(0.1)
    print(guide, flush=True)


def _play(beside: Sequence[str]) -> Iterator[str]:
    """Yield the lines that tell how the vendors' other side is played."""
    yield "WhatsApp, Telegram and e-mail are simulated: play them with `caseward simulate` in another terminal."
    yield from (f"So is {name.capitalize()}: `caseward simulate {name}`." for name in beside)
    yield ""


def _guide(base: str, pack: Pack, links: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines that tell where everything is and what to try."""
    yield from ("", f"{pack.profile.title} is open: {base}", "", "Sign in (valid while this demo runs)")
    yield from (f"  {role:<9} {base}/sign-in/{token}" for role, token in links.items())
    tour = pack.records.get(TOUR, ())
    names = {str(each["id"]): str(each.get("name", "")) for each in pack.records.get("person", ())}
    yield from ("", "Write as a contact")
    for known in dict.fromkeys(str(each["as"]) for each in tour if "as" in each):
        yield f"  {known:<9} {base}/chat?as={known}  ({names.get(known, known)})"
    yield from (f"  {'unknown':<9} {base}/chat", "", f"{len(tour)} things to try")
    for number, each in enumerate(tour, 1):
        yield f"  {number}. as {each.get('as', 'unknown')}: {each['say']}"
        yield f"       {each['see']}"
    yield from ("", "Started again within half an hour it goes on where it was; --fresh begins anew.")
    yield from ("Ctrl-C ends the demo.", "")


def _ready(settings: Settings) -> bool:
    host = "127.0.0.1" if settings.host in ("0.0.0.0", "::", "localhost") else settings.host  # noqa: S104
    connection = http.client.HTTPConnection(host, settings.port, timeout=5)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def _say(text: str) -> None:
    print(f"caseward: {text}", file=sys.stderr, flush=True)
