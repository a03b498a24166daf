"""The words we say: every template, how it reads with sample values in its places, and what it said before."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response

from caseward.core.errors import NotFound
from caseward.core.pack import Pack, Template
from caseward.core.text import normalise
from caseward.desk import tools
from caseward.packs.references import MAY_SAY, SPOKEN
from caseward.store import people
from caseward.store.db import transaction
from caseward.web import editing, history, render, spoken, words
from caseward.web.pages.knowledge import HERE, drafts, owner_of
from caseward.web.session import Visitor, only
from caseward.web.shelves import PROPOSERS, READERS

router = APIRouter()


@router.get(f"{HERE}/templates")
def every(
    request: Request,
    visitor: Annotated[Visitor, Depends(only(READERS))],
    q: Annotated[str, Query(max_length=200)] = "",
    status: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """List the templates that fit."""
    pack = tools.pack()
    with transaction():
        names, own = people.names(), drafts(visitor.person)
    wanted = normalise(q).split()
    fitting = [
        each
        for each in pack.templates.values()
        if status in ("", each.status) and all(word in normalise(_told(each)) for word in wanted)
    ]
    rows = [
        {
            "id": each.id,
            "status": words.humane(each.status),
            "level": "ok" if each.status == "approved" else "",
            "owner": owner_of(each.owner, names),
            "reviewed": each.reviewed,
            "languages": ", ".join(words.language(language) for language in each.text),
            "places": spoken.places_of("\n".join(each.text.values())),
            "line": " ".join((each.text.get(words.LANGUAGE) or next(iter(each.text.values()))).split()),
            "used": _used(pack, each.id),
        }
        for each in sorted(fitting, key=lambda each: (each.status != "approved", each.id))
    ]
    context = {
        "rows": rows,
        "total": len(pack.templates),
        "filters": {"q": q, "status": status},
        "filtered": bool(q or status),
        "statuses": editing.STATUSES["template"],
        "drafts": own,
        "may_propose": visitor.person.role in PROPOSERS,
    }
    return render.page(request, "knowledge_templates.html", context, visitor=visitor, here=HERE)


@router.get(f"{HERE}/templates/{{template_id}}")
def template(
    request: Request,
    template_id: str,
    visitor: Annotated[Visitor, Depends(only(READERS))],
    before: Annotated[str, Query(max_length=40)] = "",
    after: Annotated[str, Query(max_length=40)] = "",
    look: Annotated[int, Query(ge=0, le=history.MOST)] = 0,
) -> Response:
    """Show a template with sample values in its places."""
    pack, path = tools.pack(), editing.path_of("template", template_id)
    found = pack.templates.get(template_id)
    with transaction():
        names, versions = people.names(), history.versions(path, look)
        compared = history.compared(path, before, after) if before and after else None
    if found is None and not versions.found:
        raise NotFound(f"there is no template {template_id}")
    context = {
        "id": template_id,
        "template": found,
        "status": words.humane(found.status) if found else "Gone",
        "level": "ok" if found and found.status == "approved" else "",
        "owner": owner_of(found.owner, names) if found else "",
        "said": spoken.of_template(pack, found, now=tools.now()) if found else [],
        "used": _used(pack, template_id),
        "vendors": [
            words.channel(name) for name, each in pack.channels.channels.items() if template_id in each.approved
        ],
        "versions": versions,
        "compared": compared,
        "pair": (before, after),
        "may_propose": visitor.person.role in PROPOSERS and found is not None,
        "kind": "templates",
    }
    return render.page(request, "knowledge_template.html", context, visitor=visitor, here=HERE)


def _told(template: Template) -> str:
    return "\n".join([template.id, *template.text.values(), *template.subject.values()])


def _used(pack: Pack, id: str) -> list[str]:
    """Return what says a template: the desk itself, plans of matters, playbooks, mails that confirm."""
    used = ["The desk itself"] if id in SPOKEN | MAY_SAY else []
    for intent in pack.intents.values():
        said = {name for plan in intent.plans for name in (plan.template, plan.ask, plan.failed, plan.acknowledge)}
        if id in said:
            used.append(words.matter(pack, intent.id))
    used += [f"Playbook {each.title}" for each in pack.playbooks if each.template == id]
    return used + [f"Mail after {name}" for name, each in pack.channels.confirmations.items() if each.template == id]
