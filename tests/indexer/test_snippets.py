"""The few lines that answer a question: of the text, short, with the matched words marked where they stand."""

from hypothesis import example, given
from hypothesis import strategies as st

from indexer.analysis import tokens
from indexer.document import Passage
from indexer.snippets import LENGTH, best_passage, snippet

WORDS = ["tram", "trams", "Trams", "water", "a", "x" * 30, "—", "(tram)", "tram,", "\n", "y" * 400, "é" * 3, "水" * 60]
texts = st.lists(st.sampled_from(WORDS) | st.text(max_size=12), max_size=120).map(" ".join)
ASKED = set(tokens("tram", "en"))


@given(texts, st.integers(20, 300))
@example("y" * 5_000, 280)
@example(f"{'y' * 5_000} tram", 280)
@example(f"https://example.org/{'y' * 300}/tram/{'z' * 300}", 280)
def test_a_snippet_is_a_piece_of_the_text_and_its_marks_are_on_matched_words(text: str, length: int) -> None:
    found = snippet(text, "en", ASKED, length)
    piece = found.text.removeprefix("… ").removesuffix(" …")
    assert piece in text
    assert len(piece) <= length
    assert all(tokens(found.text[start:end], "en") == list(ASKED) for start, end in found.marks)
    assert all(0 <= start < end <= len(found.text) for start, end in found.marks)


@given(texts, st.integers(60, 300))
@example(f"https://example.org/{'y' * 300}/tram/{'z' * 300}", 280)
@example(f"{'y' * 5_000} tram", 280)
def test_where_the_text_has_a_matched_word_the_snippet_does(text: str, length: int) -> None:
    assert bool(snippet(text, "en", ASKED, length).marks) == bool(ASKED & set(tokens(text, "en")))


@given(texts)
def test_a_long_text_gives_a_snippet_worth_reading(text: str) -> None:
    found = snippet(text, "en", ASKED)
    assert len(found.text) >= min(len(text), LENGTH // 3)


def test_a_short_text_is_shown_whole() -> None:
    assert snippet("A tram, and another tram.", "en", ASKED) == ("A tram, and another tram.", [(2, 6), (20, 24)])


def test_the_window_with_the_most_matches_is_shown_and_what_is_left_out_is_said_to_be() -> None:
    text = f"tram {'word ' * 100}tram tram tram {'word ' * 100}"
    found = snippet(text, "en", ASKED)
    assert len(found.marks) == 3
    assert found.text.startswith("… ")
    assert found.text.endswith(" …")


def test_words_are_not_cut() -> None:
    found = snippet("neighbourhood " * 100, "en", set())
    assert set(found.text.removesuffix(" …").split()) == {"neighbourhood"}


def test_the_passage_that_holds_most_of_the_words_is_the_best_and_the_first_of_equals() -> None:
    passages = [Passage("nothing"), Passage("a tram"), Passage("a tram and a school"), Passage("a school and a tram")]
    assert best_passage(passages, "en", set(tokens("tram school", "en"))) == 2
    assert best_passage(passages, "en", set()) == 0
