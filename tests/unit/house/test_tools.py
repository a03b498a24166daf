"""The project's own checks notice what they are for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import gen_docs
from tools.copies import RUN, copies

BODY = "\n".join(f"    step_{number}(case, draft)" for number in range(RUN))


def test_a_copied_run_of_statements_is_named_once_with_both_places() -> None:
    spaced = BODY.replace("(case, draft)", "(\n        case, draft  # the same\n    )")
    files = [
        ("one.py", f"import os\n\ndef first(case, draft):\n{BODY}\n    return 1\n"),
        ("two.py", f"def second(case, draft):\n    '''Say something else.'''\n{spaced}\n    return 2\n"),
    ]

    assert copies(files) == ["one.py:4 and two.py:3 say the same; give it one name and one place"]


def test_a_shorter_likeness_is_no_copy() -> None:
    short = "\n".join(BODY.splitlines()[1:])
    files = [(name, f"def {name}(case, draft):\n{short}\n") for name in ("one", "two")]

    assert copies(files) == []


def test_a_page_that_no_longer_says_what_the_code_says_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "docs/reference/pack.md"
    monkeypatch.setattr(gen_docs, "ROOT", tmp_path)
    monkeypatch.setattr(gen_docs, "pages", lambda: [(page, "as the code says\n")])

    assert gen_docs.main(["--check"]) == 1
    assert "docs/reference/pack.md no longer say" in capsys.readouterr().out
    assert gen_docs.main([]) == 0
    assert page.read_text("utf-8") == "as the code says\n"
    assert gen_docs.main(["--check"]) == 0
