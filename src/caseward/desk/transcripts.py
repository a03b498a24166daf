"""What was said in the chat, by mail to who asks for it there: only what this conversation said, masked as in a case.

It goes to the address on the record of who was proved to write, and to any other once a code that was mailed there was
typed in the chat. The mail's own words are an approved template and pass the speaker; what they enclose was said
before.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from caseward.core import ids
from caseward.core.case import Case
from caseward.core.channels import Mailed
from caseward.core.errors import BadInput
from caseward.core.ids import DraftId
from caseward.core.masking import EMAIL, masked_email, masker
from caseward.core.messages import Message
from caseward.core.task import Draft, Evidence, ResultStatus
from caseward.desk import tools
from caseward.packs import wording
from caseward.store import hashes, log, messages
from caseward.store import transcripts as store
from caseward.store.transcripts import ASKED, CONFIRMED, DROPPED, Transcript

CHANNEL = "email"
LASTS = timedelta(minutes=15)
"""How long a code counts."""
TRIES = 5
PER_HOUR, PER_DAY = 3, 5
"""Of one conversation, and to one address."""
ADDRESS_CHARS = 254
LINES, CHARS = 400, 100_000
"""The most that is enclosed, the latest."""


class TooOften(BadInput):
    """A transcript was asked for too often, here or to this address."""

    code = "too_often"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """A wish as it was taken in."""

    id: str
    address: str
    code: str
    """What is mailed to prove the address; empty where it is proved already."""


def declared() -> Mailed | None:
    """Return in which words the pack sends a transcript; None where it has none, or no mail can leave."""
    return tools.pack().channels.transcript if CHANNEL in tools.given().channels else None


def ask(case: Case, address: str, *, registered: str) -> Wish:
    """Take in that a contact wants their conversation at an address; `registered` is the one that is proved theirs.

    Raises:
        BadInput: it is no address; TooOften.
    """
    address, now = address.strip(), tools.now()
    if not EMAIL.fullmatch(address) or len(address) > ADDRESS_CHARS:
        raise BadInput("email: this is no e-mail address; write one such as name@example.com")
    lowered = address.casefold()
    here, there = store.counted(
        case.conversation_id, lowered, hour=now - timedelta(hours=1), day=now - timedelta(days=1)
    )
    if here >= PER_HOUR or there >= PER_DAY:
        raise TooOften("email: a transcript was asked for too often; try again later")
    proved = bool(registered) and lowered == registered.strip().casefold()
    wish = Wish(id=ids.new("trs"), address=lowered, code="" if proved else f"{secrets.randbelow(10**6):06}")
    store.keep(
        Transcript(
            id=wish.id,
            conversation_id=case.conversation_id,
            address=lowered,
            code_hash=_hashed(wish.id, wish.code) if wish.code else "",
            state=CONFIRMED if proved else ASKED,
            tries=0,
            expires_at=now + LASTS,
        ),
        at=now,
    )
    _log(case, "on record" if proved else ASKED, lowered)
    return wish


def confirm(case: Case, code: str) -> str:
    """Take the code that proves an address and return the id of the wish that it confirms; empty for a wrong one."""
    wish = store.waiting(case.conversation_id, now=tools.now(), lock=True)
    if wish is None:
        return ""
    given = "".join(char for char in code if char.isdigit())[:12]
    right = hmac.compare_digest(_hashed(wish.id, given), wish.code_hash)
    over = wish.tries + 1 >= TRIES
    store.move(wish.id, CONFIRMED if right else DROPPED if over else ASKED, tried=True)
    _log(case, CONFIRMED if right else "wrong code", wish.address)
    return wish.id if right else ""


def drop(case: Case, wish: Wish) -> None:
    """A code could not be mailed: the wish counts no more."""
    store.move(wish.id, DROPPED)
    _log(case, DROPPED, wish.address)


def letter(wish: Wish, words: Mailed, case: Case) -> tuple[str, str]:
    """Return subject and text of the mail that brings a code."""
    return _words(words.code, case, {"code": wish.code, "minutes": str(LASTS.seconds // 60)})


def draft(case: Case, wish: Transcript, words: Mailed) -> Draft:
    """Return the mail's own words, which enclose what was said."""
    pack = tools.pack()
    _subject, text = _words(words.template, case, {})
    ours = Evidence(
        id="house",
        kind="house",
        title="What we may say of ourselves",
        excerpt=pack.profile.title,
        source=pack.profile.release,
        at=tools.now(),
        values=(f"#{case.number}", str(case.number)),
    )
    return Draft(
        id=DraftId(ids.new("drf")),
        case_id=case.id,
        language=pack.language(case.language),
        template=words.template,
        replies={ResultStatus.SUCCESS: text},
        evidence=(ours,),
        address=f"{CHANNEL}:{wish.address}",
    )


def said(case: Case, words: Mailed, *, name: str) -> str:
    """Return what a conversation said, oldest first; numbers, addresses and the contact's `name` are masked, which is
    left empty where it goes to their own address."""
    pack = tools.pack()
    mask = masker(name, pack, amounts=True)
    you = words.you.get(pack.language(case.language)) or next(iter(words.you.values()), "")
    told: list[str] = []
    for each in reversed(_all(case)):
        local = each.at.astimezone(pack.hours.zone)
        told.append(f"{local:%Y-%m-%d %H:%M}  {you if each.inbound else pack.profile.title}\n{mask(each.text)}")
        if len(told) == LINES or sum(map(len, told)) > CHARS:
            break
    return "\n\n".join(reversed(told))


def _all(case: Case) -> Sequence[Message]:
    """Return what the contact sees of their conversation."""
    found: list[Message] = []
    after = 0
    while page := messages.visible(case.conversation_id, after=after):
        found += [each for each in page if each.text]
        after = page[-1].seq
    return found


def _words(template: str, case: Case, more: dict[str, str]) -> tuple[str, str]:
    pack = tools.pack()
    language = pack.language(case.language)
    own = {"business": pack.profile.title, "reference": f"#{case.number}", "case": str(case.number), **more}
    text = wording.render(pack, template, language, own, now=tools.now())
    subjects = pack.template(template).subject
    return wording.fill(subjects.get(language) or next(iter(subjects.values()), ""), own), text


def _hashed(id: str, code: str) -> str:
    return hashes.digest(f"{id} {code}")


def _log(case: Case, state: str, address: str) -> None:
    log.of_case(case, "transcript", "contact", {"state": state, "to": masked_email(address)}, at=tools.now())
