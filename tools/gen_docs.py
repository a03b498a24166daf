"""Write the reference pages from the code they describe: `python -m tools.gen_docs [--check]`.

With `--check` nothing is written; pages that no longer say what the code says are named, and the exit status is 1.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from caseward.core import kpis, roles
from caseward.core.conditions import OPERATORS_OF
from caseward.core.kpis import support
from caseward.packs.load import BESIDE, FILES, FOLDERS, load
from caseward.settings import Settings, variable
from tools import commands, complaints, http_api
from tools.source import NOTE, ClassDoc, cell, classes, codes, left_out, plain, takes

ROOT = Path(__file__).parents[1]
SAMPLE = "packs/vocal-coaching"
BEGIN, END = "<!-- written by make docs -->\n", "<!-- until here -->"


SHAPES = (
    *(
        "core/pack.py",
        "core/knowledge.py",
        "core/facts.py",
        "core/policy.py",
        "core/invariant.py",
        "core/declared.py",
        "core/channels.py",
        "core/agents.py",
        "core/kpis/registry.py",
    ),
    "packs/schema.py",
)
"""Where the classes that give a pack file its shape stand."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One file of a pack: the classes that give its shape, each with the one that explains a field of the same name."""

    file: str
    intro: str
    shapes: tuple[tuple[str, str], ...] = ()
    without: tuple[str, ...] = ()
    """Fields that do not stand in this file."""


def core(*names: str) -> tuple[tuple[str, str], ...]:
    """Shapes that explain themselves."""
    return tuple((name, name) for name in names)


SECTIONS = (
    Section(
        file="pack.yaml",
        intro="Who the business is and what it promises.",
        shapes=core(
            "Profile",
            "Holidays",
            "Sla",
            "Lane",
            "IdentityPolicy",
            "Match",
            "Limits",
            "Publishing",
            "Promotion",
            "Retention",
            "ChatLook",
        ),
    ),
    Section(
        file="facts.yaml",
        intro="What rules may ask about: a mapping from a fact's name to its type.",
        shapes=(("FactEntry", "FactSpec"),),
    ),
    Section(
        file="rules/",
        intro="Lists of rules, in as many files as reads best. All lines of `when` must hold. A line is `fact: "
        "value`, or `fact: {operator: value}`, or one of the groups `any`, `all` and `none`, each with a list"
        " of conditions. Of the rules that match, the highest tier wins; an unknown fact counts as a match; "
        "with no sure match the tier is R3.",
        shapes=(("RuleEntry", "Rule"),),
    ),
    Section(
        file="approvals.yaml",
        intro="The approval matrix: a list of rows. Where several cover a decision, the strictest lane counts, and "
        "a reply goes out by itself only if all of them say so. A decision that no row covers needs the "
        "strictest lane.",
        shapes=(("GrantEntry", "Grant"),),
    ),
    Section(
        file="break-glass.yaml",
        intro="Where a person is woken whatever tier and matrix say, a list. The file may be left out.",
        shapes=(("TriggerEntry", "Trigger"),),
    ),
    Section(
        file="invariants.yaml",
        intro="What the business promises of every decision, a list; `caseward check` proves each for all facts. "
        "`when` asks the pack's facts, `phase` and `topology`, and counts where it holds or might hold; left out, "
        "it holds always. `then` speaks of the decision: `tier`, `lane`, `auto_send`, `executes`, `hold`, `needs` and "
        "`hold_seconds`.",
        shapes=(("InvariantEntry", "Invariant"),),
    ),
    Section(
        file="agents.yaml",
        intro="Who does what, and who answers for it. `caseward check` refuses a pack in which two agents speak or two "
        "execute, one both approves and executes, an agent may more than [the house allows](capabilities.md), or work "
        "has nobody who answers for it.",
        shapes=(("Agents", "Agents"), ("Agent", "Agent"), ("Activity", "Activity")),
    ),
    Section(
        file="mutants.yaml",
        intro="Slips of the policy that no golden case, promise or proof notices, and why each is accepted: a list of "
        "`slip`, as `python -m tools.mutate PACK` in a checkout names it, and `because`. Nothing else reads the file; "
        "it may be left out.",
    ),
    Section(
        file="intents.yaml",
        intro="The kinds of matter the desk tells apart, a list, and what it proposes for each.",
        shapes=core("Intent", "Plan"),
        without=("Intent.asked_as",),
    ),
    Section(
        file="phrasings.yaml",
        intro="What the local brain learns from: intent → language → a list of sentences that people write.",
    ),
    Section(
        file="signals.yaml",
        intro="A list of detectors. What they find sets a floor that no classifier and no model lowers.",
        shapes=core("Signal"),
    ),
    Section(
        file="entities.yaml",
        intro="What messages name by its shape: a mapping from a name to how it looks. The house finds `email`, "
        "`phone`, `money`, `date` and `time` by itself. `identity.fields` may ask for any of the pack's own. The "
        "examples are tried when the pack is read. The file may be left out.",
        shapes=core("Entity"),
    ),
    Section(
        file="skills.yaml",
        intro="Skills over the built-in records, a list: readings for an intent's `reads`, writes for a plan's `task`. "
        "A reading's value whose name is a fact gives that fact; `x_at` also gives `minutes_to_x` and "
        "`minutes_since_x`. A value that the fact does not allow leaves it unknown. A write is done once for the "
        "plan's `key`, and only if no record it rests on moved meanwhile. The file may be left out.",
        shapes=core("DeclaredSkill", "Look", "Listing", "Entry", "Requirement", "Addition"),
    ),
    Section(
        file="knowledge/",
        intro="One page a file, named after its id. Only what stands here may be cited.",
        shapes=core("Article"),
    ),
    Section(
        file="templates/",
        intro="One template a file, named after its id.",
        shapes=core("Template"),
    ),
    Section(file="voice.yaml", intro="How a reply may sound.", shapes=core("Voice")),
    Section(
        file="lexicon.yaml",
        intro="A mapping from a language to its everyday words.",
        shapes=core("Lexicon", "Counting"),
    ),
    Section(
        file="channels.yaml",
        intro="How channels are used, and how the team speaks in its lanes. The file may be left out: then everybody "
        "is answered everywhere, and only proofs of identity count.",
        shapes=core("Channels", "ChannelPolicy", "Wording", "Outreach", "Confirmation", "Mailed", "Team"),
    ),
    Section(
        file="playbooks.yaml",
        intro="When the business writes first, a list. The file may be left out.",
        shapes=core("Playbook"),
    ),
    Section(
        file="kpis.yaml",
        intro="Which [figures](figures.md) the business watches, and what they should be. The file may be left out: "
        "then all of them are shown, without targets.",
        shapes=core("Kpis", "Watch"),
    ),
    Section(
        file="golden/",
        intro="Cases that prove the rules: `base` holds the facts that all cases of the file share. A case states "
        "those in which it differs, and in `without` those of the base that nobody knows.",
        shapes=(("GoldenFile", "GoldenFile"), ("GoldenEntry", "Golden"), ("ExpectEntry", "Expectation")),
    ),
    Section(
        file="records/",
        intro="Sample records for the demo, one kind a file: a list of documents, each with an `id` and whatever "
        "else the built-in systems know of it.",
    ),
)


def main(arguments: list[str]) -> int:
    """Write all pages, or with `--check` name the stale ones and return 1."""
    stale = []
    for path, text in pages():
        if not path.exists() or path.read_text("utf-8") != text:
            stale.append(str(path.relative_to(ROOT)))
            if "--check" not in arguments:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, "utf-8")
    if "--check" in arguments and stale:
        print(f"Docs: {', '.join(stale)} no longer say what the code says; run `make docs` and commit the result.")
        return 1
    print(f"Docs: {'wrote ' + ', '.join(stale) if stale else 'the reference says what the code says.'}")
    return 0


def pages() -> Iterator[tuple[Path, str]]:
    """Yield every page that is written, whole or in part, and what it should hold."""
    yield ROOT / "docs/reference/pack.md", pack_page()
    yield ROOT / "docs/reference/pack-errors.md", complaints.page()
    yield ROOT / "docs/reference/capabilities.md", capabilities_page()
    yield ROOT / "docs/reference/raci.md", raci_page()
    yield ROOT / "docs/reference/commands.md", commands.page()
    yield ROOT / "docs/reference/http.md", http_api.page()
    yield ROOT / "docs/reference/figures.md", figures_page()
    settings = ROOT / "docs/settings.md"
    before, _, rest = settings.read_text("utf-8").partition(BEGIN)
    yield settings, before + BEGIN + settings_table() + END + rest.partition(END)[2]


def settings_table() -> str:
    """Return one row for each setting."""
    rows = ["| setting | default | takes | meaning |", "| --- | --- | --- | --- |"]
    for field, info in Settings.model_fields.items():
        extra = info.json_schema_extra
        words = extra if isinstance(extra, dict) else {}
        default = words.get("shown") or f"`{plain(info.default)}`"
        rows.append(f"| `{variable(field)}` | {default} | {words.get('takes')} | {info.description} |")
    return "\n".join(rows) + "\n"


def capabilities_page() -> str:
    """Return who may cause which effect."""
    actors = classes("core/roles.py")["Actor"].fields
    lines = [
        "# Who may do what",
        NOTE,
        "The desk's six agents. A capability is checked where the effect happens, and a denied attempt is logged.",
        "",
        "| agent | is for | may |",
        "| --- | --- | --- |",
    ]
    for actor in roles.Actor:
        held = [effect.replace("_", " ") for effect, holders in roles.CAPABILITIES.items() if actor in holders]
        lines.append(f"| {actor} | {actors[actor.name].words} | {', '.join(held)} |")
    return "\n".join(lines) + "\n"


def raci_page() -> str:
    """Return who has which part in the sample pack's work."""
    agents = load(ROOT / SAMPLE).agents
    lines = [
        "# Who answers for what",
        f"<!-- written by make docs; edit {SAMPLE}/agents.yaml instead -->\n",
        f"As the sample pack says in `{SAMPLE}/agents.yaml`. Agents are "
        + ", ".join(f"{actor} ({agent.title})" for actor, agent in agents.agents.items())
        + "; the others are people. [What an agent may do](capabilities.md) is bounded by the program.",
        "",
        "| work | responsible (does it) | accountable (answers for it) | consulted (before) | informed (after) |",
        "| --- | --- | --- | --- | --- |",
    ]
    for each in agents.raci:
        parts = (each.responsible, (each.accountable,), each.consulted, each.informed)
        cells = (", ".join(party.replace("_", " ") for party in part) for part in parts)
        lines.append(f"| {cell(each.title)} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def figures_page() -> str:
    """Return what every figure counts."""
    watched = load(ROOT / SAMPLE).kpis.figures
    lines = [
        "# What the figures count",
        NOTE,
        "The overview, its export, the weekly report and the API show these. A pack chooses among them and sets",
        f"targets in [kpis.yaml](pack.md#kpisyaml); the last column is what `{SAMPLE}` says.",
        "",
        *(f"- {each}" for each in support.SHARED),
        "",
        "| figure | unit | good is | counts | target in the sample |",
        "| --- | --- | --- | --- | --- |",
    ]
    for id, figure in kpis.FIGURES.items():
        target = watched[id].target if id in watched else None
        good = {"lower": "low", "higher": "high", "neither": "neither"}[figure.better]
        shown = "none" if target is None else f"{target:g}"
        lines.append(f"| **{figure.name}** `{id}` | {figure.unit} | {good} | {cell(figure.definition)} | {shown} |")
    return "\n".join(lines) + "\n"


def pack_page() -> str:
    """Return the reference of all pack files."""
    names = [section.file.rstrip("/") for section in SECTIONS]
    if sorted(names) != sorted((*FILES, *BESIDE, *FOLDERS)):
        raise SystemExit(
            f"the pack loader reads {sorted((*FILES, *BESIDE, *FOLDERS))}, but the reference tells of {sorted(names)}"
        )
    found = {name: doc for file in SHAPES for name, doc in classes(file).items()}
    lines = [
        "# The files of a pack",
        NOTE,
        "A pack is a folder of YAML files that tells Caseward everything about one business. `caseward check PACK`",
        "names whatever is wrong in one, with file, line and fix. A key that is not listed here is an error.",
        "",
    ]
    for section in SECTIONS:
        lines += [f"## {section.file}", "", section.intro, ""]
        for shape, words in section.shapes:
            lines += _table(shape, found[shape], found[words], section)
        if section.file == "rules/":
            lines += ["| a fact of type | is compared by |", "| --- | --- |"]
            lines += [f"| {kind} | {codes(operators)} |" for kind, operators in OPERATORS_OF.items()]
            lines.append("")
    return "\n".join(lines[:-1]) + "\n"


def _table(shape: str, fields: ClassDoc, explained: ClassDoc, section: Section) -> Iterator[str]:
    if shape != section.shapes[0][0]:
        yield from (f"### {explained.words.rstrip('.')}", "")
    yield from ("| key | takes | when left out | meaning |", "| --- | --- | --- | --- |")
    for name, field in fields.fields.items():
        if f"{shape}.{name}" in section.without or name == "model_config":
            continue
        twin = explained.fields.get(name)
        words = field.words or (twin.words if twin else "")
        yield f"| `{name}` | {takes(field.type)} | {left_out(field.default)} | {words} |"
    yield ""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
