"""Whoever works on a case locks its conversation, then the case, then what hangs on it: nobody waits in a ring."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import text

from caseward import durable
from caseward.core.approval import Word
from caseward.core.case import Case
from caseward.core.errors import Conflict
from caseward.desk import approvals as asking
from caseward.desk import verdicts
from caseward.flows import by_hand
from caseward.store import approvals, cases, db, messages, timers
from caseward.store.approvals import Request
from tests.conftest import Desk, wait_until

BLOCKED = text("select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'")


@pytest.fixture
def asked(desk: Desk) -> tuple[Case, Request]:
    """A case that waits for the coach."""
    conversation = desk.open(as_="stu-003", language="en")
    desk.say(conversation, "I want a refund for my last payment please")
    desk.settle()
    return desk.case(conversation), desk.request(conversation)


def alongside(desk: Desk, case: Case, work: Callable[[], object]) -> None:
    """Do `work` while another story holds the case and goes on to what hangs on it, as a new turn does."""

    def in_a_transaction() -> None:
        with db.transaction():
            work()

    with ThreadPoolExecutor(1) as pool:
        with db.transaction():
            messages.lock(case.conversation_id)
            cases.get(case.id, lock=True)
            working = pool.submit(in_a_transaction)
            wait_until(lambda: _blocked() or working.done(), what="the other one to wait for the case")
            assert not working.done()
            db.execute(text("set local lock_timeout = '5s'"))
            assert approvals.open_of(case.id)
            timers.set_timer(case.id, "resolution_warn", desk.clock() + timedelta(minutes=5))
            timers.set_timer(case.id, "resolution_breach", desk.clock() + timedelta(minutes=5))
        working.result(timeout=30)


def _blocked() -> bool:
    with db.engine().connect() as connection:
        return bool(connection.execute(BLOCKED).scalar_one())


def test_a_verdict_waits_for_the_case_before_it_takes_the_request(desk: Desk, asked: tuple[Case, Request]) -> None:
    case, request = asked

    alongside(
        desk,
        case,
        lambda: verdicts.decide(
            request.id, Word.DENY, person="sample_coach", role="coach", digest=request.digest, reason="outside policy"
        ),
    )

    desk.settle()
    assert desk.case(case.conversation_id).disposition == "declined"


def test_a_persons_own_words_wait_for_the_case(desk: Desk, asked: tuple[Case, Request]) -> None:
    case, _request = asked

    alongside(desk, case, lambda: by_hand.write(case.id, "I will call you today.", person="sample_coach", role="coach"))

    desk.settle()
    assert "I will call you today." in desk.replies(case.conversation_id)


def test_an_expiry_waits_for_the_case_before_it_takes_the_request(desk: Desk, asked: tuple[Case, Request]) -> None:
    case, request = asked
    desk.clock.set(request.expires_at)

    alongside(desk, case, lambda: asking.expire(request.id))

    with db.transaction(), pytest.raises(Conflict):
        verdicts.decide(request.id, Word.APPROVE, person="sample_coach", role="coach", digest=request.digest)


def test_a_timer_waits_for_the_case_before_it_is_taken(desk: Desk, asked: tuple[Case, Request]) -> None:
    case, _request = asked
    with db.transaction():
        timers.set_timer(case.id, "resolution_warn", desk.clock())

    alongside(desk, case, lambda: durable.bare("tick")[0](f"{case.id} resolution_warn"))
