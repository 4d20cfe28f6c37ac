"""Known words, to be looked through for those that are spelled like another. Most are told apart by their length and their
letters, all at once; only the few that are left are compared."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein

#: Letters are told apart by their number modulo this: two that share a place are only compared in vain.
_PLACES = 64


class Spellings:
    """These words, the preferred ones first."""

    def __init__(self, words: Sequence[str]) -> None:
        self._words = words
        self._lengths = np.fromiter(map(len, words), dtype=np.int32, count=len(words))
        self._letters = _letters(words)

    def near(self, word: str, most: int, limit: int) -> list[str]:
        """Those that are at most so many edits away (a letter more, less, another, or two swapped), nearest first."""
        choices = [self._words[place] for place in self._possible(word, most)]
        scorer = DamerauLevenshtein.distance
        return [found for found, *_ in process.extract(word, choices, scorer=scorer, score_cutoff=most, limit=limit)]

    def _possible(self, word: str, most: int) -> NDArray[np.intp]:
        """An edit changes the length by one, brings at most one new letter and takes at most one away."""
        similar = np.flatnonzero(np.abs(self._lengths - len(word)) <= most)
        letters, (asked,) = self._letters[similar], _letters([word])
        few = (np.bitwise_count(letters & ~asked) <= most) & (np.bitwise_count(asked & ~letters) <= most)
        return np.asarray(similar[few], dtype=np.intp)


def _letters(words: Sequence[str]) -> NDArray[np.uint64]:
    """The letters of each word, as bits; no word may be empty."""
    codes: NDArray[Any] = np.frombuffer("".join(words).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    bits = np.left_shift(np.uint64(1), (codes % _PLACES).astype(np.uint64))
    starts = np.cumsum([0, *map(len, words)])[:-1]
    return np.bitwise_or.reduceat(bits, starts) if len(words) else bits
