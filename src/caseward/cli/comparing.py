"""Compare two packs: what would the second decide otherwise, ever and in the cases that were?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict
from itertools import chain
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caseward.cli.looking import connected
from caseward.cli.rules import json_lines
from caseward.cli.say import AsJson, document, no, pack_folder, parse
from caseward.core.errors import BadInput
from caseward.core.facts import FactSpec
from caseward.core.policy import Decision

if TYPE_CHECKING:
    from caseward.packs.whatif import Change, Comparison, Difference, Past

SHOWN = 20
"""Examples, and past cases that are told in words."""
Pack = Annotated[str, typer.Argument(metavar="PACK", help="A pack's folder, or the name of one that came along.")]


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command("whatif")(what_if)


def what_if(
    pack: Pack,
    other: Annotated[str, typer.Argument(metavar="OTHER", help="The pack that it would be instead.")],
    cases: Annotated[
        str,
        typer.Option(metavar="FILE", help='Past cases, one JSON object a line: facts, or {"case": …, "facts": {…}}.'),
    ] = "",
    recorded: Annotated[bool, typer.Option("--recorded", help="Try all that this desk has decided.")] = False,
    limit: Annotated[int, typer.Option(min=1, max=200, help="Examples at most, each of another kind.")] = SHOWN,
    as_json: AsJson = False,
) -> None:
    """Prove whether two packs ever decide differently, show how, and decide golden and past cases again."""
    from caseward.packs import whatif
    from caseward.packs.load import load

    before, after = load(pack_folder(pack)), load(pack_folder(other))
    with ExitStack() as stack:
        past: Iterable[Past] = _told(cases) if cases else ()
        if recorded:
            past = chain(past, _recorded(stack))
        found = whatif.compare(before, after, past, limit=limit)
    if as_json:
        document(as_told(found))
    else:
        specs = {**before.policy.facts, **after.policy.facts}
        print("\n".join(told_in_words(found, specs, limit)))
    if not found.same:
        raise no()


def _told(cases: str) -> Iterator[Past]:
    from caseward.packs.whatif import Past

    for where, text in json_lines(cases):
        raw = parse(text, where)
        if not isinstance(raw, dict):
            raise BadInput(f'{where}: a case is a JSON object, such as {{"case": 1001, "facts": {{"intent": "faq"}}}}')
        facts = raw.get("facts", raw)
        if not isinstance(facts, dict):
            raise BadInput(f'{where}: facts are a JSON object, such as {{"intent": "faq"}}')
        yield Past(where=f"{where}, case {raw['case']}" if facts is not raw and "case" in raw else where, facts=facts)


def _recorded(stack: ExitStack) -> Iterator[Past]:
    from caseward.store.db import transaction

    stack.enter_context(connected())
    stack.enter_context(transaction())
    yield from recorded_cases()


def recorded_cases() -> Iterator[Past]:
    """Yield what the desk has decided, in the transaction that is open."""
    from caseward.packs.whatif import Past
    from caseward.store import releases

    for each in releases.past():
        yield Past(where=f"case {each.case}, turn {each.turn}", facts=each.facts, at=each.at)


# --- as JSON ----------------------------------------------------------------------------------------------------------


def as_told(found: Comparison) -> Mapping[str, Any]:
    """Return a comparison as it is printed for programs."""
    return {
        "same": found.same,
        "rules": [asdict(each) for each in found.rules],
        "differences": [_pair(each) | {"phase": each.phase, "topology": each.topology} for each in found.differences],
        "golden": [_change(each) for each in found.golden],
        "cases": [_change(each) for each in found.cases],
        "tried": found.tried,
        "unreadable": list(found.unreadable),
    }


def _change(change: Change) -> Mapping[str, Any]:
    return {"where": change.where, "differs": list(change.differs), **_pair(change)}


def _pair(each: Change | Difference) -> dict[str, Any]:
    return {"facts": each.facts, "before": _decision(each.before), "after": _decision(each.after)}


def _decision(decision: Decision) -> Mapping[str, Any]:
    return {**asdict(decision), "tier": str(decision.tier)}


# --- in words ---------------------------------------------------------------------------------------------------------


def told_in_words(found: Comparison, specs: Mapping[str, FactSpec], limit: int = SHOWN) -> Iterator[str]:
    """Yield the lines that tell a comparison to people."""
    from caseward.packs.subject import answer, in_words

    for rule in found.rules:
        yield f"{rule.change} {rule.kind} {rule.id}"
        if rule.change == "changed":
            yield from (f"    {what}" for what in rule.what)
    for each in found.differences:
        yield f"differs in {each.phase}, {each.topology} on {in_words(specs, each.facts)}"
        yield f"    before: {answer(each.before)}"
        yield f"    after:  {answer(each.after)}"
    if not found.differences:
        yield "the same on all facts, in every phase and topology: proved"
    elif len(found.differences) == limit:
        yield f"{limit} kinds of difference are shown; there may be more, see --limit"
    for what, changes in (("golden case", found.golden), ("past case", found.cases)):
        yield from (f"{what} {change.where}: {_change_in_words(change)}" for change in changes[:SHOWN])
        if len(changes) > SHOWN:
            yield f"and {len(changes) - SHOWN} more, which --json lists"
    if found.tried:
        yield f"{len(found.cases)} of {found.tried} past cases would be decided otherwise"
    yield from (f"not tried: {each}" for each in found.unreadable)


def _change_in_words(change: Change) -> str:
    names = [name for name in change.differs if name != "holds"]  # `hold` is the first of them
    return ", ".join(f"{name} {_shown(change.before, name)} → {_shown(change.after, name)}" for name in names)


def _shown(decision: Decision, name: str) -> str:
    value = getattr(decision, name)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (", ".join(value) if isinstance(value, tuple) else str(value or "")) or "none"
