"""Uploads: take a file in, give it out to those who may see it, forget what nothing refers to."""

import datetime
import hashlib
import json
import logging
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from kb.accounts.secrets import new_id
from kb.audit import service as audit
from kb.db import transaction, utcnow
from kb.editorial import drafts
from kb.editorial.tables import DraftRow
from kb.errors import Forbidden, Invalid, NotFound
from kb.records import service as records
from kb.settings import Settings
from kb.uploads.checking import files_of
from kb.uploads.tables import UploadRow
from schemas.accounts import Account
from schemas.messages import N_

log = logging.getLogger(__name__)

#: What is not referred to is kept so long: somebody may be about to save.
GRACE: Final = datetime.timedelta(days=1)


def path_of(upload_id: str) -> str:
    """Its address on the site, as a record's media say it."""
    return f"/uploads/{upload_id}"


def used(session: Session, account_id: str) -> int:
    """Bytes that an account's uploads take."""
    return session.scalar(select(func.sum(UploadRow.bytes)).where(UploadRow.account_id == account_id)) or 0


def take(session: Session, settings: Settings, account: Account, draft: DraftRow, content: bytes) -> dict[str, Any]:
    """Check and keep a file of a draft that the account may write now. Returns its entry for the draft's media.

    Raises Invalid, at the field ``upload``, for what cannot be taken and where the quota is used up; Forbidden where it is
    not the account's turn.
    """
    if not drafts.can_write(session, account, draft):
        raise Forbidden(N_("It is with the editorial team now; you can write again when they send it back."))
    media_type, files = files_of(content)
    size = sum(map(len, files.values()))
    if used(session, account.id) + size > settings.upload_quota:
        raise Invalid(N_("Your files together would take more space than you have. Remove one first."), field="upload")
    row = UploadRow(
        id=new_id(), account_id=account.id, draft_id=draft.id, record_id="", media_type=media_type, bytes=size,
        files={width: _keep(settings.uploads_dir, part) for width, part in files.items()}, created_at=utcnow(),
    )  # fmt: skip
    session.add(row)
    audit.note(session, account.id, "upload.add", row.id, draft=draft.id)
    kind = "document" if media_type == "application/pdf" else "image"
    return {"kind": kind, "url": path_of(row.id)}


def _keep(folder: Path, content: bytes) -> str:
    """Write a file under the hash of what is in it; one that is there already is the same."""
    name = hashlib.sha256(content).hexdigest()
    target = folder / name[:2] / name
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as file:
            file.write(content)
        Path(file.name).replace(target)
    return name


# Giving out


def find(session: Session, account: Account | None, upload_id: str) -> UploadRow:
    """The upload, for who may see it: everybody what a published record shows, else those who may see the draft. Raises
    NotFound for others too."""
    row = session.get(UploadRow, upload_id)
    if row and (_is_public(session, row) or (account and _may_see_draft(session, account, row))):
        return row
    raise NotFound(N_("This file is not here, or it belongs to somebody else's draft."))


def file_of(settings: Settings, row: UploadRow, width: int = 0) -> Path:
    """The file that is as wide as wanted, or the next one; the widest without a wish. Raises NotFound where it is lost."""
    widths = sorted(int(each) for each in row.files)
    fitting = next((each for each in widths if width and each >= width), widths[-1])
    name = row.files[str(fitting)]
    path = settings.uploads_dir / name[:2] / name
    if not path.is_file():
        raise NotFound(N_("This file is not here, or it belongs to somebody else's draft."))
    return path


def is_public(session: Session, upload_id: str) -> bool:
    """Whether a published record shows it."""
    row = session.get(UploadRow, upload_id)
    return row is not None and _is_public(session, row)


def _is_public(session: Session, row: UploadRow) -> bool:
    record_id = row.record_id or _record_of_draft(session, row)
    found = records.load_public(session, [record_id]).get(record_id) if record_id else None
    return found is not None and any(media.url == path_of(row.id) for media in found.record.media)


def _record_of_draft(session: Session, row: UploadRow) -> str:
    return session.scalar(select(DraftRow.record_id).where(DraftRow.id == row.draft_id)) or ""


def _may_see_draft(session: Session, account: Account, row: UploadRow) -> bool:
    """Whether they may see the draft that brought it in, or another one of the same record that refers to it."""
    of_same = select(DraftRow).where((DraftRow.id == row.draft_id) | _of_record(row))
    found = session.scalars(of_same)
    return any(account.may("review") or drafts.is_author(session, account.id, draft) for draft in found)


def _of_record(row: UploadRow) -> Any:
    return (DraftRow.record_id == row.record_id) if row.record_id else (DraftRow.id == row.draft_id)


def adopt(session: Session, record_id: str, urls: Iterable[str]) -> None:
    """Note that a record shows these uploads: they outlive the draft. For who publishes."""
    ids = [url.rpartition("/")[2] for url in urls if url.startswith(path_of(""))]
    for row in session.scalars(select(UploadRow).where(UploadRow.id.in_(ids))):
        row.record_id = record_id


# Forgetting


def forget_unused(database: Engine, settings: Settings) -> None:
    """Delete uploads that no draft, record or revision refers to any more, and files that no upload names; those of somebody
    who was erased at once, others after ``GRACE``."""
    gone: set[str] = set()
    with transaction(database) as session:
        due = (UploadRow.created_at < utcnow() - GRACE) | UploadRow.account_id.is_(None)
        for row in session.scalars(select(UploadRow).where(due)).all():
            row.record_id = row.record_id or _record_of_draft(session, row)
            if not any(path_of(row.id) in text for text in _texts(session, row)):
                session.delete(row)
                gone.update(row.files.values() if row.account_id is None else ())
                audit.note(session, "", "upload.forget", row.id)
    _delete_files(database, settings.uploads_dir, gone)


def _texts(session: Session, row: UploadRow) -> Iterator[str]:
    """All that may refer to it, as JSON."""
    for draft in session.scalars(select(DraftRow).where((DraftRow.id == row.draft_id) | _of_record(row))):
        yield json.dumps(draft.data)
    if row.record_id in records.existing_ids(session, [row.record_id]):
        yield from (revision.record.model_dump_json() for revision in records.revisions(session, row.record_id))


def _delete_files(database: Engine, folder: Path, gone: set[str]) -> None:
    with transaction(database, readonly=True) as session:
        named = {name for files in session.scalars(select(UploadRow.files)) for name in files.values()}
    oldest = utcnow().timestamp() - GRACE.total_seconds()
    for file in folder.glob("??/*"):
        if file.name not in named and (file.name in gone or file.stat().st_mtime < oldest):
            file.unlink(missing_ok=True)
            log.info("the file %s is no longer used and was deleted", file.name)
