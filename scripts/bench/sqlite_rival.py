"""SQLite alone: FTS5 for words and sqlite-vec for meaning, fused by reciprocal rank. No filters, no counts."""

import ctypes
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Sequence
from ctypes.util import find_library
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Final

import sqlite_vec

from scripts.bench.clients import Ask
from scripts.bench.questions import Asked
from scripts.bench.texts import Text

#: Of each kind, before they are fused.
CANDIDATES: Final = 100
#: Softens the first ranks, as in the paper of reciprocal rank fusion.
RANK: Final = 60
_TABLES: Final = """
    CREATE VIRTUAL TABLE texts USING fts5 (record UNINDEXED, title UNINDEXED, text);
    CREATE TABLE titles (record TEXT PRIMARY KEY, title TEXT) WITHOUT ROWID;
    CREATE TABLE passages (id INTEGER PRIMARY KEY, record TEXT);
    CREATE VIRTUAL TABLE vectors USING vec0 (vector float[384] distance_metric=cosine);
"""
_BY_WORDS: Final = "SELECT record FROM texts WHERE texts MATCH ? ORDER BY rank LIMIT ?"
_BY_MEANING: Final = """
    SELECT record FROM (SELECT rowid, distance FROM vectors WHERE vector MATCH ? AND k = ?) AS near
    JOIN passages ON passages.id = near.rowid ORDER BY distance
"""


def connect(path: Path) -> sqlite3.Connection:
    """A connection that knows sqlite-vec."""
    if hasattr(sqlite3.Connection, "enable_load_extension"):
        connection = sqlite3.connect(path, check_same_thread=False)
        connection.enable_load_extension(True)
        sqlite_vec.load(connection)
        return connection
    # A Python that was built without loading of extensions: SQLite itself can still be told to.
    extension = ctypes.CDLL(next(map(str, Path(sqlite_vec.__file__).parent.glob("vec0.*"))))
    entry = ctypes.cast(extension.sqlite3_vec_init, ctypes.c_void_p)
    ctypes.CDLL(find_library("sqlite3")).sqlite3_auto_extension(entry)
    return sqlite3.connect(path, check_same_thread=False)


def fill(path: Path, texts: Iterable[Text]) -> None:
    """Take in everything."""
    connection = connect(path)
    connection.executescript(_TABLES)
    with connection:
        for text in texts:
            connection.execute("INSERT INTO texts VALUES (?, ?, ?)", (text.record, text.title, text.text))
            connection.execute("INSERT OR IGNORE INTO titles VALUES (?, ?)", (text.record, text.title))
            for vector in text.vectors:
                row = connection.execute("INSERT INTO passages (record) VALUES (?)", (text.record,)).lastrowid
                connection.execute("INSERT INTO vectors (rowid, vector) VALUES (?, ?)", (row, vector.tobytes()))
    connection.close()


@dataclass(frozen=True)
class Sqlite:
    """Asks in the process of the clients."""

    path: Path
    asked: tuple[tuple[str, bytes | None], ...]

    @classmethod
    def of(cls, path: Path, asked: Sequence[Asked]) -> "Sqlite":
        """Those questions that ask something."""
        told = ((" OR ".join(f'"{word}"' for word in one.words), _bytes(one)) for one in asked)
        return cls(path, tuple((words, vector) for words, vector in told if words))

    @property
    def questions(self) -> int:
        return len(self.asked)

    def connect(self) -> Ask:
        connection = connect(self.path)
        return lambda number: best(connection, *self.asked[number])


def _bytes(asked: Asked) -> bytes | None:
    return None if asked.vector is None else sqlite_vec.serialize_float32(list(asked.vector))


def best(connection: sqlite3.Connection, words: str, vector: bytes | None) -> list[str]:
    """Titles of the ten best."""
    lists = [connection.execute(_BY_WORDS, (words, CANDIDATES)).fetchall()]
    if vector is not None:
        lists.append(connection.execute(_BY_MEANING, (vector, CANDIDATES)).fetchall())
    scores: defaultdict[str, float] = defaultdict(float)
    for found in lists:
        for place, record in enumerate(dict.fromkeys(chain.from_iterable(found))):
            scores[record] += 1 / (RANK + place)
    ids = sorted(scores, key=lambda record: -scores[record])[:10]
    return [connection.execute("SELECT title FROM titles WHERE record = ?", (one,)).fetchone()[0] for one in ids]
