"""Starter flows: read as written, checked against the pack, and silent about nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from caseward.core.errors import PackError
from caseward.core.pack import Pack
from caseward.packs.starter import Part, State, check

SUPPORT = """\
support_flow:
  ingest: webchat
  classify: [billing, technical, refund, other]
  respond:
    faq_hit: auto_reply
    faq_miss: draft_reply + human_review
  ticket:
    create_when: [high_risk, repeated_issue, low_confidence]
  metrics: [fcr, frt, handoff_rate, escalation_rate]
"""
COMMUNITY = """\
community_flow:
  onboarding: member_joined -> send_welcome + starter_faq
  moderation:
    detect: [spam, abuse, policy_violation]
    route: [auto_warn, manual_review]
  faq:
    match: semantic_search(members)
    fallback: human_mention
  metrics: [d7_retention, faq_hit_rate, intervention_count]
"""
INCIDENT = """\
incident_flow:
  ingest: alertmanager
  dedupe:
    key: [service, fingerprint, severity]
    window: 10
  route:
    p1: page_primary_oncall
    p2: notify_channel
  close_loop:
    ack: write_back_status
    resolved: close_ticket + create_postmortem
  metrics: [mtta, mttr, alerts_per_hour, false_positive_rate]
"""


def read(tmp_path: Path, text: str, pack: Pack) -> list[Part]:
    path = tmp_path / "flow.yaml"
    path.write_text(text)
    return check(path, "flow.yaml", pack, channels=("webchat",), metrics=("frt",))


def refusal(tmp_path: Path, text: str, pack: Pack) -> PackError:
    with pytest.raises(PackError) as caught:
        read(tmp_path, text, pack)
    return caught.value


def test_every_statement_of_the_support_flow_is_told_of(tmp_path: Path, school: Pack) -> None:
    parts = {(part.name, part.says): part.state for part in read(tmp_path, SUPPORT, school)}

    assert parts == {
        ("support_flow.ingest", "webchat"): State.RUNS,
        ("support_flow.classify", "billing"): State.RUNS,
        ("support_flow.classify", "technical"): State.NOT_YET,
        ("support_flow.classify", "refund"): State.RUNS,
        ("support_flow.classify", "other"): State.RUNS,
        ("support_flow.respond.faq_hit", "auto_reply"): State.RUNS,
        ("support_flow.respond.faq_miss", "draft_reply"): State.RUNS,
        ("support_flow.respond.faq_miss", "human_review"): State.RUNS,
        ("support_flow.ticket.create_when", "high_risk"): State.RUNS,
        ("support_flow.ticket.create_when", "repeated_issue"): State.RUNS,
        ("support_flow.ticket.create_when", "low_confidence"): State.RUNS,
        ("support_flow.metrics", "fcr"): State.NOT_YET,
        ("support_flow.metrics", "frt"): State.RUNS,
        ("support_flow.metrics", "handoff_rate"): State.NOT_YET,
        ("support_flow.metrics", "escalation_rate"): State.NOT_YET,
    }


@pytest.mark.parametrize("text", [COMMUNITY, INCIDENT], ids=["community", "incident"])
def test_what_the_desk_cannot_run_yet_is_named_step_by_step(tmp_path: Path, school: Pack, text: str) -> None:
    parts = read(tmp_path, text, school)

    assert all(part.state is State.NOT_YET and part.how for part in parts)
    said = {part.says for part in parts}
    assert {"member_joined", "semantic_search(members)"} <= said or {"page_primary_oncall", "10", "service"} <= said


def test_a_file_may_hold_several_flows_and_metrics_may_stand_under_audit(tmp_path: Path, school: Pack) -> None:
    audited = SUPPORT.replace("  metrics:", "  audit:\n    metrics:")

    names = {part.name.split(".")[0] for part in read(tmp_path, audited + INCIDENT, school)}

    assert names == {"support_flow", "incident_flow"}


def test_a_channel_that_there_is_not_is_named(tmp_path: Path, school: Pack) -> None:
    [ingest] = [
        part for part in read(tmp_path, SUPPORT.replace("webchat", "whatsapp_message"), school) if "ingest" in part.name
    ]

    assert ingest.state is State.NOT_YET
    assert "whatsapp" in ingest.how


@pytest.mark.parametrize(
    ("wrong", "right", "line", "says"),
    [
        ("ingest: webchat", "ingest: <CHANNEL_EVENT>", 2, "<CHANNEL_EVENT> is not filled"),
        ("auto_reply", "auto_replly", 5, "did you mean 'auto_reply'"),
        ("faq_hit", "faq_hits", 5, "did you mean 'faq_hit'"),
        ("support_flow", "suport_flow", 1, "did you mean 'support_flow'"),
        ("draft_reply + human_review", "draft_reply +", 6, "lacks a step"),
        ("draft_reply + human_review", "auto_reply", 6, "draft_reply + human_review"),
        ("[fcr, frt, handoff_rate, escalation_rate]", "[csat]", 9, "unknown metric 'csat'"),
        ("auto_reply", "", 5, "says nothing"),
    ],
)
def test_a_wrong_flow_is_refused_with_line_and_fix(
    tmp_path: Path, school: Pack, wrong: str, right: str, line: int, says: str
) -> None:
    error = refusal(tmp_path, SUPPORT.replace(wrong, right, 1), school)

    assert error.line == line
    assert says in f"{error}; {error.fix}"


def test_a_window_is_a_span_of_time(tmp_path: Path, school: Pack) -> None:
    error = refusal(tmp_path, INCIDENT.replace("window: 10", "window: soon"), school)

    assert error.line == 5
    assert "10m" in error.fix


def test_a_flow_may_not_ask_for_more_than_policy_opens(tmp_path: Path, school: Pack) -> None:
    shut = tuple(replace(row, auto_send=False, lane="qa") for row in school.policy.matrix)
    careful = replace(school, policy=replace(school.policy, matrix=shut))

    error = refusal(tmp_path, SUPPORT, careful)

    assert error.line == 5
    assert "approvals.yaml" in str(error)


def test_a_flow_may_not_ask_for_review_that_policy_does_not_give(tmp_path: Path, school: Pack) -> None:
    reviewed = SUPPORT.replace("faq_hit: auto_reply", "faq_hit: draft_reply + human_review")

    error = refusal(tmp_path, reviewed, school)

    assert error.line == 5
    assert "go out by themselves" in str(error)
