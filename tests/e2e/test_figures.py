"""Figures over real cases: what the desk did is added up from its log, again and again or from scratch, and shown."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from caseward.core import kpis
from caseward.core.approval import Approval, Word
from caseward.core.errors import Refused
from caseward.core.kpis import Watch
from caseward.core.kpis.measures import Measured
from caseward.core.kpis.records import Window
from caseward.core.roles import Actor
from caseward.desk import executor, figuring
from caseward.store import approvals, case_figures, db, figure_records
from tests.conftest import Desk


def rows() -> list[dict[str, Any]]:
    with db.transaction():
        return [row._asdict() for row in db.run("select * from case_figures order by number").fetchall()]


def window(desk: Desk) -> Window:
    now = desk.clock()
    with db.transaction():
        return figure_records.read(now - timedelta(days=1), now + timedelta(days=1), hours=desk.pack.hours, now=now)


def measure(desk: Desk, id: str) -> Measured:
    return kpis.FIGURES[id].measure(window(desk), Watch(skills=("reschedule",)))


def test_a_day_at_the_desk_adds_up(desk: Desk) -> None:
    # A published answer, by itself, at once.
    desk.ask("how much is the trial lesson?", language="en")
    # A refund, that the coach denies after twenty minutes.
    refund = desk.open(as_="stu-003", language="en")
    desk.say(refund, "I want my money back for November")
    desk.settle()
    desk.clock.advance(minutes=20)
    desk.decide(refund, Word.DENY, reason="Outside policy")
    desk.settle()
    figuring.catch_up()

    published, denied = rows()
    assert (published["asked"], published["answers"], published["first_seconds"], published["turns"]) == (0, 1, 0, 1)
    assert published["settled_at"] == published["closed_at"] == published["opened_at"]
    assert (denied["asked"], denied["lanes"], denied["worked_seconds"], denied["handed"]) == (1, ["coach"], 1200, False)
    assert measure(desk, "decision_p90").value == 20
    assert measure(desk, "first_response_p90").value == 0
    assert measure(desk, "automation_share").value == 50
    assert measure(desk, "policy_mismatch") == Measured(value=0.0, n=1, hits=0)

    # It is taken up again two days later: the same case, reopened.
    desk.clock.advance(days=1)
    desk.say(refund, "I still want my money back for November, please")
    desk.settle()
    figuring.catch_up()

    again = rows()[1]
    assert again["returned_at"] == desk.clock()
    assert again["closed_at"] is None
    assert again["settled_at"] == denied["settled_at"]
    assert measure(desk, "reopened_rate").hits == 1

    # Made from scratch the rows are the same.
    kept = rows()
    with db.transaction():
        for table in ("case_figures", "guard_events", "figures_read"):
            db.execute(text(f"delete from {table}"))
    figuring.catch_up()
    assert rows() == kept


def test_what_a_guard_refuses_is_counted(desk: Desk) -> None:
    conversation = desk.open(as_="stu-003", language="en")
    desk.say(conversation, "I want my money back for November")
    desk.settle()
    case, request = desk.case(conversation), desk.request(conversation)
    with db.transaction():
        draft, _checks, _at = approvals.draft(request.draft_id)

    stale = Approval.of(draft, approver="per_coach", expires_at=desk.clock() - timedelta(minutes=1))
    with suppress(Refused), db.transaction():
        executor.queue(case, draft, stale, approval_id=request.id, actor=Actor.C)
    figuring.catch_up()

    assert measure(desk, "unverified_actions").value == 1


def test_other_hours_make_all_rows_anew(desk: Desk) -> None:
    desk.ask("how much is the trial lesson?", language="en")
    figuring.catch_up()
    with db.transaction():
        db.execute(text("update case_figures set first_seconds = 99"))
        before = case_figures.behind("other rules")

    assert before
    with db.transaction():
        case_figures.catch_up(desk.pack.hours, desk.pack.policy.lanes, rules="other rules", now=desk.clock())
    assert rows()[0]["first_seconds"] == 0
