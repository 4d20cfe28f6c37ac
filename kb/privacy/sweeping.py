"""After somebody was forgotten: the files. What was deleted must not be left in free pages, in the log of the database, or in
a backup that is put back."""

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine, select, update
from sqlalchemy.exc import OperationalError

from kb.db import is_shared, transaction, utcnow
from kb.mail import service as mail
from kb.privacy.erasing import erased
from kb.privacy.tables import ErasureRow
from kb.settings import Settings
from kb.uploads import service as uploads

#: Beside the database and beside each backup: who was forgotten, as digests.
LIST = "erased.txt"
#: Milliseconds to wait for readers of old pages.
PATIENCE = 500


def sweep(database: Engine, settings: Settings) -> None:
    """Clean the files, where somebody was forgotten since the last time. Where others hold on to the old pages it is tried
    again at the next round."""
    with transaction(database, readonly=True) as session:
        waiting = list(session.scalars(select(ErasureRow.digest).where(ErasureRow.swept_at.is_(None))))
    if not waiting:
        return
    write_list(settings.data_dir, erased(database))
    mail.forget_files(settings)
    uploads.forget_unused(database, settings)
    if _rewrite(database):
        with transaction(database, always=True) as session:
            session.execute(update(ErasureRow).where(ErasureRow.digest.in_(waiting)).values(swept_at=utcnow()))


def unindexed(database: Engine) -> list[str]:
    """Digests of the forgotten of whom the files of the search index may still hold something."""
    with transaction(database, readonly=True) as session:
        return list(session.scalars(select(ErasureRow.digest).where(ErasureRow.indexed_at.is_(None))))


def note_indexed(database: Engine, digests: list[str]) -> None:
    """The index was made anew without them. The jobs that it did named their records, so the database is swept once more."""
    with transaction(database, always=True) as session:
        session.execute(
            update(ErasureRow).where(ErasureRow.digest.in_(digests)).values(indexed_at=utcnow(), swept_at=None)
        )


def _rewrite(database: Engine) -> bool:
    """Write the database's file anew and empty its log. Whether that was possible. PostgreSQL does it by itself, in time."""
    if is_shared(database):
        return True
    with closing(sqlite3.connect(str(database.url.database), timeout=30, isolation_level=None)) as connection:
        connection.execute("PRAGMA secure_delete = ON")
        connection.execute("VACUUM")
        # While it waits for readers to end, nobody can write: not for long, then. The next round tries again.
        connection.execute(f"PRAGMA busy_timeout = {PATIENCE}")
        busy: int = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        return not busy


def write_list(folder: Path, digests: Iterable[str]) -> None:
    """Add these to the list of that folder. The file appears when it is complete."""
    whole = sorted(read_list(folder) | set(digests))
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{LIST}.part"
    part.write_text("".join(f"{digest}\n" for digest in whole))
    part.replace(folder / LIST)


def read_list(folder: Path) -> set[str]:
    """Who was forgotten, as that folder knows it."""
    path = folder / LIST
    return set(path.read_text().split()) if path.is_file() else set()


def known(database: Engine, *folders: Path) -> set[str]:
    """Who was forgotten, as the database and these folders know it; the database may be empty or of an older version."""
    found = set[str]().union(*(read_list(folder) for folder in folders))
    try:
        with database.connect() as connection:
            has_table = database.dialect.has_table(connection, ErasureRow.__tablename__)
    except OperationalError:
        return found
    return found | (erased(database) if has_table else set())
