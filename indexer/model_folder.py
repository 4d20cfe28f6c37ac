"""What the files of a sentence-transformers model say about it, read without torch: dimension, prompts, identity."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

#: The names that architectures give to the width of their last layer.
_WIDTHS: Final = ("hidden_size", "d_model", "dim", "n_embd")
#: Files that decide a vector beside the weights: configuration, tokenizer, vocabulary.
_CONFIGURATION: Final = {".json", ".txt", ".model"}


@dataclass(frozen=True)
class ModelFolder:
    """A folder as ``SentenceTransformer.save`` writes it, or the snapshot of such a model from the hub."""

    path: Path

    def dimension(self) -> int:
        """Numbers of a vector. Raises ValueError for a model whose parts are not known here."""
        found = None
        for kind, folder in self._modules():
            found = _width(kind, folder) or found
        if found is None:
            raise ValueError(f"the files in {self.path} do not say how many numbers its vectors have")
        return min(found, self._settings().get("truncate_dim") or found)

    def prompts(self) -> dict[str, str]:
        """What the model itself wants to be put before texts, by name; empty where it says nothing."""
        prompts: dict[str, str] = self._settings().get("prompts") or {}
        return prompts

    def digest(self) -> str:
        """A hash of all that decides the vectors. The same on each machine, and for the same model in another place.

        An ONNX file beside other weights is the same model in another form and does not count: a worker may use the one,
        the site the other.
        """
        total = hashlib.sha256()
        for path in self._deciding_files():
            total.update(f"{path.relative_to(self.path).as_posix()} {_hash_of(path)}\n".encode())
        return total.hexdigest()

    def onnx_file(self) -> str | None:
        """The ONNX file to use, relative to the folder: the plain one before those for one kind of processor."""
        files = sorted(path.relative_to(self.path).as_posix() for path in self.path.rglob("*.onnx"))
        return next((name for name in ("onnx/model.onnx", "model.onnx") if name in files), next(iter(files), None))

    def _settings(self) -> dict[str, Any]:
        return _json(self.path / "config_sentence_transformers.json")

    def _modules(self) -> Iterator[tuple[str, Path]]:
        """Kind and folder of each part, in order. Without a list it is one transformer, whose tokens are averaged."""
        file = self.path / "modules.json"
        listed = json.loads(file.read_text("utf-8")) if file.exists() else [{"type": "Transformer", "path": ""}]
        for module in listed:
            yield module["type"].rpartition(".")[2], self.path / module["path"]

    def _deciding_files(self) -> list[Path]:
        folders = sorted({self.path, *(folder for _, folder in self._modules())})
        weights = [path for folder in folders for path in _weights(folder)] or sorted(self.path.rglob("*.onnx"))
        if not weights:
            raise ValueError(f"{self.path} holds no weights (*.safetensors, *.bin or *.onnx)")
        configuration = [path for folder in folders for path in _files(folder, _CONFIGURATION)]
        return [*configuration, *weights]


def _width(kind: str, folder: Path) -> int | None:
    """Numbers that this part of a model puts out; None where it leaves them as many as they were."""
    if kind not in _WIDTH_OF:
        raise ValueError(f"the model has a part of the kind {kind!r}, which this version does not know")
    return _WIDTH_OF[kind](folder)


def _of_transformer(folder: Path) -> int | None:
    config = _json(folder / "config.json")
    config = config.get("text_config", config)
    return next((config[name] for name in _WIDTHS if name in config), None)


def _of_pooling(folder: Path) -> int | None:
    """Several ways of pooling stand side by side in one vector."""
    config = _json(folder / "config.json")
    width: int = config.get("embedding_dimension") or config["word_embedding_dimension"]
    if "pooling_mode" in config:
        modes = config["pooling_mode"]
        return width * (1 if isinstance(modes, str) else len(modes))
    return width * max(1, sum(value is True for name, value in config.items() if name.startswith("pooling_mode_")))


def _of_dense(folder: Path) -> int | None:
    width: int = _json(folder / "config.json")["out_features"]
    return width


def _of_static(folder: Path) -> int | None:
    from safetensors import safe_open

    with safe_open(folder / "model.safetensors", framework="numpy") as tensors:
        width: int = tensors.get_slice(next(iter(tensors.keys()))).get_shape()[1]
    return width


def _unchanged(_folder: Path) -> int | None:
    return None


_WIDTH_OF: Final[dict[str, Callable[[Path], int | None]]] = {
    "Transformer": _of_transformer,
    "Pooling": _of_pooling,
    "Dense": _of_dense,
    "StaticEmbedding": _of_static,
    "Normalize": _unchanged,
    "LayerNorm": _unchanged,
    "Dropout": _unchanged,
    "WeightedLayerPooling": _unchanged,
}


def _json(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    return found


def _files(folder: Path, suffixes: set[str]) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.suffix in suffixes)


def _weights(folder: Path) -> list[Path]:
    """The weights that are loaded from this folder: safetensors, where there are both kinds."""
    return _files(folder, {".safetensors"}) or _files(folder, {".bin"})


def _hash_of(path: Path) -> str:
    state = path.stat()
    return _hash(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=1_000)
def _hash(path: Path, _size: int, _changed: int) -> str:
    """The content's hash: about a second for a gigabyte, so once for a file as long as it stays as it is."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
