"""E-mail: an address is vouched for by our own server's findings, and by nothing that a sender can write."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseward.adapters.channels.email import Email
from caseward.core.messages import Inbound

TRUSTED = "mx.studio.example"
FOUND = f"Authentication-Results: {TRUSTED}; "
DMARC = FOUND + "dmarc=pass (p=reject) header.from=mail.example"


def vouched(*headers: str, author: str = "Ana <ana@mail.example>", trusted: str = TRUSTED) -> str:
    """Return the address that is vouched for, of a mail with these headers on top."""
    channel = Email("desk@studio.example", smtp_url="smtp://localhost:1", trusted_server=trusted)
    lines = [*headers, f"From: {author}", "Message-ID: <m1@mail.example>", "", "Hello"]
    (event,) = channel.parse("\r\n".join(lines).encode())
    return event.sender.email if isinstance(event, Inbound) else ""


PASSING = {
    "DMARC": DMARC,
    "DMARC with its version": f"Authentication-Results: {TRUSTED} 1; dmarc/1=pass header.from=mail.example",
    "in other letters": FOUND.upper() + "DMARC=Pass Header.From=Mail.Example",
    "on several lines": f"Authentication-Results: {TRUSTED};\r\n\tspf=none;\r\n dmarc=pass header.from=mail.example",
    "DKIM of the domain": FOUND + "dkim=pass header.d=mail.example header.s=k1",
    "DKIM of a domain above": FOUND + "dkim=pass header.d=mail.example; dmarc=none",
    "DKIM by its identity": FOUND + "dkim=pass header.i=@news.mail.example",
    "one DKIM of two": FOUND + "dkim=fail header.d=mail.example; dkim=pass header.d=mail.example",
    "SPF of the domain": FOUND + "spf=pass (sender is 192.0.2.7) smtp.mailfrom=bounce@out.mail.example",
    "quoted": FOUND + 'dkim=pass reason="good; really" header.d="mail.example"',
    "DMARC that could not be asked": FOUND
    + "dmarc=temperror header.from=mail.example; dkim=pass header.d=mail.example",
}
FAILING = {
    "nothing was found": "X-Nothing: here",
    "another server": DMARC.replace(TRUSTED, "mx.elsewhere.example"),
    "a server that begins alike": DMARC.replace(TRUSTED, TRUSTED + ".evil.example"),
    "a server that ends alike": DMARC.replace(TRUSTED, "evil-" + TRUSTED),
    "DMARC of another domain": DMARC.replace("mail.example", "evil.example"),
    "DMARC of a domain below": DMARC.replace("mail.example", "sub.mail.example"),
    "DMARC of nobody": FOUND + "dmarc=pass",
    "DMARC failed": FOUND + "dmarc=fail header.from=mail.example",
    "DMARC failed, DKIM passed": FOUND + "dmarc=fail header.from=mail.example; dkim=pass header.d=mail.example",
    "DMARC twice": FOUND + "dmarc=pass header.from=mail.example; dmarc=fail header.from=mail.example",
    "DKIM of another domain": FOUND + "dkim=pass header.d=evil.example",
    "DKIM of a domain that ends alike": FOUND + "dkim=pass header.d=notmail.example",
    "DKIM failed": FOUND + "dkim=fail header.d=mail.example",
    "SPF of another domain": FOUND + "spf=pass smtp.mailfrom=ana@evil.example",
    "SPF of the greeting": FOUND + "spf=pass smtp.helo=mail.example",
    "SPF failed softly": FOUND + "spf=softfail smtp.mailfrom=mail.example",
    "in a comment": FOUND + "none (dmarc=pass header.from=mail.example)",
    "in a comment with its own parts": FOUND + "none (found before; dmarc=pass header.from=mail.example ;)",
    "in a comment inside a comment": FOUND + "none (a (b) dmarc=pass header.from=mail.example)",
    "in quotes": FOUND + 'dkim=fail reason="x; dmarc=pass header.from=mail.example"',
    "after a quote that never ends": FOUND + 'none "; dmarc=pass header.from=mail.example',
    "in the name": f'Authentication-Results: "{TRUSTED} ; dmarc=pass header.from=mail.example',
    "another header": DMARC.replace("Authentication-Results", "X-Authentication-Results"),
    "a sealed chain": DMARC.replace("Authentication-Results", "ARC-Authentication-Results").replace(": ", ": i=1; "),
}


@pytest.mark.parametrize("header", [pytest.param(header, id=name) for name, header in PASSING.items()])
def test_what_our_server_found_good_is_vouched_for(header: str) -> None:
    assert vouched(header) == "ana@mail.example"


@pytest.mark.parametrize("header", [pytest.param(header, id=name) for name, header in FAILING.items()])
def test_nothing_else_is(header: str) -> None:
    assert vouched(header) == ""


def test_only_the_topmost_finding_of_our_server_counts() -> None:
    failed = DMARC.replace("pass", "fail")

    assert vouched(failed, DMARC) == ""
    assert vouched(DMARC, failed) == "ana@mail.example"
    assert vouched(DMARC.replace(TRUSTED, "mx.evil.example"), failed, DMARC) == ""
    assert vouched(FOUND + "dmarc=fail (never closed", DMARC) == ""


def test_without_a_trusted_server_nobody_is_vouched_for() -> None:
    assert vouched(DMARC, trusted="") == ""


@pytest.mark.parametrize(
    "author",
    [
        "ana@mail.example, eve@evil.example",
        "eve@evil.example, ana@mail.example",
        "<eve@evil.example> <ana@mail.example>",
        "ana@mail.example\r\nFrom: eve@evil.example",
        "ana@mail.example <eve@mail.example>",
        "Friends: ana@mail.example, bob@mail.example;",
        '"ana@mail.example"@mail.example <bob@mail.example>',
    ],
    ids=range(7),
)
def test_an_author_who_can_be_read_in_two_ways_is_never_vouched_for(author: str) -> None:
    assert vouched(DMARC, author=author) == ""


def test_the_whole_address_of_a_shared_host_is_no_organisation() -> None:
    found = FOUND + "dkim=pass header.d=eve.github.io"

    assert vouched(found, author="ana@ana.github.io") == ""
    assert vouched(FOUND + "dkim=pass header.d=school.co.id", author="ana@other.co.id") == ""
    assert vouched(FOUND + "dkim=pass header.d=mail.school.co.id", author="ana@school.co.id") == "ana@school.co.id"


@given(st.data())
def test_no_headers_of_a_senders_making_vouch_for_anybody(data: st.DataObject) -> None:
    pieces = ["dmarc=pass", "header.from=mail.example", "dkim=pass", "header.d=mail.example", ";", "(", ")", '"', " ",
              "\\", TRUSTED, "spf=pass", "smtp.mailfrom=mail.example", "=", "mx.evil.example", "\r\n "]  # fmt: skip
    names = ["Authentication-Results", "authentication-results ", "ARC-Authentication-Results", "Received-SPF", "From"]
    headers = []
    for _ in range(data.draw(st.integers(0, 4))):
        value = "".join(data.draw(st.lists(st.sampled_from(pieces), max_size=12)))
        headers.append(f"{data.draw(st.sampled_from(names))}: {value}")
    genuine = FOUND + "dmarc=fail header.from=mail.example"

    assert vouched(genuine, *[each for each in headers if not re.match("from", each, re.IGNORECASE)]) == ""
