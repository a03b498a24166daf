"""Pages from templates: what every page knows, and how values are written."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context

from caseward.core.roles import WORK_ON_CASES
from caseward.desk import tools
from caseward.store import people, preferences, running
from caseward.store.db import transaction
from caseward.web import assets, menu, shelved, times, words
from caseward.web.session import Visitor, cookie_name

THEMES = ("light", "dark")
SETTINGS = "/settings"
"""Where the settings are in the menu."""


@cache
def environment() -> Environment:
    """Return the templates, ready to render: every value is escaped, a value that is not there is an error."""
    made = Environment(
        loader=PackageLoader("caseward.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.globals["asset"] = assets.url
    made.filters["at"] = _at
    made.filters["time"] = _time
    made.filters["instant"] = _instant
    made.filters["initials"] = initials
    made.filters["humane"] = words.humane
    made.filters["role"] = words.role
    return made


def page(
    request: Request,
    template: str,
    context: Mapping[str, Any] | None = None,
    *,
    visitor: Visitor | None = None,
    here: str = "",
    status: int = 200,
) -> HTMLResponse:
    """Return a page. With a visitor it has the menu, of which `here` is the current item."""
    values: dict[str, Any] = {
        "house": tools.pack().profile.title,
        "zone": tools.pack().profile.timezone,
        "now": tools.now(),
        "theme": theme_of(request),
        "address": request.url.path + (f"?{request.url.query}" if request.url.query else ""),
        "live_from": _own_address(request, context or {}),
        "seq": getattr(request.state, "seq", 0),
        **(context or {}),
    }
    if visitor is not None:
        with transaction():
            shown = menu.shown_to(visitor.person)
            degraded = [health for health in running.systems().values() if health.degraded]
            values["mine"] = preferences.of(visitor.person.id)
            listed = request.url.query if request.url.path == "/inbox" else ""
            values["saved"] = shelved.links(tools.pack(), visitor.person, listed, tools.now())
            values["on_shift"] = people.is_available(visitor.person.id)
            values["gets_cases"] = visitor.person.role in WORK_ON_CASES
        values |= {"visitor": visitor, "menu": shown, "here": here, "degraded": degraded}
    return _zipped(request, environment().get_template(template).render(values), status)


def setting(
    request: Request,
    template: str,
    context: Mapping[str, Any],
    *,
    visitor: Visitor,
    here: str,
    status: int = 200,
) -> HTMLResponse:
    """Return a page of the settings, of which `here` is the current one; its template extends settings.html."""
    values = {**context, "settings": menu.settings_of(visitor.person), "settings_here": here}
    return page(request, template, values, visitor=visitor, here=SETTINGS, status=status)


def _zipped(request: Request, html: str, status: int) -> HTMLResponse:
    """Return a page, compressed where the browser takes that.

    Guessing a secret by the length of compressed pages needs many requests that carry the session; its cookie comes
    with no request that another site makes but a click.
    """
    headers = {"Vary": "Accept-Encoding, Cookie"}
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return HTMLResponse(html, status_code=status, headers=headers)
    body = gzip.compress(html.encode(), compresslevel=5, mtime=0)
    return HTMLResponse(body, status_code=status, headers={**headers, "Content-Encoding": "gzip"})


def part(template: str, context: Mapping[str, Any], *, status: int = 200) -> HTMLResponse:
    """Return one part of a page, to replace what stands there."""
    made = environment()
    parts = made.get_template("_parts.html").make_module({"now": tools.now()})
    html = made.get_template(template).render({**context, "parts": parts, "now": tools.now()})
    return HTMLResponse(html, status_code=status)


def _own_address(request: Request, context: Mapping[str, Any]) -> str:
    """Return where the parts of a page are asked for again: its own address, or that of the case or
    contact it shows where a form was posted."""
    if request.method == "GET":
        return request.url.path + (f"?{request.url.query}" if request.url.query else "")
    shown = context.get("case") or context.get("contact")
    return shown.href if shown else ""


def theme_of(request: Request) -> str:
    """Return the theme a person chose, or nothing where the device decides."""
    chosen = request.cookies.get(cookie_name(request, "theme"), "")
    return chosen if chosen in THEMES else ""


def zone() -> ZoneInfo:
    """Return the zone all times are shown in: the pack's."""
    return ZoneInfo(tools.pack().profile.timezone)


def shown_at(at: datetime) -> str:
    """Return an instant as the console writes it."""
    return times.local(at, zone(), now=tools.now())


def initials(name: str) -> str:
    """Return two letters that stand for a name: of its first and last word, or of its only one."""
    parts = [word for word in name.split() if word[0].isalnum()]
    return (parts[0][0] + parts[-1][0] if len(parts) > 1 else "".join(parts)[:2]).upper() or "?"


@pass_context
def _at(context: Context, at: datetime) -> str:
    return times.local(at, zone(), now=context["now"])


def _time(at: datetime) -> str:
    return f"{at.astimezone(zone()):%H:%M}"


def _instant(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
