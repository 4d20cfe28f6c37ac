"""The tagger says something of any text, and quotes it word for word."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.embedding import Vectors
from indexer.tagging.learning import Offsets
from indexer.tagging.model import SHIPPED, TaggingModel, Unreadable, read
from indexer.tagging.service import Tagger
from indexer.tagging.texts import all_texts, pieces
from indexer.tagging.training import train
from schemas.language import Language
from schemas.lexicon import GOALS
from schemas.tagging import Evidence, Suggestions

BUS = "The night bus stops on request. A survey of women showed what they fear. They are to travel as freely as men."

MODEL = TaggingModel.from_bytes(SHIPPED.read_bytes())


class Plain:
    """Vectors that depend on the text alone and cost nothing, spread as those that the shipped model was trained on."""

    id, dimension, batch = "plain", 384, 1

    def __init__(self) -> None:
        self.asked = 0

    def query(self, text: str) -> Vectors:
        self.asked += 1
        noise = np.random.default_rng(sum(text.encode()) + len(text)).normal(size=self.dimension)
        return (MODEL.mean + MODEL.deviation * noise).astype(np.float32)

    def passages(self, texts: object) -> Vectors:
        raise AssertionError("the tagger asks questions only")


@pytest.fixture
def plain() -> Tagger:
    return Tagger(Plain(), MODEL)


def quotes(said: Suggestions) -> list[Evidence]:
    marker = said.gender.marker
    some = [*(goal.evidence for goal in said.sdgs), *(theme.evidence for theme in said.gender.themes), marker.evidence]
    return [one for one in [*some, *marker.speaks_for, *marker.speaks_against] if one] + [
        each.evidence for each in said.gender.criteria if each.evidence
    ]


@settings(max_examples=25)
@given(text=st.text(max_size=400), language=st.sampled_from(["en", "es", "fr"]))
def test_any_text_gets_all_goals_and_evidence_stands_in_it(text: str, language: Language) -> None:
    tagger = Tagger(Plain(), MODEL)
    said = tagger.suggest(text, language)
    tagger.close()
    assert sorted(goal.goal for goal in said.sdgs) == sorted(GOALS)
    assert [goal.confidence for goal in said.sdgs] == sorted((goal.confidence for goal in said.sdgs), reverse=True)
    for one in quotes(said):
        assert one.passage == text[one.start : one.end].strip()
        assert all(term in one.passage for term in one.terms)


@pytest.mark.parametrize("text", ["", " \n", "🙂🙂", "\x00", "…", "a" * 60_000, "Word. " * 10_000, "مدينة الماء"])
def test_odd_texts_do_not_break_it(plain: Tagger, text: str) -> None:
    assert len(plain.suggest(text, "fr").sdgs) == 17


def test_a_text_is_read_once_and_progress_reaches_its_end(plain: Tagger) -> None:
    told: list[tuple[int, int]] = []
    first = plain.suggest(BUS, "en", lambda done, total: told.append((done, total)))
    assert told[-1][0] == told[-1][1] > 0
    asked = plain._embedder.asked  # type: ignore[attr-defined]
    assert plain.suggest(BUS, "en") == first
    assert plain._embedder.asked == asked  # type: ignore[attr-defined]


def test_offsets_lower_the_goal_that_they_are_about_only(plain: Tagger) -> None:
    before = {goal.goal: goal.confidence for goal in plain.suggest(BUS, "en").sdgs}
    bias = np.zeros(17, dtype=np.float32)
    bias[10] = -4
    offsets = Offsets(np.zeros((384, 17), dtype=np.float32), np.zeros(17, dtype=np.float32), bias)
    after = {goal.goal: goal.confidence for goal in plain.suggest(BUS, "en", offsets=offsets).sdgs}
    assert after["11"] < before["11"]
    assert {goal for goal in GOALS if after[goal] != before[goal]} == {"11"}


def test_the_shipped_model_finds_what_a_reader_finds(tagger: Tagger) -> None:
    said = tagger.suggest(
        "Every tap in the village now gives clean drinking water, and the latrines are emptied.", "en"
    )
    assert said.sdgs[0].goal == "6"
    assert said.sdgs[0].suggested
    assert said.sdgs[0].evidence
    assert "drinking water" in said.sdgs[0].evidence.terms
    football = tagger.suggest("The match ended with no goals, and the fans went home early.", "en")
    assert not any(goal.strong for goal in football.sdgs)


def test_training_gives_the_same_model_each_time_and_the_file_says_on_what() -> None:
    every = all_texts()
    few = [one for one in every if one.weight < 1] + [one for one in every if one.screening][::12] + every[600:660]
    embedder = Plain()
    vectors = {text: embedder.query(text) for text in pieces(few)}
    one, other = train(few, vectors, "plain"), train(few, vectors, "plain")
    assert one.to_bytes() == other.to_bytes()
    again = TaggingModel.from_bytes(one.to_bytes())
    assert again.version == one.version
    assert again.trained_on["framework"] == 558
    assert again.trained_on["embedding"] == "plain"


def test_the_shipped_model_was_trained_on_what_lies_here() -> None:
    from indexer.tagging.training import about

    model = TaggingModel.from_bytes(SHIPPED.read_bytes())
    assert model.trained_on == about(all_texts(), model.trained_on["embedding"]), "run: kb tagging train"
    assert SHIPPED.stat().st_size < 3_000_000


def test_a_model_of_another_embedding_is_not_taken_and_a_broken_file_is_told(tmp_path) -> None:  # type: ignore[no-untyped-def]
    assert read(tmp_path, "some-other-model") is None
    with pytest.raises(Unreadable, match="no tagging model"):
        TaggingModel.from_bytes(b"PK")
