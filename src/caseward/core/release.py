"""A release: a pack's files as they were published, the parts they belong to, and what a change of them asks for."""

from __future__ import annotations

import difflib
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from caseward.core.knowledge import Article
from caseward.core.pack import Pack
from caseward.core.roles import Actor, Effect

Files = Mapping[str, str]
"""Path below the pack's folder → text."""


class Part(StrEnum):
    """What a pack is published as; each part has its own publisher and its own lane of consent."""

    POLICY = "policy"
    """Who may do what, when, and who must consent; anything that is no other part."""
    KNOWLEDGE = "knowledge"
    """Pages that may be cited."""
    TEMPLATES = "templates"
    """Words we say."""
    LANGUAGE = "language"
    """Phrasings and everyday words: how a message is understood."""
    SAMPLES = "samples"
    """Sample records of a demo."""


class State(StrEnum):
    """Where a release stands. `refused` and `withdrawn` are final; what was published may become current again."""

    PROPOSED = "proposed"
    APPROVED = "approved"
    PUBLISHED = "published"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


PUBLISHERS: Mapping[Part, tuple[Actor, Effect]] = {
    Part.POLICY: (Actor.E, Effect.PUBLISH_POLICY),
    Part.KNOWLEDGE: (Actor.E, Effect.PUBLISH_KNOWLEDGE),
    Part.TEMPLATES: (Actor.F, Effect.PUBLISH_TEMPLATE),
    Part.LANGUAGE: (Actor.E, Effect.PUBLISH_KNOWLEDGE),
    Part.SAMPLES: (Actor.E, Effect.PUBLISH_KNOWLEDGE),
}
"""Part → the agent that publishes it, and the effect that takes."""
_FOLDERS = {"knowledge": Part.KNOWLEDGE, "templates": Part.TEMPLATES, "records": Part.SAMPLES}
_FILES = {"phrasings.yaml": Part.LANGUAGE, "lexicon.yaml": Part.LANGUAGE}
_NAME_LINE = re.compile(r"^name:\s*[\"']?([^\s\"'#]+)", re.MULTILINE)
_ID_LINE = re.compile(r"^release:.*\n?", re.MULTILINE)
"""The line of pack.yaml that says which release it is: alone, it changes nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """A file that two releases hold differently."""

    path: str
    part: Part
    before: str
    """Empty for a file that was not there."""
    after: str
    """Empty for a file that is not there any more."""

    def lines(self) -> list[str]:
        """Return the change as a unified diff, line by line."""
        old = f"a/{self.path}" if self.before else "/dev/null"
        new = f"b/{self.path}" if self.after else "/dev/null"
        return list(difflib.unified_diff(self.before.splitlines(), self.after.splitlines(), old, new, lineterm=""))


def business(files: Files) -> str:
    """Return the name of the business that a pack's files are of; empty where pack.yaml does not say it."""
    found = _NAME_LINE.search(files.get("pack.yaml", ""))
    return found[1] if found else ""


def part_of(path: str) -> Part:
    """Return the part a file belongs to; one that nobody foresaw is policy."""
    return _FILES.get(path) or _FOLDERS.get(path.partition("/")[0], Part.POLICY)


def digest(files: Files) -> str:
    """Return the SHA-256 of files: their names and every letter."""
    text = json.dumps(dict(sorted(files.items())), ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def parts(files: Files) -> dict[Part, str]:
    """Return part → the digest of its files."""
    return {part: digest({path: _said(path, files[path]) for path in files if part_of(path) is part}) for part in Part}


def changes(before: Files, after: Files) -> tuple[Changed, ...]:
    """Return the files that differ, by path; the line that names the release does not count."""
    return tuple(
        Changed(path=path, part=part_of(path), before=before.get(path, ""), after=after.get(path, ""))
        for path in sorted(before.keys() | after.keys())
        if _said(path, before.get(path, "")) != _said(path, after.get(path, "")) or (path in before) != (path in after)
    )


def _said(path: str, text: str) -> str:
    return _ID_LINE.sub("", text, count=1) if path == "pack.yaml" else text


def parts_of(changed: Iterable[Changed]) -> tuple[Part, ...]:
    """Return the parts that changes touch, in the order in which parts are declared."""
    touched = {each.part for each in changed}
    return tuple(part for part in Part if part in touched)


def high_risk(changed: Iterable[Changed], before: Pack, after: Pack) -> tuple[str, ...]:
    """Return why a person must consent whatever the pack says, a sentence each; nothing for a change of low risk.

    That is policy, how messages are understood, a page that a rule rests on, and a page that is or was published: its
    words go out by themselves. That a page was read again changes nothing that is said.
    """
    return tuple(dict.fromkeys(_risks(changed, before, after)))


def _risks(changed: Iterable[Changed], before: Pack, after: Pack) -> Iterator[str]:
    rested_on = {rule.source for pack in (before, after) for rule in pack.policy.rules if rule.source}
    for each in changed:
        if each.part in (Part.POLICY, Part.LANGUAGE):
            yield f"{each.part} changes"
        elif each.part is Part.KNOWLEDGE:
            page = each.path.removeprefix("knowledge/").removesuffix(".yaml")
            if _read_again(before.articles.get(page), after.articles.get(page)):
                continue
            if page in rested_on:
                yield f"rules rest on the page {page}"
            elif any(page in pack.articles and pack.articles[page].status == "published" for pack in (before, after)):
                yield f"the page {page} is answered from without asking"


def _read_again(was: Article | None, now: Article | None) -> bool:
    """Return whether a page says what it said, and was only read again since."""
    return was is not None and now is not None and was != now and replace(was, reviewed=now.reviewed) == now


def lane(touched: Iterable[Part], pack: Pack, *, risky: bool) -> str:
    """Return the lane that must consent to a change of these parts, as the pack in force says: the strictest of theirs.

    A part that the pack does not speak of needs the strongest lane. A change of high risk needs people: where its lane
    has none, the weakest that has some.
    """
    order, lanes = pack.policy.lanes, pack.profile.lanes
    asked = [_lane_of(part, pack) for part in touched]
    chosen = max(asked, key=order.index, default=order[0])
    if risky and not lanes[chosen].roles:
        chosen = next((name for name in order if lanes[name].roles), order[-1])
    return chosen


def _lane_of(part: Part, pack: Pack) -> str:
    asked = {str(name): each.lane for name, each in pack.profile.releases.items()}
    together = Part.KNOWLEDGE if part in (Part.LANGUAGE, Part.SAMPLES) else part
    return asked.get(part) or asked.get(together) or pack.policy.lanes[-1]
