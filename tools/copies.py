"""Find copied code: the same run of statements in two places is one function that nobody has named yet.

    python -m tools.copies src tools

Compares logical lines (a call broken over five lines is one), without comments, docstrings and imports. Exits 1 and
names both places of every run of `RUN` or more equal lines. Migrations are left out: they repeat the past on purpose.
"""

from __future__ import annotations

import io
import sys
import tokenize
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

RUN = 8
"""Equal logical lines in a row from which on two places count as copies."""

SKIPPED = {tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING, tokenize.ENDMARKER}


@dataclass(frozen=True, slots=True)
class Line:
    """One logical line of code."""

    number: int
    code: str


def logical_lines(source: str) -> Iterator[Line]:
    """Yield the statements of `source`, each as one line with its spacing evened out."""
    tokens: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.NEWLINE:
            words = [each.string for each in tokens]
            if words[0] not in {"import", "from"} and not all(each.type == tokenize.STRING for each in tokens):
                yield Line(tokens[0].start[0], " ".join(words))
            tokens = []
        elif token.type not in SKIPPED:
            tokens.append(token)


def copies(files: Sequence[tuple[str, str]]) -> list[str]:
    """Return one sentence per copied run in `files`, given as (name, source) pairs."""
    lines = {name: list(logical_lines(source)) for name, source in files}
    seen: defaultdict[tuple[str, ...], list[tuple[str, int]]] = defaultdict(list)
    for name, code in lines.items():
        for start in range(len(code) - RUN + 1):
            seen[tuple(line.code for line in code[start : start + RUN])].append((name, start))

    found = []
    for (first, at), (second, also_at) in (places[:2] for places in seen.values() if len(places) > 1):
        before, also_before = lines[first][at - 1 : at], lines[second][also_at - 1 : also_at]
        if before and also_before and before[0].code == also_before[0].code:
            continue  # the middle of a run that was named at its start
        place, other = lines[first][at].number, lines[second][also_at].number
        found.append(f"{first}:{place} and {second}:{other} say the same; give it one name and one place")
    return found


def main(folders: Sequence[str]) -> int:
    """Search the Python files under `folders`; return 1 when something was copied."""
    paths = [
        path for folder in folders for path in sorted(Path(folder).rglob("*.py")) if "migrations" not in path.parts
    ]
    found = copies([(str(path), path.read_text("utf-8")) for path in paths])
    print("\n".join(found) or f"Copies: none in {len(paths)} files.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
