"""Vocabulary terms that a question names, in any of the three languages: a label or a synonym finds what is tagged with it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, NamedTuple

from babel import Locale

from indexer.analysis import content_tokens
from schemas.language import LANGUAGES, Language
from schemas.lexicon import goal_terms
from schemas.text import fold, folded_words
from schemas.vocabulary import load

#: Facet, and the vocabularies whose terms are its values.
SOURCES: Final[tuple[tuple[str, str], ...]] = (
    ("topic", "topics"),
    ("sdg", "sdgs"),
    ("gender_theme", "gender_themes"),
    ("instrument", "instruments"),
    ("region", "regions"),
)


class Concept(NamedTuple):
    """A facet value."""

    facet: str
    id: str

    @property
    def value(self) -> str:
        """As the engines know it."""
        return f"{self.facet}:{self.id}"

    def label(self, language: Language) -> str:
        """Its name in that language."""
        if self.facet == "country":
            return country_name(self.id, language)
        name = dict(SOURCES).get(self.facet, "sdgs" if self.facet == "target" else self.facet)
        return load(name).label_of(self.id, language)


@dataclass(frozen=True)
class Named:
    """A concept that a question names, and the share, 0 to 1, of the question's words that name it."""

    concept: Concept
    share: float


def country_name(code: str, language: Language) -> str:
    """The country's name as CLDR has it; the code for one that CLDR does not know."""
    return country_names(language).get(code, code)


@cache
def country_names(language: Language) -> dict[str, str]:
    """The names of all countries by code, as CLDR has them."""
    return dict(Locale(language).territories)


def spoken_name(code: str, language: Language) -> str:
    """The name of a language that people speak, as CLDR has it; the code for one that CLDR does not know."""
    return _spoken_names(language).get(code, code)


@cache
def _spoken_names(language: Language) -> dict[str, str]:
    return dict(Locale(language).languages)


class Meant(NamedTuple):
    """A concept that tokens may name: only where the question says ``wording``, folded, with a blank before it."""

    concept: Concept
    wording: str


@cache
def spellings(language: Language) -> dict[tuple[str, ...], tuple[Meant, ...]]:
    """The tokens of every spelling in that language, with the concepts that they may name."""
    found: dict[tuple[str, ...], dict[Meant, None]] = {}
    for concept, text in _spelled(language):
        key = tuple(content_tokens(text, language))
        if key:
            found.setdefault(key, {})[Meant(concept, _needed(text, key, language))] = None
    return {key: tuple(meant) for key, meant in found.items()}


#: Letters of a token that says too little alone, where a longer word was cut down to it.
SHORT: Final = 3


def _needed(text: str, tokens: Sequence[str], language: Language) -> str:
    """The words that must be there, too, where stop words and stemming leave an everyday word of a spelling: of "south-south"
    south, of "sans papiers" paper, of "Canadá" the English can. Empty where the tokens say enough."""
    words = folded_words(text)
    if len(tokens) > 1 or len({word for word in words if content_tokens(word, language) == list(tokens)}) > 1:
        return ""
    if len(words) > 1:
        return f" {' '.join(words)}"
    cut = len(tokens[0]) <= SHORT < len(words[0]) - 2
    # Of one word the beginning, so that its other forms name it, too.
    return f" {words[0][: len(tokens[0]) + 2]}" if cut else ""


def _spelled(language: Language) -> list[tuple[Concept, str]]:
    terms = [
        (Concept("target" if "." in term.id and facet == "sdg" else facet, term.id), text)
        for facet, name in SOURCES
        for term in load(name).terms
        for spoken, text in term.spellings()
        if spoken == language
    ]
    terms += [
        (Concept(facet, term.id), part)
        for facet, name in SOURCES[:3]
        for term in load(name).terms
        if facet != "sdg"
        for part in _AND.split(term.label[language])
    ]
    # What nearly always speaks of a goal asks for it, too; ``*`` stands for endings, which tokens do not have.
    terms += [
        (Concept("sdg", term.key), term.term.replace("*", ""))
        for term in goal_terms()
        if term.language == language and term.weight == 3
    ]
    codes = [code for region in load("regions").terms for code in region.members]
    return terms + [(Concept("country", code), country_name(code, language)) for code in codes]


#: "Waste and circular economy" is asked for as waste, or as circular economy.
_AND: Final = re.compile(r",| and | or | y | o | et | ou ")


@cache
def _longest(language: Language) -> dict[str, int]:
    """How long the longest spelling is that begins with a token, by that token."""
    longest: dict[str, int] = {}
    for spelling in spellings(language):
        longest[spelling[0]] = max(longest.get(spelling[0], 0), len(spelling))
    return longest


def named_in(text: str) -> list[Named]:
    """The concepts that a question names, the greater shares first. Longer spellings win over shorter ones in them."""
    best: dict[Concept, float] = {}
    said = f" {' '.join(folded_words(text))}"
    for language in LANGUAGES:
        tokens = content_tokens(text, language)
        for concept, length in _named(tokens, said, language):
            best[concept] = max(best.get(concept, 0.0), length / len(tokens))
    return sorted((Named(*one) for one in best.items()), key=lambda named: (-named.share, named.concept))


def _named(tokens: list[str], said: str, language: Language) -> list[tuple[Concept, int]]:
    found: list[tuple[Concept, int]] = []
    start = 0
    while start < len(tokens):
        for length in range(min(_longest(language).get(tokens[start], 0), len(tokens) - start), 0, -1):
            meant = spellings(language).get(tuple(tokens[start : start + length]), ())
            concepts = dict.fromkeys(one.concept for one in meant if one.wording in said)
            if concepts:
                found += [(concept, length) for concept in concepts]
                start += length - 1
                break
        start += 1
    return found


def starting(prefix: str, language: Language, limit: int) -> list[Concept]:
    """Concepts with a spelling in which a word starts like this: for suggestions, those whose label does first."""
    folded = fold(prefix).strip()
    ranked = {
        concept: min((_start_rank(text, folded), len(text)) for text in texts)
        for concept, texts in _texts(language).items()
        if any(_start_rank(text, folded) < _NEVER for text in texts)
    }
    return sorted(ranked, key=lambda concept: ranked[concept])[:limit]


_NEVER: Final = 9


def _start_rank(text: str, prefix: str) -> int:
    if text.startswith(prefix):
        return 0
    return 1 if f" {prefix}" in text else _NEVER


@cache
def _texts(language: Language) -> dict[Concept, list[str]]:
    texts: dict[Concept, list[str]] = {}
    for concept, text in _spelled(language):
        texts.setdefault(concept, []).append(fold(text))
    return texts
