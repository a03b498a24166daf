"""Whether the words of a pack are words and keep to its voice: what the desk says by name is reviewed nowhere else."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from caseward.core.errors import PackError
from caseward.core.pack import Pack, Texts, Words
from caseward.core.text import normalise
from caseward.packs.places import Places


def check(pack: Pack, places: Places, *, by_name: Collection[str]) -> Iterator[PackError]:
    """Yield texts that say nothing, or what the voice forbids, and claims with nothing behind them.

    Args:
        pack: the pack.
        places: where its entries stand.
        by_name: templates that the desk says by name, whatever has or has not been done.
    """
    plans = [plan for intent in pack.intents.values() for plan in intent.plans]
    before = {*by_name, *(name for plan in plans for name in (plan.ask, plan.failed, plan.acknowledge))}
    for template in pack.templates.values():
        file = f"templates/{template.id}.yaml"
        yield from _texts(pack, template.text, file, "text", places)
        if template.id in before:
            for language, said in _found(template.text, pack.voice.promises):
                message = f"says {said!r} while nothing has been done"
                fix = "say what will happen, or mend `promises` in voice.yaml"
                yield places.error(file, message, at=("text", language), fix=fix)
    for article in pack.articles.values():
        if article.status == "published":
            yield from _texts(pack, article.answer, f"knowledge/{article.id}.yaml", "answer", places)


def _texts(pack: Pack, texts: Texts, file: str, key: str, places: Places) -> Iterator[PackError]:
    for language, text in texts.items():
        if not text.strip():
            yield places.error(file, f"{language} says nothing", at=(key, language), fix="write the words")
    for language, said in _found(texts, pack.voice.forbidden):
        message = f"{said!r} is not said here"
        yield places.error(file, message, at=(key, language), fix="say it otherwise, or mend `forbidden` in voice.yaml")


def _found(texts: Texts, patterns: Words) -> Iterator[tuple[str, str]]:
    """Yield language and first match of any of the patterns, whatever their language, in each text."""
    for language, text in texts.items():
        plain = normalise(text)
        for pattern in (each for of_language in patterns.values() for each in of_language):
            try:
                match = re.search(pattern, plain)
            except re.error:  # named where it stands
                continue
            if match:
                yield language, match[0]
                break
