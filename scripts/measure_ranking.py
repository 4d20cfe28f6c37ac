"""Measure the ranking on a parallel question collection, through the same path as a visitor's question.

    python scripts/measure_ranking.py en=xquad.en.json es=xquad.es.json [--titles number|article] [--mode hybrid]
        [--elasticsearch http://127.0.0.1:9200]

The files are in SQuAD's format and say the same in each language, paragraph by paragraph. Each paragraph becomes a record:
all in one language, or half in one and half in the other; the questions of both languages are asked of each collection.
Prints MRR@10 and the share of questions that were refused. Vectors are kept in --cache, so that a second run is quick.
"""

import argparse
import json
import secrets
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from elasticsearch import Elasticsearch
from sqlalchemy import Engine

from indexer import sync
from indexer.evaluate import mean
from indexer.search import Search, open_search
from indexer.vector_cache import VectorCache
from kb.db import make_engine, migrate, transaction
from kb.records import service as records
from kb.settings import Settings
from schemas.language import Language
from schemas.records import parse
from schemas.search import Mode, SearchQuery

Paragraph = tuple[str, str, list[str]]


def read(path: Path) -> list[Paragraph]:
    """(article, text, questions) of each paragraph."""
    articles = json.loads(path.read_text("utf-8"))["data"]
    return [
        (article["title"], paragraph["context"], [asked["question"] for asked in paragraph["qas"]])
        for article in articles
        for paragraph in article["paragraphs"]
    ]


def collections(languages: Sequence[Language]) -> Iterator[tuple[Language, ...]]:
    """Each language alone, then each pair in halves."""
    yield from ((language,) for language in languages)
    yield from ((one, other) for place, one in enumerate(languages) for other in languages[place + 1 :])


def fill(
    database: Engine, texts: dict[Language, list[Paragraph]], languages: tuple[Language, ...], titles: str
) -> None:
    """One record for each paragraph, in the languages by turns."""
    first = next(iter(texts.values()))
    found = []
    for number, (article, _, _) in enumerate(first):
        language = languages[number % len(languages)]
        title = article.replace("_", " ") if titles == "article" else f"Text {number}"
        value = {"title": {language: title}, "body": {language: texts[language][number][1]}, "status": "published"}
        found.append(parse({"type": "case_study", "id": f"p-{number}", "language": language, **value}))
    with transaction(database) as session:
        records.save_many(session, found, author="measurement")


def ask(
    database: Engine, search: Search, paragraphs: list[Paragraph], lang: Language, mode: Mode
) -> tuple[float, float]:
    """MRR@10 and the share of questions without any result."""
    ranks: list[float] = []
    refused: list[float] = []
    with transaction(database) as session:
        for number, (_, _, questions) in enumerate(paragraphs):
            for question in questions:
                found = [
                    one.id for one in search.answer(session, SearchQuery(q=question, lang=lang, mode=mode)).results
                ]
                ranks.append(1 / (found.index(f"p-{number}") + 1) if f"p-{number}" in found else 0.0)
                refused.append(not found)
    return mean(ranks), mean(refused)


def measure(
    texts: dict[Language, list[Paragraph]], languages: tuple[Language, ...], options: argparse.Namespace
) -> list[float]:
    """The MRR of one collection, asked in every language."""
    with tempfile.TemporaryDirectory() as folder:
        place = f"{options.elasticsearch}/kb-measure-{secrets.token_hex(4)}" if options.elasticsearch else ""
        settings = Settings(data_dir=Path(folder), search_url=place, search_timeout=60)
        database = make_engine(settings)
        migrate(database)
        search = open_search(settings, database)
        options.cache.mkdir(parents=True, exist_ok=True)
        search.open_cache = lambda _model=None: cache_of(options.cache, search)  # type: ignore[method-assign]
        search.prepare()
        fill(database, texts, languages, options.titles)
        sync.drain(database, search.engine, search.open_cache())
        sync.embed(search.engine, search.meaning.remembering.embedder, search.open_cache(), threads=2)
        found = []
        for asked, paragraphs in texts.items():
            rank, refused = ask(database, search, paragraphs, asked, options.mode)
            found.append(rank)
            print(f"{'+'.join(languages):8} asked in {asked}  MRR@10 {rank:.4f}  refused {refused:.4f}", flush=True)
        search.engine.close()
        if place:
            remove(place)
        return found


def remove(place: str) -> None:
    """Take the index of one collection away."""
    address, _, name = place.rpartition("/")
    with Elasticsearch(address) as client:
        client.indices.delete(index=list(client.indices.get(index=f"{name}-*", features=["aliases"])))


def cache_of(folder: Path, search: Search) -> VectorCache:
    """Vectors that outlive one collection."""
    return VectorCache(folder / "vectors.db", search.model.id)


def main() -> int:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", help="LANGUAGE=FILE, the first one names the articles")
    parser.add_argument("--titles", choices=["number", "article"], default="number")
    parser.add_argument("--elasticsearch", metavar="URL", help="measure there instead of in the embedded engine")
    parser.add_argument("--mode", choices=["hybrid", "keyword", "semantic"], default="hybrid")
    parser.add_argument("--cache", type=Path, default=Path("var/measurements"))
    options = parser.parse_args()
    texts = {language: read(Path(path)) for language, path in (entry.split("=", 1) for entry in options.files)}
    ranks = [rank for languages in collections(list(texts)) for rank in measure(texts, languages, options)]
    print(f"mean {mean(ranks):.4f}, least {min(ranks):.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
