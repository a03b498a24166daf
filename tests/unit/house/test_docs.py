"""What the documents point at exists, so do the commands they show, and decision records keep their form."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from caseward.cli import app
from caseward.core.pack import Pack

ROOT = Path(__file__).parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
RECORDS = sorted((ROOT / "docs/adr").glob("*.md"))
FOLDERS = ("src/", "tests/", "docs/", "packs/", "tools/", "bench/", "requirements/", ".importlinter", ".ci/")


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_inside_the_project_leads_somewhere(page: Path) -> None:
    links = re.findall(r"]\((?!https?:|mailto:|#)([^)#\s]+)", page.read_text("utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_file_a_page_names_exists(page: Path) -> None:
    named = re.findall(r"`([\w./-]+)`", page.read_text("utf-8"))

    paths = [path for path in named if path.startswith(FOLDERS)]

    assert [path for path in paths if not (ROOT / path).exists()] == []


def unknown(said: str) -> list[str]:
    """Return the words of a command line that the program does not know."""
    words, known = said.split(), typer.main.get_command(app)
    while words and isinstance(known, TyperGroup):
        word = words.pop(0)
        if word not in known.commands:
            return [word]
        known = known.commands[word]
    options = {"--help", *(name for each in known.params for name in (*each.opts, *each.secondary_opts))}
    return [word for word in words if word.startswith("--") and word.partition("=")[0] not in options]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_command_that_a_page_shows_is_one(page: Path) -> None:
    shown = re.findall(r"^ *(?:\$ )?(?:\.venv/bin/)?caseward ([a-z].*?) *(?:#.*)?$", page.read_text("utf-8"), re.M)

    assert [(said, unknown(said)) for said in shown if unknown(said)] == []


@pytest.mark.parametrize(
    ("page", "rules", "golden", "pages"), [("answer-from-a-page", 0, 0, 1), ("change-a-rule", 1, 4, 0)]
)
def test_what_a_guide_adds_to_the_school_comes_to_what_it_shows(
    school: Pack, page: str, rules: int, golden: int, pages: int
) -> None:
    text = (ROOT / f"docs/how-to/{page}.md").read_text("utf-8")

    assert (
        f"is sound: {len(school.policy.rules) + rules} rules, {len(school.golden) + golden} golden cases, "
        f"{len(school.articles) + pages} pages, {len(school.templates)} templates."
    ) in text


def test_what_is_no_command_is_seen() -> None:
    assert unknown("serve --port 1 --pork=2") == ["--pork=2"]
    assert unknown("log mend") == ["mend"]
    assert unknown("log verify --json") == []


@pytest.mark.parametrize("record", RECORDS, ids=name)
def test_a_decision_record_has_all_its_parts_in_order(record: Path) -> None:
    text = record.read_text("utf-8")

    assert text.startswith(f"# {record.name[:4]} ")
    assert re.search(r"^\*\*Status:\*\* (accepted|superseded by \d{4}), \d{4}-\d\d-\d\d$", text, re.MULTILINE)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "Context",
        "Decision",
        "Consequences",
        "Alternatives",
        "Kept by",
    ]


def test_decision_records_are_numbered_without_gaps() -> None:
    assert [record.name[:4] for record in RECORDS] == [f"{number:04}" for number in range(1, len(RECORDS) + 1)]
