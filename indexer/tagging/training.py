"""From texts and lexicon to a model: the method of docs/tagging.md."""

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from indexer.embedding import Vectors
from indexer.tagging.logistic import Numbers, Problem, fit
from indexer.tagging.matching import Matcher
from indexer.tagging.model import TARGETS, THEMES, TaggingModel
from indexer.tagging.reading import gender_words, goal_words
from indexer.tagging.texts import Example, digest, goal_labels
from schemas.language import LANGUAGES
from schemas.lexicon import OBJECTIVE, gender_terms, goal_terms
from schemas.lexicon import digest as lexicon_digest
from schemas.vocabulary import load

#: Of the heads: 1 / C, with C = .003.
RIDGE: Final = 1 / 0.003
#: Parts of the texts that are held out in turn, to learn how far a head is to be believed on what it has not seen.
FOLDS: Final = 5
#: Digits of the numbers that are kept: processors differ in the last ones.
DIGITS: Final = 5


def train(texts: Sequence[Example], vectors: Vectors, embedding: str) -> TaggingModel:
    """The model for these texts (n) with their vectors (n, d) by that embedding model."""
    mean = vectors.mean(axis=0)
    deviation = np.float32((vectors - mean).std())
    x = ((vectors - mean) / deviation).astype(np.float64)
    heads, biases, fusion = _goals(texts, x)
    gender = _gender(texts, x)
    numbers = {
        "mean": mean, "deviation": deviation,
        "goal_heads": heads / deviation, "goal_biases": biases - mean @ heads / deviation, "goal_fusion": fusion,
        "gender_heads": gender[0] / deviation, "gender_biases": gender[1] - mean @ gender[0] / deviation,
        "gender_fusion": gender[2], **_targets(texts, vectors),
    }  # fmt: skip
    kept = {
        name: np.round(np.asarray(value, dtype=np.float64), DIGITS).astype(np.float32)
        for name, value in numbers.items()
    }
    return TaggingModel(**kept, about=json.dumps(_about(texts, embedding), sort_keys=True))


def _goals(texts: Sequence[Example], x: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Heads (d, 17), biases (17,) and the fusion (3,), which is the same for all goals."""
    labels = goal_labels(texts).astype(np.float64)
    weights = balanced(labels, np.array([one.weight for one in texts])[:, None])
    logits = out_of_fold(x, labels, weights, folds_of(texts))
    words = words_of(goal_words(), texts)
    own = np.array([one.weight == 1 for one in texts])
    fusion = fuse(logits[own].reshape(-1, 1), words[own].reshape(-1, 1), labels[own].reshape(-1, 1))
    return *head(x, labels, weights), fusion[0]


def _gender(texts: Sequence[Example], x: Numbers) -> tuple[Numbers, Numbers, Numbers]:
    """Heads (d, 14), biases (14,) and fusions (14, 3)."""
    of = np.array([one.screening is not None for one in texts])
    read = [one for one in texts if one.screening]
    labels = gender_labels(read)
    known = np.ones_like(labels)
    known[:, -1] = labels[:, -2]  # the main reason is asked only where equality is an aim
    weights = balanced(labels, known)
    logits = out_of_fold(x[of], labels, weights, authors_of(read))
    words = words_of(gender_words(), read)
    words[:, -1] = words[:, -2]
    fusion = fuse_each(logits, words, labels, weights)
    return *head(x[of], labels, weights), fusion


def gender_labels(texts: Sequence[Example]) -> Numbers:
    """1 where a text that was read has the theme, the aim, the main reason: shape (texts, 14)."""
    read = [one.screening for one in texts if one.screening]
    return np.array(
        [[*(theme in one.themes for theme in THEMES), one.marker > 0, one.marker == 2] for one in read],
        dtype=np.float64,
    )


def balanced(labels: Numbers, weights: Numbers) -> Numbers:
    """The weights, by which 1 and 0 count the same in each column."""
    weights = np.broadcast_to(weights, labels.shape)
    yes, no = (weights * labels).sum(axis=0), (weights * (1 - labels)).sum(axis=0)
    both = (yes + no) / 2
    return np.asarray(weights * np.where(labels == 1, both / np.maximum(yes, 1e-9), both / np.maximum(no, 1e-9)))


def head(x: Numbers, labels: Numbers, weights: Numbers, ridge: float = RIDGE) -> tuple[Numbers, Numbers]:
    """Logistic regressions of all columns: coefficients (d, k) and biases (k,)."""
    own = np.ones((*labels.shape, 1))
    problem = Problem(x, own, labels, weights, np.zeros_like(labels), ridge, np.zeros(1))
    shared, bias = fit(problem)
    return shared, bias[:, 0]


def out_of_fold(x: Numbers, labels: Numbers, weights: Numbers, folds: Numbers, ridge: float = RIDGE) -> Numbers:
    """The logits (n, k) of each text by heads that have not seen its fold."""
    logits = np.zeros_like(labels)
    for fold in np.unique(folds):
        out = folds == fold
        coefficients, biases = head(x[~out], labels[~out], weights[~out], ridge)
        logits[out] = x[out] @ coefficients + biases
    return logits


def folds_of(texts: Sequence[Example]) -> Numbers:
    """The fold of each text: those of a group together, about evenly many in each."""
    groups = {group: number % FOLDS for number, group in enumerate(dict.fromkeys(one.group for one in texts))}
    return np.array([groups[one.group] for one in texts])


def authors_of(texts: Sequence[Example]) -> Numbers:
    """The number of each text's author."""
    authors = sorted({one.author for one in texts})
    return np.array([authors.index(one.author) for one in texts])


def words_of(matcher: Matcher, texts: Sequence[Example]) -> Numbers:
    """What the lexicon says of each text, shape (texts, keys)."""
    return np.array([matcher.evidence(matcher.find(one.text, one.language)) for one in texts])


def fuse(logits: Numbers, words: Numbers, labels: Numbers, weights: Numbers | None = None) -> Numbers:
    """(k, 3): how much heads and words count, and the bias, that tell the labels best, 1 and 0 counting the same."""
    weights = balanced(labels, np.ones_like(labels)) if weights is None else weights
    own = np.stack([logits, words, np.ones_like(words)], axis=2)
    problem = Problem(
        np.zeros((len(labels), 0)), own, labels, weights, np.zeros_like(labels), 0.0, np.array([1e-3, 1e-3, 0.0])
    )
    return fit(problem)[1]


def fuse_each(logits: Numbers, words: Numbers, labels: Numbers, weights: Numbers) -> Numbers:
    """(k, 3): the themes share one fusion, since few texts have each; the aim and the main reason have their own."""
    themes = slice(0, len(THEMES))
    flat = [part[:, themes].reshape(-1, 1) for part in (logits, words, labels)]
    shared = fuse(flat[0], flat[1], flat[2])
    rest = slice(len(THEMES), None)
    return np.vstack(
        [
            np.repeat(shared, len(THEMES), axis=0),
            fuse(logits[:, rest], words[:, rest], labels[:, rest], weights[:, rest]),
        ]
    )


def _targets(texts: Sequence[Example], vectors: Vectors) -> dict[str, Numbers]:
    """Each target as the mean of its three texts' directions, without what they all have in common."""
    unit = {(one.codes[0], one.language): vector for one, vector in zip(texts, vectors, strict=True) if one.weight < 1}
    whole = np.array([[unit[code, language] for language in LANGUAGES] for code in TARGETS], dtype=np.float64)
    centred = _unit(whole - whole.mean(axis=(0, 1)))
    own = [at for at, one in enumerate(texts) if one.weight == 1]
    passage_mean = vectors[own].mean(axis=0).astype(np.float64)
    target_vectors = centred.mean(axis=1)
    cosines = _unit(vectors[own] - passage_mean) @ target_vectors.T
    return {"passage_mean": passage_mean, "target_vectors": target_vectors, "target_deviation": cosines.std()}


def _unit(vectors: Numbers) -> Numbers:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))


def _about(texts: Sequence[Example], embedding: str) -> dict[str, Any]:
    own = [one for one in texts if one.weight == 1]
    return {
        "embedding": embedding,
        "texts": digest(texts),
        "framework": len(texts) - len(own),
        "examples": len(own),
        "of no goal": sum(not one.codes for one in own),
        "by language": dict(sorted(Counter(one.language for one in own).items())),
        "screened for gender": {str(key): count for key, count in sorted(
            Counter(one.screening.marker for one in own if one.screening).items())},
        "goal lexicon": lexicon_digest(goal_terms()),
        "gender lexicon": lexicon_digest(gender_terms()),
        "terms": len(goal_terms()) + len(gender_terms()),
    }  # fmt: skip


__all__ = ["OBJECTIVE", "train"]
assert all(theme in load("gender_themes") for theme in THEMES)
