"""The digest of a draft: whatever reaches a contact or a system is under it, and it outlives being stored."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from caseward.core.ids import CaseId, DraftId
from caseward.core.task import Draft, ResultStatus, TaskRequest

TASK = TaskRequest(
    skill="reschedule", args={"session": "ses-1", "amount": 50}, key="reschedule:ses-1", summary="Move it"
)
DRAFT = Draft(
    id=DraftId("drf_one"),
    case_id=CaseId("case_one"),
    language="id",
    template="reschedule-done",
    replies={ResultStatus.SUCCESS: "Sesi kamu sudah dipindahkan.", ResultStatus.FAILED: "Belum bisa."},
    task=TASK,
    address="webchat:chat_one",
)

texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
tasks = st.builds(TaskRequest, skill=texts, args=st.dictionaries(texts, values, max_size=4), key=texts, summary=texts)
drafts = st.builds(
    Draft,
    id=st.just(DraftId("drf_one")),
    case_id=texts.map(CaseId),
    language=st.just("id"),
    template=st.just(""),
    replies=st.dictionaries(st.sampled_from(ResultStatus), texts, min_size=1),
    task=st.none() | tasks,
    address=texts,
)


@pytest.mark.parametrize(
    "changed",
    [
        replace(DRAFT, case_id=CaseId("case_two")),
        replace(DRAFT, address="webchat:chat_two"),
        replace(DRAFT, address="whatsapp:chat_one"),
        replace(DRAFT, replies={**DRAFT.replies, ResultStatus.SUCCESS: "sesi kamu sudah dipindahkan."}),
        replace(DRAFT, replies={**DRAFT.replies, ResultStatus.FAILED: "Belum bisa"}),
        replace(DRAFT, replies={ResultStatus.SUCCESS: DRAFT.reply}),
        replace(DRAFT, task=None),
        replace(DRAFT, task=replace(TASK, skill="refund")),
        replace(DRAFT, task=replace(TASK, key="reschedule:ses-2")),
        replace(DRAFT, task=replace(TASK, args={**TASK.args, "session": "ses-2"})),
        replace(DRAFT, task=replace(TASK, args={**TASK.args, "amount": "50"})),
        replace(DRAFT, task=replace(TASK, args={**TASK.args, "free": True})),
        replace(DRAFT, task=replace(TASK, summary="Move it, free of charge")),
    ],
)
def test_the_digest_changes_with_anything_that_has_an_effect(changed: Draft) -> None:
    assert changed.digest != DRAFT.digest


def test_the_order_in_which_things_were_put_in_is_irrelevant() -> None:
    turned = replace(
        DRAFT,
        replies=dict(reversed([*DRAFT.replies.items()])),
        task=replace(TASK, args=dict(reversed([*TASK.args.items()]))),
    )

    assert turned.digest == DRAFT.digest


@given(drafts, st.data())
def test_one_changed_letter_changes_the_digest(draft: Draft, data: st.DataObject) -> None:
    status = data.draw(st.sampled_from(sorted(draft.replies)))
    text = draft.replies[status]
    at = data.draw(st.integers(0, len(text)))
    changed = text[:at] + data.draw(texts) + text[at + data.draw(st.integers(0, 1)) :]
    assume(changed != text)

    assert replace(draft, replies={**draft.replies, status: changed}).digest != draft.digest


@given(drafts, drafts)
def test_different_drafts_have_different_digests(one: Draft, other: Draft) -> None:
    assume((one.case_id, one.address, one.replies) != (other.case_id, other.address, other.replies))

    assert one.digest != other.digest


@given(drafts)
def test_the_digest_survives_being_written_as_json_and_read_again(draft: Draft) -> None:
    assert _stored(draft).digest == draft.digest


def test_instants_in_a_task_survive_too() -> None:
    at = datetime(2026, 11, 22, 3, tzinfo=UTC)
    draft = replace(DRAFT, task=replace(TASK, args={"slot": at, "day": date(2026, 11, 22)}))
    stored = replace(DRAFT, task=replace(TASK, args={"slot": at.isoformat(), "day": "2026-11-22"}))

    assert draft.digest == stored.digest


def test_a_draft_without_words_for_success_says_nothing() -> None:
    assert replace(DRAFT, replies={ResultStatus.FAILED: "Belum bisa."}).reply == ""


def _stored(draft: Draft) -> Draft:
    replies = json.loads(json.dumps(draft.replies))
    task = draft.task and replace(draft.task, args=json.loads(json.dumps(draft.task.args)))
    return replace(draft, replies={ResultStatus(name): text for name, text in replies.items()}, task=task)
