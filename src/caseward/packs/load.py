"""A folder of YAML → a core Pack. `read` collects every error; `load` raises the first."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date, time
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, Protocol, TypeVar
from zoneinfo import ZoneInfo

from caseward.core.agents import Agents
from caseward.core.channels import Channels, Playbook
from caseward.core.conditions import Condition
from caseward.core.declared import DeclaredSkill
from caseward.core.errors import BadInput, PackError
from caseward.core.facts import FactSpec, parse_facts
from caseward.core.invariant import SETTING, Invariant, outcome_specs
from caseward.core.knowledge import Article
from caseward.core.kpis import Kpis
from caseward.core.pack import (
    Entity,
    Expectation,
    Golden,
    Intent,
    Lexicon,
    Pack,
    Profile,
    Signal,
    Template,
    Voice,
    Words,
)
from caseward.core.policy import ALWAYS, Grant, Policy, Rule, Trigger
from caseward.core.sla import BusinessHours
from caseward.packs import conditions, entities, kpis, skills
from caseward.packs.schema import (
    FactEntry,
    GoldenFile,
    GrantEntry,
    InvariantEntry,
    RuleEntry,
    TriggerEntry,
    did_you_mean,
    validate,
)
from caseward.packs.yamlfile import Place, YamlFile
from caseward.packs.yamlfile import read as read_yaml


class _Named(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T")
N = TypeVar("N", bound=_Named)
Specs = Mapping[str, FactSpec]
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HOLIDAY_YEARS = range(2024, 2040)
RELEASE = re.compile(r"\d{4}-\d{2}-\d{2}\.\d+")
FILES = (
    "pack.yaml",
    "facts.yaml",
    "intents.yaml",
    "phrasings.yaml",
    "signals.yaml",
    "entities.yaml",
    "skills.yaml",
    "approvals.yaml",
    "break-glass.yaml",
    "invariants.yaml",
    "agents.yaml",
    "voice.yaml",
    "lexicon.yaml",
    "channels.yaml",
    "playbooks.yaml",
    "kpis.yaml",
)
BESIDE = ("mutants.yaml",)
"""Files that lie in the folder for a tool, and are no part of the pack."""
FOLDERS = ("rules", "golden", "templates", "knowledge", "records")


def load(folder: Path) -> Pack:
    """Return the pack in `folder`; raise PackError for the first thing wrong with it."""
    pack, errors = read(folder)
    if pack is None:
        raise errors[0]
    return pack


def read(folder: Path) -> tuple[Pack | None, list[PackError]]:
    """Return the pack, or None and everything wrong with its files."""
    if not folder.is_dir():
        return None, [_no_folder(folder)]
    reader = _Reader(folder)
    pack = reader.pack()
    return (None if reader.errors else pack), reader.errors


def load_profile(folder: Path) -> tuple[Profile, BusinessHours]:
    """Return who the business of the pack in `folder` is and when it is open; raise PackError for the first thing
    wrong."""
    reader = _Reader(folder)
    found = reader.profile()
    if found is None:
        raise reader.errors[0]
    return found[0], _hours(*found)


def load_policy(folder: Path) -> Policy:
    """Return only the policy of the pack in `folder`, to ask the gate; raise PackError for the first thing wrong."""
    if not folder.is_dir():
        raise _no_folder(folder)
    reader = _Reader(folder)
    profile = reader.profile()
    policy = reader.policy(profile[0]) if profile else None
    if reader.errors or policy is None:
        raise reader.errors[0]
    return policy


def _no_folder(folder: Path) -> PackError:
    return PackError("there is no such folder", file=str(folder), fix="name a folder that holds a pack.yaml")


class _Reader:
    """Reads file after file and keeps going after an error, so that one run names them all."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.errors: list[PackError] = []
        self._digest = hashlib.sha256()

    def pack(self) -> Pack | None:
        self._strangers()
        profile = self.profile()
        hours = self._try(lambda: _hours(profile[0], profile[1])) if profile else None
        policy = self.policy(profile[0] if profile else None)
        templates = {template.id: template for template in self._each("templates", Template)}
        articles = {article.id: article for article in self._each("knowledge", Article)}
        intents = self._intents()
        signals = self._listed("signals.yaml", tuple[Signal, ...])
        voice = self._one("voice.yaml", Voice)
        lexicon = self._one("lexicon.yaml", dict[str, Lexicon])
        declared = self._skills(profile[0] if profile else None)
        named = self._entities(lexicon[0] if lexicon else {})
        invariants = tuple(self._invariants(policy))
        agents = self._agents()
        golden = tuple(self._golden(policy.facts))
        records = self._records()
        channels = self._one("channels.yaml", Channels) if (self.folder / "channels.yaml").exists() else None
        playbooks = self._listed("playbooks.yaml", tuple[Playbook, ...], optional=True)
        watched = self._kpis(intents)
        if not (profile and hours and agents and signals and voice and lexicon):
            return None
        return Pack(
            profile=profile[0],
            hours=hours,
            policy=policy,
            invariants=invariants,
            agents=agents,
            intents=intents,
            signals=signals[0],
            articles=articles,
            templates=templates,
            voice=voice[0],
            lexicon=lexicon[0],
            golden=golden,
            records=records,
            digest=self._digest.hexdigest(),
            skills=declared,
            entities=named,
            channels=channels[0] if channels else Channels(),
            playbooks=playbooks[0] if playbooks else (),
            kpis=watched,
        )

    def profile(self) -> tuple[Profile, YamlFile] | None:
        """Return pack.yaml and where its parts stand."""
        return self._one("pack.yaml", Profile)

    def policy(self, profile: Profile | None) -> Policy:
        """Return the policy that facts, rules and approvals make; of no release without a profile."""
        specs = self._facts()
        return Policy(
            release=profile.release if profile else "",
            phase=profile.phase if profile else "",
            topology=profile.topology if profile else "",
            facts=specs,
            rules=tuple(self._rules(specs, profile)),
            matrix=tuple(self._matrix(specs, profile)),
            lanes=tuple(profile.lanes) if profile else (),
            triggers=tuple(self._triggers(specs, profile)),
        )

    def _strangers(self) -> None:
        for path in sorted(self.folder.iterdir()):
            known = path.name in (*FILES, *BESIDE, *FOLDERS) or path.suffix not in (".yaml", ".yml")
            if not known and not path.name.startswith("."):
                fix = did_you_mean(path.name, (*FILES, *FOLDERS))
                self.errors.append(PackError("no such pack file is read", file=path.name, fix=fix))
        for path in sorted((*self.folder.glob("[!.]*/*.y*ml"), *self.folder.glob("[!.]*/*/*.y*ml"))):
            where = path.relative_to(self.folder).as_posix()
            if path.parent.parent != self.folder or path.parent.name not in FOLDERS or path.suffix != ".yaml":
                fix = f"name it {path.stem}.yaml and put it into one of {', '.join(FOLDERS)}"
                self.errors.append(PackError("this file is not read", file=where, fix=fix))

    def _facts(self) -> dict[str, FactSpec]:
        entries = self._one("facts.yaml", dict[str, FactEntry])
        return (
            {name: FactSpec(name=name, **entry.model_dump()) for name, entry in entries[0].items()} if entries else {}
        )

    def _rules(self, specs: Specs, profile: Profile | None) -> Iterator[Rule]:
        seen: set[str] = set()
        for file in self._files("rules"):
            for i, raw in enumerate(self._list(file)):
                entry = self._try(partial(validate, RuleEntry, file, at=(i,), data=raw))
                if entry is None:
                    continue
                self._once(seen, entry.id, file, (i,))
                when = self._when(entry.when, specs, file, (i, "when"), entry.id)
                if when is not None and self._lane_exists(entry.lane, profile, file, (i, "lane"), entry.id):
                    yield Rule(**{**entry.model_dump(), "when": when, "over": entry.declared()})

    def _matrix(self, specs: Specs, profile: Profile | None) -> Iterator[Grant]:
        loaded = self._one("approvals.yaml", tuple[GrantEntry, ...])
        for i, entry in enumerate(loaded[0] if loaded else ()):
            when = self._when(entry.when, specs, loaded[1], (i, "when"), "") if entry.when else ALWAYS  # type: ignore[index]
            if when is not None and self._lane_exists(entry.lane, profile, loaded[1], (i, "lane")):  # type: ignore[index]
                yield Grant(**{**entry.model_dump(), "when": when})

    def _triggers(self, specs: Specs, profile: Profile | None) -> Iterator[Trigger]:
        loaded = self._listed("break-glass.yaml", tuple[TriggerEntry, ...], optional=True)
        for i, entry in enumerate(loaded[0] if loaded else ()):
            when = self._when(entry.when, specs, loaded[1], (i, "when"), entry.id)  # type: ignore[index]
            if when is not None and self._lane_exists(entry.lane, profile, loaded[1], (i, "lane"), entry.id):  # type: ignore[index]
                yield Trigger(**{**entry.model_dump(), "when": when})

    def _invariants(self, policy: Policy) -> Iterator[Invariant]:
        loaded = self._listed("invariants.yaml", tuple[InvariantEntry, ...], optional=True)
        readable = policy.facts and policy.lanes
        asked: Specs = {**policy.facts, **SETTING} if readable else {}
        said: Specs = outcome_specs(policy) if readable else {}
        for i, entry in enumerate(loaded[0] if loaded else ()):
            file = loaded[1]  # type: ignore[index]
            when = self._when(entry.when, asked, file, (i, "when"), entry.id) if entry.when else ALWAYS
            then = self._when(entry.then, said, file, (i, "then"), entry.id)
            if when is not None and then is not None:
                yield Invariant(id=entry.id, when=when, then=then, because=entry.because)

    def _agents(self) -> Agents | None:
        loaded = self._one("agents.yaml", Agents)
        if loaded is None:
            return None
        seen: set[str] = set()
        for i, activity in enumerate(loaded[0].raci):
            self._once(seen, activity.id, loaded[1], ("raci", i))
        agents: Agents = loaded[0]
        return agents

    def _when(self, raw: Any, specs: Specs, file: YamlFile, at: Place, id: str) -> Condition | None:
        """Return a condition; None for one that is wrong, or asks for facts that nobody could read."""
        return self._try(partial(conditions.parse, raw, specs, file, at, id)) if specs else None

    def _lane_exists(self, lane: str, profile: Profile | None, file: YamlFile, at: Place, id: str = "") -> bool:
        if not lane or profile is None or lane in profile.lanes:
            return True
        fix = did_you_mean(lane, profile.lanes)
        self.errors.append(file.error(f"unknown lane {lane!r}", at=at, rule=id, fix=fix))
        return False

    def _intents(self) -> dict[str, Intent]:
        loaded = self._listed("intents.yaml", tuple[Intent, ...])
        phrasings = self._one("phrasings.yaml", dict[str, dict[str, tuple[str, ...]]])
        intents = {intent.id: intent for intent in loaded[0]} if loaded else {}
        asked: dict[str, Words] = dict(phrasings[0]) if phrasings else {}
        for name in asked:
            if phrasings and loaded and name not in intents:
                fix = did_you_mean(name, intents)
                self.errors.append(phrasings[1].error(f"unknown intent {name!r}", at=(name,), fix=fix))
        return {name: replace(intent, asked_as=asked.get(name, {})) for name, intent in intents.items()}

    def _skills(self, profile: Profile | None) -> dict[str, DeclaredSkill]:
        loaded = self._listed("skills.yaml", tuple[DeclaredSkill, ...], optional=True)
        for i, entry in enumerate(loaded[0] if loaded else ()):
            for at, message, fix in skills.problems(entry, profile.systems if profile else None):
                self.errors.append(loaded[1].error(message, at=(i, *at), rule=entry.id, fix=fix))  # type: ignore[index]
        return {entry.id: entry for entry in loaded[0]} if loaded else {}

    def _entities(self, lexicon: Mapping[str, Lexicon]) -> dict[str, Entity]:
        if not (self.folder / "entities.yaml").exists():
            return {}
        loaded = self._one("entities.yaml", dict[str, Entity])
        for at, message, fix in entities.problems(loaded[0], lexicon) if loaded else ():
            self.errors.append(loaded[1].error(message, at=at, rule=str(at[0]), fix=fix))  # type: ignore[index]
        return loaded[0] if loaded else {}

    def _kpis(self, intents: Mapping[str, Intent]) -> Kpis:
        if not (self.folder / "kpis.yaml").exists():
            return Kpis()
        loaded = self._one("kpis.yaml", Kpis)
        asked = {plan.task for intent in intents.values() for plan in intent.plans if plan.task}
        known = loaded is not None and all(error.file != "intents.yaml" for error in self.errors)
        for at, message, fix in kpis.problems(loaded[0], asked) if loaded and known else ():
            self.errors.append(loaded[1].error(message, at=at, fix=fix))  # type: ignore[index]
        return loaded[0] if loaded else Kpis()

    def _golden(self, specs: Mapping[str, FactSpec]) -> Iterator[Golden]:
        seen: set[str] = set()
        for file in self._files("golden"):
            cases = self._try(partial(validate, GoldenFile, file))
            if cases is None or not specs:
                continue
            for i, entry in enumerate(cases.cases):
                self._once(seen, entry.case, file, ("cases", i))
                raw = {**cases.base, **entry.facts}
                try:
                    facts = parse_facts(specs, {k: v for k, v in raw.items() if k not in entry.without})
                except BadInput as error:
                    self.errors.append(file.error(str(error), at=("cases", i), rule=entry.case, fix="mend the fact"))
                    continue
                yield Golden(
                    case=entry.case,
                    facts=facts,
                    expect=Expectation(**entry.expect.model_dump()),
                    phase=entry.phase,
                    topology=entry.topology,
                    file=file.name,
                    line=file.line(("cases", i)),
                    text=entry.text,
                    try_as=entry.try_as,
                )

    def _records(self) -> dict[str, tuple[dict[str, Any], ...]]:
        records: dict[str, tuple[dict[str, Any], ...]] = {}
        for file in self._files("records"):
            rows = []
            seen: set[str] = set()
            for i, row in enumerate(self._list(file)):
                if not isinstance(row, dict) or "id" not in row:
                    self.errors.append(file.error("a record is a mapping with an `id`", at=(i,), fix="add `id:`"))
                else:
                    self._once(seen, str(row["id"]), file, (i, "id"))
                    rows.append(row)
            records[Path(file.name).stem] = tuple(rows)
        return records

    def _each(self, folder: str, type_: type[N]) -> Iterator[N]:
        seen: set[str] = set()
        for file in self._files(folder):
            item = self._try(partial(validate, type_, file))
            if item is None:
                continue
            if item.id != Path(file.name).stem or item.id in seen:
                fix = f"name the file {item.id}.yaml"
                self.errors.append(file.error(f"id {item.id!r} is not the file's name", at=("id",), fix=fix))
            seen.add(item.id)
            yield item

    def _files(self, folder: str) -> Iterator[YamlFile]:
        for path in sorted((self.folder / folder).glob("*.yaml")):
            file = self._file(path)
            if file is not None:
                yield file

    def _one(self, name: str, type_: Any) -> tuple[Any, YamlFile] | None:
        file = self._file(self.folder / name)
        value = self._try(lambda: validate(type_, file)) if file is not None else None
        return None if value is None or file is None else (value, file)

    def _listed(self, name: str, type_: Any, *, optional: bool = False) -> tuple[Any, YamlFile] | None:
        """Return a file that is a list of entries, each with an id of its own; None for an optional one left out."""
        if optional and not (self.folder / name).exists():
            return None
        loaded = self._one(name, type_)
        seen: set[str] = set()
        for i, entry in enumerate(loaded[0] if loaded else ()):
            self._once(seen, entry.id, loaded[1], (i,))  # type: ignore[index]
        return loaded

    def _once(self, seen: set[str], id: str, file: YamlFile, at: Place) -> None:
        if not id.strip():
            self.errors.append(file.error("an entry without a name", at=at, fix="give it an `id`"))
        if id in seen:
            self.errors.append(file.error("this id stands twice", at=at, rule=id, fix="rename one"))
        seen.add(id)

    def _file(self, path: Path) -> YamlFile | None:
        name = path.relative_to(self.folder).as_posix()
        file = self._try(lambda: read_yaml(path, name))
        if file is not None:
            self._digest.update(f"{name}\0".encode() + path.read_bytes() + b"\0")
            if file.data is None:
                self.errors.append(file.error("the file is empty", fix="fill it in or remove it"))
                return None
        return file

    def _list(self, file: YamlFile) -> list[Any]:
        if isinstance(file.data, list):
            return file.data
        self.errors.append(file.error("a list is expected", fix="begin each entry with `- `"))
        return []

    def _try(self, make: Callable[[], T]) -> T | None:
        try:
            return make()
        except PackError as error:
            self.errors.append(error)
            return None


def is_release(number: str) -> bool:
    """Return whether a release may have this number: a day that exists, and which of that day's it is."""
    try:
        return bool(RELEASE.fullmatch(number)) and bool(date.fromisoformat(number[:10]))
    except ValueError:
        return False


def _hours(profile: Profile, file: YamlFile) -> BusinessHours:
    if not is_release(profile.release):
        raise file.error(
            f"release {profile.release!r} is not YYYY-MM-DD.N", at=("release",), fix="such as 2026-11-21.1"
        )
    try:
        zone = ZoneInfo(profile.timezone)
    except (KeyError, ValueError, OSError):
        fix = "use an IANA name such as Asia/Jakarta"
        raise file.error(f"unknown time zone {profile.timezone!r}", at=("timezone",), fix=fix) from None
    week = {}
    for name, spans in profile.hours.items():
        if name not in DAYS:
            raise file.error(f"unknown day {name!r}", at=("hours", name), fix="use mon, tue, wed, thu, fri, sat, sun")
        week[DAYS.index(name)] = tuple(_span(span, file, name) for span in spans)
        if any(later[0] < earlier[1] for earlier, later in pairwise(week[DAYS.index(name)])):
            raise file.error("spans overlap or are out of order", at=("hours", name), fix="put the earlier one first")
    if not any(week.values()):
        raise file.error(
            "the business is never open", at=("hours",), fix='open at least one day, `mon: ["09:00-18:00"]`'
        )
    return BusinessHours(zone=zone, week=week, holidays=_closed(profile, file))


def _span(text: str, file: YamlFile, day: str) -> tuple[time, time]:
    try:
        start, end = (time.fromisoformat(part.strip()) for part in text.split("-"))
    except ValueError:
        raise file.error(f"{text!r} is not a span", at=("hours", day), fix='write "09:00-18:00"') from None
    if start >= end:
        raise file.error(f"{text!r} ends before it starts", at=("hours", day), fix="put the earlier time first")
    return start, end


def _closed(profile: Profile, file: YamlFile) -> frozenset[date]:
    import holidays as public_holidays  # a third of a second that deciding alone need not spend

    country = profile.holidays.country
    try:
        public = set(public_holidays.country_holidays(country, years=HOLIDAY_YEARS)) if country else set()
    except NotImplementedError:
        fix = "use an ISO 3166 code, or leave it empty"
        raise file.error(f"no public holidays known for {country!r}", at=("holidays", "country"), fix=fix) from None
    return frozenset((public | set(profile.holidays.closed)) - set(profile.holidays.open))
