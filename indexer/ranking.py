"""Language-fair hybrid ranking: the same for every engine.

Rows are versions: a record in one of its languages. Evidence for a version is its closeness (best passage, centred per
language) and its coverage (the share of the question's information that its words carry). Formulas and measurements:
shared design, section 4; ``kb evaluate`` measures them again on the fixtures.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from schemas.language import LANGUAGES, Language
from schemas.search import Mode

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
Mask = NDArray[np.bool_]

#: How much full coverage adds to closeness. Measured: 0.15 is best over two languages, 0.2 to 0.3 in French alone.
LEXICAL_WEIGHT: Final = 0.15
#: BM25 with k1 = 1.2 gives a term at most (k1 + 1) x idf.
BM25_CEILING: Final = 2.2
#: Passages at which a language's own mean weighs as much as the mean of all. Measured with 3, 10, 30 and 120.
SHRINKAGE: Final = 2.0
#: Score (closeness + tilt) below which a version in the asker's own language is no result: were it one, it would share
#: words with the question. Measured: loses 0.3 % of good questions, refuses 74-82 % of those without an answer.
OWN_LANGUAGE_FLOOR: Final = 0.080
#: The same in another language, where words cannot speak.
OTHER_LANGUAGE_FLOOR: Final = 0.050
#: Closeness that is asked for when no language knows any word of the question; gibberish reaches 0.060.
UNKNOWN_WORDS_FLOOR: Final = 0.065
#: How far below the best a result may lie when only meaning speaks for it.
SPREAD: Final = 0.060
#: Coverage from which words alone make a result.
COVERAGE_FLOOR: Final = 0.30
#: Share of the question that its vocabulary terms must name for a tag alone to make a result.
TAG_FLOOR: Final = 0.5


@dataclass(frozen=True)
class Evidence:
    """What speaks for each version. All arrays have one row a version; ``closeness`` is nan where it is not known."""

    language: NDArray[np.int8]
    closeness: F32
    coverage: F32
    tag: F32
    exact: Mask


def language_means(sums: F32, counts: NDArray[np.int64]) -> F32:
    """Mean vector per language, shrunk towards the mean of all where a language has few passages.

    ``sums`` is (languages, dimension), ``counts`` (languages,). An empty language gets the mean of all.
    """
    overall = sums.sum(axis=0) / max(int(counts.sum()), 1)
    return np.asarray((sums + SHRINKAGE * overall) / (counts[:, None] + SHRINKAGE), dtype=np.float32)


def coverage(scores: F32, idf_sum: float) -> F32:
    """BM25 scores as the share, 0 to 1, of the question's information."""
    return np.clip(scores / (BM25_CEILING * idf_sum), 0, 1).astype(np.float32) if idf_sum > 0 else scores * 0


def floors(languages: Collection[Language]) -> F32:
    """The floor for versions of each language, given the languages that a question may be in (none: unknown words)."""
    if not languages:
        return np.full(len(LANGUAGES), UNKNOWN_WORDS_FLOOR, dtype=np.float32)
    own = [OWN_LANGUAGE_FLOOR if language in languages else OTHER_LANGUAGE_FLOOR for language in LANGUAGES]
    return np.array(own, dtype=np.float32)


def relevant(evidence: Evidence, mode: Mode, floor: F32) -> Mask:
    """Which versions pass the floor: the honest zero. It does not depend on filters, so that counts add up."""
    by_words = (evidence.coverage >= COVERAGE_FLOOR) | (evidence.tag >= TAG_FLOOR) | evidence.exact
    if mode == "keyword":
        return by_words
    closeness = np.nan_to_num(evidence.closeness, nan=-1.0)
    score = closeness + LEXICAL_WEIGHT * np.maximum(evidence.coverage, evidence.tag)
    by_meaning: Mask = (score >= floor[evidence.language]) & (score >= score.max(initial=-1.0) - SPREAD)
    return by_meaning if mode == "semantic" else np.asarray(by_words | by_meaning)


def fuse(evidence: Evidence, among: Mask, mode: Mode) -> F32:
    """The score of each version. Words tilt the order within a language, never between languages: after adding coverage,
    each language's scores are shifted so that its best has the closeness that its closest had."""
    if mode == "keyword":
        score = np.maximum(evidence.coverage, evidence.tag)
    else:
        score = np.where(np.isnan(evidence.closeness), np.float32(OWN_LANGUAGE_FLOOR), evidence.closeness)
        if mode == "hybrid":
            score = _without_tilt(score, LEXICAL_WEIGHT * evidence.coverage, evidence.language, among)
            score += LEXICAL_WEIGHT * np.maximum(evidence.tag - evidence.coverage, 0)
    return np.asarray(score + np.where(evidence.exact, 10.0, 0.0), dtype=np.float32)


def _without_tilt(closeness: F32, bonus: F32, language: NDArray[np.int8], among: Mask) -> F32:
    tilted = closeness + bonus
    for one in np.unique(language[among]):
        group = language == one
        chosen = group & among
        tilted[group] += closeness[chosen].max() - tilted[chosen].max()
    return tilted
