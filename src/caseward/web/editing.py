"""Pages and templates as forms: what stands in each field, what an edit makes of the file, what the check says of it.

An edit knows the release it was begun on. It becomes a proposal of the whole pack with one file changed.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeAlias

from caseward.core.errors import BadInput, NotFound
from caseward.core.knowledge import Article
from caseward.core.pack import Pack, Template
from caseward.core.release import Changed, Files, changes, digest, high_risk, lane, parts_of
from caseward.core.text import clean
from caseward.desk import tools
from caseward.packs import editing, shelf
from caseward.packs.editing import Value
from caseward.packs.yamlfile import Place
from caseward.store.edits import Fields
from caseward.web import shelves, words
from caseward.web.shelves import FileShown

KINDS: Mapping[str, tuple[str, str, str]] = {
    "articles": ("article", "knowledge", "Article"),
    "templates": ("template", "templates", "Template"),
}
"""What stands in an address → kind, folder of the pack, name."""
STATUSES: Mapping[str, tuple[str, ...]] = {
    "article": ("published", "draft", "retired"),
    "template": ("approved", "draft", "retired"),
}
TEXTS: Mapping[str, tuple[str, ...]] = {
    "article": ("title", "answer", "asked_as"),
    "template": ("text", "subject", "choices"),
}
"""Fields that there are in each language."""
LISTS = frozenset({"asked_as", "choices"})
"""Fields of several lines, each of them one of its own."""
OPTIONAL = frozenset({"subject", "choices"})
"""Fields that are left out of the file where they are empty."""
PLAIN: Mapping[str, tuple[str, ...]] = {
    "article": ("status", "owner", "applies_to", "topics", "effective", "reviewed", "review_days"),
    "template": ("status", "owner", "reviewed"),
}
DATES = frozenset({"effective", "reviewed"})
LABELS: Mapping[str, str] = {
    "asked_as": "Also asked as",
    "applies_to": "Applies to",
    "review_days": "Review every … days",
    "reviewed": "Last reviewed",
    "effective": "In force from",
    "text": "Words",
    "subject": "Subject of the mail",
    "choices": "Answers to pick from",
}
REVIEW_DAYS = 180
LONGEST = 20_000
"""Characters of one field."""
_ID = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
Thing: TypeAlias = Article | Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is edited."""

    kind: str
    id: str
    """Empty for one that is not there yet."""
    languages: tuple[str, ...]

    @property
    def path(self) -> str:
        """The file it stands in."""
        return path_of(self.kind, self.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something that the check says."""

    where: str
    """File and line."""
    text: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What an edit comes to."""

    files: Sequence[FileShown] = ()
    """How it differs from the release it was begun on."""
    errors: Sequence[Fault] = ()
    warnings: Sequence[Fault] = ()
    """Only those about the file itself."""
    told: str = ""
    """What the check found, when it found nothing wrong."""
    lane: str = ""
    """Who must consent, in words."""
    risks: Sequence[str] = ()
    checked: bool = False


def path_of(kind: str, id: str) -> str:
    """Return the file that a page or a template stands in."""
    return f"{'knowledge' if kind == 'article' else 'templates'}/{id}.yaml"


def thing(pack: Pack, kind: str, id: str) -> Thing:
    """Return a page or a template of a pack; raise NotFound."""
    found: Thing | None = pack.articles.get(id) if kind == "article" else pack.templates.get(id)
    if found is None:
        raise NotFound(f"there is no {kind} {id}")
    return found


# --- a form's fields --------------------------------------------------------------------------------------------------


def fields_of(subject: Subject, found: Thing | None, *, today: date) -> dict[str, str]:
    """Return what a form holds about a page or a template, or about one that is yet to be written."""
    shown: dict[str, str] = {}
    for name in TEXTS[subject.kind]:
        said = getattr(found, name, {}) if found else {}
        for language in subject.languages:
            value = said.get(language, "")
            shown[f"{name}.{language}"] = value.rstrip("\n") if isinstance(value, str) else "\n".join(value)
    start = {"status": STATUSES[subject.kind][0], "effective": today, "reviewed": today, "review_days": REVIEW_DAYS}
    for name in PLAIN[subject.kind]:
        value = getattr(found, name) if found else start.get(name, "everyone" if name == "applies_to" else "")
        shown[name] = ", ".join(value) if isinstance(value, tuple) else str(value)
    if not subject.id:
        shown["id"] = ""
    return shown


def typed(subject: Subject, form: Mapping[str, str]) -> dict[str, str]:
    """Return what somebody typed into the fields of a form, as it may be kept; a field that is missing is empty."""
    known = fields_of(subject, None, today=date.min)
    found = {name: clean(form.get(name, "")).strip() for name in known}
    long = next((name for name, value in found.items() if len(value) > LONGEST), "")
    if long:
        raise BadInput(f"{label(long)}: write at most {LONGEST} characters")
    return found


def label(name: str) -> str:
    """Return what a field is called."""
    field, _, language = name.partition(".")
    title = LABELS.get(field, words.humane(field))
    return f"{title}, {words.language(language)}" if language else title


def merge(mine: Fields, before: Fields, theirs: Fields) -> tuple[dict[str, str], dict[str, str]]:
    """Return an edit taken over onto what others made of the same thing: the fields, and of those that both changed,
    what the others wrote."""
    own = {name for name in mine if mine[name] != before.get(name, "")}
    fields = {name: mine[name] if name in own else theirs.get(name, "") for name in mine}
    both = {name: theirs.get(name, "") for name in own
            if theirs.get(name, "") not in (before.get(name, ""), mine[name])}  # fmt: skip
    return fields, both


# --- what an edit makes of the files ----------------------------------------------------------------------------------


def proposal(subject: Subject, files: Files, before: Fields, after: Fields) -> tuple[str, Files]:
    """Return the file that an edit writes, and all files with it; raise BadInput for a field that cannot be taken."""
    if subject.id:
        changed = {name: value for name, value in after.items() if value != before.get(name, "")}
        text = editing.edited(files[subject.path], dict(_place(name, value) for name, value in changed.items()))
        return subject.path, {**files, subject.path: text}
    id = after.get("id", "")
    if not _ID.fullmatch(id):
        raise BadInput("id: write small letters, digits and hyphens, such as opening-hours")
    path = path_of(subject.kind, id)
    if path in files:
        raise BadInput(f"id: {id} exists already; edit that one, or choose another id")
    return path, {**files, path: editing.written(_data(subject, id, after))}


def _place(name: str, value: str) -> tuple[Place, Value]:
    return tuple(name.split(".")), _parsed(name, value)


def _parsed(name: str, value: str) -> Value:
    field = name.partition(".")[0]
    if field in LISTS:
        return [line.strip() for line in value.splitlines() if line.strip()] or (None if field in OPTIONAL else [])
    if field in OPTIONAL and not value:
        return None
    if field == "topics":
        return [each.strip() for each in value.split(",") if each.strip()]
    if field == "review_days":
        if not value.isdecimal() or not 1 <= int(value) <= 3650:
            raise BadInput("review every … days: write a number of days from 1 to 3650")
        return int(value)
    if field in DATES:
        try:
            return date.fromisoformat(value)
        except ValueError:
            raise BadInput(f"{label(name).lower()}: write a date such as 2026-11-23") from None
    return value


def _data(subject: Subject, id: str, fields: Fields) -> dict[str, Value]:
    """Return a new file's content, in the order in which such files are written."""
    plain = ("status", "owner", "effective", "reviewed", "review_days", "applies_to", "topics")
    data: dict[str, Value] = {"id": id}
    data |= {name: _parsed(name, fields[name]) for name in plain if name in fields}
    for name in TEXTS[subject.kind]:
        said = {each: _parsed(name, fields.get(f"{name}.{each}", "")) for each in subject.languages}
        if any(said.values()) or name not in OPTIONAL:
            data[name] = said
    return data


# --- the check --------------------------------------------------------------------------------------------------------

_looking = threading.Lock()
_seen: dict[tuple[str, str, str], Look] = {}
REMEMBERED = 16


def look(before: Files, after: Files, path: str, *, checked: bool = True) -> Look:
    """Return what a change of one file comes to: how it differs, what the pack's check says, who must consent.

    The check takes a second or two, so one runs at a time, and what was found is remembered.
    """
    changed = changes(before, after)
    if not changed or not checked:
        return Look(files=shelves.files(changed))
    key = (digest(before), digest(after), tools.now().date().isoformat())
    with _looking:
        if key not in _seen:
            if len(_seen) >= REMEMBERED:
                del _seen[next(iter(_seen))]
            _seen[key] = _look(changed, after, path)
    return _seen.get(key) or _look(changed, after, path)


def _look(changed: Sequence[Changed], after: Files, path: str) -> Look:
    from caseward.packs import check  # the prover is large; only who looks waits for it

    with shelf.laid_out(after) as folder:
        report = check.check(folder, skills=tools.built_in(), today=tools.now().date())
    errors = [_fault(f"{each.file}:{each.line}" if each.line else each.file, each.message, each.fix)
              for each in report.errors]  # fmt: skip
    errors += [_fault("", f"{proof.name} does not hold: {proof.counterexample}", "mend what breaks it")
               for proof in report.proofs if not proof.holds and not report.errors]  # fmt: skip
    made = Look(files=shelves.files(changed), errors=errors, checked=True)
    if errors or report.pack is None:
        return made
    before = tools.pack()
    risks = high_risk(changed, before, report.pack)
    asked = lane(parts_of(changed), before, risky=bool(risks))
    return replace(
        made,
        warnings=[_fault(f"{each.file}:{each.line}", each.message, each.fix)
                  for each in report.warnings if each.file == path],
        told=f"{len(report.proofs)} statements hold, {len(report.pack.golden)} golden cases are decided as expected",
        lane=shelves.consent(before, asked),
        risks=[each[:1].upper() + each[1:] for each in risks],
    )  # fmt: skip


def _fault(where: str, text: str, fix: str) -> Fault:
    return Fault(where=where, text=text[:1].upper() + text[1:], fix=fix[:1].upper() + fix[1:])
