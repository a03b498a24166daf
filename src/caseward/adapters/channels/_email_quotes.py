"""What is new in a mail: its words without the history below them and the signature under them.

By form alone, in no particular language: lines that begin with `>` and the line before them that ends with a colon;
what such a line introduces by address, date and time without any mark (Yahoo); a drawn line with the headers of the
earlier mail under it; what stands under `-- ` (RFC 3676). In doubt a line stays: an answer that reads twice does less
harm than one that is lost.
"""

from __future__ import annotations

import re

FORWARDS = frozenset({"fwd", "fw", "wg", "tr", "rv", "rif", "enc", "vs", "vb", "i", "pd", "doorst", "trs"})
"""What mail programs put before the subject of a mail that they pass on."""
SIGNATURE_LINES = 15
"""A longer text under `-- ` is more than a signature."""

_PREFIX = re.compile(r"\s*(\w{1,6})(?:\[\d+\])?\s*:")
_FIELD = re.compile(r"[*>\s]{0,6}[^\W\d_][^:\n@]{0,25}:\*?(?:\s|$)")
_STAMP = re.compile(r"@|\b\d{4}\b|\d{1,2}[:./-]\d{1,2}")
_NAMES_A_MAIL = (re.compile(r"<[^\s<>@]+@[^\s<>@]+>"), re.compile(r"\b\d{4}\b"), re.compile(r"\b\d{1,2}[:.]\d{2}\b"))
"""An address in its brackets, a year and a time of day: together, before a colon, the beginning of an earlier mail."""
_LONGEST_LEAD = 400


def is_forward(subject: str) -> bool:
    """Return whether the subject says that the mail passes another one on: then that one is what it says."""
    found = _PREFIX.match(subject)
    return found is not None and found[1].lower() in FORWARDS


def answers(subject: str) -> bool:
    """Return whether the subject has a prefix as answers have in all languages (`Re:`, `AW:`, `Bls:`)."""
    found = _PREFIX.match(subject)
    return found is not None and len(found[1]) <= 4 and not is_forward(subject)


def latest(text: str, *, reply: bool) -> str:
    """Return what was written now; all of it where nothing else would be left.

    Args:
        text: the whole body, with a line break at the end of each line.
        reply: whether the mail answers another one; in any other mail a quote is part of what is said.
    """
    lines = _unsigned(text.split("\n"))
    rest = _without_history([line if line == "-- " else line.rstrip() for line in lines]) if reply else lines
    return "\n".join(rest).strip() or text.strip()


def _without_history(lines: list[str]) -> list[str]:
    for place, line in enumerate(lines):
        if _is_rule(line) and _headed(lines[place + 1 : place + 13]):
            lines = _unsigned(lines[:place])
            break
    unmarked = _introduced(lines)
    if unmarked:
        return _unsigned(lines[:unmarked])
    runs = _quoted_runs(lines)
    if not runs:
        return lines
    first, end = _lead(lines, runs[0][0]), runs[-1][1]
    if len(runs) == 1 and not any(lines[:first]):
        return lines[end:]  # the answer stands under the quote
    if any(lines[end:]):
        return lines  # it stands between quotes, which say what it answers
    return _unsigned(lines[: _lead(lines, runs[-1][0])])


def _introduced(lines: list[str]) -> int:
    """Return where an earlier mail begins that is introduced and not marked, below an answer; 0 where none does."""
    for place, line in enumerate(lines):
        following = next((each.lstrip() for each in lines[place + 1 :] if each), ">")
        if not line.endswith((":", "：")) or following.startswith(">"):
            continue
        first = _lead(lines, place + 1)
        words = " ".join(lines[first : place + 1])
        if any(lines[:first]) and all(part.search(words) for part in _NAMES_A_MAIL):
            return first
    return 0


def _is_rule(line: str) -> bool:
    """Return whether a line is drawn: dashes alone, or a few words between dashes."""
    words = line.strip("-_*= ")
    if len(line) > 120 or not words:
        return len(line) <= 120 and line.count("-") + line.count("_") >= 5
    before, _, after = line.partition(words)
    return before.count("-") >= 2 and after.count("-") >= 2


def _quoted_runs(lines: list[str]) -> list[tuple[int, int]]:
    """Return where quotes begin and end; an empty line inside a quote does not end it."""
    runs: list[tuple[int, int]] = []
    last = -1
    for place, line in enumerate(lines):
        if line.lstrip().startswith(">"):
            if runs and not any(lines[last + 1 : place]):
                runs[-1] = (runs[-1][0], place + 1)
            else:
                runs.append((place, place + 1))
            last = place
    return runs


def _lead(lines: list[str], start: int) -> int:
    """Return where the words that introduce a quote begin: up to three lines before it, with a colon at their end."""
    place = start
    while place and not lines[place - 1]:
        place -= 1
    if not place or not lines[place - 1].endswith((":", "：")):
        return start
    first = place - 1
    while first and place - first < 3 and lines[first - 1] and _goes_on(lines[first - 1], lines[first]):
        first -= 1
    words = " ".join(lines[first:place])
    return first if _STAMP.search(words) and len(words) < _LONGEST_LEAD else start


def _goes_on(line: str, after: str) -> bool:
    """Return whether a line that introduces a quote began in the line before."""
    return after.startswith("<") or line.endswith((",", "<")) or not _STAMP.search(after)


def _headed(lines: list[str]) -> bool:
    """Return whether the headers of an earlier mail stand at the beginning of some lines."""
    block: list[str] = []
    for line in lines:
        if line:
            block.append(line)
        elif block:
            break
    fields = sum(1 for line in block if _FIELD.match(line))
    return fields >= 3 and any(_STAMP.search(line) for line in block)


def _unsigned(lines: list[str]) -> list[str]:
    """Return the lines above the signature that stands at the end."""
    for place in range(len(lines) - 1, -1, -1):
        if lines[place] == "-- ":
            below = sum(1 for line in lines[place + 1 :] if line.strip())
            return lines[:place] if below <= SIGNATURE_LINES else lines
    return lines
