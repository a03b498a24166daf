"""Malformed packs: whatever is wrong with a file, there is one clear complaint with file, line and fix."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from caseward.core.errors import PackError
from caseward.packs.load import load, read
from caseward.packs.yamlfile import MAX_BYTES

SCHOOL = Path(__file__).parents[3] / "packs" / "vocal-coaching"


KEPT = {"templates": {"thanks"}, "knowledge": {"refund-policy"}, "golden": {"matrix"}, "records": set[str]()}
"""What the copy keeps of folders with many files of a kind."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the school that may be spoiled, without the bulk of its words and records."""
    copy = tmp_path / "studio"
    shutil.copytree(SCHOOL, copy)
    for name, kept in KEPT.items():
        for path in (copy / name).iterdir():
            if path.stem not in kept:
                path.unlink()
    (copy / "phrasings.yaml").write_text("faq:\n  id:\n    - halo\n", "utf-8")
    return copy


def complaint(folder: Path) -> PackError:
    """Return the one thing that is said about a spoiled pack."""
    pack, errors = read(folder)
    assert pack is None
    assert len(errors) == 1, [str(error) for error in errors]
    return errors[0]


def spoil(path: Path, old: str, new: str) -> int:
    """Replace the first `old` in a file and return the line on which it stood."""
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), "utf-8")
    return text[: text.index(old)].count("\n") + 1


def test_the_copy_is_a_good_pack(folder: Path) -> None:
    assert load(folder).profile.name == "vocal-coaching"


# --- one slip in one line ---------------------------------------------------------------------------------------------


class Slip(NamedTuple):
    """What is put in place of what in a file, and what is said about it, as regular expressions."""

    name: str
    file: str
    old: str
    new: str
    message: str
    fix: str


SLIPS = [
    Slip(
        "no such day", "pack.yaml", old='release: "2026-11', new='release: "2026-13', message="release", fix="such as"
    ),
    Slip("wrong type", "pack.yaml", old="release: ", new="release: [1] #", message="release: ", fix="mend the value"),
    Slip(
        "wrong number",
        "pack.yaml",
        old="first_response_minutes: 3",
        new="first_response_minutes: soon",
        message="sla.first_response_minutes: .* not 'soon'",
        fix="mend the value",
    ),
    Slip(
        "unknown key",
        "pack.yaml",
        old="currency: IDR",
        new="currency: IDR\ncolour: blue",
        message="unknown key 'colour'",
        fix="mend its name",
    ),
    Slip(
        "unknown choice",
        "pack.yaml",
        old="phase: pilot",
        new="phase: soon",
        message="phase: .* not 'soon'",
        fix="mend the value",
    ),
    Slip(
        "unknown zone",
        "pack.yaml",
        old="Asia/Jakarta",
        new="Asia/Batavia",
        message="unknown time zone 'Asia/Batavia'",
        fix="Asia/Jakarta",
    ),
    Slip(
        "zone that is a path",
        "pack.yaml",
        old="Asia/Jakarta",
        new="../../etc/passwd",
        message="unknown time zone",
        fix="IANA name",
    ),
    Slip(
        "release without a number",
        "pack.yaml",
        old='"2026-11-21.1"',
        new='"2026-11-21"',
        message="not YYYY-MM-DD.N",
        fix="2026-11-21.1",
    ),
    Slip("unknown day", "pack.yaml", old="  mon: [", new="  monday: [", message="unknown day 'monday'", fix="mon, tue"),
    Slip(
        "span without an end",
        "pack.yaml",
        old='"09:00-20:00"',
        new='"09:00"',
        message="'09:00' is not a span",
        fix="09:00-18:00",
    ),
    Slip(
        "span backwards",
        "pack.yaml",
        old='"09:00-20:00"',
        new='"20:00-09:00"',
        message="ends before it starts",
        fix="earlier time first",
    ),
    Slip(
        "unknown country",
        "pack.yaml",
        old="country: ID",
        new="country: XX",
        message="no public holidays known for 'XX'",
        fix="ISO 3166",
    ),
    Slip(
        "unknown kind of fact",
        "facts.yaml",
        old="kind: integer",
        new="kind: number",
        message="kind: .* not 'number'",
        fix="mend the value",
    ),
    Slip(
        "unknown fact in a rule",
        "rules/transactions.yaml",
        old="exception_requested: false",
        new="exeption_requested: false",
        message="unknown fact 'exeption_requested'",
        fix="did you mean 'exception_requested'",
    ),
    Slip(
        "unknown operator",
        "rules/transactions.yaml",
        old="{gte: 60}",
        new="{atleast: 60}",
        message="unknown operator 'atleast' for integer fact minutes_to_session",
        fix="use one of is, not, lt, lte, gt, gte",
    ),
    Slip(
        "operator of another kind",
        "rules/person-decides.yaml",
        old="when: {exception_requested: true}",
        new="when: {exception_requested: {gte: 1}}",
        message="unknown operator 'gte' for bool fact",
        fix="use one of is, not",
    ),
    Slip(
        "value of another kind",
        "rules/person-decides.yaml",
        old="when: {exception_requested: true}",
        new="when: {exception_requested: 1}",
        message="fact exception_requested: 1 is not true or false",
        fix="true or false",
    ),
    Slip(
        "value outside the enum",
        "rules/person-decides.yaml",
        old="when: {intent: refund}",
        new="when: {intent: refunds}",
        message="'refunds' is not one of",
        fix="faq, schedule",
    ),
    Slip(
        "unknown tier",
        "rules/published.yaml",
        old="tier: R0",
        new="tier: R9",
        message="tier: .* not 'R9'",
        fix="mend the value",
    ),
    Slip(
        "unknown hold",
        "rules/degraded.yaml",
        old="hold: degraded",
        new="hold: later",
        message="hold: .* not 'later'",
        fix="mend the value",
    ),
    Slip(
        "rule without a reason",
        "rules/published.yaml",
        old="  because: ",
        new="  source: ",
        message="because is missing",
        fix="because:",
    ),
    Slip(
        "rule that asks nothing",
        "rules/person-decides.yaml",
        old="when: {intent: refund}",
        new="when: {}",
        message="a mapping of facts",
        fix="fact: value",
    ),
    Slip(
        "unknown lane",
        "approvals.yaml",
        old="lane: qa",
        new="lane: qc",
        message="unknown lane 'qc'",
        fix="use one of coach, none, qa",
    ),
    Slip(
        "unknown phase in the matrix",
        "approvals.yaml",
        old="phases: [pilot], ",
        new="phases: [trial], ",
        message="not 'trial'",
        fix="mend the value",
    ),
    Slip(
        "unknown intent",
        "phrasings.yaml",
        old="faq:",
        new="fqa:",
        message="unknown intent 'fqa'",
        fix="did you mean 'faq'",
    ),
    Slip(
        "unknown key in a plan",
        "intents.yaml",
        old="      disposition: ",
        new="      despozition: ",
        message="unknown key 'despozition'",
        fix="mend its name",
    ),
    Slip(
        "page of another name",
        "knowledge/refund-policy.yaml",
        old="id: refund-policy",
        new="id: refunds",
        message="not the file's name",
        fix="name the file refunds.yaml",
    ),
    Slip(
        "page with a wrong date",
        "knowledge/refund-policy.yaml",
        old="effective: 2026-01-05",
        new="effective: spring",
        message="effective: .* not 'spring'",
        fix="mend the value",
    ),
    Slip(
        "template of an unknown status",
        "templates/thanks.yaml",
        old="status: approved",
        new="status: fine",
        message="status: .* not 'fine'",
        fix="mend the value",
    ),
    Slip(
        "unknown fact in a golden case",
        "golden/matrix.yaml",
        old="  published_answer: false",
        new="  published: false",
        message="unknown fact 'published'",
        fix="mend the fact",
    ),
    Slip(
        "unknown outcome in a golden case",
        "golden/matrix.yaml",
        old="expect: {tier: R0",
        new="expect: {tear: R0",
        message="unknown key 'tear'|tier is missing",
        fix="tier|mend its name",
    ),
    Slip(
        "key twice",
        "pack.yaml",
        old="title: Studio demo",
        new="title: Studio demo\ntitle: Studio",
        message="key 'title' stands twice",
        fix="keep one of them",
    ),
    Slip(
        "not YAML",
        "voice.yaml",
        old="max_chars: 900",
        new="max_chars: [900",
        message="not YAML",
        fix="mend the syntax at this line",
    ),
    Slip("tab for an indent", "pack.yaml", old="  mon: [", new="\tmon: [", message="not YAML", fix="mend the syntax"),
    Slip(
        "alias",
        "facts.yaml",
        old="kind: bool",
        new="kind: &kind bool\n  because: *kind #",
        message="aliases",
        fix="write the value out",
    ),
    Slip(
        "code in a tag",
        "pack.yaml",
        old="title: Studio demo",
        new="title: !!python/object/apply:os.system ls",
        message="not YAML",
        fix="mend the syntax",
    ),
]
BELOW = {"unknown key", "key twice", "alias"}
"""Slips that put the wrong thing on the line below."""
NEARBY = {
    "rule without a reason",
    "not YAML",
    "tab for an indent",
    "unknown fact in a golden case",
    "unknown outcome in a golden case",
}
"""Slips of which only the surroundings can be named."""


CASCADES = {"unknown fact in a golden case"}
"""Slips that many entries share."""


@pytest.mark.parametrize("slip", SLIPS, ids=lambda slip: slip.name)
def test_a_slip_is_named_with_file_line_and_fix(folder: Path, slip: Slip) -> None:
    line = spoil(folder / slip.file, slip.old, slip.new)

    error = _first(folder) if slip.name in CASCADES else complaint(folder)

    assert error.file == slip.file
    assert re.search(slip.message, error.message), error.message
    assert re.search(slip.fix, error.fix), error.fix
    if slip.name not in NEARBY:
        assert error.line == line + (slip.name in BELOW)
    assert str(error).startswith(f"{slip.file}:{error.line}")


def _first(folder: Path) -> PackError:
    """Return the first complaint, where one slip spoils everything that rests on it."""
    _pack, errors = read(folder)
    return errors[0]


# --- whole files ------------------------------------------------------------------------------------------------------


def test_a_missing_file_is_named(folder: Path) -> None:
    (folder / "voice.yaml").unlink()

    error = complaint(folder)

    assert error.file == "voice.yaml"
    assert "cannot be read: No such file" in error.message
    assert "create the file" in error.fix


def test_an_empty_file_is_named(folder: Path) -> None:
    (folder / "voice.yaml").write_text("# nothing yet\n")

    assert complaint(folder).message == "the file is empty"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"nowhere: there is no such folder"):
        load(tmp_path / "nowhere")


def test_an_empty_folder_is_no_pack(tmp_path: Path) -> None:
    with pytest.raises(PackError, match=r"pack\.yaml: cannot be read"):
        load(tmp_path)


def test_a_huge_file_is_not_even_parsed(folder: Path) -> None:
    (folder / "voice.yaml").write_bytes(b"- x\n" * (MAX_BYTES // 4 + 1))

    error = complaint(folder)

    assert error.file == "voice.yaml"
    assert "bytes are too many" in error.message
    assert "split it" in error.fix


@pytest.mark.parametrize("never_ends", ["pipe", "device"])
def test_what_is_no_file_is_named_and_never_waited_for(folder: Path, never_ends: str) -> None:
    path = folder / "rules" / "odd.yaml"
    if never_ends == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")

    error = complaint(folder)

    assert (error.file, error.message) == ("rules/odd.yaml", "not a file")


def test_other_encodings_than_utf_8_are_named_with_the_line(folder: Path) -> None:
    page = folder / "knowledge" / "refund-policy.yaml"
    page.write_bytes(page.read_bytes().replace(b"owner: coach", "owner: André".encode("latin-1")))

    error = complaint(folder)

    assert (error.file, error.line, error.message) == ("knowledge/refund-policy.yaml", 3, "not UTF-8")
    assert error.fix == "save the file as UTF-8"


def test_a_byte_order_mark_does_no_harm(folder: Path) -> None:
    page = folder / "voice.yaml"
    page.write_bytes(b"\xef\xbb\xbf" + page.read_bytes())

    assert load(folder).voice.max_chars == 900


@pytest.mark.parametrize(
    "bomb",
    [
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\n",
        "[" * 50_000,
        "{a: " * 50_000,
        "- " * 20_000 + "x",
        "\x00",
        "x: \x07",
        "? [complex]\n: key\n",
        "? {a: 1}\n: key\n",
        "%YAML 9.9\n---\na: 1\n",
        "a: 1\n---\nb: 2\n",
        "!!binary |\n  zzz\n",
        "a: !!timestamp never\n",
        "a: 2026-99-99\n",
        "a: !!int x\n",
        "a: 1:99999999999:99\n",
        "<<: {a: 1}\n",
        "~",
        "just words",
        "- a\n- b\n",
    ],
)
def test_no_text_at_all_breaks_the_reader(folder: Path, bomb: str) -> None:
    (folder / "voice.yaml").write_text(bomb, "utf-8")

    error = complaint(folder)

    assert error.file == "voice.yaml"
    assert error.line >= 1
    assert error.fix


@pytest.mark.parametrize(("file", "data"), [("rules/published.yaml", "a: 1"), ("golden/matrix.yaml", "- 1")])
def test_a_file_of_the_wrong_shape_is_named(folder: Path, file: str, data: str) -> None:
    (folder / file).write_text(data)

    assert complaint(folder).file == file


# --- what stands twice, and what nobody reads -------------------------------------------------------------------------


def test_a_rule_id_that_stands_twice_is_named_even_across_files(folder: Path) -> None:
    path = folder / "rules" / "transactions.yaml"
    line = spoil(path, "- id: transaction-may-run", "- id: published-answer")

    error = complaint(folder)

    assert (error.file, error.line, error.rule) == ("rules/transactions.yaml", line, "published-answer")
    assert error.message == "this id stands twice"


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("intents.yaml", "- id: payment\n", "- id: schedule\n"),
        ("signals.yaml", "- id: cancel\n", "- id: refund\n"),
        ("golden/matrix.yaml", "an own-record answer, pilot, hub", "a published answer, pilot, hub"),
    ],
)
def test_an_id_that_stands_twice_is_named(folder: Path, file: str, old: str, new: str) -> None:
    line = spoil(folder / file, old, new)

    error = complaint(folder)

    assert (error.file, error.line) == (file, line)
    assert "stands twice" in error.message


def test_a_sample_record_whose_id_stands_twice_is_named(folder: Path) -> None:
    (folder / "records").mkdir(exist_ok=True)
    (folder / "records" / "coach.yaml").write_text("- {id: coach-1}\n- {id: coach-2}\n- {id: coach-1}\n")

    error = complaint(folder)

    assert (error.file, error.line, error.rule) == ("records/coach.yaml", 3, "coach-1")
    assert error.message == "this id stands twice"


def test_a_file_that_nobody_reads_is_named(folder: Path) -> None:
    (folder / "fact.yaml").write_text("a: 1\n")

    error = complaint(folder)

    assert error.file == "fact.yaml"
    assert "did you mean 'facts.yaml'" in error.fix


@pytest.mark.parametrize("name", ["rules/extra.yml", "rules/more/extra.yaml", "rule/extra.yaml", "Rules/extra.yaml"])
def test_a_file_that_lies_where_nobody_looks_is_named_instead_of_passed_over(folder: Path, name: str) -> None:
    (folder / name).parent.mkdir(exist_ok=True)
    (folder / name).write_text("- id: extra\n  tier: R3\n  when: {legal_threat: true}\n  because: Lawyers.\n")

    error = complaint(folder)

    assert (error.file, error.message) == (name, "this file is not read")
    assert "extra.yaml" in error.fix


def test_an_entry_without_a_name_is_refused(folder: Path) -> None:
    line = spoil(folder / "rules/person-decides.yaml", "- id: legal-threat", '- id: " "')

    error = complaint(folder)

    assert (error.file, error.line) == ("rules/person-decides.yaml", line)
    assert error.message == "an entry without a name"


def test_opening_hours_that_overlap_are_refused(folder: Path) -> None:
    line = spoil(folder / "pack.yaml", '["09:00-20:00"]', '["09:00-13:00", "12:00-20:00"]')

    error = complaint(folder)

    assert (error.file, error.line) == ("pack.yaml", line)
    assert "overlap" in error.message


def test_a_business_that_never_opens_is_refused(folder: Path) -> None:
    text = (folder / "pack.yaml").read_text("utf-8")
    (folder / "pack.yaml").write_text(re.sub(r'\["\d\d:00-\d\d:00"\]', "[]", text), "utf-8")

    assert complaint(folder).message == "the business is never open"


def test_loading_raises_the_first_complaint(folder: Path) -> None:
    spoil(folder / "pack.yaml", "phase: pilot", "phase: soon")

    with pytest.raises(PackError, match=r"^pack\.yaml:\d+: phase: .*, not 'soon'$"):
        load(folder)


def test_everything_that_is_wrong_is_named_in_one_run(folder: Path) -> None:
    spoil(folder / "pack.yaml", "phase: pilot", "phase: soon")
    spoil(folder / "voice.yaml", "max_chars: 900", "max_chars: many")
    spoil(folder / "rules" / "published.yaml", "tier: R0", "tier: R9")

    _pack, errors = read(folder)

    assert {error.file for error in errors} == {"pack.yaml", "voice.yaml", "rules/published.yaml"}


def test_the_digest_stands_for_every_file(folder: Path) -> None:
    before = load(folder).digest

    spoil(folder / "templates" / "thanks.yaml", "reviewed: 2026-11-20", "reviewed: 2026-11-19")

    assert load(folder).digest != before


def test_a_line_is_named_as_a_person_counts_it(folder: Path) -> None:
    def error_after(change: Callable[[str], str]) -> PackError:
        path = folder / "approvals.yaml"
        path.write_text(change(path.read_text("utf-8")), "utf-8")
        return complaint(folder)

    first = error_after(lambda text: text.replace("lane: coach", "lane: nobody", 1))
    lower = error_after(lambda text: "# one more line\n" + text)

    assert lower.line == first.line + 1
