from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from caseward.web.citations import Evidence, parts_of

NOW = datetime(2026, 11, 21, 8, 0, tzinfo=UTC)
REPLY = "Your lesson has been moved to Saturday 10:00. Lessons can be moved twice a month."


def evidence(number: int, *, kind: str = "reading", values: tuple[str, ...] = ()) -> Evidence:
    return Evidence(
        number=number,
        title="",
        quote="",
        source="",
        at=NOW,
        published=kind == "article",
        kind=kind,
        id="",
        system="",
        values=values,
    )


def test_a_citation_stands_after_the_sentence_it_supports() -> None:
    parts = parts_of(REPLY, [evidence(1, values=("Saturday 10:00",)), evidence(2, kind="article")])

    assert [(part.text, part.cites) for part in parts] == [
        ("Your lesson has been moved to Saturday 10:00.", (1,)),
        (" Lessons can be moved twice a month.", (2,)),
        ("", ()),
    ]


def test_evidence_that_the_reply_does_not_use_is_not_cited() -> None:
    parts = parts_of(REPLY, [evidence(1, values=("Sunday 09:00",)), evidence(2, kind="identity")])

    assert [(part.text, part.cites) for part in parts] == [(REPLY, ())]


@given(reply=st.text(max_size=200), values=st.lists(st.text(min_size=1, max_size=5), max_size=4))
def test_citing_changes_no_letter_of_the_reply(reply: str, values: list[str]) -> None:
    parts = parts_of(reply, [evidence(number, values=(value,)) for number, value in enumerate(values, start=1)])

    assert "".join(part.text for part in parts) == reply


def test_a_count_is_not_cited_by_a_digit_of_a_time() -> None:
    parts = parts_of("A colleague replies at 09:34. You have 0 changes left.", [evidence(1, values=("0",))])

    assert next((part.text, part.cites) for part in parts) == (
        "A colleague replies at 09:34. You have 0 changes left.",
        (1,),
    )
