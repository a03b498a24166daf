"""The action log's payloads are in the canonical form that its hashes promise."""

from datetime import UTC, datetime
from hashlib import sha256

import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from caseward.store.log import MAX_SAFE, canonical, link

names = st.text(st.characters(min_codepoint=97, max_codepoint=122), min_size=1, max_size=8)
leaves = (
    st.none() | st.booleans() | st.integers(-MAX_SAFE, MAX_SAFE) | st.text(st.characters(exclude_categories=["Cs"]))
)
values = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4))


@given(st.dictionaries(names, values, max_size=5))
def test_a_payload_is_written_as_rfc_8785_says(payload: dict[str, object]) -> None:
    assert canonical(payload).encode() == rfc8785.dumps(payload)  # type: ignore[arg-type]


@given(st.integers(min_value=MAX_SAFE + 1) | st.floats(allow_nan=False))
def test_a_number_that_readers_disagree_on_is_written_as_text(number: float) -> None:
    assert canonical({"n": number}) == f'{{"n":"{number!r}"}}'


@given(
    st.fixed_dictionaries(
        {
            **dict.fromkeys(
                ("kind", "actor", "release", "payload_hash"), st.text(st.characters(exclude_categories=["Cs"]))
            ),
            **dict.fromkeys(("case_id", "conversation_id"), st.none() | names),
            "seq": st.integers(1, MAX_SAFE),
            "at": st.datetimes(timezones=st.just(UTC)),
        }
    ),
    st.text("0123456789abcdef", min_size=64, max_size=64),
)
def test_an_entry_is_hashed_in_the_canonical_form_of_its_columns(row: dict[str, object], last: str) -> None:
    at = row["at"]
    assert isinstance(at, datetime)
    form = {**row, "at": at.isoformat(timespec="microseconds"), "prev": last}

    assert link(row, last) == sha256(rfc8785.dumps(form)).hexdigest()  # type: ignore[arg-type]
