"""Explain a decision: which rules matched and why, which nearly did, and what would have to be otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caseward.cli.rules import Phase, Topology, typed_facts
from caseward.cli.say import AsJson, document, pack_folder, parse, read_text
from caseward.core.changes import Change, Found
from caseward.core.errors import BadInput
from caseward.core.explain import Explanation, Need, Unmatched, explain
from caseward.core.policy import Hold, Policy, Rule
from caseward.core.telling import Tongue, demands, joined

if TYPE_CHECKING:
    from pathlib import Path

    from caseward.web.explained import Explained

Plain = dict[str, Any]
SHOWN = 12
"""Near misses that people read; --json has them all."""
WIDTH = 66
"""Columns after which values are not aligned any more."""
NO_CHANGE = "no change of up to three facts leads there"
NOT_FOUND = "no change was found; there are too many to try them all"
STOPS = {
    "hold": "it is held: {hold}",
    "lane": "lane {lane} must consent",
    "rule": "{rules} says that nothing goes out by itself",
    "row": "the approval matrix does not let {tier} go",
}
"""What keeps a reply from going out by itself → words."""


def add_to(app: typer.Typer) -> None:
    """Add this command."""
    app.command("explain")(explain_it)


def explain_it(
    case: Annotated[str, typer.Argument(metavar="[CASE]", help="A case's number or id.")] = "",
    facts: Annotated[
        str,
        typer.Option(metavar="FILE", help="Instead of a case: a JSON object, fact → value. `-` is standard input."),
    ] = "",
    pack: Annotated[
        str, typer.Option(metavar="PACK", help="Whose rules; left out, those of the pack that is served.")
    ] = "",
    as_json: AsJson = False,
    phase: Annotated[Phase | None, typer.Option(help="Decide as in this phase.")] = None,
    topology: Annotated[Topology | None, typer.Option(help="Decide as in this topology.")] = None,
) -> None:
    """Explain a case, or any facts: rule by rule and fact by fact, who consents, and what would change the decision."""
    if bool(case) == bool(facts):
        raise BadInput("name a case, such as `caseward explain 1001`, or facts with --facts FILE (- is standard input)")
    if case and (pack or phase or topology):
        raise BadInput("a case is explained by the rules it was decided on; leave --pack, --phase and --topology out")
    if case:
        _explain_case(case, as_json=as_json)
        return
    from caseward.packs.load import load_policy

    policy = load_policy(_folder(pack))
    policy = replace(policy, phase=phase or policy.phase, topology=topology or policy.topology)
    name = "standard input" if facts == "-" else facts
    known = typed_facts(policy, parse(read_text(facts), name), name)
    told = explain(policy, known)
    if as_json:
        document({"facts": known, "phase": policy.phase, "topology": policy.topology, **shape(policy, told)})
    else:
        print("\n".join(words(policy, told)))


def _folder(pack: str) -> Path:
    from caseward.settings import Settings

    return pack_folder(pack) if pack else Settings.load().pack


# --- as JSON ----------------------------------------------------------------------------------------------------------


def shape(policy: Policy, told: Explanation) -> Plain:
    """Return an explanation as it is printed with --json."""
    tongue, decision = Tongue(facts=policy.facts), told.decision
    return {
        "decision": {
            "tier": str(decision.tier),
            "approval": decision.approval,
            "needs": decision.needs,
            "auto_send": decision.auto_send,
            "executor": decision.executor,
            "hold": decision.hold,
            "release": decision.release,
        },
        "matched": [
            {
                **_rule(each.rule),
                "lines": [
                    {"says": tongue.line(met.line), "fact": met.line.fact, "value": met.value} for met in each.met
                ],
            }
            for each in told.matched
        ],
        "possible": [_unmatched(tongue, each) for each in told.possible],
        "near": [_unmatched(tongue, each) for each in told.near],
        "missing": [
            {"fact": each.fact, "because": policy.facts[each.fact].because, "rules": list(each.rules)}
            for each in told.missing
        ],
        "consent": {
            "lane": decision.approval,
            "asked_by": [{"by": each.by, "id": each.id, "says": tongue.asks(each)} for each in told.asked],
        },
        "alone": {
            "stops": list(told.alone.stops),
            "settings": [{"phase": phase, "topology": topology} for phase, topology in told.alone.settings],
            **_found(tongue, told.alone.found),
        },
        "another": [{"tier": str(each.tier), **_found(tongue, each.found)} for each in told.another],
    }


def _rule(rule: Rule) -> Plain:
    return {"rule": rule.id, "tier": str(rule.tier), "because": rule.because, "source": rule.source}


def _unmatched(tongue: Tongue, told: Unmatched) -> Plain:
    return {
        **_rule(told.rule),
        "unknown": list(told.unknown),
        "ways": [
            [{"fact": need.fact, "now": need.now, "says": tongue.needed(need)} for need in needs] for needs in told.ways
        ],
    }


def _found(tongue: Tongue, found: Found) -> Plain:
    return {
        "changes": [[_change(tongue, change) for change in changes] for changes in found.changes],
        "complete": found.complete,
    }


def _change(tongue: Tongue, change: Change) -> Plain:
    span = {"low": change.low, "high": change.high} if (change.low, change.high) != (None, None) else {}
    values = {"values": list(change.values)} if change.values else {}
    return {
        "fact": change.fact,
        "now": change.before,
        "value": change.value,
        **values,
        **span,
        "says": tongue.changed(change),
    }


# --- in words ---------------------------------------------------------------------------------------------------------


def words(policy: Policy, told: Explanation) -> Iterator[str]:
    """Yield an explanation as people read it."""
    tongue, decision = Tongue(facts=policy.facts), told.decision
    consent = "goes out by itself" if decision.auto_send else f"needs consent in lane {decision.approval}"
    runs = "; operations may then run the task" if decision.executor else ""
    yield f"{decision.tier}, {consent}{runs} (release {decision.release}, {policy.phase}, {policy.topology})"
    if decision.hold:
        yield f"held: {', '.join(each for each in Hold if each in decision.holds)}"
    yield from _reasons(tongue, told)
    yield from _consent(tongue, told)
    yield from _otherwise(tongue, told)


def _reasons(tongue: Tongue, told: Explanation) -> Iterator[str]:
    yield from _title("Matched", "" if told.matched else "no rule for sure, which asks for the most care")
    for matched in told.matched:
        yield from _headed(matched.rule)
        rows = [(tongue.line(met.line), tongue.value(met.line.fact, met.value)) for met in matched.met]
        yield from _columns(rows, indent=6)
    if told.possible:
        yield from _title("May match", "what is unknown counts as a match")
    for possible in sorted(told.possible, key=lambda each: -each.rule.tier):
        yield from _headed(possible.rule)
        yield from (f"      {way}" for way in _ways(tongue, possible.ways))
    if told.missing:
        yield from _title("Missing", "nothing is released before these are known")
        yield from _columns([(each.fact, tongue.facts[each.fact].because) for each in told.missing], indent=2)
    if told.near:
        yield from _title("Nearly matched", "but for one or two facts")
    for near in told.near[:SHOWN]:
        yield f"  {near.rule.tier}  {near.rule.id}" + (f" ({also})" if (also := demands(near.rule)) else "")
        yield from (f"      {way}" for way in _ways(tongue, near.ways))
    if len(told.near) > SHOWN:
        yield f"  and {len(told.near) - SHOWN} more, which --json lists"


def _consent(tongue: Tongue, told: Explanation) -> Iterator[str]:
    decision, alone = told.decision, told.alone
    yield from _title("Consent", "")
    if not told.asked:
        yield f"  lane {decision.approval}: nobody is asked"
    for each in told.asked:
        people = f", {decision.needs} people of it" if decision.needs > 1 else ""
        yield f"  lane {decision.approval}{people}: {tongue.asks(each)}"
    yield from _title("To go out by itself", "" if alone.stops else "it does")
    said = {"hold": decision.hold, "lane": decision.approval, "rules": ", ".join(alone.rules), "tier": decision.tier}
    yield from (f"  {STOPS[name].format(**said)}" for name in alone.stops)
    if alone.stops:
        where = "; ".join(f"{phase}, {topology}" for phase, topology in alone.settings)
        yield f"  on the same facts: {f'it does in {where}' if where else 'in no phase and topology'}"
        yield from _changes(tongue, alone.found, "  ")


def _otherwise(tongue: Tongue, told: Explanation) -> Iterator[str]:
    yield from _title("What would have to change", "")
    for each in told.another:
        yield from _changes(tongue, each.found, f"  {each.tier}  ")


def _changes(tongue: Tongue, found: Found, lead: str) -> Iterator[str]:
    if not found.changes:
        yield lead + (NO_CHANGE if found.complete else NOT_FOUND)
    for number, changes in enumerate(found.changes):
        yield (lead if number == 0 else " " * len(lead)) + _choice(number, map(tongue.changed, changes))


def _ways(tongue: Tongue, ways: Sequence[Sequence[Need]]) -> Iterator[str]:
    for number, needs in enumerate(ways):
        yield _choice(number, map(tongue.needed, needs))


def _choice(number: int, parts: Iterable[str]) -> str:
    return ("or " if number else "if ") + joined(parts)


def _title(title: str, rest: str) -> Iterator[str]:
    yield ""
    yield f"{title}: {rest}" if rest else title


def _headed(rule: Rule) -> Iterator[str]:
    source = f" ({rule.source})" if rule.source else ""
    also = demands(rule)
    yield f"  {rule.tier}  {rule.id}" + (f" ({also})" if also else "")
    yield f"      {rule.because}{source}"


def _columns(rows: Sequence[tuple[str, str]], *, indent: int) -> Iterator[str]:
    width = min(max((len(left) for left, _right in rows), default=0), WIDTH)
    yield from (f"{' ' * indent}{left:<{width}}  {right}".rstrip() for left, right in rows)


# --- a case -----------------------------------------------------------------------------------------------------------


def _explain_case(case: str, *, as_json: bool) -> None:
    from datetime import UTC, datetime

    from caseward import app
    from caseward.cli.looking import connected
    from caseward.desk import tools
    from caseward.packs.load import load
    from caseward.store import casefile
    from caseward.store.db import transaction
    from caseward.web import api_read, explained

    with connected() as settings:
        pack = load(settings.pack)
        # Whether people may consent right now depends on the systems behind the skills.
        tools.use(app.make_tools(settings, pack, lambda: datetime.now(UTC), brain=tools.NoBrain()))
        try:
            with transaction():
                file = casefile.read(case.lstrip("#"))
                read = api_read.case(file).model_dump(mode="json", by_alias=True)
                told = {each.turn: each for each in explained.of_case(pack, file)}
        finally:
            tools.use(None)
    decisions = read.pop("decisions")
    if as_json:
        read["decisions"] = [{**each, **_explained(told[each["turn"]])} for each in decisions]
        document({**read, "decision": read["decisions"][0] if read["decisions"] else None})
    else:
        print("\n".join(_told({**read, "decisions": decisions}, told)))


def _explained(told: Explained) -> Plain:
    awake = {*told.explanation.decision.rules, *told.explanation.decision.possible}
    return {
        "because": {rule.id: _rule(rule) for rule in told.policy.rules if rule.id in awake},
        "rules_of": told.policy.release,
        "explanation": shape(told.policy, told.explanation),
        "notes": list(told.notes),
    }


def _told(read: Plain, told: Mapping[int, Explained]) -> Iterator[str]:
    contact = f", {read['contact']['name']}" if read["contact"] else ", nobody we know"
    yield f"Case {read['number']} ({read['id']}): {read['status']}{contact}, {read['intent'] or 'no intent yet'}"
    for each in reversed(read["decisions"]):
        yield ""
        yield from _decision(each, told[each["turn"]])
    for each in read["approvals"]:
        yield ""
        yield f"Asked in lane {each['lane']}: {each['question']} {each['why']}".rstrip()
        yield f"  {each['state']}" + (f" by {each['decided_by']} at {each['decided_at']}" if each["decided_by"] else "")
        if each["held_until"]:
            yield f"  held until {each['held_until']}; until then it can be undone"
        if each["needs"] > 1:
            yield f"  {len(each['votes'])} of {each['needs']} who are needed have approved"
            for vote in each["votes"]:
                yield f"  consent of {vote['person']} at {vote['at']}" + (
                    f": {vote['conditions']}" if vote["conditions"] else ""
                )
        for name in ("reason", "conditions"):
            if each[name]:
                yield f"  {name}: {each[name]}"
        yield f"  words: {_indented(each['reply'])}"
    for each in read["tasks"]:
        yield ""
        result = f", {each['result']['status']} {each['result']['reference']}".rstrip() if each["result"] else ""
        yield f"Task {each['skill']}: {each['summary'] or each['key']}: {each['state']}{result}"
    yield ""
    for each in read["messages"]:
        yield f"{each['at']}  {each['from']}: {_indented(each['text'])}"


def _decision(read: Plain, told: Explained) -> Iterator[str]:
    yield f"Turn {read['turn']}, {read['at']}"
    yield from (f"  {line}" if line else "" for line in words(told.policy, told.explanation))
    yield ""
    yield "  Facts"
    for fact in read["facts"]:
        yield f"    {fact['name']} = {fact['value']} (from {fact['source']} at {fact['at']})"
    yield from (f"  {note}" for note in told.notes)


def _indented(text: str) -> str:
    return text.replace("\n", "\n    ")
