from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseward.web.session import local_path


@pytest.mark.parametrize("path", ["/", "/cases/case_1?view=for-you&tab=trace", "/inbox?q=a%20b"])
def test_a_path_of_this_site_is_kept(path: str) -> None:
    assert local_path(path) == path


@pytest.mark.parametrize(
    "elsewhere",
    ["", "//evil.example", "/\\evil.example", "https://evil.example/", "javascript:alert(1)", "/a\r\nSet-Cookie: x=1"],
)
def test_a_sign_in_never_ends_on_a_foreign_page(elsewhere: str) -> None:
    assert local_path(elsewhere) == "/"


@given(st.text(max_size=60))
def test_whatever_is_wanted_the_answer_is_one_path_of_this_site(wanted: str) -> None:
    path = local_path(wanted)

    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))
    assert path.isascii()
    assert path.isprintable()
