"""What is left out before words are compared is nothing that the comparison would have found."""

from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import DamerauLevenshtein

from indexer.engines.spellings import Spellings

#: Few letters, so that words are often near to each other; some that share a place, and some beyond the first plane.
words = st.text("abcxñß\u00a1\U0001d53c", min_size=1, max_size=7)


def _by_comparing_all(known: list[str], word: str, most: int, limit: int) -> list[str]:
    found = [(DamerauLevenshtein.distance(one, word), place) for place, one in enumerate(known)]
    return [known[place] for distance, place in sorted(found) if distance <= most][:limit]


@given(st.lists(words, unique=True, max_size=40), words, st.integers(1, 2), st.integers(1, 5))
def test_what_is_near_is_found_as_by_comparing_with_every_word(
    known: list[str], word: str, most: int, limit: int
) -> None:
    assert Spellings(known).near(word, most, limit) == _by_comparing_all(known, word, most, limit)


def test_most_words_are_told_apart_without_comparing_them() -> None:
    known = ["tramway", "tramways", "bicycle", "library", "waterfront", "tarmway"]
    spellings = Spellings(known)
    assert [known[place] for place in spellings._possible("tramwya", 1)] == ["tramway", "tramways", "tarmway"]
    assert spellings.near("tramwya", 1, 5) == ["tramway"]
