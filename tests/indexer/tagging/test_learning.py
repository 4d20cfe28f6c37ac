"""Decisions move what they are about, and nothing else."""

import numpy as np
import pytest

from indexer.tagging.learning import Offsets, compare, fit
from schemas.lexicon import GOALS

DOCUMENTS, NUMBERS = 60, 384


@pytest.fixture
def decided() -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    random = np.random.default_rng(1)
    vectors = random.normal(size=(DOCUMENTS, NUMBERS)).astype(np.float32)
    words = np.abs(random.normal(size=(DOCUMENTS, len(GOALS))))
    return vectors, words, np.full((DOCUMENTS, len(GOALS)), np.nan), np.full((DOCUMENTS, len(GOALS)), 1.0)


def test_a_goal_that_is_rejected_again_and_again_sinks_and_the_others_stay(decided: tuple[np.ndarray, ...]) -> None:
    vectors, words, labels, base = decided
    labels[:, 3] = 0
    moved = fit(vectors, words, labels, base).apply(vectors, words)
    assert (moved[:, 3] < -1).all()
    assert np.abs(np.delete(moved, 3, axis=1)).max() < 1e-9


def test_a_goal_that_is_added_rises(decided: tuple[np.ndarray, ...]) -> None:
    vectors, words, labels, base = decided
    labels[:, 5] = 1
    assert fit(vectors, words, labels, base - 3).apply(vectors[0], words[0])[5] > 1


def test_without_decisions_nothing_moves(decided: tuple[np.ndarray, ...]) -> None:
    vectors, words, labels, base = decided
    assert not fit(vectors, words, labels, base).apply(vectors, words).any()
    assert compare(vectors, words, labels, base).decisions == 0


def test_offsets_come_back_from_bytes_as_they_were(decided: tuple[np.ndarray, ...]) -> None:
    vectors, words, labels, base = decided
    labels[:10, 0] = 0
    offsets = fit(vectors, words, labels, base)
    again = Offsets.from_bytes(offsets.to_bytes())
    assert (again.meaning == offsets.meaning).all()
    assert again.to_bytes() == offsets.to_bytes()
    for wrong in (b"", b"PK", b"pickle"):
        with pytest.raises(ValueError, match="no offsets"):
            Offsets.from_bytes(wrong)


def test_what_was_learnt_is_compared_on_documents_that_it_has_not_seen(decided: tuple[np.ndarray, ...]) -> None:
    vectors, words, labels, base = decided
    labels[:, 2] = np.arange(DOCUMENTS) % 4 == 0
    said = compare(vectors, words, labels, base)
    assert (said.documents, said.decisions) == (DOCUMENTS, DOCUMENTS)
    assert said.base["precision"] == 0.25
    assert said.base["recall"] == 1
    assert said.learnt["log_loss"] < said.base["log_loss"]
