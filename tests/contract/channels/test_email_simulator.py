"""The mail server of our own is played by hand, and believes only who it should: else nothing is proved against it."""

from __future__ import annotations

import socket

import httpx2
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from caseward.adapters.channels.email import Email
from caseward.core.messages import Reply
from caseward.simulators.mail import SERVER, Mail
from caseward.simulators.serving import running

ANA = "ana@mail.example"


def test_its_page_and_its_servers_start_and_stop_together() -> None:
    mail = Mail()

    with running(mail.app) as url, httpx2.Client(base_url=url) as page:
        sent = page.post("/page/send", json={"who": ANA, "subject": "Hello", "text": "Are you there?"})
        empty = page.post("/page/send", json={"who": ANA, "text": " "})
        nobody = page.post("/page/send", json={"who": "ana", "text": "Hello"})
        broken = page.post(
            "/page/send", json={"who": ANA, "text": "x", "files": [{"name": "a", "mime": "", "data": "!"}]}
        )
        state = page.get("/page/state?after=-1").json()

    assert sent.json() == {"id": str(mail.inbox(mail.desk)[0]["Message-ID"])}
    assert (empty.status_code, nobody.status_code, broken.status_code) == (422, 422, 422)
    assert [(each["from"], each["subject"], each["honest"]) for each in state["mails"]] == [(ANA, "Hello", True)]
    with pytest.raises(ValueError, match="not started"):
        mail.send(ANA, "Late", "Hello?")


def test_a_port_that_is_taken_is_said() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as other,
        pytest.raises(OSError, match="in use"),
        Mail(smtp_port=other.getsockname()[1]),
    ):
        pass


def test_by_hand_one_is_a_customer_who_writes_reads_and_answers(chromium: Browser) -> None:
    mail = Mail(people={ANA: "Ana Example"})
    with mail, running(mail.app) as url:
        desk = Email(mail.desk, smtp_url=mail.smtp_url, imap_url=mail.imap_url, trusted_server=SERVER)
        page = chromium.new_page(viewport={"width": 390, "height": 844}, color_scheme="dark")
        complaints: list[str] = []
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        page.set_default_timeout(10_000)
        page.goto(url)

        page.get_by_role("button", name="Ana Example").click()
        page.get_by_label("Subject").fill("Moving my lesson")
        page.get_by_label("Mail", exact=True).fill("Can I come on Monday?")
        page.get_by_label("File").set_input_files({"name": "a.pdf", "mimeType": "application/pdf", "buffer": b"%PDF"})
        page.get_by_role("button", name="Send").click()
        expect(page.locator(".line-own")).to_contain_text("found authentic")
        asked = str(mail.inbox(mail.desk)[0]["Message-ID"])
        answer = Reply(text="Monday at ten <is> free.", subject="Moving my lesson", case="1042", reply_to=asked)
        sent = desk.deliver(ANA, desk.render(answer), key="k")
        expect(page.locator(".bubble").last).to_contain_text("Monday at ten <is> free.")
        page.get_by_role("button", name="Reply").click()
        page.get_by_label("Mail", exact=True).fill("Yes, please.")
        page.get_by_label("Forged").check()
        page.get_by_role("button", name="Send").click()
        expect(page.locator(".line-own").last).to_contain_text("found forged")

        got = mail.inbox(mail.desk)
        assert [each.get_filename() for each in got[0].iter_attachments()] == ["a.pdf"]
        assert (got[1]["In-Reply-To"], got[1]["Subject"]) == (sent, "Re: Moving my lesson [#1042]")
        page.get_by_text("Make something go wrong").click()
        page.get_by_role("button", name="Mail to it bounces").click()
        expect(page.get_by_role("button", name="Mail to it bounces")).to_have_attribute("aria-pressed", "true")
        assert mail.gone == {ANA}
        assert [each["id"] for each in Axe().run(page).response["violations"]] == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert complaints == []
