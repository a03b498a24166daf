"""The wiring: settings + pack + plugs → a desk at work. Only this file sees everything."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from importlib import import_module
from pkgutil import iter_modules

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from structlog.typing import EventDict, Processor

from caseward import durable, flows, rehearsal
from caseward.adapters import find, redaction
from caseward.core.case import Contact
from caseward.core.errors import BadInput, CasewardError, Conflict, PackError
from caseward.core.ids import ContactId
from caseward.core.pack import Pack
from caseward.core.ports import Brain
from caseward.core.release import Changed, business
from caseward.core.roles import Role
from caseward.desk import current, library, tools
from caseward.desk.tools import Tools
from caseward.flows import arrivals, clockwork, listeners
from caseward.flows.bells import Bell, Bells
from caseward.flows.changeover import Changeover
from caseward.packs import samples as sample_files
from caseward.packs import shelf, wording
from caseward.packs.load import load
from caseward.settings import Settings
from caseward.store import contacts, db, factors, log, migrate, people, place, releases, samples, seals
from caseward.store.people import Person
from caseward.store.records import StoredRecords
from caseward.web import app as web
from caseward.web.crew import CANNOT_START, aside, beside
from caseward.web.serve import workers

Clock = Callable[[], datetime]

ROUND = timedelta(minutes=30)
"""A demo that is started again within this goes on with its records as they were left."""
BEHIND = 10
"""How nice a process that works is to those that answer: whoever waits for an answer gets the processor first."""
SEAL_SECONDS = 60.0
"""How often it is looked whether the log's head is to be signed."""
LINKS_LAST = timedelta(days=30)
"""Upper bound of "while this demo runs": the next start makes new ones."""

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class App:
    """A desk at work in this process."""

    settings: Settings
    pack: Pack
    executor_id: str
    url: str
    """Of the database."""
    closing: contextlib.ExitStack

    def stop(self) -> None:
        """Stop taking work, finish what runs, and leave no process behind."""
        self.closing.close()


def start(
    settings: Settings,
    *,
    demo: bool | None = None,
    clock: Clock | None = None,
    prepared: bool = False,
    bells: Bells | None = None,
    bell: Bell | None = None,
) -> App:
    """Start a desk: database, tables, release, plugs, durable engine, dispatcher and sweeper.

    Args:
        settings: where things are and which plugs are allowed.
        demo: whether sample records are laid out; as the settings say when None.
        clock: what time it is, for tests.
        prepared: True after `prepare_to_serve` or `prepare_demo`, in this process or in the one it was forked from.
        bells: of the processes that work, for one that only answers.
        bell: for one that only works; without either, this one does both.

    Raises:
        CasewardError: there is no release yet and the pack cannot be read or fails its check, the database cannot be
            used, a plug does not exist.
    """
    now = clock or (lambda: datetime.now(UTC))
    demo = settings.demo if demo is None else demo
    if place.is_new(settings, demo=demo):
        load(settings.pack)  # a pack that cannot be read starts nothing
    with contextlib.ExitStack() as stack:
        url = place.connect(settings, stack, demo=demo)
        given = _shared(now) if prepared else None
        if given is None:
            pack = in_force(settings, demo=demo) if prepared else prepare(url, settings, now(), demo=demo)
            given = make_tools(settings, pack, now)
        executor_id = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
        stack.callback(tools.use, None)
        tools.use(given)
        load_stories()
        stack.callback(durable.shut_down)
        durable.launch(db.driver_url(url), db.engine(), db.joining, executor_id=executor_id, run=bells is None)
        stack.callback(clockwork.stop)
        if bells is not None:
            here = clockwork.stand_by(executor_id)
            tools.use(replace(given, wake=partial(bells.wake, here=here), carry=bells.carry))
        else:
            started = clockwork.start(executor_id, tell=bell.crowd) if bell else clockwork.start(executor_id)
            tools.use(replace(given, wake=started.wake, carry=started.carry))
            if bell is not None:
                stack.enter_context(bell.heeded(wake=started.wake, carry=started.carry))
            stack.callback(listeners.stop)
            listeners.start(executor_id, arrivals.take)
            stack.enter_context(_sealing(place.seal_key(settings), now))
        changeover = Changeover(place.shelf(settings, demo=demo), lambda pack: make_tools(settings, pack, now))
        stack.callback(changeover.stop)
        changeover.start()
        return App(settings=settings, pack=given.pack, executor_id=executor_id, url=url, closing=stack.pop_all())


_ready: Tools | None = None
"""What was read and learned before the processes that serve were forked, so that it exists once for all of them."""
_bells: Bells | None = None
"""Between them, where some answer and others work."""


def _share(settings: Settings, pack: Pack, brain: Brain) -> None:
    """Make the tools that the processes to come will share."""
    global _ready
    _ready = make_tools(settings, pack, lambda: datetime.now(UTC), brain=brain)
    load_stories()
    durable.load()
    wording.read_languages(pack)


def _shared(now: Clock) -> Tools | None:
    """Return the tools that were made before the fork; None when there are none, or another release came since."""
    if _ready is None:
        return None
    with db.transaction():
        release, _decision = releases.pointer()
        if release != _ready.pack.profile.release:
            return None
        return replace(_ready, pack=current.in_phase(_ready.pack), clock=now)


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """What the processes that will serve find."""

    pack: Pack
    people: int
    """Who may sign in."""
    unpublished: tuple[str, ...]
    """Files of the pack's folder that differ from what is served."""


def application() -> object:
    """Return the web application of one process, whose start and stop are the desk's. What web/serve.py calls."""
    settings = Settings.load()
    configure_logging(settings)
    return web.build(settings, running=lambda: _at_work(settings, bells=_bells))


@contextlib.contextmanager
def _at_work(settings: Settings, *, bells: Bells | None = None, bell: Bell | None = None) -> Iterator[App]:
    app = start(settings, prepared=True, bells=bells, bell=bell)
    try:
        yield app
    finally:
        app.stop()


def work(place: int) -> None:
    """Be one of the processes that work, until this one is told to end. What web/serve.py calls."""
    os.nice(BEHIND)
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(_at_work(Settings.load(), bell=_bells.each[place] if _bells else None))
        except Exception:
            _log.exception("a process that works could not start")
            sys.exit(CANNOT_START)
        while True:
            signal.pause()


def configure_logging(settings: Settings) -> None:
    """Have the program's own log written to standard error: a JSON object a line, personal data masked.

    What the libraries log goes the same way, from warnings on.
    """
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    last: list[Processor] = [_mask, structlog.processors.JSONRenderer(ensure_ascii=False)]
    structlog.configure(
        processors=[*before, *last],
        wrapper_class=structlog.make_filtering_bound_logger(settings.log_level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    handler = logging.StreamHandler(sys.stderr)
    drop = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=before, processors=[drop, *last]))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)


def _mask(_logger: object, _method: str, event: EventDict) -> EventDict:
    return {key: redaction.redact(value) if isinstance(value, str) else value for key, value in event.items()}


@contextlib.contextmanager
def _sealing(signer: Ed25519PrivateKey, now: Clock) -> Iterator[None]:
    """Sign the action log's head once a day, from a thread of its own; an outage is outlived."""
    over = threading.Event()

    def run() -> None:
        while not over.wait(SEAL_SECONDS):
            try:
                with db.transaction():
                    seals.seal(signer, now=now())
            except Exception as error:
                _log.warning("the log's head was not signed; will try again", error=str(error)[:200])

    thread = threading.Thread(target=run, name="sealer", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(timeout=5)


def prepare_to_serve(settings: Settings, stack: contextlib.ExitStack) -> Prepared:
    """Make the database ready for the processes that will serve, and return what they will find.

    An embedded database runs until `stack` is closed.
    """
    global _bells
    configure_logging(settings)
    find.require(channels=settings.channels or (), skills=settings.skills, brains=settings.brains)
    if place.is_new(settings, demo=settings.demo):
        aside(lambda: load(settings.pack).digest)
    if settings.workers > 1:
        _bells = Bells(workers(settings))
    url = place.connect(settings, stack, demo=settings.demo)
    found, brain = aside(lambda: _prepared(url, settings))
    _share(settings, found.pack, brain)
    db.disconnect()  # who serves connects for itself
    return found


def _prepared(url: str, settings: Settings) -> tuple[Prepared, Brain]:
    pack = prepare(url, settings, datetime.now(UTC), demo=settings.demo)
    with db.transaction():
        found = Prepared(
            pack=pack,
            people=sum(not each.disabled for each in people.every()),
            unpublished=tuple(each.path for each in _unpublished(settings, pack)),
        )
    return found, find.brain(settings.brains, pack)


class Interrupted(CasewardError):
    """A demo was stopped while its sample week was lived through: the database is of no use, and nobody needs it."""


def learn_beside(settings: Settings) -> Callable[[], tuple[str, Brain]]:
    """Begin to learn how people put things in a process of its own, while a demo's database is made ready; return what
    waits for the brain, and the digest of the pack it learned from."""

    def learn() -> tuple[str, Brain]:
        pack = load(settings.pack)
        return pack.digest, find.brain(settings.brains, pack)

    return beside(learn)


def prepare_demo(
    url: str, settings: Settings, learned: Callable[[], tuple[str, Brain]], *, week: bool = False
) -> tuple[Pack, Mapping[str, str]]:
    """Lay a demo out in a connected database; return its pack, and role → token of a fresh sign-in link.

    Where nobody has written yet, the pack's sample `week` is lived through. Raises Interrupted where that was begun
    before and has not come to its end.
    """
    configure_logging(settings)
    now = datetime.now(UTC)
    pack, lives = aside(lambda: _demo_laid_out(url, settings, now, week=week))
    digest, brain = learned()
    if digest != pack.digest:
        brain = aside(lambda: find.brain(settings.brains, pack))
    links = aside(lambda: _demo_prepared(settings, pack, brain, now, lives=lives))
    _share(settings, pack, brain)
    return pack, links


def _demo_laid_out(url: str, settings: Settings, now: datetime, *, week: bool) -> tuple[Pack, bool]:
    """Return the demo's pack, and whether its sample week is to be lived through."""
    migrate.upgrade(url)
    with db.transaction():
        lives = week and samples.week() is None and not samples.talked()
    return prepare(url, settings, now - rehearsal.SPAN if lives else now, demo=True), lives


def _demo_prepared(settings: Settings, pack: Pack, brain: Brain, now: datetime, *, lives: bool) -> Mapping[str, str]:
    if lives:
        for each in live_through_a_week(settings, pack, brain, until=now):
            _log.warning("the sample week went otherwise than its script", what=each)
    with db.transaction():
        if samples.week() is False:
            raise Interrupted("the sample week was interrupted; start with --fresh")
        samples.end_sign_in_links()
        return {role: people.link(f"sample_{role}", expires_at=now + LINKS_LAST) for role in Role}


def live_through_a_week(settings: Settings, pack: Pack, brain: Brain, *, until: datetime) -> Sequence[str]:
    """Live through the pack's sample week, if it has one, each day of it with the sample records as they begin; return
    what went otherwise than its script."""
    zone = pack.hours.zone
    script = rehearsal.scenes(sample_files.resolve(pack, until).get(rehearsal.WEEK, ()))

    def each_day(at: datetime) -> None:
        same = at.astimezone(zone).date() == until.astimezone(zone).date()
        with db.transaction():
            _lay_out(pack, until if same else at)

    load_stories()
    _log.info("living through the sample week", conversations=len(script))
    with db.transaction():
        samples.mark_week(done=False)
    missed = rehearsal.live(make_tools(settings, pack, lambda: until, brain=brain), script, until=until,
                            each_day=each_day)  # fmt: skip
    with db.transaction():
        _lay_out(pack, until)
        samples.mark_week(done=True)
    return missed


def prepare(url: str, settings: Settings, now: datetime, *, demo: bool) -> Pack:
    """Bring the database up to date, publish the folder's pack where that is due, and lay a demo's samples out.

    Returns the pack that is in force.
    """
    migrate.upgrade(url)
    place.seal_key(settings)  # made before several processes ask for it
    with db.transaction():
        log.start()
        factors.keep_sealed()
        if demo and samples.in_use() and samples.laid_out_at() is None:
            raise BadInput(
                "this database holds a real desk, which a demo would fill with samples; "
                "leave CASEWARD_DATABASE_URL and CASEWARD_DEMO out"
            )
    _publish(settings, now, demo=demo)
    pack = in_force(settings, demo=demo)
    if demo:
        with db.transaction():
            lay_out(pack, now)
    return pack


def in_force(settings: Settings, *, demo: bool) -> Pack:
    """Return the pack of the current release, in the phase that was decided."""
    pack = current.in_force(place.shelf(settings, demo=demo))
    if pack is None:
        raise CasewardError("nothing has been published in this database; start `caseward serve` once")
    return pack


def lay_out(pack: Pack, now: datetime) -> None:
    """Put in the sample records, contacts and people, unless they were laid out a moment ago."""
    before = samples.laid_out_at()
    if before is None or now - before >= ROUND:
        _lay_out(pack, now)


def _lay_out(pack: Pack, now: datetime) -> None:
    documents = sample_files.resolve(pack, now)
    samples.lay_out(documents, claims=find.claims(documents), now=now)
    for person in documents.get("person", ()):
        known = {name: str(person.get(name, "")) for name in ("name", "email", "phone", "locale")}
        contacts.keep(Contact(id=ContactId(str(person["id"])), **known), sample=True, now=now)
    for role in Role:
        name = role.replace("_", " ").capitalize()
        people.add(Person(id=f"sample_{role}", name=name, role=role, sample=True), now=now)


def make_tools(settings: Settings, pack: Pack, now: Clock, *, brain: Brain | None = None) -> Tools:
    """Return the tools the rooms reach for: the pack, the allowed plugs, the clock; a `brain` learns unless given."""
    return Tools(
        pack=pack,
        brain=brain or find.brain(settings.brains, pack),
        channels=find.channels(settings),
        skills=find.skills(settings.skills, StoredRecords(), pack),
        begin=lambda story, subject, id: durable.enqueue(db.current().connection, story, subject, id=id),
        clock=now,
        built_in=frozenset(find.skill_names(settings.skills)),
        along=tuple(find.names("channels")),
        debounce_ms=settings.debounce_ms,
        console=settings.base_url,
        sign_on=find.sign_on(settings),
        learn=lambda other: find.brain(settings.brains, other),
    )


def load_stories() -> None:
    """Import every story, so that the durable engine knows what was begun by name, here or in another process."""
    for module in iter_modules(flows.__path__):
        import_module(f"caseward.flows.{module.name}")


def _publish(settings: Settings, now: datetime, *, demo: bool) -> None:
    """Publish the folder as the first release. Later changes of it are for people to propose; a demo follows them."""
    with db.transaction():
        first = releases.current() is None
        if not first and not demo:
            return
        files = shelf.snapshot(settings.pack)
        if not first and library.followed(files):
            return
    with tools.office(load(settings.pack), built_in=find.skill_names(settings.skills), clock=lambda: now):
        try:
            with db.transaction():
                release = library.open_with(files) if first else library.follow(files)
        except Conflict:
            with db.transaction():
                if releases.current() is None:
                    raise
            return  # another process was first
    _log.info("the pack's folder was published", release=release.id, folder=str(settings.pack))


def _unpublished(settings: Settings, served: Pack) -> Sequence[Changed]:
    """Return how the folder differs from what is served, and say so in the log.

    Raises BadInput for a folder of another business, unless nobody named it.
    """
    try:
        files = shelf.snapshot(settings.pack)
    except PackError as error:
        _log.warning("the pack's folder cannot be read; the current release is served", why=str(error))
        return ()
    name = business(files)
    if name != served.profile.name:
        if "pack" in settings.model_fields_set:
            raise BadInput(
                f"{settings.pack} is {name}, and this database serves {served.profile.name}; name another database"
            )
        return ()
    changed = current.unpublished(files)
    if changed:
        fix = f"caseward release propose {settings.pack} --reason ..."
        paths = [each.path for each in changed]
        _log.warning("the pack's folder has changes that are not published", files=paths[:20], propose=fix)
    return changed
