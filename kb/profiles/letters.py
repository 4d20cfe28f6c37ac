"""Mail about profiles: to staff, to experts, to those whose records prove something."""

from collections.abc import Iterable

from sqlalchemy.orm import Session

from kb.accounts import service as accounts
from kb.accounts.tables import AccountRow
from kb.mail import service as mail
from kb.settings import Settings
from schemas.language import Language, say
from schemas.records import Record


def write(
    session: Session,
    settings: Settings,
    account: AccountRow,
    name: str,
    key: str,
    path: str,
    about: Record,
    **values: str,
) -> None:
    """A mail of that name to somebody in their language, once for each key. ``path`` is a page below the language's."""
    send(session, settings, account.email, account.language, name, f"{key}:{account.id}", path, about, **values)


def to_staff(
    session: Session, settings: Settings, name: str, key: str, path: str, about: Record, **values: str
) -> None:
    """The same to everybody who may decide."""
    for account in accounts.with_role(session, "editor", "administrator"):
        write(session, settings, account, name, key, path, about, **values)


def send(
    session: Session,
    settings: Settings,
    address: str,
    language: Language,
    name: str,
    key: str,
    path: str,
    about: Record,
    **values: str,
) -> None:
    """The same to an address, which need be no account's."""
    origin = settings.resolved_public_url
    mail.queue(
        session,
        f"{name}:{key}"[:200],
        address,
        language,
        name,
        site=settings.site_name,
        link=f"{origin}/{language}/{path}",
        expert=title(about, language),
        **values,
    )


def title(record: Record, language: Language) -> str:
    """What the record is called in that language, else in its own."""
    found = say(record.title, language, record.language)
    return found.text if found else record.id


def present(session: Session, account_ids: Iterable[str]) -> list[AccountRow]:
    """Those of these people who have an account that is active."""
    found = (session.get(AccountRow, account_id) for account_id in dict.fromkeys(account_ids))
    return [row for row in found if row and row.state == "active"]
