"""A sample week, lived through before a demo opens: contacts write, people decide, the desk does what it always does.

Nothing is written around the desk: its stories run by a clock that is moved from one thing that is due to the next. The
script is the pack's, in records/week.yaml; this process is alone with the database meanwhile. No vendor is called,
whatever is set up: only channels on which to store is to deliver take part.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from caseward import durable
from caseward.core.approval import ApprovalState, Word
from caseward.core.case import Case
from caseward.core.errors import BadInput, CasewardError
from caseward.core.ids import ConversationId
from caseward.core.messages import Inbound
from caseward.desk import notes, tools, verdicts
from caseward.desk.tools import Tools
from caseward.durable import Rehearsal
from caseward.flows import by_hand, clockwork, support
from caseward.flows.support.chat import WEBCHAT
from caseward.store import approvals, cases, db, messages, people, timers

SPAN = timedelta(days=7)
WEEK = "week"
"""Kind of sample records that holds the script."""
SOON = timedelta(seconds=1)
"""Something due is begun so much later, as a sweeper would that looks twice a second."""
NEVER = datetime.max.replace(tzinfo=UTC)
SPINS = 200
"""How often something may be due at one instant before it is taken for a fault."""
DECIDES = {word.value: word for word in (Word.APPROVE, Word.EDIT, Word.DENY, Word.ESCALATE)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that somebody does in a conversation."""

    after: timedelta
    """Since the step before it."""
    does: str
    """`say`, or what a person of the team does: a verdict, `note`, `write`, `resolve`."""
    text: str
    by: str
    """The role of who does it; nobody's for the contact."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """One conversation of the week."""

    id: str
    at: datetime
    contact: str | None
    """A sample contact; None for somebody unknown."""
    language: str
    steps: Sequence[Step]


@dataclass
class Clock:
    """Says what time it is in the week."""

    now: datetime

    def __call__(self) -> datetime:
        """Return the current instant."""
        return self.now


def scenes(rows: Sequence[Mapping[str, Any]]) -> list[Scene]:
    """Return the script of a week, in its order; raise BadInput that names what cannot be meant."""
    return sorted((_scene(row) for row in rows), key=lambda each: each.at)


def _scene(row: Mapping[str, Any]) -> Scene:
    try:
        steps = [_step(each) for each in row["steps"]]
        return Scene(
            id=str(row["id"]),
            at=datetime.fromisoformat(row["at"]),
            contact=str(row["as"]) if "as" in row else None,
            language=str(row["language"]),
            steps=steps,
        )
    except (KeyError, TypeError, ValueError) as error:
        fix = "a scene has id, at, language, steps, and `as` for a known contact"
        raise BadInput(f"records/week.yaml: {row.get('id', row)!r} lacks or misuses {error}; {fix}") from None


def _step(given: Mapping[str, Any]) -> Step:
    named = [name for name in given if name not in ("after", "by")]
    if len(named) != 1:
        raise ValueError(f"a step that does {' and '.join(named) or 'nothing'}; it does one thing")
    does = named[0]
    if does not in (*DECIDES, "say", "note", "write", "resolve"):
        raise ValueError(f"a step that does {does!r}")
    after = timedelta(minutes=float(given.get("after", 0)))
    return Step(after=after, does=does, text=str(given[does] or ""), by=str(given.get("by", "")))


@dataclass
class Week:
    """The week under way."""

    clock: Clock
    stage: Rehearsal
    until: datetime
    each_day: Callable[[datetime], None]
    """Called before the first thing that is done on a day of the house's."""
    zone: ZoneInfo
    conversations: dict[str, ConversationId] = field(default_factory=dict)
    """By scene."""
    missed: list[str] = field(default_factory=list)
    """What could not be done as the script has it, and was left out."""
    _numbers: Iterator[int] = field(default_factory=count)
    _day: date | None = None

    def live(self, script: Sequence[Scene]) -> None:
        """Live through the scenes, side by side, up to the end; what would come later is left out."""
        agenda = [(scene.at + scene.steps[0].after, n, 0) for n, scene in enumerate(script) if scene.steps]
        heapq.heapify(agenda)
        while agenda:
            at, n, place = heapq.heappop(agenda)
            if at > self.until:
                break
            self._pass_until(at)
            self._begin_day()
            scene = script[n]
            self._do(scene, scene.steps[place])
            self._settle()
            if place + 1 < len(scene.steps):
                heapq.heappush(agenda, (self.clock.now + scene.steps[place + 1].after, n, place + 1))
        self._pass_until(self.until)

    def _begin_day(self) -> None:
        today = self.clock.now.astimezone(self.zone).date()
        if today != self._day:
            self._day = today
            self.each_day(self.clock.now)

    def _do(self, scene: Scene, step: Step) -> None:
        try:
            if step.does == "say":
                self._say(scene, step.text)
            else:
                self._act(step, self._case(scene))
        except CasewardError as error:
            self.missed.append(f"{scene.id}: {step.by or 'the contact'} could not {step.does} {step.text!r}: {error}")

    def _say(self, scene: Scene, text: str) -> None:
        if scene.id not in self.conversations:
            _token, opened = support.open_chat(language=scene.language, sample_contact=scene.contact)
            self.conversations[scene.id] = opened
        conversation = self.conversations[scene.id]
        with db.transaction():
            row = messages.conversation(conversation)
        if row is None:
            raise BadInput("the conversation is gone")
        number = f"{scene.id}-{next(self._numbers)}"
        support.receive(
            conversation,
            Inbound(channel=WEBCHAT, provider_id=number, address=row.address, text=text, at=self.clock.now),
        )

    def _case(self, scene: Scene) -> Case:
        with db.transaction():
            found = cases.latest(self.conversations[scene.id])
        if found is None:
            raise BadInput("nobody has written yet")
        return found

    def _act(self, step: Step, case: Case) -> None:
        person, role = f"sample_{step.by}", step.by
        if step.does in DECIDES:
            self._decide(case, DECIDES[step.does], step.text, person=person, role=role)
        elif step.does == "note":
            with db.transaction():
                notes.write(case, step.text, person=person, people=people.names())
        elif step.does == "write":
            by_hand.write(case.id, step.text, person=person, role=role)
        else:
            by_hand.resolve(case.id, person=person, role=role, disposition=step.text)

    def _decide(self, case: Case, word: Word, text: str, *, person: str, role: str) -> None:
        with db.transaction():
            asked = [each for each in approvals.of_case(case.id) if each.state is ApprovalState.OPEN]
            if not asked:
                raise BadInput("nothing is asked about it")
            request, edits = asked[-1], word is Word.EDIT
            verdicts.decide(
                request.id, word, person=person, role=role, text=text if edits else None,
                reason="" if edits else text, conditions="", digest=request.digest,
            )  # fmt: skip

    def _pass_until(self, at: datetime) -> None:
        """Let time pass, and have done what falls due meanwhile."""
        spins = 0
        while (due := self._next_due()) <= at:
            spins = spins + 1 if due <= self.clock.now else 0
            if spins > SPINS:
                raise CasewardError(f"something is due at {due} and is never done")
            self.clock.now = max(self.clock.now, due)
            self._settle()
        self.clock.now = max(self.clock.now, at)
        self._settle()

    def _settle(self) -> None:
        """Do what is due by the clock, and what follows from it."""
        self.stage.go_on()
        while self._next_due() <= self.clock.now and clockwork.sweep() + self.stage.go_on():
            pass

    def _next_due(self) -> datetime:
        with db.transaction():
            due = timers.next_due()
        return NEVER if due is None else due + SOON


def live(
    given: Tools, script: Sequence[Scene], *, until: datetime, each_day: Callable[[datetime], None]
) -> Sequence[str]:
    """Live through a script up to an instant, with the desk's tools and a clock of its own; return what could not be
    done as the script has it. An error means that the database is to be thrown away."""
    clock = Clock(min([until, *(scene.at for scene in script)]))
    with durable.rehearse(db.transaction) as stage:
        begin = lambda story, subject, id: stage.begin(story, subject, id=id)  # noqa: E731
        quiet = replace(given.pack, playbooks=())  # they would ask all day, and reach nobody in a chat
        inside = {name: plug for name, plug in given.channels.items() if plug.pull}
        tools.use(replace(given, pack=quiet, channels=inside, clock=clock, begin=begin))
        try:
            zone = given.pack.hours.zone
            db.hurry()
            week = Week(clock=clock, stage=stage, until=until, each_day=each_day, zone=zone)
            week.live(script)
            return week.missed
        finally:
            tools.use(given)
