"""From texts and lexicon to a model: the method of docs/tagging.md."""

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import numpy as np

from indexer.embedding import Vectors
from indexer.tagging.logistic import Numbers, Problem, fit
from indexer.tagging.matching import Matcher
from indexer.tagging.model import FURTHER, GENDER, TARGETS, THEMES, TaggingModel
from indexer.tagging.reading import gender_words, goal_words
from indexer.tagging.texts import Example, digest, goal_labels, parts_of
from schemas.language import LANGUAGES
from schemas.lexicon import GOALS, gender_terms, goal_terms
from schemas.lexicon import digest as lexicon_digest

#: Of the heads: 1 / C, with C = .003.
RIDGE: Final = 1 / 0.003
#: Of the heads for sentences, which have more to learn from.
SENTENCE_RIDGE: Final = 30.0
FUSION_RIDGE: Final = 0.1
#: A text of no goal counts so many times: there are few of them among what the goals are told from.
NO_GOAL_WEIGHT: Final = 6.0
#: And so many times where heads and words are weighed: most of what a city writes serves no goal or few.
NO_GOAL_SHARE: Final = 20.0
#: Added to every goal's logit: to miss a goal costs more than to reject one, and people do not see a missing one. At 3.6 the
#: everyday set has an accuracy of .91, and official texts are found in .93, .92 and .91; at 3.1 it is .94, and .87 of the French
#: are found; at 4.1 .86, and .94. Of the partners' projects, read by hand, F1 of what is suggested is .68 from 3.1 to 4.1.
GENEROUS: Final = 3.6
#: Turns of heads and shares.
TURNS: Final = 2
#: Parts of the texts that are held out in turn, to learn how far a head is to be believed on what it has not seen.
FOLDS: Final = 5
#: Digits of the numbers that are kept: processors differ in the last ones.
DIGITS: Final = 5

Unfold = Callable[[Numbers, Numbers], tuple[Numbers, Numbers]]
Standardised = Callable[[Sequence[str]], Numbers]


def train(texts: Sequence[Example], vectors: Mapping[str, Vectors], embedding: str) -> TaggingModel:
    """The model for these texts, with the vectors of their ``pieces`` by that embedding model."""
    whole = np.array([vectors[one.text] for one in texts])
    mean = whole.mean(axis=0)
    deviation = np.float32((whole - mean).std())
    x = ((whole - mean) / deviation).astype(np.float64)

    def unfold(heads: Numbers, biases: Numbers) -> tuple[Numbers, Numbers]:
        return heads / deviation, biases - mean @ heads / deviation

    def standardised(parts: Sequence[str]) -> Numbers:
        return np.asarray((np.array([vectors[part] for part in parts]) - mean) / deviation, dtype=np.float64)

    goal_heads, goal_biases, any_head, any_bias, goal_fusion = _goals(texts, x, unfold)
    numbers = {
        "mean": mean, "deviation": deviation,
        "goal_heads": goal_heads, "goal_biases": goal_biases,
        "any_head": any_head, "any_bias": any_bias, "goal_fusion": goal_fusion,
        **_targets(texts, whole), **_gender([one for one in texts if one.screening], standardised, unfold),
    }  # fmt: skip
    kept = {
        name: np.round(np.asarray(value, dtype=np.float64), DIGITS).astype(np.float32)
        for name, value in numbers.items()
    }
    return TaggingModel(**kept, about=json.dumps(about(texts, embedding), sort_keys=True))


def _goals(texts: Sequence[Example], x: Numbers, unfold: Unfold) -> tuple[Numbers, ...]:
    """Heads of the goals and of any goal, each with its biases, and the fusion, which is the same for all goals."""
    labels = goal_labels(texts).astype(np.float64)
    counted = np.array([[one.weight * (1 if one.codes else NO_GOAL_WEIGHT)] for one in texts])
    weights = balanced(labels, counted)
    some = labels.max(axis=1, keepdims=True)
    some_weights = balanced(some, counted)
    folds, own = folds_of(texts), np.array([one.weight == 1 for one in texts])
    features = [
        out_of_fold(x, labels, weights, folds)[own],
        words_of(goal_words(), texts)[own],
        np.repeat(out_of_fold(x, some, some_weights, folds)[own], len(GOALS), axis=1),
    ]
    often = np.repeat(np.where(some[own] == 1, 1.0, NO_GOAL_SHARE), len(GOALS), axis=1)
    flat = [feature.reshape(-1, 1) for feature in features]
    fusion = fuse(flat, labels[own].reshape(-1, 1), often.reshape(-1, 1))
    fusion[:, -1] += GENEROUS
    any_head, any_bias = unfold(*head(x, some, some_weights))
    return *unfold(*head(x, labels, weights)), any_head[:, 0], any_bias[0], fusion[0]


def _gender(texts: Sequence[Example], standardised: Standardised, unfold: Unfold) -> dict[str, Numbers]:
    """Heads for windows and for sentences, and fusions. A text has its labels as a whole: which of its sentences carry them
    is found out in turns with the heads."""
    labels, known = gender_labels(texts)
    split = [parts_of(one.text) for one in texts]
    wide, close = (Parts([parts[size] for parts in split], standardised) for size in (0, 1))
    authors = authors_of(texts)
    words = words_of(gender_words(), texts)
    features = [np.zeros_like(labels), np.zeros_like(labels), words]
    for author in np.unique(authors):
        out = authors == author
        for number, (parts, ridge) in enumerate(((wide, RIDGE), (close, SENTENCE_RIDGE))):
            features[number][out] = parts.logits(*parts.heads(labels, known * ~out[:, None], ridge))[out]
    window = unfold(*wide.heads(labels, known, RIDGE))
    sentence = unfold(*close.heads(labels, known, SENTENCE_RIDGE))
    return {
        "window_heads": window[0], "window_biases": window[1],
        "sentence_heads": sentence[0], "sentence_biases": sentence[1],
        "gender_fusion": _gender_fusion(features, labels, known),
    }  # fmt: skip


def _gender_fusion(features: Sequence[Numbers], labels: Numbers, known: Numbers) -> Numbers:
    """(26, 4). The themes share one fusion, since few texts have each; so do the answers yes, and the answers no. Themes weigh
    1 and 0 the same; the marker and the criteria do not, so that their probabilities are those of texts on gender."""
    parts = (slice(0, 12), slice(12, 13), slice(13, 14), slice(14, 20), slice(20, 26))
    found = []
    for part in parts:
        flat = [feature[:, part].reshape(-1, 1) for feature in features]
        weights = known[:, part].reshape(-1, 1)
        yes = labels[:, part].reshape(-1, 1)
        fusion = fuse(flat, yes, balanced(yes, weights) if part.start == 0 else weights)
        found.append(np.repeat(fusion, part.stop - part.start, axis=0))
    return np.vstack(found)


class Parts:
    """The parts of several texts, windows or sentences, of which each belongs to one text."""

    def __init__(self, parts: Sequence[Sequence[str]], standardised: Standardised) -> None:
        self._x = standardised([part for of_one in parts for part in of_one])
        self._starts = np.cumsum([0, *(len(of_one) for of_one in parts)])[:-1]
        self._text = np.repeat(np.arange(len(parts)), [len(of_one) for of_one in parts])

    def heads(self, labels: Numbers, weights: Numbers, ridge: float) -> tuple[Numbers, Numbers]:
        """Heads for labels (texts, k) with these weights. Of a text that has a label, the parts count by how much they speak
        for it by the heads of the turn before."""
        counts = np.bincount(self._text)[self._text][:, None]
        shares = np.ones((len(self._text), labels.shape[1])) / counts
        of_parts = labels[self._text]
        coefficients, biases = np.zeros(0), np.zeros(0)
        for _ in range(TURNS):
            whole = balanced(of_parts, weights[self._text] * shares)
            coefficients, biases = head(self._x, of_parts, whole, ridge)
            raised = np.exp(np.clip(self._x @ coefficients + biases, -30, 30))
            speaking = raised / np.add.reduceat(raised, self._starts)[self._text]
            shares = np.where(of_parts == 1, speaking, 1 / counts)
        return coefficients, biases

    def logits(self, coefficients: Numbers, biases: Numbers) -> Numbers:
        """(texts, k): ln mean exp over the parts of each."""
        raised = np.exp(np.clip(self._x @ coefficients + biases, -30, 30))
        return np.asarray(np.log(np.add.reduceat(raised, self._starts) / np.bincount(self._text)[:, None]))


def gender_labels(texts: Sequence[Example]) -> tuple[Numbers, Numbers]:
    """1 where a text that was read has what ``GENDER`` names, shape (texts, 26); and 1 where that was asked: the main reason
    only where equality is an aim."""
    read = [one.screening for one in texts if one.screening]
    labels = np.array(
        [
            [
                *(theme in one.themes for theme in THEMES),
                one.marker > 0,
                one.marker == 2,
                *(one.criteria.get(criterion) is True for criterion in FURTHER),
                *(one.criteria.get(criterion) is False for criterion in FURTHER),
            ]
            for one in read
        ],
        dtype=np.float64,
    )
    known = np.ones_like(labels)
    known[:, GENDER.index("principal")] = labels[:, GENDER.index("objective")]
    return labels, known


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


def fuse(features: Sequence[Numbers], labels: Numbers, weights: Numbers | None = None) -> Numbers:
    """(k, features + 1): how much each feature (n, k) counts, and the bias, that tell the labels best; without weights 1 and
    0 count the same."""
    weights = balanced(labels, np.ones_like(labels)) if weights is None else weights
    own = np.stack([*features, np.ones_like(labels)], axis=2)
    ridge = np.array([FUSION_RIDGE] * len(features) + [0.0])
    return fit(Problem(np.zeros((len(labels), 0)), own, labels, weights, np.zeros_like(labels), 0.0, ridge))[1]


def _targets(texts: Sequence[Example], vectors: Vectors) -> dict[str, Numbers]:
    """Each target as the mean of the directions of its three definitions, without what all of them have in common, and of the
    examples that serve it, without what passages have in common: the more there are, the more they count."""
    unit = {(one.codes[0], one.language): vector for one, vector in zip(texts, vectors, strict=True) if one.weight < 1}
    whole = np.array([[unit[code, language] for language in LANGUAGES] for code in TARGETS], dtype=np.float64)
    own = [at for at, one in enumerate(texts) if one.weight == 1]
    passage_mean = vectors[own].mean(axis=0).astype(np.float64)
    passages = _unit(vectors[own] - passage_mean)
    serves = np.array([[_share(texts[at], code) for code in TARGETS] for at in own])
    examples = serves.T @ passages / (serves.sum(axis=0) + 1)[:, None]
    target_vectors = _unit(whole - whole.mean(axis=(0, 1))).mean(axis=1) + examples
    cosines = passages @ target_vectors.T
    return {"passage_mean": passage_mean, "target_vectors": target_vectors, "target_deviation": cosines.std()}


def _share(text: Example, code: str) -> float:
    """How far an example stands for a target: for its first one, half for its second."""
    codes = [one for one in text.codes if one in TARGETS][:2]
    return 1 / (codes.index(code) + 1) if code in codes else 0.0


def _unit(vectors: Numbers) -> Numbers:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9))


def about(texts: Sequence[Example], embedding: str) -> dict[str, Any]:
    """What a model of these texts says of its origin."""
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
