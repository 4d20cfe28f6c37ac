"""The vectors of the fixtures, shipped beside them, so that the demonstration knows meaning from its first second.

Keyed by model and text like the cache that they are loaded into; a text that has changed is simply computed again.
"""

import json
from pathlib import Path
from typing import Final

import numpy as np
from sqlalchemy import Engine

from indexer.document import passages_of
from indexer.embedding import Vectors, describe, embed, load, text_key
from indexer.meaning import typical_texts
from indexer.vector_cache import VectorCache, place
from kb.settings import Settings, get_settings
from schemas.records import parse

FIXTURES: Final = Path(__file__).parents[1] / "fixtures"
FILE: Final = FIXTURES / "vectors.npz"


def record_files() -> list[Path]:
    """The fixtures that are records; the judgements beside them are not."""
    return sorted(path for path in FIXTURES.glob("*.jsonl") if not path.name.endswith("judgements.jsonl"))


def load_demo_vectors(settings: Settings, database: Engine | None = None) -> int:
    """Put the shipped vectors into the cache of this installation. Returns how many there are for the model in use."""
    model = describe(settings).id
    vectors = _shipped(model)
    cache = VectorCache(place(settings, database), model)
    cache.put(vectors)
    cache.close()
    return len(vectors)


def check() -> int:
    """How many texts of the fixtures have no shipped vector."""
    return len(_texts().keys() - _shipped(describe(get_settings()).id).keys())


def make() -> int:
    """Write the file: known vectors are kept, others computed, those of texts that are gone left out."""
    embedder = load(get_settings())
    texts, known = _texts(), _shipped(embedder.id)
    missing = {key: text for key, text in texts.items() if key not in known}
    known |= embed(embedder, missing)
    keys = sorted(texts)
    np.savez_compressed(
        FILE,
        model=np.array(embedder.id),
        keys=np.array([np.frombuffer(key, dtype=np.uint8) for key in keys]),
        vectors=np.array([known[key] for key in keys], dtype=np.float16),
    )
    return len(missing)


def _shipped(model: str) -> dict[bytes, Vectors]:
    if not FILE.exists():
        return {}
    with np.load(FILE, allow_pickle=False) as stored:
        if str(stored["model"]) != model:
            return {}
        rows = zip(stored["keys"], stored["vectors"], strict=True)
        return {key.tobytes(): vector.astype(np.float32) for key, vector in rows}


def _texts() -> dict[bytes, str]:
    """Every passage of the fixtures, and the typical texts of each language, by key."""
    texts = {text_key(text): text for typical in typical_texts().values() for text in typical}
    for path in record_files():
        for line in path.read_text("utf-8").splitlines():
            record = parse(json.loads(line))
            for language in record.languages():
                texts |= {text_key(passage.text): passage.text for passage in passages_of(record, language)}
    return texts
