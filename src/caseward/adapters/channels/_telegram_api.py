"""Calls of Telegram's Bot API (https://core.telegram.org/bots/api#making-requests), and what its errors mean."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import httpx2

from caseward.core.errors import CasewardError, SystemDown, Undeliverable

NAME = "telegram"
SECONDS, CONNECT_SECONDS = 10.0, 5.0
DOWNLOAD_SECONDS = 60.0
"""A whole file, however slowly it trickles."""

# The token is part of every address, and these loggers write addresses: to INFO the one, to DEBUG the other.
for _logger in ("httpx2", "httpcore", "httpcore2"):
    logging.getLogger(_logger).setLevel(logging.WARNING)


class Unsure(CasewardError):
    """Nobody knows whether Telegram did it."""


class Api:
    """One bot at the Bot API. No error names the token."""

    def __init__(self, url: str, token: str) -> None:
        self._url, self._token = url.rstrip("/"), token
        self._http = httpx2.Client(timeout=SECONDS)

    def call(self, method: str, parameters: Mapping[str, Any], *, again: bool = False, seconds: float = 0) -> Any:
        """Return the `result` of a method.

        Args:
            method: of the Bot API, such as `sendMessage`.
            parameters: its parameters, as JSON.
            again: whether calling it twice does no harm: an unknown outcome is then one to try again.
            seconds: how long the method itself may take, on top of the usual patience.

        Raises:
            SystemDown: it surely did nothing, and may be tried again.
            Undeliverable: it surely did nothing, and never will with these parameters.
            Unsure: nobody knows whether it was done; SystemDown in its place when it may be called `again`.
        """
        try:
            return self._call(method, parameters, seconds)
        except Unsure as error:
            if again:
                raise SystemDown(NAME, str(error)) from None
            raise

    def download(self, path: str, *, most: int) -> tuple[bytes, str]:
        """Return the content of a file that `getFile` gave the path of, and the type that the server says."""
        address = f"{self._url}/file/bot{self._token}/{quote(path)}"
        until = time.monotonic() + DOWNLOAD_SECONDS
        try:
            with self._http.stream("GET", address, headers={"Accept-Encoding": "identity"}) as answer:
                if answer.status_code == httpx2.codes.TOO_MANY_REQUESTS or answer.status_code >= 500:
                    raise SystemDown(NAME, f"a file could not be fetched (HTTP {answer.status_code})")
                if answer.status_code != httpx2.codes.OK or "content-encoding" in answer.headers:
                    raise Undeliverable(NAME, str(answer.status_code), "the file is gone")
                content = bytearray()
                for chunk in answer.iter_raw():
                    content += chunk
                    if len(content) > most:
                        raise Undeliverable(NAME, "too_large", f"the file is larger than {most} bytes")
                    if time.monotonic() > until:
                        raise SystemDown(NAME, f"a file did not come within {DOWNLOAD_SECONDS:.0f} s")
                return bytes(content), answer.headers.get("content-type", "").partition(";")[0].strip()
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise SystemDown(NAME, f"a file could not be fetched ({type(error).__name__})") from None

    def _call(self, method: str, parameters: Mapping[str, Any], seconds: float) -> Any:
        patience = httpx2.Timeout(SECONDS + seconds, connect=CONNECT_SECONDS)
        try:
            answer = self._http.post(f"{self._url}/bot{self._token}/{method}", json=dict(parameters), timeout=patience)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout, httpx2.InvalidURL) as error:
            raise SystemDown(NAME, f"no connection for {method} ({type(error).__name__})") from None
        except httpx2.HTTPError as error:
            raise Unsure(f"telegram did not answer {method} ({type(error).__name__})") from None
        said = _object(answer)
        if said.get("ok") is True and "result" in said:
            return said["result"]
        moved = _inside(said, "migrate_to_chat_id")
        if moved is not None and "message_id" not in parameters and str(parameters.get("chat_id")) != str(moved):
            elsewhere = {name: value for name, value in parameters.items() if name != "reply_parameters"}
            return self._call(method, {**elsewhere, "chat_id": moved}, seconds)  # where messages count from one again
        raise _meant(method, answer.status_code, said)


def _object(answer: httpx2.Response) -> Mapping[str, Any]:
    try:
        said = answer.json()
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _inside(said: Mapping[str, Any], name: str) -> int | None:
    parameters = said.get("parameters")
    value = parameters.get(name) if isinstance(parameters, dict) else None
    return value if isinstance(value, int) else None


def _meant(method: str, status: int, said: Mapping[str, Any]) -> Exception:
    """Return the error that an answer stands for."""
    code, why = said.get("error_code"), str(said.get("description", ""))
    if not isinstance(code, int) or said.get("ok") is not False:
        return Unsure(f"telegram answered {method} with HTTP {status} and nothing that the Bot API says")
    match code:
        case 429:
            seconds = _inside(said, "retry_after")
            return SystemDown(NAME, f"too many messages; it takes the next in {1 if seconds is None else seconds} s")
        case 401 | 404:
            return SystemDown(NAME, f"it does not know the bot ({why}); give the token in CASEWARD_TELEGRAM_TOKEN")
        case 409:
            return SystemDown(NAME, f"somebody else takes the bot's updates ({why})")
        case _ if code >= 500:
            return Unsure(f"telegram answered {method} with {code}: {why}")
        case _:
            return Undeliverable(NAME, str(code), why)
