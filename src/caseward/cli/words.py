"""Try the words: what a message means, what would be answered, what a log line would keep."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from caseward.cli.say import SCHOOL, AsJson, PackOption, as_text, document, line, pack_folder, parse, read_text
from caseward.core.errors import BadInput
from caseward.core.messages import Understanding
from caseward.core.pack import Pack
from caseward.core.ports import Brain

Texts = Annotated[list[str] | None, typer.Argument(metavar="[TEXT]...", help="Left out: standard input.")]
Language = Annotated[
    str | None, typer.Option(help="Language of the conversation, ISO 639-1, for texts too short to tell.")
]


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("triage")(triage)
    app.command("ask")(ask)
    app.command("redact")(redact)


def triage(
    texts: Texts = None,
    pack: PackOption = SCHOOL,
    jsonl: Annotated[
        bool,
        typer.Option(
            "--jsonl", help='Read a text a line (plain, or JSON: a string or {"text": ...}), print one a line.'
        ),
    ] = False,
    as_json: AsJson = False,
    language: Language = None,
) -> None:
    """Say what messages mean: intent, category, severity, sentiment, language, entities, signals, confidence."""
    _loaded, brain = _brain(pack)
    given = list(texts or ())
    if jsonl:
        for text in given or _lines():
            line(_understood(brain.understand(text, language=language)))
        return
    given = given or [read_text("-").strip()]
    found = [_understood(brain.understand(text, language=language)) for text in given]
    document(found[0] if len(found) == 1 else found)


def ask(
    text: Annotated[str, typer.Argument(help="A question, as a contact would put it.")],
    pack: PackOption = SCHOOL,
    language: Language = None,
    as_json: AsJson = False,
) -> None:
    """Give the published answer that the desk would send by itself to somebody unknown, or none, and say why."""
    loaded, brain = _brain(pack)
    answer = _answer(loaded, brain, text, language)
    if as_json:
        document(answer)
        return
    print(answer["answer"] or "No published answer goes out by itself.")
    for citation in answer["citations"]:
        print(f"  [{citation['article']}] {citation['title']}, release {citation['release']}")
    print(f"  because {answer['why']}")


def redact() -> None:
    """Print standard input with personal data masked."""
    from caseward.adapters.redaction import redact as masked

    for raw in sys.stdin.buffer:
        sys.stdout.write(masked(as_text(raw, "-")))


def _brain(name: str) -> tuple[Pack, Brain]:
    from caseward.adapters import find
    from caseward.packs.load import load

    loaded = load(pack_folder(name))
    return loaded, find.brain(("local",), loaded)


def _answer(pack: Pack, brain: Brain, text: str, language: str | None) -> Mapping[str, Any]:
    """Return what the desk would answer somebody it does not know, while every system is well."""
    from caseward.core.foretold import foretell

    told = foretell(pack, brain, text, language)
    citation = {"article": told.article, "title": told.title, "release": pack.profile.release}
    return {
        "answer": told.answer or None,
        "language": told.language,
        "citations": [citation] if told.article else [],
        "intent": told.intent,
        "tier": str(told.tier),
        "rules": list(told.rules),
        "release": pack.profile.release,
        "why": told.why,
    }


def _lines() -> Iterator[str]:
    for number, raw in enumerate(sys.stdin.buffer, 1):
        text = as_text(raw, f"line {number}").rstrip("\r\n")
        if text.strip():
            yield _said(text, f"line {number}")


def _said(text: str, where: str) -> str:
    """Return what a line says: plain, or as JSON a string or an object with a `text`."""
    if text.lstrip()[:1] not in ("{", '"'):
        return text
    value = parse(text, where)
    said = value.get("text") if isinstance(value, dict) else value
    if not isinstance(said, str):
        raise BadInput(f'{where}: give a plain text, a JSON string, or {{"text": "..."}}')
    return said


def _understood(seen: Understanding) -> Mapping[str, Any]:
    return {
        "intent": seen.intent,
        "category": seen.category,
        "severity": seen.severity,
        "sentiment": seen.sentiment,
        "language": seen.language,
        "entities": {kind: list(values) for kind, values in seen.entities.items()},
        "signals": list(seen.signals),
        "confidence": round(seen.confidence, 4),
    }
