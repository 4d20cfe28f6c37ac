"""Records for the benchmark: as many as wanted, always the same ones, in the shape and with the words of the fixtures.

Texts are words of the fixtures, as frequent as there, around the label and definition of one vocabulary term; names are
invented. A passage's vector is the shipped vector of that definition in the passage's language, blurred.
"""

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Iterator
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

import numpy as np

from indexer.demo_vectors import record_files
from indexer.embedding import Embedder, Vectors, text_key
from indexer.meaning import typical_texts
from indexer.vector_cache import VectorCache
from schemas.language import LANGUAGES, Language
from schemas.records import RecordType
from schemas.vocabulary import load

SEED: Final = 20_260_101
SUMMARY_WORDS: Final = 25
BODY_WORDS: Final = 115
#: One record in so many is a city, up to a number that a network of cities may have.
CITY_EVERY: Final = 40
MOST_CITIES: Final = 600
#: Length of the noise added to a unit vector: cosine 0.9 with what it blurs.
BLUR: Final = 0.48

_TYPES: Final[dict[RecordType, int]] = {
    "case_study": 40, "initiative": 15, "publication": 15, "expert": 10, "event": 10, "news": 10,
}  # fmt: skip
_SYLLABLES: Final = [consonant + vowel for consonant in "bcdfgklmnprstvz" for vowel in "aeiou"]
_WORD: Final = re.compile(r"\w[\w’'-]*")
#: Languages of a record, the original first; each of these is as frequent.
_LANGUAGES: Final[tuple[tuple[Language, ...], ...]] = (
    ("en",), ("es",), ("fr",), ("en", "es"), ("es", "en"), ("fr", "en"),
)  # fmt: skip


class Subject:
    """One vocabulary term that records are about: its number among the typical texts, and what it tags."""

    def __init__(self, number: int, facet: str, term: str) -> None:
        self.number, self.facet, self.term = number, facet, term


class Writer:
    """Writes records one after the other. Two writers with one seed write the same."""

    def __init__(self, seed: int = SEED) -> None:
        self._random = random.Random(seed)
        self._typical = typical_texts()
        self._cities: list[str] = []

    @cached_property
    def _words(self) -> dict[Language, tuple[list[str], list[int]]]:
        """Words of the fixtures with their cumulated counts, by language."""
        counts: dict[Language, Counter[str]] = {language: Counter() for language in LANGUAGES}
        for file in record_files():
            for line in file.read_text("utf-8").splitlines():
                for language, text in _translated(json.loads(line)):
                    counts[language].update(_WORD.findall(text))
        return {language: (list(found), list(accumulate(found.values()))) for language, found in counts.items()}

    @cached_property
    def _subjects(self) -> list[Subject]:
        """In the order of the typical texts."""
        terms = [(facet, term) for facet in ("sdgs", "topics", "gender_themes") for term in load(facet).terms]
        defined = [
            (facet, term.id) for facet, term in terms if len(term.definition) == len(LANGUAGES) and "." not in term.id
        ]
        if len(defined) != len(self._typical["en"]):
            raise ValueError("typical_texts() has changed; bring Writer._subjects in line with it")
        return [Subject(number, facet, id) for number, (facet, id) in enumerate(defined)]

    def records(self, number: int) -> Iterator[tuple[dict[str, Any], int]]:
        """So many records as import lines, each with the number of the subject that it is about."""
        for place in range(number):
            if place % CITY_EVERY == 0 and len(self._cities) < MOST_CITIES:
                yield self._city(place), 0
            else:
                subject = self._random.choice(self._subjects)
                yield self._record(place, subject), subject.number

    def _city(self, place: int) -> dict[str, Any]:
        name = self._name()
        self._cities.append(f"bench-{place}")
        countries = self._random.choice([term for term in load("regions").terms if term.members]).members
        return {
            "type": "city", "id": self._cities[-1], "language": "en", "status": "published",
            "title": dict.fromkeys(LANGUAGES, name),
            "summary": {language: self._text(language, 0, SUMMARY_WORDS) for language in LANGUAGES},
            "place": {
                "country": self._random.choice(countries),
                "coordinates": {"lat": self._random.uniform(-40, 60), "lon": self._random.uniform(-120, 150)},
                "population": int(self._random.lognormvariate(13.5, 1.2)),
            },
        }  # fmt: skip

    def _record(self, place: int, subject: Subject) -> dict[str, Any]:
        type = self._random.choices(list(_TYPES), list(_TYPES.values()))[0]
        languages = self._random.choice(_LANGUAGES)
        name = self._name()
        value = {
            "type": type, "id": f"bench-{place}", "language": languages[0], "status": "published",
            "title": {language: f"{name}: {self._text(language, subject.number, 6)}" for language in languages},
            "summary": {language: self._text(language, subject.number, SUMMARY_WORDS) for language in languages},
            "body": {language: self._text(language, subject.number, BODY_WORDS) for language in languages},
        }  # fmt: skip
        return value | self._tags(subject) | self._facts(type)

    def _tags(self, subject: Subject) -> dict[str, Any]:
        goals = [str(self._random.randint(1, 17)) for _ in range(self._random.randint(0, 2))]
        topics = [self._random.choice(load("topics").terms).id]
        gender: dict[str, Any] = {"marker": self._random.choice([None, 0, 1, 2])}
        if subject.facet == "sdgs":
            goals.insert(0, subject.term)
        elif subject.facet == "topics":
            topics.insert(0, subject.term)
        else:
            gender["themes"] = [{"theme": subject.term}]
        return {
            "topics": list(dict.fromkeys(topics)),
            "sdgs": [{"code": code} for code in dict.fromkeys(goals)],
            "gender": gender,
            "links": [{"rel": "city", "to": self._random.choice(self._cities)}] if self._random.random() < 0.75 else [],
        }

    def _facts(self, type: RecordType) -> dict[str, Any]:
        date = str(self._random.randint(1990, 2026))
        if type in ("case_study", "initiative"):
            stage = self._random.choice(load("stages").terms).id
            band = self._random.choice(load("cost_bands").terms).id
            facts: dict[str, Any] = {"period": {"start": date}, "stage": stage, "costs": {"band": band}}
            return facts | ({"evidence_level": self._random.randint(0, 5)} if type == "case_study" else {})
        return {"event": {"start": date}, "publication": {"date": date}, "news": {"date": date}}.get(type, {})

    def _text(self, language: Language, subject: int, length: int) -> str:
        """Sentences of frequent words, with a run of words of what the text is about."""
        words, weights = self._words[language]
        about = self._typical[language][subject].split()[: length // 3]
        drawn = self._random.choices(words, cum_weights=weights, k=length - len(about) - 1)
        text = [*drawn[:3], *about, *drawn[3:], self._name()]
        return " ".join(f"{' '.join(text[start : start + 14])}." for start in range(0, length, 14))

    def _name(self) -> str:
        return "".join(self._random.choices(_SYLLABLES, k=4)).capitalize()


def _translated(value: Any) -> Iterator[tuple[Language, str]]:
    """Every (language, text) in an import line."""
    if isinstance(value, list):
        for part in value:
            yield from _translated(part)
    elif isinstance(value, dict):
        for key, part in value.items():
            if key in LANGUAGES and isinstance(part, str):
                yield key, part
            else:
                yield from _translated(part)


class Blurred:
    """Makes vectors for passages: unit vectors around the real one of their subject in their language."""

    def __init__(self, embedder: Callable[[], Embedder], cache: VectorCache, seed: int = SEED) -> None:
        self._random = np.random.default_rng(seed)
        self._centres = {language: _vectors(texts, embedder, cache) for language, texts in typical_texts().items()}

    def vector(self, language: Language, subject: int) -> Vectors:
        """The next vector for that subject, shape (dimension,)."""
        centre = self._centres[language][subject]
        noise = self._random.standard_normal(len(centre))
        blurred = centre + BLUR * noise / np.linalg.norm(noise)
        return np.asarray(blurred / np.linalg.norm(blurred), dtype=np.float32)


def _vectors(texts: list[str], embedder: Callable[[], Embedder], cache: VectorCache) -> list[Vectors]:
    """Shipped vectors from the cache; those that are not there are computed."""
    known = cache.get([text_key(text) for text in texts])
    return [known[key] if (key := text_key(text)) in known else embedder().passages([text])[0] for text in texts]


def write_lines(path: Path, number: int) -> None:
    """A file of so many records, one JSON object a line."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(value, ensure_ascii=False) + "\n" for value, _ in Writer().records(number))
