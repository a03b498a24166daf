"""A business as data: what a pack says, in the core's own types. The field docstrings are the pack files' reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from caseward.core.agents import Agents
from caseward.core.channels import Channels, Playbook
from caseward.core.declared import DeclaredSkill
from caseward.core.errors import NotFound
from caseward.core.facts import Facts
from caseward.core.invariant import Invariant
from caseward.core.knowledge import Article
from caseward.core.kpis.registry import Kpis
from caseward.core.policy import Decision, Policy, Tier
from caseward.core.sla import BusinessHours

Words = Mapping[str, tuple[str, ...]]
"""Language → phrases."""
Texts = Mapping[str, str]
"""Language → text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holidays:
    """Days on which the house is closed (pack.yaml, `holidays`)."""

    country: str = ""
    """ISO 3166 code whose public holidays are kept; empty for none."""
    closed: tuple[date, ...] = ()
    """Further closed days."""
    open: tuple[date, ...] = ()
    """Public holidays on which the house is open all the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sla:
    """Promises, in business time (pack.yaml, `sla`)."""

    first_response_minutes: int
    resolution_minutes: Mapping[str, int]
    """Tier → minutes; a tier left out is due by the end of the business day."""
    urgent_minutes: int
    """Resolution of a P1 or P2 case of any tier."""
    decision_minutes: int = 60
    """Within what time an approver is asked to decide."""
    warn_before_minutes: Mapping[str, int] = field(default_factory=dict)
    """Clock (`first_response`, `resolution`, `decision`) → how long before the deadline the team is warned."""
    update_before_minutes: int = 5
    """How long before a missed resolution the customer is told that it takes longer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """Who may consent (pack.yaml, `lanes`), listed from the weakest to the strongest."""

    title: str
    roles: tuple[str, ...] = ()
    """Console roles that may decide in this lane; none for the lane `none`."""
    people: tuple[str, ...] = ()
    """Ids of the only people who may, each in one of the roles; empty for everybody in them."""
    expires_minutes: int = 240
    """Business minutes after which an undecided request counts as denied."""
    escalates_to: str = ""
    """Lane an escalated request goes to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Where one proof is looked up, and whose it is (pack.yaml, `identity.match`)."""

    kind: str
    """Kind of record."""
    field: str = "id"
    """Field that must equal what was given; case does not count."""
    person: str = "person"
    """Field that holds the id of the person it belongs to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IdentityPolicy:
    """How an unknown person proves who they are (pack.yaml, `identity`)."""

    fields: tuple[str, ...] = ("invoice", "email")
    """What must be given, all of it and all of one person: `email`, `phone` or entities."""
    match: Mapping[str, Match] = field(default_factory=dict)
    """Field → where it is looked up; left out, an entity is the id of a record of its name that has a `person`, and
    `email` and `phone` are fields of the person."""
    attempts: int = 3
    """Failed tries allowed within the window, in one conversation and with any one value named; then a person takes
    over."""
    window_minutes: int = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds that keep loops, floods and costs in check (pack.yaml, `limits`)."""

    debounce_ms: Mapping[str, int] = field(default_factory=dict)
    """Channel → how long to wait for more before a turn begins."""
    collect_max_ms: int = 6000
    """A turn begins at the latest this long after its first message."""
    message_chars: int = 4000
    """Longer messages are refused with a clear answer."""
    messages_per_minute: int = 20
    """Per conversation."""
    questions: int = 2
    """Clarifying questions per case before a person takes over."""
    turns: int = 20
    """Turns per case before a person takes over (SUP-13)."""
    reopen_days: int = 7
    close_after_hours: int = 48
    """A resolved case with no further word is closed after this."""
    confidence: float = 0.5
    """Below this the intent counts as `other` unless a detector names it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retention:
    """How many days what is known of people is kept (pack.yaml, `retention`); 0 keeps it for ever.

    Nothing of an open case is deleted, however old it is.
    """

    messages: int = 730
    """What was said in a case, and what we drafted, from the day it was closed."""
    attachments: int = 180
    """Files that came with messages, from the day their case was closed."""
    contacts: int = 1095
    """Name, addresses and proven identity of somebody outside, from the day their last case was closed."""
    readings: int = 30
    """What systems said of somebody, from the day it could be relied on no longer."""
    webhooks: int = 14
    """What vendors sent, as they sent it, once it was read."""
    sign_ins: int = 90
    """Sessions that ended, tries to sign in, links and codes that expired, tries to prove an identity."""
    log: int = 1095
    """What the log's entries say; the entries themselves, which prove that nothing was altered, stay. Entries about
    rules (releases, phase, retention) keep what they say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Publishing:
    """What publishing a part takes (pack.yaml, `releases`)."""

    lane: str
    """Lane that must consent; `none` lets a change of low risk be published on policy's word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """What entering a phase takes (pack.yaml, `promotion`)."""

    lane: str
    """Lane whose people may decide it, and may take it back."""
    criteria: tuple[str, ...] = ()
    """What should be so before, a sentence each; the decision records which of them were ticked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChatLook:
    """How the public chat looks (pack.yaml, `chat`)."""

    accent: Mapping[Literal["light", "dark"], str] = field(default_factory=dict)
    """Theme → colour of buttons and of the contact's own words, `#RRGGBB`: white must be readable on the light one, and
    near-black on the dark one."""
    greeting: Mapping[str, str] = field(default_factory=dict)
    """Language → what an empty chat begins with; the built-in words for one left out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """pack.yaml: who the business is and what it promises."""

    name: str
    """The folder's name: lower case, digits and hyphens."""
    title: str
    """What the customer sees."""
    release: str
    """Immutable version of everything in the pack, `YYYY-MM-DD.N`."""
    languages: tuple[str, ...]
    """ISO 639-1; the first is the default."""
    timezone: str
    """IANA name of the ops zone."""
    currency: str
    """ISO 4217."""
    phase: Literal["pilot", "hardening", "production"]
    topology: Literal["hub", "empowered"]
    hours: Mapping[str, tuple[str, ...]]
    """`mon` … `sun` → open spans, `"09:00-18:00"`."""
    assignment: Literal["by-hand", "in-turn"] = "by-hand"
    """Who gets a case that needs a person: whoever takes it, or the people on shift in turn."""
    holidays: Holidays = field(default_factory=Holidays)
    sla: Sla
    lanes: Mapping[str, Lane]
    identity: IdentityPolicy = field(default_factory=IdentityPolicy)
    limits: Limits = field(default_factory=Limits)
    freshness_minutes: Mapping[str, int] = field(default_factory=dict)
    """Reading → how long it may be relied on; a reading left out is read anew each turn."""
    systems: tuple[str, ...] = ("knowledge", "calendar", "payments", "records")
    """Systems whose health policy may ask about."""
    releases: Mapping[Literal["policy", "knowledge", "templates", "language", "samples"], Publishing] = field(
        default_factory=dict
    )
    """Part → who must consent to a change of it; the strongest lane for a part left out. `language` (phrasings and
    lexicon) and `samples` (records) go with knowledge."""
    promotion: Mapping[Literal["hardening", "production"], Promotion] = field(default_factory=dict)
    """Phase → what entering it takes; the strongest lane for one left out."""
    reasons: Mapping[Literal["deny", "escalate"], tuple[str, ...]] = field(default_factory=dict)
    """Verdict → the reasons that a person can pick for it; the built-in ones for a verdict left out."""
    retention: Retention = field(default_factory=Retention)
    chat: ChatLook = field(default_factory=ChatLook)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to propose for an intent (intents.yaml, `plans`); the first whose `when` holds is taken."""

    when: Mapping[str, str | bool | tuple[str, ...]] = field(default_factory=dict)
    """Reading value → what it must equal, or a list of what it may equal; `tier` is one of the names. A value that is
    not known equals `none`."""
    template: str
    """What the customer reads when all goes well."""
    question: str = ""
    """The approver's heading."""
    why: str = ""
    """One sentence for the approver: why a person is asked."""
    needs: str = ""
    """A choice the contact must make first; `slot` is the one the desk can offer."""
    ask: str = ""
    """Template that offers the choice."""
    task: str = ""
    """Skill that must succeed before the words are true."""
    args: Mapping[str, str] = field(default_factory=dict)
    """Skill argument → name of the value it takes."""
    key: str = ""
    """Business key of the effect, with `{value}` places: the same key is the same effect."""
    summary: str = ""
    """The effect in one line, with `{value}` places."""
    says: Mapping[str, str] = field(default_factory=dict)
    """Template place → name of the value it shows instead of its own, for words about what the task will have done."""
    failed: str = ""
    """Template for a task that failed."""
    acknowledge: str = ""
    """Template sent at once while a person decides; the pack's `acknowledgement` when empty."""
    resolves: bool = True
    """Whether the matter is settled once this is said."""
    disposition: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """One kind of matter (intents.yaml)."""

    id: str
    title: Texts
    category: str
    severity: Literal["P1", "P2", "P3", "P4"] = "P3"
    account_specific: bool = False
    transactional: bool = False
    reads: tuple[str, ...] = ()
    """Readings the facts and the reply need, run once identity is verified."""
    plans: tuple[Plan, ...] = ()
    asked_as: Words = field(default_factory=dict)
    """Phrasings the local brain learns from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signal:
    """A deterministic detector (signals.yaml). Patterns are regular expressions over lower-cased, accent-free text."""

    id: str
    patterns: Words
    unless: Words = field(default_factory=dict)
    """Patterns that show the words are only asked about; they silence the signal unless `always` matches too."""
    always: Words = field(default_factory=dict)
    """Patterns that fire whatever else the text says."""
    fact: str = ""
    """Boolean fact it makes true."""
    floor: str = ""
    """Intent it fixes, whatever the classifier thinks."""
    severity: Literal["", "P1", "P2", "P3", "P4"] = ""
    """Raises the case's severity to this."""
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A kind of thing that messages name by its shape, such as an order number (entities.yaml)."""

    patterns: tuple[str, ...]
    """Regular expressions over lower-cased text with single spaces."""
    form: str = "{0}"
    """How the value is kept: `{0}` is the whole match, `{1}` its first group, `{2:04}` its second in four digits."""
    case: Literal["upper", "lower"] = "upper"
    examples: Mapping[str, str] = field(default_factory=dict)
    """Text → the value that must be found in it, and nothing else."""
    never: tuple[str, ...] = ()
    """Texts in which it must not be found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """Words we say (templates/*.yaml), with `{value}` places."""

    id: str
    owner: str
    status: Literal["approved", "draft", "retired"]
    reviewed: date
    text: Texts
    subject: Texts = field(default_factory=dict)
    """Of the mail, for words that go out by e-mail."""
    choices: Words = field(default_factory=dict)
    """What the contact may pick as an answer, in its order: buttons, where the channel has them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """Tone and promise rules of a reply (voice.yaml)."""

    max_chars: int = 900
    forbidden: Words = field(default_factory=dict)
    """Patterns no reply may contain: promises outside policy, blame, internals."""
    promises: Words = field(default_factory=dict)
    """Patterns that claim something was done or confirmed: a SUCCESS result or a reading must say the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """One language's way to count, as regular expressions over lower-cased text."""

    ordinals: tuple[str, ...]
    """First, second, ..."""
    last: str
    cardinals: tuple[str, ...]
    """One, two, ... up to twelve."""
    announcers: str
    """Words that make the next number an ordinal: number, option."""
    fillers: str
    """Words that may stand beside a chosen number without changing it."""
    days: str
    """Words that make the next number a day of the month: the date."""
    next_week: str
    """The week after this one, with `{day}` where the name of a weekday may stand."""
    bounds: str
    """Words that make a time a bound, shift it, or leave it open: before, half past."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lexicon:
    """Everyday words of one language (lexicon.yaml), for reading dates, choices and courtesies."""

    weekdays: tuple[tuple[str, ...], ...]
    """Seven lists of names, Monday first."""
    months: tuple[tuple[str, ...], ...]
    """Twelve lists of names, January first."""
    today: tuple[str, ...]
    tomorrow: tuple[str, ...]
    day_after_tomorrow: tuple[str, ...] = ()
    dayparts: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """Word → hours of the day it covers, such as `pagi: [5, 11]`."""
    hour_words: tuple[str, ...] = ()
    """Words that announce a time of day, such as `jam`."""
    greetings: tuple[str, ...] = ()
    thanks: tuple[str, ...] = ()
    heard: tuple[str, ...] = ()
    """What says no more than that the answer was read, such as `ok` or a thumb: a courtesy once a matter is settled."""
    yes: tuple[str, ...] = ()
    no: tuple[str, ...] = ()
    person: tuple[str, ...] = ()
    """Patterns with which a contact asks for a human."""
    day: str = "EEEE d MMMM"
    """How a day is written, as a CLDR pattern: `EEEE, d. MMMM`."""
    counting: Counting | None = None
    """How the language counts; without it choices are read from digits only."""
    negative: tuple[str, ...] = ()
    positive: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What a golden case demands; only the fields given are compared."""

    tier: Tier
    approval: str | None = None
    auto_send: bool | None = None
    executor: str | None = None
    hold: str | None = None
    rules: tuple[str, ...] | None = None
    """Must be among the rules that surely match."""
    missing: tuple[str, ...] | None = None
    needs: int | None = None
    confidence: int | None = None
    hold_seconds: int | None = None
    expires_minutes: int | None = None
    break_glass: tuple[str, ...] | None = None
    """Exactly the triggers that hold or may hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Golden:
    """A case that proves the rules (golden/*.yaml)."""

    case: str
    facts: Facts
    expect: Expectation
    phase: str = ""
    """Phase to decide in; the profile's when empty."""
    topology: str = ""
    file: str = ""
    line: int = 0
    text: str = ""
    """A message that leads to these facts, to be tried by hand."""
    try_as: str = ""
    """Sample contact to try it as."""

    def differs(self, decision: Decision) -> list[str]:
        """Return what `decision` has otherwise than expected, in words; empty when it is as expected."""
        want = self.expect
        wrong = []
        if want.tier != decision.tier:
            wrong.append(f"tier is {decision.tier}, expected {want.tier}")
        for name in ("approval", "auto_send", "executor", "needs", "confidence", "hold_seconds", "expires_minutes"):
            expected, got = getattr(want, name), getattr(decision, name)
            if expected is not None and expected != (got or "none" if name == "executor" else got):
                wrong.append(f"{name} is {got}, expected {expected}")
        if want.hold is not None and want.hold != (decision.hold or "none"):
            wrong.append(f"hold is {decision.hold or 'none'}, expected {want.hold}")
        if want.rules is not None and not set(want.rules) <= set(decision.rules):
            wrong.append(f"rules are {list(decision.rules)}, expected {list(want.rules)} among them")
        if want.missing is not None and set(want.missing) != set(decision.missing):
            wrong.append(f"missing is {list(decision.missing)}, expected {list(want.missing)}")
        if want.break_glass is not None and set(want.break_glass) != set(decision.break_glass):
            wrong.append(f"break_glass is {list(decision.break_glass)}, expected {list(want.break_glass)}")
        return wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Pack:
    """A whole business, loaded and checked."""

    profile: Profile
    hours: BusinessHours
    policy: Policy
    invariants: tuple[Invariant, ...] = ()
    agents: Agents
    intents: Mapping[str, Intent]
    signals: tuple[Signal, ...]
    articles: Mapping[str, Article]
    templates: Mapping[str, Template]
    voice: Voice
    lexicon: Mapping[str, Lexicon]
    golden: tuple[Golden, ...]
    records: Mapping[str, tuple[Mapping[str, Any], ...]]
    """Sample records: kind → documents, each with an `id`. Loaded into the built-in systems by the demo only."""
    digest: str
    """SHA-256 over the files: what `release` stands for."""

    skills: Mapping[str, DeclaredSkill] = field(default_factory=dict)
    """Skills over the built-in record book that the pack declares."""
    entities: Mapping[str, Entity] = field(default_factory=dict)
    """What messages name, beside what the house finds by itself."""
    channels: Channels = field(default_factory=Channels)
    playbooks: tuple[Playbook, ...] = ()
    kpis: Kpis = field(default_factory=Kpis)
    """Which figures are watched, and their targets."""

    def tells_everybody(self, reading: str) -> bool:
        """Return whether a declared reading is about nobody, so that it may be said before identity is known."""
        declared = self.skills.get(reading)
        return declared is not None and declared.reads is not None and not declared.reads.owner

    def language(self, wanted: str) -> str:
        """Return `wanted` if the business speaks it, else its default."""
        return wanted if wanted in self.profile.languages else self.profile.languages[0]

    def template(self, id: str) -> Template:
        """Return an approved template; raise NotFound for one that is unknown or not approved."""
        template = self.templates.get(id)
        if template is None or template.status != "approved":
            raise NotFound(f"no approved template {id!r} in pack {self.profile.name}")
        return template
