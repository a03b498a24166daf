"""The demo as somebody runs it who has just cloned the repository: one command, working links, nothing left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx2
import pytest

from caseward.core.pack import Pack
from tests.commands import Outcome, typed
from tests.conftest import wait_until
from tests.e2e.store.test_embedded import running
from tests.folders import own_folder
from tests.ports import free_port

COMMAND = Path(sys.executable).with_name("caseward")
START_SECONDS = 400
"""Within what time a demo is there on a very busy machine: its sample week is work that gives way to all other."""
pytestmark = pytest.mark.timeout(600)
numbers = count(1)


@dataclass
class Demo:
    """A demo in a process of its own."""

    folder: Path
    port: int
    process: subprocess.Popen[str]
    output: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def said(self) -> str:
        return self.output.read_text("utf-8")

    def ready(self) -> bool:
        assert self.process.poll() is None, self.said
        try:
            return httpx2.get(f"{self.url}/readyz", verify=False).status_code == 200
        except httpx2.HTTPError:
            return False

    def links(self) -> Mapping[str, str]:
        """Return role → sign-in link, as printed."""
        return dict(re.findall(r"^  (\w+) +(http://\S+/sign-in/\S+)$", self.said, re.MULTILINE))

    def command(self, *words: str, stdin: str = "") -> Outcome:
        """Run another command of the same installation."""
        return typed(*words, given={"CASEWARD_DATA": str(self.folder / "data"), **self.settings}, stdin=stdin)

    def apart(self, *words: str) -> Outcome:
        """Run another command of the same installation in a process of its own, as whoever types it does."""
        done = subprocess.run(
            [COMMAND, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60,
            env={**environment(self.folder), **self.settings}, check=False,
        )  # fmt: skip
        return Outcome(code=done.returncode, out=done.stdout, err=done.stderr)

    def chat(self, *texts: str, as_: str | None = None) -> tuple[httpx2.Client, str]:
        """Open a chat, say things, and return the client and the conversation."""
        client = httpx2.Client(base_url=self.url, timeout=30)
        opened = client.post("/chat/session", json={"as": as_} if as_ else {}).json()
        client.headers["Authorization"] = f"Bearer {opened['token']}"
        for text in texts:
            said = client.post("/chat/messages", json={"id": f"m{next(numbers)}", "text": text})
            assert said.status_code == 202, said.text
        return client, opened["conversation"]

    def replies(self, client: httpx2.Client, *, at_least: int = 1) -> list[str]:
        """Wait for replies and return them."""
        found: list[str] = []

        def enough() -> bool:
            items = client.get("/chat/messages", params={"after": 0}).json()["items"]
            found[:] = [each["text"] for each in items if each["from"] == "desk"]
            return len(found) >= at_least

        wait_until(enough, what=f"{at_least} replies")
        return found

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=30)


def environment(folder: Path) -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("CASEWARD_")}
    return clean | {"CASEWARD_DATA": str(folder / "data")}


def begin(folder: Path, *words: str, port: int = 0, settings: Mapping[str, str] = MappingProxyType({})) -> Demo:
    """Start a demo and wait until it serves; `settings` are further variables of its environment."""
    port = port or free_port()
    output = folder / f"output-{next(numbers)}"
    with output.open("w") as file:
        process = subprocess.Popen(
            [COMMAND, "demo", "--port", str(port), *words], stdin=subprocess.DEVNULL, stdout=file,
            stderr=subprocess.STDOUT, text=True, env={**environment(folder), **settings},
        )  # fmt: skip
    demo = Demo(folder=folder, port=port, process=process, output=output, settings=settings)
    try:
        wait_until(demo.ready, what="the demo", seconds=START_SECONDS)
        wait_until(lambda: "Ctrl-C ends the demo." in demo.said, what="the guide")
    except BaseException:
        process.kill()
        raise
    return demo


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    """A demo with its sample week, in a folder in which one was killed before."""
    with own_folder() as folder:
        kill_in_the_sample_week(folder)
        started = begin(folder)
        yield started
        if started.process.poll() is None:
            started.stop()


def kill_in_the_sample_week(folder: Path) -> None:
    said = folder / "said"
    with said.open("w") as output:
        killed = subprocess.Popen(
            [COMMAND, "demo", "--port", str(free_port())], stdin=subprocess.DEVNULL, stdout=output,
            stderr=subprocess.STDOUT, env=environment(folder), start_new_session=True,
        )  # fmt: skip
        wait_until(lambda: "sample week" in said.read_text(), what="the week to begin", seconds=START_SECONDS)
        os.killpg(killed.pid, signal.SIGKILL)
        killed.wait()


def test_a_demo_that_was_killed_in_its_sample_week_begins_anew_and_opens_after_it(demo: Demo) -> None:
    token = demo.command("token", "new", "--role", "admin").out.strip()
    listed = httpx2.get(f"{demo.url}/api/v1/cases?limit=200", headers={"Authorization": f"Bearer {token}"}).json()
    log = json.loads(demo.command("log", "verify", "--json").out)

    assert len(listed["items"]) > 50
    assert {"closed", "resolved", "waiting_approval"} <= {each["status"] for each in listed["items"]}
    assert log["ok"]


def test_it_prints_links_for_every_role_and_contact_and_what_to_try(demo: Demo, school: Pack) -> None:
    assert set(demo.links()) == {"coach", "agent", "ops_lead", "on_call", "admin"}
    for contact in ("stu-001", "stu-002", "stu-003"):
        assert f"{demo.url}/chat?as={contact}" in demo.said
    assert f"{demo.url}/chat\n" in demo.said
    assert "5 things to try" in demo.said
    assert all(str(each["say"]) in demo.said for each in school.records["tour"])


def test_every_printed_link_opens(demo: Demo) -> None:
    for link in re.findall(r"http://\S+", demo.said):
        assert httpx2.get(link, follow_redirects=True).status_code == 200, link


def test_a_sign_in_link_signs_its_role_in_as_often_as_one_likes(demo: Demo) -> None:
    for _again in range(2):
        with httpx2.Client(follow_redirects=True) as browser:
            page = browser.get(demo.links()["coach"])
            form = re.search(r'<form[^>]*action="(/sign-in/[^"]*)".*?</form>', page.text, re.DOTALL)
            assert form, page.text
            hidden = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', form[0]))
            inside = browser.post(f"{demo.url}{form[1]}", data=hidden)

            assert inside.status_code == 200
            assert 'title="Your account">Coach</a>' in inside.text


def test_the_five_things_begin_as_the_guide_says(demo: Demo, school: Pack) -> None:
    first: dict[str, str] = {}
    for each in school.records["tour"]:
        client, _conversation = demo.chat(str(each["say"]), as_=each.get("as"))
        first[str(each["id"])] = demo.replies(client)[0]

    answer = json.loads(demo.command("ask", "--json", str(school.records["tour"][0]["say"])).out)
    assert first["published-answer"] == answer["answer"]
    assert first["reschedule-in-time"].count("\n") > 2, "a list to choose from"
    for name in ("next-session", "reschedule-too-late", "refund"):
        assert "confirm" not in first[name]
        assert re.search(r"\d\d:\d\d", first[name]), "an acknowledgement with a time"


def test_a_case_is_explained_and_the_log_is_whole(demo: Demo) -> None:
    _client, conversation = demo.chat("saya mau refund", as_="stu-003")
    token = demo.command("token", "new", "--role", "admin").out.strip()
    api = {"Authorization": f"Bearer {token}"}
    waits: list[int] = []

    def asked() -> bool:
        listed = httpx2.get(f"{demo.url}/api/v1/cases?status=waiting_approval", headers=api).json()["items"]
        waits[:] = [each["number"] for each in listed if each["conversation"] == conversation]
        return bool(waits)

    wait_until(asked, what="the coach to be asked")
    [number] = waits

    told = demo.apart("explain", str(number))
    read = json.loads(demo.command("explain", str(number), "--json").out)
    log = demo.command("log", "verify", "--json")

    assert told.code == 0
    assert "R3  refund-request\n        Money that has gone back cannot be fetched again" in told.out
    assert "identity = verified (from identity at " in told.out
    assert "What would have to change" in told.out
    assert "Asked in lane coach: Return this payment?" in told.out
    assert read["decision"]["tier"] == "R3"
    assert {"name", "value", "source", "at"} <= set(read["decision"]["facts"][0])
    assert "refund-request" in {each["rule"] for each in read["decision"]["explanation"]["matched"]}
    assert (log.code, json.loads(log.out)["ok"]) == (0, True)
    assert json.loads(log.out)["entries"] > 0


def test_the_doctor_finds_it_ready(demo: Demo) -> None:
    said = demo.command("doctor", "--json")

    assert said.code == 0, said.out
    found = json.loads(said.out)
    assert found["ready"] is True
    assert {"database", "workers", "sweeper", "pack", "release", "backlog"} <= {
        each["name"] for each in found["checks"]
    }


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        pytest.param(("explain", "999999"), "there is no case 999999", id="no such case"),
        pytest.param(("explain", "../etc"), "there is no case ../etc", id="no case at all"),
        pytest.param(
            ("token", "new", "--role", "admin", "--scope", "all"), "--scope 'all' does not exist", id="no such scope"
        ),
        pytest.param(("person", "link", "who@example.com"), "nobody has the address", id="no such person"),
        pytest.param(("backup", "/"), "exists; name a new file", id="a copy over something"),
        pytest.param(("restore", "/nothing"), "does not exist", id="no copy"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(demo: Demo, words: tuple[str, ...], complaint: str) -> None:
    said = demo.command(*words)

    assert (said.code, said.out) == (2, "")
    assert said.err.startswith("caseward: ")
    assert complaint in said.err
    assert said.err.count("\n") == 1


def test_a_port_in_use_is_said_at_once(demo: Demo) -> None:
    said = demo.apart("demo", "--port", str(demo.port))

    assert said.code == 2
    assert f"127.0.0.1:{demo.port} cannot be listened on" in said.err
    assert "--port" in said.err


def test_a_running_demo_is_not_forgotten_under_its_feet(demo: Demo) -> None:
    said = demo.apart("demo", "--fresh", "--port", str(free_port()))

    assert said.code == 2
    assert "is in use; stop what uses it first" in said.err
    assert demo.ready()


def test_a_person_of_the_house_gets_a_link_that_opens(demo: Demo) -> None:
    made = demo.command("person", "new", "--name", "Ada Example", "--role", "agent", "--email", "ada@example.com")
    again = demo.command("person", "new", "--name", "Ada Example", "--role", "agent", "--email", "ADA@example.com")
    link = demo.command("person", "link", "ada@example.com")

    for said in (made, link):
        path = re.search(r"/sign-in/\S+", said.out)
        assert path, said.err
        assert httpx2.get(f"{demo.url}{path[0]}").status_code == 200
    assert (again.code, "belongs to somebody already" in again.err) == (2, True)


def test_a_copy_may_be_made_while_it_runs_and_not_put_back(demo: Demo, tmp_path: Path) -> None:
    copy = tmp_path / "copy"

    assert demo.command("backup", str(copy)).code == 0
    assert copy.stat().st_size > 10_000
    refused = demo.command("restore", str(copy))
    assert (refused.code, "the desk is at work" in refused.err) == (2, True)


def test_told_to_stop_it_leaves_no_process_and_a_second_start_remembers(demo: Demo) -> None:
    client, conversation = demo.chat("saya mau refund", as_="stu-003")
    demo.replies(client)

    assert demo.stop() == 0
    assert running(demo.folder) == []
    assert demo.command("doctor").code == 1
    assert demo.command("log", "verify").code == 0

    second = begin(demo.folder, "--empty")
    try:
        token = second.command("token", "new", "--role", "admin").out.strip()
        listed: Any = httpx2.get(f"{second.url}/api/v1/cases", headers={"Authorization": f"Bearer {token}"}).json()
        assert conversation in {each["conversation"] for each in listed["items"]}
        old_link = demo.links()["coach"].replace(demo.url, second.url)
        assert httpx2.get(old_link).status_code != 200, "a link is valid while its demo runs"
    finally:
        assert second.stop(signal.SIGINT) == 0
    assert running(demo.folder) == []


def test_another_business_is_demonstrated_with_its_own_records_and_things_to_try() -> None:
    with own_folder() as folder:
        shop = begin(folder, "--pack", "online-shop")
        try:
            client, _conversation = shop.chat("how much is shipping?")
            answer = shop.replies(client)[0]
            token = shop.command("token", "new", "--role", "admin").out.strip()
            listed = httpx2.get(f"{shop.url}/api/v1/cases", headers={"Authorization": f"Bearer {token}"})

            assert "Shop demo is open" in shop.said
            assert "as cus-004: I sent the lamp back" in shop.said
            assert "4.90 euros" in answer
            assert len(listed.json()["items"]) == 1
        finally:
            assert shop.stop() == 0
        assert [each.name for each in (folder / "data").iterdir() if each.is_dir()] == ["demo-online-shop"]


def test_without_a_database_commands_say_how_to_get_one(tmp_path: Path) -> None:
    nowhere = Demo(folder=tmp_path, port=0, process=None, output=tmp_path)  # type: ignore[arg-type]

    for words in (("explain", "1001"), ("log", "verify"), ("token", "new", "--role", "coach")):
        said = nowhere.command(*words)
        assert said.code == 2
        assert "start `caseward serve` or `caseward demo` once" in said.err
    assert nowhere.command("doctor").code == 1
    assert not (tmp_path / "data").exists()
