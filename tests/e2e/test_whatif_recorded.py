"""What a desk decided is decided again by another pack: `caseward whatif --recorded`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from sqlalchemy import Engine

from tests.conftest import SCHOOL, Desk

COMMAND = Path(sys.executable).with_name("caseward")
CAREFUL = """
- id: careful
  tier: R3
  when: {intent: faq}
  because: Every question is looked at.
  over: all
"""


def test_every_recorded_decision_is_tried_and_those_that_change_are_told(
    desk: Desk, engine: Engine, tmp_path: Path
) -> None:
    pack = Path(shutil.copytree(SCHOOL, tmp_path / "careful"))
    (pack / "rules" / "careful.yaml").write_text(CAREFUL)
    desk.ask("jam buka?")
    desk.ask("saya mau refund")
    given = {name: value for name, value in os.environ.items() if not name.startswith("CASEWARD_")}
    given |= {"CASEWARD_DATABASE_URL": engine.url.render_as_string(hide_password=False), "CASEWARD_DATA": str(tmp_path)}

    done = subprocess.run(
        [COMMAND, "whatif", str(SCHOOL), str(pack), "--recorded", "--json"], env=given, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.returncode == 1, done.stderr
    told = json.loads(done.stdout)
    assert (told["tried"], told["unreadable"]) == (2, [])
    assert [each["where"].partition(",")[2] for each in told["cases"]] == [" turn 1"]
    assert told["cases"][0]["facts"]["intent"] == "faq"
    assert (told["cases"][0]["before"]["tier"], told["cases"][0]["after"]["tier"]) == ("R0", "R3")
