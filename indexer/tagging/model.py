"""The trained model: one small file of numbers, that says on what it was trained."""

import hashlib
import io
import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from indexer.embedding import Vectors
from schemas.vocabulary import load

#: The model for the embeddings that the product comes with.
SHIPPED: Final = Path(__file__).with_name("model.npz")
#: Of the arrays below; another one is not read.
FORMAT: Final = 1

TARGETS: Final = tuple(term.id for term in load("sdgs").terms if term.broader is not None)
THEMES: Final = tuple(term.id for term in load("gender_themes").terms)
CRITERIA: Final = tuple(term.id for term in load("gender_criteria").terms)
#: Criteria that are not the marker itself.
FURTHER: Final = tuple(criterion for criterion in CRITERIA if criterion not in ("objective", "principal"))
#: What the heads of the gender side tell: each theme; whether equality is an aim, and whether it is the main reason; then of
#: each further criterion whether the text says yes, and whether it says no.
GENDER: Final = (*THEMES, "objective", "principal", *(f"{one}+" for one in FURTHER), *(f"{one}-" for one in FURTHER))


class Unreadable(ValueError):
    """The file is no model, or one of another format."""


@dataclass(frozen=True)
class TaggingModel:
    """Numbers for vectors of one embedding model of d dimensions. A head's logit is ``vector @ heads + biases``; the fusions
    weigh several features, the bias last."""

    #: Mean (d,) and one standard deviation () of the vectors that it was trained on.
    mean: Vectors
    deviation: Vectors
    #: (d, 17), (17,): each goal.
    goal_heads: Vectors
    goal_biases: Vectors
    #: (d,), (): any goal at all.
    any_head: Vectors
    any_bias: Vectors
    #: (4,): of a goal's head, its words, the head of any goal; the bias.
    goal_fusion: Vectors
    #: What passages (d,) and targets (d,) have in common; the targets without it (169, d); the deviation () of the cosines.
    passage_mean: Vectors
    target_vectors: Vectors
    target_deviation: Vectors
    #: (d, 26), (26,): heads for windows; and for single sentences.
    window_heads: Vectors
    window_biases: Vectors
    sentence_heads: Vectors
    sentence_biases: Vectors
    #: (26, 4): of windows, sentences and words; the bias.
    gender_fusion: Vectors
    #: JSON: the embedding model, the counts and hashes of what it was trained on.
    about: str

    @property
    def version(self) -> str:
        """Another for any other number."""
        return f"tagging-{FORMAT}-{hashlib.sha256(self.to_bytes()).hexdigest()[:10]}"

    @property
    def trained_on(self) -> dict[str, Any]:
        """The embedding model and the counts and hashes of what it was trained on."""
        found: dict[str, Any] = json.loads(self.about)
        return found

    def to_bytes(self) -> bytes:
        """The file: the same for the same numbers."""
        file = io.BytesIO()
        arrays = {field.name: np.asarray(getattr(self, field.name)) for field in fields(self)}
        np.savez_compressed(file, allow_pickle=False, format=np.array(FORMAT), **arrays)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, content: bytes) -> "TaggingModel":
        """The model of a file. Raises Unreadable."""
        try:
            with np.load(io.BytesIO(content), allow_pickle=False) as stored:
                if int(stored["format"]) != FORMAT:
                    raise Unreadable(f"the tagging model has format {stored['format']}, not {FORMAT}")
                about = str(stored["about"])
                return cls(**{field.name: stored[field.name] for field in fields(cls)} | {"about": about})
        except (OSError, ValueError, KeyError) as error:
            raise Unreadable(f"this is no tagging model: {error}") from error

    def standardised(self, vectors: Vectors) -> NDArray[np.float32]:
        """x': the vectors (n, d) as the heads were trained on them."""
        return ((vectors - self.mean) / self.deviation).astype(np.float32)


def fused(fusion: Vectors, *features: NDArray[Any]) -> NDArray[np.float64]:
    """Logits of several features together, in their shape; ``fusion`` is (features + 1,), or (labels, features + 1) by column,
    the bias last."""
    whole = sum(feature * fusion[..., at] for at, feature in enumerate(features))
    return np.asarray(whole + fusion[..., -1], dtype=np.float64)


def distances(one: TaggingModel, other: TaggingModel) -> dict[str, float]:
    """How far the numbers of two models are apart at most, by array; infinitely where their shapes differ."""
    found = {}
    for field in fields(one):
        mine, theirs = np.asarray(getattr(one, field.name)), np.asarray(getattr(other, field.name))
        if mine.dtype.kind == "f":
            found[field.name] = float(np.abs(mine - theirs).max()) if mine.shape == theirs.shape else np.inf
    return found


def place(data_dir: Path, embedding: str) -> Path:
    """Where this installation keeps the model that it trained for these embeddings."""
    return data_dir / "tagging" / f"{hashlib.sha256(embedding.encode()).hexdigest()[:16]}.npz"


def read(data_dir: Path, embedding: str) -> TaggingModel | None:
    """The model for these embeddings: the installation's own, else the shipped one; None where neither fits."""
    for path in (place(data_dir, embedding), SHIPPED):
        if path.exists():
            model = TaggingModel.from_bytes(path.read_bytes())
            if model.trained_on["embedding"] == embedding:
                return model
    return None
