"""The approval card as the page shows it: from the stored request, its draft and its decision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from caseward.core import review
from caseward.core.approval import AGREED, Vote, Word, reasons
from caseward.core.checks import Check, Source, checks, facts_of
from caseward.core.pack import Pack
from caseward.core.roles import Role
from caseward.core.task import Draft, ResultStatus, TaskRequest
from caseward.desk import verdicts
from caseward.desk.verdicts import freshness
from caseward.store import preferences, presence
from caseward.store.approvals import Request
from caseward.store.casefile import CaseFile, Decided
from caseward.store.people import Person
from caseward.store.presence import Seen
from caseward.store.running import Health
from caseward.web import dossier, failures, times, words
from caseward.web.citations import Part, evidence_of, parts_of
from caseward.web.diffs import Piece, differences
from caseward.web.times import Clock

ACTS = ("edit", "deny", "escalate")
UNLESS: Mapping[ResultStatus, str] = {
    ResultStatus.FAILED: "If it fails",
    ResultStatus.BLOCKED_POLICY: "If policy blocks it",
    ResultStatus.NEED_VERIFICATION: "If it must be verified first",
    ResultStatus.UNKNOWN: "If the system does not say",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An icon and words: an effect."""

    icon: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Other:
    """What the contact reads when it does not go as proposed."""

    when: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """What stands in the way, in words."""

    level: str
    title: str
    text: str
    icon: str = "triangle-alert"


@dataclass(frozen=True, slots=True, kw_only=True)
class Composed:
    """Words of a person's own that were not taken, and why."""

    text: str = ""
    notice: Notice | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What a person has typed or chosen on the card so far; kept whatever happens to the request."""

    act: str = ""
    text: str = ""
    reason: str = ""
    preset: str = ""
    conditions: str = ""
    notice: Notice | None = None
    outcomes: Sequence[review.Check] = ()
    """What the QA gate makes of the text, when it was asked."""
    seen: str = ""
    """Digest of the words that the person had before them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Aged:
    """What the draft rests on that is too old to consent on."""

    label: str
    age: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """One person's consent to the words on the card."""

    name: str
    at: datetime
    wrote: bool
    """They wrote the words."""
    conditions: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Consent that can still be taken back."""

    until: datetime
    clock: str
    """When that ends, to the second."""
    undo: bool
    """Whether this person may take it back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """One request for a decision."""

    id: str
    digest: str
    origin: str
    """`case` or `queue`: where to go on after the decision."""
    question: str
    why: str
    clock: Clock | None
    checks: Sequence[Check]
    reply: str
    parts: Sequence[Part]
    others: Sequence[Other]
    language: str
    lang: str
    words: int
    effects: Sequence[Line]
    consents: str
    """How many of those needed have approved; empty where one is enough."""
    given: Sequence[Given]
    held: Held | None
    hold_seconds: int
    may: frozenset[str]
    off: str
    """Why nothing, or not everything, can be decided here; empty otherwise."""
    href: str
    act: str
    text: str
    reason: str
    preset: str
    presets: Sequence[str]
    conditions: str
    notice: Notice | None
    outcomes: Sequence[review.Check]
    changes: Sequence[Piece]
    """What an edit changes of the proposal."""
    since: Sequence[Piece]
    """What changed of the words since the person saw them."""
    stale: Sequence[Aged]
    read_href: str
    """Where to look whether they have been read; empty until somebody asked for it."""
    rules: Sequence[Line]
    """The rules that fired, for whoever looks after them."""
    focus: bool = field(default=False)
    """Whether the question takes the focus when the page opens."""

    @property
    def href_edit(self) -> str:
        """Return where the reply can be edited."""
        return self._with("edit")

    @property
    def href_deny(self) -> str:
        """Return where a denial is explained."""
        return self._with("deny")

    @property
    def href_escalate(self) -> str:
        """Return where an escalation is explained."""
        return self._with("escalate")

    def _with(self, act: str) -> str:
        return f"{self.href}{'&' if '?' in self.href else '?'}act={act}"


def build(
    file: CaseFile,
    request: Request,
    *,
    pack: Pack,
    person: Person,
    now: datetime,
    href: str,
    origin: str,
    typed: Typed,
    names: Mapping[str, str],
    focus: bool = False,
    reading: bool = False,
) -> Card:
    """Return the card of a request that is open or held, as `person` may use it. Needs an open transaction."""
    drafted = file.draft(request.draft_id)
    draft = drafted.draft if drafted else None
    decided = file.decided[0] if file.decided else None
    sources = evidence_of(draft)
    reply = draft.reply if draft else ""
    language = draft.language if draft else ""
    votes = file.votes.get(request.id, ())
    held = _held(file, request, pack, person, now)
    may, off = (frozenset(), "") if held else _rights(file, request, votes, pack, person)
    failed = [check for check in (drafted.checks if drafted else ()) if not check["ok"]]
    if failed and may:
        may -= {Word.APPROVE}
        off = "This draft cannot go out as it is. " + ". ".join(
            f"{words.humane(c['name'])}: {c['detail']}" for c in failed
        )
    old = freshness.old(draft) if draft and may else ()
    down = freshness.down(draft) if draft and may else ()
    if (old or down) and Word.APPROVE in may:
        may -= {Word.APPROVE}
    if down:
        off = _down(down, pack, now)
    act = typed.act if typed.act in ACTS and typed.act in may else ""
    notice, editor = typed.notice, presence.holder(request.id, but=person.id, now=now)
    if editor is not None and Word.EDIT in may and typed.notice is None:  # what was refused stays on the card
        may, act = may - {Word.EDIT}, "" if act == Word.EDIT else act
        notice = edited_by(editor, pack, now)
    deadline = next((each for each in file.clocks if each.kind == "decision" and each.met_at is None), None)
    return Card(
        id=request.id,
        digest=request.digest,
        origin=origin,
        question=request.question,
        why=request.why,
        clock=None
        if held
        else times.clock(
            "decision",
            deadline.due_at if deadline else request.expires_at,
            now=now,
            tier=request.tier,
            paused=bool(deadline and deadline.paused),
            closed=not pack.hours.is_open(now),
        ),
        checks=checks(
            pack,
            facts=facts_of(decided.body) if decided else (),
            rules=decided.body.get("rules", ()) if decided else (),
            tier=decided.tier if decided else request.tier,
            verified_at=file.verified_at,
            sources=[
                Source(number=each.number, kind=each.kind, id=each.id, source=each.system, title=each.title)
                for each in sources
            ],
        ),
        reply=reply,
        parts=parts_of(reply, sources),
        others=[
            Other(when=UNLESS[status], text=text)
            for status, text in (draft.replies.items() if draft else ())
            if status in UNLESS
        ],
        language=words.language(language),
        lang=language,
        words=len(reply.split()),
        effects=_effects(act, draft.task if draft else None, pack, request),
        consents=consents(request, len(votes)),
        given=[
            Given(
                name=words.who(vote.person, names),
                at=vote.at,
                wrote=vote.word is Word.EDIT,
                conditions=vote.conditions,
            )
            for vote in votes
        ],
        held=held,
        hold_seconds=preferences.of(person.id).held(request.terms.hold_seconds),
        may=may,
        off=off,
        href=href,
        act=act,
        text=typed.text or reply,
        reason=typed.reason,
        preset=typed.preset,
        presets=reasons(pack.profile, Word(act)) if act else (),
        conditions=typed.conditions,
        notice=notice,
        outcomes=typed.outcomes,
        changes=differences(reply, typed.text) if act == "edit" and typed.text else (),
        since=_since(file, typed.seen, draft),
        stale=[Aged(label=words.humane(each.name), age=times.duration(now - each.read_at)) for each in old],
        read_href=f"{href}{'&' if '?' in href else '?'}read=1" if reading else "",
        rules=_fired(decided, pack) if person.role is Role.ADMIN else (),
        focus=focus,
    )


def edited_by(editor: Seen, pack: Pack, now: datetime, kept: str = "") -> Notice:
    """Return that somebody else edits the reply, and what can be done meanwhile; `kept` is said last."""
    since = f" since {times.local(editor.since, pack.hours.zone, now=now)}" if editor.since else ""
    text = f"They have the edit until they send or leave it. You can still approve or deny what is proposed.{kept}"
    return Notice(level="info", title=f"{editor.name} is editing this{since}", text=text, icon="users")


def _since(file: CaseFile, seen: str, now: Draft | None) -> list[Piece]:
    """Return what changed of the words since a person saw those with that digest."""
    if not seen or now is None or seen == now.digest:
        return []
    before = next((each.draft.reply for each in file.drafted if each.draft.digest == seen), "")
    return differences(before, now.reply) if before else []


def _down(systems: Sequence[Health], pack: Pack, now: datetime) -> str:
    names = ", ".join(words.humane(each.system) for each in systems)
    since = times.local(min(each.since for each in systems), pack.hours.zone, now=now)
    until = "they answer" if len(systems) > 1 else "it answers"
    return f"{names} cannot be relied on since {since}. Approve is off until {until} again."


def _fired(decided: Decided | None, pack: Pack) -> list[Line]:
    ids = decided.body.get("rules", ()) if decided else ()
    because = {rule.id: rule.because for rule in pack.policy.rules}
    return [
        Line(icon="shield-alert", text=words.joined([words.humane(id.replace("-", "_")), because.get(id, "")]))
        for id in ids
    ]


def consents(request: Request, given: int) -> str:
    """Return how many of those needed have approved, where one is not enough."""
    if request.terms.needs == 1:
        return ""
    return f"{given} of {request.terms.needs} have approved" if given else f"{request.terms.needs} people must approve"


def _rights(
    file: CaseFile, request: Request, votes: Sequence[Vote], pack: Pack, person: Person
) -> tuple[frozenset[str], str]:
    """Return what a person may say to a request, and why not more."""
    if request.lane not in words.lanes_of(pack, person):
        who = f"{words.deciders(pack, request.lane)} decides this."
        if not verdicts.barred(file.case, request, person.id, person.role, Word.ESCALATE):
            return frozenset({Word.ESCALATE}), f"{who} You can escalate it, or add a note."
        works = person.role in dossier.WORK_ON_CASES
        return frozenset(), f"{who} You can read it here{' and add a note' if works else ''}."
    why = verdicts.barred(file.case, request, person.id, person.role)
    if why:
        return frozenset(), failures.sentence(why)
    if any(vote.person == person.id for vote in votes):
        missing = request.terms.needs - len(votes)
        more = "one more person" if missing == 1 else f"{missing} more people"
        return frozenset(Word) - {Word.APPROVE}, f"You have approved this. It waits for {more}."
    return frozenset(Word), ""


def _held(file: CaseFile, request: Request, pack: Pack, person: Person, now: datetime) -> Held | None:
    if request.held_until is None or request.state not in AGREED:
        return None
    return Held(
        until=request.held_until,
        clock=times.local(request.held_until, pack.hours.zone, now=now, seconds=True),
        undo=now < request.held_until and not verdicts.barred(file.case, request, person.id, person.role),
    )


def _effects(act: str, task: TaskRequest | None, pack: Pack, request: Request) -> list[Line]:
    if act == "deny":
        return [Line(icon="x", text="Nothing is changed"), Line(icon="send", text="The customer is told")]
    if act == "escalate":
        return [
            Line(icon="arrow-up-right", text=words.handed_on(pack, request.lane)),
            Line(icon="circle-pause", text="Nothing is sent yet"),
        ]
    lines = [Line(icon="wrench", text=task.summary or words.humane(task.skill))] if task else []
    lines.append(Line(icon="send", text="Sends reply"))
    lines.append(Line(icon="scroll-text", text="Logs decision"))
    return lines
