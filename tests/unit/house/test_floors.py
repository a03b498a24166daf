"""Every import contract holds for the house as it stands, and notices the one import that breaks it."""

from __future__ import annotations

import configparser
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

FLOORS = "Floors"
PLUGS = "Plugs"
STORIES = "Stories are strangers"
ROOMS = "Rooms are strangers"
DBOS = "One place for dbos"
DATABASE = "One place for the database"
HTTP = "One place for outgoing HTTP"
WEB = "One place for the web framework"
SIMULATORS = "Simulators"
PACKS = "One place for pack files and their prover"

BREAKS = [
    pytest.param({FLOORS}, {"core/probe.py": "import caseward.settings"}, id="the core looks up"),
    pytest.param({FLOORS}, {"desk/probe.py": "import caseward.flows"}, id="a room imports a story"),
    pytest.param({FLOORS}, {"store/probe.py": "import caseward.packs"}, id="siblings know each other"),
    pytest.param({FLOORS}, {"attic.py": ""}, id="a package has no floor"),
    pytest.param({PLUGS}, {"web/probe.py": "import caseward.adapters"}, id="the web names a plug"),
    pytest.param({PLUGS}, {"flows/probe.py": "import caseward.adapters"}, id="a story names a plug"),
    pytest.param({PLUGS}, {"desk/probe.py": "import caseward.adapters"}, id="a room names a plug"),
    pytest.param({PLUGS, FLOORS}, {"store/probe.py": "import caseward.adapters"}, id="the store names a plug"),
    pytest.param(
        {STORIES},
        {"flows/probe.py": "", "flows/probe_too.py": "from caseward.flows import probe"},
        id="a story imports a story",
    ),
    pytest.param(
        {ROOMS},
        {"desk/probe.py": "", "desk/probe_too.py": "import caseward.desk.probe"},
        id="a room imports a room",
    ),
    pytest.param(
        {ROOMS},
        {"desk/probe.py": "", "desk/tools.py": "from caseward.desk.probe import anything"},
        id="the tools import a room",
    ),
    pytest.param({DBOS}, {"store/probe.py": "from dbos import DBOS"}, id="the store knows dbos"),
    pytest.param({DATABASE}, {"desk/probe.py": "from sqlalchemy import text"}, id="a room writes SQL"),
    pytest.param({DATABASE}, {"durable.py": "import psycopg"}, id="the engine connects by itself"),
    pytest.param({HTTP}, {"web/probe.py": "import httpx2"}, id="the web calls out"),
    pytest.param({HTTP}, {"adapters/probe.py": "import requests"}, id="a plug calls out by another client"),
    pytest.param({WEB}, {"cli.py": "import uvicorn"}, id="the command line serves by itself"),
    pytest.param({WEB}, {"desk/probe.py": "from jinja2 import Template"}, id="a room renders pages"),
    pytest.param({SIMULATORS}, {"simulators/probe.py": "import caseward.core"}, id="a simulator knows the house"),
    pytest.param({FLOORS}, {"web/probe.py": "import caseward.simulators"}, id="the web knows a simulator"),
    pytest.param({PACKS}, {"app.py": "import yaml"}, id="the wiring reads YAML"),
    pytest.param({PACKS}, {"desk/probe.py": "import z3"}, id="a room proves"),
]


def broken_contracts(folder: Path) -> set[str]:
    """Return the names of the contracts that the package tree in `folder` breaks, up to their first colon."""
    run = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache", "--no-logo"],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(folder / "src"), "NO_COLOR": "1", "COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Contracts: " in run.stdout, f"lint-imports did not judge: {run.stdout}{run.stderr}"
    broken = {line.split(":")[0] for line in re.findall(r"^(.*) BROKEN", run.stdout, re.MULTILINE)}
    assert bool(broken) == bool(run.returncode)
    return broken


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A throw-away copy of the package and its contracts."""
    shutil.copy(ROOT / ".importlinter", tmp_path)
    shutil.copytree(
        ROOT / "src/caseward",
        tmp_path / "src/caseward",
        ignore=lambda _folder, names: [name for name in names if "." in name and not name.endswith(".py")],
    )
    return tmp_path


def test_the_house_as_it_stands_keeps_every_contract(house: Path) -> None:
    assert broken_contracts(house) == set()


@pytest.mark.parametrize(("contracts", "files"), BREAKS)
def test_one_forbidden_import_breaks_exactly_its_contract(
    house: Path, contracts: set[str], files: dict[str, str]
) -> None:
    for name, code in files.items():
        with (house / "src/caseward" / name).open("a", encoding="utf-8") as file:
            file.write(f"\n{code}\n")

    assert broken_contracts(house) == contracts


def test_every_contract_is_seen_to_fail() -> None:
    config = configparser.ConfigParser()
    config.read(ROOT / ".importlinter", encoding="utf-8")
    contracts = {config[section]["name"].split(":")[0] for section in config.sections() if ":contract:" in section}

    seen = set().union(*(param.values[0] for param in BREAKS))

    assert seen == contracts
