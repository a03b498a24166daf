"""The chat on other sites: a script that puts a button there, and the page that its frame shows.

The frame keeps its token itself and sends it with each request, since browsers keep cookies from pages that stand in
others. Only the sites that the settings name may show it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import BaseModel

from caseward.core.pack import Pack
from caseward.desk import tools
from caseward.settings import Settings
from caseward.web import chat, chat_words
from caseward.web.assets import FOLDER
from caseward.web.security import POLICY

SOLID: Mapping[str, str] = {"light": "#1F1E1B", "dark": "#F1F0EE"}
"""Theme → what buttons are painted with where the pack says nothing (tokens.css)."""
ON_SOLID: Mapping[str, str] = {"light": "#FFFFFF", "dark": "#141417"}
SHORTLY = "public, max-age=300"
"""How long browsers keep what a site embeds."""

router = APIRouter(include_in_schema=False)
Lang = Annotated[str, Query(max_length=35)]


class Look(BaseModel):
    """What the script needs to know."""

    language: str
    label: str
    solid: tuple[str, str]
    onSolid: tuple[str, str]  # noqa: N815 - a name of the script's


def look(pack: Pack, language: str) -> Look:
    """Return how the button looks and what stands on it."""
    chosen = pack.language(language)
    accent = pack.profile.chat.accent
    return Look(
        language=chosen,
        label=chat_words.words(chosen)["title"].format(business=pack.profile.title),
        solid=(accent.get("light", SOLID["light"]), accent.get("dark", SOLID["dark"])),
        onSolid=(ON_SOLID["light"], ON_SOLID["dark"]),
    )


@router.get("/chat/widget.js")
def script(lang: Lang = "") -> Response:
    """Return the script that a site embeds."""
    source = (FOLDER / "widget.js").read_text("utf-8").rstrip()
    given = json.dumps(look(tools.pack(), lang).model_dump(), ensure_ascii=False)
    headers = {"Cache-Control": SHORTLY, "Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(f"{source}({given});\n", media_type="text/javascript; charset=utf-8", headers=headers)


@router.get("/chat/theme.css")
def theme() -> Response:
    """Return the pack's colours for the chat page."""
    accent = tools.pack().profile.chat.accent
    lines = [f"--solid: light-dark({accent.get('light', SOLID['light'])}, {accent.get('dark', SOLID['dark'])});"]
    body = f":root {{ {' '.join(lines)} }}\n" if accent else ""
    return Response(body, media_type="text/css; charset=utf-8", headers={"Cache-Control": SHORTLY})


@router.get("/chat/widget")
def widget(request: Request, lang: Lang = "") -> Response:
    """Show the chat inside of another page."""
    settings: Settings = request.app.state.settings
    response = chat.framed(request, lang=lang)
    sites = " ".join(("'self'", *settings.chat_origins))
    response.headers["Content-Security-Policy"] = POLICY.replace("frame-ancestors 'none'", f"frame-ancestors {sites}")
    return response
