"""The lexicon: terms that speak for a goal or a gender theme, by language, with how strongly they do.

A file a goal in ``vocabularies/lexicon`` (language, term, weight), and ``gender_themes.tsv`` with the theme in front;
``objective`` stands there beside the themes, for words that say that equality is an aim. ``*`` ends a word that is a prefix.
"""

import hashlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple

from schemas.language import LANGUAGES, Language
from schemas.text import folded_words
from schemas.vocabulary import FOLDER, load

LEXICON: Final = FOLDER / "lexicon"
GOALS: Final = tuple(str(number) for number in range(1, 18))
OBJECTIVE: Final = "objective"
WEIGHTS: Final = ("1", "2", "3")


class LexiconTerm(NamedTuple):
    """``words`` are folded as ``schemas.text`` does it, without what stood between them; one that ends with ``*`` stands for
    all that begin so. ``key`` is the goal or theme that it speaks for, ``weight`` 1 (a hint) to 3 (nearly always)."""

    key: str
    language: Language
    term: str
    weight: int
    words: tuple[str, ...]


@cache
def goal_terms() -> tuple[LexiconTerm, ...]:
    """The terms of the 17 goals. Raises ValueError, which names file and line, for a line that cannot be taken."""
    return tuple(term for goal in GOALS for term in _read(LEXICON / f"{goal}.tsv", goal))


@cache
def gender_terms() -> tuple[LexiconTerm, ...]:
    """The terms of the gender themes, and of ``objective``. Raises ValueError as ``goal_terms`` does."""
    return tuple(_read(LEXICON / "gender_themes.tsv"))


def digest(terms: tuple[LexiconTerm, ...]) -> str:
    """What these terms are, in 16 characters: any other term or weight makes another one."""
    lines = "\n".join("\t".join((term.key, term.language, *term.words, str(term.weight))) for term in sorted(terms))
    return hashlib.sha256(lines.encode()).hexdigest()[:16]


def _read(path: Path, key: str = "") -> Iterator[LexiconTerm]:
    """The lines of a file; of a goal's where its number is given."""
    columns = ["language", "term", "weight"] if key else ["theme", "language", "term", "weight"]
    header, *lines = path.read_text("utf-8").splitlines()
    if header.split("\t") != columns:
        raise ValueError(f"{path.name}, line 1: the columns are {', '.join(columns)}")
    for number, line in enumerate(lines, 2):
        cells = line.split("\t")
        if len(cells) != len(columns):
            raise ValueError(f"{path.name}, line {number}: {len(columns)} columns are expected, here are {len(cells)}")
        try:
            yield _term(*([key, *cells] if key else cells))
        except ValueError as error:
            raise ValueError(f"{path.name}, line {number}: {error}") from error


def _term(key: str, language: str, term: str, weight: str) -> LexiconTerm:
    known = next((one for one in LANGUAGES if one == language), None)
    if known is None:
        raise ValueError(f"the language is {' or '.join(LANGUAGES)}, not '{language}'")
    if weight not in WEIGHTS:
        raise ValueError(f"the weight is 1, 2 or 3, not '{weight}'")
    if key not in GOALS and key != OBJECTIVE and key not in load("gender_themes"):
        raise ValueError(f"'{key}' is no gender theme")
    return LexiconTerm(key, known, term, int(weight), _words(term))


def _words(term: str) -> tuple[str, ...]:
    parts = [(part, part.endswith("*")) for part in term.split()]
    words: list[str] = []
    for part, prefix in parts:
        found = folded_words(part.rstrip("*"))
        words += [*found[:-1], found[-1] + "*" * prefix] if found else []
    inside = any("*" in part.rstrip("*") for part, _ in parts)
    if inside or not words or any(len(word) < 3 for word in words if word[-1] == "*"):
        raise ValueError(f"'{term}' is no term: words, of which one with * has two letters or more")
    return tuple(words)
