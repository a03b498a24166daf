"""The wiring: a desk starts on whatever database it is given, once, and leaves nothing of itself in the process."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
import structlog
from pydantic import SecretStr
from sqlalchemy import text

from caseward import app
from caseward.adapters import find
from caseward.core.errors import BadInput, CasewardError
from caseward.core.ids import ConversationId
from caseward.core.messages import Inbound
from caseward.core.pack import Pack
from caseward.core.ports import Brain
from caseward.core.roles import Role
from caseward.core.task import ResultStatus
from caseward.desk import tools
from caseward.flows import support
from caseward.settings import Settings
from caseward.store import contacts, db, log, messages, people, releases, running, samples
from caseward.store.people import Person
from caseward.store.records import StoredRecords
from tests.conftest import MORNING, SCHOOL, wait_until


@pytest.fixture
def lay_out(database: str, school: Pack) -> Callable[[datetime], None]:
    """Lays the samples out in the connected database, as a demo that starts then."""

    def at(now: datetime) -> None:
        with db.transaction():
            app.lay_out(school, now)

    return at


def replies(conversation: ConversationId) -> list[str]:
    with db.transaction():
        return [each.text for each in messages.visible(conversation, after=0) if not each.inbound]


def settings_for(url: str, folder: Path, **more: object) -> Settings:
    return Settings.model_validate({"database_url": url, "data": folder, "secret": SecretStr("s" * 32), **more})


def test_a_desk_starts_answers_and_stops(
    empty_database: str, tmp_path: Path, brain: Brain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(find, "brain", lambda *_given: brain)
    settings = settings_for(empty_database, tmp_path, demo=True, debounce_ms=0)

    for _again in range(2):
        desk = app.start(settings)
        try:
            _token, conversation = support.open_chat(language="id", sample_contact=None)
            inbound = Inbound(channel="webchat", provider_id="m1", address="", text="jam buka?", at=tools.now())
            support.receive(conversation, inbound)

            wait_until(partial(replies, conversation), what="an answer")
            with db.transaction():
                assert [row.executor_id for row in running.alive()] == [desk.executor_id]
        finally:
            desk.stop()
        with pytest.raises(CasewardError):
            db.engine()
        with pytest.raises(CasewardError):
            tools.pack()


def test_a_folder_that_was_changed_is_served_only_once_it_is_published(database: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SCHOOL, tmp_path / "school"))
    settings = settings_for(database, tmp_path / "data", pack=folder)
    first = app.prepare(database, settings, MORNING, demo=False)
    (folder / "voice.yaml").write_text((folder / "voice.yaml").read_text("utf-8") + "# looked at again\n", "utf-8")

    with contextlib.ExitStack() as stack:
        found = app.prepare_to_serve(settings, stack)

    assert (found.pack, found.unpublished) == (first, ("voice.yaml",))


def test_a_release_of_which_only_the_digest_was_kept_is_completed_from_its_folder(
    database: str, tmp_path: Path, school: Pack
) -> None:
    kept = {"name": school.profile.release, "pack": school.profile.name, "digest": school.digest, "at": MORNING}
    with db.transaction():
        db.execute(
            text(
                "insert into releases (name, pack, digest, published_at, proposed_at)"
                " values (:name, :pack, :digest, :at, :at)"
            ),
            kept,
        )

    pack = app.prepare(database, settings_for(database, tmp_path), MORNING + timedelta(days=1), demo=False)

    assert pack.profile.release == school.profile.release
    with db.transaction():
        (release,) = releases.every()
        assert (release.published_at, release.kept) == (MORNING, True)


def test_a_demo_serves_its_folder_as_it_is(database: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SCHOOL, tmp_path / "school"))
    settings = settings_for(database, tmp_path / "data", pack=folder)
    day, _, number = app.prepare(database, settings, MORNING, demo=True).profile.release.rpartition(".")
    assert app.prepare(database, settings, MORNING, demo=True).profile.release == f"{day}.{number}"
    (folder / "voice.yaml").write_text((folder / "voice.yaml").read_text("utf-8") + "# looked at again\n", "utf-8")

    pack = app.prepare(database, settings, MORNING, demo=True)

    assert pack.profile.release == pack.policy.release == f"{day}.{int(number) + 1}"


def test_a_pack_that_fails_its_check_opens_no_desk(database: str, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SCHOOL, tmp_path / "school"))
    matrix = (folder / "approvals.yaml").read_text("utf-8")
    (folder / "approvals.yaml").write_text(matrix.replace("lane: coach", "lane: none, auto_send: true"), "utf-8")

    with pytest.raises(CasewardError, match="fails its check"):
        app.prepare(database, settings_for(database, tmp_path / "data", pack=folder), MORNING, demo=False)

    with db.transaction():
        assert releases.current() is None


def test_a_demo_does_not_fill_a_real_desk_with_samples(database: str, tmp_path: Path) -> None:
    with db.transaction():
        people.add(Person(id="per_1", name="Ada Example", role=Role.COACH), now=MORNING)

    with pytest.raises(BadInput, match="holds a real desk"):
        app.prepare(database, settings_for(database, tmp_path), MORNING, demo=True)


def test_a_demo_has_its_contacts_and_somebody_for_every_role(lay_out: Callable[[datetime], None], school: Pack) -> None:
    lay_out(MORNING)

    with db.transaction():
        assert {each.role for each in people.every() if each.sample} == set(Role)
        assert all(contacts.get(each["id"]) for each in school.records["person"])
        assert contacts.identity("webchat", "anywhere") is None


def test_started_again_soon_a_demo_goes_on_and_later_it_begins_anew(
    lay_out: Callable[[datetime], None], school: Pack
) -> None:
    refund = find.skills(("records",), StoredRecords(), school)["refund"]
    args = {"payment": "PAY-2026-0003", "contact": "stu-003"}

    def asked() -> ResultStatus:
        return refund.run(args, key="refund:PAY-2026-0003", now=MORNING).status

    lay_out(MORNING)
    assert asked() is ResultStatus.SUCCESS
    lay_out(MORNING + timedelta(minutes=10))
    assert refund.lookup(key="refund:PAY-2026-0003") is not None, "a moment later everything is as it was left"

    lay_out(MORNING + timedelta(hours=10))

    assert refund.lookup(key="refund:PAY-2026-0003") is None
    assert asked() is ResultStatus.SUCCESS
    with db.transaction():
        assert samples.laid_out_at() == MORNING + timedelta(hours=10)


def test_links_of_an_earlier_demo_end_when_the_next_begins(database: str, tmp_path: Path) -> None:
    settings = settings_for(database, tmp_path)
    _pack, first = app.prepare_demo(database, settings, app.learn_beside(settings))
    _pack, second = app.prepare_demo(database, settings, app.learn_beside(settings))

    now = datetime.now(UTC)
    with db.transaction():
        for role, token in second.items():
            assert people.linked(token, now=now).person.role == role
        with pytest.raises(CasewardError, match="unknown, used or expired"):
            people.linked(first[Role.COACH], now=now)


def test_the_log_begins_with_the_first_start(database: str, tmp_path: Path) -> None:
    app.prepare(database, settings_for(database, tmp_path, secret=None), MORNING, demo=False)

    with db.transaction():
        assert log.verify() is None
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0


def test_what_the_program_logs_is_json_without_personal_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        app.configure_logging(Settings(data=tmp_path))
        structlog.get_logger("caseward").warning("could not write to ada@example.com", phone="+6281234567890", count=3)
        logging.getLogger("library").warning("ada@example.com again")
        lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    finally:
        structlog.reset_defaults()
        logging.basicConfig(force=True)

    assert [line["level"] for line in lines] == ["warning", "warning"]
    assert "ada@example.com" not in json.dumps(lines)
    assert "81234567890" not in json.dumps(lines)
    assert lines[0]["count"] == 3


def test_a_pack_that_cannot_be_read_starts_nothing(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(SCHOOL, tmp_path / "school"))
    (folder / "voice.yaml").write_text("max_chars: many\n")

    with pytest.raises(CasewardError, match=r"voice\.yaml"):
        app.start(Settings(data=tmp_path / "data", pack=folder))

    assert not (tmp_path / "data").exists()
