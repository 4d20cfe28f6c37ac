"""A question names vocabulary terms, in any language and spelling."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.concepts import SOURCES, Concept, country_name, named_in, starting
from schemas.language import LANGUAGES, Language
from schemas.vocabulary import load


def _concept(facet: str, term: str) -> Concept:
    return Concept("target" if facet == "sdg" and "." in term else facet, term)


@pytest.mark.parametrize(("facet", "vocabulary"), SOURCES)
def test_every_label_and_every_synonym_names_its_term_wholly(facet: str, vocabulary: str) -> None:
    missed = [
        (term.id, language, text)
        for term in load(vocabulary).terms
        for language, text in term.spellings()
        if (_concept(facet, term.id), 1.0) not in [(one.concept, one.share) for one in named_in(text)]
    ]
    assert missed == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_country_is_named_by_its_name(lang: Language) -> None:
    codes = [code for region in load("regions").terms for code in region.members]
    assert [
        code
        for code in codes
        if Concept("country", code) not in {one.concept for one in named_in(country_name(code, lang))}
    ] == []


def test_a_term_is_named_within_a_longer_question_with_its_share() -> None:
    named = {one.concept: one.share for one in named_in("how do cities pay for public transport")}
    assert 0 < named[Concept("topic", "public-transport")] < 1


def test_the_longer_name_wins_over_a_shorter_one_in_it() -> None:
    concepts = {one.concept for one in named_in("participatory budgeting")}
    assert Concept("instrument", "participatory-budget") in concepts


def test_either_half_of_a_label_with_and_names_the_term() -> None:
    for text in ("circular economy", "residuos", "économie circulaire"):
        assert Concept("topic", "waste") in {one.concept for one in named_in(text)}


@pytest.mark.parametrize(
    ("question", "unmeant"),
    [
        ("South America", Concept("sdg", "17")),
        ("papier recyclé", Concept("topic", "migration")),
        ("abri pour vélos", Concept("topic", "homelessness")),
        ("how can cities reduce traffic", Concept("country", "CA")),
        ("ville amie des enfants", Concept("sdg", "16")),
        ("África", Concept("region", "eastern-africa")),
    ],
)
def test_the_everyday_word_that_is_left_of_a_spelling_does_not_name_its_term(question: str, unmeant: Concept) -> None:
    assert unmeant not in {one.concept for one in named_in(question)}


@pytest.mark.parametrize(
    ("question", "meant"),
    [
        ("south-south learning", Concept("sdg", "17")),
        ("accueil des sans-papiers", Concept("topic", "migration")),
        ("la mujer", Concept("topic", "gender-equality")),
        ("ciudades de Canadá", Concept("country", "CA")),
    ],
)
def test_with_the_rest_of_its_words_it_does(question: str, meant: Concept) -> None:
    assert meant in {one.concept for one in named_in(question)}


@given(st.text(max_size=60))
@example("")
@example("of the and")
def test_no_text_is_an_error_and_shares_are_shares_in_order(text: str) -> None:
    shares = [one.share for one in named_in(text)]
    assert all(0 < share <= 1 for share in shares)
    assert shares == sorted(shares, reverse=True)


@given(st.text(max_size=10), st.sampled_from(LANGUAGES))
def test_no_beginning_is_an_error(prefix: str, language: Language) -> None:
    assert len(starting(prefix, language, 5)) <= 5


def test_terms_are_completed_from_the_start_of_any_word_without_accents() -> None:
    assert Concept("topic", "waste") in starting("DECH", "fr", 5)
    assert Concept("country", "CO") in starting("colo", "es", 5)
    assert Concept("topic", "public-transport") in starting("transport", "en", 20)
