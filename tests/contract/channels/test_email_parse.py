"""E-mail: what is understood of mails as they come, from many programs and from nobody's friends."""

from __future__ import annotations

import base64
import random
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caseward.adapters.channels.email import Email
from caseward.core.events import Bounced, Delivery, Event, Status, Trouble
from caseward.core.messages import Inbound

FOLDER = Path(__file__).parent / "email"
MAILS = {path.stem: path.read_bytes() for path in sorted(FOLDER.glob("*.eml"))}
OURS = "<case.1234.abcdefghijklmnopqrstuvwxyz@studio.example>"
CHANNEL = Email("desk@studio.example", smtp_url="smtp://localhost:1", trusted_server="mx.studio.example")
AT = datetime(2026, 11, 20, 3, tzinfo=UTC)

WORDS = {
    "alternative": "Here is the receipt.",
    "calendar": "Lesson on Friday?",
    "file-only": "",
    "first-with-quote": "Your page says:\n\n> A lesson that starts within the hour counts as taken.\n\n"
    "Does that hold for me?",
    "flowed": "This is one line that a mail program broke for the way.\n\nFrom here on another.",
    "forward-attached": "See below.\n\n----------\nFrom: Studio <desk@studio.example>\nSubject: Your invoice €\n\n"
    "Please pay.",
    "forward-inline": "Is this mail really yours?\n\n---------- Forwarded message ---------\n"
    "From: Studio <desk@studio.example>\nDate: Thu, 19 Nov 2026 at 16:05\nSubject: Your invoice\n"
    "To: <ana@mail.example>\n\n> Please pay 350.000 today.",
    "html-only": "Can I move it to Friday?\nSee my calendar (https://calendar.example/ana).",
    "html-outlook": "Friday, please – at ten.",
    "japanese": "金曜日にできますか",
    "latin-undeclared": "Di café – pukul 10.",
    "lying-charset": "Saya di café sekarang.",
    "names": "Three files.",
    "not-automatic": "I wrote this myself.",
    "only-quoted": "> yes\n> that one",
    "reply-below": "Monday, please.",
    "reply-between": "On 19/11/2026 16:05, Studio desk wrote:\n> Which day suits you?\nMonday.\n"
    "> And at what time?\nAt ten.",
    "reply-gmail": "Halo, Jumat jam 10 bisa?\n\nTerima kasih",
    "reply-identity": "Here you are:\n\nInvoice: INV-2026-0042\nEmail: ana@mail.example\nDate: 2026-11-02",
    "reply-indonesian": "Senin saja.",
    "reply-yahoo": "Senin saja ya.\n\nAlamatnya: Jalan Mawar 3, pukul 10.00:\nbenar?",
    "reply-thanks": "Thanks, but I would like to cancel:\n\n- the lesson of Friday\n- the lesson of Monday\n\n"
    "Best regards, and please refund both.",
    "rtl": "هل يمكنني تغيير الموعد إلى ةعمجلا؟",
    "subject-only": "Please cancel the lesson of Friday",
    "unknown-charset": "Can I come at 10?",
}  # fmt: skip
FILES = {
    "alternative": [
        ("shot.png", "image", "image/png", 15),
        ("bukti pembayaran €.pdf", "document", "application/pdf", 16),
    ],
    "calendar": [
        ("file-1.ics", "document", "text/calendar", 30),
        ("winmail.dat", "document", "application/ms-tnef", 4),
    ],
    "file-only": [("shot.png", "image", "image/png", 15)],
    "forward-attached": [("invoice.pdf", "document", "application/pdf", 16)],
    "names": [
        ("foto é.jpg", "image", "image/jpeg", 15),
        ("passwd", "document", "application/octet-stream", 4),
        ("file-3.pdf", "document", "application/pdf", 16),
    ],
}
REPORTS: dict[str, list[Event]] = {
    "bounce": [
        Bounced(
            channel="email", address="ana@mail.example", provider_id=OURS, text="smtp; 550 5.1.1 no such user", at=AT
        )
    ],
    "bounce-delayed": [],
    "bounce-exim": [
        Bounced(channel="email", address="ana@mail.example", provider_id=OURS, text="Mail delivery failed", at=AT)
    ],
    "bounce-late": [
        Status(
            channel="email", provider_id=OURS, state=Delivery.FAILED, at=AT, error="4.4.7 smtp; delivery time expired"
        )
    ],
    "delivered": [Status(channel="email", provider_id=OURS, state=Delivery.DELIVERED, at=AT)],
    "receipt": [Status(channel="email", provider_id=OURS, state=Delivery.READ, at=AT)],
}
REPORTS["bounce-whole"] = REPORTS["bounce"]
TROUBLES = {"loop-author": "loop", "loop-id": "loop", "no-author": "sender"}


def read(raw: bytes) -> Inbound:
    (event,) = CHANNEL.parse(raw)
    assert isinstance(event, Inbound)
    return event


def mail(body: bytes, *headers: bytes) -> bytes:
    """Return a mail of Ana's with these headers."""
    fixed = (b"From: ana@mail.example", b"Message-ID: <m1@mail.example>")
    return b"\r\n".join([*fixed, *headers, b"", body])


@pytest.mark.parametrize("name", WORDS)
def test_of_a_mail_the_new_words_are_taken(name: str) -> None:
    assert read(MAILS[name]).text == WORDS[name]


@pytest.mark.parametrize("name", FILES)
def test_files_are_named_without_their_folders(name: str) -> None:
    inbound = read(MAILS[name])

    assert [(each.name, each.kind, each.mime, each.size) for each in inbound.attachments] == FILES[name]
    assert len({each.ref for each in inbound.attachments}) == len(FILES[name])
    assert inbound.kind == ("media" if name == "file-only" else "text")


def test_a_mail_says_who_wrote_about_what_and_what_it_answers() -> None:
    inbound = read(MAILS["reply-gmail"])

    assert (inbound.address, inbound.sender.name) == ("ana@mail.example", "Ana Example")
    assert (inbound.provider_id, inbound.reply_to, inbound.case) == ("<m1@mail.example>", OURS, "1234")
    assert (inbound.subject, inbound.at) == ("Re: Moving my lesson [#1234]", AT)
    assert not inbound.automatic
    assert inbound.sender.email == "", "a From line proves nothing"


@pytest.mark.parametrize("name", REPORTS)
def test_reports_about_our_own_mails_are_told_apart(name: str) -> None:
    assert CHANNEL.parse(MAILS[name]) == REPORTS[name]


@pytest.mark.parametrize("name", TROUBLES)
def test_our_own_mail_come_back_and_mail_of_nobody_is_trouble_and_no_message(name: str) -> None:
    (event,) = CHANNEL.parse(MAILS[name])

    assert isinstance(event, Trouble)
    assert event.code == TROUBLES[name]


def test_a_bounce_of_a_mail_that_was_not_ours_strikes_no_address_off() -> None:
    inbound = read(MAILS["bounce-foreign"])

    assert inbound.automatic


@pytest.mark.parametrize("name", [name for name in MAILS if name.startswith("auto-")])
def test_what_a_machine_wrote_is_marked_so_that_nobody_answers_it(name: str) -> None:
    assert read(MAILS[name]).automatic


@pytest.mark.parametrize("name", ["not-automatic", "reply-gmail", "html-only"])
def test_what_a_person_wrote_is_not(name: str) -> None:
    assert not read(MAILS[name]).automatic


def test_an_answer_goes_to_who_wrote_and_never_where_the_mail_asks_for_it() -> None:
    assert read(MAILS["reply-to"]).address == "ana@mail.example"


def test_of_two_authors_the_first_is_answered() -> None:
    assert read(MAILS["two-authors"]).address == "ana@mail.example"


def test_a_mail_without_an_id_is_known_by_what_does_not_change_on_the_way() -> None:
    again = b"Received: from elsewhere; Fri, 20 Nov 2026 10:00:09 +0700\r\nX-Spam: no\r\n" + MAILS["no-id"]
    other = MAILS["no-id"].replace(b"Who am I?", b"Who are you?")

    assert read(MAILS["no-id"]).provider_id == read(again).provider_id
    assert read(MAILS["no-id"]).provider_id.startswith("sha256:")
    assert read(MAILS["no-id"]).provider_id != read(other).provider_id


def test_a_mail_counts_as_written_when_our_server_took_it_and_never_later_than_now() -> None:
    stamped = b"Received: by mx.studio.example; Fri, 20 Nov 2026 11:00:00 +0700\r\n" + MAILS["no-id"]
    ahead = MAILS["no-id"].replace(b"20 Nov 2026", b"20 Nov 2096")

    assert read(stamped).at == datetime(2026, 11, 20, 4, tzinfo=UTC)
    assert read(ahead).at <= datetime.now(UTC)


@pytest.mark.parametrize(
    ("headers", "case"),
    [
        pytest.param([b"In-Reply-To: " + OURS.encode()], "1234", id="the mail it answers"),
        pytest.param([b"References: <x@y.example> " + OURS.encode()], "1234", id="the thread"),
        pytest.param([b"In-Reply-To: <x@y.example>", b"Subject: Re: hello [#77]"], "77", id="the subject"),
        pytest.param([b"In-Reply-To: " + OURS.encode(), b"Subject: [#77]"], "1234", id="the mail before the subject"),
        pytest.param([b"In-Reply-To: " + OURS.replace("studio", "other").encode()], "", id="another house's token"),
        pytest.param([b"Subject: invoice #77 of [2026]"], "", id="any other number"),
    ],
)
def test_the_case_is_the_one_named_by_the_thread_else_by_the_subject(headers: list[bytes], case: str) -> None:
    assert read(mail(b"Hello", *headers)).case == case


@pytest.mark.parametrize(
    ("written", "address", "name"),
    [
        (b"Ana <ANA@Mail.Example>", "ana@mail.example", "Ana"),
        (b'"Ana, the \\"singer\\"" <ana@mail.example>', "ana@mail.example", 'Ana, the "singer"'),
        (b"=?utf-8?q?Jos=C3=A9?= =?utf-8?q?_P?= <jose@mail.example>", "jose@mail.example", "José P"),
        (b"ana@mail.example (Ana)", "ana@mail.example", "Ana"),
        (b"<ana@mail.example>", "ana@mail.example", ""),
        ("Ana <ana@bücher.example>".encode(), "ana@xn--bcher-kva.example", "Ana"),
        (b'"desk@studio.example" <eve@evil.example>', "eve@evil.example", "desk@studio.example"),
        (b"desk@studio.example <eve@evil.example>", "eve@evil.example", ""),
        (b"Ana\r\n <ana@mail.example>", "ana@mail.example", "Ana"),
    ],
    ids=lambda value: "" if isinstance(value, bytes) else str(value),
)
def test_the_address_is_the_one_that_mail_goes_to(written: bytes, address: str, name: str) -> None:
    inbound = read(b"From: " + written + b"\r\nMessage-ID: <m1@mail.example>\r\n\r\nHello")

    assert (inbound.address, inbound.sender.name) == (address, name)


@pytest.mark.parametrize(
    "page",
    [
        '<p hidden>secret</p><p style="VISIBILITY : Hidden">secret</p>',
        '<font style="font-size:0">secret</font><title>secret</title>',
        '<p style="color:#fff;display:none !important">secret</p><!-- secret -->',
        '<a href="javascript:secret()"></a><template>secret</template><svg><text>secret</text></svg>',
    ],
    ids=range(4),
)
def test_what_a_page_hides_is_not_read(page: str) -> None:
    body = f"<html><body>{page}<p>Hello</p></body></html>".encode()

    assert read(mail(body, b"Content-Type: text/html")).text == "Hello"


def hostile() -> list[tuple[str, bytes]]:
    """Return mails that are meant to take long: each is small beside what a mailbox takes."""
    nested = "".join(f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(900))
    bombs = "".join(f"Content-Type: message/rfc822\r\n\r\nSubject: {n}\r\n" for n in range(290))
    page = b"Content-Type: text/html"
    return [
        ("parts inside parts", mail(b"", nested.encode()[:-4])),
        ("mails inside mails", mail(b"", bombs.encode()[:-2])),
        ("many parts", mail(b"--b\r\n\r\nx\r\n" * 20_000, b'Content-Type: multipart/mixed; boundary="b"')),
        ("page inside page", mail(b"<div>" * 100_000, page)),
        ("tags never closed", mail(b"<a " * 200_000, page)),
        ("quotes inside quotes", mail(b"<blockquote>" * 450 + b"x<p>" * 50_000, page)),
        ("a long line", mail(b"On " + b"a " * 200_000 + b":\r\n> x", b"In-Reply-To: <x@y.example>")),
        ("many lines", mail(b"On 1.1.2026\r\n" * 50_000 + b"> x\r\n", b"In-Reply-To: <x@y.example>")),
        ("dashes", mail((b"-" * 110 + b"x\r\n") * 5_000, b"In-Reply-To: <x@y.example>")),
        ("a long header", mail(b"x", b"Subject: " + b"=?utf-8?q?" * 20_000, b"From: " + b"<a@" * 20_000)),
        ("many ids", mail(b"x", b"References: " + b"<a@b.example> " * 50_000)),
        ("brackets", mail(b"x", b"Authentication-Results: mx.studio.example" + b"(" * 100_000 + b'"' * 100_000)),
    ]  # fmt: skip


@pytest.mark.parametrize("raw", [pytest.param(raw, id=name) for name, raw in hostile()])
def test_a_mail_that_is_meant_to_take_long_does_not(raw: bytes) -> None:
    begun = time.process_time()

    events = CHANNEL.parse(raw)

    assert time.process_time() - begun < 3
    assert len(events) == 1


def test_a_large_file_is_measured_and_left_where_it_is() -> None:
    content = random.Random(4).randbytes(3_000_000)
    body = b"--b\r\nContent-Type: video/mp4\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(content)

    inbound = read(mail(body + b"\r\n--b--", b'Content-Type: multipart/mixed; boundary="b"'))

    assert [each.size for each in inbound.attachments] == [3_000_000]
    assert all(len(each.ref) < 600 for each in inbound.attachments)


@given(st.binary(max_size=400))
def test_no_bytes_break_the_reading(raw: bytes) -> None:
    assert len(CHANNEL.parse(raw)) <= 1


@settings(max_examples=300)
@given(st.data())
def test_a_mail_that_was_cut_mixed_or_damaged_is_still_read(data: st.DataObject) -> None:
    one, other = (MAILS[data.draw(st.sampled_from(sorted(MAILS)))] for _ in range(2))
    cut = data.draw(st.integers(0, len(one)))
    raw = bytearray(one[:cut] + data.draw(st.binary(max_size=20)) + other[data.draw(st.integers(0, len(other))) :])
    for _ in range(data.draw(st.integers(0, 5)) if raw else 0):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))

    for event in CHANNEL.parse(bytes(raw)):
        if isinstance(event, Inbound):
            assert event.sender.email == "", "nobody vouched for any of these"
            assert event.address.count("@") == 1
            assert not any("/" in each.name or "\\" in each.name for each in event.attachments)


def test_words_survive_whatever_a_mail_program_makes_of_them() -> None:
    said = "Saya mau pindah ke Jumat, 10.30 – bisa? 🎵 ありがとう"
    letters: dict[str, Any] = {"utf-8": said, "utf-16": said, "iso-2022-jp": "金曜日 10:30", "koi8-r": "Пятница в 10"}

    for charset, text in letters.items():
        for encoding, coded in (
            (b"base64", base64.encodebytes(text.encode(charset))),
            (b"8bit", text.encode(charset)),
        ):
            if (charset, encoding) == ("utf-16", b"8bit"):
                continue  # nobody can send that
            kind = b"Content-Type: text/plain; charset=" + charset.encode()
            assert read(mail(coded, kind, b"Content-Transfer-Encoding: " + encoding)).text == text
