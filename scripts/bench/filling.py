"""One collection of invented records, and how it gets into each profile and each rival; what is filled can be kept."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from indexer import sync
from indexer.demo_vectors import load_demo_vectors
from indexer.search import Search
from indexer.vector_cache import VectorCache
from kb import outbox
from kb.db import make_engine, migrate, transaction
from kb.records.importing import import_files
from kb.settings import Settings
from scripts.bench import direct, postgres_rival
from scripts.bench.figures import Figures
from scripts.bench.records import write_lines
from scripts.bench.texts import invent_vectors

#: Records that are taken in as changes come; the rest by a rebuild, as a first filling is.
CHANGES: Final = 400
#: Seconds for a search, so that overload is measured and not answered by the database.
PATIENCE: Final = 30.0


@dataclass(frozen=True)
class Collection:
    """So many records in a folder; ``name`` is the index and the schema that belong to it."""

    size: int
    folder: Path
    name: str

    def embedded(self) -> Settings:
        """The embedded profile; its records are not read for tags meanwhile."""
        return Settings(
            data_dir=self.folder, database_url="", search_url="", broker_url="", tagging="manual", _env_file=None
        )  # type: ignore[call-arg]

    def cluster(self) -> Settings:
        """The cluster profile, without a broker: only its searches are measured."""
        return self.embedded().model_copy(
            update={
                "database_url": postgres_rival.url(self.name),
                "search_url": f"{direct.HOST}/{self.name}",
                "search_timeout": PATIENCE,
            }
        )

    @property
    def texts_schema(self) -> str:
        """The schema of PostgreSQL's own full text."""
        return f"{self.name}_texts"

    def cache(self) -> VectorCache:
        """The invented vectors."""
        return Search(self.embedded()).open_cache()

    def once(self, part: str, work: Callable[[], Figures]) -> Figures:
        """What filling that part showed; it is filled where it was not yet."""
        kept = self.folder / f"filled-{part}.json"
        if kept.exists():
            found: Figures = json.loads(kept.read_text("utf-8"))
            return found
        say(self.size, f"filling {part}")
        found = work()
        kept.write_text(json.dumps(found), "utf-8")
        return found


@contextmanager
def collection(size: int, keep: Path | None) -> Iterator[Collection]:
    """The records and their vectors, in a folder that stays with ``keep``; else nothing is left of it."""
    folder = keep.absolute() / str(size) if keep else Path(tempfile.mkdtemp(prefix="kb-bench-"))
    folder.mkdir(parents=True, exist_ok=True)
    made = Collection(size, folder, f"kb_bench_{size}" if keep else f"kb_bench_{size}_{os.getpid()}")
    try:
        made.once("records and vectors", lambda: _generate(made))
        yield made
    finally:
        if not keep:
            _remove(made)


def _remove(made: Collection) -> None:
    """Servers that were not asked need not be there."""
    if (made.folder / "cluster").exists():
        direct.drop(made.name)
        postgres_rival.drop(made.name)
    if (made.folder / "texts").exists():
        postgres_rival.drop(made.texts_schema)
    shutil.rmtree(made.folder)


def _generate(made: Collection) -> Figures:
    settings = made.embedded()
    write_lines(_lines(made), made.size)
    load_demo_vectors(settings)
    search = Search(settings)
    cache = search.open_cache()
    start = time.perf_counter()
    invent_vectors(made.size, lambda: search.meaning.remembering.embedder, cache)
    cache.close()
    return {"invented vectors, s": time.perf_counter() - start}


def _lines(made: Collection) -> Path:
    return made.folder / "records.jsonl"


def fill_embedded(made: Collection) -> Figures:
    """SQLite and tantivy."""
    return made.once("embedded", lambda: _fill(made, made.embedded()))


def fill_cluster(made: Collection) -> Figures:
    """PostgreSQL and Elasticsearch."""
    return made.once("cluster", lambda: _fill_cluster(made))


def _fill_cluster(made: Collection) -> Figures:
    (made.folder / "cluster").touch()
    direct.drop(made.name)
    postgres_rival.drop(made.name)
    postgres_rival.make(made.name)
    return _fill(made, made.cluster())


def _fill(made: Collection, settings: Settings) -> Figures:
    """Import, take in some changes, rebuild: how many a second."""
    database = make_engine(settings)
    migrate(database)
    search = Search(settings)
    cache = search.open_cache()
    try:
        found: Figures = {"import, records/s": rate(made.size, lambda: import_files(database, [_lines(made)]))}
        found["index as changes come, records/s"] = _changes(database, search, cache)
        found["index by rebuild, records/s"] = rate(
            made.size, lambda: sync.rebuild(database, search.engine, cache, embedder=None)
        )
        _forget_changes(database)
        now = search.engine.status()
    finally:
        search.engine.close()
        cache.close()
        database.dispose()
    if (now.records, now.embedded) != (made.size, now.passages):
        raise RuntimeError(f"{now} is not all of {made.size} records with all vectors")
    return found | {"passages": float(now.passages)}


def _changes(database: Engine, search: Search, cache: VectorCache) -> float:
    """Records a second as they come after an import, with their vectors."""
    done = 0

    def progress(finished: int, _all: int) -> None:
        nonlocal done
        done = finished

    start = time.perf_counter()
    sync.drain(database, search.engine, cache, progress, stop=lambda: done >= CHANGES)
    return done / (time.perf_counter() - start)


def _forget_changes(database: Engine) -> None:
    """The rebuild has all that waits; the server would take it in again while it is measured."""
    with transaction(database) as session:
        while jobs := outbox.pending(session, 1_000):
            outbox.done(session, jobs)


def rate(number: int, work: Callable[[], object]) -> float:
    """So many things of that work, a second."""
    start = time.perf_counter()
    work()
    return number / (time.perf_counter() - start)


def say(size: int, what: str) -> None:
    """Tell where the bench is."""
    print(f"{time.strftime('%H:%M:%S')} {size:>9,} records: {what}", flush=True)
