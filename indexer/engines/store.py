"""The embedded engine's file: what the index knows of each record, in SQLite, with the vectors of its passages.

Each change gets the next sequence number, so that a reader takes in only what has changed since it last looked.
"""

import json
import sqlite3
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path

import numpy as np

from indexer.document import IndexDocument
from indexer.embedding import Vectors
from indexer.engines.columns import StoredPassage, StoredRecord, StoredVersion
from schemas.language import LANGUAGES

_SCHEMA = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS records (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, alive INTEGER NOT NULL, seq INTEGER NOT NULL,
    fingerprint TEXT NOT NULL, title TEXT NOT NULL, dated TEXT NOT NULL, year INTEGER, lat REAL, lon REAL,
    facets TEXT NOT NULL, version INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS record_by_any_id ON records (id, version);
CREATE UNIQUE INDEX IF NOT EXISTS record_by_id ON records (id) WHERE alive;
CREATE INDEX IF NOT EXISTS record_by_seq ON records (seq);
CREATE TABLE IF NOT EXISTS passages (
    number INTEGER PRIMARY KEY AUTOINCREMENT, record INTEGER NOT NULL, language INTEGER NOT NULL, key BLOB NOT NULL,
    text TEXT NOT NULL, vector BLOB, scale REAL NOT NULL DEFAULT 0, seq INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS passage_by_record ON passages (record);
CREATE INDEX IF NOT EXISTS passage_by_seq ON passages (seq);
CREATE INDEX IF NOT EXISTS passage_without_vector ON passages (key) WHERE vector IS NULL;
CREATE TABLE IF NOT EXISTS names (name TEXT NOT NULL, record INTEGER NOT NULL);
CREATE INDEX IF NOT EXISTS name_by_text ON names (name);
CREATE INDEX IF NOT EXISTS name_by_record ON names (record);
CREATE VIRTUAL TABLE IF NOT EXISTS name_words USING fts5 (name, content='names', content_rowid='rowid', prefix='2 3 4');
CREATE TABLE IF NOT EXISTS spellings (word TEXT PRIMARY KEY, shown TEXT NOT NULL, count INTEGER NOT NULL) WITHOUT ROWID;
"""


def quantise(vector: Vectors) -> tuple[bytes, float]:
    """A unit vector as int8 bytes, off by at most half a step of its largest component, and the number that makes their
    length 1 again: engines that store the bytes alone compare them by cosine, and come to the same."""
    step = float(np.abs(vector).max()) / 127 or 1.0
    whole = np.round(vector / step).astype(np.int8)
    return whole.tobytes(), 1 / (float(np.linalg.norm(whole.astype(np.float32))) or 1.0)


class Store:
    """One connection for reading and one for writing; both may be used from any thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reading = self._connect()
        self._writing = self._connect()
        self._read_lock = threading.Lock()
        self._write_lock = threading.RLock()
        with self._write_lock, self._writing:
            self._add_versions()
            self._writing.executescript(_SCHEMA)

    def _add_versions(self) -> None:
        """To an index that was made before records had versions there."""
        columns = [row[1] for row in self._writing.execute("PRAGMA table_info(records)")]
        if columns and "version" not in columns:
            self._writing.execute("ALTER TABLE records ADD COLUMN version INTEGER NOT NULL DEFAULT 0")

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, check_same_thread=False, timeout=30)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA synchronous=NORMAL")
        return connection

    def _read(self, sql: str, values: Sequence[object] = ()) -> list[tuple[object, ...]]:
        with self._read_lock:
            return self._reading.execute(sql, values).fetchall()

    @contextmanager
    def _change(self) -> Iterator[tuple[sqlite3.Connection, int]]:
        """A transaction and the sequence number of what it changes."""
        with self._write_lock, self._writing:
            self._writing.execute("BEGIN IMMEDIATE")
            sql = "INSERT INTO meta VALUES ('seq', 1) ON CONFLICT (key) DO UPDATE SET value = value + 1 RETURNING value"
            yield self._writing, int(self._writing.execute(sql).fetchone()[0])

    # Writing

    @contextmanager
    def replacing(
        self, documents: Sequence[IndexDocument], version: int, vectors: Mapping[bytes, Vectors]
    ) -> Iterator[tuple[list[IndexDocument], list[int], list[int]]]:
        """Put documents in when the block ends, or not at all. Gives it those that are new, the numbers that go and, one
        for each new document, those that come; numbers of a block that failed are given out again."""
        with self._change() as (connection, seq):
            new = [document for document in documents if self._is_new(connection, document.id, version)]
            gone = self._bury(connection, [document.id for document in new], seq, version)
            came = [self._insert(connection, document, vectors, seq, version) for document in new]
            self._learn_spellings(connection, new)
            yield new, gone, came

    def remove(self, ids: Sequence[str], version: int) -> list[int]:
        """Take records out. Returns their numbers."""
        with self._change() as (connection, seq):
            new = [id for id in ids if self._is_new(connection, id, version)]
            gone = self._bury(connection, new, seq, version)
            connection.executemany(
                "INSERT INTO records (id, alive, seq, fingerprint, title, dated, facets, version) "
                "SELECT ?1, 0, ?2, '', '', '', '[]', ?3 WHERE NOT EXISTS (SELECT 1 FROM records WHERE id = ?1)",
                [(id, seq, version) for id in new],
            )
            return gone

    @staticmethod
    def _is_new(connection: sqlite3.Connection, id: str, version: int) -> bool:
        newest = connection.execute("SELECT max(version) FROM records WHERE id = ?", (id,)).fetchone()[0]
        return newest is None or version > int(newest)

    def _bury(self, connection: sqlite3.Connection, ids: Sequence[str], seq: int, version: int) -> list[int]:
        """Leave only a tombstone, so that readers learn of the end and late writes are known as such; texts go at once."""
        found = [
            row[0]
            for id in ids
            for row in connection.execute("SELECT number FROM records WHERE id = ? AND alive", (id,))
        ]
        numbers = [(number,) for number in found]
        connection.executemany(
            "INSERT INTO name_words (name_words, rowid, name) SELECT 'delete', rowid, name FROM names WHERE record = ?",
            numbers,
        )
        for table in ("names", "passages"):
            connection.executemany(f"DELETE FROM {table} WHERE record = ?", numbers)
        connection.executemany(
            "UPDATE records SET alive = 0, seq = ?, title = '', facets = '[]' WHERE number = ?",
            [(seq, number) for number in found],
        )
        connection.executemany(
            "UPDATE records SET version = ? WHERE id = ? AND NOT alive", [(version, id) for id in ids]
        )
        return found

    @staticmethod
    def _insert(
        connection: sqlite3.Connection,
        document: IndexDocument,
        vectors: Mapping[bytes, Vectors],
        seq: int,
        version: int,
    ) -> int:
        lat, lon = document.coordinates or (None, None)
        values = [f"{facet}:{value}" for facet, found in document.facets.items() for value in found]
        number = connection.execute(
            "INSERT INTO records (id, alive, seq, fingerprint, title, dated, year, lat, lon, facets, version) "
            "VALUES (?, 1, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (document.id, seq, document.fingerprint, document.versions[0].title, document.dated, document.year, lat, lon,
             json.dumps(values), version),
        ).lastrowid  # fmt: skip
        assert number is not None
        known = {key: quantise(vectors[key]) for key in document.passage_keys() if key in vectors}
        connection.executemany(
            "INSERT INTO passages (record, language, key, text, seq, vector, scale) VALUES (?, ?, ?, ?, ?, ?, ?)",
            [
                (number, LANGUAGES.index(text.language), key, passage.text, seq, *known.get(key, (None, 0)))
                for text in document.versions
                for passage in text.passages
                for key in [passage.key]
            ],
        )
        for name in document.names:
            rowid = connection.execute("INSERT INTO names VALUES (?, ?)", (name, number)).lastrowid
            connection.execute("INSERT INTO name_words (rowid, name) VALUES (?, ?)", (rowid, name))
        return number

    @staticmethod
    def _learn_spellings(connection: sqlite3.Connection, documents: Sequence[IndexDocument]) -> None:
        counts: Counter[tuple[str, str]] = Counter()
        for document in documents:
            counts.update(document.spellings())
        connection.executemany(
            "INSERT INTO spellings VALUES (?, ?, ?) ON CONFLICT (word) DO UPDATE SET count = count + excluded.count",
            [(word, shown, count) for (word, shown), count in counts.items()],
        )

    def attach(self, vectors: Mapping[bytes, Vectors]) -> None:
        """Give the passages that lack them their vectors."""
        rows = [(*quantise(vector), key) for key, vector in vectors.items()]
        with self._change() as (connection, seq):
            connection.executemany(
                "UPDATE passages SET vector = ?, scale = ?, seq = ? WHERE key = ? AND vector IS NULL",
                [(vector, scale, seq, key) for vector, scale, key in rows],
            )

    # Reading

    def version(self) -> int:
        """The newest sequence number."""
        rows = self._read("SELECT value FROM meta WHERE key = 'seq'")
        return int(str(rows[0][0])) if rows else 0

    def changes(self, after: int) -> tuple[int, list[int], list[StoredRecord], list[tuple[int, bytes, float]]]:
        """What changed after a sequence number: the newest number, the records that went, the records that came, and
        (passage, vector, scale) for the passages of other records whose vector came."""
        with self._read_lock:
            self._reading.execute("BEGIN")
            try:
                newest = self._reading.execute("SELECT coalesce(max(value), 0) FROM meta WHERE key = 'seq'").fetchone()[
                    0
                ]
                gone = self._reading.execute(
                    "SELECT number FROM records WHERE seq > ? AND NOT alive", (after,)
                ).fetchall()
                vectors = self._reading.execute(
                    "SELECT p.number, p.vector, p.scale FROM passages p JOIN records r ON r.number = p.record "
                    "WHERE p.seq > ? AND p.vector IS NOT NULL AND r.seq <= ?",
                    (after, after),
                ).fetchall()
                return newest, [number for (number,) in gone], list(self._records(after)), vectors
            finally:
                self._reading.execute("COMMIT")

    def _records(self, after: int) -> Iterator[StoredRecord]:
        passages = self._reading.execute(
            "SELECT p.record, p.language, p.number, p.vector, p.scale FROM passages p JOIN records r ON r.number = p.record "
            "WHERE r.seq > ? AND r.alive ORDER BY p.record, p.number",
            (after,),
        )
        by_record = groupby(passages, key=lambda row: row[0])
        records = self._reading.execute(
            "SELECT number, id, title, dated, year, lat, lon, facets FROM records WHERE seq > ? AND alive ORDER BY number",
            (after,),
        )
        for number, id, title, dated, year, lat, lon, facets in records:
            _, rows = next(by_record)
            versions = [
                StoredVersion(language, [StoredPassage(row[2], row[3], row[4]) for row in group])
                for language, group in groupby(rows, key=lambda row: row[1])
            ]
            place = None if lat is None else (lat, lon)
            yield StoredRecord(number, id, title, dated, year, place, json.loads(facets), versions)

    def missing_vectors(self, limit: int) -> dict[bytes, str]:
        """Text key and text of passages that have no vector yet, oldest first."""
        sql = "SELECT key, text FROM passages WHERE vector IS NULL LIMIT ?"
        return dict(self._read(sql, (limit,)))  # type: ignore[arg-type]

    def named(self, name: str) -> list[int]:
        """Numbers of the records of that name."""
        return [int(str(row[0])) for row in self._read("SELECT record FROM names WHERE name = ?", (name,))]

    def names_starting(self, prefix: str, limit: int) -> list[str]:
        """Ids of records in whose name words start like these, those whose name starts so first, then shorter names."""
        asked = " ".join(f'"{word}"*' for word in prefix.replace('"', " ").replace("\0", " ").split())
        if not asked:
            return []
        rows = self._read(
            "SELECT r.id FROM name_words w JOIN names n ON n.rowid = w.rowid JOIN records r ON r.number = n.record AND r.alive "
            "WHERE name_words MATCH ? GROUP BY r.id ORDER BY min(n.name NOT LIKE ? || '%'), min(length(n.name)), r.id LIMIT ?",
            (asked, prefix, limit),
        )
        return [str(row[0]) for row in rows]

    def spellings(self) -> list[tuple[str, str]]:
        """Known words, folded and as they are written, frequent ones first."""
        return [(str(a), str(b)) for a, b in self._read("SELECT word, shown FROM spellings ORDER BY count DESC, word")]

    def fingerprints(self) -> Iterator[tuple[str, str]]:
        """(id, fingerprint) of every record."""
        yield from ((str(a), str(b)) for a, b in self._read("SELECT id, fingerprint FROM records WHERE alive"))

    def deleted_since(self, version: int) -> list[str]:
        """Ids of the records whose tombstone is newer than that."""
        sql = "SELECT id FROM records GROUP BY id HAVING max(alive) = 0 AND max(version) > ? ORDER BY id"
        return [str(row[0]) for row in self._read(sql, (version,))]

    def counts(self) -> tuple[int, int, int]:
        """Records, passages, and passages with a vector."""
        rows = self._read(
            "SELECT (SELECT count(*) FROM records WHERE alive), (SELECT count(*) FROM passages), "
            "(SELECT count(*) FROM passages WHERE vector IS NULL)"
        )
        records, passages, missing = (int(str(value)) for value in rows[0])
        return records, passages, passages - missing

    def close(self) -> None:
        """Close both connections."""
        for connection in (self._reading, self._writing):
            connection.close()
