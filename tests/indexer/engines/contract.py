"""What every search engine must do. An engine's tests subclass ``EngineContract`` and say where its indexes are."""

import math
import random
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.document import IndexDocument
from indexer.embedding import Model, text_key
from indexer.engines.base import Question
from schemas.language import LANGUAGES, Language
from schemas.search import FACETS, Near
from tests.indexer.samples import (
    DIMENSION,
    EMBEDDER,
    MODEL,
    Writing,
    ask,
    document,
    embed,
    filling,
    ids,
    opened,
    per_language,
)

ROOT: Final = Path(__file__).parents[3]
WORDS: Final = ["tram", "bus", "water", "waste", "roof", "school", "market", "river"]
TOPICS: Final = ["mobility", "water", "waste", "housing"]
COUNTRIES: Final = ["CO", "FR", "KE"]
#: The properties below write to a real index in each example, which takes time.
few_examples: Final = settings(max_examples=settings.default.max_examples // 5)  # type: ignore[union-attr]

Open = Callable[[], Writing]


def _library() -> list[IndexDocument]:
    """Records of all kinds: in one, two or three languages, with and without a year, a place, a topic."""
    made = random.Random(11)
    return [
        document(
            f"r-{number:02}",
            **{language: " ".join(made.choices(WORDS, k=6)) for language in made.sample(LANGUAGES, made.randint(1, 3))},
            names=[f"Name {number}"],
            type=made.choice(["case_study", "event"]),
            facets={
                "topic": made.sample(TOPICS, made.randint(0, 3)),
                "country": made.sample(COUNTRIES, made.randint(0, 1)),
                "stage": made.choice([["running"], ["ended"], []]),
            },
            year=made.choice([None, *range(2015, 2022)]),
            coordinates=made.choice([None, (made.uniform(-85, 85), made.uniform(-180, 180))]),
        )
        for number in range(70)
    ]


LIBRARY: Final = _library()
#: What all texts of a language have in common, to the made-up model: nothing.
NOTHING_TYPICAL: Final = np.zeros((len(LANGUAGES), DIMENSION), dtype=np.float32)
BY_ID: Final = {one.id: one for one in LIBRARY}

near_places = st.builds(Near, st.floats(-90, 90), st.floats(-180, 180), st.floats(1, 20_100))
questions = st.builds(
    ask,
    st.sampled_from(["", "", "tram", "bus water", "roof school market"]),
    filters=st.fixed_dictionaries(
        {},
        optional={
            "topic": st.lists(st.sampled_from([*TOPICS, "unheard-of"]), max_size=2),
            "country": st.lists(st.sampled_from(COUNTRIES), max_size=2),
            "stage": st.lists(st.sampled_from(["running", "ended"]), max_size=1),
        },
    ),
    year_from=st.none() | st.integers(2013, 2022),
    year_to=st.none() | st.integers(2013, 2022),
    near=st.none() | near_places,
    sort=st.sampled_from(["relevance", "newest", "oldest", "title", "distance"]),
    excluded=st.lists(st.sampled_from(WORDS).map(per_language), max_size=1),
)


def _distance(one: tuple[float, float], other: tuple[float, float]) -> float:
    """Kilometres between two places, by the spherical law of cosines: another formula than the engines'."""
    (lat, lon), (lat0, lon0) = (map(math.radians, place) for place in (one, other))
    cosine = math.sin(lat) * math.sin(lat0) + math.cos(lat) * math.cos(lat0) * math.cos(lon - lon0)
    return 6371 * math.acos(min(max(cosine, -1), 1))


def _holds(one: IndexDocument, phrase: Mapping[Language, tuple[str, ...]]) -> bool:
    return any(f" {' '.join(phrase[version.language])} " in f" {version.tokens} " for version in one.versions)


def _in_scope(one: IndexDocument, question: Question) -> bool:
    """Whether the record passes everything but words and facets."""
    if question.year_from is not None and (one.year is None or one.year < question.year_from):
        return False
    if question.year_to is not None and (one.year is None or one.year > question.year_to):
        return False
    if question.near is not None and (
        one.coordinates is None or _distance(one.coordinates, question.near[:2]) > question.near.km
    ):
        return False
    return not any(_holds(one, phrase) for phrase in question.excluded)


def _clear(question: Question) -> bool:
    """Whether no place is so near to the edge of the circle that rounding decides."""
    if question.near is None:
        return True
    *place, km = question.near
    return all(abs(_distance(one.coordinates, (place[0], place[1])) - km) > 0.1 for one in LIBRARY if one.coordinates)


def _chosen(one: IndexDocument, question: Question, but: str = "") -> bool:
    return all(
        set(one.facets.get(facet, ())) & set(values)
        for facet, values in question.filters.items()
        if values and facet != but
    )


def _expected_facets(found: list[IndexDocument], question: Question) -> dict[str, dict[str, int]]:
    return {
        facet.name: dict(
            Counter(
                value
                for one in found
                if _chosen(one, question, but=facet.name)
                for value in one.facets.get(facet.name, ())
            )
        )
        for facet in FACETS
    }


class EngineContract:
    """Subclasses give ``new_url``."""

    @pytest.fixture(scope="class")
    @classmethod
    def new_url(cls) -> Callable[[], str]:
        """Makes the URL of an index that does not exist yet."""
        raise NotImplementedError

    @pytest.fixture
    def url(self, new_url: Callable[[], str]) -> str:
        return new_url()

    @pytest.fixture
    def open_it(self, url: str) -> Iterator[Open]:
        """Opens the index once more, as another process would."""
        handles: list[Writing] = []

        def make() -> Writing:
            handles.append(opened(url))
            return handles[-1]

        yield make
        for engine in handles:
            engine.close()

    @pytest.fixture
    def engine(self, open_it: Open) -> Writing:
        """An empty index."""
        return open_it()

    @pytest.fixture(scope="class")
    @classmethod
    def library(cls, new_url: Callable[[], str]) -> Iterator[Writing]:
        """An index of LIBRARY that tests only read."""
        engine = opened(new_url())
        engine.write(LIBRARY)
        embed(engine)
        yield engine
        engine.close()

    # Writing

    def test_an_empty_index_answers(self, engine: Writing) -> None:
        for question in (ask(), ask("tram"), ask("tram", mode="hybrid"), ask(phrases=[per_language("a b")])):
            answer = engine.search(question)
            assert (answer.total, answer.hits, answer.incomplete) == (0, [], False)
        assert list(engine.fingerprints()) == []
        assert engine.missing_vectors(10) == {}
        assert engine.vectors_of("nobody") is None
        assert not engine.knows("tram")
        assert engine.spelled_like("tramm") is None
        assert engine.names_starting("tr", 5) == []
        assert engine.status().records == 0

    def test_a_document_is_found_as_soon_as_it_is_written(self, engine: Writing) -> None:
        engine.write([document("x", en="A tram line")])
        assert ids(engine, ask("trams")) == ["x"]
        assert ids(engine, ask("bus")) == []

    def test_writing_nothing_and_deleting_nobody_is_fine(self, engine: Writing) -> None:
        engine.write([])
        engine.delete([])
        engine.delete(["nobody"])
        engine.attach({})
        assert engine.status().records == 0

    def test_a_document_that_is_written_again_changes_nothing(self, engine: Writing) -> None:
        one = document("x", en="A tram line", es="Una línea", names=["Line"], facets={"topic": ["mobility"]}, year=2019)
        others = [document(f"o-{number}", en="A bus line") for number in range(3)]
        engine.write([one, *others])
        embed(engine)
        question = ask("tram line", mode="hybrid")
        answer, prints, status = engine.search(question), sorted(engine.fingerprints()), engine.status()
        known = {passage.key: EMBEDDER.query(passage.text) for version in one.versions for passage in version.passages}
        for _ in range(3):
            engine.write([one], known)
            engine.write([one, one], known)
        assert engine.search(question).total == answer.total
        assert engine.search(question).hits == answer.hits
        assert engine.search(question).facets == answer.facets
        assert sorted(engine.fingerprints()) == prints
        assert replace(engine.status(), bytes=0) == replace(status, bytes=0)

    def test_a_document_takes_the_place_of_the_older_one_with_its_id(self, engine: Writing) -> None:
        engine.write([document("x", en="A tram", names=["Old name"], facets={"topic": ["mobility"]}, year=2010)])
        engine.write([document("x", fr="Un toit", names=["New name"], facets={"topic": ["housing"]}, year=2020)])
        assert ids(engine, ask("tram")) == []
        assert ids(engine, ask("toits")) == ["x"]
        assert engine.search(ask()).facets["topic"] == {"housing": 1}
        assert engine.names_starting("old", 5) == []
        assert engine.names_starting("new", 5) == ["x"]
        assert ids(engine, ask(year_to=2015)) == []

    def test_the_last_of_one_batch_wins(self, engine: Writing) -> None:
        engine.write([document("x", en="tram"), document("y", en="bus"), document("x", en="roof")])
        assert ids(engine, ask("tram")) == []
        assert ids(engine, ask("roof")) == ["x"]
        assert engine.status().records == 2

    def test_of_a_deleted_record_nothing_is_left(self, engine: Writing) -> None:
        gone = document("x", en="A tram", names=["Line"], facets={"topic": ["mobility"]})
        engine.write([gone, document("y", en="bus")])
        engine.delete(["x"])
        engine.delete(["x", "nobody"])
        assert ids(engine, ask("tram")) == []
        assert ids(engine, ask()) == ["y"]
        assert engine.search(ask()).facets["topic"] == {}
        assert engine.names_starting("line", 5) == []
        assert [record_id for record_id, _ in engine.fingerprints()] == ["y"]
        assert set(engine.missing_vectors(10).values()) == {"bus"}
        assert not engine.knows("tram")
        assert engine.spelled_like("tramm") is None
        status = engine.status()
        assert (status.records, status.passages) == (1, 1)

    def test_a_deleted_record_can_come_back(self, engine: Writing) -> None:
        engine.write([document("x", en="A tram")])
        engine.delete(["x"])
        engine.write([document("x", en="A tram")])
        assert ids(engine, ask("tram")) == ["x"]

    def test_what_comes_late_or_twice_changes_nothing(self, engine: Writing) -> None:
        """A process that slept writes what it read long ago; another sends the same once more."""
        old, new = document("x", en="tram"), document("x", en="roof")
        raw = engine.engine
        raw.write([new], 7)
        raw.write([old], 5)
        raw.write([old], 7)
        raw.delete(["x"], 6)
        raw.delete(["x"], 7)
        assert (ids(engine, ask("roof")), ids(engine, ask("tram"))) == (["x"], [])
        raw.delete(["x", "never-there"], 9)
        raw.write([old, document("never-there", en="tram"), document("other", en="tram")], 8)
        assert ids(engine, ask()) == ["other"]
        raw.write([old], 10)
        assert sorted(ids(engine, ask("tram"))) == ["other", "x"]
        assert engine.status().records == 2

    @few_examples
    @given(
        steps=st.lists(st.tuples(st.sampled_from("xyz"), st.none() | st.sampled_from(WORDS)), min_size=1, max_size=6)
    )
    def test_whatever_is_written_and_deleted_the_last_word_counts(
        self, new_url: Callable[[], str], steps: list[tuple[str, str | None]]
    ) -> None:
        engine = opened(new_url())
        expected: dict[str, str] = {}
        for record_id, word in steps:
            if word is None:
                engine.delete([record_id])
                expected.pop(record_id, None)
            else:
                engine.write([document(record_id, en=word, facets={"topic": [word]})])
                expected[record_id] = word
        assert sorted(ids(engine, ask())) == sorted(expected)
        assert engine.search(ask()).facets["topic"] == dict(Counter(expected.values()))
        for word in WORDS:
            assert sorted(ids(engine, ask(word))) == sorted(one for one in expected if expected[one] == word)
        assert engine.status().records == len(expected)
        engine.close()

    def test_deletions_are_remembered_until_the_record_is_back(self, engine: Writing) -> None:
        raw = engine.engine
        raw.write([document("x", en="tram"), document("y", en="tram")], 5)
        raw.delete(["x", "y"], 6)
        raw.delete(["never-there"], 8)
        raw.write([document("y", en="tram")], 9)
        assert sorted(raw.deleted_since(5)) == ["never-there", "x"]
        assert raw.deleted_since(6) == ["never-there"]
        assert raw.deleted_since(8) == []

    @pytest.mark.parametrize("question", ["tram school river", "market bus"])
    def test_how_often_records_were_written_hardly_changes_what_words_count(
        self, engine: Writing, question: str
    ) -> None:
        """Engines keep replaced documents in their statistics for a while: rare words seem a little rarer."""
        batch = [document(f"x-{number}", en="tram school" if number < 2 else "bus market roof") for number in range(8)]
        engine.write(batch)
        before = engine.search(ask(question)).hits[0].coverage
        for one in batch[2:]:
            engine.write([one])
        assert engine.search(ask(question)).hits[0].coverage == pytest.approx(before, abs=0.06)

    def test_ids_and_texts_may_be_of_any_script(self, engine: Writing) -> None:
        strange = ["città-è", "город", "都市", "a:b~c.d_e", "x" * 200, "'; DROP TABLE records;--", "🌆"]
        engine.write([document(one, en=f"tram {one}", names=[one]) for one in strange])
        assert sorted(ids(engine, ask("tram"))) == sorted(strange)
        assert {one for one, _ in engine.fingerprints()} == set(strange)
        engine.delete(strange[:3])
        assert sorted(ids(engine, ask("tram"))) == sorted(strange[3:])

    # Words

    def test_words_are_found_in_every_form_and_in_each_language(self, engine: Writing) -> None:
        engine.write([
            document("en", en="Women lead the cities"),
            document("es", es="Las mujeres dirigen las ciudades"),
            document("fr", fr="Les réseaux d'eau et les déchets"),
        ])  # fmt: skip
        assert ids(engine, ask("woman")) == ["en"]
        assert ids(engine, ask("CIUDAD")) == ["es"]
        assert ids(engine, ask("reseau")) == ["fr"]
        assert ids(engine, ask("DÉCHET")) == ["fr"]

    def test_more_of_the_questions_words_rank_higher(self, engine: Writing) -> None:
        engine.write([document("two", en="tram bus"), document("one", en="tram"), *filling()])
        assert ids(engine, ask("tram bus")) == ["two", "one"]

    def test_a_hit_is_the_best_version_of_its_record(self, engine: Writing) -> None:
        engine.write([document("x", en="tram", es="tranvía", fr="tramway")])
        assert [hit.language for hit in engine.search(ask("tranvías")).hits] == ["es"]

    @pytest.mark.parametrize(
        ("phrase", "expected"),
        [
            ("cable car", {"a"}), ("cable cars", {"a"}), ("car cable", {"b"}), ("cable", {"a", "b", "c"}),
            ("teleférico urbano", {"a"}), ("cable car line", set()),
        ],
    )  # fmt: skip
    def test_a_phrase_is_its_words_in_order_in_any_of_the_languages(
        self, engine: Writing, phrase: str, expected: set[str]
    ) -> None:
        engine.write([
            document("a", en="A cable car to the hill", es="Un teleférico urbano"),
            document("b", en="The car: cable of the line"),
            document("c", en="A cable and a car"),
        ])  # fmt: skip
        assert set(ids(engine, ask(phrase, phrases=[per_language(phrase)]))) == expected

    def test_every_phrase_must_be_there(self, engine: Writing) -> None:
        engine.write([document("a", en="green roof and cable car"), document("b", en="green roof")])
        both = [per_language("green roof"), per_language("cable car")]
        assert ids(engine, ask("green roof cable car", phrases=both)) == ["a"]

    def test_phrases_that_are_only_preferred_come_first_and_leave_the_others(self, engine: Writing) -> None:
        engine.write([document("a", en="car cable cable car car"), document("b", en="car cable"), *filling()])
        question = ask("cable car")
        assert set(ids(engine, question)) == {"a", "b"}
        assert ids(engine, replace(question, preferred=[per_language("cable car")])) == ["a", "b"]
        assert ids(engine, replace(question, preferred=[per_language("car cable"), per_language("cable car")])) == [
            "a",
            "b",
        ]

    def test_what_is_excluded_in_one_language_is_out_in_all(self, engine: Writing) -> None:
        engine.write([
            document("a", en="tram and bus", es="tranvía"), document("b", en="tram"), document("c", es="autobús y bus"),
            document("d", en="a tram", fr="le bus"),
        ])  # fmt: skip
        assert set(ids(engine, ask("tram", excluded=[per_language("buses")]))) == {"b"}
        assert set(ids(engine, ask(excluded=[per_language("bus"), per_language("roof")]))) == {"b"}

    def test_a_name_that_is_asked_for_comes_first(self, engine: Writing) -> None:
        engine.write([
            document("talks", en=["Metrocable Metrocable Metrocable", "All about the Metrocable of Medellín"]),
            document("is", en="A line above the roofs", names=["Metrocable", "Línea K"]),
        ])  # fmt: skip
        answer = engine.search(ask("metrocable"))
        assert [(hit.id, hit.exact) for hit in answer.hits] == [("is", True), ("talks", False)]
        assert engine.search(ask("LINEA K")).hits[0].exact

    def test_terms_that_a_question_names_find_what_is_tagged_with_them(self, engine: Writing) -> None:
        engine.write([
            document("a", en="roof", facets={"topic": ["mobility"]}),
            document("b", en="river", facets={"topic": ["water"]}),
        ])  # fmt: skip
        assert ids(engine, ask("transport", terms={"topic:mobility": 1.0})) == ["a"]
        assert ids(engine, ask("transport in the country", terms={"topic:mobility": 0.3})) == []

    def test_gibberish_finds_nothing(self, library: Writing) -> None:
        question = replace(ask("xkcd blorptang", mode="hybrid"), languages=frozenset())
        assert library.search(question).total == 0

    # Meaning

    def test_texts_wait_for_their_vectors_and_meaning_speaks_when_they_are_there(self, engine: Writing) -> None:
        texts = ["above the roofs", "under the river"]
        engine.write([document("a", en=texts[0]), document("b", es=texts[1]), document("c", en=texts[0])])
        assert engine.missing_vectors(10) == {text_key(text): text for text in texts}
        assert len(engine.missing_vectors(1)) == 1
        question = Question(mode="semantic", vector=EMBEDDER.query("above the roofs"), typical=NOTHING_TYPICAL)
        assert engine.search(question).total == 0
        assert engine.search(question).incomplete
        engine.attach({text_key(texts[0]): EMBEDDER.query(texts[0]), b"of nobody's text": EMBEDDER.query("x")})
        answer = engine.search(question)
        assert {hit.id for hit in answer.hits} == {"a", "c"}
        assert answer.incomplete
        assert engine.status().embedded == 2
        embed(engine)
        assert not engine.search(question).incomplete
        assert engine.missing_vectors(10) == {}

    def test_vectors_that_are_known_come_with_the_document(self, engine: Writing) -> None:
        known = {text_key(text): EMBEDDER.query(text) for text in ("above the roofs", "of nobody's text")}
        engine.write([document("x", en=["above the roofs", "through the valley"], year=2020)], known)
        assert set(engine.missing_vectors(10).values()) == {"through the valley"}
        assert engine.status().embedded == 1

    def test_a_vector_that_comes_after_its_text_has_gone_is_no_harm(self, engine: Writing) -> None:
        engine.write([document("x", en="above the roofs")])
        late = {key: EMBEDDER.query(text) for key, text in engine.missing_vectors(10).items()}
        engine.write([document("x", en="under the river")])
        engine.attach(late)
        assert set(engine.missing_vectors(10).values()) == {"under the river"}

    def test_a_hit_says_which_passage_of_which_language_is_nearest(self, engine: Writing) -> None:
        engine.write([
            document("x", en=["first we rode", "then we flew", "at last we swam"], es="nada de esto"), *filling()
        ])  # fmt: skip
        embed(engine)
        hit = engine.search(ask("at last we swam", mode="semantic")).hits[0]
        assert (hit.id, hit.language, hit.passage) == ("x", "en", 2)
        assert hit.closeness is not None
        assert hit.closeness > 0.5

    def test_the_vector_of_a_record_is_the_mean_of_its_passages(self, engine: Writing) -> None:
        engine.write([document("x", en=["above the roofs", "under the river"]), document("y", en="bus")])
        assert engine.vectors_of("x") is None
        embed(engine)
        vector = engine.vectors_of("x")
        mean = EMBEDDER.passages(["above the roofs", "under the river"]).mean(axis=0)
        assert vector is not None
        assert vector == pytest.approx(mean / np.linalg.norm(mean), abs=0.01)

    def test_a_record_is_not_similar_to_itself(self, engine: Writing) -> None:
        engine.write([document("x", en="above the roofs"), document("y", en="above the roofs again")])
        embed(engine)
        question = Question(vector=engine.vectors_of("x"), typical=NOTHING_TYPICAL, limit=1)
        assert ids(engine, question) == ["x"]
        assert ids(engine, replace(question, without="x")) == ["y"]

    def test_meaning_finds_across_languages_without_favour(self, engine: Writing) -> None:
        """Two records that say the same are level, whatever the language of the one that has the question's words."""
        engine.write([document("a", en="solar roofs"), document("b", es="solar roofs"), *filling()])
        embed(engine)
        question = replace(ask("solar roofs", mode="hybrid"), words={"en": tuple(ask("solar roofs").words["en"])})
        hits = engine.search(question).hits
        assert {hit.id for hit in hits[:2]} == {"a", "b"}
        assert hits[0].score == pytest.approx(hits[1].score, abs=0.03)

    # Filters, counts, order, pages

    @given(question=questions.filter(_clear))
    def test_filters_and_counts_agree_with_counting_by_hand(self, library: Writing, question: Question) -> None:
        answer = library.search(replace(question, limit=len(LIBRARY)))
        worded = ids(library, Question(mode=question.mode, words=question.words, name=question.name, limit=100))
        found = [one for one in LIBRARY if one.id in worded and _in_scope(one, question)]
        expected = {one.id for one in found if _chosen(one, question)}
        assert {hit.id for hit in answer.hits} == expected
        assert answer.total == len(expected) == len(answer.hits)
        assert answer.facets == _expected_facets(found, question)

    def test_choosing_a_value_leaves_the_counts_of_its_neighbours(self, library: Writing) -> None:
        every = library.search(ask()).facets
        chosen = library.search(ask(filters={"topic": ["water"]}))
        assert chosen.facets["topic"] == every["topic"]
        assert chosen.total == every["topic"]["water"]
        assert chosen.facets["country"] != every["country"]

    def test_values_of_one_facet_are_alternatives_and_facets_narrow_each_other(self, library: Writing) -> None:
        either = ids(library, ask(filters={"topic": ["water", "waste"]}))
        both = ids(library, ask(filters={"topic": ["water"], "country": ["CO"]}))
        assert set(either) == {one.id for one in LIBRARY if {"water", "waste"} & set(one.facets["topic"])}
        water = {one.id for one in LIBRARY if "water" in one.facets["topic"]}
        assert set(both) == {one.id for one in LIBRARY if "CO" in one.facets["country"]} & water

    @given(question=questions.filter(_clear), size=st.integers(1, 9))
    def test_pages_have_neither_overlap_nor_gap(self, library: Writing, question: Question, size: int) -> None:
        whole = ids(library, replace(question, limit=100))
        pages = [ids(library, replace(question, limit=size, offset=start)) for start in range(0, len(whole) + 1, size)]
        assert [one for page in pages for one in page] == whole
        assert len(set(whole)) == len(whole)

    def test_pages_of_results_that_are_all_equal_have_neither_overlap_nor_gap(self, engine: Writing) -> None:
        engine.write([document(f"x-{number:03}", en="tram", facets={"topic": ["mobility"]}) for number in range(150)])
        question = ask("tram", terms={"topic:mobility": 1.0})
        pages = [ids(engine, replace(question, limit=10, offset=start)) for start in range(0, 150, 10)]
        assert len({one for page in pages for one in page}) == 150
        assert ids(engine, replace(question, limit=100)) == [one for page in pages[:10] for one in page]

    def test_beyond_the_last_page_is_nothing_and_without_a_page_there_are_counts(self, library: Writing) -> None:
        beyond, none = library.search(ask(offset=1000)), library.search(ask(limit=0))
        assert (beyond.hits, none.hits) == ([], [])
        assert beyond.total == none.total == len(LIBRARY)
        assert beyond.facets == none.facets

    @pytest.mark.parametrize("text", ["", "tram"])
    def test_newest_and_oldest_are_by_date_and_the_undated_come_last(self, library: Writing, text: str) -> None:
        for sort, sign in (("newest", -1), ("oldest", 1)):
            years = [BY_ID[one].year for one in ids(library, ask(text, sort=sort))]
            assert years == sorted(years, key=lambda year: (year is None, sign * (year or 0)))

    def test_a_date_is_as_precise_as_it_is_known(self, engine: Writing) -> None:
        dates = ["2019-04-30", "2019", "2020-01-02", "2019-04", "2019-12"]
        engine.write([document(date, en="x", dated=date, year=int(date[:4])) for date in dates])
        assert ids(engine, ask(sort="oldest")) == ["2019", "2019-04", "2019-04-30", "2019-12", "2020-01-02"]
        assert ids(engine, ask(sort="newest"))[0] == "2020-01-02"

    def test_titles_are_ordered_without_regard_to_case_and_accents(self, engine: Writing) -> None:
        titles = ["zebra", "École", "apple", "Eau", "Ñandú", "ecology"]
        engine.write([document(title, fr=title) for title in titles])
        assert ids(engine, ask(sort="title")) == ["apple", "Eau", "École", "ecology", "Ñandú", "zebra"]

    def test_by_distance_the_nearest_comes_first(self, library: Writing) -> None:
        near = Near(4.6, -74.1, 20_100)
        found = ids(library, ask(near=near, sort="distance"))
        distances = [_distance(BY_ID[one].coordinates or (0, 0), near[:2]) for one in found]
        assert distances == sorted(distances)
        assert len(found) == sum(one.coordinates is not None for one in LIBRARY)

    def test_the_other_side_of_the_world_is_within_the_greatest_distance(self, engine: Writing) -> None:
        engine.write([document(f"x-{lat}", en="x", coordinates=(float(lat), -170.0)) for lat in range(-90, 91, 5)])
        for lat in range(-90, 91, 5):
            assert engine.search(ask(near=Near(lat, 10, 20_100))).total == 37

    # Names and spellings

    def test_names_are_completed_at_the_start_of_any_word(self, engine: Writing) -> None:
        engine.write([
            document("a", en="x", names=["Medellín", "Ciudad de Medellín"]),
            document("b", en="x", names=["The Medellin cable car"]),
            document("c", en="x", names=["Intermedia"]),
            document("d", en="x", names=["Medell"]),
        ])  # fmt: skip
        assert engine.names_starting("MÉDELL", 5) == ["d", "a", "b"]
        assert engine.names_starting("medell", 2) == ["d", "a"]
        assert engine.names_starting("cable car", 5) == ["b"]
        assert engine.names_starting("medellin cab", 5) == ["b"]
        assert engine.names_starting("edellin", 5) == []

    @given(
        prefix=st.text(max_size=20) | st.sampled_from(["a\x00b", 'a"b', "'", "a*", "NEAR(a", "-", "a:b", "%_", "^x"])
    )
    def test_no_beginning_of_a_name_is_an_error(self, library: Writing, prefix: str) -> None:
        assert len(library.names_starting(prefix, 5)) <= 5

    def test_a_misspelt_word_is_told_the_nearest_known_one(self, engine: Writing) -> None:
        engine.write([document("x", en="Metrocable lines", es="Teleférico económico")])
        assert engine.spelled_like("metrocabel") == "metrocable"
        assert engine.spelled_like("telefrico") == "teleférico"
        assert engine.spelled_like("METROCALE") == "metrocable"
        assert engine.spelled_like("metrocable") is None
        assert engine.spelled_like("metrocables") is None
        assert engine.spelled_like("zzzzzz") is None

    def test_a_word_is_known_while_a_text_has_it_in_any_form(self, engine: Writing) -> None:
        engine.write([document("x", fr="Les réseaux"), document("y", en="Metrocables")])
        assert engine.knows("reseau")
        assert engine.knows("METROCABLE")
        assert not engine.knows("bus")
        engine.write([document("y", en="Ropeways")])
        assert not engine.knows("metrocable")
        assert engine.spelled_like("metrocabel") is None

    # Keeping

    def test_the_index_remembers_whose_vectors_it_has_until_it_is_built_anew(self, url: str) -> None:
        first, another = opened(url), Model("another", "another-2", 8)
        first.write([document("x", en="above the roofs")])
        embed(first)
        other = opened(url, another)
        assert other.model == first.model == MODEL
        successor = other.rebuild()
        assert successor.model == another
        successor.write([document("x", en="above the roofs")])
        successor.attach({key: np.full(8, 8**-0.5, dtype=np.float32) for key in successor.missing_vectors(10)})
        other.become(successor)
        assert other.model == opened(url).model == another
        vector = other.vectors_of("x")
        assert vector is not None
        assert vector.shape == (8,)

    def test_fingerprints_are_those_of_the_documents(self, library: Writing) -> None:
        assert dict(library.fingerprints()) == {one.id: one.fingerprint for one in LIBRARY}

    def test_the_status_counts_what_there_is(self, library: Writing) -> None:
        status = library.status()
        passages = sum(len(version.passages) for one in LIBRARY for version in one.versions)
        assert (status.records, status.passages, status.embedded) == (len(LIBRARY), passages, passages)
        assert status.bytes > 0

    def test_what_one_handle_writes_all_others_find(self, open_it: Open) -> None:
        one, other = open_it(), open_it()
        one.write([document("x", en="tram"), *filling()])
        assert ids(other, ask("tram")) == ["x"]
        embed(other)
        assert ids(one, replace(ask("tram", mode="semantic"), words={}, name="")) == ["x"]
        other.delete(["x"])
        assert ids(one, ask("tram")) == []

    def test_what_another_process_writes_is_found_here(self, engine: Writing, url: str) -> None:
        engine.write([document("x", en="tram")])
        assert ids(engine, ask("tram")) == ["x"]
        program = (
            "import sys; from tests.indexer.samples import document, opened; "
            "engine = opened(sys.argv[1]); engine.write([document('y', en='tram')]); engine.delete(['x'])"
        )
        subprocess.run([sys.executable, "-c", program, url], cwd=ROOT, check=True, timeout=60)
        assert ids(engine, ask("tram")) == ["y"]

    def test_what_is_written_is_there_when_the_index_is_opened_again(self, open_it: Open) -> None:
        engine = open_it()
        engine.write([document("x", en="tram", facets={"topic": ["mobility"]}, year=2019)])
        embed(engine)
        engine.close()
        again = open_it()
        answer = again.search(ask("tram", mode="hybrid"))
        assert [hit.id for hit in answer.hits] == ["x"]
        assert answer.facets["topic"] == {"mobility": 1}
        assert not answer.incomplete

    def test_a_new_index_is_filled_beside_the_old_one_and_then_takes_its_place(self, open_it: Open) -> None:
        engine, reader = open_it(), open_it()
        engine.write([document("old", en="tram")])
        successor = engine.rebuild()
        assert successor.status().records == 0
        successor.write([document("new", en="tram")])
        assert ids(engine, ask("tram")) == ids(reader, ask("tram")) == ["old"]
        engine.become(successor)
        successor.close()
        assert ids(engine, ask("tram")) == ids(reader, ask("tram")) == ids(open_it(), ask("tram")) == ["new"]
        assert not reader.knows("old")
        engine.write([document("newer", en="tram")])
        assert set(ids(reader, ask("tram"))) == {"new", "newer"}

    def test_the_index_that_was_swapped_can_be_dropped_and_all_answer_on(self, open_it: Open) -> None:
        engine, reader = open_it(), open_it()
        engine.write([document("old", en="tram")])
        successor = engine.rebuild()
        successor.write([document("new", en="tram")])
        engine.become(successor)
        successor.close()
        engine.engine.drop_former()
        assert ids(engine, ask("tram")) == ids(reader, ask("tram")) == ids(open_it(), ask("tram")) == ["new"]

    def test_rebuilding_again_and_again_keeps_everything(self, open_it: Open) -> None:
        engine = open_it()
        for number in range(4):
            successor = engine.rebuild()
            successor.write([document("x", en=f"tram {WORDS[number]}")])
            embed(successor)
            engine.become(successor)
            successor.close()
            assert ids(engine, ask(WORDS[number])) == ["x"]
            assert engine.spelled_like(f"{WORDS[number]}q") == (WORDS[number] if len(WORDS[number]) > 3 else None)

    def test_a_rebuild_that_was_given_up_is_no_harm(self, engine: Writing) -> None:
        engine.write([document("x", en="tram")])
        engine.rebuild().write([document("half", en="tram")])
        successor = engine.rebuild()
        assert successor.status().records == 0
        successor.write([document("y", en="tram")])
        engine.become(successor)
        assert ids(engine, ask("tram")) == ["y"]

    def test_readers_never_see_an_empty_index_nor_a_record_twice(self, open_it: Open) -> None:
        """While one handle edits and rebuilds, others find every record exactly once."""
        engine, readers = open_it(), [open_it() for _ in range(2)]
        batch = [document(f"x-{number}", en="tram", facets={"topic": ["mobility"]}) for number in range(5)]
        engine.write(batch)
        over, seen = threading.Event(), []

        def read(reader: Writing) -> None:
            while not over.is_set():
                answer = reader.search(ask("tram"))
                seen.append((sorted(hit.id for hit in answer.hits), answer.facets["topic"]))

        threads = [threading.Thread(target=read, args=(reader,)) for reader in readers]
        for thread in threads:
            thread.start()
        for number in range(6):
            engine.write([replace(one, year=2000 + number) for one in batch])
            successor = engine.rebuild()
            successor.write(batch)
            engine.become(successor)
            successor.close()
        over.set()
        for thread in threads:
            thread.join()
        assert len(seen) > 10
        assert all(one == ([one.id for one in batch], {"mobility": 5}) for one in seen)
