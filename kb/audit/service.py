"""The audit log: write to it, search it, export it."""

import csv
import datetime
import io
import json
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from kb.audit.tables import AuditRow
from kb.db import utcnow
from kb.records.columns import inert

PAGE: Final = 100
#: Rows of one export.
MOST: Final = 50_000


def note(session: Session, actor: str, action: str, subject: str = "", **detail: Any) -> None:
    """Note what was done, in the transaction that does it. ``actor`` is an account's id, ``action`` as
    ``record.publish``; ``detail`` holds no personal data but ids."""
    session.add(AuditRow(at=utcnow(), actor=actor, action=action, subject=subject, detail=detail))


@dataclass(frozen=True)
class Question:
    """What to look for; what is empty does not matter. ``action`` may be the beginning of one, as ``account.``; both days
    are in UTC, and ``until`` is within."""

    actor: str = ""
    action: str = ""
    subject: str = ""
    since: datetime.date | None = None
    until: datetime.date | None = None


def search(session: Session, question: Question, page: int = 1) -> tuple[list[AuditRow], int]:
    """(notes of that page, how many there are in all), the newest first."""
    query = _query(question)
    count = session.scalar(select(func.count()).select_from(query.subquery())) or 0
    newest = query.order_by(AuditRow.at.desc(), AuditRow.id.desc())
    return list(session.scalars(newest.offset(PAGE * (page - 1)).limit(PAGE))), count


def actions(session: Session) -> list[str]:
    """Every action that was ever noted."""
    return list(session.scalars(select(AuditRow.action).distinct().order_by(AuditRow.action)))


def as_csv(session: Session, question: Question) -> str:
    """The newest ``MOST`` notes as CSV that a spreadsheet shows and does not run."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["at", "actor", "action", "subject", "detail"])
    for row in session.scalars(_query(question).order_by(AuditRow.at.desc(), AuditRow.id.desc()).limit(MOST)):
        detail = json.dumps(row.detail, ensure_ascii=False, sort_keys=True) if row.detail else ""
        writer.writerow(map(inert, [row.at.isoformat(), row.actor, row.action, row.subject, detail]))
    return "\N{ZERO WIDTH NO-BREAK SPACE}" + file.getvalue()


def _query(question: Question) -> Select[AuditRow]:
    query = select(AuditRow)
    if question.actor:
        query = query.where(AuditRow.actor == question.actor)
    if question.action:
        query = query.where(AuditRow.action.startswith(question.action, autoescape=True))
    if question.subject:
        query = query.where(AuditRow.subject == question.subject)
    if question.since:
        query = query.where(AuditRow.at >= _midnight(question.since))
    if question.until:
        query = query.where(AuditRow.at < _midnight(question.until) + datetime.timedelta(days=1))
    return query


def _midnight(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(), datetime.UTC)
