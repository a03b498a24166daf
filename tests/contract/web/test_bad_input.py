"""What cannot be used is refused with what is wrong, where, and the fix; nothing of it is stored."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest

from caseward.flows import support
from caseward.store import db
from tests.conftest import PATIENCE_SECONDS
from tests.contract.web.conftest import Site, problem

JSON = {"Content-Type": "application/json"}
BODIES: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "body"),
    "not JSON": (b"hello", "not valid JSON at character 0"),
    "cut off": (b'{"id": "1", "text": "hel', "not valid JSON at character"),
    "a list": (b"[]", "body: should be a JSON object"),
    "null": (b"null", "body"),
    "a number": (b"1e999", "body: should be a JSON object"),
    "too deep": (b"[" * 60_000, "body"),
    "a number of 9,000 digits": (b'{"id": ' + b"9" * 9000 + b', "text": "x"}', "body"),
    "not UTF-8": (b'{"id": "1", "text": "\xff\xfe"}', "byte 21 is not UTF-8"),
    "another encoding": ('{"id": "1", "text": "h\u00e9"}'.encode("utf-16"), "not UTF-8"),
    "binary": (bytes(range(256)), "not UTF-8"),
    "no text": (b'{"id": "1"}', "text: missing"),
    "no id": (b'{"text": "hi"}', "id: missing"),
    "text is a number": (b'{"id": "1", "text": 5}', "text: should be a valid string"),
    "text is null": (b'{"id": "1", "text": null}', "text: should be a valid string"),
    "id is an object": (b'{"id": {}, "text": "hi"}', "id: should be a valid string"),
    "an unknown field": (b'{"id": "1", "text": "hi", "tier": "R0"}', "tier: unknown; leave it out"),
    "half a character": (b'{"id": "1", "text": "\\ud800"}', "text"),
    "an empty text": (b'{"id": "1", "text": ""}', "text: the message is empty"),
    "blanks": (b'{"id": "1", "text": " \\n\\t "}', "text: the message is empty"),
    "nothing that shows": ('{"id": "1", "text": "\u200b\u202e\u0000"}'.replace("\0", "\\u0000").encode(), "text"),
    "a long text": (json.dumps({"id": "1", "text": "a" * 4001}).encode(), "at most 4000"),
    "an empty id": (b'{"id": "", "text": "hi"}', "id: give each message an id"),
    "a long id": (json.dumps({"id": "a" * 201, "text": "hi"}).encode(), "id: give each message an id"),
    "an id with a zero byte": (b'{"id": "\\u0000", "text": "hi"}', "id: give each message an id"),
    "an id over two lines": (b'{"id": "a\\nb", "text": "hi"}', "id: give each message an id"),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_that_cannot_be_used_is_refused_with_the_reason(site: Site, name: str) -> None:
    body, expected = BODIES[name]
    visitor = site.visitor()

    with site.client(visitor.token) as client:
        status, code, detail = problem(client.post("/chat/messages", content=body, headers=JSON))

    assert (status, code) == (400, "bad_input")
    assert expected in detail
    assert visitor.read()["items"] == []


def test_control_characters_and_markup_are_kept_out_or_kept_as_text(site: Site) -> None:
    visitor = site.visitor()

    said = visitor.post("a\x00b\x1b[31m\u202ec\u200b <script>alert(1)</script>\r\nend").json()["text"]

    assert said == "ab[31mc <script>alert(1)</script>\nend"


@pytest.mark.parametrize(
    ("path", "size", "bound"), [("/chat/messages", 70_000, "64 KB"), ("/api/v1/approvals/a/verdict", 300_000, "256 KB")]
)
@pytest.mark.parametrize("declared", [True, False])
def test_a_huge_body_is_refused_before_it_is_read(site: Site, path: str, size: int, bound: str, declared: bool) -> None:
    def pieces() -> Any:
        yield from [b"x" * 10_000] * (size // 10_000)

    with site.client(site.visitor().token) as client:
        answer = client.post(path, content=b"x" * size if declared else pieces(), headers=JSON)

    assert problem(answer)[:2] == (413, "too_large")
    assert bound in problem(answer)[2]


def test_a_body_that_is_declared_huge_and_never_comes_is_refused_at_once(site: Site) -> None:
    head = b"POST /chat/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 9999999\r\n\r\n"

    assert raw(site, head).startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", ""])
def test_a_body_not_declared_as_json_is_told_how_to_declare_it(site: Site, kind: str) -> None:
    with site.client(site.visitor().token) as client:
        answer = client.post("/chat/messages", content=b'{"id": "1", "text": "hi"}', headers={"Content-Type": kind})

    assert problem(answer) == (
        415,
        "wrong_content_type",
        "body: it is not declared as JSON; send it with the header Content-Type: application/json",
    )


def test_an_unknown_field_of_a_session_is_named(site: Site) -> None:
    with site.client() as client:
        wrong = [
            client.post("/chat/session", json={"As": "stu-001"}),
            client.post("/chat/session", json={"as": "../etc"}),
            client.post("/chat/session", json={"as": 7}),
            client.post("/chat/session", json={"language": "english please"}),
        ]

    assert [problem(each)[0] for each in wrong] == [400] * 4
    assert [problem(each)[2].partition(":")[0] for each in wrong] == ["As", "as", "as", "language"]


def test_a_session_without_a_body_is_opened_in_the_default_language(site: Site) -> None:
    with site.client() as client:
        assert client.post("/chat/session").json().keys() == {"token", "conversation"}


@pytest.mark.parametrize("path", ["/api/v1/nothing", "/chat/nothing", "/api/v2/alerts"])
def test_a_path_that_is_not_there_says_where_to_look(site: Site, path: str) -> None:
    with site.client() as client:
        status, code, detail = problem(client.get(path))

    assert (status, code) == (404, "not_found")
    assert path in detail
    assert "/docs" in detail


@pytest.mark.parametrize("path", ["/healthz", "/chat", "/openapi.json"])
def test_whoever_asks_for_the_headers_alone_gets_them(site: Site, path: str) -> None:
    with site.client() as client:
        whole, headers = client.get(path), client.head(path)

    assert (headers.status_code, headers.content) == (200, b"")
    assert headers.headers["content-type"] == whole.headers["content-type"]


def test_a_wrong_method_is_told_the_right_one(site: Site) -> None:
    with site.client() as client:
        answer = client.put("/chat/session", json={})

    assert problem(answer) == (405, "method_not_allowed", "/chat/session does not take PUT; use POST")
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize("host", ["evil.example", "", "desk.example:80"])
def test_a_request_for_another_host_is_refused(site: Site, host: str) -> None:
    answer = raw(site, f"GET /chat HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"CASEWARD_ALLOWED_HOSTS" in answer


def test_probes_may_come_by_any_address(site: Site) -> None:
    with site.client(Host="10.1.2.3:8400") as client:
        assert client.get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "nonsense", [b"\x16\x03\x01\x02\x00\x01\x00", b"GET / HTTP/9.9\r\n\r\n", b"\0" * 100 + b"\r\n\r\n"]
)
def test_what_is_not_http_ends_the_connection_and_nothing_else(site: Site, nonsense: bytes) -> None:
    raw(site, nonsense, silent=3)

    assert site.visitor().post("still there").status_code == 202


def test_every_answer_carries_the_security_headers_errors_too(site: Site) -> None:
    with site.client() as client:
        answers = [
            client.get("/chat"),
            client.get("/chat/messages"),
            client.get("/api/v1/cases"),
            client.post("/chat/messages", content=b"x" * 70_000),
            client.get("/docs"),
            client.get("/healthz"),
            client.get("/nothing"),
        ]

    for answer in answers:
        assert "script-src 'self'" in answer.headers["content-security-policy"]
        assert "unsafe" not in answer.headers["content-security-policy"]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "server" not in answer.headers


def test_an_error_nobody_foresaw_tells_a_reference_and_no_traceback(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    visitor = site.visitor()

    def broken(*_args: object, **_named: object) -> None:
        raise RuntimeError("secret detail of the inside")

    monkeypatch.setattr(support, "receive", broken)
    answer = visitor.post("hi")

    assert problem(answer)[:2] == (500, "internal")
    assert len(answer.json()["reference"]) == 8
    assert "secret" not in answer.text
    assert "script-src 'self'" in answer.headers["content-security-policy"]


def test_a_database_that_is_away_is_a_503_that_says_send_it_again(site: Site, store: str) -> None:
    visitor = site.visitor()
    db.connect("postgresql://nobody@127.0.0.1:9/nowhere")
    try:
        away = visitor.post("hi", id="a")
    finally:
        db.connect(store)
    again = visitor.post("hi", id="a")

    assert problem(away)[:2] == (503, "system_down")
    assert int(away.headers["retry-after"]) > 0
    assert again.status_code == 202
    assert len(visitor.read()["items"]) == 1


def raw(site: Site, request: bytes, *, silent: float = PATIENCE_SECONDS) -> bytes:
    """Send bytes as they are and return what comes back until the connection ends or is silent for so many seconds."""
    host, _, port = site.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=silent) as connection:
        connection.sendall(request)
        parts = []
        try:
            while part := connection.recv(65536):
                parts.append(part)
        except OSError:
            pass
    return b"".join(parts)
