"""Files that contacts send over WhatsApp: asked for by id, fetched from an address that lives five minutes.

Both calls carry our token, so that neither goes anywhere but to Meta: an address on another host is refused, and a
redirection is not followed. Source: Meta's "Media", retrieve URL and download.
"""

from __future__ import annotations

import re
import time
from typing import Any

import httpx2

from caseward.adapters.channels import _magic
from caseward.adapters.channels._whatsapp_errors import NAME, OURS, PASSING, Fault
from caseward.core.errors import SystemDown, Undeliverable
from caseward.core.ports import Fetched

HOSTS = frozenset({"lookaside.fbsbx.com"})
"""Where Meta keeps the files, besides the Graph API's own origin."""
SECONDS = 60.0
"""A whole download, however slowly it trickles."""
REF = re.compile(r"[A-Za-z0-9_-]{1,128}")
EXPIRED = (401, 403, 404, 410)


def fetch(http: httpx2.Client, ref: str, *, api_url: str, number: str, most: int) -> Fetched:
    """Return a file of at most `most` bytes; errors as Fetching.fetch. An expired address is asked anew, once."""
    try:
        for again in (False, True):
            found = _look_up(http, ref, number)
            size = found.get("file_size")
            if isinstance(size, int) and size > most:
                raise _too_large(most)
            content = _download(http, _metas(str(found.get("url") or ""), api_url), most, last=again)
            if content is not None:
                return _checked(content, str(found.get("mime_type") or "").partition(";")[0].strip())
    except httpx2.HTTPError as error:
        raise SystemDown(NAME, str(error) or type(error).__name__) from error
    raise AssertionError("a last download returns or raises")


def _look_up(http: httpx2.Client, ref: str, number: str) -> dict[str, Any]:
    if not REF.fullmatch(ref):
        raise Undeliverable(NAME, "ref", "this is no id of a file")
    answer = http.get(f"/{ref}", params={"phone_number_id": number})
    try:
        said = answer.json()
    except ValueError:
        said = None
    if answer.is_success and isinstance(said, dict):
        return said
    fault = Fault.of(answer.status_code, said)
    if fault.code in OURS | PASSING or answer.status_code == 429 or answer.status_code >= 500:
        raise SystemDown(NAME, fault.why)
    raise Undeliverable(NAME, "gone", fault.said or "Meta does not have this file any longer")


def _download(http: httpx2.Client, url: httpx2.URL, most: int, *, last: bool) -> bytes | None:
    """Return the bytes, or None when the address has expired and it is not the `last` one to try."""
    until = time.monotonic() + SECONDS
    with http.stream("GET", url, headers={"Accept-Encoding": "identity"}) as answer:
        if answer.status_code in EXPIRED and not last:
            return None
        if answer.status_code == 429 or answer.status_code >= 500:
            raise SystemDown(NAME, f"the file's server answered {answer.status_code}")
        if not answer.is_success or "content-encoding" in answer.headers:
            raise Undeliverable(NAME, "gone", f"the file's server answered {answer.status_code}")
        content = bytearray()
        for chunk in answer.iter_raw():
            content += chunk
            if len(content) > most:
                raise _too_large(most)
            if time.monotonic() > until:
                raise SystemDown(NAME, f"the file did not come within {SECONDS:.0f} s")
        return bytes(content)


def _metas(address: str, api_url: str) -> httpx2.URL:
    """Return the address, read by the client that will call it; raise Undeliverable when it is not Meta's."""
    try:
        url, api = httpx2.URL(address), httpx2.URL(api_url)
    except httpx2.InvalidURL:
        raise Undeliverable(NAME, "host", "the file is said to be at no address") from None
    same = (url.scheme, url.host, url.port) == (api.scheme, api.host, api.port)
    known = url.scheme == "https" and url.host in HOSTS and url.port is None
    if url.userinfo or not (same or known):
        raise Undeliverable(NAME, "host", f"the file is said to be on {url.host or 'no host'}")
    return url


def _checked(content: bytes, stated: str) -> Fetched:
    found = _magic.sniffed(content)
    if not _magic.agrees(stated, found):
        raise Undeliverable(NAME, "type", f"it is said to be {stated or 'nothing'} and looks like {found or 'none'}")
    return Fetched(content=content, mime=_magic.settled(stated, found))


def _too_large(most: int) -> Undeliverable:
    return Undeliverable(NAME, "size", f"the file is larger than {most} bytes")
