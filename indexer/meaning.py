"""What a model makes of questions, and what it makes of a text for its language alone."""

import logging

import numpy as np

from indexer.embedding import Model, Remembering, VectorCache, Vectors, typical

log = logging.getLogger(__name__)


class Meaning:
    """One model at work. It is loaded at first use."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.remembering = Remembering(model.name)
        #: The typical passage of each language, once ``prepare`` has learnt it.
        self.typical: Vectors | None = None

    def prepare(self, cache: VectorCache) -> None:
        """Load the model and learn what is typical."""
        self.typical = typical(lambda: self.remembering.embedder, cache)
        self.query("")

    def query(self, text: str) -> Vectors | None:
        """The vector of a question; None where the model of the index cannot be loaded here, or has changed since."""
        try:
            if self.remembering.embedder.id == self.model.id:
                return self.remembering.query(text)
            log.error(
                "KB_EMBEDDING_MODEL %s is not what the index was built with; run: kb index rebuild", self.model.name
            )
        except (ImportError, OSError, ValueError):
            log.exception("the index was built with %s, which cannot be loaded here", self.model.name)
        return None

    def telling(self, vector: Vectors | None) -> Vectors | None:
        """What a passage's vector says beyond being a passage: with the rest, the same few records are similar to all.
        Measured on the fixtures: half of the case studies had no similar one, and one was similar to 31 others."""
        if vector is None or self.typical is None:
            return vector
        rest = vector - self.typical.mean(axis=0)
        return np.asarray(rest / np.linalg.norm(rest), dtype=np.float32)
