"""All that is known about somebody, for them to take away."""

import datetime
from typing import Any

from sqlalchemy import Table, or_, select
from sqlalchemy.orm import Session

from kb.accounts import service
from kb.db import Base, load_tables
from kb.editorial import drafts
from kb.messages import personal as letters
from kb.privacy.registry import REGISTRY, Knows
from kb.records import service as records
from schemas.records import to_value

#: By table: the rows, each with its columns by name.
Everything = dict[str, list[dict[str, Any]]]


def everything(session: Session, account_id: str) -> Everything:
    """The rows of each table that name somebody, and the records about them; all of a row that is theirs, and of others what
    names them. Raises NotFound."""
    account = service.by_id(session, account_id)
    load_tables()
    found = {
        name: _rows(session, Base.metadata.tables[name], knows, {account.id, account.email, account.name})
        for name, knows in REGISTRY.items()
        if knows.title
    }
    found["message_members"] = letters.conversations(session, account_id)
    found["message_deliveries"] = letters.received(session, account_id)
    owned = records.load(session, drafts.owned_by(session, account_id)).values()
    found["records"] = [to_value(stored.record) for stored in owned if stored.record.type == "expert"]
    return {name: rows for name, rows in found.items() if rows}


def _rows(session: Session, table: Table, knows: Knows, names: set[str]) -> list[dict[str, Any]]:
    naming = knows.columns("row", "blank", "coded", "signed", "mention")
    query = select(table).where(or_(*(table.c[column].in_(names) for column in naming))).order_by(*table.primary_key)
    return [_shown(dict(row), knows, names) for row in session.execute(query).mappings()]


def _shown(row: dict[str, Any], knows: Knows, names: set[str]) -> dict[str, Any]:
    hidden = set(knows.columns("sealed"))
    if not knows.row or row[knows.row] not in names:
        hidden |= set(knows.columns("theirs", "scrub")) - set(knows.columns("mention"))
        hidden |= {column for column in knows.columns("row", "blank", "coded", "signed") if row[column] not in names}
    return {name: _plain(value) for name, value in row.items() if name not in hidden}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime.date) else value
