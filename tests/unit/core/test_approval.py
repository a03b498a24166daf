"""Consent covers exactly one draft, for one case, until it expires."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from caseward.core.approval import Approval
from caseward.core.errors import NotApproved, Refused
from caseward.core.ids import CaseId, DraftId
from caseward.core.task import Draft, Evidence, ResultStatus, TaskRequest

NOW = datetime(2026, 11, 21, 3, tzinfo=UTC)
CASE = CaseId("case_one")
DRAFT = Draft(
    id=DraftId("drf_one"),
    case_id=CASE,
    language="en",
    template="reschedule-done",
    replies={ResultStatus.SUCCESS: "Your lesson has been moved."},
    task=TaskRequest(skill="reschedule", args={"session": "ses-1"}, key="reschedule:ses-1"),
    address="webchat:chat_one",
)


def consent(draft: Draft = DRAFT) -> Approval:
    return Approval.of(draft, approver="per_coach", expires_at=NOW + timedelta(hours=4))


def test_approval_covers_only_the_draft_that_was_seen() -> None:
    approval = consent()
    edited = replace(DRAFT, replies={ResultStatus.SUCCESS: "Your lesson has been moved, and this one is on us."})

    approval.require(DRAFT, case_id=CASE, now=NOW)
    with pytest.raises(NotApproved, match="something else"):
        approval.require(edited, case_id=CASE, now=NOW)


def test_approval_covers_only_its_own_case() -> None:
    approval, other = consent(), CaseId("case_two")

    with pytest.raises(NotApproved, match="not this draft of case case_two"):
        approval.require(DRAFT, case_id=other, now=NOW)
    with pytest.raises(NotApproved):
        approval.require(replace(DRAFT, case_id=other), case_id=CASE, now=NOW)
    with pytest.raises(NotApproved):
        approval.require(replace(DRAFT, case_id=other), case_id=other, now=NOW)


def test_approval_ends_at_the_very_instant_it_expires() -> None:
    approval = consent()

    approval.require(DRAFT, case_id=CASE, now=approval.expires_at - timedelta(microseconds=1))
    with pytest.raises(NotApproved, match="expired at 2026-11-21 07:00 UTC"):
        approval.require(DRAFT, case_id=CASE, now=approval.expires_at)


def test_what_is_not_part_of_the_effect_may_change() -> None:
    shown = Evidence(id="house", kind="house", title="", excerpt="", source="", at=NOW)

    consent().require(replace(DRAFT, id=DraftId("drf_two"), evidence=(shown,)), case_id=CASE, now=NOW)


def test_a_missing_approval_is_a_refusal_which_is_never_retried() -> None:
    assert issubclass(NotApproved, Refused)
