"""Terms of the lexicon in a text: which, how often, and where they stand in it."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from schemas.language import LANGUAGES, Language
from schemas.lexicon import LexiconTerm
from schemas.text import fold

Numbers = NDArray[np.float64]

_WORD: Final = re.compile(r"[^\W_][^\W_\u0300-\u036f]*(?:[\u0300-\u036f]+[^\W_]*)*")
#: What parts two words so that no term goes across.
_BREAK: Final = re.compile(r"[;:!?()\[\]…•|]|[.,]\s|\n\s*\n")
#: Letters of the shortest prefix.
_SHORTEST: Final = 2


class Match(NamedTuple):
    """A term where it stands: ``text[start:end]``; ``term`` is its number in the lexicon."""

    term: int
    start: int
    end: int


class _Word(NamedTuple):
    folded: str
    start: int
    end: int
    #: Whether a term may go on from the word before.
    joined: bool


class Matcher:
    """Finds the terms of one lexicon. Safe to use from many threads."""

    def __init__(self, terms: Sequence[LexiconTerm], keys: Sequence[str]) -> None:
        self.terms = tuple(terms)
        self._column = np.array([keys.index(term.key) for term in terms], dtype=np.intp)
        self._weight = np.array([term.weight for term in terms], dtype=np.float64)
        self._keys = len(keys)
        self._first: dict[Language, dict[str, list[int]]] = {one: defaultdict(list) for one in LANGUAGES}
        for number, term in enumerate(terms):
            self._first[term.language][term.words[0]].append(number)

    def find(self, text: str, language: Language) -> list[Match]:
        """Every place of every term of that language, in the text's order; places of different terms may overlap."""
        words, first = list(_words(text)), self._first[language]
        found: list[Match] = []
        for at, word in enumerate(words):
            for number in _beginning(word.folded, first):
                end = self._follow(number, words, at)
                if end is not None:
                    found.append(Match(number, word.start, words[end].end))
        return found

    def _follow(self, number: int, words: Sequence[_Word], at: int) -> int | None:
        rest = self.terms[number].words[1:]
        end = at + len(rest)
        if end >= len(words):
            return None
        fits = all(
            word.joined and _is(word.folded, wanted) for word, wanted in zip(words[at + 1 :], rest, strict=False)
        )
        return end if fits else None

    def evidence(self, matches: Iterable[Match]) -> Numbers:
        """How much the matches speak for each key, shape (keys,): ln(1 + s), where s is the sum over distinct terms of
        weight x (1 + ln count) / 2."""
        counts: dict[int, int] = defaultdict(int)
        for match in matches:
            counts[match.term] += 1
        numbers = np.fromiter(counts, dtype=np.intp, count=len(counts))
        often = np.fromiter(counts.values(), dtype=np.float64, count=len(counts))
        strength = self._weight[numbers] * (1 + np.log(np.maximum(often, 1))) / 2
        return np.log1p(np.bincount(self._column[numbers], strength, self._keys))

    def of_key(self, column: int, matches: Iterable[Match]) -> list[Match]:
        """Those matches that speak for the key with this number."""
        return [match for match in matches if self._column[match.term] == column]


def within(matches: Iterable[Match], start: int, end: int) -> list[Match]:
    """The matches that stand wholly in ``text[start:end]``."""
    return [match for match in matches if match.start >= start and match.end <= end]


def _words(text: str) -> Iterator[_Word]:
    before = 0
    for found in _WORD.finditer(text):
        joined = not _BREAK.search(text, before, found.start())
        before = found.end()
        for part in fold(found.group()).split():  # some ligatures unfold to several words
            yield _Word(part, found.start(), found.end(), joined)
            joined = True


def _beginning(word: str, first: dict[str, list[int]]) -> Iterator[int]:
    yield from first.get(word, ())
    for length in range(_SHORTEST, len(word) + 1):
        yield from first.get(f"{word[:length]}*", ())


def _is(word: str, wanted: str) -> bool:
    return word.startswith(wanted[:-1]) if wanted[-1] == "*" else word == wanted
