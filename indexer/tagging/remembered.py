"""A text as it was read, in few numbers: what learning needs, and what makes suggestions anew without reading again."""

import numpy as np

from indexer.tagging import thresholds as limits
from indexer.tagging.learning import Offsets
from indexer.tagging.logistic import Numbers
from indexer.tagging.passages import probability
from indexer.tagging.service import Document
from schemas.lexicon import GOALS
from schemas.tagging import Suggestions


def packed(document: Document) -> bytes:
    """A document to be kept: vector, words and base as float32, one after the other."""
    return np.concatenate([document.vector, document.words, document.base]).astype("<f4").tobytes()


def unpacked(content: bytes, dimension: int) -> Document | None:
    """What ``packed`` made of a document with vectors of so many numbers; None for anything else."""
    if len(content) != 4 * (dimension + 2 * len(GOALS)):
        return None
    vector, words, base = np.split(np.frombuffer(content, "<f4"), [dimension, dimension + len(GOALS)])
    return Document(np.asarray(vector, dtype=np.float32), words.astype(np.float64), base.astype(np.float64))


def logits_of(document: Document, offsets: Offsets | None) -> Numbers:
    """The logits of the goals, with the offsets where there are some."""
    return document.base + (offsets.apply(document.vector, document.words) if offsets else 0)


def again(said: Suggestions, document: Document, offsets: Offsets | None, model: str) -> Suggestions:
    """What was said of a text, as the base with these offsets says it. Targets and passages are the base's own, so they
    stay as they are."""
    logits = dict(zip(GOALS, map(float, logits_of(document, offsets)), strict=True))
    goals = [
        each.model_copy(
            update={
                "confidence": probability(logits[each.goal]),
                "suggested": logits[each.goal] > limits.SUGGESTED,
                "strong": logits[each.goal] > limits.STRONG,
            }
        )
        for each in said.sdgs
    ]
    goals.sort(key=lambda each: (-logits[each.goal], GOALS.index(each.goal)))
    return said.model_copy(update={"sdgs": goals, "model": model})
