"""Settings say what is wrong, keep secrets, and are all documented."""

from __future__ import annotations

import os
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from pydantic import ValidationError

from caseward.core.errors import BadInput
from caseward.settings import Settings, variable

DOCS = Path(__file__).parents[2] / "docs/settings.md"
SECRET = "correct-horse-battery-staple-plus-some"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("CASEWARD_")]:
        monkeypatch.delenv(name)


def test_nothing_needs_to_be_set() -> None:
    settings = Settings.load()

    assert settings.database_url is None
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8400, 2)
    assert settings.pack.name == "vocal-coaching"
    assert settings.base_url == "http://127.0.0.1:8400"


def test_the_command_line_goes_before_the_environment_and_none_is_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASEWARD_PORT", "9000")
    monkeypatch.setenv("CASEWARD_WORKERS", "3")

    settings = Settings.load(port=9100, workers=None)

    assert (settings.port, settings.workers) == (9100, 3)


def test_an_empty_variable_is_one_not_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASEWARD_PORT", "")

    assert Settings.load().port == 8400


def test_settings_cannot_be_changed_once_read() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Settings.load().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "value", "fix"),
    [
        ("PORT", "http", "a whole number from 1 to 65535"),
        ("PORT", "0", "a whole number from 1 to 65535"),
        ("WORKERS", "65", "a whole number from 1 to 64"),
        ("PUBLIC_URL", "desk.example.com", "an address without a path"),
        ("PUBLIC_URL", "https://desk.example.com/support", "an address without a path"),
        ("PUBLIC_URL", "https://desk.example.com:http", "an address without a path"),
        ("PACK", "/no/such/folder", "a pack's folder"),
        ("DATA", "/dev/null", "a folder"),
        ("HOST", "http://localhost", "an IP address or host name"),
        ("LOG_LEVEL", "loud", "`debug`, `info`, `warning` or `error`"),
        ("TRUSTED_PROXIES", "10.0.0.0/99", "IP addresses or networks"),
        ("CHANNELS", "webchat,../etc", "names separated by commas"),
        ("DEMO", "perhaps", "`true` or `false`"),
        ("DEBOUNCE_MS", "-1", "a whole number from 0 to 60000"),
        ("SESSION_HOURS", "0", "a whole number from 1 to 720"),
    ],
)
def test_a_wrong_value_stops_the_start_with_its_name_value_and_fix(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, fix: str
) -> None:
    monkeypatch.setenv(f"CASEWARD_{name}", value)

    with pytest.raises(BadInput) as refused:
        Settings.load()

    message = str(refused.value)
    assert message.startswith(f"CASEWARD_{name} is {value!r}: give ")
    assert fix in message


def test_everything_wrong_is_said_at_once_and_by_the_name_it_was_given_under(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASEWARD_PORT", "none")

    with pytest.raises(BadInput) as refused:
        Settings.load(session_hours=0)

    assert [line.split(" is ")[0] for line in str(refused.value).splitlines()] == ["CASEWARD_PORT", "--session-hours"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET", "too-short"),
        ("DATABASE_URL", "mysql://desk:pa55word@db/desk"),
        ("TELEGRAM_SECRET", "not: a word of Telegram's"),
    ],
)
def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"CASEWARD_{name}", value)

    with pytest.raises(BadInput) as refused:
        Settings.load()

    assert f"CASEWARD_{name} is ********: give" in str(refused.value)
    assert value not in str(refused.value)
    assert refused.value.__cause__ is None


def test_a_right_secret_is_not_printed_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASEWARD_SECRET", SECRET)
    monkeypatch.setenv("CASEWARD_DATABASE_URL", "postgresql://desk:pa55word@db/desk")

    settings = Settings.load()

    assert settings.signing_secret() == SECRET
    assert SECRET not in repr(settings)
    assert "pa55word" not in repr(settings)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_the_usual_spellings_of_a_database_address_are_one(monkeypatch: pytest.MonkeyPatch, scheme: str) -> None:
    monkeypatch.setenv("CASEWARD_DATABASE_URL", f"{scheme}://desk@db/desk")

    url = Settings.load().database_url

    assert url is not None
    assert url.get_secret_value() == "postgresql://desk@db/desk"


def test_a_value_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text(SECRET + "\n", "utf-8")
    monkeypatch.setenv("CASEWARD_SECRET_FILE", str(tmp_path / "secret"))

    assert Settings.load().signing_secret() == SECRET


def test_a_value_and_a_file_for_it_contradict_each_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASEWARD_SECRET", SECRET)
    monkeypatch.setenv("CASEWARD_SECRET_FILE", "/run/secrets/caseward")

    with pytest.raises(BadInput, match="CASEWARD_SECRET and CASEWARD_SECRET_FILE are both given"):
        Settings.load()


def test_a_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")

    for path, why in (("absent", "No such file"), ("binary", "it is not text")):
        monkeypatch.setenv("CASEWARD_SECRET_FILE", str(tmp_path / path))
        with pytest.raises(BadInput, match=rf"CASEWARD_SECRET_FILE is '.*{path}', which cannot be read \({why}"):
            Settings.load()


def test_a_misspelt_name_is_refused_with_the_likely_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CASEWARD_DATABSE_URL", "postgresql://db/desk")

    with pytest.raises(BadInput, match=r"CASEWARD_DATABSE_URL is not a setting; did you mean CASEWARD_DATABASE_URL\?"):
        Settings.load()


def test_a_name_of_another_release_is_ignored_with_a_warning(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("CASEWARD_HERALD_TOKEN", "123:abc")

    Settings.load()

    assert "CASEWARD_HERALD_TOKEN is not a setting of this release" in caplog.text
    assert "123:abc" not in caplog.text


def test_the_secret_made_at_the_first_start_is_kept_for_its_owner_alone(tmp_path: Path) -> None:
    settings = Settings.load(data=tmp_path / "new" / "desk")

    with ThreadPoolExecutor(8) as pool:
        asked = set(pool.map(lambda _turn: settings.signing_secret(), range(32)))

    assert len(asked) == 1
    assert len(asked.pop()) >= 32
    assert stat.S_IMODE((settings.data / "secret").stat().st_mode) == 0o600
    assert [path.name for path in settings.data.iterdir()] == ["secret"]


def test_a_data_folder_that_cannot_keep_the_secret_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    settings = Settings.load(data=tmp_path / "file" / "desk")

    with pytest.raises(BadInput, match=r"CASEWARD_DATA is '.*': no secret can be kept there"):
        settings.signing_secret()


def test_links_and_allowed_hosts_follow_the_public_address() -> None:
    settings = Settings.load(host="0.0.0.0", public_url="https://desk.example.com/", allowed_hosts="chat.example.com")

    assert settings.base_url == "https://desk.example.com"
    assert {"localhost", "127.0.0.1", "desk.example.com", "chat.example.com"} <= set(settings.hosts)
    assert Settings.load(host="0.0.0.0", port=80).base_url == "http://localhost:80"
    assert Settings.load(host="::1", port=80).base_url == "http://[::1]:80"


def test_every_setting_is_documented_and_every_documented_setting_exists() -> None:
    documented = re.findall(r"^\| `(CASEWARD_[A-Z_]+)` \|", DOCS.read_text("utf-8"), re.MULTILINE)

    assert documented == [variable(field) for field in Settings.model_fields]


def test_the_docs_name_no_setting_that_does_not_exist() -> None:
    known = {variable(field) + end for field in Settings.model_fields for end in ("", "_FILE")}
    pages = DOCS.parent.rglob("*.md")

    named = {name for page in pages for name in re.findall(r"\bCASEWARD_[A-Z_]*[A-Z]\b", page.read_text("utf-8"))}

    assert named <= known
