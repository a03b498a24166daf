"""A file that a contact sent, as a download: nothing in it is shown or run by the browser in our name."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Response

from caseward.core.errors import NotFound
from caseward.desk import tools
from caseward.store import files, log
from caseward.store.db import transaction
from caseward.web.dossier import WORK_ON_CASES
from caseward.web.session import Visitor, only

router = APIRouter()

SANDBOX = "default-src 'none'; sandbox"
"""Should a browser open it all the same."""


@router.get("/files/{file_id}")
def download(
    file_id: Annotated[str, Path(pattern=r"^file_[0-9a-z]{1,60}$")],
    visitor: Annotated[Visitor, Depends(only(WORK_ON_CASES))],
) -> Response:
    """Hand out a file that was kept, and log who took it; raise NotFound for one that is not here."""
    with transaction():
        file, content = files.get(file_id), files.content(file_id)
        if file is None or content is None:
            raise NotFound(f"there is no file {file_id} here")
        case_id = files.case_of(file_id)
        log.append("reveal", visitor.person.id, {"field": "file", "file": file_id}, at=tools.now(), case_id=case_id)
    name = quote(file.name or file.kind, safe="")
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "Content-Security-Policy": SANDBOX,
    }
    return Response(content, media_type="application/octet-stream", headers=headers)
