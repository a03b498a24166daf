"""Whether the entities that a pack declares find what their examples say, and nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from caseward.core.entities import Extractor
from caseward.core.errors import BadInput
from caseward.core.pack import Entity, Lexicon
from caseward.packs.yamlfile import Place

HOUSE = ("email", "phone", "money", "date", "time")
NAME = re.compile(r"[a-z][a-z_]*")
_GROUP = re.compile(r"\{([^}]*)\}")
Problem = tuple[Place, str, str]
"""Where in the file, what is wrong, and the fix."""


def problems(entities: Mapping[str, Entity], lexicon: Mapping[str, Lexicon]) -> Iterator[Problem]:
    """Yield what is wrong with `entities`, tried on their own examples."""
    sound = True
    for name, entity in entities.items():
        for problem in _shape(name, entity):
            sound = False
            yield problem
    if not sound:
        return
    try:
        extractor = Extractor(lexicon, entities)
    except BadInput:  # the lexicon's fault, which is told of elsewhere
        return
    for name, entity in entities.items():
        for text, value in entity.examples.items():
            found = extractor.extract(text)
            if found != {name: (value,)}:
                saw = "; ".join(f"{kind} {', '.join(values)}" for kind, values in found.items()) or "nothing"
                message = f"in {text!r} {value!r} and nothing else should be found, not {saw}"
                yield (name, "examples", text), message, "mend the pattern, the form, or the example"
        for i, text in enumerate(entity.never):
            if name in extractor.extract(text):
                yield (name, "never", i), f"{name} is found in {text!r}", "make the pattern narrower"


def _shape(name: str, entity: Entity) -> Iterator[Problem]:
    if not NAME.fullmatch(name):
        yield (name,), "a name has lower-case letters and underscores only", "rename it"
    if name in HOUSE:
        yield (name,), f"the house finds {name} by itself", "choose another name"
    if not entity.patterns:
        yield (name, "patterns"), "there is no pattern", "add one"
    if not entity.examples:
        yield (name,), "there is no example", "add `examples:`, a text and the value in it"
    groups = []
    for i, pattern in enumerate(entity.patterns):
        try:
            groups.append(re.compile(pattern).groups)
        except re.error as error:
            yield (name, "patterns", i), f"{pattern!r} is not a regular expression: {error}", "mend the pattern"
            continue
        if re.search(pattern, ""):
            yield (name, "patterns", i), f"{pattern!r} matches nothing at all", "make it match at least one character"
    for place in _GROUP.findall(entity.form):
        if not re.fullmatch(r"\d(?::0\d)?", place):
            yield (name, "form"), f"{{{place}}} is no group", "write {0}, {1} or {2:04}"
        elif groups and int(place[0]) > min(groups):
            yield (name, "form"), f"there is no group {place[0]} in every pattern", "add the group, or use another"
