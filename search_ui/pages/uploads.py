"""GET /uploads/{id}: a file that somebody added to a draft or that a record shows."""

from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import FileResponse

from kb.uploads import service as uploads
from search_ui.depends import SessionDep, SettingsDep
from search_ui.identity import who

router = APIRouter(include_in_schema=False)


@router.get("/uploads/{upload_id}")
def upload(
    request: Request,
    session: SessionDep,
    settings: SettingsDep,
    upload_id: str,
    w: Annotated[int, Query(ge=0, le=10_000)] = 0,
) -> FileResponse:
    """The file, in about that width. Documents are for saving: nothing in them runs on this site."""
    row = uploads.find(session, who(request), upload_id)
    is_document = row.media_type == "application/pdf"
    headers = {
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Cache-Control": "public, max-age=3600" if uploads.is_public(session, upload_id) else "private, no-store",
        "Content-Disposition": f'{"attachment" if is_document else "inline"}; filename="{upload_id[:8]}'
        + ('.pdf"' if is_document else '.webp"'),
    }
    return FileResponse(uploads.file_of(settings, row, w), media_type=row.media_type, headers=headers)
