"""Which of the offered times a contact means: `besok jam 10`, `Sabtu pagi`, `22 Nov 4pm`, `yang kedua`, `2`.

Nothing is guessed. A time that was not offered is never returned, a number that cannot be understood chooses nothing,
and neither does a refusal (`not Saturday`) or a bound (`before 10`): the desk asks again. tests/property/test_when.py.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from caseward.core.counting import Ordinals
from caseward.core.entities import blank, shapes
from caseward.core.pack import Entity, Lexicon
from caseward.core.text import normalise, words
from caseward.core.wishes import Scanner

LIMIT = 1000
"""Characters of a message that are read."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The offered times that the words fit, in the order offered: one is chosen, several are ambiguous."""

    slots: tuple[datetime, ...] = ()

    @property
    def chosen(self) -> datetime | None:
        """The one time that is meant, or None when there is none or more than one."""
        return self.slots[0] if len(self.slots) == 1 else None


class Chooser:
    """Reads a choice among offered times in the everyday words of a pack's languages."""

    def __init__(self, lexicon: Mapping[str, Lexicon], entities: Mapping[str, Entity] | None = None) -> None:
        """Compile the lexicon; raise BadInput that names the entry that is not a regular expression."""
        each = tuple(lexicon.values())
        self._own = shapes(entities or {})
        courtesies = [word for lex in each for word in (*lex.yes, *lex.thanks, *lex.greetings)]
        self._scanner = Scanner(lexicon)
        self._ordinals = Ordinals([lex.counting for lex in each if lex.counting], courtesies)
        self._bounds = words((lex.counting.bounds for lex in each if lex.counting), where="bounds")
        refusals = words((word for lex in each for word in lex.no), where="lexicon, no")
        self._refusal = re.compile(rf"{refusals.pattern}(?![ .:#-]{{0,3}}\d)") if refusals else None

    def choose(self, text: str, offered: Sequence[datetime], *, now: datetime, zone: tzinfo) -> Choice:
        """Return which of `offered` the words of `text` fit.

        Args:
            text: what the contact wrote, as it came.
            offered: aware times in the order in which they were listed; `2` means the second of them.
            now: the aware instant at which the contact wrote; `besok` is counted from its day in `zone`.
            zone: the time zone in which both sides speak of days and hours.
        """
        words_ = blank(normalise(text[:LIMIT]), self._own)
        if not offered or self._says(self._refusal, words_) or self._says(self._bounds, words_):
            return Choice()
        bare = self._ordinals.bare(words_)
        if bare is not None and 1 <= bare <= len(offered):
            return Choice((offered[bare - 1],))

        named = self._ordinals.announced(words_, len(offered))
        if -1 in named:
            return Choice()
        rest = self._ordinals.spelled(self._scanner.hour_words, self._ordinals.without(words_))
        wishes = self._scanner.wishes(rest, now.astimezone(zone).date())
        if wishes is None or not (named or wishes):
            return Choice()
        if bare is None and not all(wish.dated or wish.timed for wish in wishes):
            return Choice()  # `2 orang`: a number of something else
        return Choice(
            tuple(
                at
                for place, at in enumerate(offered)
                if (not named or place in named) and (not wishes or any(w.fits(at.astimezone(zone)) for w in wishes))
            )
        )

    @staticmethod
    def _says(pattern: re.Pattern[str] | None, text: str) -> bool:
        return bool(pattern and pattern.search(text))
