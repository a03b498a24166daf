"""Words as a contact would read them: an answer as it stands, a template with sample values in its places, and whether
they fit each channel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from caseward.core.pack import Pack, Template
from caseward.desk import tools
from caseward.packs import wording
from caseward.web import words
from caseward.web.editing import Subject

AMOUNT = 350_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How a text fits a channel."""

    channel: str
    longest: int
    fits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A text in one language."""

    language: str
    subject: str
    text: str
    choices: Sequence[str]
    length: int
    places: Sequence[str]
    """What is put in, by name."""
    fits: Sequence[Fit]


def said(pack: Pack, subject: Subject, fields: Mapping[str, str], *, now: datetime) -> list[Said]:
    """Return what the fields of a form say, in each language that has words."""
    name = "answer" if subject.kind == "article" else "text"
    found = []
    for language in subject.languages:
        text = fields.get(f"{name}.{language}", "")
        if not text:
            continue
        places = places_of(f"{fields.get(f'subject.{language}', '')}\n{text}") if subject.kind == "template" else []
        values = {place: sample(pack, place, language, now=now) for place in places}
        shown = wording.fill(text, values) if places else text
        found.append(
            Said(
                language=words.language(language),
                subject=wording.fill(fields.get(f"subject.{language}", ""), values),
                text=shown,
                choices=[each for each in fields.get(f"choices.{language}", "").splitlines() if each.strip()],
                length=len(shown),
                places=places,
                fits=fits(pack, len(shown)),
            )
        )
    return found


def of_template(pack: Pack, template: Template, *, now: datetime) -> list[Said]:
    """Return what a template says, in each of its languages."""
    fields = {f"text.{language}": text.strip() for language, text in template.text.items()}
    fields |= {f"subject.{language}": text for language, text in template.subject.items()}
    fields |= {f"choices.{language}": "\n".join(labels) for language, labels in template.choices.items()}
    return said(pack, Subject(kind="template", id=template.id, languages=tuple(template.text)), fields, now=now)


def places_of(text: str) -> list[str]:
    """Return the names of the places of a text, in order."""
    return list(dict.fromkeys(wording.PLACE.findall(text)))


def sample(pack: Pack, place: str, language: str, *, now: datetime) -> str:
    """Return something like what would stand in a place, as it would be printed; its name where nobody can tell."""
    at = (now + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    if place == "business":
        return pack.profile.title
    if place == "options":
        return wording.show(pack, place, [at + timedelta(days=day) for day in range(2)], language, now=now)
    if place.endswith(("_at", "_time")) or place == "slot":
        return wording.show(pack, place, at, language, now=now)
    if place.endswith(("_on", "_due")):
        return wording.show(pack, place, at.date().isoformat(), language, now=now)
    if place.endswith("_amount"):
        return wording.money(pack, AMOUNT, language)
    return {"reference": "#1001", "case": "1001"}.get(place, f"‹{words.humane(place).lower()}›")


def fits(pack: Pack, length: int) -> list[Fit]:
    """Return how a text of that length fits the house's own limit and each channel that is plugged in."""
    limits = {"": pack.voice.max_chars}
    limits |= {name: channel.longest for name, channel in sorted(tools.given().channels.items())}
    return [
        Fit(channel=words.channel(name) if name else "Every reply", longest=longest, fits=length <= longest)
        for name, longest in limits.items()
    ]
