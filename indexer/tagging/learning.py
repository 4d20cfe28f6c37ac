"""What staff decided, as small corrections of the fixed model: for each goal an offset, fitted anew from all decisions."""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from indexer.tagging.logistic import Numbers, Problem, sigmoid
from indexer.tagging.logistic import fit as fit_problem
from schemas.lexicon import GOALS

#: How much less a number of the vector counts than the lexicon.
SHARE: Final = 0.3
RIDGE: Final = 10.0
BIAS_RIDGE: Final = 1.0
FORMAT: Final = 1
#: Parts of the documents that are held out in turn to compare.
FOLDS: Final = 5

Array = NDArray[np.floating]


@dataclass(frozen=True)
class Offsets:
    """What is added to the logit of each goal: ``0.3 x' @ meaning + words * lexicon + bias``. ``meaning`` (d, 17),
    ``lexicon`` and ``bias`` (17,)."""

    meaning: NDArray[np.float32]
    lexicon: NDArray[np.float32]
    bias: NDArray[np.float32]

    def apply(self, vectors: Array, words: Array) -> Numbers:
        """The offsets of documents: (n, d) and (n, 17) to (n, 17), or one document's (d,) and (17,) to (17,)."""
        return np.asarray(SHARE * vectors @ self.meaning + words * self.lexicon + self.bias, dtype=np.float64)

    def to_bytes(self) -> bytes:
        """To be kept: the same for the same numbers."""
        file = io.BytesIO()
        np.savez_compressed(
            file,
            allow_pickle=False,
            format=np.array(FORMAT),
            meaning=self.meaning,
            lexicon=self.lexicon,
            bias=self.bias,
        )
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "Offsets":
        """What ``to_bytes`` kept. Raises ValueError for anything else."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                if int(stored["format"]) != FORMAT:
                    raise ValueError(f"the format is {stored['format']}")
                return cls(stored["meaning"], stored["lexicon"], stored["bias"])
        except (EOFError, OSError, KeyError, ValueError, BadZipFile) as error:
            raise ValueError(f"these are no offsets of format {FORMAT}: {error}") from error


def fit(vectors: Array, words: Array, labels: Array, base: Array) -> Offsets:
    """The offsets that n decided documents teach. ``vectors`` (n, d) are x' and ``words`` (n, 17) the lexicon's evidence, both
    as ``Tagger.document`` gives them; ``labels`` (n, 17) are 1 where a goal was accepted or added, 0 where it was rejected,
    nan where nobody decided; ``base`` (n, 17) are the logits without offsets."""
    known = ~np.isnan(labels)
    some = known.any(axis=1)
    words = words[some].astype(np.float64)
    problem = Problem(
        shared=SHARE * vectors[some].astype(np.float64),
        own=np.stack([words, np.ones_like(words)], axis=2),
        labels=np.nan_to_num(labels[some].astype(np.float64)),
        weights=known[some].astype(np.float64),
        base=base[some].astype(np.float64),
        ridge=RIDGE,
        own_ridge=np.array([RIDGE, BIAS_RIDGE]),
    )
    meaning, own = fit_problem(problem)
    return Offsets(meaning.astype(np.float32), own[:, 0].astype(np.float32), own[:, 1].astype(np.float32))


@dataclass(frozen=True)
class Comparison:
    """How the suggestions meet the decisions on documents that were held out: ``base`` without offsets, ``learnt`` with those
    of the other documents; each has precision, recall (None where there is nothing to count) and log loss in nats.
    ``decisions`` are counted, ``documents`` that have one."""

    documents: int
    decisions: int
    base: Mapping[str, float | None]
    learnt: Mapping[str, float | None]


def compare(vectors: Array, words: Array, labels: Array, base: Array, folds: int = FOLDS) -> Comparison:
    """Base against learnt, each document judged by offsets that have not seen it. Arrays as in ``fit``."""
    some = np.flatnonzero((~np.isnan(labels)).any(axis=1))
    learnt = base.astype(np.float64).copy()
    for fold in range(min(folds, len(some))):
        out = some[fold::folds]
        seen = np.setdiff1d(some, out)
        if len(seen):
            offsets = fit(vectors[seen], words[seen], labels[seen], base[seen])
            learnt[out] = base[out] + offsets.apply(vectors[out], words[out])
    known = ~np.isnan(labels)
    decided = labels[known] == 1
    return Comparison(len(some), int(known.sum()), _measured(base[known], decided), _measured(learnt[known], decided))


def _measured(logits: Array, yes: NDArray[np.bool_]) -> dict[str, float | None]:
    suggested = logits > 0
    right = int((suggested & yes).sum())
    sure = sigmoid(np.asarray(logits, dtype=np.float64))
    loss = -np.log(np.clip(np.where(yes, sure, 1 - sure), 1e-12, 1))
    return {
        "precision": right / int(suggested.sum()) if suggested.any() else None,
        "recall": right / int(yes.sum()) if yes.any() else None,
        "log_loss": float(loss.mean()) if len(loss) else None,
    }


def none_yet(dimension: int) -> Offsets:
    """Offsets that change nothing, for vectors of so many numbers."""
    zeros = np.zeros(len(GOALS), dtype=np.float32)
    return Offsets(np.zeros((dimension, len(GOALS)), dtype=np.float32), zeros, zeros)
