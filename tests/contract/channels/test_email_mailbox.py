"""E-mail against real servers: mail is heard once and never lost, and it is known of every mail whether it went out."""

from __future__ import annotations

import contextlib
import imaplib
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from caseward.adapters.channels import _email_imap, _email_smtp, _email_write, email
from caseward.core.errors import SystemDown, Undeliverable
from caseward.core.events import Bounced, Event
from caseward.core.messages import Choice, Inbound, Reply
from caseward.core.ports import Channel, Fetching, Listening
from caseward.settings import Settings
from caseward.simulators import mail as vendor
from caseward.simulators.mail import Mail

ANA = "ana@mail.example"


@pytest.fixture
def server() -> Iterator[Mail]:
    with Mail() as mail:
        yield mail


def desk(mail: Mail, **changed: str) -> email.Email:
    urls = {"smtp_url": mail.smtp_url, "imap_url": mail.imap_url} | changed
    return email.Email(mail.desk, trusted_server=vendor.SERVER, **urls)


class Ear:
    """A listener in a thread, and the bodies that it heard."""

    def __init__(self, plug: email.Email, hear: Callable[[bytes], None] | None = None) -> None:
        self.bodies: list[bytes] = []
        self.error: Exception | None = None
        self._plug, self._hear, self._over = plug, hear, threading.Event()
        self._new = threading.Condition()
        self._thread = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Ear:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(15)
        assert not self._thread.is_alive(), "it does not end when it is over"

    def _listen(self) -> None:
        try:
            self._plug.listen(self._heard, self._over)
        except Exception as error:
            self.error = error
            with self._new:
                self._new.notify_all()

    def _heard(self, body: bytes) -> None:
        if self._hear:
            self._hear(body)
        with self._new:
            self.bodies.append(body)
            self._new.notify_all()

    def wait(self, count: int) -> list[Event]:
        """Return what was heard, once it is so many mails."""
        with self._new:
            assert self._new.wait_for(lambda: len(self.bodies) >= count or self.error, 15), "nothing was heard"
        return [event for body in self.bodies for event in self._plug.parse(body)]

    def failed(self) -> Exception | None:
        """Return with what it ended, once it has."""
        self._thread.join(15)
        return self.error


def words(events: list[Event]) -> list[str]:
    return [each.text for each in events if isinstance(each, Inbound)]


@contextlib.contextmanager
def client(mail: Mail, account: str) -> Iterator[imaplib.IMAP4]:
    """A mail program in somebody's mailbox."""
    place = urlsplit(mail.imap_url)
    with imaplib.IMAP4(place.hostname or "", place.port or 0) as imap:
        imap.login(account, vendor.PASSWORD)
        imap.select("INBOX")
        yield imap


# --- what comes in ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("keywords", "idle"), [(True, True), (False, True), (True, False)], ids=str)
def test_each_mail_is_heard_once_also_over_restarts(
    keywords: bool, idle: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_email_imap, "POLL_SECONDS", 0.05)
    with Mail(keywords=keywords, idle=idle) as mail:
        mail.send(f"Ana <{ANA}>", "One", "first")
        with Ear(desk(mail)) as ear:
            ear.wait(1)
            mail.send(ANA, "Two", "second")
            ear.wait(2)
        mail.send(ANA, "Three", "third")
        with Ear(desk(mail)) as again:
            assert words(again.wait(1)) == ["third"]
            mail.send(ANA, "Four", "fourth")
            assert words(again.wait(2)) == ["third", "fourth"]

        assert words([event for body in ear.bodies for event in desk(mail).parse(body)]) == ["first", "second"]


def test_a_mail_that_was_not_stored_is_heard_again_and_not_marked() -> None:
    def refuse(body: bytes) -> None:
        raise SystemDown("database", "not now")

    with Mail() as mail:
        mail.send(ANA, "Hello", "keep me")
        with Ear(desk(mail), refuse) as ear:
            assert isinstance(ear.failed(), SystemDown)
        with client(mail, mail.desk) as imap:
            _, found = imap.search(None, "UNSEEN", "UNKEYWORD", _email_imap.KEYWORD)
            assert found == [b"1"]
        with Ear(desk(mail)) as ear:
            assert words(ear.wait(1)) == ["keep me"]


def test_a_mail_that_comes_while_another_is_stored_does_not_wait_for_the_next_one() -> None:
    with Mail() as mail:
        sent: list[str] = []

        def store(body: bytes) -> None:
            if not sent:
                sent.append(mail.send(ANA, "Two", "second"))

        mail.send(ANA, "One", "first")
        with Ear(desk(mail), store) as ear:
            assert words(ear.wait(2)) == ["first", "second"]


def test_a_person_who_reads_along_takes_no_mail_from_the_desk_and_old_mail_is_left_alone() -> None:
    with Mail() as mail:
        mail.send(ANA, "Old", "read long ago")
        with client(mail, mail.desk) as imap:
            imap.store("1", "+FLAGS", "\\Seen")
        mail.send(ANA, "New", "unread")
        with Ear(desk(mail)) as ear:
            assert words(ear.wait(1)) == ["unread"]
        mail.send(ANA, "Newer", "read by a person first")
        with client(mail, mail.desk) as imap:
            imap.store("3", "+FLAGS", "\\Seen")
        with Ear(desk(mail)) as ear:
            assert words(ear.wait(1)) == ["read by a person first"]


def test_a_mailbox_that_was_rebuilt_gives_the_same_bytes_and_the_same_ids() -> None:
    with Mail() as mail:
        mail.send(ANA, "One", "first")
        mail.put(b"From: bob@mail.example\r\nSubject: no id\r\n\r\nsecond")
        with Ear(desk(mail)) as ear:
            before = ear.wait(2)
        with client(mail, mail.desk) as imap:
            imap.store("1:2", "-FLAGS", _email_imap.KEYWORD)
            imap.copy("1:2", "INBOX")
            imap.store("1:2", "+FLAGS", "\\Deleted")
            imap.expunge()
        with Ear(desk(mail)) as again:
            after = again.wait(2)

        assert again.bodies == ear.bodies, "the store knows a body by its digest"
        assert [vars_of(each) for each in after] == [vars_of(each) for each in before]


def vars_of(event: Event) -> tuple[str, str]:
    assert isinstance(event, Inbound)
    return event.provider_id, event.text


def test_a_mail_too_large_to_take_is_heard_by_its_beginning(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_email_imap, "MOST_BYTES", 20_000)
    monkeypatch.setattr(_email_imap, "BEGINNING", 4_000)
    with Mail() as mail:
        mail.send(ANA, "Film", "watch this", attachments=[("film.mp4", "video/mp4", bytes(30_000))])
        with Ear(desk(mail)) as ear:
            (inbound,) = ear.wait(1)

        assert isinstance(inbound, Inbound)
        assert (inbound.text, inbound.attachments[0].name) == ("watch this", "film.mp4")
        with pytest.raises(Undeliverable, match="gone"):
            desk(mail).fetch(inbound.attachments[0].ref, most=100_000)


def test_a_lost_connection_is_said_and_a_wrong_password_too() -> None:
    with Mail() as mail:
        plug = desk(mail)
        wrong = desk(mail, imap_url=mail.imap_url.replace(":mail@", ":guess@"))
        with Ear(wrong) as ear:
            assert isinstance(ear.failed(), SystemDown)
        assert "guess" not in str(ear.error)
        mail.send(ANA, "Hello", "first")
        with Ear(plug) as listening:
            listening.wait(1)
    with pytest.raises(SystemDown):
        plug.listen(lambda body: None, threading.Event())


def test_files_are_fetched_from_the_mail_that_was_read_and_no_other(server: Mail) -> None:
    plug = desk(server)
    reads: list[Inbound] = []
    sent = server.send(ANA, "Files", "two", attachments=[("a.pdf", "application/pdf", b"%PDF one"),
                                                         ("b.png", "image/png", b"picture")])  # fmt: skip
    forged = EmailMessage()
    forged["From"], forged["Message-ID"] = "eve@evil.example", sent
    forged.set_content("mine")
    forged.add_attachment(b"%PDF evil", maintype="application", subtype="pdf", filename="a.pdf")
    nameless = EmailMessage()
    nameless["From"] = ANA
    nameless.set_content("no id")
    nameless.add_attachment(b"third", maintype="text", subtype="csv", filename="c.csv")
    with Ear(plug) as ear:
        reads += [each for each in ear.wait(1) if isinstance(each, Inbound)]
        server.put(forged.as_bytes())
        server.put(nameless.as_bytes())
        third = ear.wait(3)[2]
    refs = [each.ref for each in reads[0].attachments]

    assert [plug.fetch(ref, most=100).content for ref in refs] == [b"%PDF one", b"picture"]
    assert plug.fetch(refs[1], most=100).mime == "image/png"
    assert isinstance(third, Inbound)
    assert plug.fetch(third.attachments[0].ref, most=100).content == b"third"
    with pytest.raises(Undeliverable, match="too_large"):
        plug.fetch(refs[0], most=7)
    for odd in ("", "nonsense", f"{sent}#0#0000", f"{sent}#9#{refs[0][-16:]}", f'<"x) ALL@y.example>#0#{"0" * 16}'):
        with pytest.raises(Undeliverable):
            plug.fetch(odd, most=100)


# --- what goes out ----------------------------------------------------------------------------------------------------


def test_an_answer_threads_names_the_case_and_is_found_again(server: Mail) -> None:
    plug = desk(server)
    reply = Reply(
        text="Besok jam 10.\n.Sampai jumpa é 🎵",
        subject="Pindah jadwal – Jumat",
        case="1234",
        reply_to="<m2@mail.example>",
        thread=("<m1@mail.example>", "<m2@mail.example>", "sha256:00"),
    )

    sent = plug.deliver("thread@mail.example", plug.render(reply), key="reply:1")
    (got,) = server.inbox("thread@mail.example")

    assert got["Subject"] == "Re: Pindah jadwal – Jumat [#1234]"
    assert got.get_content().split("\r\n") == [*reply.text.split("\n"), ""]
    assert (got["Message-ID"], got["In-Reply-To"]) == (sent, "<m2@mail.example>")
    assert got["References"].split() == ["<m1@mail.example>", "<m2@mail.example>"]
    assert got["Auto-Submitted"] == "auto-replied"
    assert got["From"].addresses[0].addr_spec == server.desk
    assert plug.lookup("thread@mail.example", key="reply:1") == sent
    back = server.send("thread@mail.example", "Re: anything", "Good.", reply_to=sent)
    with Ear(plug) as ear:
        ear.wait(1)
        (answer,) = [each for body in ear.bodies for each in plug.parse(body) if vars_of(each)[0] == back]
    assert isinstance(answer, Inbound)
    assert (answer.case, answer.sender.email) == ("1234", "thread@mail.example")


def test_a_repeat_has_the_same_id_and_another_key_another_one(server: Mail) -> None:
    plug = desk(server)
    payload = plug.render(Reply(text="Hello", subject="Hello", case="7"))

    ids = [plug.deliver("repeat@mail.example", payload, key=key) for key in ("one", "one", "two")]

    assert ids[0] == ids[1] != ids[2]
    assert server.inbox("repeat@mail.example")[0]["Auto-Submitted"] == "auto-generated"


def test_a_long_thread_is_named_by_its_ends_and_no_id_is_rewritten(server: Mail) -> None:
    plug = desk(server)
    thread = [f"<{'long' * 20}{number}@mail.example>" for number in range(60)]

    plug.deliver(
        "long@mail.example",
        plug.render(Reply(text="x", subject="é" * 190, reply_to=thread[-1], thread=thread)),
        key="k",
    )
    (got,) = server.inbox("long@mail.example")

    assert got["References"].split() == [thread[0], *thread[-19:]]
    assert got["In-Reply-To"] == thread[-1]
    assert got["Subject"] == "Re: " + "é" * 190


def test_choices_are_offered_as_numbered_lines(server: Mail) -> None:
    payload = desk(server).render(
        Reply(text="When?", choices=[Choice(id="a", label="Friday"), Choice(id="b", label="Monday")])
    )

    assert payload["text"] == "When?\n\n1. Friday\n2. Monday"


@given(st.text(), st.text(), st.lists(st.text(), max_size=3), st.text(alphabet="0123456789\r\n a:"))
def test_no_words_become_a_header(subject: str, reply_to: str, thread: list[str], case: str) -> None:
    reply = Reply(
        text="Hello",
        subject=f"{subject}\r\nBcc: eve@evil.example\n\nx",
        reply_to=reply_to + "\r\nX-Evil: 1",
        thread=thread,
        case=case,
    )

    raw = _email_write.mail(ANA, _email_write.payload(reply), sender=vendor.DESK, message_id="<x@studio.example>")

    head = raw.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0] for line in head.split(b"\r\n") if not line.startswith(b" ")]
    assert set(names) <= {b"Content-Type", b"MIME-Version", b"Content-Transfer-Encoding", b"From", b"To", b"Subject",
                          b"Date", b"Message-ID", b"In-Reply-To", b"References", b"Auto-Submitted"}  # fmt: skip
    assert len(set(names)) == len(names)
    assert b"\n" not in head.replace(b"\r\n", b"")
    assert raw.isascii()


@pytest.mark.parametrize(
    "address",
    ["", "ana", "ana@", "@mail.example", "ana@mail.example\r\nRCPT TO:<eve@evil.example>", "a b@mail.example",
     "ana@mail.example, eve@evil.example", "<ana@mail.example>", "ana@mail..example", "ana@-x.example", "\0@x.example"],
    ids=range(11),
)  # fmt: skip
def test_nothing_is_sent_to_what_is_no_address(server: Mail, address: str) -> None:
    plug = desk(server)

    with pytest.raises(Undeliverable, match="no mail address"):
        plug.deliver(address, plug.render(Reply(text="x", subject="x")), key="k")


def test_what_a_server_says_tells_whether_it_went_out(server: Mail) -> None:
    plug = desk(server)
    payload = plug.render(Reply(text="x", subject="x"))
    who = "failing@mail.example"

    def told(fault: Callable[[], None]) -> type[BaseException]:
        fault()
        with pytest.raises(Exception) as caught:  # noqa: PT011 its kind is what is asked
            plug.deliver(who, payload, key="k")
        return caught.type

    assert told(server.defer) is told(lambda: server.defer(late=True)) is SystemDown
    assert told(lambda: server.cut(late=False)) is SystemDown
    assert told(lambda: server.fail("530 5.7.0 Authentication required")) is SystemDown, "ours to mend"
    assert told(server.reject) is told(lambda: server.reject(late=True)) is Undeliverable
    assert server.inbox(who) == []
    assert told(lambda: server.cut(kept=False)) is ConnectionError
    with pytest.raises(SystemDown, match="by hand"):
        plug.lookup(who, key="k")
    assert told(lambda: server.cut(kept=True)) is ConnectionError
    assert plug.lookup(who, key="k") == server.inbox(who)[0]["Message-ID"]
    wrong = desk(server, smtp_url=server.smtp_url.replace(":mail@", ":guess@"))
    with pytest.raises(SystemDown) as refused:
        wrong.deliver(who, payload, key="k2")
    assert "guess" not in str(refused.value)


def test_a_server_that_falls_silent_is_not_waited_for_long(server: Mail) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"smtp://127.0.0.1:{silent.getsockname()[1]}"

        with pytest.raises(SystemDown):
            _email_smtp.send(_email_smtp.Server.of(url, email.SMTP_PORTS), vendor.DESK, ANA, b"x", seconds=0.2)


def test_an_address_that_takes_nothing_is_told_with_the_mail_it_was_about(server: Mail) -> None:
    plug = desk(server)
    server.vanish("gone@mail.example")

    sent = plug.deliver("gone@mail.example", plug.render(Reply(text="x", subject="x", case="5")), key="k")
    with Ear(plug) as ear:
        ear.wait(1)
        events = [event for body in ear.bodies for event in plug.parse(body)]

    (bounced,) = [each for each in events if isinstance(each, Bounced)]
    assert (bounced.address, bounced.provider_id) == ("gone@mail.example", sent)


def test_a_sign_in_goes_by_tls_where_it_is_offered_and_nowhere_far_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = self_signed(tmp_path)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate)
    with Mail(tls=context) as mail:
        plug = desk(mail)
        payload = plug.render(Reply(text="x", subject="x"))
        with pytest.raises(SystemDown, match="CERTIFICATE_VERIFY_FAILED"):
            plug.deliver(ANA, payload, key="k")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        plug.deliver(ANA, payload, key="k")
    with Mail() as mail:
        monkeypatch.setattr(_email_smtp, "LOOPBACK", frozenset())
        with pytest.raises(SystemDown, match="no TLS"):
            desk(mail).deliver(ANA, payload, key="k")
        with Ear(desk(mail)) as ear:
            assert isinstance(ear.failed(), SystemDown)


def self_signed(folder: Path) -> Path:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder(issuer_name=name, subject_name=name, public_key=key.public_key(), serial_number=1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    path = folder / "server.pem"
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


# --- the plug and its server ------------------------------------------------------------------------------------------


def test_the_channel_is_there_when_it_can_send_and_reads_when_it_has_a_mailbox(server: Mail) -> None:
    smtp, imap = SecretStr(server.smtp_url), SecretStr(server.imap_url)
    whole = email.channel(Settings(email_address=server.desk, email_smtp_url=smtp, email_imap_url=imap))
    sends = email.channel(Settings(email_address=server.desk, email_smtp_url=smtp))

    assert email.channel(Settings()) is email.channel(Settings(email_address=server.desk)) is None
    assert whole is not None
    assert sends is not None
    plug: Channel = whole
    assert isinstance(plug, Listening)
    assert isinstance(plug, Fetching)
    assert (whole.listens, sends.listens) == (True, False)
    with pytest.raises(SystemDown):
        sends.listen(lambda body: None, threading.Event())


def test_the_server_believes_who_signs_in_and_nobody_else(server: Mail) -> None:
    def handed(sender: str, login: str) -> str:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = sender, server.desk, f"{sender} by {login or 'nobody'}"
        message["Authentication-Results"] = f"{vendor.SERVER}; dmarc=pass header.from=mail.example"
        message.set_content("x")
        place = urlsplit(server.smtp_url)
        with smtplib.SMTP(place.hostname or "", place.port or 0) as smtp:
            if login:
                smtp.login(login, vendor.PASSWORD)
            smtp.send_message(message)
        with Ear(desk(server)) as ear:
            (event,) = [
                each for each in ear.wait(1) if isinstance(each, Inbound) and each.subject == message["Subject"]
            ]
        return event.sender.email

    assert handed("sam@mail.example", "sam@mail.example") == "sam@mail.example"
    assert handed("sam@mail.example", "eve@mail.example") == ""
    assert handed("sam@mail.example", "") == ""
