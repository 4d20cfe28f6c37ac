"""All that people gave, in one file: the database and the uploads. The index can be made again, so it is not in it."""

import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from sqlalchemy import Engine

from kb.db import is_read_only, migrate, utcnow
from kb.errors import Conflict, Invalid, Unavailable
from kb.privacy import erasing, sweeping
from kb.settings import Settings

_FORMAT = 1
_MANIFEST = "manifest.json"
_DATABASES = {"sqlite": "database.sqlite", "postgresql": "database.dump"}


def backup(engine: Engine, settings: Settings, path: Path) -> int:
    """Write a backup (.tar.gz) while others go on reading and writing; its size in bytes.

    The file appears when it is complete, and beside it the list of those who were forgotten: it grows from backup to backup,
    so that an old one that is put back is told of all. Raises Unavailable when pg_dump fails.
    """
    kind = engine.dialect.name
    with _folder(path.parent) as folder:
        database = folder / _DATABASES[kind]
        _DUMP[kind](engine, database)
        (folder / _MANIFEST).write_text(
            json.dumps({"format": _FORMAT, "database": kind, "created_at": utcnow().isoformat()})
        )
        whole = folder / "whole.tar.gz"
        with tarfile.open(whole, "w:gz") as archive:
            archive.add(folder / _MANIFEST, _MANIFEST)
            archive.add(database, database.name)
            if settings.uploads_dir.is_dir():
                archive.add(settings.uploads_dir, "uploads")
        whole.replace(path)
    sweeping.write_list(path.parent, sweeping.known(engine, settings.data_dir))
    return path.stat().st_size


def restore(engine: Engine, settings: Settings, path: Path, *, overwrite: bool = False) -> None:
    """Put a backup in place of the database and the uploads, bring its tables up to date, and forget again whom the present
    database or a list beside the backup says were forgotten.

    Raises Conflict when there are records already, unless ``overwrite``, and while the site is read-only; Invalid for what is
    no backup of ours.
    The search index still shows the old state afterwards: rebuild it.
    """
    if not overwrite and _has_records(engine):
        raise Conflict("There are records here already. Say --overwrite to put the backup in their place.")
    if _has_table(engine, "site") and is_read_only(engine):
        raise Conflict("The site is read-only. Switch that off first: kb read-only off")
    erased = sweeping.known(engine, settings.data_dir, path.parent)
    with _folder(settings.data_dir) as folder:
        database = _unpacked(path, folder, engine.dialect.name)
        _LOAD[engine.dialect.name](engine, database)
        _swap_uploads(folder / "uploads", settings.uploads_dir)
    migrate(engine)
    erasing.replay(engine, erased)
    sweeping.sweep(engine, settings)


@contextmanager
def _folder(beside: Path) -> Iterator[Path]:
    """A temporary folder on the same disk, so that finished files can be moved in one step."""
    beside.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=beside, prefix=".backup-") as name:
        yield Path(name)


def _unpacked(path: Path, folder: Path, kind: str) -> Path:
    try:
        with tarfile.open(path) as archive:
            archive.extractall(folder, filter="data")
        manifest = json.loads((folder / _MANIFEST).read_text())
    except (OSError, tarfile.TarError, ValueError) as error:
        raise Invalid(f"{path} is not a backup that can be read: {error}") from error
    if manifest.get("format") != _FORMAT:
        raise Invalid(f"{path} has the format {manifest.get('format')}; this version reads {_FORMAT}.")
    if manifest.get("database") != kind:
        raise Invalid(f"{path} is a backup of {manifest.get('database')}, and KB_DATABASE_URL names {kind}.")
    database = folder / _DATABASES[kind]
    if not database.is_file():
        raise Invalid(f"{path} is not a whole backup: it has no {database.name}.")
    return database


def _has_records(engine: Engine) -> bool:
    if not _has_table(engine, "records"):
        return False
    with engine.connect() as connection:
        return connection.exec_driver_sql("SELECT 1 FROM records LIMIT 1").first() is not None


def _has_table(engine: Engine, name: str) -> bool:
    with engine.connect() as connection:
        return engine.dialect.has_table(connection, name)


def _swap_uploads(new: Path, present: Path) -> None:
    new.mkdir(exist_ok=True)
    if present.exists():
        present.replace(new.with_name("uploads-before"))
    shutil.move(new, present)


# SQLite


def _dump_sqlite(engine: Engine, target: Path) -> None:
    with closing(sqlite3.connect(str(engine.url.database), timeout=30)) as connection:
        connection.execute("VACUUM INTO ?", (str(target),))


def _load_sqlite(engine: Engine, source: Path) -> None:
    """Copy the pages in one transaction, so that a server that runs sees the old state or the new one."""
    with closing(sqlite3.connect(source)) as backup_file:
        _refuse_damaged(backup_file)
        with closing(sqlite3.connect(str(engine.url.database), timeout=30)) as target:
            backup_file.backup(target)


def _refuse_damaged(connection: sqlite3.Connection) -> None:
    try:
        fault = connection.execute("PRAGMA integrity_check").fetchone()[0]
    except sqlite3.DatabaseError as error:
        fault = str(error)
    if fault != "ok":
        raise Invalid(f"The database in the backup is damaged: {fault}")


# PostgreSQL


def _dump_postgresql(engine: Engine, target: Path) -> None:
    with engine.connect() as connection:
        schema = connection.exec_driver_sql("SELECT current_schema()").scalar_one()
    _run(
        engine,
        "pg_dump",
        "--format=custom",
        "--no-owner",
        f"--schema={schema}",
        f"--exclude-table={schema}.vectors",
        f"--file={target}",
    )


def _load_postgresql(engine: Engine, source: Path) -> None:
    """Replace our tables in one transaction. The schema itself stays: it may belong to somebody else."""
    contents = _run(engine, "pg_restore", "--list", str(source), connect=False)
    wanted = source.with_suffix(".list")
    wanted.write_text("".join(f"{line}\n" for line in contents.splitlines() if " SCHEMA - " not in line))
    options = ("--clean", "--if-exists", "--no-owner", "--single-transaction", "--exit-on-error")
    engine.dispose()  # idle connections of ours would hold no locks, but the tables they know are about to go
    _run(engine, "pg_restore", *options, f"--use-list={wanted}", str(source))


def _run(engine: Engine, program: str, *arguments: str, connect: bool = True) -> str:
    url = engine.url.set(drivername="postgresql", password=None)
    where = [f"--dbname={url.render_as_string()}"] if connect else []
    # The password goes through the environment: other users of the machine can read a command line.
    environment = os.environ | ({"PGPASSWORD": engine.url.password} if engine.url.password else {})
    try:
        done = subprocess.run(
            [program, *where, *arguments], env=environment, check=True, capture_output=True, text=True
        )
    except FileNotFoundError as error:
        raise Unavailable(f"{program} is not installed; install PostgreSQL's client programs.") from error
    except subprocess.CalledProcessError as error:
        raise Unavailable(f"{program} failed: {error.stderr.strip()}") from error
    return done.stdout


_DUMP = {"sqlite": _dump_sqlite, "postgresql": _dump_postgresql}
_LOAD = {"sqlite": _load_sqlite, "postgresql": _load_postgresql}
