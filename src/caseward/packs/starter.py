"""Starter flows: the short YAML files with which the field describes support, a community and on-call.

A flow is read as a set of statements about a pack, each checked against what the desk does: it runs, or it does not
yet, or the pack's policy says otherwise, which is an error. A flow never opens what policy keeps shut, and nothing of
it is passed over in silence.

    support_flow:
      ingest: webchat
      classify: [billing, scheduling, refund, other]
      respond:
        faq_hit: auto_reply
        faq_miss: draft_reply + human_review
      ticket:
        create_when: [high_risk, repeated_issue, low_confidence]
      metrics: [fcr, frt, handoff_rate, escalation_rate]
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from caseward.core.pack import Pack
from caseward.core.policy import Tier
from caseward.packs.schema import did_you_mean
from caseward.packs.yamlfile import Place, YamlFile, read

PLACEHOLDER = re.compile(r"<([A-Z][A-Z0-9_]*)>")
ARROW, PLUS = re.compile(r"\s*->\s*"), re.compile(r"\s*\+\s*")
WINDOW = re.compile(r"[1-9]\d*\s?(m|min|minutes|h)?")
CALL = re.compile(r"(\w+)\((.*)\)")
METRICS = {
    "support_flow": ("fcr", "frt", "handoff_rate", "escalation_rate", "reopen_rate", "deflection_rate"),
    "community_flow": (
        *("d7_retention", "faq_hit_rate", "intervention_count", "manual_intervention_count", "active_member_ratio"),
    ),
    "incident_flow": ("mtta", "mttr", "alerts_per_hour", "false_positive_rate"),
}
COMMUNITY, INCIDENTS = "the community is not run yet", "alerts and incidents are not run yet"


class State(StrEnum):
    """What becomes of one statement of a flow."""

    RUNS = "runs"
    NOT_YET = "not yet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One statement of a flow."""

    name: str
    """Where it stands, such as `support_flow.respond.faq_hit`."""
    says: str
    state: State
    how: str
    """What the desk does about it, or why it does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """What a word means at its place."""

    state: State
    how: str


def runs(how: str) -> Word:
    """Return a word that the desk acts on."""
    return Word(state=State.RUNS, how=how)


def not_yet(why: str) -> Word:
    """Return a word that is understood and not acted on."""
    return Word(state=State.NOT_YET, how=why)


CASE = "every matter has a case from its first message"
WORDS: Mapping[str, Mapping[str, Word]] = {
    "support_flow.respond.faq_hit": {
        "auto_reply": runs("a published page that surely answers goes out by itself (R0)"),
        "draft_reply": runs("the answer is drafted from the published page"),
        "human_review": runs("a person is asked before it goes out"),
    },
    "support_flow.respond.faq_miss": {
        "draft_reply": runs("the reply is drafted from an approved template and the contact's own record"),
        "human_review": runs("the lane that the approval matrix names is asked"),
    },
    "support_flow.ticket.create_when": {
        "high_risk": runs(f"{CASE}; R3 always goes to a person"),
        "repeated_issue": runs(f"{CASE}; one that comes back in time is the same case, reopened"),
        "low_confidence": runs(f"{CASE}; below `limits.confidence` nobody's intent is guessed"),
        "negative_sentiment": runs(f"{CASE}; sentiment stands in its triage"),
    },
    "community_flow.onboarding": {
        name: not_yet(COMMUNITY) for name in ("member_joined", "send_welcome", "starter_faq", "send_rules")
    },
    "community_flow.moderation.detect": {
        name: not_yet(COMMUNITY) for name in ("spam", "abuse", "policy_violation", "scam", "nsfw")
    },
    "community_flow.moderation.route": {
        name: not_yet(COMMUNITY) for name in ("auto_warn", "manual_review", "mute", "escalate")
    },
    "community_flow.faq.match": {name: not_yet(COMMUNITY) for name in ("semantic_search", "keyword_search")},
    "community_flow.faq.fallback": {name: not_yet(COMMUNITY) for name in ("human_mention", "create_ticket")},
    **{
        f"incident_flow.route.p{level}": {
            name: not_yet(INCIDENTS)
            for name in ("page_primary_oncall", "notify_channel", "notify_incident_channel", "create_ticket")
        }
        for level in range(1, 6)
    },
    "incident_flow.close_loop.ack": {
        name: not_yet(INCIDENTS) for name in ("write_back_status", "write_back", "notify_channel")
    },
    "incident_flow.close_loop.resolved": {
        name: not_yet(INCIDENTS)
        for name in ("close_ticket", "create_postmortem", "postmortem_stub", "write_back_status", "notify_channel")
    },
}
"""Place in a flow → the words that may stand there."""
FREE = {
    "support_flow.ingest": "",
    "support_flow.classify": "",
    "incident_flow.ingest": INCIDENTS,
    "incident_flow.dedupe.key": INCIDENTS,
    "incident_flow.dedupe.window": INCIDENTS,
    **{f"{flow}{group}.metrics": "" for flow in METRICS for group in ("", ".audit")},
}
"""Places where a business puts words of its own → why they are not acted on yet, where that is known beforehand."""
PLACES = tuple(sorted({*WORDS, *FREE}))


def check(path: Path, name: str, pack: Pack, *, channels: Collection[str], metrics: Collection[str] = ()) -> list[Part]:
    """Return every statement of the flows in a file, with what becomes of it.

    Args:
        path: the file.
        name: what complaints call it.
        pack: the business it is to hold for.
        channels: channels that there are.
        metrics: metrics that are computed.

    Raises PackError for a placeholder left open, an unknown key or word, or a statement that policy contradicts.
    """
    return list(_read(read(path, name), pack, channels, metrics))


def _read(file: YamlFile, pack: Pack, channels: Collection[str], metrics: Collection[str]) -> Iterator[Part]:
    if not isinstance(file.data, dict) or not file.data:
        raise file.error("a flow is a mapping", fix="begin with `support_flow:`, `community_flow:` or `incident_flow:`")
    for place, text in _leaves(file, file.data, ()):
        where = ".".join(str(step) for step in place if isinstance(step, str))
        if where not in PLACES:
            raise _stranger(file, place)
        for says, word in _steps(file, place, text):
            yield _part(file, place, where, says, word, pack, channels, metrics)


def _leaves(file: YamlFile, data: Any, place: Place) -> Iterator[tuple[Place, str]]:
    """Yield every plain value with its place; raise PackError for an unknown key, or a value left out or open."""
    if isinstance(data, dict):
        for key, value in data.items():
            where = ".".join(str(step) for step in (*place, key))
            if not any(known == where or known.startswith(f"{where}.") for known in PLACES):
                raise _stranger(file, (*place, key))
            yield from _leaves(file, value, (*place, key))
    elif isinstance(data, list):
        for i, value in enumerate(data):
            yield from _leaves(file, value, (*place, i))
    else:
        text = "" if data is None else str(data).strip()
        open_ = PLACEHOLDER.search(text)
        if open_:
            fix = f"put what it stands for in place of <{open_[1]}>"
            raise file.error(f"the placeholder <{open_[1]}> is not filled", at=place, fix=fix)
        if not text:
            raise file.error(
                f"{place[-1] if place else 'the flow'} says nothing", at=place, fix="fill it in, or remove it"
            )
        yield place, text


def _stranger(file: YamlFile, place: Place) -> Exception:
    above = ".".join(str(step) for step in place[:-1] if isinstance(step, str))
    start = f"{above}." if above else ""
    known = {each[len(start) :].split(".")[0] for each in PLACES if each.startswith(start)}
    fix = did_you_mean(str(place[-1]), known) if known else "remove it"
    return file.error(f"unknown key {place[-1]!r}" if known else "nothing may stand below this", at=place, fix=fix)


def _steps(file: YamlFile, place: Place, text: str) -> Iterator[tuple[str, str]]:
    """Yield each step of `trigger -> step + step` as written, with the word that names it: `search` of `search(x)`."""
    for step in (step for part in ARROW.split(text) for step in PLUS.split(part)):
        if not step:
            raise file.error(f"{text!r} lacks a step", at=place, fix="write `step + step`, or `trigger -> step`")
        call = CALL.fullmatch(step)
        if call and not call[2].strip():
            raise file.error(f"{step!r} names nothing to search", at=place, fix=f"write {call[1]}(name)")
        yield step, call[1] if call else step


def _part(
    file: YamlFile,
    place: Place,
    where: str,
    says: str,
    word: str,
    pack: Pack,
    channels: Collection[str],
    metrics: Collection[str],
) -> Part:
    if where in WORDS:
        if where == "support_flow.respond.faq_miss" and word == "auto_reply":
            fix = "write draft_reply + human_review"
            raise file.error("nothing goes out by itself without a published page that answers", at=place, fix=fix)
        meaning = WORDS[where].get(word)
        if meaning is None and (where.startswith("support_flow") or difflib.get_close_matches(word, WORDS[where])):
            raise file.error(f"unknown step {word!r}", at=place, fix=did_you_mean(word, WORDS[where]))
        meaning = meaning or not_yet("the desk knows no step of this name")
        if where == "support_flow.respond.faq_hit" and word in ("auto_reply", "human_review"):
            _agree(file, place, pack, by_itself=word == "auto_reply")
    elif where.endswith("metrics"):
        flow = where.split(".")[0]
        if word not in METRICS[flow]:
            raise file.error(f"unknown metric {word!r}", at=place, fix=did_you_mean(word, METRICS[flow]))
        meaning = runs("computed") if word in metrics else not_yet("this metric is not computed yet")
    elif where == "support_flow.ingest":
        channel = re.sub(r"[._ ](message|event)s?$", "", word).replace("web_chat", "webchat")
        there = channel in channels
        meaning = runs("this channel is there") if there else not_yet(f"there is no channel {channel!r}")
    elif where == "support_flow.classify":
        there = word == "other" or any(intent.category == word for intent in pack.intents.values())
        meaning = (
            runs("a category of the pack's intents") if there else not_yet("no intent of the pack is of this category")
        )
    elif where == "incident_flow.dedupe.window" and not WINDOW.fullmatch(word):
        raise file.error(f"{word!r} is no span of time", at=place, fix="write minutes, such as 10, or 10m or 1h")
    else:
        meaning = not_yet(FREE[where])
    return Part(name=where, says=says, state=meaning.state, how=meaning.how)


def _agree(file: YamlFile, place: Place, pack: Pack, *, by_itself: bool) -> None:
    """Raise PackError where the approval matrix says otherwise about published answers."""
    policy = pack.policy
    rows = [
        row
        for row in policy.matrix
        if row.tier is Tier.R0 and policy.phase in row.phases and policy.topology in row.topologies
    ]
    if by_itself and not any(row.auto_send for row in rows):
        message = f"approvals.yaml lets no published answer go out by itself in {policy.phase}, {policy.topology}"
        raise file.error(message, at=place, fix="write draft_reply + human_review, or open the row for R0")
    if not by_itself and any(row.auto_send for row in rows):
        message = f"approvals.yaml lets published answers go out by themselves in {policy.phase}, {policy.topology}"
        raise file.error(
            message, at=place, fix="write auto_reply, or set auto_send to false and a lane in the row for R0"
        )
