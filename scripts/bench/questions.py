"""The questions that everybody is asked, with what a rival needs of them: tokens, words, and the vector."""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from indexer.analysis import content_tokens, is_stop_word
from indexer.demo_vectors import FIXTURES, record_files
from indexer.embedding import Embedder
from indexer.query import parse
from indexer.search import MAX_TOKENS
from schemas.language import LANGUAGES, Language
from schemas.search import MAX_QUERY, Near, SearchQuery
from scripts.bench.figures import Spread, spread

#: Judged questions of each language that are asked; some more of special kinds come with them.
JUDGED: Final = 34


@dataclass(frozen=True)
class Asked:
    """One question. ``tokens``: as the product's index has them, by language; ``words``: as typed, without stop words."""

    query: SearchQuery
    tokens: Mapping[Language, Sequence[str]]
    words: Sequence[str]
    #: Unit length; None where meaning is not asked for.
    vector: tuple[float, ...] | None


def asked(embedder: Embedder) -> tuple[list[Asked], Spread]:
    """All questions, and the milliseconds that the vector of one takes."""
    taken, found = [], []
    for query in queries():
        text, vector = parse(query.q).text, None
        if text and query.mode != "keyword":
            start = time.perf_counter()
            vector = tuple(embedder.query(text).tolist())
            taken.append((time.perf_counter() - start) * 1000)
        tokens = {language: content_tokens(text, language)[:MAX_TOKENS] for language in LANGUAGES}
        words = [word for word in text.replace('"', " ").split() if not is_stop_word(word)]
        found.append(Asked(query, tokens, words, vector))
    return found, spread(taken)


def queries() -> list[SearchQuery]:
    """Judged questions with and without filters, and of each language: nothing asked, a pasted text, a phrase, words
    only, a place, an exclusion."""
    judged = [SearchQuery(q=one["q"], lang=one["lang"]) for one in _lines(FIXTURES / "judgements.jsonl")]
    found = []
    for language in LANGUAGES:
        own = [query for query in judged if query.lang == language][:JUDGED]
        found += [_with_filters(query, number) for number, query in enumerate(own)]
        found += _special(language)
    return found


def _with_filters(query: SearchQuery, number: int) -> SearchQuery:
    """Every third question has one filter, every third several."""
    one, several = {"type": ["case_study"]}, {"sdg": ["11", "5"], "year_from": 2005, "language": ["en", "es"]}
    return query.model_copy(update=({}, one, several)[number % 3])


def _special(language: Language) -> Iterator[SearchQuery]:
    bodies = (value.get("body", {}) for file in record_files() for value in _lines(file))
    pasted = next(body[language] for body in bodies if language in body)
    words = {"en": "public transport", "es": "transporte público", "fr": "transports publics"}[language]
    yield SearchQuery(lang=language)
    yield SearchQuery(lang=language, type=["expert", "event"], sort="title")
    yield SearchQuery(lang=language, q=pasted[:MAX_QUERY])
    yield SearchQuery(lang=language, q=f'"{words}"')
    yield SearchQuery(lang=language, q=words, mode="keyword")
    yield SearchQuery(lang=language, q=words, near=Near(40.4, -3.7, 2_000), sort="distance")
    yield SearchQuery(lang=language, q=f"{words} -bus")


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    return map(json.loads, path.read_text("utf-8").splitlines())
