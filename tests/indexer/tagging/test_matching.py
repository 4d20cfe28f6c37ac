"""Terms are found as people write them, and where they stand."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from indexer.tagging.cutting import sentences, windows
from indexer.tagging.matching import Matcher, within
from schemas.language import Language
from schemas.lexicon import GOALS, LexiconTerm

TERMS = (
    LexiconTerm("11", "en", "housing", 2, ("housing",)),
    LexiconTerm("1", "en", "homeless*", 3, ("homeless*",)),
    LexiconTerm("6", "en", "drinking water", 3, ("drinking", "water")),
    LexiconTerm("6", "fr", "eau potable", 3, ("eau", "potable")),
    LexiconTerm("3", "es", "atención médica", 3, ("atencion", "medica")),
)
MATCHER = Matcher(TERMS, GOALS)


def found(text: str, language: Language) -> list[str]:
    return [text[match.start : match.end] for match in MATCHER.find(text, language)]


def test_case_accents_hyphens_and_apostrophes_do_not_matter() -> None:
    assert found("DRINKING-WATER for the homeless, homelessness", "en") == [
        "DRINKING-WATER",
        "homeless",
        "homelessness",
    ]
    assert found("L’Eau potable", "fr") == ["Eau potable"]
    assert found("atencion  Médica", "es") == ["atencion  Médica"]


def test_a_term_does_not_go_across_a_full_stop_or_into_another_language() -> None:
    assert found("They were drinking. Water rose.", "en") == []
    assert found("eau potable", "en") == []
    assert found("rehousing", "en") == []


def test_a_term_that_comes_again_counts_for_less() -> None:
    once, twice, both = (
        MATCHER.evidence(MATCHER.find(text, "en"))[[0, 10]].sum()
        for text in ("homeless", "homeless homeless", "homeless housing")
    )
    assert once < twice < both


@given(st.text(max_size=300), st.sampled_from(["en", "es", "fr"]))
def test_whatever_is_found_stands_in_the_text(text: str, language: Language) -> None:
    for match in MATCHER.find(text, language):
        assert 0 <= match.start < match.end <= len(text)
    assert len(within(MATCHER.find(text, language), 0, len(text))) == len(MATCHER.find(text, language))


@given(st.text(alphabet=st.sampled_from('aÉ .!?…\n"»’1🙂\u0301\r\u00a0'), max_size=1500))
def test_sentences_hold_all_of_a_text_but_white_space_in_its_order(text: str) -> None:
    spans = sentences(text)
    assert "".join("".join(text[span.start : span.end] for span in spans).split()) == "".join(text.split())
    assert all(one.end <= after.start for one, after in pairwise(spans))
    assert [number for group in windows(spans) for number in group] == list(range(len(spans)))


def test_a_short_text_is_one_window_and_a_long_one_is_cut_evenly() -> None:
    sentence = "The council has built a new line of trams to the hills. "
    assert len(windows(sentences(sentence * 3))) == 1
    assert [len(group) for group in windows(sentences(sentence * 7))] == [2, 3, 2]
