"""What a release would do: what is written otherwise, what would be decided otherwise, which statements hold.

Finding out takes seconds, so it is done beside, one pair of releases at a time, and no request waits for it. What was
found is shown at once to whoever looks next; where cases were decided since, they are looked at too, beside again.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from typing import TYPE_CHECKING

import structlog

from caseward.core.pack import Pack
from caseward.core.policy import Decision, Tier
from caseward.core.telling import Tongue, joined
from caseward.desk import current, tools
from caseward.packs import shelf
from caseward.packs.load import load
from caseward.store import phases, precedence, releases
from caseward.store.db import transaction
from caseward.store.releases import Release
from caseward.web import trying, words
from caseward.web.reasons import in_words, show

if TYPE_CHECKING:
    from caseward.packs.whatif import Change, Difference

PAST = 2000
"""Recorded decisions, the latest ones, that are decided again."""
SHOWN = 50
"""Of each kind of example."""
KEPT = 8
"""Pairs of releases whose differences are remembered."""
LABELS = {
    "approval": "Consent",
    "needs": "People who must consent",
    "auto_send": "Goes out by itself",
    "executor": "Runs the task",
    "holds": "Held",
    "missing": "Not known",
    "break_glass": "Wakes a person",
    "confidence": "Looked at below % of confidence",
    "hold_seconds": "Seconds held before it leaves",
    "expires_minutes": "Business minutes to decide",
}
"""Field of a decision → what it is called, in this order; the tier is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """An entry of the policy that is new, gone or changed."""

    kind: str
    id: str
    change: str
    what: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Otherwise:
    """A case that would be decided otherwise."""

    title: str
    href: str
    """Where to see the case; empty for none."""
    facts: Sequence[str]
    before: Tier
    after: Tier
    differs: Sequence[str]
    """Field by field, before and after."""
    try_href: str
    """Where to try the rules on its facts, as they are served now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """Something about the pack that was proved, or fails."""

    text: str
    holds: bool
    counterexample: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """What one release would do instead of another."""

    written: Sequence[Written] = ()
    examples: Sequence[Otherwise] = ()
    """One of each kind of difference; empty where it is proved that there is none."""
    golden: Sequence[Otherwise] = ()
    cases: Sequence[Otherwise] = ()
    tried: int = 0
    """Recorded decisions that were decided again."""
    changed: int = 0
    """How many of them would have been otherwise."""
    unreadable: int = 0
    statements: Sequence[Statement] = ()
    faults: Sequence[str] = ()
    """What keeps it from being served."""
    warnings: Sequence[str] = ()

    @property
    def holds(self) -> int:
        """How many statements hold."""
        return sum(each.holds for each in self.statements)

    @property
    def sound(self) -> bool:
        """Whether it may be served."""
        return not self.faults and self.holds == len(self.statements)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Key:
    """All that what is certain about two releases depends on."""

    before: str
    before_digest: str
    after: str
    after_digest: str
    today: date
    phase: int | None


@dataclass(slots=True)
class _Found:
    """What is known of a pair of releases."""

    work: Future[Effects] | None = None
    """That which finds it out, until it has."""
    effects: Effects | None = None
    failed: bool = False
    upto: int = 0
    """The last decision that was there when it was begun."""


_found: dict[_Key, _Found] = {}
_lock = threading.Lock()
_prover = ThreadPoolExecutor(max_workers=1, thread_name_prefix="prover")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What can be said of a proposal's effects now."""

    effects: Effects | None
    failed: bool = False
    """It could not be found out; asking again tries again."""

    @property
    def proving(self) -> bool:
        """Whether it is being found out."""
        return self.effects is None and not self.failed


def known(before: Release, after: Release) -> Known:
    """Return what is known of what `after` would do instead of `before`, and have the rest found out beside."""
    with transaction():
        decided, newest = phases.current(), releases.newest_decision()
    key = _Key(
        before=before.id,
        before_digest=before.digest,
        after=after.id,
        after_digest=after.digest,
        today=tools.now().date(),
        phase=decided.id if decided else None,
    )
    with _lock:
        found = _found.setdefault(key, _Found())
        _take_up(found)
        while len(_found) > KEPT:
            del _found[next(iter(_found))]
        known = Known(effects=found.effects, failed=found.failed)
        if found.work is None and (known.proving or (known.effects is not None and found.upto != newest)):
            found.work, found.upto = _prover.submit(_effects, key), newest
        found.failed = False
    return known


def finish() -> None:
    """Wait until nothing is being found out."""
    with _lock:
        left = [found.work for found in _found.values() if found.work is not None]
    wait(left, timeout=30)


def _take_up(found: _Found) -> None:
    """Take what has been found out meanwhile."""
    if found.work is None or not found.work.done():
        return
    error = found.work.exception()
    if error is None:
        found.effects = found.work.result()
    elif found.effects is None:
        found.failed = True
    if error is not None:
        structlog.get_logger(__name__).warning("what a change would do was not found out", error=str(error)[:200])
    found.work = None


def _effects(key: _Key) -> Effects:
    """Return what one release would do instead of another; raise NotFound where the files of one were not kept."""
    with precedence.behind():
        return _compared(key)


def _compared(key: _Key) -> Effects:
    from caseward.packs import whatif

    study = _study(key)
    if study.was is None or study.becomes is None:
        return study.effects
    with transaction():
        past = [
            whatif.Past(where=f"{each.case} {each.turn}", facts=each.facts, at=each.at)
            for each in releases.past(limit=PAST)
        ]
    replay = whatif.replay(study.was, study.becomes, past)
    return replace(
        study.effects,
        cases=[_of_a_case(study.was, study.becomes, each) for each in replay.cases[:SHOWN]],
        tried=replay.tried,
        changed=len(replay.cases),
        unreadable=len(replay.unreadable),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Study:
    """All that two releases make certain, whatever has happened meanwhile."""

    effects: Effects
    was: Pack | None = None
    becomes: Pack | None = None


@lru_cache(maxsize=KEPT)
def _study(key: _Key) -> _Study:
    """Return what two releases make certain."""
    from caseward.packs import check, whatif  # the prover is large; only who compares waits for it

    with transaction():
        old, new = releases.files(key.before), releases.files(key.after)
    with shelf.laid_out(old) as folder:
        was = shelf.named(load(folder), key.before)
    with shelf.laid_out(new) as folder:
        report = check.check(folder, skills=tools.built_in(), today=key.today)
    faults = [f"{each}; {each.fix}" if each.fix else str(each) for each in report.errors]
    if report.pack is None:
        return _Study(effects=Effects(faults=faults))
    with transaction():
        was, becomes = current.in_phase(was), current.in_phase(shelf.named(report.pack, key.after))
    compared = whatif.compare(was, becomes, limit=SHOWN)
    found = Effects(
        written=[Written(kind=each.kind, id=each.id, change=each.change, what=each.what) for each in compared.rules],
        examples=[
            _otherwise(
                was, becomes, each, title=f"{each.phase}, {each.topology}", phase=each.phase, topology=each.topology
            )
            for each in compared.differences
        ],
        golden=[_otherwise(was, becomes, each, title=each.where) for each in compared.golden[:SHOWN]],
        statements=[
            Statement(text=words.humane(each.name), holds=each.holds, counterexample=each.counterexample)
            for each in report.proofs
        ],
        faults=faults,
        warnings=[f"{each}; {each.fix}" if each.fix else str(each) for each in report.warnings],
    )
    return _Study(effects=found, was=was, becomes=becomes)


def _of_a_case(was: Pack, becomes: Pack, change: Change) -> Otherwise:
    number, _, turn = change.where.partition(" ")
    return _otherwise(was, becomes, change, title=f"#{number}, turn {turn}", href=f"/cases/{number}?tab=trace#file")


def _otherwise(
    was: Pack,
    becomes: Pack,
    change: Change | Difference,
    *,
    title: str,
    href: str = "",
    phase: str = "",
    topology: str = "",
) -> Otherwise:
    policy = becomes.policy
    specs = {**was.policy.facts, **policy.facts}
    say = Tongue(facts=specs, name=in_words, show=show)
    there = replace(policy, phase=phase or policy.phase, topology=topology or policy.topology)
    return Otherwise(
        title=title,
        href=href,
        facts=[f"{in_words(name)} is {say.value(name, change.facts[name])}" for name in specs if name in change.facts],
        before=change.before.tier,
        after=change.after.tier,
        differs=[
            f"{LABELS[name]}: {before} → {after}"
            for name in LABELS
            if (before := _field(was, change.before, name)) != (after := _field(becomes, change.after, name))
        ],
        try_href=trying.address(there, change.facts),
    )


def _field(pack: Pack, decision: Decision, name: str) -> str:
    """Return one field of a decision in words."""
    value = getattr(decision, name)
    if name == "approval":
        return words.lane(pack, value)
    if isinstance(value, frozenset | tuple):
        return joined(sorted(words.humane(str(each)).lower() for each in value)) or "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "none" if value is None else words.humane(str(value)).lower() if isinstance(value, str) else str(value)
