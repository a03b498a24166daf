"""The Graph API's addresses: sending, and files."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from caseward.simulators._whatsapp_account import ACCOUNT_ID
from caseward.simulators._whatsapp_graph import Refusal

if TYPE_CHECKING:
    from caseward.simulators.whatsapp import WhatsApp


def routes(sim: WhatsApp) -> list[Route]:
    """Return the routes that a business calls."""

    async def send(request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(_send, sim, request, body)

    def file(request: Request) -> Response:
        return _answered(sim, request, lambda: _address(sim, request))

    def download(request: Request) -> Response:
        return _download(sim, request)

    def templates(request: Request) -> Response:
        return _answered(sim, request, lambda: _templates(sim, request), "templates")

    return [
        Route("/{version:str}/{number}/messages", send, methods=["POST"]),
        Route("/v{version}/{account}/message_templates", templates),
        Route("/attachments/{id}", download),
        Route("/v{version}/{id}", file),
    ]


class Cut(Response):
    """An answer of which only the beginning arrives: the connection is closed on the way."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Promise more than is sent; the server then closes the connection."""
        headers = [(b"content-type", b"application/json"), (b"content-length", b"500")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"{", "more_body": True})


def _send(sim: WhatsApp, request: Request, body: bytes) -> Response:
    lost = False
    try:
        _authorise(sim, request)
        if request.path_params["number"] != sim.number_id:
            raise Refusal(100, "Object with this ID does not exist", subcode=33)
        try:
            message = json.loads(body)
        except ValueError:
            message = None
        if not isinstance(message, dict):
            raise Refusal(100, "The body is no JSON object")
        answer, lost = sim.accept(message)
        status = 200
    except Refusal as refusal:
        answer, status = refusal.body(), refusal.status
    said = "" if lost else json.dumps(answer)
    sim.note("from the desk", _what(body), "lost" if lost else str(status), sent=body.decode("utf-8", "replace"),
             answered=said, ok=status == 200 and not lost)  # fmt: skip
    return Cut() if lost else JSONResponse(answer, status_code=status)


def _what(body: bytes) -> str:
    try:
        message: Mapping[str, Any] = json.loads(body)
        return str(message.get("status") or message.get("type") or "message")
    except (ValueError, AttributeError):
        return "raw bytes"


def _address(sim: WhatsApp, request: Request) -> dict[str, Any]:
    """Return where a file may be fetched, for five minutes."""
    id = request.path_params["id"]
    file = sim.files.get(id)
    if file is None:
        raise Refusal(100, "Unsupported get request. The media does not exist.")
    until = int(sim.valid_until().timestamp())
    return {
        "url": f"{request.base_url}attachments/{id}?ext={until}",
        "mime_type": file.mime,
        "sha256": hashlib.sha256(file.content).hexdigest(),
        "file_size": len(file.content),
        "id": id,
        "messaging_product": "whatsapp",
    }


def _templates(sim: WhatsApp, request: Request) -> dict[str, Any]:
    """Return a page of the account's templates, each with how it was judged."""
    if request.path_params["account"] != ACCOUNT_ID:
        raise Refusal(100, "Unsupported get request. The account does not exist.", subcode=33)
    begin, most = int(request.query_params.get("after", "0")), min(int(request.query_params.get("limit", "25")), 100)
    known = sorted((sim.templates or {}).items())
    shown = [
        {
            "id": str(9000 + number),
            "name": name,
            "language": language,
            "status": sim.judged.get((name, language), ("APPROVED", "NONE"))[0],
            "category": "UTILITY",
            "rejected_reason": sim.judged.get((name, language), ("APPROVED", "NONE"))[1],
            "components": [{"type": "BODY", "text": text}],
        }
        for number, ((name, language), text) in enumerate(known)
    ][begin : begin + most]
    end = begin + len(shown)
    paging: dict[str, Any] = {"cursors": {"before": str(begin), "after": str(end)}}
    if end < len(known):
        paging["next"] = f"{request.url.include_query_params(after=end)}"
    return {"data": shown, "paging": paging}


def _download(sim: WhatsApp, request: Request) -> Response:
    file = sim.files.get(request.path_params["id"])
    until = request.query_params.get("ext", "")
    try:
        _authorise(sim, request)
    except Refusal as refusal:
        return JSONResponse(refusal.body(), status_code=refusal.status)
    if file is None or not until.isdecimal() or int(until) < sim.now().timestamp():
        return Response("URL signature expired", status_code=404, media_type="text/plain")
    return Response(file.content, media_type=file.mime)


def _answered(sim: WhatsApp, request: Request, answer: Any, what: str = "file") -> Response:
    try:
        _authorise(sim, request)
        said, status = answer(), 200
    except Refusal as refusal:
        said, status = refusal.body(), refusal.status
    sim.note("from the desk", what, str(status), sent=request.url.path, answered=json.dumps(said), ok=status == 200)
    return JSONResponse(said, status_code=status)


def _authorise(sim: WhatsApp, request: Request) -> None:
    if request.headers.get("authorization") != f"Bearer {sim.token}":
        raise Refusal(190, "Invalid OAuth access token - Cannot parse access token")
