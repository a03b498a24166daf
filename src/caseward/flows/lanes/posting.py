"""A card on its way to its chat: mark it, show it, record it. Three commits, as for every effect outside.

A post that may have gone out and may not is waited for: a press on it proves that it did. After a while it is posted
once more, since a second copy can do no harm (one decision closes both) and a request that nobody sees can.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from caseward.core import ids
from caseward.core.errors import SystemDown, Undeliverable
from caseward.desk import cards as made_of
from caseward.desk import tools
from caseward.durable import step, transact, workflow
from caseward.store import cards
from caseward.store.cards import CardState, Kept

WATCH = timedelta(minutes=2)
"""After this a card that was handed over and not reported counts as unknown."""
BACKOFF = tuple(timedelta(seconds=seconds) for seconds in (5, 30, 120, 600))
MOST = 100
"""Tries after which a chat is given up on: most of a day."""

_log = structlog.get_logger(__name__)
_marked: set[str] = set()
"""What this process has marked and not begun: only these were surely not tried before."""


@workflow
def post_card(card_id: str, _due: str = "") -> str:
    """Post a card, amend it, or point at it, whichever is due."""
    return bring(card_id)


def bring(card_id: str) -> str:
    """Do what is due of a card now, as steps of the workflow that calls."""
    task = transact(_take, card_id)
    if not task:
        return "nothing to do"
    outcome = step(_show, task)
    return transact(_record, task, outcome)


def _take(card_id: str) -> dict[str, Any]:
    """Return what is to be shown now, marked as handed over; empty for nothing."""
    card, now = cards.get(card_id, lock=True), tools.now()
    at_work = card.state is CardState.RUNNING and card.next_at is not None and card.next_at > now
    if at_work or card.state in (CardState.FAILED, CardState.DROPPED):
        return {}
    doubtful = not card.message and card.state in (CardState.RUNNING, CardState.UNKNOWN)
    if not card.message and card.closed:  # it is over; nobody is bothered with it now
        cards.move(card.id, CardState.UNKNOWN if doubtful else CardState.DROPPED, now=now, next_at=None)
        return {}
    if not card.message:
        if doubtful and card.next_at is not None and card.next_at > now:
            return {}
        act = "post"
    elif card.shown != card.wanted:
        act = "amend"
    elif card.next_at is not None and card.next_at <= now and not card.closed:
        hours = tools.pack().hours
        if not hours.is_open(now):
            cards.move(card.id, card.state, now=now, next_at=hours.add(now, timedelta(0)))
            return {}
        act = "nudge"
    else:
        return {}
    cards.move(card.id, CardState.RUNNING, now=now, next_at=now + WATCH, attempts=card.attempts + 1)
    _marked.add(card.id)
    of = {"card": card.id, "channel": card.channel, "chat": card.chat, "message": card.message, "act": act}
    return {**of, "doubtful": doubtful, "body": dict(card.body), "digest": card.wanted, "asks": card.asks}


def _show(task: dict[str, Any]) -> dict[str, str]:
    mine = task["card"] in _marked
    _marked.discard(task["card"])
    plug = tools.lanes().get(task["channel"])
    if plug is None:
        return {"state": "down", "error": f"no lane {task['channel']} is plugged in"}
    card, chat, message = made_of.read(task["body"]), task["chat"], task["message"]
    if task["act"] == "post" and not mine:
        return {"state": "unknown", "error": "the process that was posting it died"}
    try:
        match task["act"]:
            case "post":
                return {"state": "shown", "message": plug.post(chat, card, key=task["card"])}
            case "amend":
                plug.amend(chat, message, card)
            case _:
                plug.say(chat, task["body"]["nudge"], reply_to=message)
        return {"state": "shown"}
    except SystemDown as down:
        return {"state": "down", "error": str(down)}
    except Undeliverable as error:
        return _said_instead(task, str(error)) if task["act"] == "amend" else {"state": "refused", "error": str(error)}
    except Exception as error:
        return {"state": "unknown" if task["act"] == "post" else "down", "error": f"{type(error).__name__}: {error}"}


def _said_instead(task: dict[str, Any], why: str) -> dict[str, str]:
    """A card that can no longer be changed gets a line under it that says what changed."""
    try:
        tools.lanes()[task["channel"]].say(task["chat"], task["body"]["line"], reply_to=task["message"])
    except SystemDown as down:
        return {"state": "down", "error": str(down)}
    except Exception as error:
        return {"state": "refused", "error": f"{why}; {type(error).__name__}: {error}"}
    return {"state": "said", "error": why}


def _record(task: dict[str, Any], outcome: dict[str, str]) -> str:
    card, now, state = cards.get(task["card"], lock=True), tools.now(), outcome["state"]
    error = outcome.get("error", "")
    if error:
        _log.warning("a card was not shown", card=card.id, channel=card.channel, what=task["act"], error=error)
    if state == "down":
        _try_again(card, now, error)
    elif state == "unknown" and card.message:  # somebody pressed it meanwhile, so it stands there
        _amend(card, now)
    elif state == "unknown":
        again = not card.closed and not task["doubtful"]
        to = CardState.UNKNOWN if again or card.closed else CardState.FAILED
        cards.move(card.id, to, now=now, next_at=now + WATCH if again else None, error=error)
    elif state == "refused" and task["act"] == "post":
        cards.move(card.id, CardState.FAILED, now=now, next_at=None, error=error)
    elif state == "said" and card.asks:  # what it asks now cannot be seen there: it is posted anew
        cards.move(card.id, CardState.QUEUED, now=now, message="", shown="", asked="", next_at=now, error=error)
        tools.begin("post_card", card.id, ids.new("say"))
    else:
        _shown(card, task, outcome, now)
    return state


def _shown(card: Kept, task: dict[str, Any], outcome: dict[str, str], now: datetime) -> None:
    behind = card.wanted != task["digest"]
    cards.move(
        card.id,
        CardState.POSTED,
        now=now,
        message=outcome.get("message") or card.message,
        shown=task["digest"],
        asked=task["asks"],
        asked_at=now if card.asked not in ("", task["asks"]) else card.asked_at,
        attempts=0,
        error=outcome.get("error", ""),
        next_at=now if behind else _reminder(card, now),
    )
    if behind:
        tools.begin("post_card", card.id, ids.new("say"))


def _amend(card: Kept, now: datetime) -> None:
    cards.move(card.id, CardState.POSTED, now=now, next_at=now, error="")
    tools.begin("post_card", card.id, ids.new("say"))


def _try_again(card: Kept, now: datetime, error: str) -> None:
    state = CardState.POSTED if card.message else CardState.QUEUED
    next_at = now + BACKOFF[min(card.attempts, len(BACKOFF)) - 1]
    if card.attempts >= MOST:
        cards.move(card.id, CardState.FAILED, now=now, next_at=None, error=error)
        return
    cards.move(card.id, state, now=now, next_at=next_at, error=error)


def _reminder(card: Kept, now: datetime) -> datetime | None:
    """Return when the card is pointed at next, None for no more."""
    due: Sequence[datetime] = [datetime.fromisoformat(each) for each in card.body["remind"]]
    return None if card.closed else min((at for at in due if at > now), default=None)
