"""Files of contacts in the console: handed out to those who work on cases, as a download that can do nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from caseward.core.case import CaseStatus
from caseward.core.roles import Role
from caseward.store import files, log, messages
from caseward.store.db import transaction
from caseward.web.dossier import WORK_ON_CASES
from tests.e2e.console_house import House, house

PAGE = b"<script>alert(1)</script>"


@pytest.fixture
def desk(database: str) -> Iterator[House]:
    with house() as opened:
        yield opened


def file(desk: House, *, refused: str = "") -> tuple[str, str]:
    """Return the case and the id of a file that a contact sent."""
    case = desk.case("Citra Example", "See the picture", status=CaseStatus.OPEN)
    with transaction():
        said = messages.of_case(case)[0]
        id = files.want(
            said.id, 0, channel="house", ref="f1", kind="document", mime="text/html", name='über "all".html',
            size=None, refused=refused, now=desk.now,
        )  # fmt: skip
        if not refused:
            files.keep(id, PAGE, mime="text/html")
    return case, id


@pytest.mark.parametrize("role", sorted(WORK_ON_CASES))
def test_a_file_is_a_download_that_no_browser_shows_or_runs_and_who_took_it_is_logged(desk: House, role: Role) -> None:
    case, id = file(desk)

    answer = desk.browser(role).get(f"/files/{id}")

    assert (answer.status_code, answer.content) == (200, PAGE)
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"] == "attachment; filename*=UTF-8''%C3%BCber%20%22all%22.html"
    assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"
    assert answer.headers["x-content-type-options"] == "nosniff"
    with transaction():
        [entry] = log.entries(kind="reveal")
    assert (entry.actor, entry.case_id, entry.payload) == (desk.person(role), case, {"field": "file", "file": id})


@pytest.mark.parametrize("role", [None, *sorted(set(Role) - WORK_ON_CASES)])
def test_nobody_else_gets_it(desk: House, role: Role | None) -> None:
    _case, id = file(desk)

    answer = desk.browser(role).get(f"/files/{id}")

    assert PAGE not in answer.content
    assert (role is None) == answer.url.path.startswith("/sign-in")
    with transaction():
        assert log.entries(kind="reveal") == []


def test_a_file_that_was_not_fetched_is_not_there(desk: House) -> None:
    _case, id = file(desk, refused="larger than 16 MB")
    browser = desk.browser(Role.AGENT)

    assert [browser.get(f"/files/{each}").status_code for each in (id, "file_none", "file_..%2F")] == [404, 404, 400]
