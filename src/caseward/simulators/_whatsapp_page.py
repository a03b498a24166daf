"""The page on which one plays the customers' phones by hand."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from caseward.simulators import showing

if TYPE_CHECKING:
    from caseward.simulators._whatsapp_phones import Phone, Said
    from caseward.simulators.whatsapp import WhatsApp

SAMPLES = ("6280000000001", "6280000000002", "6280000000003", "6280000000009")
"""Numbers offered to begin with: students of the sample records, and at the end somebody who is none."""
LONG_AGO = datetime.min.replace(tzinfo=UTC)
"""When somebody wrote who never did."""
MOST_BYTES = 8_000_000
PICTURES = ("image/png", "image/jpeg", "image/webp", "image/gif")
Given = Mapping[str, Any]


def routes(sim: WhatsApp) -> list[Route]:
    """Return the page's routes."""

    def picture(request: Request) -> Response:
        file = sim.files.get(request.path_params["id"])
        if file is None or file.mime not in PICTURES:
            return Response(status_code=404)
        return Response(file.content, media_type=file.mime, headers=showing.HEADERS)

    acts = {
        "phone": lambda given: _phone(sim, given),
        "say": lambda given: sim.say(_who(given), _words(given), reply_to=str(given.get("reply_to") or "")),
        "tap": lambda given: sim.tap(_who(given), str(given["choice"]), message_id=str(given["message"])),
        "picture": lambda given: _picture(sim, given),
        "location": lambda given: sim.send_location(_who(given), -6.2088, 106.8456, "Sample square"),
        "react": lambda given: sim.react(_who(given), str(given["message"]), str(given["emoji"])),
        "edit": lambda given: sim.edit(_who(given), str(given["message"]), _words(given)),
        "delete": lambda given: sim.delete(_who(given), str(given["message"])),
        "echo": lambda given: sim.echo(_who(given), _words(given)),
        "look": lambda given: sim.look(_who(given)),
        "move": lambda given: sim.move(_who(given), str(given["number"])),
        "prefer": lambda given: sim.prefer(_who(given), wanted=bool(given["wanted"])),
        "jump": lambda given: sim.jump(timedelta(hours=float(given["hours"]))),
    }
    page = showing.routes("whatsapp", "WhatsApp", state=lambda after: state(sim, after),
                          acts={verb: _without_answer(act) for verb, act in acts.items()})  # fmt: skip
    return [*page, Route("/page/file/{id}", picture)]


def state(sim: WhatsApp, after: int) -> dict[str, Any] | None:
    """Return what the page shows, if it is newer than version `after`."""
    with sim.lock:
        typing = [phone for phone in sim.phones.values() if _is_typing(sim, phone)]
        version = 2 * sim.version + bool(typing)
        if version == after:
            return None
        phones = sorted(sim.phones.values(), key=lambda phone: phone.chat[-1].at if phone.chat else LONG_AGO)
        return {
            "version": version,
            "now": sim.now().isoformat(),
            "hook": sim.courier.hook,
            "samples": [number for number in SAMPLES if number not in sim.phones],
            "phones": [_shown(sim, phone) for phone in reversed(phones)],
            "wire": list(sim.wire),
        }


def _shown(sim: WhatsApp, phone: Phone) -> dict[str, Any]:
    open_until = phone.heard_at + timedelta(hours=24) if phone.heard_at else None
    return {
        "number": phone.number,
        "user_id": phone.user_id,
        "name": phone.name,
        "hidden": phone.hidden,
        "stopped": phone.stopped,
        "typing": _is_typing(sim, phone),
        "open_until": open_until.isoformat() if open_until and open_until > sim.now() else "",
        "chat": [_line(phone, said) for said in phone.chat],
    }


def _line(phone: Phone, said: Said) -> dict[str, Any]:
    quoted = next((each.text for each in phone.chat if each.id == said.reply_to), "")
    return {
        "id": said.id,
        "by": said.by,
        "kind": said.kind,
        "text": said.text,
        "at": said.at.isoformat(),
        "state": said.state,
        "choices": said.choices,
        "quoted": quoted[:120],
        "reactions": [emoji for emoji in said.reactions.values() if emoji],
        "edited": said.edited,
        "gone": said.gone,
        "picture": f"page/file/{said.file}" if said.kind in ("image", "sticker") and said.file else "",
    }


def _is_typing(sim: WhatsApp, phone: Phone) -> bool:
    return phone.typing_until is not None and phone.typing_until > sim.now()


def _phone(sim: WhatsApp, given: Given) -> dict[str, Any]:
    phone = sim.phone(_who(given), name=str(given.get("name") or ""), hidden=bool(given.get("hidden")))
    sim.jump(timedelta())  # nothing but a new version of the page
    return {"number": phone.number}


def _picture(sim: WhatsApp, given: Given) -> None:
    mime = str(given.get("mime"))
    if mime not in PICTURES:
        raise ValueError("choose a picture: PNG, JPEG, WebP or GIF")
    try:
        content = base64.b64decode(str(given.get("data")), validate=True)
    except binascii.Error:
        raise ValueError("the picture did not arrive whole; choose it again") from None
    if not 0 < len(content) <= MOST_BYTES:
        raise ValueError(f"choose a picture of at most {MOST_BYTES // 1_000_000} MB")
    sim.send_file(_who(given), content, mime=mime, caption=str(given.get("caption") or ""))


def _without_answer(act: Any) -> Any:
    def done(given: Given) -> Any:
        answer = act(given)
        return answer if isinstance(answer, dict) else None

    return done


def _who(given: Given) -> str:
    return str(given.get("who") or "")


def _words(given: Given) -> str:
    text = str(given.get("text") or "").strip()
    if not 1 <= len(text) <= 4096:
        raise ValueError("write something, of at most 4096 characters")
    return text
