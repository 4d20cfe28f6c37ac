"""Vocabularies: complete in three languages, without loose ends, and helpful to who misspells a term."""

import pytest
from pydantic import ValidationError

from schemas import search
from schemas.language import LANGUAGES
from schemas.records import RECORD_TYPES, parse
from schemas.vocabulary import Vocabulary, load, names


@pytest.mark.parametrize("name", names())
def test_every_term_can_be_read_in_three_languages(name: str) -> None:
    vocabulary = load(name)
    assert vocabulary.id == name
    for term in vocabulary.terms:
        assert all(term.label[language].strip() for language in LANGUAGES), term.id


@pytest.mark.parametrize("name", names())
def test_what_a_term_is_related_to_is_there(name: str) -> None:
    for term in load(name).terms:
        for related in term.related:
            vocabulary, _, term_id = related.rpartition(":")
            assert term_id in load(vocabulary or name), f"{term.id} is related to {related}"


def test_the_seventeen_goals_have_all_their_targets_and_addresses() -> None:
    sdgs = load("sdgs")
    assert [term.id for term in sdgs.top()] == [str(goal) for goal in range(1, 18)]
    assert len(sdgs.terms) == 17 + 169
    assert all(term.uri == f"http://metadata.un.org/sdg/{term.id}" for term in sdgs.terms)
    assert all(term.broader == term.id.split(".")[0] for term in sdgs.terms if "." in term.id)


def test_each_country_is_in_one_region() -> None:
    members = [country for region in load("regions").terms for country in region.members]
    assert len(members) == len(set(members))
    assert len(members) >= 193 + 2  # the United Nations' members and observers, and more


def test_every_type_of_record_and_every_facet_has_its_labels() -> None:
    assert [term.id for term in load("record_types").terms] == list(RECORD_TYPES)
    assert all(facet.vocabulary in names() for facet in search.FACETS if facet.vocabulary)


def test_a_misspelt_term_is_refused_with_the_right_one() -> None:
    value = {"type": "news", "id": "x", "language": "en", "title": {"en": "T"}, "topics": ["mobilty"]}
    with pytest.raises(ValidationError, match="'mobilty' is not in the vocabulary topics; did you mean mobility"):
        parse(value)


def test_a_term_counts_for_all_that_is_above_it() -> None:
    assert load("topics").with_broader(["public-transport", "walking-cycling", "gone"]) == [
        "public-transport",
        "mobility",
        "walking-cycling",
        "gone",
    ]


def test_a_withdrawn_term_shows_its_id() -> None:
    assert load("topics").label_of("telegraphs", "fr") == "telegraphs"
    assert load("topics").get("telegraphs") is None


_LABEL = {"en": "A", "es": "A", "fr": "A"}


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ([{"id": "a", "label": _LABEL}, {"id": "a", "label": _LABEL}], "has an id twice"),
        ([{"id": "a", "label": {"en": "A", "fr": "A"}}], "no label in es"),
        ([{"id": "a", "label": _LABEL, "broader": "b"}], "broader term b is not there"),
        ([], "at least 1 item"),
    ],
)
def test_a_vocabulary_with_a_loose_end_is_refused(terms: list[dict[str, object]], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Vocabulary.model_validate({"id": "x", "label": _LABEL, "terms": terms})
