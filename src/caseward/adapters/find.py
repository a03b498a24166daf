"""Plugs, found by the names of their files: what the settings allow is loaded, everything else stays out.

A channel's module has `channel(settings)`, which is None where a secret is missing, a system's `skills(book, pack)` and
their `NAMES`, a brain's `brain(pack)`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from caseward.core.errors import BadInput
from caseward.core.pack import Pack
from caseward.core.ports import Brain, Channel, RecordBook, SignOn, Skill
from caseward.settings import Settings


def channels(settings: Settings) -> dict[str, Channel]:
    """Return name → channel of those that are allowed and set up; raise BadInput for one that does not exist."""
    allowed = names("channels") if settings.channels is None else settings.channels
    made = {name: _module("channels", name).channel(settings) for name in allowed if _is_given(name, settings)}
    return {name: channel for name, channel in made.items() if channel is not None}


def skills(allowed: Iterable[str], book: RecordBook, pack: Pack) -> dict[str, Skill]:
    """Return name → skill of all allowed systems; raise BadInput for one that does not exist, or a name used twice."""
    found: dict[str, Skill] = {}
    for system in allowed:
        for skill in _module("skills", system).skills(book, pack):
            if skill.name in found:
                raise BadInput(f"CASEWARD_SKILLS: two of them have a skill {skill.name!r}; leave one of them out")
            found[skill.name] = skill
    return found


def skill_names(allowed: Iterable[str]) -> list[str]:
    """Return the names of the skills of all allowed systems, without making any."""
    return sorted(name for system in allowed for name in _module("skills", system).NAMES)


def claims(documents: Mapping[str, Sequence[Mapping[str, Any]]]) -> dict[str, dict[str, str]]:
    """Return kind → id → claim for documents that are put into the built-in records from outside."""
    module = _module("skills", "records")
    return {kind: module.claims(kind, rows) for kind, rows in documents.items()}


def brain(allowed: Iterable[str], pack: Pack) -> Brain:
    """Return the first allowed brain; raise BadInput when there is none."""
    for name in allowed:
        made: Brain = _module("brains", name).brain(pack)
        return made
    raise BadInput("CASEWARD_BRAINS is empty; name at least one, such as local")


def sign_on(settings: Settings) -> SignOn | None:
    """Return the identity provider that is set, None where none is: then its module is not worth its memory."""
    if not settings.oidc_issuer or not settings.oidc_client_id:
        return None
    made: SignOn = import_module("caseward.adapters.oidc").sign_on(settings)
    return made


def require(**allowed: Iterable[str]) -> None:
    """Raise BadInput for the first allowed plug that does not exist: `require(channels=("webchat",))`. Loads none."""
    for kind, wanted in allowed.items():
        for name in wanted:
            _require(kind, name)


def names(kind: str) -> list[str]:
    """Return the plugs of a kind (`channels`, `skills`, `brains`) that came along."""
    folder = Path(__file__).with_name(kind)
    return sorted(path.stem for path in folder.glob("*.py") if not path.stem.startswith("_"))


def _is_given(channel: str, settings: Settings) -> bool:
    """Return whether any setting of a channel is given: one that is surely off is not worth its module's memory."""
    own = [field for field in Settings.model_fields if field.startswith(f"{channel}_")]
    return not own or any(field in settings.model_fields_set for field in own)


def _require(kind: str, name: str) -> None:
    known = names(kind)
    if name not in known:
        raise BadInput(f"CASEWARD_{kind.upper()} names {name!r}, which does not exist; there is {', '.join(known)}")


def _module(kind: str, name: str) -> ModuleType:
    _require(kind, name)
    return import_module(f"caseward.adapters.{kind}.{name}")
