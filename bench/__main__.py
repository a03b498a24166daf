"""Run the benches: `python -m bench [NAME ...] [--quick] [--json]`. Each is a module of this folder with `measure`.

Nothing here judges a change by itself: figures of a busy machine differ by half. Compare ratios and CPU time.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import bench

HIDDEN = ("__main__", "served")


def main() -> None:
    """Measure what was asked for, or everything, and print it."""
    names = [module.name for module in iter_modules(bench.__path__) if module.name not in HIDDEN]
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure the desk.")
    parser.add_argument("names", nargs="*", choices=[[], *names], metavar="NAME", help=f"any of {', '.join(names)}")
    parser.add_argument("--quick", action="store_true", help="fewer rounds")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    wanted = parser.parse_args()
    figures = {}
    for name in wanted.names or names:
        figures[name] = import_module(f"bench.{name}").measure(quick=wanted.quick)
        if not wanted.json:
            print(_table(name, figures[name]), flush=True)
    if wanted.json:
        print(json.dumps(figures))


def _table(name: str, figures: Mapping[str, Any]) -> str:
    """Return the figures as lines; one whose name has a twin ending in `_target` is shown beside it."""
    lines = ["", name]
    for key, value in figures.items():
        if not key.endswith("_target"):
            target = figures.get(f"{key}_target")
            lines.append(f"  {key:<34} {value!s:>12}" + (f"   {target}" if target else ""))
    return "\n".join(lines)


if __name__ == "__main__":
    main()
