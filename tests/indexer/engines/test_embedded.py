"""The embedded engine keeps the contract of all engines, and what is its own."""

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from indexer.engines.base import connect
from indexer.engines.columns import Growing
from indexer.engines.embedded import EmbeddedEngine
from indexer.engines.store import quantise
from tests.indexer.engines.contract import EngineContract
from tests.indexer.samples import EMBEDDER, MODEL, Writing, ask, document, embed, ids


class TestEmbeddedEngine(EngineContract):
    @pytest.fixture(scope="class")
    @classmethod
    def new_url(cls, tmp_path_factory: pytest.TempPathFactory) -> Callable[[], str]:
        folder, numbers = tmp_path_factory.mktemp("engines"), itertools.count()
        return lambda: f"tantivy:{folder / str(next(numbers))}"


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Writing]:
    engine = Writing(EmbeddedEngine(tmp_path, MODEL))
    yield engine
    engine.close()


def test_an_unknown_kind_of_engine_is_refused_with_what_to_write() -> None:
    with pytest.raises(ValueError, match="tantivy:/folder"):
        connect("sphinx:/somewhere", MODEL)


def test_a_deletion_that_was_cut_short_has_happened(tmp_path: Path, engine: Writing) -> None:
    """A process was killed after the file knew and before the word index did."""
    reader = EmbeddedEngine(tmp_path, MODEL)
    engine.write([document("x", en="tram")])
    assert ids(reader, ask("tram")) == ["x"]
    engine.generation.store.remove(["x"], time.time_ns())
    assert ids(reader, ask("tram")) == []
    reader.close()


def test_a_write_that_was_cut_short_has_not_happened_and_leaves_nothing(engine: Writing) -> None:
    """A process was killed after the word index knew and before the file did: its number is given out again."""
    engine.write([document("x", en="tram")])
    late = [document("x", en="roof")]
    with (
        contextlib.suppress(KeyboardInterrupt),
        engine.generation.store.replacing(late, time.time_ns(), {}) as (_, _, came),
    ):
        engine.generation.add_words(late, came)
        raise KeyboardInterrupt
    assert ids(engine, ask("tram")) == ["x"]
    assert ids(engine, ask("roof")) == []
    engine.write([document("y", en="river")])
    assert ids(engine, ask("roof")) == []
    assert ids(engine, ask("river")) == ["y"]
    assert ids(engine, ask("tram")) == ["x"]


def test_only_the_index_in_use_and_the_one_before_it_are_kept(tmp_path: Path, engine: Writing) -> None:
    for _ in range(4):
        successor = engine.rebuild()
        engine.become(successor)
        successor.close()
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir()) == ["4", "5"]


def test_memory_is_read_anew_when_most_of_it_is_of_records_that_are_gone(engine: Writing) -> None:
    many = [document(f"x-{number}", en="tram") for number in range(600)]
    for year in (2017, 2018, 2019, 2020):
        engine.write([document(one.id, en="tram", year=year) for one in many])
        assert engine.search(ask("tram")).total == 600
    snapshot, _ = engine.generation.state()
    assert snapshot.records == 600
    assert engine.search(ask("tram", year_from=2020)).total == 600


def test_the_vector_of_a_record_can_be_asked_for_while_others_are_written(engine: Writing) -> None:
    engine.write([document("x", en="tram")])
    embed(engine)
    failures: list[Exception] = []

    def ask_often() -> None:
        try:
            for _ in range(300):
                engine.vectors_of("x")
                engine.vectors_of("y-3")
                engine.status()
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=ask_often)
    thread.start()
    for number in range(10):
        engine.write([document(f"y-{number}", en=f"bus {number}")])
        embed(engine)
    thread.join()
    assert failures == []


@given(
    arrays.arrays(np.float32, 384, elements=st.floats(-1, 1, width=32)).filter(lambda one: np.linalg.norm(one) > 0.1)
)
def test_a_vector_in_bytes_has_length_one_and_points_the_same_way(vector: np.ndarray) -> None:  # type: ignore[type-arg]
    unit = vector / np.linalg.norm(vector)
    stored, scale = quantise(unit)
    back = np.frombuffer(stored, dtype=np.int8) * np.float32(scale)
    assert np.linalg.norm(back) == pytest.approx(1, abs=1e-5)
    assert back @ unit > 0.996


def test_vectors_in_bytes_keep_the_order_of_cosines() -> None:
    texts = [f"one two three {' '.join(map(str, range(count)))}" for count in range(0, 40, 4)]
    question, vectors = EMBEDDER.query("one two three"), EMBEDDER.passages(texts)
    back = np.array([np.frombuffer(stored, dtype=np.int8) * scale for stored, scale in map(quantise, vectors)])
    assert list(np.argsort(-(vectors @ question))) == list(np.argsort(-(back @ question)))


@given(st.lists(st.lists(st.integers(0, 9), max_size=1500), max_size=4))
def test_a_growing_column_holds_all_that_was_appended_and_old_views_stay_as_they_were(parts: list[list[int]]) -> None:
    column = Growing(np.int32)
    views: list[tuple[np.ndarray, list[int]]] = []  # type: ignore[type-arg]
    for part in parts:
        column.extend(part)
        views.append((column.view(), [one for earlier in parts[: len(views) + 1] for one in earlier]))
    assert all(list(view) == expected for view, expected in views)
