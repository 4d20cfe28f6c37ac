"""Small documents and questions for the engines, and a made-up model in place of the slow real one."""

import hashlib
import itertools
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from indexer.analysis import content_tokens, tokens
from indexer.document import IndexDocument, Passage, Version, name_key
from indexer.embedding import Model, Vectors
from indexer.engines.base import Question, SearchEngine, connect
from schemas.language import LANGUAGES, Language

DIMENSION = 384
MODEL = Model("made-up", "made-up-1", DIMENSION)


class WordsEmbedder:
    """A model for tests: texts are as close as the share of words that they have in common, whatever the language."""

    id = MODEL.id
    dimension = DIMENSION
    batch = 4

    def query(self, text: str) -> Vectors:
        """The vector of a question, shape (384,)."""
        return self.passages([text])[0]

    def passages(self, texts: Sequence[str]) -> Vectors:
        """The vectors of passages, shape (texts, 384)."""
        return np.array([self._vector(text) for text in texts], dtype=np.float32)

    @staticmethod
    def _vector(text: str) -> Vectors:
        vector = np.zeros(DIMENSION, dtype=np.float32)
        for word in text.lower().split() or [""]:
            places = hashlib.blake2b(word.encode(), digest_size=8).digest()
            for place in range(0, 8, 2):
                vector[int.from_bytes(places[place : place + 2], "big") % DIMENSION] += 1
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


EMBEDDER = WordsEmbedder()


_versions = itertools.count(time.time_ns())


class Writing:
    """An engine each of whose changes is newer than all that were made before, by whatever handle or process."""

    def __init__(self, engine: SearchEngine) -> None:
        self.engine = engine

    def __getattr__(self, name: str) -> Any:
        return getattr(self.engine, name)

    def write(
        self, documents: Sequence[IndexDocument], vectors: Mapping[bytes, Vectors] | None = None
    ) -> dict[str, str]:
        """Put documents in."""
        return self.engine.write(documents, next(_versions), vectors or {})

    def delete(self, ids: Iterable[str]) -> None:
        """Take records out."""
        self.engine.delete(ids, next(_versions))

    def rebuild(self) -> "Writing":
        """A new, empty index beside this one."""
        return Writing(self.engine.rebuild())

    def become(self, successor: "Writing") -> None:
        """Put the successor in place."""
        self.engine.become(successor.engine)


def opened(url: str, model: Model = MODEL) -> Writing:
    """The index of that URL."""
    return Writing(connect(url, model, timeout=60))


def document(record_id: str, /, names: Sequence[str] = (), **more: Any) -> IndexDocument:
    """A document. Texts by language, one passage or a list of them; the first is the title too; all else by its name:
    ``document("x", en="Trams", facets={"topic": ["mobility"]}, year=2019)``."""
    texts: dict[Language, Any] = {language: more.pop(language) for language in LANGUAGES if language in more}
    versions = tuple(_version(language, texts[language]) for language in texts or {})
    facets: Mapping[str, Sequence[str]] = more.pop("facets", {})
    year = more.get("year")
    fields: dict[str, Any] = {"year": year, "dated": str(year or ""), "coordinates": None, "type": "case_study"} | more
    return IndexDocument(
        id=record_id,
        versions=versions,
        names=tuple(name_key(name) for name in names),
        facets={name: tuple(values) for name, values in facets.items()},
        **fields,
    )


def filling(count: int = 12, languages: Sequence[Language] = LANGUAGES) -> list[IndexDocument]:
    """Records about nothing in particular: in a collection of two or three no word is rare and no text is far from the
    mean of all."""
    return [
        document(f"filling-{number}", **{language: f"{language}{number} nothing{number}" for language in languages})
        for number in range(count)
    ]


def _version(language: Language, texts: str | Sequence[str]) -> Version:
    passages = [texts] if isinstance(texts, str) else list(texts)
    words = " ".join(token for text in passages for token in tokens(text, language))
    return Version(language, passages[0], words, tuple(map(Passage, passages)))


def ask(text: str = "", **more: Any) -> Question:
    """The question of somebody who types this; without a vector unless ``mode`` is said to be other than keyword."""
    more.setdefault("mode", "keyword")
    more.setdefault("limit", 100)
    return Question(
        words={language: tuple(content_tokens(text, language)) for language in LANGUAGES},
        vector=EMBEDDER.query(text) if text and more["mode"] != "keyword" else None,
        name=name_key(text),
        **more,
    )


def per_language(phrase: str) -> dict[Language, tuple[str, ...]]:
    """A phrase as a question has it."""
    return {language: tuple(tokens(phrase, language)) for language in LANGUAGES}


def ids(engine: SearchEngine | Writing, question: Question) -> list[str]:
    """The ids of the records that are found, in order."""
    return [hit.id for hit in engine.search(question).hits]


def embed(engine: SearchEngine | Writing) -> None:
    """Give every passage its vector."""
    while missing := engine.missing_vectors(50):
        engine.attach({key: EMBEDDER.query(text) for key, text in missing.items()})
