"""The audit log is found by who, what, whom and when, and leaves as a table that no spreadsheet runs."""

import csv
import datetime
import io

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings
from sqlalchemy import Engine

from kb.audit import service as audit
from kb.audit.service import Question
from kb.audit.tables import AuditRow
from kb.db import transaction

STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def _note(engine: Engine, day: int, actor: str, action: str, subject: str = "") -> None:
    at = datetime.datetime(2026, 3, day, 23, 59, tzinfo=datetime.UTC)
    with transaction(engine) as session:
        session.add(AuditRow(at=at, actor=actor, action=action, subject=subject, detail={}))


def test_notes_are_found_by_actor_beginning_of_action_subject_and_day(engine: Engine) -> None:
    _note(engine, 1, "ana", "account.close", "max")
    _note(engine, 2, "eve", "account.roles", "max")
    _note(engine, 3, "eve", "record.publish", "x-1")
    _note(engine, 4, "eve", "account_x", "x-1")
    day = datetime.date(2026, 3, 2)
    with transaction(engine, readonly=True) as session:
        for question, expected in (
            (Question(actor="eve"), ["account_x", "record.publish", "account.roles"]),
            (Question(action="account."), ["account.roles", "account.close"]),
            (Question(subject="max", actor="ana"), ["account.close"]),
            (Question(since=day, until=day), ["account.roles"]),
            (Question(until=day), ["account.roles", "account.close"]),
            (Question(action="%"), []),
        ):
            found, count = audit.search(session, question)
            assert ([row.action for row in found], count) == (expected, len(expected))
        assert audit.actions(session) == ["account.close", "account.roles", "account_x", "record.publish"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(STARTS), st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=20))
def test_promise_20_no_cell_of_the_audit_log_is_a_formula(engine: Engine, start: str, rest: str) -> None:
    with transaction(engine) as session:
        audit.note(session, start + rest, start + rest, start + rest, text=start + rest)
        session.flush()
        exported = audit.as_csv(session, Question())
        session.rollback()
    rows = list(csv.reader(io.StringIO(exported.removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}"))))
    assert len(rows) == 2
    assert not [cell for cell in rows[1] if cell.startswith(STARTS)]
