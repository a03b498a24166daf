"""Triage alone: how long the local brain takes to learn a pack, to understand a message and to search a page for it.

    python -m bench.triage [--quick] [--json]

CPU time stands beside wall time, because the machine is rarely quiet. `unit_ms` is a fixed loop of plain Python on this
machine at this moment: compare ratios to it across machines, not milliseconds.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from caseward.adapters.brains.local import LocalBrain
from caseward.core.pack import Pack
from caseward.packs.load import load

SCHOOL = Path(__file__).parents[1] / "packs" / "vocal-coaching"
TARGET_MS = 3.0
"""Median of understanding and search together (the desk's budget)."""
CLIENTS = 8


def measure(*, quick: bool = False) -> dict[str, float]:
    """Return the figures, in the units that their names say."""
    pack = load(SCHOOL)
    before = _resident_mb()
    wall, cpu = time.perf_counter(), time.process_time()
    brain = LocalBrain(pack)
    learned = {"learn_s": time.perf_counter() - wall, "learn_cpu_s": time.process_time() - cpu}
    grown = _resident_mb() - before

    texts = _texts(pack, 300 if quick else 2000)
    for text in texts[:20]:
        _triage(brain, text)
    walls, cpus = zip(*(_timed(brain, text) for text in texts[20:]), strict=True)
    with ThreadPoolExecutor(CLIENTS) as clients:
        wall = time.perf_counter()
        list(clients.map(lambda text: _triage(brain, f"{text}."), texts))
        together = len(texts) / (time.perf_counter() - wall)
    return {
        **{name: round(value, 3) for name, value in learned.items()},
        "grown_mb": round(grown, 1),
        "median_ms": round(statistics.median(walls) * 1000, 3),
        "median_cpu_ms": round(statistics.median(cpus) * 1000, 3),
        "p95_ms": round(statistics.quantiles(walls, n=20)[-1] * 1000, 3),
        "target_ms": TARGET_MS,
        f"per_second_with_{CLIENTS}_clients": round(together, 1),
        "unit_ms": round(_unit() * 1000, 3),
    }


def _texts(pack: Pack, count: int) -> list[str]:
    """Return `count` messages that differ from each other and from what was learned."""
    phrasings = [text for intent in pack.intents.values() for texts in intent.asked_as.values() for text in texts]
    return [f"{phrasings[i * 37 % len(phrasings)]} ({i})" for i in range(count)]


def _triage(brain: LocalBrain, text: str) -> None:
    seen = brain.understand(text)
    brain.find(text, language=seen.language)


def _timed(brain: LocalBrain, text: str) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.thread_time()
    _triage(brain, text)
    return time.perf_counter() - wall, time.thread_time() - cpu


def _unit() -> float:
    """Return the seconds that a million additions take, the best of five."""
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        total = 0
        for number in range(1_000_000):
            total += number
        best = min(best, time.perf_counter() - start)
    return best


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 1_000_000


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="Measure the local brain.")
    parser.add_argument("--quick", action="store_true", help="fewer messages")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    wanted = parser.parse_args()
    figures = measure(quick=wanted.quick)
    print(
        json.dumps(figures) if wanted.json else "\n".join(f"{name:28} {value:>10}" for name, value in figures.items())
    )


if __name__ == "__main__":
    main()
