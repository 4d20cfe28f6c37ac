"""Any sentence-transformers model as an embedder: the optional extra ``transformers``.

Nothing is fetched and no code of a model's author is run: a model is a folder, or was fetched into the cache of the
Hugging Face hub before.
"""

import hashlib
import json
import re
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import numpy as np

from indexer.embedding import Model, Vectors
from indexer.model_folder import ModelFolder
from kb.settings import Settings

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

#: Passages in one call. On a CPU more gain nothing, and a question waits for the call before it.
CPU_BATCH: Final = 8
GPU_BATCH: Final = 64


class Prompts(NamedTuple):
    """What is put before every question and every passage."""

    query: str
    passage: str


#: Models that were trained with prompts and do not always say so, by the last part of their names.
_TRAINED_WITH: Final = (
    (re.compile(r"(^|-)e5-.*instruct"), Prompts("Instruct: Find the passages that answer the question\nQuery: ", "")),
    (re.compile(r"(^|-)e5(-|$)"), Prompts("query: ", "passage: ")),
)


def describe(settings: Settings) -> Model:
    """The model that the settings name, without loading it. The id follows from weights, configuration and prompts; not
    from device, dtype and backend, whose vectors agree to three digits. Raises ValueError, which says what to do."""
    folder = _folder(settings.embedding_model)
    identity = json.dumps([folder.digest(), prompts(settings, folder)])
    try:
        dimension = folder.dimension()
    except ValueError as error:
        raise _refusal(settings.embedding_model, str(error)) from error
    name = Path(settings.embedding_model).name
    return Model(settings.embedding_model, f"{name}-{hashlib.sha256(identity.encode()).hexdigest()[:12]}", dimension)


def prompts(settings: Settings, folder: ModelFolder) -> Prompts:
    """The settings' prompts; else the model's own; else those that its family was trained with; else none."""
    own = folder.prompts()
    name = Path(settings.embedding_model).name.lower()
    family = next((known for pattern, known in _TRAINED_WITH if pattern.search(name)), Prompts("", ""))
    query, passage = settings.embedding_query_prompt, settings.embedding_passage_prompt
    return Prompts(
        query if query is not None else own.get("query") or family.query,
        passage if passage is not None else own.get("passage") or own.get("document") or family.passage,
    )


class SentenceTransformers:
    """A sentence-transformers model. Calls wait for each other, a batch at a time: a tokenizer may not be used by two
    threads at once, and torch uses all cores for one call."""

    def __init__(self, settings: Settings) -> None:
        model, folder = describe(settings), _folder(settings.embedding_model)
        self.id, self.dimension = model.id, model.dimension
        device = _device(settings)
        self.batch = settings.embedding_batch or (CPU_BATCH if device == "cpu" else GPU_BATCH)
        self._prompts = prompts(settings, folder)
        self._lock = threading.Lock()
        self._model = (
            _onnx(settings, folder, device)
            if settings.embedding_backend == "onnx"
            else _torch(settings, folder, device)
        )

    def query(self, text: str) -> Vectors:
        """The vector of a question, shape (dimension,)."""
        vector: Vectors = self._encoded([text], self._prompts.query)[0]
        return vector

    def passages(self, texts: Sequence[str]) -> Vectors:
        """The vectors of passages, shape (texts, dimension)."""
        parts = [texts[start : start + self.batch] for start in range(0, len(texts), self.batch)]
        none = np.empty((0, self.dimension), dtype=np.float32)
        return np.concatenate([none, *(self._encoded(part, self._prompts.passage) for part in parts)])

    def _encoded(self, texts: Sequence[str], prompt: str) -> Vectors:
        with self._lock:
            found = self._model.encode(list(texts), prompt=prompt, batch_size=self.batch, show_progress_bar=False)
        vectors = np.asarray(found, dtype=np.float32)
        # Of a text without any known word a model of word vectors makes nothing at all.
        lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
        return np.asarray(vectors / lengths, dtype=np.float32)


def _folder(name: str) -> ModelFolder:
    if find_spec("sentence_transformers") is None:
        raise _refusal(
            name,
            "sentence-transformers is not installed here; run: make transformers (which installs "
            "requirements-transformers.lock and torch)",
        )
    path = Path(name).expanduser()
    if path.is_dir():
        return ModelFolder(path.resolve())
    return ModelFolder(_snapshot(name))


def _snapshot(name: str) -> Path:
    """Where the hub's cache keeps the model. Names without an owner are those of sentence-transformers' own models."""
    from huggingface_hub import constants, try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    repository = name if "/" in name else f"sentence-transformers/{name}"
    try:
        found = [try_to_load_from_cache(repository, file) for file in ("modules.json", "config.json")]
    except HFValidationError as error:
        raise _refusal(name, "there is no such folder") from error
    for path in found:
        if isinstance(path, str):
            return Path(path).parent
    raise _refusal(
        name,
        f"there is no such folder, and the Hugging Face cache in {constants.HF_HUB_CACHE} does not have it; "
        f"fetch it with: hf download {repository}",
    )


def _device(settings: Settings) -> str:
    """Where the model is to compute. Raises ValueError for a device that is not there."""
    present = _onnx_devices() if settings.embedding_backend == "onnx" else _torch_devices()
    if settings.embedding_device == "auto":
        return present[0]
    if settings.embedding_device.partition(":")[0] not in present:
        raise ValueError(
            f"KB_EMBEDDING_DEVICE={settings.embedding_device!r} is not to be had here for "
            f"KB_EMBEDDING_BACKEND={settings.embedding_backend}; there is: {', '.join(present)}"
        )
    return settings.embedding_device


def _torch_devices() -> list[str]:
    """The devices that torch finds, best first."""
    import torch

    found = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    return [device for device, present in found.items() if present]


def _onnx_devices() -> list[str]:
    """The devices that ONNX Runtime is built for, best first."""
    if find_spec("onnxruntime") is None or find_spec("optimum") is None:
        raise ValueError(
            "KB_EMBEDDING_BACKEND=onnx needs optimum-onnx and onnxruntime, which are not installed here; run: make "
            "transformers, or choose KB_EMBEDDING_BACKEND=torch"
        )
    import onnxruntime

    return ["cuda", "cpu"] if "CUDAExecutionProvider" in onnxruntime.get_available_providers() else ["cpu"]


def _torch(settings: Settings, folder: ModelFolder, device: str) -> "SentenceTransformer":
    import torch

    dtype = settings.embedding_dtype
    if dtype == "auto":
        dtype = "float32" if device == "cpu" else "float16"
    # All parts of the model, not only the transformer, as they hand their numbers on to each other.
    model: SentenceTransformer = _opened(settings, folder, device, "torch").to(dtype=getattr(torch, dtype))
    return model


def _onnx(settings: Settings, folder: ModelFolder, device: str) -> "SentenceTransformer":
    file = folder.onnx_file()
    if file is None:
        raise _refusal(settings.embedding_model, "it comes without an ONNX file; choose KB_EMBEDDING_BACKEND=torch")
    if settings.embedding_dtype != "auto":
        raise ValueError(
            "KB_EMBEDDING_DTYPE is for torch: an ONNX file has the dtype that it was made with; leave it at auto"
        )
    provider = "CUDAExecutionProvider" if device.startswith("cuda") else "CPUExecutionProvider"
    return _opened(settings, folder, device, "onnx", file_name=file, provider=provider)


def _opened(
    settings: Settings, folder: ModelFolder, device: str, backend: Any, **options: str
) -> "SentenceTransformer":
    from safetensors import SafetensorError
    from sentence_transformers import SentenceTransformer

    try:
        return SentenceTransformer(
            str(folder.path), device=device, backend=backend, model_kwargs=options,
            trust_remote_code=False, local_files_only=True,
        )  # fmt: skip
    except (OSError, SafetensorError) as error:
        raise _refusal(settings.embedding_model, f"it cannot be loaded from {folder.path}: {error}") from error


def _refusal(name: str, reason: str) -> ValueError:
    return ValueError(f"KB_EMBEDDING_MODEL={name!r} cannot be used: {reason}")
