"""What the Elasticsearch index of a record looks like: the mapping, and a document as it is written there.

One index document is one record with its passages nested in it, by language, so that each language has a vector graph of
its own. A deleted record leaves a tombstone (``alive`` is false): Elasticsearch itself forgets the version of a deletion
after a minute, and a late write would bring the record back.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import numpy as np

from indexer.analysis import fold
from indexer.document import IndexDocument
from indexer.embedding import Model, Vectors
from indexer.engines.store import quantise
from schemas.language import LANGUAGES

Source = dict[str, Any]
#: A document as it is to be, its version, and what is done where there is one already.
Change = tuple[Source, int, str]

#: Of what is below; an index of another format is read as one of another model: it wants a rebuild.
FORMAT: Final = 1
#: Longer keywords are not indexed; Lucene takes 32,766 bytes.
LONGEST_KEYWORD: Final = 8_000
#: Bytes of a document's id in Elasticsearch.
LONGEST_ID: Final = 512
#: Results that can be paged through; offset and limit of a query are below it.
RESULT_WINDOW: Final = 20_000

_WORD = re.compile(r"\w+")
_KEYWORD: Final = {"type": "keyword", "ignore_above": LONGEST_KEYWORD}
_KEPT_ONLY: Final = {"type": "keyword", "index": False, "doc_values": False}
_WORDS: Final = {"type": "text", "analyzer": "whitespace"}


def settings(shards: int, replicas: int | None) -> Source:
    """The index settings; without a number of replicas there is one wherever there is a second node."""
    copies: Source = {"auto_expand_replicas": "0-1"} if replicas is None else {"number_of_replicas": replicas}
    return {"number_of_shards": shards, "max_result_window": RESULT_WINDOW} | copies


def mappings(model: Model) -> Source:
    """The explicit mapping; an unknown field is refused."""
    return {
        "dynamic": "strict",
        "_meta": {"format": FORMAT, "model": vars(model)},
        "properties": {
            "id": {"type": "keyword"},
            "alive": {"type": "boolean"},
            "fingerprint": {"type": "keyword", "index": False},
            "title": _KEYWORD,
            "languages": {"type": "keyword"},
            #: Tokens that are analysed already (analysis.py), by language.
            "words": {"properties": dict.fromkeys(LANGUAGES, _WORDS)},
            "names": {
                "type": "nested",
                "properties": {"key": _KEYWORD, "words": _WORDS, "length": {"type": "integer"}},
            },
            #: Folded words that "did you mean" can propose, and how each is written.
            "spellings": {"type": "keyword"},
            "shown": {"type": "object", "enabled": False},
            #: Values as ``facet:id``, so that one aggregation counts all facets.
            "facets": {"type": "keyword"},
            "dated": {"type": "integer"},
            "year": {"type": "integer"},
            "place": {"type": "geo_point"},
            "passages": {"properties": {language: _passages(model.dimension) for language in LANGUAGES}},
            "passage_count": {"type": "integer"},
            #: Text keys of the passages that wait for their vectors, how many passages those are, and the languages in
            #: which none has one yet.
            "wanted": {"type": "keyword"},
            "waiting_count": {"type": "integer"},
            "unknown": {"type": "keyword"},
        },
    }


def _passages(dimension: int) -> Source:
    vector = {
        "type": "dense_vector",
        "dims": dimension,
        "element_type": "byte",
        "similarity": "cosine",
        "index": True,
        "index_options": {"type": "hnsw", "m": 16, "ef_construction": 100},
    }
    # The text is kept only until its vector is there; readers are shown the database's.
    return {"type": "nested", "properties": {"key": _KEPT_ONLY, "text": _KEPT_ONLY, "vector": vector}}


def key_of(record_id: str) -> str:
    """The id of a record's document."""
    return record_id if len(record_id.encode()) <= LONGEST_ID else f"#{hash_of(record_id)}"


def hash_of(text: str) -> str:
    """A short name for a long text."""
    from indexer.embedding import text_key

    return text_key(text).hex()


def tombstone(record_id: str) -> Source:
    """What is left of a deleted record."""
    return {"id": record_id, "alive": False}


def source(document: IndexDocument, known: Mapping[bytes, Vectors]) -> Source:
    """The document as it is written, with those vectors of its passages that are known."""
    spelled = dict(sorted(document.spellings()))
    whole: Source = {
        "id": document.id,
        "alive": True,
        "fingerprint": document.fingerprint,
        "title": fold(document.versions[0].title),
        "languages": [version.language for version in document.versions],
        "words": {version.language: version.tokens for version in document.versions},
        "names": [{"key": name, "words": words_of(name), "length": len(name)} for name in document.names],
        "spellings": list(spelled),
        "shown": spelled,
        "facets": [f"{facet}:{value}" for facet, values in document.facets.items() for value in values],
        "passages": {
            version.language: [_passage(passage.key, passage.text, known) for passage in version.passages]
            for version in document.versions
        },
    }
    if document.dated:
        whole["dated"] = int(document.dated.replace("-", "").ljust(8, "0"))
    if document.year is not None:
        whole["year"] = document.year
    if document.coordinates:
        whole["place"] = dict(zip(("lat", "lon"), document.coordinates, strict=True))
    return counted(whole)


def words_of(name: str) -> str:
    """The words of a folded name, for finding it by their beginnings."""
    return " ".join(_WORD.findall(name))


def _passage(key: bytes, text: str, known: Mapping[bytes, Vectors]) -> Source:
    passage = {"key": key.hex()}
    return passage | ({"vector": packed(known[key])} if key in known else {"text": text})


def packed(vector: Vectors) -> str:
    """A vector as the index has it: int8 in hexadecimal, to be compared by cosine."""
    return quantise(vector)[0].hex()


def unpacked(vector: str) -> Vectors:
    """A packed vector, of length 1."""
    whole = np.frombuffer(bytes.fromhex(vector), dtype=np.int8).astype(np.float32)
    return np.asarray(whole / (np.linalg.norm(whole) or 1), dtype=np.float32)


def attached(whole: Source, vectors: Mapping[str, str]) -> Source:
    """The document with these packed vectors, by text key, in place of the texts that waited for them."""
    passages = {
        language: [
            {"key": one["key"], "vector": vectors[one["key"]]} if "text" in one and one["key"] in vectors else one
            for one in own
        ]
        for language, own in whole["passages"].items()
    }
    return counted(whole | {"passages": passages})


def counted(whole: Source) -> Source:
    """The document with what is counted of its passages."""
    passages: Mapping[str, list[Source]] = whole["passages"]
    waiting = [one["key"] for own in passages.values() for one in own if "text" in one]
    return whole | {
        "passage_count": sum(map(len, passages.values())),
        "waiting_count": len(waiting),
        "wanted": list(dict.fromkeys(waiting)),
        "unknown": [language for language, own in passages.items() if all("text" in one for one in own)],
    }


def texts_waiting(whole: Source) -> Iterable[tuple[bytes, str]]:
    """Text key and text of the document's passages that have no vector."""
    return (
        (bytes.fromhex(one["key"]), one["text"]) for own in whole["passages"].values() for one in own if "text" in one
    )


def vectors_in(whole: Source) -> list[Vectors]:
    """The vectors of the document's passages that have one."""
    return [unpacked(one["vector"]) for own in whole["passages"].values() for one in own if "vector" in one]
