"""How languages count: ordinals, numbers in words, and the small words that stand around a number.

General knowledge of a language, the same for every business; the names of days and hours are in a pack's lexicon.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from caseward.core.text import words


@dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """One language's way to count, as regular expressions over lower-cased text."""

    ordinals: tuple[str, ...]
    """First, second, ..."""
    last: str
    cardinals: tuple[str, ...]
    """One, two, ... up to twelve."""
    announcers: str
    """Words that make the next number an ordinal: number, option."""
    fillers: str
    """Words that may stand beside a chosen number without changing it."""
    days: str
    """Words that make the next number a day of the month: the date."""
    next_week: str
    """The week after this one, with `{day}` where the name of a weekday may stand."""
    bounds: str
    """Words that make a time a bound, shift it, or leave it open: before, half past."""


LANGUAGES: Mapping[str, Counting] = {
    "id": Counting(
        ordinals=("pertama|kesatu", "kedua", "ketiga", "keempat", "kelima", "keenam", "ketujuh", "kedelapan"),
        last="terakhir|paling akhir|paling bawah",
        cardinals=(
            "satu",
            "dua",
            "tiga",
            "empat",
            "lima",
            "enam",
            "tujuh",
            "delapan",
            "sembilan",
            "sepuluh",
            "sebelas",
        ),
        announcers="nomor|nomer|nmr|no|opsi|pilihan|slot|urutan|(?:yang|yg) ke|ke(?=-)",
        fillers="aja|saja|aj|ya|yaa|iya|dong|deh|sih|kak|kakak|min|mas|mbak|yang|yg|pilih|ambil|mau|saya|aku|sy|gue|gw"
        "|itu|boleh|oke|ok|baik|tolong|nih|lah|bisa|pakai|pake|fix",
        days="tanggal|tgl|tggl|tg",
        next_week="(?:minggu|pekan|{day}) (?:depan|dpn)",
        bounds="setengah|seperempat|kurang|sebelum|sblm|setelah|sesudah|stlh|abis|habis|antara|sampai|di atas"
        "|lebih dari|(?:bulan|tahun) (?:depan|dpn)|kapan (?:aja|saja)",
    ),
    "en": Counting(
        ordinals=("first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth"),
        last="last",
        cardinals=("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
        announcers="number|no|nr|option|choice|slot",
        fillers="i'll|i'd|let's|the|ill|i|take|choose|pick|go|with|want|would|like|lets|do|please|pls|ok|okay|yes|yeah"
        "|one|that|works|for|me|is|fine|good|sounds|prefer",
        days="the|date|on the",
        next_week="next (?:week|{day})",
        bounds="half|quarter|before|after(?!noon)|between|until|till|earlier than|later than|past"
        "|next (?:month|year)|any ?time",
    ),
}


class Ordinals:
    """Reads which of several listed things is meant."""

    def __init__(self, languages: Iterable[str], fillers: Iterable[str]) -> None:
        """Compile the counting of `languages`; ones without an entry only read digits. `fillers` are further words, as
        regular expressions, that may stand beside a number."""
        counting = known(languages)
        announcers = words((c.announcers for c in counting), where="announcers")
        each = range(max((len(c.ordinals) for c in counting), default=0))
        self._named = [
            words((name for c in counting for name in c.ordinals[i : i + 1]), where="ordinals") for i in each
        ]
        self._last = words((c.last for c in counting), where="last")
        self._cardinals = [
            words((name for c in counting for name in c.cardinals[i : i + 1]), where="cardinals") for i in range(12)
        ]
        lead = rf"(?:#|{announcers.pattern}[ .:#-]{{0,3}})" if announcers else "#"
        self._announced = re.compile(rf"{lead} ?(\d{{1,2}})(?![\w:/-]|[.,]\d)")
        self._counted = re.compile(rf"(\d{{1,2}})(?:st|nd|rd|th) (?:one|{announcers.pattern})") if announcers else None
        self._spelled = [
            re.compile(rf"{announcers.pattern} {word.pattern}") if announcers and word else None
            for word in self._cardinals
        ]
        self._filler = words((*(c.fillers for c in counting), *fillers), where="fillers")

    def announced(self, text: str, count: int) -> list[int]:
        """Return the places, from 0, that words such as `the second`, `option 2` or `nomor dua` name among `count`
        things; out of range ones as -1."""
        places = [int(match[1]) - 1 for match in self._announced.finditer(text)]
        places += [int(match[1]) - 1 for match in self._counted.finditer(text)] if self._counted else []
        places += [i for i, pattern in enumerate(self._named) if pattern and pattern.search(text)]
        places += [i for i, pattern in enumerate(self._spelled) if pattern and pattern.search(text)]
        if self._last and self._last.search(text):
            places.append(count - 1)
        return [place if 0 <= place < count else -1 for place in dict.fromkeys(places)]

    def without(self, text: str) -> str:
        """Return `text` without the announced numbers, which are neither days nor hours."""
        text = self._announced.sub(" ", text)
        return self._counted.sub(" ", text) if self._counted else text

    def bare(self, text: str) -> int | None:
        """Return the number when `text` is nothing but one and words that do not change it; None otherwise."""
        left = self._filler.sub(" ", text) if self._filler else text
        left = re.sub(r"[^\w\s/:.,-]|[.,](?!\d)", " ", left).strip()
        if re.fullmatch(r"\d{1,2}", left):
            return int(left)
        source = left or text
        named = [i + 1 for i, pattern in enumerate(self._cardinals) if pattern and pattern.search(source)]
        for pattern in (*self._cardinals, self._filler):
            source = pattern.sub(" ", source) if pattern else source
        return named[0] if len(named) == 1 and not re.search(r"\w", source) else None

    def spelled(self, announcer: re.Pattern[str] | None, text: str) -> str:
        """Return `text` with numbers in words after `announcer` as digits: `jam sepuluh` becomes `jam 10`."""
        if announcer:
            for i, pattern in enumerate(self._cardinals):
                if pattern and pattern.search(text):
                    text = re.sub(rf"({announcer.pattern}) (?:{pattern.pattern})", rf"\1 {i + 1}", text)
        return text


def known(languages: Iterable[str]) -> list[Counting]:
    """Return how those of `languages` count that are known here."""
    return [LANGUAGES[each] for each in languages if each in LANGUAGES]
