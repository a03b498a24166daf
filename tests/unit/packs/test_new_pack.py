"""A new pack is sound from its first minute, and an editor can be told what its files look like."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from caseward.adapters import find
from caseward.core.errors import BadInput
from caseward.packs import json_schema, scaffold
from caseward.packs.check import check
from caseward.packs.load import load_policy
from caseward.packs.yamlfile import read
from caseward.settings import shipped_packs

TODAY = date(2026, 11, 21)
PACKS = sorted(path.name for path in shipped_packs().iterdir() if (path / "pack.yaml").is_file())


def begin(folder: Path, **given: str) -> list[str]:
    options = {"title": "A place", "timezone": "Europe/Tallinn", "currency": "EUR", **given}
    return scaffold.write(folder, today=TODAY, **options)


def test_a_new_pack_is_proved_sound_as_it_stands(tmp_path: Path) -> None:
    begin(tmp_path / "corner-shop")

    report = check(tmp_path / "corner-shop", skills=find.skill_names(("records",)), today=TODAY)

    assert [str(error) for error in report.errors] == []
    assert [str(warning) for warning in report.warnings] == []
    assert report.ok
    assert len(report.proofs) > 15


def test_the_new_pack_carries_the_name_and_the_choices_given(tmp_path: Path) -> None:
    begin(tmp_path / "corner-shop", title='The "Corner"', timezone="Asia/Jakarta", currency="IDR")

    profile = read(tmp_path / "corner-shop" / "pack.yaml", "pack.yaml").data

    assert (profile["name"], profile["title"]) == ("corner-shop", "The 'Corner'")
    assert (profile["timezone"], profile["currency"], profile["release"]) == ("Asia/Jakarta", "IDR", "2026-11-21.1")


def test_a_folder_that_cannot_be_written_to_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("a file, and no folder")

    with pytest.raises(BadInput, match=r"cannot be written to .*; name another folder"):
        begin(tmp_path / "notes" / "corner-shop")


@pytest.mark.parametrize(
    ("name", "given", "says"),
    [
        ("Corner Shop", {}, "lower case"),
        ("corner-shop", {"timezone": "Europe/Talinn"}, "did you mean 'Europe/Tallinn'"),
        ("corner-shop", {"timezone": "Mars"}, "IANA name such as Asia/Jakarta$"),
        ("corner-shop", {"currency": "euro"}, "ISO 4217"),
        ("corner-shop", {"currency": "ZZZ"}, "ISO 4217"),
    ],
)
def test_what_no_pack_may_be_is_refused_before_anything_is_written(
    tmp_path: Path, name: str, given: dict[str, str], says: str
) -> None:
    with pytest.raises(BadInput, match=says):
        begin(tmp_path / name, **given)

    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "diary.txt").write_text("mine")

    with pytest.raises(BadInput, match="there already"):
        begin(tmp_path / "taken")

    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["diary.txt"]


def files_of(pack: Path) -> list[tuple[str, Path]]:
    named = [(name, pack / name) for name in json_schema.SHAPES if name.endswith(".yaml") and (pack / name).exists()]
    folders = [name for name in json_schema.SHAPES if not name.endswith(".yaml")]
    return named + [(name, path) for name in folders for path in sorted((pack / name).glob("*.yaml"))]


def plain(value: Any) -> Any:
    """Return what YAML read as JSON has it: dates as text."""
    if isinstance(value, dict):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each) for each in value]
    return value.isoformat() if isinstance(value, date) else value


@pytest.mark.parametrize("name", PACKS)
def test_every_file_of_a_shipped_pack_fits_its_schema(name: str) -> None:
    pack = shipped_packs() / name
    schemas = json_schema.schemas(load_policy(pack))
    validators = {shape: jsonschema_rs.validator_for(schema) for shape, schema in schemas.items()}

    wrong = [
        f"{path.name}: {error.message}"
        for shape, path in files_of(pack)
        for error in validators[shape].iter_errors(plain(read(path, path.name).data))
    ]

    assert wrong == []


@pytest.mark.parametrize(
    ("shape", "entry"),
    [
        ("rules", {"id": "x", "tier": "R4", "when": {"intent": "faq"}, "because": "b"}),
        ("rules", {"id": "x", "tier": "R1", "when": {"intent": "faqs"}, "because": "b"}),
        ("rules", {"id": "x", "tier": "R1", "when": {"itent": "faq"}, "because": "b"}),
        ("rules", {"id": "x", "tier": "R1", "when": {"intent": {"lt": "faq"}}, "because": "b"}),
        ("rules", {"id": "x", "tier": "R1", "wen": {"intent": "faq"}, "because": "b"}),
        ("rules", {"id": "x", "tier": "R1", "when": {"any": [{"degraded": {"has": "moon"}}]}, "because": "b"}),
        ("invariants.yaml", {"id": "x", "then": {"lane": {"gte": "boss"}}, "because": "b"}),
        ("invariants.yaml", {"id": "x", "when": {"phase": "trial"}, "then": {"auto_send": False}, "because": "b"}),
    ],
)
def test_a_slip_is_marked_in_the_editor(shape: str, entry: dict[str, Any]) -> None:
    schema = json_schema.schemas(load_policy(shipped_packs() / "vocal-coaching"))[shape]

    assert not jsonschema_rs.is_valid(schema, [entry])


def test_without_a_pack_a_condition_may_ask_for_any_fact() -> None:
    entry = {"id": "x", "tier": "R1", "when": {"weather": "rain"}, "because": "b"}

    assert jsonschema_rs.is_valid(json_schema.schemas()["rules"], [entry])
