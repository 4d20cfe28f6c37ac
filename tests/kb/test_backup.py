"""A backup made while others write comes back whole on an empty machine."""

import json
import sqlite3
import subprocess
import sys
import tarfile
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import Engine

from kb.backup import backup, restore
from kb.db import make_engine, migrate, transaction
from kb.errors import Conflict, Invalid
from kb.records import service
from kb.settings import Settings
from schemas.records import Record

Make = Callable[..., Record]


def _save(engine: Engine, *found: Record) -> None:
    with transaction(engine) as session:
        service.save_many(session, found, "me")


def _ids(engine: Engine) -> list[str]:
    with transaction(engine, readonly=True) as session:
        return [record_id for record_id, _ in service.published_ids(session)]


def _elsewhere(settings: Settings, tmp_path: Path) -> Settings:
    """Another machine; with PostgreSQL it is the same schema, which the test empties."""
    return settings.model_copy(update={"data_dir": tmp_path / "elsewhere"})


def test_a_backup_brings_back_records_history_and_uploads(
    engine: Engine, settings: Settings, tmp_path: Path, case: Make
) -> None:
    _save(engine, case("x-1"), case("x-2", links=[{"rel": "city", "to": "x-1"}]))
    _save(engine, case("x-1", title={"en": "Trains"}))
    upload = settings.uploads_dir / "2026" / "plan.pdf"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"\x00plan")
    path = tmp_path / "backup.tar.gz"
    assert backup(engine, settings, path) == path.stat().st_size

    _save(engine, case("x-3"))
    other = _elsewhere(settings, tmp_path)
    restored = make_engine(other)
    restore(restored, other, path, overwrite=True)
    assert _ids(restored) == ["x-1", "x-2"]
    with transaction(restored, readonly=True) as session:
        assert [revision.number for revision in service.revisions(session, "x-1")] == [2, 1]
        assert service.pointing_ids(session, ["x-1"]) == {"x-2"}
    assert (other.uploads_dir / "2026" / "plan.pdf").read_bytes() == b"\x00plan"
    _save(restored, case("x-4"))
    assert not [file.name for file in other.data_dir.iterdir() if file.name.startswith(".backup")]
    restored.dispose()


def test_records_that_are_there_are_not_replaced_unless_one_says_so(
    engine: Engine, settings: Settings, tmp_path: Path, case: Make
) -> None:
    _save(engine, case("x-1"))
    backup(engine, settings, tmp_path / "b.tar.gz")
    _save(engine, case("x-2"))
    with pytest.raises(Conflict, match="--overwrite"):
        restore(engine, settings, tmp_path / "b.tar.gz")
    assert _ids(engine) == ["x-1", "x-2"]
    restore(engine, settings, tmp_path / "b.tar.gz", overwrite=True)
    assert _ids(engine) == ["x-1"]


def test_a_backup_under_writes_is_one_moment(engine: Engine, settings: Settings, tmp_path: Path, case: Make) -> None:
    """Pairs are saved together: a backup with half a pair would be a mixture of two moments."""
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            _save(engine, case(f"a-{number:05}"), case(f"b-{number:05}"))
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(3):
            backup(engine, settings, tmp_path / "b.tar.gz")
    finally:
        stop.set()
        writer.join()
    restore(engine, settings, tmp_path / "b.tar.gz", overwrite=True)
    ids = _ids(engine)
    assert ids
    assert {name[2:] for name in ids if name[0] == "a"} == {name[2:] for name in ids if name[0] == "b"}


def test_a_server_that_runs_sees_the_restored_state(sqlite_settings: Settings, tmp_path: Path, case: Make) -> None:
    """The file is not replaced under it: its open connections go on working."""
    engine = make_engine(sqlite_settings)
    migrate(engine)
    _save(engine, case("x-1"))
    backup(engine, sqlite_settings, tmp_path / "b.tar.gz")
    _save(engine, case("x-2"))
    code = (
        "import sys; from pathlib import Path; from kb.settings import Settings; from kb.db import make_engine;"
        "from kb.backup import restore; s = Settings(data_dir=Path(sys.argv[1]));"
        "restore(make_engine(s), s, Path(sys.argv[2]), overwrite=True)"
    )
    assert _ids(engine) == ["x-1", "x-2"]
    arguments = [sys.executable, "-c", code, str(sqlite_settings.data_dir), str(tmp_path / "b.tar.gz")]
    subprocess.run(arguments, check=True, cwd=Path(__file__).parents[2])
    assert _ids(engine) == ["x-1"]
    _save(engine, case("x-3"))
    with sqlite3.connect(sqlite_settings.data_dir / "knowledge.db") as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def _archive(path: Path, **members: bytes) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, content in members.items():
            file = path.with_name("member")
            file.write_bytes(content)
            archive.add(file, name.replace("__", "."))
    return path


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({}, "not a backup"),
        ({"manifest__json": b"{"}, "not a backup"),
        ({"manifest__json": b'{"format": 2}'}, "has the format 2; this version reads 1"),
        ({"manifest__json": b'{"format": 1, "database": "oracle"}'}, "is a backup of oracle"),
        ({"manifest__json": b'{"format": 1, "database": "sqlite"}'}, "it has no database.sqlite"),
        (
            {
                "manifest__json": json.dumps({"format": 1, "database": "sqlite"}).encode(),
                "database__sqlite": b"x" * 5000,
            },
            "damaged",
        ),
    ],
)
def test_what_is_no_backup_of_ours_is_refused_and_changes_nothing(
    sqlite_settings: Settings, tmp_path: Path, case: Make, members: dict[str, bytes], reason: str
) -> None:
    engine = make_engine(sqlite_settings)
    migrate(engine)
    _save(engine, case("x-1"))
    with pytest.raises(Invalid, match=reason):
        restore(engine, sqlite_settings, _archive(tmp_path / "b.tar.gz", **members), overwrite=True)
    (tmp_path / "text.tar.gz").write_text("no archive")
    with pytest.raises(Invalid, match="not a backup"):
        restore(engine, sqlite_settings, tmp_path / "text.tar.gz", overwrite=True)
    assert _ids(engine) == ["x-1"]


def test_a_member_that_would_be_unpacked_elsewhere_is_refused(sqlite_settings: Settings, tmp_path: Path) -> None:
    path = tmp_path / "b.tar.gz"
    with tarfile.open(path, "w:gz") as archive:
        info = tarfile.TarInfo("../../slipped")
        archive.addfile(info)
    with pytest.raises(Invalid, match="not a backup"):
        restore(make_engine(sqlite_settings), sqlite_settings, path)
    assert not list(tmp_path.rglob("slipped"))
