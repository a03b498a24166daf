"""Look at a desk: why a case was decided as it was, whether its log is whole, whether it is fit to serve."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from caseward.cli.say import AsJson, document, no, why_away
from caseward.core.errors import CasewardError

if TYPE_CHECKING:
    from caseward.core.pack import Pack
    from caseward.settings import Settings


def add_to(app: typer.Typer) -> None:
    """Add these commands."""
    log = typer.Typer(help="The action log.", no_args_is_help=True, rich_markup_mode=None)
    log.command("verify")(verify_log)
    app.add_typer(log, name="log")
    app.command("explain")(explain)
    app.command("doctor")(doctor)


@contextmanager
def connected() -> Iterator[Settings]:
    """Connect the store to the database that the settings mean, for one command."""
    from caseward.settings import Settings
    from caseward.store import place

    settings = Settings.load()
    with ExitStack() as stack:
        place.look_in(settings, stack)
        yield settings


def explain(
    case: Annotated[str, typer.Argument(metavar="CASE", help="A case's number or id.")], as_json: AsJson = False
) -> None:
    """Explain a case: its decision rule by rule and fact by fact, who consented, and the words that were said."""
    from caseward.packs.load import load
    from caseward.store import casefile
    from caseward.store.db import transaction
    from caseward.web import api_read

    with connected() as settings:
        pack = load(settings.pack)
        with transaction():
            read = api_read.case(casefile.read(case.lstrip("#"))).model_dump(mode="json", by_alias=True)
    because = {
        rule.id: {"tier": str(rule.tier), "because": rule.because, "source": rule.source} for rule in pack.policy.rules
    }
    decisions = read.pop("decisions")
    read["decisions"] = [
        {**each, "because": {name: because[name] for name in (*each["rules"], *each["possible"]) if name in because}}
        for each in decisions
    ]
    if as_json:
        document({**read, "decision": read["decisions"][0] if read["decisions"] else None})
    else:
        print("\n".join(_explained(read, pack)))


def _explained(read: Mapping[str, Any], pack: Pack) -> Iterator[str]:
    contact = f", {read['contact']['name']}" if read["contact"] else ", nobody we know"
    yield f"Case {read['number']} ({read['id']}): {read['status']}{contact}, {read['intent'] or 'no intent yet'}"
    for each in reversed(read["decisions"]):
        consent = "goes out by itself" if each["auto_send"] else f"lane {each['approval']}"
        yield ""
        yield f"Turn {each['turn']}, {each['at']}: {each['tier']}, {consent}, release {each['release']}"
        if each["release"] != pack.profile.release:
            yield f"  (the rules below are told in the words of release {pack.profile.release})"
        for name in each["rules"]:
            yield f"  rule {name}: {_rule(each, name)}"
        for name in each["possible"]:
            yield f"  may match {name}: {_rule(each, name)}"
        if each["hold"]:
            yield f"  held: {each['hold']}"
        for fact in each["facts"]:
            yield f"  fact {fact['name']} = {fact['value']} (from {fact['source']} at {fact['at']})"
        for name in each["missing"]:
            yield f"  fact {name} is not known"
    for each in read["approvals"]:
        yield ""
        yield f"Asked in lane {each['lane']}: {each['question']} {each['why']}".rstrip()
        yield f"  {each['state']}" + (f" by {each['decided_by']} at {each['decided_at']}" if each["decided_by"] else "")
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


def _rule(decision: Mapping[str, Any], name: str) -> str:
    known = decision["because"].get(name)
    if known is None:
        return "not in the pack any more"
    source = f" (source {known['source']})" if known["source"] else ""
    return f"{known['tier']}, {known['because']}{source}"


def _indented(text: str) -> str:
    return text.replace("\n", "\n    ")


def verify_log(as_json: AsJson = False) -> None:
    """Check the action log's chain and its signed heads, and name the first entry that does not fit."""
    from caseward.store import log, place, seals
    from caseward.store.db import transaction

    with connected() as settings, transaction():
        broken = log.verify() or seals.verify(place.trusted(settings))
        entries, sealed = log.length(), seals.count()
    if as_json:
        told = {"seq": broken.seq, "why": broken.why} if broken else None
        document({"ok": broken is None, "entries": entries, "signed_heads": sealed, "broken": told})
    elif broken is None:
        print(
            f"The action log is whole: {entries} entries, each linked to the one before it; {sealed} signed heads hold."
        )
    else:
        print(f"The action log is BROKEN at entry {broken.seq}: {broken.why}.")
    if broken is not None:
        raise no()


def doctor(as_json: AsJson = False) -> None:
    """Say whether the desk is ready for the shift: database, workers, channels, systems, release, backlog."""
    from caseward.cli.readiness import Check, checks

    found: list[Check] = []
    try:
        with connected() as settings:
            found = checks(settings)
    except Exception as error:
        away = str(error) if isinstance(error, CasewardError) else why_away(error)
        if not away:
            raise
        found = [Check(name="database", ok=False, detail=away)]
    ready = all(each.ok for each in found)
    if as_json:
        told = [{"name": each.name, "ok": each.ok, "detail": each.detail} for each in found]
        document({"ready": ready, "checks": told})
    else:
        for each in found:
            print(f"{'ok  ' if each.ok else 'FAIL'}  {each.name}: {each.detail}")
        print("Ready." if ready else "Not ready.")
    if not ready:
        raise no()
