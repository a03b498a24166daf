"""Ask a pack: is it sound, and what does it decide?"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caseward.cli.say import AsJson, PackFolder, as_text, document, line, no, pack_folder, parse, read_text
from caseward.core.errors import BadInput, PackError
from caseward.core.facts import Value, parse_facts
from caseward.core.policy import Decision, Policy, decide

if TYPE_CHECKING:
    from caseward.packs.check import Report


class Phase(StrEnum):
    """How far the business trusts the desk."""

    PILOT = "pilot"
    HARDENING = "hardening"
    PRODUCTION = "production"


class Topology(StrEnum):
    """Who asks whom."""

    HUB = "hub"
    EMPOWERED = "empowered"


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    app.command("check")(check_pack)
    app.command("decide")(decide_facts)


def check_pack(pack: PackFolder, as_json: AsJson = False) -> None:
    """Check a pack: its files, what they say of each other, its golden cases, and what it promises, for all facts."""
    from caseward.adapters import find
    from caseward.packs import check
    from caseward.settings import Settings

    folder = pack_folder(pack)
    skills = find.skill_names(Settings.load().skills)
    report = check.check(folder, skills=skills, today=datetime.now(UTC).date())
    if as_json:
        document(_as_json(report))
    else:
        _in_words(report, pack)
    if not report.ok:
        raise no()


def decide_facts(
    pack: PackFolder,
    facts: Annotated[
        str, typer.Option(metavar="FILE", help="A JSON object: fact → value. `-` is standard input.")
    ] = "-",
    as_json: AsJson = False,
    jsonl: Annotated[bool, typer.Option("--jsonl", help="Read one object a line, print one decision a line.")] = False,
    phase: Annotated[Phase | None, typer.Option(help="Decide as in this phase.")] = None,
    topology: Annotated[Topology | None, typer.Option(help="Decide as in this topology.")] = None,
) -> None:
    """Ask the gate: facts in (unknown ones left out), the decision out."""
    from caseward.packs.load import load_policy

    policy = load_policy(pack_folder(pack))
    policy = replace(policy, phase=phase or policy.phase, topology=topology or policy.topology)
    if jsonl:
        for where, text in json_lines(facts):
            line(_decision(_decide(policy, parse(text, where), where)))
        return
    name = "standard input" if facts == "-" else facts
    decision = _decide(policy, parse(read_text(facts), name), name)
    if as_json:
        document(_decision(decision))
    else:
        _print_decision(policy, decision)


def json_lines(path: str) -> Iterator[tuple[str, str]]:
    """Yield where each line stands and what it says, as it comes in; empty ones are left out."""
    if path == "-":
        source: Iterator[bytes] = iter(sys.stdin.buffer)
    else:
        source = iter(read_text(path).encode().splitlines())
    for number, raw in enumerate(source, 1):
        where = f"line {number}"
        text = as_text(raw, where)
        if text.strip():
            yield where, text


def _decide(policy: Policy, raw: Any, where: str) -> Decision:
    return decide(policy, typed_facts(policy, raw, where))


def typed_facts(policy: Policy, raw: Any, where: str) -> Mapping[str, Value]:
    """Return what stood in `where` as facts of the pack; raise BadInput that says what is wrong with it."""
    if not isinstance(raw, dict):
        raise BadInput(f'{where}: facts are a JSON object, such as {{"intent": "faq", "identity": "unknown"}}')
    try:
        return parse_facts(policy.facts, raw)
    except BadInput as error:
        hint = "; leave an unknown fact out" if None in raw.values() else ""
        raise BadInput(f"{where}: {error}{hint}") from None


def _decision(decision: Decision) -> Mapping[str, Any]:
    return {
        "tier": str(decision.tier),
        "approval": decision.approval,
        "auto_send": decision.auto_send,
        "executor": decision.executor,
        "rules": list(decision.rules),
        "possible": list(decision.possible),
        "missing": list(decision.missing),
        "hold": decision.hold,
        "release": decision.release,
    }


def _print_decision(policy: Policy, decision: Decision) -> None:
    consent = "goes out by itself" if decision.auto_send else f"needs consent in lane {decision.approval}"
    print(f"{decision.tier}, {consent}" + ("" if decision.executor is None else "; operations may then run the task"))
    if decision.hold:
        print(f"held: {decision.hold}")
    because = {rule.id: rule.because for rule in policy.rules}
    for name in decision.rules:
        print(f"  {name}: {because[name]}")
    if decision.missing:
        print(f"missing: {', '.join(decision.missing)}")
    print(f"release {decision.release}, {policy.phase}, {policy.topology}")


def _as_json(report: Report) -> Mapping[str, Any]:
    return {
        "ok": report.ok,
        "errors": [_entry(error) for error in report.errors],
        "warnings": [_entry(warning) for warning in report.warnings],
        "proofs": [
            {"name": proof.name, "holds": proof.holds, "counterexample": proof.counterexample or None}
            for proof in report.proofs
        ],
    }


def _entry(error: PackError) -> Mapping[str, Any]:
    return {"file": error.file, "line": error.line, "rule": error.rule, "message": error.message, "fix": error.fix}


def _in_words(report: Report, name: str) -> None:
    for error in report.errors:
        print(f"{error}; {error.fix}" if error.fix else error)
    for warning in report.warnings:
        print(f"warning: {warning}; {warning.fix}")
    for proof in report.proofs:
        print(f"holds: {proof.name}" if proof.holds else f"DOES NOT HOLD: {proof.name}")
    if report.pack is None or not report.ok:
        print(f"{name} is not fit to be served: {len(report.errors)} to mend.")
        return
    pack = report.pack
    print(
        f"{name} {pack.profile.release} is sound: {len(pack.policy.rules)} rules, {len(pack.golden)} golden cases, "
        f"{len(pack.articles)} pages, {len(pack.templates)} templates."
    )
