"""Somebody who is forgotten is nowhere: not in the rows, not in the files, and not after a backup was put back."""

import datetime
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, Text, cast, select, update

from kb.accounts import administration, sessions
from kb.accounts import service as accounts
from kb.accounts.tables import AccountRow
from kb.audit import service as audit
from kb.backup import backup, restore
from kb.db import load_tables, make_engine, migrate, transaction, utcnow
from kb.editorial import drafts
from kb.editorial.tables import CoAuthorRow, DraftRow, OwnerRow
from kb.errors import Invalid, NotFound
from kb.mail import service as mail
from kb.privacy import erasing, exporting, retention, sweeping
from kb.privacy.erasing import ask, erase, withdraw
from kb.privacy.registry import REGISTRY
from kb.privacy.tables import ErasureRequestRow, ErasureRow
from kb.records import service as records
from kb.settings import Settings
from schemas.accounts import Account
from schemas.records import parse
from tests.people import person

#: In all that is told about Ana, and nowhere else.
TOKEN = "zqxplanted"
EMAIL = f"{TOKEN}@example.org"
NAME = f"Ana {TOKEN.title()}"
CASE = {
    "type": "case_study", "id": "x-1", "language": "en", "status": "published", "title": {"en": "Trams"},
    "contact": {"name": NAME, "email": EMAIL.upper(), "organisation": "City"},
    "links": [{"rel": "expert", "to": f"expert-{TOKEN}"}, {"rel": "city", "to": "city-1"}],
}  # fmt: skip
EXPERT = {
    "type": "expert", "id": f"expert-{TOKEN}", "language": "en", "status": "published", "title": {"en": NAME},
    "summary": {"en": f"About {TOKEN}"}, "email": EMAIL,
}  # fmt: skip


@pytest.fixture
def ana(engine: Engine, settings: Settings) -> Account:
    """Somebody who has left traces wherever one can."""
    ana, eve = person(engine, EMAIL), person(engine, "eve@example.org", "administrator")
    with transaction(engine) as session:
        accounts.by_id(session, ana.id).name = NAME
        records.save(session, parse(EXPERT | {"summary": {"en": f"Earlier {TOKEN}"}}), author=ana.id)
        records.save(session, parse(EXPERT), author=ana.id)
        records.save(session, parse(CASE), author=NAME, comment=f"asked {EMAIL}")
        records.save(session, parse(CASE | {"title": {"en": "Trams again"}}), author=ana.id)
        session.add(OwnerRow(record_id=EXPERT["id"], account_id=ana.id))
        session.add(OwnerRow(record_id="x-1", account_id=ana.id))
        alone = drafts.start(session, ana, "case_study", "en")
        alone.data = {"title": {"en": TOKEN}}
        shared = drafts.start(session, ana, "case_study", "en")
        session.add(CoAuthorRow(draft_id=shared.id, account_id=eve.id))
        administration.set_roles(session, eve.id, ana.id, [("expert", "")])
        sessions.open_session(session, ana.id, f"browser of {TOKEN}", strong=False)
        audit.note(session, ana.id, "record.publish", EXPERT["id"], owner=ana.id)
        ask(session, ana.id, settings)
    return ana


def _rows(engine: Engine, *words: str) -> list[str]:
    """Columns in which one of the words stands."""
    found = []
    with transaction(engine, readonly=True) as session:
        for table in load_tables().sorted_tables:
            for column in table.columns:
                values = session.scalars(select(cast(column, Text)).where(column.is_not(None)))
                if any(word in str(value).lower() for value in values for word in words):
                    found.append(f"{table.name}.{column.name}")
    return found


def _files(folder: Path, *words: str) -> list[str]:
    return [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and any(word.encode() in path.read_bytes().lower() for word in words)
    ]


def _erase(engine: Engine, settings: Settings, account: Account) -> None:
    with transaction(engine) as session:
        erase(session, "", account.id)
    sweeping.sweep(engine, settings)


def test_promise_24_who_was_forgotten_is_in_no_row_and_in_no_file(
    engine: Engine, settings: Settings, ana: Account
) -> None:
    mail.deliver(engine, settings)
    assert len(_rows(engine, TOKEN)) > 8, "or the test plants nothing"
    assert _files(settings.data_dir, TOKEN)
    _erase(engine, settings, ana)
    engine.dispose()
    index_jobs = [column for column in _rows(engine, TOKEN, ana.id) if column != "index_jobs.record_id"]
    assert index_jobs == []
    with transaction(engine, always=True) as session:  # what the indexer does
        session.execute(load_tables().tables["index_jobs"].delete())
    sweeping._rewrite(engine)
    assert _files(settings.data_dir, TOKEN, ana.id) == []


def test_promise_24_who_reads_for_long_keeps_the_sweeping_waiting_and_no_writer(sqlite_settings: Settings) -> None:
    database = make_engine(sqlite_settings)
    migrate(database)
    ana = person(database, "ana@example.org")
    with transaction(database, readonly=True) as reader:
        reader.scalar(select(AccountRow.id))
        with transaction(database) as session:
            erase(session, "", ana.id)
        sweep = threading.Thread(target=sweeping.sweep, args=(database, sqlite_settings))
        sweep.start()
        with closing(sqlite3.connect(str(database.url.database), timeout=10, isolation_level=None)) as writer:
            while sweep.is_alive():
                writer.execute("BEGIN IMMEDIATE")
                writer.execute("ROLLBACK")
        assert not _is_swept(database)
    sweeping.sweep(database, sqlite_settings)
    assert _is_swept(database)


def _is_swept(engine: Engine) -> bool:
    with transaction(engine, readonly=True) as session:
        return all(session.scalars(select(ErasureRow.swept_at)))


def test_promise_24_what_belongs_to_the_organisation_stays_without_the_name(
    engine: Engine, settings: Settings, ana: Account
) -> None:
    _erase(engine, settings, ana)
    with transaction(engine, readonly=True) as session:
        case = records.get(session, "x-1").record
        history = records.revisions(session, "x-1")
        with pytest.raises(NotFound):
            records.get(session, EXPERT["id"])
    assert case.title == {"en": "Trams again"}
    assert case.contact.model_dump(exclude_defaults=True) == {"organisation": "City"}  # type: ignore[union-attr]
    assert [link.to for link in case.links] == ["city-1"]
    assert {revision.author for revision in history} == {""}
    assert history[-1].comment == "asked …"


def test_promise_24_drafts_that_others_write_too_become_theirs(
    engine: Engine, settings: Settings, ana: Account
) -> None:
    _erase(engine, settings, ana)
    with transaction(engine, readonly=True) as session:
        left = session.scalars(select(DraftRow)).all()
        owner = accounts.by_id(session, left[0].owner_id)
    assert (len(left), owner.email) == (1, "eve@example.org")


def test_promise_24_the_audit_log_goes_on_under_a_code_that_stands_for_nobody(
    engine: Engine, settings: Settings, ana: Account
) -> None:
    _erase(engine, settings, ana)
    with transaction(engine, readonly=True) as session:
        notes, _ = audit.search(session, audit.Question(action="record.publish"))
        erased, _ = audit.search(session, audit.Question(action="account.erase"))
    assert notes[0].actor.startswith("erased-")
    assert notes[0].actor == notes[0].subject == notes[0].detail["owner"] == erased[0].subject


def test_promise_24_a_backup_that_is_put_back_forgets_again(
    engine: Engine, settings: Settings, ana: Account, tmp_path: Path
) -> None:
    old = tmp_path / "backups" / "old.tar.gz"
    backup(engine, settings, old)
    _erase(engine, settings, ana)
    backup(engine, settings, tmp_path / "backups" / "new.tar.gz")
    elsewhere = settings.model_copy(update={"data_dir": tmp_path / "elsewhere"})
    other = make_engine(elsewhere)
    restore(other, elsewhere, old, overwrite=True)
    with transaction(other, readonly=True) as session:
        assert session.get(AccountRow, ana.id) is None
        assert accounts.by_email(session, "eve@example.org")
    left = set(_rows(other, TOKEN, ana.id)) - {"index_jobs.record_id"}
    assert left == set()
    other.dispose()


def test_promise_24_the_list_of_the_forgotten_says_nothing_about_them(
    engine: Engine, settings: Settings, ana: Account
) -> None:
    _erase(engine, settings, ana)
    assert sweeping.read_list(settings.data_dir) == {erasing.digest(ana.id)}
    with transaction(engine, readonly=True) as session:
        assert session.scalar(select(ErasureRow.swept_at)) is not None


def test_promise_24_an_export_holds_all_of_the_rows_that_are_theirs(engine: Engine, ana: Account) -> None:
    with transaction(engine, readonly=True) as session:
        found = exporting.everything(session, ana.id)
    for name, knows in REGISTRY.items():
        if knows.row and name in found:
            assert set(knows.columns()) - set(knows.columns("sealed")) == set(found[name][0]), name
    assert {"accounts", "account_sessions", "drafts", "record_owners", "audit", "mails", "records"} <= set(found)
    assert found["accounts"][0]["email"] == EMAIL
    assert found["records"][0]["email"] == EMAIL
    assert "password" not in str(found["accounts"])
    assert [row["number"] for row in found["revisions"]]
    with transaction(engine, readonly=True) as session:
        assert TOKEN not in str(exporting.everything(session, accounts.by_email(session, "eve@example.org").id))  # type: ignore[union-attr]


def test_who_asks_is_forgotten_a_week_later_and_may_change_their_mind(
    engine: Engine, settings: Settings, ana: Account
) -> None:
    retention.enforce(engine, settings)
    with transaction(engine) as session:
        assert session.get(AccountRow, ana.id)
        withdraw(session, ana.id)
        assert erasing.due_at(session, ana.id) is None
        assert ask(session, ana.id, settings) > utcnow() + datetime.timedelta(days=6)
        session.execute(update(ErasureRequestRow).values(due_at=utcnow()))
    retention.enforce(engine, settings)
    with transaction(engine, readonly=True) as session:
        assert session.get(AccountRow, ana.id) is None


def test_the_only_administrator_cannot_be_forgotten(engine: Engine, settings: Settings, ana: Account) -> None:
    eve = person(engine, "eve@example.org", "administrator")
    with transaction(engine) as session, pytest.raises(Invalid, match="only administrator"):
        ask(session, eve.id, settings)
    with transaction(engine) as session, pytest.raises(Invalid, match="only administrator"):
        erase(session, "", eve.id)


@pytest.mark.parametrize("days", [13, 15])
def test_accounts_that_nobody_confirmed_are_forgotten_after_two_weeks(
    engine: Engine, settings: Settings, days: int
) -> None:
    with transaction(engine) as session:
        row = accounts.create(session, "max@example.org", "Max", "x", "en")
        row.created_at = utcnow() - datetime.timedelta(days=days)
    retention.enforce(engine, settings)
    with transaction(engine, readonly=True) as session:
        assert (session.get(AccountRow, row.id) is None) == (days > 14)
