"""Skills and entities that a pack declares: each slip is named with its line and fix, and their use is checked."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent
from typing import NamedTuple

import pytest

from caseward.core.facts import FactKind, FactSpec, Value
from caseward.core.pack import Pack
from caseward.packs import references
from caseward.packs.load import load
from caseward.packs.places import Places
from caseward.packs.wording import day, money, show
from tests.unit.packs.test_load import complaint, folder

__all__ = ["folder"]

READING = """\
- id: last_order
  system: records
  reads:
    kind: order
    pick: newest
    by: placed_at
    values: {order_id: id}
"""
WRITING = """\
- id: cancel_order
  system: records
  writes:
    kind: order
    id: order
    require:
      - {field: state, one_of: [placed], refuse: dispatched}
    set: {state: cancelled, note: "by {contact}"}
    add: [{kind: refund, id: "{order}"}]
"""
ENTITY = """\
order:
  patterns: ['\\b(?:sd|order)[\\s#:-]{0,3}(\\d{4,6})\\b']
  form: "SD-{1:06}"
  examples:
    "where is order 4711?": SD-004711
  never: ["order 47"]
"""


class Slip(NamedTuple):
    """What is put in place of what, and what is said about it."""

    name: str
    text: str
    old: str
    new: str
    message: str
    fix: str


SKILLS = [
    Slip(
        "unknown key", READING, "kind: order", "kind: order\n    colour: red", "unknown key 'colour'", "mend its name"
    ),
    Slip("unknown system", READING, "system: records", "system: recods", "none of the pack's systems", "records"),
    Slip("newest by nothing", READING, "    by: placed_at\n", "", "newest by what", "by:"),
    Slip("returns nothing", READING, "    values: {order_id: id}\n", "", "returns nothing", "values"),
    Slip("bad name of a value", READING, "order_id: id", "Order1: id", "no name of a value", "lower-case"),
    Slip("bad name", READING, "id: last_order", "id: last-order", "letters, digits and underscores", "rename"),
    Slip("through nothing", READING, "pick:", "owner: ''\n    through: x\n    pick:", "nobody", "owner"),
    Slip("changes nothing", "- {id: x, system: records, writes: {args: [y]}}\n", "y", "y", "changes nothing", "add:"),
    Slip("a place nobody knows", WRITING, "by {contact}", "by {person}", "called {person}", "contact"),
    Slip("a field of nothing", WRITING, "by {contact}", "by {order.state}", "no field of a record", "record.state"),
    Slip("no time", WRITING, "one_of: [placed]", "within: soon", "'soon' is no time", "14d"),
    Slip("no number", WRITING, "one_of: [placed]", "at_most: much", "'much' is no number", "100.00 EUR"),
    Slip("nothing required", WRITING, "one_of: [placed], ", "", "nothing is required", "one_of"),
    Slip("which record", WRITING, "    kind: order\n", "    owner: who\n", "which record", "kind"),
]


@pytest.mark.parametrize("slip", SKILLS, ids=lambda slip: slip.name)
def test_a_slip_in_a_skill_is_named_with_file_line_and_fix(folder: Path, slip: Slip) -> None:
    assert slip.old in slip.text
    (folder / "skills.yaml").write_text(slip.text.replace(slip.old, slip.new, 1), "utf-8")

    said = complaint(folder)

    assert said.file == "skills.yaml"
    assert said.line > 0
    assert re.search(slip.message, said.message), said
    assert re.search(slip.fix, said.fix), said


@pytest.mark.parametrize("text", [READING, WRITING, READING + WRITING])
def test_a_sound_skill_is_read(folder: Path, text: str) -> None:
    (folder / "skills.yaml").write_text(text, "utf-8")

    assert set(load(folder).skills) <= {"last_order", "cancel_order"}


def test_a_skill_both_reads_and_writes_or_neither_is_refused(folder: Path) -> None:
    (folder / "skills.yaml").write_text("- {id: x, system: records}\n", "utf-8")

    assert "reads, writes or lists" in complaint(folder).message


ENTITIES = [
    Slip("an example not found", ENTITY, "order 4711?", "parcel 4711?", "not nothing", "mend the pattern"),
    Slip("another form", ENTITY, "SD-004711", "SD-4711", "'SD-4711' and nothing else", "form"),
    Slip("something else beside", ENTITY, "order 4711?", "order 4711 at 10:30?", "time at 10:30", "example"),
    Slip("found where it must not", ENTITY, '"order 47"', '"order 4712"', "is found in 'order 4712'", "narrower"),
    Slip("no pattern", ENTITY, "(\\d{4,6})", "(\\d{4,6}", "not a regular expression", "mend"),
    Slip("no group", ENTITY, "{1:06}", "{2}", "no group 2", "another"),
    Slip("no form", ENTITY, "{1:06}", "{order}", "{order} is no group", "{1}"),
    Slip("a name of the house", ENTITY, "order:\n", "email:\n", "the house finds email", "another name"),
    Slip("no example", ENTITY, "  examples:\n    \"where is order 4711?\": SD-004711\n", "", "no example", "examples"),
    Slip("matches nothing", ENTITY, "'\\b(?:sd", "'|\\b(?:sd", "matches nothing", "at least one"),
]  # fmt: skip


@pytest.mark.parametrize("slip", ENTITIES, ids=lambda slip: slip.name)
def test_a_slip_in_an_entity_is_named_with_file_line_and_fix(folder: Path, slip: Slip) -> None:
    assert slip.old in slip.text
    (folder / "entities.yaml").write_text(slip.text.replace(slip.old, slip.new, 1), "utf-8")

    said = complaint(folder)

    assert said.file == "entities.yaml"
    assert said.line > 0
    assert slip.message in said.message, said
    assert slip.fix in said.fix, said


def said_of(folder: Path, pack: Pack) -> str:
    """Return what the references of a pack that was read are told."""
    built_in = ("refund", "person", "next_session", "reschedule_quota", "free_slots", "last_payment", "last_invoice",
                "reschedule", "resend_invoice")  # fmt: skip
    return "\n".join(map(str, references.check(pack, Places(folder), skills=built_in)))


def test_skills_that_are_not_used_as_they_were_declared_are_named(folder: Path) -> None:
    (folder / "skills.yaml").write_text(
        (READING + WRITING).replace("pick: newest", "named: parcel\n    pick: newest"), "utf-8"
    )
    intents = (folder / "intents.yaml").read_text("utf-8")
    plan = """\
        - id: order
          title: {id: Pesanan, en: Order}
          category: other
          reads: [cancel_order]
          plans:
            - {when: {tier: R1}, template: thanks, task: last_order, key: "{order_id}"}
            - {template: thanks, task: cancel_order, args: {ordr: order_id}, key: "{order_id}"}
        """
    (folder / "intents.yaml").write_text(intents + dedent(plan), "utf-8")

    said = said_of(folder, load(folder))

    assert "skills.yaml:5, last_order: entities.yaml has no 'parcel'" in said
    assert "'cancel_order' writes" in said
    assert "'last_order' only reads" in said
    assert "'cancel_order' needs the argument 'order'" in said
    assert "'cancel_order' takes no argument 'ordr'" in said
    assert "facts.yaml" in said  # the intent fact does not know the new intent
    assert "the desk may say order" in said


def test_a_declared_skill_does_not_take_the_name_of_a_built_in_one(folder: Path) -> None:
    (folder / "skills.yaml").write_text(WRITING.replace("id: cancel_order", "id: refund"), "utf-8")

    assert "skills.yaml:1, refund: a skill of this name is built in" in said_of(folder, load(folder))


def test_proofs_of_identity_are_things_that_messages_name(folder: Path) -> None:
    text = (folder / "pack.yaml").read_text("utf-8").replace("fields: [invoice, email]", "fields: [ordr, email]")
    (folder / "pack.yaml").write_text(text, "utf-8")
    (folder / "entities.yaml").write_text(ENTITY, "utf-8")

    assert "no message is known to name 'ordr'" in said_of(folder, load(folder))


def test_the_page_about_skills_says_what_works_and_what_is_then_still_missing(tmp_path: Path) -> None:
    root = Path(__file__).parents[3]
    blocks = re.findall(r"```yaml\n(.*?)```", (root / "docs/how-to/declare-a-skill.md").read_text("utf-8"), re.DOTALL)
    shop = tmp_path / "my-shop"
    shutil.copytree(root / "packs/online-shop", shop)
    for name, added in (("skills.yaml", blocks[1]), ("intents.yaml", blocks[2])):
        (shop / name).write_text((shop / name).read_text("utf-8") + "\n" + added, "utf-8")

    said = said_of(shop, load(shop)).splitlines()

    assert len(said) == 2, said
    assert "the desk may say hold_order" in said[0]
    assert "'order-held' is no approved template" in said[1]


# --- what readings say as facts ---------------------------------------------------------------------------------------

MONEY = FactSpec(name="m", kind=FactKind.MONEY, unit="EUR", minimum=0)
TIME = FactSpec(name="t", kind=FactKind.DURATION)
RANK = FactSpec(name="r", kind=FactKind.RANK, values=("none", "silver", "gold"))


@pytest.mark.parametrize(
    ("spec", "raw", "value"),
    [
        (MONEY, "49.90 EUR", 4990),
        (MONEY, 49, 4900),
        (MONEY, "49", 4900),
        (MONEY, "49.90 USD", None),
        (MONEY, -1, None),
        (MONEY, True, None),
        (TIME, "2h", 120),
        (TIME, 120, 120),
        (RANK, "gold", "gold"),
        (RANK, "platinum", None),
        (FactSpec(name="n", kind=FactKind.INTEGER, maximum=5), "5", 5),
        (FactSpec(name="n", kind=FactKind.INTEGER, maximum=5), 6, None),
        (FactSpec(name="n", kind=FactKind.INTEGER), "five", None),
        (FactSpec(name="b", kind=FactKind.BOOL), False, False),
        (FactSpec(name="b", kind=FactKind.BOOL), "false", None),
        (FactSpec(name="s", kind=FactKind.SET, values=("a", "b")), ["b"], frozenset({"b"})),
    ],
)
def test_what_a_system_says_is_a_value_of_the_fact_or_nothing(spec: FactSpec, raw: object, value: Value | None) -> None:
    assert spec.told(raw) == value


# --- how values are printed -------------------------------------------------------------------------------------------


def test_amounts_with_cents_and_days_are_printed_as_the_language_writes_them(folder: Path) -> None:
    lexicon = (folder / "lexicon.yaml").read_text("utf-8")
    (folder / "lexicon.yaml").write_text(lexicon.replace("\nen:\n", '\nen:\n  day: "EEEE, MMMM d"\n'), "utf-8")
    pack, now = load(folder), datetime(2026, 11, 21, tzinfo=UTC)

    assert money(pack, "49.90 EUR", "en") == "€49.90"
    assert money(pack, "1234.50 EUR", "de") == "1.234,50 €"
    assert money(pack, 1300000, "id") == "Rp1.300.000"
    assert day(pack, now.date(), "en", year=False) == "Saturday, November 21"
    assert show(pack, "paid_on", "2026-11-21", "en", now=now) == "November 21 2026"
    assert show(pack, "paid_on", "2026-11-21", "id", now=now) == "21 November 2026"
