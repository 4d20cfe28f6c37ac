"""The measures are those of the literature, reckoned here by hand; a broken judgement is named by its line."""

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.evaluate import Judgement, mean, ndcg, read, reciprocal_rank

RELEVANT = {"a": 3, "b": 2, "c": 1}
grades = st.dictionaries(st.sampled_from("abcdefghijkl"), st.integers(1, 3), min_size=1)
rankings = st.permutations("abcdefghijklmnop")


@pytest.mark.parametrize(
    ("ranked", "expected"),
    [
        ("abc", 1.0),
        ("", 0.0),
        ("xyz", 0.0),
        # Gains 7, 3, 1 at places 1, 2, 3 weigh 1, 1 / log2(3) and 1 / 2.
        ("bac", (3 + 7 / math.log2(3) + 1 / 2) / (7 + 3 / math.log2(3) + 1 / 2)),
        ("xa", (7 / math.log2(3)) / (7 + 3 / math.log2(3) + 1 / 2)),
        ("cba", (1 + 3 / math.log2(3) + 7 / 2) / (7 + 3 / math.log2(3) + 1 / 2)),
        ("xxxxxxxxxa", (7 / math.log2(11)) / (7 + 3 / math.log2(3) + 1 / 2)),
        ("xxxxxxxxxxa", 0.0),
    ],
)
def test_ndcg_by_hand(ranked: str, expected: float) -> None:
    assert ndcg(ranked, RELEVANT) == pytest.approx(expected)


def test_ndcg_is_reckoned_over_ten_places_also_where_more_would_be_right() -> None:
    relevant = {str(number): 1 for number in range(20)}
    assert ndcg([str(number) for number in range(10, 20)], relevant) == pytest.approx(1.0)


@given(rankings, grades)
def test_ndcg_is_a_share_and_whole_in_the_order_of_grades(ranked: list[str], relevant: dict[str, int]) -> None:
    ideal = sorted(ranked, key=lambda one: -relevant.get(one, 0))
    assert 0 <= ndcg(ranked, relevant) <= ndcg(ideal, relevant) + 1e-9
    assert ndcg(ideal, relevant) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("ranked", "expected"),
    [
        ("abc", 1.0),
        ("bac", 1 / 2),
        ("bcxa", 1 / 4),
        ("xxxxxxxxxa", 1 / 10),
        ("xxxxxxxxxxa", 0.0),
        ("", 0.0),
        ("bc", 0.0),
    ],
)
def test_the_reciprocal_rank_is_that_of_the_first_of_the_best_grade(ranked: str, expected: float) -> None:
    assert reciprocal_rank(ranked, RELEVANT) == pytest.approx(expected)


def test_any_of_several_best_answers_will_do() -> None:
    assert reciprocal_rank("xb", {"a": 2, "b": 2}) == 1 / 2


def test_the_mean_of_nothing_is_not_a_number() -> None:
    assert math.isnan(mean([]))
    assert mean([1, 2]) == 1.5


def test_judgements_are_read_line_by_line(tmp_path: Path) -> None:
    path = tmp_path / "judgements.jsonl"
    path.write_text(
        '{"id": "1", "q": "eau\u2028potable", "lang": "fr", "kind": "word", "relevant": {"x": 3}}\n'
        '{"id": "2", "q": "xkcd", "lang": "en", "kind": "gibberish"}\n',
        "utf-8",
    )
    assert read(path) == [
        Judgement(id="1", q="eau\u2028potable", lang="fr", kind="word", relevant={"x": 3}),
        Judgement(id="2", q="xkcd", lang="en", kind="gibberish", relevant={}),
    ]


GOOD = '{"id": "1", "q": "eau", "lang": "fr", "kind": "word", "relevant": {"x": 3}}'


@pytest.mark.parametrize(
    "broken",
    ["{", "", "[]", "null", '{"id": "1"}', GOOD.replace("3", "4"), GOOD.replace("3", "0"), GOOD.replace("fr", "de")],
)
def test_a_broken_line_is_named_by_its_number(tmp_path: Path, broken: str) -> None:
    path = tmp_path / "judgements.jsonl"
    path.write_text("\n".join([GOOD, GOOD, broken, GOOD]), "utf-8")
    with pytest.raises(ValueError, match=r"judgements\.jsonl:3: "):
        read(path)
