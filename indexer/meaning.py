"""What a model makes of questions, and what it makes of a text for its language alone."""

import logging
import re
from collections.abc import Callable
from typing import Final

import numpy as np

from indexer.embedding import Embedder, Model, Remembering, Vectors, embed, text_key
from indexer.vector_cache import VectorCache
from kb.settings import Settings
from schemas.language import LANGUAGES, Language
from schemas.vocabulary import load as load_vocabulary

log = logging.getLogger(__name__)


class Meaning:
    """One model at work. It is loaded at first use."""

    def __init__(self, settings: Settings, model: Model) -> None:
        self.model = model
        self.remembering = Remembering(settings.model_copy(update={"embedding_model": model.name}))
        #: The typical passage of each language, once ``prepare`` has learnt it.
        self.typical: Vectors | None = None

    def prepare(self, cache: VectorCache) -> None:
        """Load the model and learn what is typical."""
        known = _TYPICAL.get(self.model.id)
        self.typical = typical(lambda: self.remembering.embedder, cache) if known is None else known
        _TYPICAL[self.model.id] = self.typical
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


#: What is typical, by model: the same for every index of a process.
_TYPICAL: dict[str, Vectors] = {}


_FIRST: Final = re.compile(r"(?<=[.!?]) ")


def typical_texts() -> dict[Language, list[str]]:
    """Texts of the product's own world that say the same in each language: how the definitions of its vocabularies begin, for
    the floors of the ranking were measured with texts of that length."""
    terms = [term for name in ("sdgs", "topics", "gender_themes") for term in load_vocabulary(name).terms]
    defined = [term for term in terms if len(term.definition) == len(LANGUAGES) and "." not in term.id]
    return {
        language: [f"{term.label[language]}. {_FIRST.split(term.definition[language])[0]}" for term in defined]
        for language in LANGUAGES
    }


def typical_keys() -> list[bytes]:
    """The keys of their vectors in the cache."""
    return [text_key(text) for texts in typical_texts().values() for text in texts]


def typical(embedder: Callable[[], Embedder], cache: VectorCache) -> Vectors:
    """The typical passage of each language, shape (languages, dimension): what the model says of a text for its language
    alone. Computed once for a model, in seconds, and kept in the cache."""
    means = []
    for texts in typical_texts().values():
        keys = {text_key(text): text for text in texts}
        known = cache.get(keys)
        missing = {key: text for key, text in keys.items() if key not in known}
        new = embed(embedder(), missing) if missing else {}
        cache.put(new)
        means.append(np.mean([*known.values(), *new.values()], axis=0))
    return np.asarray(means, dtype=np.float32)
