"""The wording that Meta keeps for a business account, and how each stands: the Graph API's `message_templates`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import httpx2

from caseward.adapters.channels._whatsapp_errors import NAME, Fault
from caseward.core.errors import SystemDown
from caseward.core.messages import Registered

FIELDS = "name,language,status,rejected_reason,components"
AT_ONCE = 100
PAGES = 20
"""Pages that are read at most: an account has some hundred templates, and no answer leads us on for ever."""
NO_REASON = "NONE"


def read(http: httpx2.Client, account: str) -> Sequence[Registered]:
    """Return every wording of the account; raise SystemDown when Meta does not tell."""
    found: list[Registered] = []
    asked = {"fields": FIELDS, "limit": str(AT_ONCE)}
    for _ in range(PAGES):
        said = _page(http, account, asked)
        found += [_registered(each) for each in said.get("data") or () if isinstance(each, dict)]
        paging = said.get("paging") or {}
        after = (paging.get("cursors") or {}).get("after")
        if not after or not paging.get("next"):
            break
        asked = {**asked, "after": str(after)}
    return found


def _page(http: httpx2.Client, account: str, asked: Mapping[str, str]) -> Mapping[str, Any]:
    try:
        answer = http.get(f"/{account}/message_templates", params=asked)
    except httpx2.HTTPError as error:
        raise SystemDown(NAME, str(error) or type(error).__name__) from error
    try:
        said = answer.json()
    except ValueError:
        raise SystemDown(NAME, f"it answered {answer.status_code} with something that is no JSON") from None
    if not answer.is_success or not isinstance(said, dict):
        raise SystemDown(NAME, Fault.of(answer.status_code, said).why)
    return said


def _registered(told: Mapping[str, Any]) -> Registered:
    body: Mapping[str, Any] = next((each for each in told.get("components") or () if each.get("type") == "BODY"), {})
    why = str(told.get("rejected_reason") or "")
    return Registered(
        name=str(told.get("name", "")),
        language=str(told.get("language", "")),
        status=str(told.get("status", "")).lower(),
        text=str(body.get("text", "")),
        why="" if why == NO_REASON else why.lower(),
    )
