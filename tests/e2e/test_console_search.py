"""The search and the palette's results: everything by its words, and to each role only what it may see."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from caseward.core.roles import Role
from caseward.web.finding import excerpt
from tests.e2e.console_house import House, a_full_desk, house


@pytest.fixture
def desk(database: str) -> Iterator[House]:
    with house() as opened:
        a_full_desk(opened)
        yield opened


def found(desk: House, role: Role, sought: str, *, part: str = "") -> str:
    """Return what a role reads when it searches, without the markup and the page around it."""
    page = desk.browser(role).client.get("/search", params={"q": sought, "part": part})
    assert page.status_code == 200
    main = page.text if part else page.text.partition("<main")[2].partition("</main>")[0]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def test_whoever_works_on_cases_finds_cases_contacts_messages_articles_and_people(desk: House) -> None:
    for role in (Role.COACH, Role.AGENT, Role.OPS_LEAD):
        by_name = found(desk, role, "citra")
        assert "Cases 1 Citra Sample Reschedule" in by_name
        assert "Contacts 1 Citra Sample 1 case" in by_name
        assert "my 4 pm lesson today" in found(desk, role, "stuck at wor")
        assert "People 1 Ops lead" in found(desk, role, "ops")
        assert "Articles" in found(desk, role, "lesson")
        assert "#1002" in found(desk, role, "#1002")
        by_number = found(desk, role, "0812 0000 0147")
        assert "Citra Sample" in by_number
        assert "0147" not in by_number.replace("0812 0000 0147", "")
        assert "0147" not in found(desk, role, "citra@example.com")


def test_the_administrator_finds_masked_and_nobody_by_a_number_or_an_address(desk: House) -> None:
    by_name = found(desk, Role.ADMIN, "citra")

    assert "C••• S•••" in by_name
    assert "Citra" not in by_name.replace("“citra”", "")
    assert "Contacts" not in found(desk, Role.ADMIN, "0812 0000 0147")
    assert "Contacts" not in found(desk, Role.ADMIN, "citra@example.com")


def test_on_call_finds_only_what_an_outside_system_holds_up(desk: House) -> None:
    assert "I paid this morning" in found(desk, Role.ON_CALL, "paid")
    assert "Eko Placeholder" in found(desk, Role.ON_CALL, "eko")
    for sought in ("citra", "stuck", "#1001", "coach"):
        nothing = found(desk, Role.ON_CALL, sought, part="1")
        assert not any(title in nothing for title in ("Cases", "Contacts", "Messages", "People")), (sought, nothing)


def test_a_result_is_text_whatever_somebody_wrote(desk: House) -> None:
    evil = "<img src=x onerror=alert(1)> wonder"
    desk.case("Nasty <b>Name</b>", evil)
    browser = desk.browser(Role.COACH)

    for address in ("/search?q=wonder", "/search?q=wonder&part=1", "/search?q=nasty", f"/search?q={evil}"):
        page = browser.get(address).text
        assert "<img" not in page
        assert "<b>Name" not in page


def test_a_search_for_nothing_explains_itself_and_one_without_a_result_can_be_cleared(desk: House) -> None:
    assert "What are you looking for?" in found(desk, Role.COACH, "")
    assert "Nothing found" in found(desk, Role.COACH, "nothinglikethis")
    assert found(desk, Role.COACH, "", part="1") == ""


def test_an_excerpt_shows_the_words_that_were_looked_for_and_marks_them() -> None:
    text = "a " * 200 + "Can I move my lesson? " + "b " * 200

    bits = excerpt(text, "lesson mov")

    assert [bit.text for bit in bits if bit.found] == ["move", "lesson"]
    assert len("".join(bit.text for bit in bits)) < 160
    assert "".join(bit.text for bit in excerpt("Short.", "(")) == "Short."
