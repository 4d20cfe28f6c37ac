"""Long text becomes passages without losing a word."""

from itertools import pairwise

from hypothesis import example, given
from hypothesis import strategies as st

from indexer.passages import LIMIT, SHORT, passages, sentences

#: Text as people paste it: paragraphs, quotation marks, abbreviations, lines without end, any script.
pieces = st.one_of(
    st.text(max_size=30),
    st.sampled_from(["\n\n", "\r\n \r\n", "\n", " ", "  ", ". ", '." ', "? ", ".) ", "… "]),
    st.sampled_from(["etc. ", "Dr. Ana ", "¿Qué? ", "«\u00a0Oui.\u00a0» ", "\u00a0", "\u2003\u2028"]),
    st.integers(1, 300).map(lambda count: "x" * count),
    st.integers(1, 40).map("word ".__mul__),
)
texts = st.lists(pieces, max_size=12).map("".join)


def _letters(texts: list[str]) -> str:
    return "".join("".join(texts).split())


@given(st.lists(texts, max_size=4), st.integers(1, 400), st.integers(0, 500))
@example(['He said: "It works." Then they built a second line, and a third.'], 40, 0)
def test_nothing_but_white_space_is_lost_and_the_order_is_kept(several: list[str], limit: int, short: int) -> None:
    assert _letters(passages(several, limit, short)) == _letters(several)


@given(st.lists(texts, max_size=4), st.integers(1, 400), st.integers(0, 500))
def test_no_passage_is_longer_than_the_limit_and_none_is_empty(several: list[str], limit: int, short: int) -> None:
    found = passages(several, limit, short)
    assert all(0 < len(passage) <= limit and passage == passage.strip(" \n\t") for passage in found)


@given(st.lists(texts, max_size=4), st.integers(50, 400))
def test_neighbours_that_fit_together_below_the_short_length_are_together(several: list[str], limit: int) -> None:
    found = passages(several, limit, 40)
    assert all(len(first) + len(second) >= 40 for first, second in pairwise(found))


@given(texts)
def test_sentences_lose_nothing_but_the_blanks_between_them(text: str) -> None:
    assert _letters(sentences(text)) == _letters([text])


def test_a_paragraph_that_is_too_long_is_cut_between_sentences() -> None:
    sentence = "The city built forty kilometres of cycle paths in two years."
    found = passages([" ".join([sentence] * 60)])
    assert len(found) > 1
    assert all(passage.endswith("years.") for passage in found)


def test_a_sentence_that_is_too_long_is_cut_between_words() -> None:
    found = passages(["ciudad " * 1000])
    assert {word for passage in found for word in passage.split()} == {"ciudad"}
    assert all(len(passage) > LIMIT - 10 for passage in found[:-1])


def test_a_word_that_is_too_long_is_cut_anywhere() -> None:
    assert [len(passage) for passage in passages(["x" * 4000])] == [1500, 1500, 1000]


def test_short_texts_share_a_passage_and_long_ones_have_their_own() -> None:
    long = "A long text. " * 40
    assert passages(["One.", "Two.", long, "Three."], short=SHORT) == ["One. Two.", long.strip(), "Three."]


def test_a_closing_quotation_mark_stays_with_its_sentence() -> None:
    assert sentences('She said "enough." Then she left. (He stayed.) Why?') == [
        'She said "enough."', "Then she left.", "(He stayed.)", "Why?",
    ]  # fmt: skip


def test_numbers_and_abbreviations_inside_a_sentence_do_not_end_it() -> None:
    assert sentences("It cost 3.5 million, i.e. less than planned.") == ["It cost 3.5 million, i.e. less than planned."]


def test_a_text_of_the_greatest_length_is_cut_in_time_that_grows_with_its_length() -> None:
    assert len(passages(["\n \t" * 66_000])) == 0
    assert len(passages(['."' * 100_000])) == 134
