"""Mail about drafts: who is told of what became of them."""

import datetime
from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.orm import Session

from kb.accounts import service as accounts
from kb.editorial.drafts import title_of
from kb.editorial.tables import CoAuthorRow, DraftRow
from kb.mail import service as mail
from kb.settings import get_settings
from schemas.language import Language


def to_authors(session: Session, draft: DraftRow, actor: str, event: str, **values: str) -> None:
    """Tell all who write it, but not who did it."""
    shared = session.scalars(select(CoAuthorRow.account_id).where(CoAuthorRow.draft_id == draft.id))
    path = f"/comments/{draft.id}"
    _send(session, draft, {draft.owner_id, *shared} - {actor}, event, path, values)


def to_editors(session: Session, draft: DraftRow, actor: str, event: str, **values: str) -> None:
    """Tell the editor who has it; all of them while nobody has."""
    everyone = (row.id for row in accounts.with_role(session, "editor", "administrator"))
    readers = {draft.assignee_id} if draft.assignee_id else set(everyone)
    _send(session, draft, readers - {actor}, event, f"/desk/drafts/{draft.id}", values)


def to_one(session: Session, draft: DraftRow, account_id: str, event: str, **values: str) -> None:
    """Tell one editor."""
    _send(session, draft, {account_id}, event, f"/desk/drafts/{draft.id}", values)


def _send(
    session: Session, draft: DraftRow, account_ids: Iterable[str], event: str, path: str, values: dict[str, str]
) -> None:
    for reader in accounts.active(session, account_ids):
        said = title_of(draft.data, reader.language)
        mail.queue(
            session,
            f"draft:{draft.id}:{draft.version}:{event}:{reader.id}",
            reader.email,
            reader.language,
            "draft_moved",
            event=event,
            title=said.text if said else "–",
            link=address(reader.language, path),
            **({"reason": "", "when": "", "why": ""} | values),
        )


def address(language: Language, path: str) -> str:
    """A page of the site, as a mail must write it."""
    return f"{get_settings().resolved_public_url}/{language}{path}"


def moment(at: datetime.datetime) -> str:
    """A moment that reads the same in every language."""
    return f"{at:%Y-%m-%d %H:%M} UTC"
