"""Forget somebody: in one transaction the rows, as the registry says; what lies in files follows in ``sweeping.py``."""

import datetime
import hashlib
import logging
from collections.abc import Iterable
from typing import Any, Final

from pydantic import ValidationError
from sqlalchemy import Engine, Table, Text, and_, cast, delete, func, or_, select, update
from sqlalchemy.orm import Session

from kb import outbox
from kb.accounts import administration, service
from kb.accounts.secrets import new_id
from kb.accounts.tables import AccountRow
from kb.audit import service as audit
from kb.db import Base, holds, load_tables, transaction, utcnow
from kb.editorial import drafts
from kb.errors import Invalid
from kb.mail import service as mail
from kb.messages import personal as letters
from kb.privacy.registry import REGISTRY
from kb.privacy.tables import ErasureRequestRow, ErasureRow
from kb.privacy.traces import Traces
from kb.profiles import service as profiles
from kb.records import service as records
from kb.settings import Settings
from schemas.records import parse

log = logging.getLogger(__name__)

#: Between asking and being forgotten. It cannot be undone, and whoever gets at an open browser could ask for it: a week is
#: enough for somebody to read the mail that tells them, and well within the month that the law allows.
WAITING: Final = datetime.timedelta(days=7)


# Asking


def ask(session: Session, account_id: str, settings: Settings) -> datetime.datetime:
    """Somebody asks to be forgotten. Returns when; until then ``withdraw`` undoes it. Raises Invalid for the only
    administrator."""
    if there := session.get(ErasureRequestRow, account_id):
        return there.due_at
    administration.keep_an_administrator(session, account_id)
    account, now = service.by_id(session, account_id), utcnow()
    session.add(ErasureRequestRow(account_id=account_id, created_at=now, due_at=now + WAITING))
    audit.note(session, account_id, "account.ask_erasure", account_id)
    keep = f"{settings.resolved_public_url}/{account.language}/account/data"
    mail.queue(
        session, f"erasure:{account_id}:{now.timestamp()}", account.email, account.language, "erasure",
        person=account.name, site=settings.site_name, days=WAITING.days, keep=keep,
    )  # fmt: skip
    return now + WAITING


def withdraw(session: Session, account_id: str) -> None:
    """They stay after all."""
    if there := session.get(ErasureRequestRow, account_id):
        session.delete(there)
        session.flush()
        audit.note(session, account_id, "account.keep", account_id)


def due_at(session: Session, account_id: str) -> datetime.datetime | None:
    """When they will be forgotten, if they asked."""
    there = session.get(ErasureRequestRow, account_id)
    return there.due_at if there else None


def erase_due(database: Engine) -> None:
    """Forget those whose time of waiting is over, each in a transaction of its own."""
    with transaction(database, readonly=True) as session:
        query = select(ErasureRequestRow.account_id).where(ErasureRequestRow.due_at <= utcnow())
        due = list(session.scalars(query))
    for account_id in due:
        try:
            with transaction(database) as session:
                if session.get(ErasureRequestRow, account_id):
                    erase(session, "", account_id)
        except Invalid:
            log.warning("an account that is to be erased is the only administrator's; it is tried again")


# Forgetting


def digest(account_id: str) -> str:
    """What is kept of an id: enough to find it in an old backup, nothing to find anybody by."""
    return hashlib.sha256(account_id.encode()).hexdigest()


def erase(session: Session, actor: str, account_id: str) -> None:
    """Forget somebody, for good. ``actor`` is the administrator who does it, or empty. Published records stay: they belong to
    an organisation; only those about the person go. Raises NotFound, and Invalid for the only administrator."""
    administration.keep_an_administrator(session, account_id)
    _forget(session, actor, account_id)


def _forget(session: Session, actor: str, account_id: str) -> None:
    traces = _traces(session, account_id)
    drafts.hand_over(session, account_id)
    letters.erase(session, account_id, traces.email)
    for record_id in traces.records:
        records.delete(session, record_id)
    session.flush()
    searchable = _clean_records(session, traces) or bool(traces.records)
    for name, table in _tables():
        _clean(session, table, name, traces)
    session.expire_all()
    indexed_at = None if searchable else utcnow()
    session.merge(ErasureRow(digest=digest(account_id), at=utcnow(), swept_at=None, indexed_at=indexed_at))
    audit.note(session, actor, "account.erase", traces.token)


def _traces(session: Session, account_id: str) -> Traces:
    account = service.by_id(session, account_id)
    about = records.load(session, drafts.owned_by(session, account_id))
    mine = {id for id, stored in about.items() if stored.record.type == "expert"}
    if (profile := profiles.profile_of(session, account_id)) and profile.state != "claimed":
        mine.add(profile.expert.id)
    return Traces(account.id, account.email, account.name, frozenset(mine), f"erased-{new_id()[:16]}")


def _tables() -> Iterable[tuple[str, Table]]:
    """What refers to others comes before them."""
    load_tables()
    return [(table.name, table) for table in reversed(Base.metadata.sorted_tables)]


def _clean_records(session: Session, traces: Traces) -> bool:
    """Records that name them are saved without them, so that links, index and all else that is made from them follow.
    Returns whether there were any."""
    naming = _naming(session, Base.metadata.tables["records"], "data", traces)
    for record_id, data in naming:
        try:
            records.save(session, parse(traces.out_of(data)), author="")
        except ValidationError:  # an old record that no rule would let in today: its row is cleaned with all others
            outbox.enqueue(session, [record_id])
    session.flush()
    return bool(naming)


def _clean(session: Session, table: Table, name: str, traces: Traces) -> None:
    knows = REGISTRY[name]
    for column in knows.columns("blank", "coded"):
        value = traces.token if column in knows.coded.split() else _nothing(table, column)
        wanted = traces.ids() if column in knows.coded.split() else {traces.id}
        session.execute(update(table).where(table.c[column].in_(wanted)).values({column: value}))
    for column in knows.columns("signed"):
        by_them = table.c[column].in_([traces.id, traces.email, traces.name])
        session.execute(update(table).where(by_them).values({column: _nothing(table, column)}))
    for column in knows.columns("scrub"):
        for *key, value in _naming(session, table, column, traces):
            _set(session, table, key, column, traces.out_of(value))
    for column in knows.columns("mention"):
        _delete_mentions(session, table, column, traces)
    for column in knows.columns("about"):
        session.execute(delete(table).where(table.c[column].in_(traces.records)))
    if knows.row:
        session.execute(delete(table).where(table.c[knows.row] == traces.id))


def _nothing(table: Table, column: str) -> str | None:
    return None if table.c[column].nullable else ""


def _naming(session: Session, table: Table, column: str, traces: Traces) -> list[Any]:
    """(primary key..., value) of the rows whose text has one of the words."""
    text = func.lower(cast(table.c[column], Text))
    named = or_(*(holds(text, word.lower()) for word in traces.words()))
    query = select(*table.primary_key.columns, table.c[column]).where(named)
    return list(session.execute(query).all())


def _set(session: Session, table: Table, key: list[Any], column: str, value: Any) -> None:
    this = and_(*(part == given for part, given in zip(table.primary_key.columns, key, strict=True)))
    session.execute(update(table).where(this).values({column: value}))


def _delete_mentions(session: Session, table: Table, column: str, traces: Traces) -> None:
    for *key, text in session.execute(select(*table.primary_key.columns, table.c[column]).where(table.c[column] != "")):
        if traces.are_in(text):
            this = and_(*(part == given for part, given in zip(table.primary_key.columns, key, strict=True)))
            session.execute(delete(table).where(this))


# After a backup was restored


def erased(database: Engine) -> set[str]:
    """The digests of all who were forgotten."""
    with transaction(database, readonly=True) as session:
        return set(session.scalars(select(ErasureRow.digest)))


def replay(database: Engine, digests: set[str]) -> int:
    """Forget again those who are back with a backup, an only administrator, too. Returns how many."""
    with transaction(database, readonly=True) as session:
        back = [id for id in session.scalars(select(AccountRow.id)) if digest(id) in digests]
    for account_id in back:
        with transaction(database, always=True) as session:
            _forget(session, "", account_id)
    missing = digests - erased(database)
    with transaction(database, always=True) as session:
        for known in missing:
            session.add(ErasureRow(digest=known, at=utcnow(), swept_at=None, indexed_at=utcnow()))
    return len(back)
