"""A pack's files as one value and back, to the letter, and nowhere but in their folder."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from caseward.core.errors import PackError
from caseward.core.release import digest
from caseward.packs import shelf
from tests.conftest import SCHOOL


def test_what_is_laid_out_is_read_back_to_the_letter(tmp_path: Path) -> None:
    files = shelf.snapshot(SCHOOL)
    assert {"pack.yaml", "rules/identity.yaml", "records/person.yaml"} <= files.keys()

    with shelf.laid_out(files) as folder:
        assert shelf.snapshot(folder) == files

    assert not folder.exists()


def test_only_files_of_a_pack_are_part_of_it(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    for name in ("pack.yaml", "rules/a.yaml", "rules/a.yaml.orig", "notes.txt", ".hidden.yaml"):
        (tmp_path / name).write_text("# a remark\r\n", "utf-8", newline="")

    assert shelf.snapshot(tmp_path) == {"pack.yaml": "# a remark\r\n", "rules/a.yaml": "# a remark\r\n"}


@pytest.mark.parametrize("raw", [b"name: \xff\xfe\n", b"#" * 1_000_001])
def test_a_file_that_cannot_be_kept_is_named(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "pack.yaml").write_bytes(raw)

    with pytest.raises(PackError, match=r"pack\.yaml"):
        shelf.snapshot(tmp_path)


@pytest.mark.parametrize("path", ["../outside.yaml", "/outside.yaml", "rules/../../outside.yaml"])
def test_nothing_is_written_outside_the_folder(tmp_path: Path, path: str) -> None:
    with pytest.raises(PackError, match="inside its folder"), shelf.laid_out({path: "x"}):
        pass


def test_a_release_bears_its_id_whatever_its_file_says(tmp_path: Path) -> None:
    files = shelf.snapshot(SCHOOL)

    pack = shelf.take(tmp_path, "2030-01-01.7", digest(files), lambda: files)

    assert pack.profile.release == pack.policy.release == "2030-01-01.7"


def test_processes_that_lay_out_the_same_release_at_once_all_get_it(tmp_path: Path) -> None:
    files = shelf.snapshot(SCHOOL)

    with ThreadPoolExecutor(4) as pool:
        packs = list(pool.map(lambda _n: shelf.take(tmp_path, "2030-01-01.7", digest(files), lambda: files), range(4)))

    assert all(pack == packs[0] for pack in packs)
    assert [path.name for path in tmp_path.iterdir()] == ["2030-01-01.7"]
