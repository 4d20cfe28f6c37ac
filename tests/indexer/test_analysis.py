"""A token is the same for every form of a word that a reader would call the same."""

import unicodedata
from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.analysis import content_tokens, is_stop_word, languages_of, tokens, words
from schemas.language import LANGUAGES, Language
from schemas.text import fold
from tests.indexer.plurals import PAIRS

languages = st.sampled_from(LANGUAGES)
#: What is written in the three languages and in the names of their cities.
LETTERS = "abcdefghijklmnopqrstuvwxyzáàâäãåçéèêëíìîïñóòôöõúùûüýÿœæøłđ '’-.,0123456789\n"
written = st.text(st.sampled_from(LETTERS), max_size=60)

#: Forms that stay apart, with the reason: simplemma knows "bases" as the plural of "base" too, "paces" as a verb only.
APART = {("en", "basis", "bases"), ("es", "paz", "paces")}


def _stripped(text: str) -> str:
    return "".join(one for one in unicodedata.normalize("NFD", text) if not unicodedata.combining(one))


@given(written, languages)
@example("Œuvre ŒUVRE", "fr")
@example("Đà Nẵng, Łódź, Ørestad, DİYARBAKIR", "en")
def test_case_and_accents_never_change_tokens(text: str, language: Language) -> None:
    expected = tokens(text, language)
    assert tokens(text.upper(), language) == expected
    assert tokens(text.title(), language) == expected
    assert tokens(unicodedata.normalize("NFD", text), language) == expected
    assert tokens(unicodedata.normalize("NFKC", text), language) == expected
    assert tokens(_stripped(text), language) == expected


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("Lodz", "Łódź"), ("Da Nang", "Đà Nẵng"), ("Orestad", "Ørestad"), ("Diyarbakir", "DİYARBAKIR")],
)
def test_a_name_is_found_with_the_letters_of_an_english_keyboard(typed: str, meant: str) -> None:
    assert all(tokens(typed, language) == tokens(meant, language) for language in LANGUAGES)


@pytest.mark.parametrize(("language", "one", "many"), PAIRS)
def test_singular_and_plural_are_one_token(language: Language, one: str, many: str) -> None:
    assert (tokens(one, language) == tokens(many, language)) is ((language, one, many) not in APART)


def test_at_least_sixty_pairs_of_each_language_were_tried() -> None:
    assert min(Counter(language for language, _, _ in PAIRS).values()) >= 60


@pytest.mark.parametrize(
    ("language", "one", "other"),
    [
        ("en", "policy", "police"), ("en", "university", "universe"), ("en", "waste", "waist"),
        ("es", "hombre", "hambre"), ("es", "calle", "calor"), ("es", "ciudad", "cuidado"), ("es", "agua", "aguja"),
        ("fr", "ville", "vie"), ("fr", "eau", "air"), ("fr", "rue", "roue"), ("fr", "déchet", "dette"),
    ],
)  # fmt: skip
def test_words_of_different_meaning_stay_apart(language: Language, one: str, other: str) -> None:
    assert tokens(one, language) != tokens(other, language)


@given(st.text(max_size=80), languages)
@example("ͺ ﷺ № ½ ﬁ", "en")
def test_any_text_has_tokens_without_blanks_and_never_fails(text: str, language: Language) -> None:
    found = tokens(text, language)
    assert all(token.split() == [token] for token in found)
    assert set(content_tokens(text, language)) <= set(found)
    assert set(languages_of(text)) == set(LANGUAGES)


@given(st.text(max_size=80), languages)
def test_a_word_stands_where_it_says_and_no_letter_is_outside_of_all(text: str, language: Language) -> None:
    found = list(words(text, language))
    assert [word.token for word in found] == tokens(text, language)
    assert all(tokens(text[word.start : word.end], language) == [word.token] for word in found)
    assert all(before.end <= after.start for before, after in pairwise(found))
    covered = {place for word in found for place in range(word.start, word.end)}
    assert not any(one.isalpha() and fold(one).isalpha() for place, one in enumerate(text) if place not in covered)


@given(st.text(max_size=40))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


@given(st.lists(written, max_size=4), languages)
def test_the_tokens_of_texts_are_the_tokens_of_their_sum(parts: list[str], language: Language) -> None:
    assert tokens("\n".join(parts), language) == [token for part in parts for token in tokens(part, language)]


def test_function_words_are_left_out_of_a_question_unless_there_is_nothing_else() -> None:
    assert content_tokens("What can we do about the floods?", "en") == tokens("floods", "en")
    assert content_tokens("¿Qué hacer con las inundaciones?", "es") == tokens("inundaciones", "es")
    assert content_tokens("Que faire contre les inondations ?", "fr") == tokens("inondations", "fr")
    assert content_tokens("to be or not to be", "en") == list(dict.fromkeys(tokens("to be or not to be", "en")))


def test_a_word_that_is_asked_twice_counts_once() -> None:
    assert content_tokens("waste Waste WASTES", "en") == tokens("waste", "en")


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("how do cities reduce food waste", "en"), ("women in public transport", "en"),
        ("cómo reducen las ciudades el desperdicio de alimentos", "es"), ("mujeres en el transporte público", "es"),
        ("comment les villes réduisent le gaspillage alimentaire", "fr"), ("femmes dans les transports publics", "fr"),
    ],
)  # fmt: skip
def test_a_question_tells_its_language(text: str, language: Language) -> None:
    known = languages_of(text)
    assert [one for one in LANGUAGES if known[one] == max(known.values())] == [language]


def test_no_language_knows_gibberish() -> None:
    assert not any(languages_of("xkcd blorptang fizzwuck kjhgfdsa").values())


def test_a_function_word_is_one_with_and_without_accents() -> None:
    assert is_stop_word("MÁS", "es")
    assert is_stop_word("mas", "es")
    assert not is_stop_word("agua")
