"""Language-fair hybrid ranking: the same for every engine.

Rows are versions: a record in one of its languages. Evidence for a version is its closeness (best passage, centred per
language) and its coverage (the share of the question's information that its words carry). Formulas and measurements:
shared design, section 4; ``kb evaluate`` measures them again on the fixtures.
"""

import math
from collections.abc import Collection
from dataclasses import dataclass, fields
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from schemas.language import LANGUAGES, Language
from schemas.search import Mode

F32 = NDArray[np.float32]
Floats = NDArray[np.floating[Any]]
I32 = NDArray[np.int32]
Mask = NDArray[np.bool_]
#: Places in LANGUAGES.
Languages = NDArray[np.integer[Any]]

#: How much full coverage adds to closeness. Measured: 0.15 is best over two languages, 0.2 to 0.3 in French alone.
LEXICAL_WEIGHT: Final = 0.15
#: How much it adds that a record's tags are what the question names. Broad terms are on many records, so it is little;
#: measured on the fixtures: 0.03 to 0.05 is best, 0.15 ruins the order.
TAG_WEIGHT: Final = 0.03
#: BM25 with k1 = 1.2 gives a term at most (k1 + 1) x idf.
BM25_CEILING: Final = 2.2
#: How many passages a language's typical one weighs when its mean is reckoned. Measured with 3, 10, 30 and 120.
PRIOR_WEIGHT: Final = 5.0
#: Passages of the two collections that the floors were measured on: the best of many unrelated passages lies higher.
MEASURED_PASSAGES: Final = (240, 2_300)
#: The score (closeness + tilt) that some version must reach, or nothing answers by meaning, at each of the two sizes. In
#: the asker's own language an answer would share words; one in another language competes with what the asker's language
#: has; and where that has nothing, words cannot speak at all. docs/search.md has the trade.
OWN_LANGUAGE_FLOOR: Final = (0.055, 0.074)
OTHER_LANGUAGE_FLOOR: Final = (0.040, 0.068)
ONLY_OTHER_LANGUAGES_FLOOR: Final = (0.036, 0.050)
#: What is asked for when no language knows any word of the question.
UNKNOWN_WORDS_FLOOR: Final = (0.065, 0.077)
#: Passages from which a language counts as one in which answers could be found.
ENOUGH_PASSAGES: Final = 50
#: The closeness that a version counts with while its vectors are being computed: barely a result, for its words to raise.
WITHOUT_VECTOR: Final = 0.060
#: What each further result by meaning must reach, once something answers,
KEPT_FLOOR: Final = 0.040
#: and how far below the best it may lie.
SPREAD: Final = 0.100
#: Coverage from which words alone make a result; so do all of the question's words.
COVERAGE_FLOOR: Final = 0.50
#: The same where only words are asked for.
KEYWORD_FLOOR: Final = 0.20
#: Share of the question that its vocabulary terms must name for a tag alone to make a result.
TAG_FLOOR: Final = 0.6


@dataclass(frozen=True)
class Evidence:
    """What speaks for each version. All arrays have one row a version; ``closeness`` is nan where it is not known."""

    language: Languages
    closeness: F32
    coverage: F32
    #: Whether the version holds every word of the question.
    all_words: Mask
    tag: F32
    exact: Mask

    def at(self, rows: NDArray[np.intp]) -> "Evidence":
        """What speaks for these rows only."""
        return Evidence(**{one.name: getattr(self, one.name)[rows] for one in fields(self)})


def language_means(sums: F32, counts: NDArray[np.int64], typical: F32 | None) -> F32:
    """Mean vector per language, shape (languages, dimension), drawn towards the language's typical passage where there are
    few passages of it; ``typical`` None: towards the mean of all. ``sums`` is (languages, dimension), ``counts`` (languages,)."""
    prior = sums.sum(axis=0) / max(int(counts.sum()), 1) if typical is None else typical
    return np.asarray((sums + PRIOR_WEIGHT * prior) / (counts[:, None] + PRIOR_WEIGHT), dtype=np.float32)


def coverage(scores: Floats, most: Floats) -> F32:
    """BM25 scores as the share, 0 to 1, of ``most``, above 0: what the question's words could score in each row."""
    return np.asarray(np.minimum(scores / most, np.float32(1)), dtype=np.float32)


def floors(languages: Collection[Language], counts: NDArray[np.int64]) -> F32:
    """The floor for versions of each language, given the languages that a question may be in (none: unknown words) and the
    number of passages in each."""
    own = np.array([language in languages for language in LANGUAGES])
    competing = counts[own].sum() >= ENOUGH_PASSAGES
    other = _at_size(OTHER_LANGUAGE_FLOOR if competing else ONLY_OTHER_LANGUAGES_FLOOR, counts)
    unknown = np.full(len(LANGUAGES), _at_size(UNKNOWN_WORDS_FLOOR, counts))
    floor = np.where(own, _at_size(OWN_LANGUAGE_FLOOR, counts), other) if languages else unknown
    return np.asarray(floor, dtype=np.float32)


def _at_size(measured: tuple[float, float], counts: NDArray[np.int64]) -> float:
    """A floor for this many passages: between the two measured sizes by their logarithm, beyond them the nearer one."""
    return float(np.interp(math.log(max(int(counts.sum()), 1)), np.log(MEASURED_PASSAGES), measured))


def relevant(evidence: Evidence, mode: Mode, least: float) -> Mask:
    """Which versions answer the question: the honest zero. ``least`` is the ``bar`` of meaning. It does not depend on
    filters, so that counts add up."""
    enough = KEYWORD_FLOOR if mode == "keyword" else COVERAGE_FLOOR
    by_words = (evidence.coverage >= enough) | evidence.all_words | (evidence.tag >= TAG_FLOOR) | evidence.exact
    if mode == "keyword":
        return by_words
    by_meaning: Mask = _meaning(evidence) >= least
    return by_meaning if mode == "semantic" else np.asarray(by_words | by_meaning)


def bar(evidence: Evidence, floor: F32) -> float:
    """What closeness, with what words add to it, must reach to make a result; infinite when nothing answers by meaning,
    which is when no version reaches its language's ``floor``."""
    score = _meaning(evidence)
    answered = bool((score >= floor[evidence.language]).any())
    return max(KEPT_FLOOR, float(np.fmax.reduce(score)) - SPREAD) if answered else math.inf


def _meaning(evidence: Evidence) -> F32:
    """Closeness with what words add to it; nan where closeness is not known, which reaches nothing."""
    return np.asarray(evidence.closeness + np.float32(LEXICAL_WEIGHT) * evidence.coverage, dtype=np.float32)


def fuse(evidence: Evidence, among: Mask, mode: Mode) -> F32:
    """The score of each version. Words tilt the order within a language, never between languages: after adding coverage,
    each language's scores are shifted so that its best has the closeness that its closest had."""
    if mode == "keyword":
        score = np.maximum(evidence.coverage, evidence.tag)
    else:
        score = np.where(np.isnan(evidence.closeness), np.float32(WITHOUT_VECTOR), evidence.closeness)
        if mode == "hybrid":
            score = _without_tilt(score, LEXICAL_WEIGHT * evidence.coverage, evidence.language, among)
            score += TAG_WEIGHT * evidence.tag
    # Engines add in different orders: what is equal is to be so to the last digit, for ids to decide.
    return np.asarray(np.round(score + np.where(evidence.exact, 10.0, 0.0), 5), dtype=np.float32)


def _without_tilt(closeness: F32, bonus: F32, language: Languages, among: Mask) -> F32:
    tilted = closeness + bonus
    for one in range(len(LANGUAGES)):
        group = language == one
        chosen = group & among
        if chosen.any():
            tilted[group] += closeness[chosen].max() - tilted[chosen].max()
    return tilted
