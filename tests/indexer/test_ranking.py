"""The ranking on made-up evidence: fair between languages, exact names first, nothing where nothing answers."""

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from indexer import ranking
from indexer.ranking import Evidence, bar, coverage, floors, fuse, language_means, relevant
from schemas.language import LANGUAGES, Language
from schemas.search import Mode

MODES: tuple[Mode, ...] = ("hybrid", "keyword", "semantic")
ENOUGH = np.full(len(LANGUAGES), 80)
FLOOR = floors(["en"], ENOUGH)


def evidence(closeness: list[float], **more: Any) -> Evidence:
    """Versions with this closeness; all else is nothing, and English, unless said otherwise."""
    size = len(closeness)
    types = {"language": np.int8, "coverage": np.float32, "tag": np.float32, "all_words": bool, "exact": bool}
    given_ = {name: np.asarray(more.get(name, [0] * size), dtype=dtype) for name, dtype in types.items()}
    return Evidence(closeness=np.asarray(closeness, dtype=np.float32), **given_)


@st.composite
def evidences(draw: st.DrawFn, unknown: bool = True) -> Evidence:
    size = draw(st.integers(1, 12))

    def column(elements: st.SearchStrategy[float], dtype: Any = np.float32) -> Any:
        return draw(arrays.arrays(dtype, size, elements=elements))

    closeness = st.floats(-0.25, 0.25, width=32)
    return Evidence(
        language=column(st.integers(0, len(LANGUAGES) - 1), np.int8),
        closeness=column(st.one_of(closeness, st.just(float("nan"))) if unknown else closeness),
        coverage=column(st.floats(0, 1, width=32)),
        all_words=column(st.booleans(), bool),
        tag=column(st.floats(0, 1, width=32)),
        exact=column(st.booleans(), bool),
    )


def _answers(found: Evidence, mode: Mode) -> ranking.Mask:
    return relevant(found, mode, bar(found, FLOOR))


def _all(found: Evidence) -> ranking.Mask:
    return np.ones(len(found.language), dtype=bool)


def _without_words(found: Evidence, **more: Any) -> Evidence:
    nothing = np.zeros_like(found.coverage)
    return Evidence(**(vars(found) | {"coverage": nothing, "tag": nothing, "exact": nothing > 0} | more))


@given(evidences(unknown=False))
def test_words_never_lift_one_language_over_another(found: Evidence) -> None:
    """The best of each language stands where meaning alone would put it."""
    tilted = fuse(_without_words(found, coverage=found.coverage), _all(found), "hybrid")
    level = fuse(_without_words(found), _all(found), "hybrid")
    for language in np.unique(found.language):
        group = found.language == language
        assert tilted[group].max() == pytest.approx(level[group].max(), abs=1e-6)


@given(evidences(unknown=False))
def test_within_a_language_more_words_and_more_meaning_never_lower_a_version(found: Evidence) -> None:
    score = fuse(_without_words(found, coverage=found.coverage), _all(found), "hybrid")
    for one in range(len(score)):
        for other in range(len(score)):
            if (
                found.language[one] == found.language[other]
                and found.coverage[one] >= found.coverage[other]
                and found.closeness[one] >= found.closeness[other]
            ):
                assert score[one] >= score[other] - 1e-6


def test_within_a_language_words_decide_between_equals() -> None:
    score = fuse(evidence([0.1, 0.1, 0.1], coverage=[0.2, 0.9, 0.0]), np.ones(3, dtype=bool), "hybrid")
    assert list(np.argsort(-score)) == [1, 0, 2]


def test_what_is_filtered_out_does_not_move_what_stays() -> None:
    """Else choosing a filter would let a language jump over another."""
    found = evidence([0.2, 0.1, 0.15], language=[0, 0, 1], coverage=[1.0, 0.5, 0.0])
    among = np.array([False, True, True])
    score = fuse(found, among, "hybrid")
    assert score[1] == pytest.approx(0.1)
    assert score[2] == pytest.approx(0.15)


@given(evidences(), st.sampled_from(MODES))
def test_an_exact_name_is_found_and_first_whatever_else_is_said(found: Evidence, mode: Mode) -> None:
    assume(found.exact.any() and not found.exact.all())
    score = fuse(found, _all(found), mode)
    assert score[found.exact].min() > score[~found.exact].max()
    if mode != "semantic":
        assert _answers(found, mode)[found.exact].all()


@given(evidences(), st.sampled_from(MODES))
def test_a_score_is_always_a_number(found: Evidence, mode: Mode) -> None:
    assert np.isfinite(fuse(found, _all(found), mode)).all()
    assert _answers(found, mode).shape == found.language.shape


@given(evidences(), evidences())
def test_keyword_search_does_not_look_at_meaning_nor_semantic_search_at_tags(found: Evidence, other: Evidence) -> None:
    size = min(len(found.language), len(other.language))
    first = Evidence(**{name: column[:size] for name, column in vars(found).items()})
    closeness, tag = other.closeness[:size], other.tag[:size]
    elsewhere = Evidence(**(vars(first) | {"closeness": closeness}))
    assert (fuse(first, _all(first), "keyword") == fuse(elsewhere, _all(first), "keyword")).all()
    assert (_answers(first, "keyword") == _answers(elsewhere, "keyword")).all()
    tagged = Evidence(**(vars(first) | {"tag": tag}))
    assert (fuse(first, _all(first), "semantic") == fuse(tagged, _all(first), "semantic")).all()


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_found_where_nothing_speaks_for_it(mode: Mode) -> None:
    """An honest zero: the best of what does not answer is no answer."""
    found = evidence([0.02, 0.01, -0.1, float("nan")], coverage=[0.1, 0.0, 0.0, 0.0], tag=[0.3, 0.0, 0.0, 0.0])
    assert not _answers(found, mode).any()


@pytest.mark.parametrize("mode", MODES)
def test_nothing_is_found_in_nothing(mode: Mode) -> None:
    assert _answers(evidence([]), mode).size == 0
    assert fuse(evidence([]), np.array([], dtype=bool), mode).size == 0


def test_where_meaning_is_not_known_yet_words_find_and_their_lack_does_not() -> None:
    nan = float("nan")
    found = evidence([nan, nan, nan, nan], coverage=[0.9, 0.1, 0.1, 0.0], all_words=[0, 0, 1, 0])
    assert list(_answers(found, "hybrid")) == [True, False, True, False]
    assert not _answers(found, "semantic").any()


def test_a_version_without_a_vector_does_not_hide_those_with_one() -> None:
    assert list(_answers(evidence([0.2, float("nan")]), "hybrid")) == [True, False]


def test_a_tag_that_the_whole_question_names_makes_a_result_by_itself() -> None:
    found = evidence([-0.1, -0.1], tag=[1.0, 0.3])
    assert list(_answers(found, "hybrid")) == [True, False]
    assert list(_answers(found, "keyword")) == [True, False]


def test_meaning_far_below_the_best_is_left_out() -> None:
    best = 0.06 + ranking.SPREAD
    assert list(_answers(evidence([best, best - ranking.SPREAD - 0.01]), "semantic")) == [True, False]
    assert list(_answers(evidence([best, best - ranking.SPREAD + 0.01]), "semantic")) == [True, True]


several = st.lists(st.integers(ranking.ENOUGH_PASSAGES, 10**6), min_size=3, max_size=3)


@given(st.sets(st.sampled_from(LANGUAGES)), several, st.integers(1, 10**6))
def test_floors_rise_with_the_number_of_passages(languages: set[Language], counts: list[int], more: int) -> None:
    """The best of many unrelated passages lies higher, so more is asked of it."""
    few, many = np.array(counts), np.array(counts) + more
    assert (floors(languages, many) >= floors(languages, few)).all()


def test_floors_are_the_measured_ones_at_the_measured_sizes_and_stay_there_beyond_them() -> None:
    own, other = ranking.OWN_LANGUAGE_FLOOR, ranking.OTHER_LANGUAGE_FLOOR
    for size, place in ((60, 0), (80, 0), (767, 1), (60_000, 1)):
        assert floors(["en"], np.array([size] * 3)) == pytest.approx([own[place], *[other[place]] * 2], abs=1e-4)
    between = floors(["en"], np.array([250] * 3))
    assert own[0] < between[0] < own[1]


def test_less_is_asked_of_other_languages_where_words_of_the_own_cannot_answer() -> None:
    empty, full = floors(["fr"], np.array([100, 100, 0])), floors(["fr"], np.array([100, 100, 100]))
    assert empty[0] < full[0] < full[LANGUAGES.index("fr")]


def test_most_is_asked_when_no_language_knows_the_words() -> None:
    counts = np.array([80, 80, 80])
    assert (floors([], counts) >= floors(LANGUAGES, counts)).all()


scores_of_five = arrays.arrays(np.float32, 5, elements=st.floats(0, 100, width=32))


@given(scores_of_five, st.just(np.inf) | st.floats(1e-6, 50))
def test_coverage_is_a_share(scores: ranking.F32, most: float) -> None:
    found = coverage(scores, np.full(len(scores), most, dtype=np.float32))
    assert ((found >= 0) & (found <= 1)).all()
    assert (np.diff(found[np.argsort(scores)]) >= 0).all()


class World:
    """Passages of a made-up model: what they are about, plus what texts of their language share, plus some noise."""

    DIMENSION, TOPICS = 384, 12

    def __init__(self) -> None:
        self.random = np.random.default_rng(5)
        self.shared = self._unit(len(LANGUAGES))
        self.topics = self._unit(self.TOPICS)

    def _unit(self, count: int) -> Any:
        vectors = self.random.normal(size=(count, self.DIMENSION))
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def passages(self, language: int, topics: list[int]) -> Any:
        return 0.8 * self.shared[language] + 0.5 * self.topics[topics] + 0.1 * self._unit(len(topics))

    def typical(self) -> ranking.F32:
        """What the vocabularies' definitions give: some texts of every topic in each language."""
        every = list(range(self.TOPICS)) * 6
        return np.array([self.passages(one, every).mean(axis=0) for one in range(len(LANGUAGES))], dtype=np.float32)

    def closeness(self, few: int, typical: ranking.F32) -> tuple[float, float, float]:
        """Of a question about topic 0 to the passages about it, on average: to those of 300 English ones, and of a few
        French ones, as ranked, and were they centred by nothing but their own mean."""
        english, french = (self.passages(one, self.several(count)) for one, count in ((0, 300), (2, few)))
        sums = np.array([english.sum(axis=0), typical[1] * 0, french.sum(axis=0)], dtype=np.float32)
        means = language_means(sums, np.array([300, 0, few]), typical)
        question = 0.8 * self.shared[0] + 0.5 * self.topics[0]
        found = [(english, means[0]), (french, means[2]), (french, french.mean(axis=0))]
        one, two, three = (float((vectors[:: self.TOPICS] - mean).mean(axis=0) @ question) for vectors, mean in found)
        return one, two, three

    def several(self, count: int) -> list[int]:
        return [number % self.TOPICS for number in range(count)]


@pytest.mark.parametrize("few", [3, 30, 300])
def test_languages_of_3_30_and_300_passages_compete_on_one_level(few: int) -> None:
    world = World()
    english, french, _ = world.closeness(few, world.typical())
    assert french == pytest.approx(english, rel=0.15)


def test_the_mean_of_three_passages_alone_would_take_away_what_they_are_about() -> None:
    """What the typical passage of a language is for."""
    world = World()
    english, _, by_their_own_mean = world.closeness(3, world.typical())
    assert by_their_own_mean < 0.8 * english


def test_a_language_of_many_passages_is_measured_by_its_own_mean() -> None:
    world = World()
    vectors = world.passages(2, world.several(300))
    sums, counts = np.zeros((3, world.DIMENSION), dtype=np.float32), np.array([0, 0, 300])
    sums[2] = vectors.sum(axis=0)
    for prior in (world.typical(), None):
        assert np.linalg.norm(language_means(sums, counts, prior)[2] - vectors.mean(axis=0)) < 0.05


def test_a_language_without_passages_has_the_typical_mean() -> None:
    world = World()
    nothing, typical = np.zeros((3, world.DIMENSION), dtype=np.float32), world.typical()
    assert language_means(nothing, np.zeros(3, dtype=np.int64), typical) == pytest.approx(typical, abs=1e-6)
    assert not language_means(nothing, np.zeros(3, dtype=np.int64), None).any()


def test_while_nothing_typical_is_known_few_passages_are_drawn_to_the_mean_of_all() -> None:
    world = World()
    sums, counts = np.zeros((3, world.DIMENSION), dtype=np.float32), np.array([300, 0, 3])
    sums[0] = world.passages(0, world.several(300)).sum(axis=0)
    sums[2] = world.passages(2, [0, 0, 0]).sum(axis=0)
    of_all, of_three = sums.sum(axis=0) / 303, sums[2] / 3
    drawn = language_means(sums, counts, None)[2]
    assert np.linalg.norm(drawn - of_all) < 0.5 * np.linalg.norm(of_three - of_all)
