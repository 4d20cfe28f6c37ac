"""The mails of accounts, in their owner's language."""

from sqlalchemy.orm import Session

from kb.accounts import links
from kb.accounts.secrets import new_id
from kb.accounts.tables import AccountRow
from kb.mail import service as mail
from kb.settings import Settings


def send(
    session: Session,
    settings: Settings,
    row: AccountRow,
    name: str,
    *,
    to: str = "",
    page: str = "reset",
    what: str = "",
) -> str:
    """Queue ``texts/account_NAME``, with a link to a page of the site. Returns the link."""
    link = f"{settings.resolved_public_url}/{row.language}/{page}"
    mail.queue(
        session, f"account_{name}:{new_id()}", to or row.email, row.language, f"account_{name}", site=settings.site_name,
        link=link, what=what,
    )  # fmt: skip
    return link


def with_link(session: Session, settings: Settings, row: AccountRow, purpose: str) -> str:
    """Queue the mail that carries a link with which a password is chosen. Returns the link."""
    code = links.issue(session, row.id, purpose)
    return send(session, settings, row, purpose, page=f"password/{code}")
