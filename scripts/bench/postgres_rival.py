"""PostgreSQL alone: full text in three languages, ranked by ts_rank. No meaning (pgvector is asked for and only named),
no filters, no counts. And what the bench needs of PostgreSQL itself: schemas of its own, sizes, memory."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

import psycopg
from psycopg import sql

from schemas.language import Language
from scripts.bench.clients import Ask
from scripts.bench.figures import Figures
from scripts.bench.machine import megabytes_of_family
from scripts.bench.questions import Asked
from scripts.bench.texts import Text

SERVER: Final = os.environ.get("KB_BENCH_POSTGRES", "postgresql://postgres@127.0.0.1/test")
_CONFIGURATIONS: Final[dict[Language, str]] = {"en": "english", "es": "spanish", "fr": "french"}
_TABLE: Final = "CREATE TABLE texts (record text, title text, words tsvector)"
_TEN_BEST: Final = """
    WITH asked AS (
        SELECT to_tsquery('english', %(words)s) || to_tsquery('spanish', %(words)s) || to_tsquery('french', %(words)s)
        AS words
    )
    SELECT record, title FROM texts, asked WHERE texts.words @@ asked.words
    ORDER BY ts_rank(texts.words, asked.words) DESC LIMIT 10
"""


def url(schema: str) -> str:
    """The URL of that schema."""
    return f"{SERVER}{'&' if '?' in SERVER else '?'}options={quote(f'-csearch_path={schema}')}"


def make(schema: str) -> None:
    """An empty schema."""
    with psycopg.connect(SERVER) as connection:
        connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))


def drop(schema: str) -> None:
    """Remove it with all that is in it."""
    with psycopg.connect(SERVER) as connection:
        connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))


def fill(schema: str, texts: Iterable[Text]) -> None:
    """Take in everything, each text in the configuration of its language."""
    with psycopg.connect(url(schema), autocommit=True) as connection:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(_TABLE)
            rows = ((text.record, text.title, _CONFIGURATIONS[text.language], text.text) for text in texts)
            cursor.executemany("INSERT INTO texts VALUES (%s, %s, to_tsvector(%s::regconfig, %s))", rows)
            cursor.execute("CREATE INDEX ON texts USING gin (words)")
        connection.execute("VACUUM ANALYZE")


def vectors_are_there() -> bool:
    """Whether the server has pgvector."""
    with psycopg.connect(SERVER) as connection:
        return bool(connection.execute("SELECT 1 FROM pg_available_extensions WHERE name = 'vector'").fetchone())


def held(schema: str) -> Figures:
    """Disk of a schema and the memory of the server; its processes are looked for on this machine."""
    with psycopg.connect(SERVER) as connection:
        stored = connection.execute(
            "SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0) FROM pg_class c JOIN pg_namespace n "
            "ON n.oid = c.relnamespace WHERE n.nspname = %s AND c.relkind = 'r'",
            (schema,),
        ).fetchone()
        process = connection.info.backend_pid
        return {
            "database, MB": float(stored[0]) / 1e6 if stored else 0.0,
            "PostgreSQL, memory, MB": megabytes_of_family(_parent(process)),
        }


def _parent(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[1])
    except OSError:
        return pid


@dataclass(frozen=True)
class Postgres:
    """Asks over one connection a client."""

    schema: str
    words: tuple[str, ...]

    @classmethod
    def of(cls, schema: str, asked: Sequence[Asked]) -> "Postgres":
        """Those questions that have words."""
        told = (" | ".join(f"'{word.replace(chr(39), ' ')}'" for word in one.words) for one in asked)
        return cls(schema, tuple(filter(None, told)))

    @property
    def questions(self) -> int:
        return len(self.words)

    def connect(self) -> Ask:
        connection = psycopg.connect(url(self.schema), autocommit=True)
        return lambda number: connection.execute(_TEN_BEST, {"words": self.words[number]}).fetchall()
