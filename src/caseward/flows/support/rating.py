"""How it was for the contact: asked once, when a case has been settled for a while, and answered by a button or a word.

An answer is no new turn of the case. Whatever else is said goes its usual way.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

from caseward.core.case import DONE, Case, CaseStatus
from caseward.core.errors import NotFound
from caseward.core.messages import Message
from caseward.core.outreach import silent_until
from caseward.core.turn import Turn
from caseward.desk import casework, outreach, post, speaker, tools
from caseward.store import cases, log, ratings, timers

REQUEST, THANKS = "rating-request", "rating-thanks"
_NUMBER = re.compile(r"\s*(\d)(?:\s*$|\s*[.,:;!)\-–—]+\s*(?!\d))", re.DOTALL)


def ask(case: Case) -> str:
    """Ask the contact of a settled case, unless they were asked, want no such thing, or it is a quiet hour."""
    pack, now = tools.pack(), tools.now()
    channel, _, address = casework.address(case).partition(":")
    if case.status is not CaseStatus.RESOLVED or not _offered(case) or outreach.wanted(channel, address) is False:
        return "not asked"
    until = silent_until(pack.channels.outreach.quiet, now, pack.hours.zone)
    if until is not None:
        timers.set_timer(case.id, casework.RATING, until + timedelta(minutes=1))
        return "later"
    if channel not in tools.given().channels or not post.may_write(channel, address, now):
        return "not asked"
    if not ratings.ask(case.id, channel=channel, now=now):
        return "not asked"
    speaker.tell(case, REQUEST, {}, address=f"{channel}:{address}", key=f"rating:{case.id}")
    return "asked"


def take(case: Case, turn: Turn) -> Turn | None:
    """Keep the scores that a turn gives and say thanks; return what else it says, None for nothing."""
    if case.status not in DONE and not turn.picked.startswith(REQUEST):
        return turn
    rest = []
    for message in turn.messages:
        left = _take(case, message)
        if left is not None:
            rest.append(left)
    if rest:
        return replace(turn, messages=rest)
    cases.change(case, tools.now(), turns=case.turns - 1)
    return None


def _take(case: Case, message: Message) -> Message | None:
    """Keep the score that a message gives, if it gives one; return what is left of the message."""
    rated, score, comment = _scored(case, message)
    asked = ratings.of(rated.id) if rated is not None else None
    if rated is None or asked is None or (asked.score is not None and not message.choice):
        return message
    now = tools.now()
    ratings.keep(rated.id, score=score, comment=comment, now=now)
    log.of_case(rated, "rating", "contact", {"score": score, "comment": comment, "channel": asked.channel}, at=now)
    if THANKS in tools.pack().templates:
        speaker.tell(case, THANKS, {}, address=casework.address(case), key=f"rated:{rated.id}")
    return replace(message, text=comment) if comment else None


def _scored(case: Case, message: Message) -> tuple[Case | None, int, str]:
    """Return which case a message rates, how, and what it adds; no case for any other message."""
    labels = _offered(case)
    if message.choice:
        template, _, picked = message.choice.partition(":")
        number, _, given = picked.partition(":")
        if template != REQUEST or given not in map(str, range(1, len(labels) + 1)):
            return None, 0, ""
        return _numbered(number, case), int(given), ""
    said = " ".join(message.text.split()).casefold()
    for score, label in enumerate(labels, 1):
        if said == " ".join(label.split()).casefold():
            return case, score, ""
    found = _NUMBER.match(message.text)
    if found is None or not 0 < int(found[1]) <= len(labels):
        return None, 0, ""
    return case, int(found[1]), message.text[found.end() :].strip()


def _offered(case: Case) -> tuple[str, ...]:
    """Return the scores to pick from, the worst first; none where the business does not ask."""
    pack = tools.pack()
    template = pack.templates.get(REQUEST)
    if template is None or template.status != "approved":
        return ()
    return template.choices.get(pack.language(case.language), ())


def _numbered(number: str, case: Case) -> Case | None:
    """Return the case of that number, if it is one of the same conversation."""
    if number == str(case.number):
        return case
    try:
        found = cases.get(number)
    except NotFound:
        return None
    return found if found.conversation_id == case.conversation_id else None
