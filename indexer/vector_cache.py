"""Vectors that were computed before, keyed by model and text, so that nothing is computed twice.

They lie in a file of the data folder; where the database serves several machines, in a table there, since what one machine
computes the others need too. Either can be emptied at any time: it is made again, slowly.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np
from sqlalchemy import Column, Engine, LargeBinary, MetaData, String, Table, create_engine, delete, event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError

from indexer.embedding import Vectors
from kb.db import chunks, is_shared
from kb.settings import Settings

VECTORS = Table(
    "vectors",
    MetaData(),
    Column("model", String(200), primary_key=True),
    Column("key", LargeBinary, primary_key=True),
    #: float16: half the size, no difference in any ranking.
    Column("vector", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)


def place(settings: Settings, database: Engine | None) -> Path | Engine:
    """Where the vectors of this installation are."""
    return database if database is not None and is_shared(database) else settings.data_dir / "vectors.db"


class VectorCache:
    """The vectors of one model. Safe to use from many threads."""

    def __init__(self, place: Path | Engine, model_id: str) -> None:
        self._own = isinstance(place, Path)
        self._engine = _file(place) if isinstance(place, Path) else place
        self._model = model_id
        _create_table(self._engine)

    def get(self, keys: Iterable[bytes]) -> dict[bytes, Vectors]:
        """The vectors that are there, by key."""
        found: dict[bytes, Vectors] = {}
        with self._engine.connect() as connection:
            for part in chunks(keys):
                wanted = select(VECTORS.c.key, VECTORS.c.vector).where(
                    VECTORS.c.model == self._model, VECTORS.c.key.in_(part)
                )
                found |= {
                    bytes(key): np.frombuffer(vector, dtype=np.float16).astype(np.float32)
                    for key, vector in connection.execute(wanted)
                }
        return found

    def put(self, vectors: Mapping[bytes, Vectors]) -> None:
        """Keep these vectors; one that is there already stays."""
        # In one order, so that two who write the same do not wait for each other in a circle.
        rows = [
            {"model": self._model, "key": key, "vector": vectors[key].astype(np.float16).tobytes()}
            for key in sorted(vectors)
        ]
        insert = postgresql.insert if self._engine.dialect.name == "postgresql" else sqlite.insert
        if rows:
            with self._engine.begin() as connection:
                connection.execute(insert(VECTORS).on_conflict_do_nothing(), rows)

    def keep_only(self, keys: Iterable[bytes]) -> None:
        """Delete all vectors but these, of whichever model, and leave nothing of them in the file."""
        kept = set(keys)
        with self._engine.begin() as connection:
            gone = set(connection.scalars(select(VECTORS.c.key))) - kept
            for part in chunks(gone):
                connection.execute(delete(VECTORS).where(VECTORS.c.key.in_(part)))
        if self._own:
            with self._engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                for statement in ("PRAGMA secure_delete = ON", "VACUUM", "PRAGMA wal_checkpoint(TRUNCATE)"):
                    connection.exec_driver_sql(statement)

    def close(self) -> None:
        """Close the file."""
        if self._own:
            self._engine.dispose()


def _file(path: Path) -> Engine:
    path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(f"sqlite:///{path.absolute()}", connect_args={"timeout": 30})
    event.listen(engine, "connect", lambda connection, _record: connection.execute("PRAGMA journal_mode=WAL"))
    return engine


def _create_table(engine: Engine) -> None:
    try:
        VECTORS.create(engine, checkfirst=True)
    except DBAPIError:  # another process was faster
        VECTORS.create(engine, checkfirst=True)
