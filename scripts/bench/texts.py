"""The invented records as plain texts with vectors, as the rivals take them; and the vectors themselves."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any, Final, NamedTuple

from indexer.document import passages_of
from indexer.embedding import Embedder, Vectors
from indexer.vector_cache import VectorCache
from schemas.language import Language
from schemas.records import parse
from scripts.bench.records import Blurred, Writer

#: Vectors that are written, and records whose vectors are read, at a time.
BATCH: Final = 2_000


class Text(NamedTuple):
    """One version of a record."""

    record: str
    language: Language
    title: str
    text: str
    vectors: list[Vectors]


def invent_vectors(size: int, embedder: Callable[[], Embedder], cache: VectorCache) -> None:
    """Put a vector for each passage into the cache."""
    blurred = Blurred(embedder, cache)
    made = {}
    for value, subject in Writer().records(size):
        record = parse(value)
        for language in record.languages():
            made |= {passage.key: blurred.vector(language, subject) for passage in passages_of(record, language)}
        if len(made) > BATCH:
            cache.put(made)
            made.clear()
    cache.put(made)


def texts(size: int, cache: VectorCache) -> Iterator[Text]:
    """All versions of all records."""
    written = Writer().records(size)
    while part := [value for value, _ in islice(written, BATCH)]:
        yield from _of(part, cache)


def _of(values: list[dict[str, Any]], cache: VectorCache) -> Iterator[Text]:
    keys = {}
    for value in values:
        record = parse(value)
        for language in record.languages():
            keys[value["id"], language] = [passage.key for passage in passages_of(record, language)]
    known = cache.get({key for own in keys.values() for key in own})
    for value in values:
        for language, title in value["title"].items():
            parts = (value.get(name, {}).get(language, "") for name in ("summary", "body"))
            vectors = [known[key] for key in keys[value["id"], language]]
            yield Text(value["id"], language, title, " ".join([title, *parts]), vectors)
