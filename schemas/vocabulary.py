"""Controlled vocabularies: terms with labels, definitions and other spellings in three languages.

A vocabulary is a YAML file in ``schemas/vocabularies``. Records hold term ids only; labels are looked up.
"""

import difflib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import AfterValidator, Field

from schemas.base import Model
from schemas.language import LANGUAGES, Language, Text

FOLDER = Path(__file__).with_name("vocabularies")


class Term(Model):
    """One concept. ``broader`` and ``related`` hold ids; ``related`` may reach into another vocabulary
    as ``vocabulary:id`` (a gender theme to the SDG targets that it serves)."""

    id: str
    label: dict[Language, Text]
    definition: dict[Language, Text] = {}
    synonyms: dict[Language, list[Text]] = {}
    broader: str | None = None
    related: list[str] = []
    uri: str | None = None
    #: A number for vocabularies that are a scale (evidence level, cost band).
    value: float | None = None
    #: ISO 3166-1 alpha-2 codes of the countries in a region.
    members: list[str] = []

    def spellings(self) -> list[tuple[Language, str]]:
        """Every way to write this term: its labels and synonyms, each with its language."""
        return [
            (language, text)
            for language in LANGUAGES
            for text in [self.label[language], *self.synonyms.get(language, [])]
        ]


class Vocabulary(Model):
    """An ordered list of terms with unique ids."""

    id: str
    label: dict[Language, Text]
    description: dict[Language, Text] = {}
    uri: str | None = None
    terms: list[Term] = Field(min_length=1)

    def model_post_init(self, _context: Any, /) -> None:
        self._by_id = {term.id: term for term in self.terms}
        if len(self._by_id) != len(self.terms):
            raise ValueError(f"vocabulary {self.id} has an id twice")
        self._check_terms()

    _by_id: dict[str, Term] = {}

    def _check_terms(self) -> None:
        for term in self.terms:
            missing = [language for language in LANGUAGES if language not in term.label]
            if missing:
                raise ValueError(f"vocabulary {self.id}, term {term.id}: no label in {', '.join(missing)}")
            if term.broader is not None and term.broader not in self._by_id:
                raise ValueError(f"vocabulary {self.id}, term {term.id}: broader term {term.broader} is not there")

    def __contains__(self, term_id: object) -> bool:
        return term_id in self._by_id

    def __getitem__(self, term_id: str) -> Term:
        return self._by_id[term_id]

    def get(self, term_id: str) -> Term | None:
        """The term, or None."""
        return self._by_id.get(term_id)

    def label_of(self, term_id: str, language: Language) -> str:
        """The term's label; the id itself for a term that has been withdrawn from the vocabulary."""
        term = self._by_id.get(term_id)
        return term.label[language] if term else term_id

    def top(self) -> list[Term]:
        """The terms without a broader one, in order."""
        return [term for term in self.terms if term.broader is None]

    def narrower(self, term_id: str) -> list[Term]:
        """The terms right below this one, in order."""
        return [term for term in self.terms if term.broader == term_id]

    def with_broader(self, term_ids: list[str]) -> list[str]:
        """The ids and all that is above them, each once: what a record counts under in a facet."""
        found: dict[str, None] = {}
        for term_id in term_ids:
            current: str | None = term_id
            while current is not None and current not in found:
                found[current] = None
                term = self._by_id.get(current)
                current = term.broader if term else None
        return list(found)


@cache
def load(name: str) -> Vocabulary:
    """The vocabulary of that name. Raises FileNotFoundError for an unknown one."""
    return Vocabulary.model_validate(yaml.safe_load((FOLDER / f"{name}.yaml").read_text("utf-8")))


def names() -> list[str]:
    """Every vocabulary there is."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def term_of(*vocabularies: str) -> AfterValidator:
    """A validator for a field that holds a term of one of these vocabularies."""
    return AfterValidator(_checker(vocabularies))


def _checker(vocabularies: tuple[str, ...]) -> Callable[[str], str]:
    def check(term_id: str) -> str:
        if any(term_id in load(name) for name in vocabularies):
            return term_id
        known = [term.id for name in vocabularies for term in load(name).terms]
        near = difflib.get_close_matches(term_id, known, n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else f"; it has {', '.join(known[:8])} ..."
        raise ValueError(f"'{term_id}' is not in the vocabulary {' or '.join(vocabularies)}{hint}")

    return check
