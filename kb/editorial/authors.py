"""Who writes a draft: its owner, and those who were invited by mail and came."""

import datetime
from typing import Final

from email_validator import EmailNotValidError, validate_email
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from kb.accounts import service as accounts
from kb.accounts.secrets import new_id, new_token, token_hash
from kb.audit import service as audit
from kb.db import utcnow
from kb.editorial import drafts
from kb.editorial.tables import CoAuthorRow, DraftRow, InvitationRow
from kb.errors import Forbidden, Invalid, NotFound
from kb.mail import service as mail
from schemas.accounts import Account
from schemas.language import Language
from schemas.messages import N_

#: How long an invitation can be taken up.
VALID: Final = datetime.timedelta(days=14)
#: Open invitations of one draft, and of one person in all their drafts: this is no means to write to strangers.
_MOST: Final = 10
_MOST_OF_ONE: Final = 30


def of_draft(session: Session, draft: DraftRow) -> list[str]:
    """Ids of those who write it with its owner."""
    query = select(CoAuthorRow.account_id).where(CoAuthorRow.draft_id == draft.id)
    return list(session.scalars(query.order_by(CoAuthorRow.account_id)))


def invitations(session: Session, draft: DraftRow) -> list[InvitationRow]:
    """Those that can still be taken up, the oldest first."""
    open_ones = select(InvitationRow).where(InvitationRow.draft_id == draft.id, InvitationRow.expires_at > utcnow())
    return list(session.scalars(open_ones.order_by(InvitationRow.created_at, InvitationRow.id)))


def invite(
    session: Session, account: Account, draft_id: str, email: str, title: str, public_url: str, language: Language
) -> None:
    """Ask somebody by mail, in their account's language where they have one, else in ``language``. Whether they have one
    nobody learns. Raises Invalid, at the field ``email``, for what is no address and for too many; Forbidden for who does not
    own the draft."""
    draft = _owned(session, account, draft_id)
    try:
        address = validate_email(email, check_deliverability=False).normalized
    except EmailNotValidError as error:
        raise Invalid(N_("Write an e-mail address as name@example.org."), field="email") from error
    _refuse_many(session, account, draft)
    token, now = new_token(), utcnow()
    row = InvitationRow(
        token_hash=token_hash(token), id=new_id(), draft_id=draft.id, email=accounts.normal(address),
        invited_by=account.id, created_at=now, expires_at=now + VALID,
    )  # fmt: skip
    session.add(row)
    known = accounts.by_email(session, address)
    spoken = known.language if known else language
    mail.queue(
        session, f"draft.invite:{row.id}", row.email, spoken, "draft_invitation",
        inviter=account.name, title=title, link=f"{public_url}/{spoken}/invitations/{token}", days=VALID.days,
    )  # fmt: skip
    audit.note(session, account.id, "draft.invite", draft.id, invitation=row.id)


def _refuse_many(session: Session, account: Account, draft: DraftRow) -> None:
    count = select(func.count()).select_from(InvitationRow)
    of_one = session.scalar(count.where(InvitationRow.invited_by == account.id)) or 0
    if len(invitations(session, draft)) >= _MOST or of_one >= _MOST_OF_ONE:
        raise Invalid(
            N_("There are too many open invitations. Take one back, or wait until somebody comes."), field="email"
        )


def _owned(session: Session, account: Account, draft_id: str) -> DraftRow:
    draft = drafts.get(session, account, draft_id)
    if draft.owner_id != account.id:
        raise Forbidden(N_("Only who began a draft can invite others and remove them."))
    return draft


def invited_to(session: Session, token: str) -> tuple[InvitationRow, DraftRow]:
    """What a link asks to. Raises NotFound when it was used, taken back or is over."""
    row = session.get(InvitationRow, token_hash(token))
    draft = session.get(DraftRow, row.draft_id) if row and row.expires_at > utcnow() else None
    if row is None or draft is None:
        raise NotFound(N_("This invitation was used already, taken back, or is too old. Ask for a new one."))
    return row, draft


def accept(session: Session, account: Account, token: str) -> DraftRow:
    """Take it up; the link works this once. Raises NotFound like ``invited_to``."""
    row, draft = invited_to(session, token)
    taken = session.execute(delete(InvitationRow).where(InvitationRow.token_hash == row.token_hash))
    if not taken.rowcount:  # type: ignore[attr-defined]
        raise NotFound(N_("This invitation was used already, taken back, or is too old. Ask for a new one."))
    if not drafts.is_author(session, account.id, draft):
        session.add(CoAuthorRow(draft_id=draft.id, account_id=account.id))
    audit.note(session, account.id, "draft.join", draft.id)
    return draft


def take_back(session: Session, account: Account, draft_id: str, invitation_id: str) -> None:
    """The link no longer works. One that is gone already is fine."""
    draft = _owned(session, account, draft_id)
    gone = delete(InvitationRow).where(InvitationRow.draft_id == draft.id, InvitationRow.id == invitation_id)
    session.execute(gone)
    audit.note(session, account.id, "draft.uninvite", draft.id, invitation=invitation_id)


def remove(session: Session, account: Account, draft_id: str, author_id: str) -> None:
    """The owner removes somebody, or somebody leaves. Raises Forbidden for anything else."""
    draft = drafts.get(session, account, draft_id) if author_id == account.id else _owned(session, account, draft_id)
    gone = delete(CoAuthorRow).where(CoAuthorRow.draft_id == draft.id, CoAuthorRow.account_id == author_id)
    session.execute(gone)
    audit.note(
        session, account.id, "draft.leave" if author_id == account.id else "draft.remove", draft.id, author=author_id
    )


def forget_old_invitations(session: Session) -> None:
    """Delete invitations that are over; to be called now and then."""
    session.execute(delete(InvitationRow).where(InvitationRow.expires_at <= utcnow()))
