"""Files that contacts sent: as a download that no browser shows or runs, and pictures, which it may show."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Response

from caseward.core.errors import NotFound
from caseward.desk import tools
from caseward.store import files, log
from caseward.store.db import transaction
from caseward.store.files import File
from caseward.web.attached import LARGEST_PICTURE, picture_of
from caseward.web.dossier import WORK_ON_CASES
from caseward.web.session import Visitor, only

router = APIRouter()

SANDBOX = "default-src 'none'; sandbox"
"""Should a browser open it all the same."""
FileId = Annotated[str, Path(pattern=r"^file_[0-9a-z]{1,60}$")]
Worker = Annotated[Visitor, Depends(only(WORK_ON_CASES))]


@router.get("/files/{file_id}")
def download(file_id: FileId, visitor: Worker) -> Response:
    """Hand out a file that was kept, and log who took it; raise NotFound for one that is not here."""
    file, content = _opened(file_id, visitor)
    name = quote(file.name or file.kind, safe="")
    headers = {
        "Content-Disposition": f"attachment; filename*=UTF-8''{name}",
        "Content-Security-Policy": SANDBOX,
    }
    return Response(content, media_type="application/octet-stream", headers=headers)


@router.get("/files/{file_id}/picture")
def picture(file_id: FileId, visitor: Worker) -> Response:
    """Show a picture in the conversation, and log who looked; raise NotFound for what is none by its own first bytes,
    whatever the sender calls it.
    """
    file, content = _opened(file_id, visitor)
    media_type = picture_of(content)
    if not media_type or len(content) > LARGEST_PICTURE:
        raise NotFound(f"{file.id} is no picture that is shown here; download it")
    return Response(content, media_type=media_type, headers={"Content-Security-Policy": SANDBOX})


def _opened(file_id: str, visitor: Visitor) -> tuple[File, bytes]:
    with transaction():
        file, content = files.get(file_id), files.content(file_id)
        if file is None or content is None:
            raise NotFound(f"there is no file {file_id} here")
        case_id = files.case_of(file_id)
        log.append("reveal", visitor.person.id, {"field": "file", "file": file_id}, at=tools.now(), case_id=case_id)
    return file, content
