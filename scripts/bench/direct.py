"""Elasticsearch asked directly, by one request, on the very index that the product has there: BM25 + kNN + four facets."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from elasticsearch import Elasticsearch

from indexer.analysis import content_tokens
from indexer.query import parse
from schemas.language import LANGUAGES
from scripts.bench.clients import PATIENCE, Ask
from scripts.bench.figures import Figures
from scripts.bench.machine import megabytes
from scripts.bench.questions import Asked

HOST: Final = os.environ.get("KB_BENCH_ELASTICSEARCH", "http://127.0.0.1:9200")
#: What is counted; the index has all facets in one field.
COUNTED: Final = ("type", "topic", "sdg", "region")
#: Nearest passages of each language, and how many are looked at for them.
NEAREST: Final = 10
LOOKED_AT: Final = 100

Body = dict[str, Any]


@dataclass(frozen=True)
class Direct:
    """Asks through the official client."""

    index: str
    bodies: tuple[Body, ...]

    @classmethod
    def of(cls, index: str, asked: Sequence[Asked]) -> "Direct":
        """With its requests made beforehand: their making is not timed."""
        return cls(index, tuple(map(request, asked)))

    @property
    def questions(self) -> int:
        return len(self.bodies)

    def connect(self) -> Ask:
        client = Elasticsearch(HOST, request_timeout=PATIENCE)
        return lambda number: client.search(index=self.index, **self.bodies[number])


def request(asked: Asked) -> Body:
    """One search: the ten best with their titles, and the counts."""
    among = _filters(asked)
    body: Body = {
        "size": 10,
        "source": False,
        "docvalue_fields": ["id", "title"],
        "query": {"bool": {"filter": among, "must": [words] if (words := _words(asked)) else []}},
        "aggregations": {name: {"terms": {"field": "facets", "include": f"{name}:.*"}} for name in COUNTED},
    }
    if asked.vector is not None:
        body["knn"] = _nearest(asked.vector, among)
    if asked.query.sort == "title":
        body["sort"] = [{"title": "asc"}]
    if asked.query.sort == "distance":
        body["sort"] = [{"_geo_distance": {"place": _centre(asked)}}]
    return body


def _words(asked: Asked) -> Body | None:
    """BM25 of the best language, as a multi_match of fields with an analyzer each would have it."""
    fields = [{"match": {f"words.{language}": " ".join(tokens)}} for language, tokens in asked.tokens.items() if tokens]
    return {"dis_max": {"queries": fields}} if fields else None


def _nearest(vector: Sequence[float], among: list[Body]) -> list[Body]:
    """One section for each language. The index has bytes; the scale does not change a cosine."""
    unit = np.asarray(vector)
    scaled = np.rint(unit * (127 / np.abs(unit).max())).astype(int).tolist()
    return [
        {
            "field": f"passages.{language}.vector",
            "query_vector": scaled,
            "k": NEAREST,
            "num_candidates": LOOKED_AT,
            "filter": among,
        }
        for language in LANGUAGES
    ]


def _filters(asked: Asked) -> list[Body]:
    query, typed = asked.query, parse(asked.query.q)
    found: list[Body] = [{"term": {"alive": True}}]
    found += [
        {"terms": {"facets": [f"{facet}:{value}" for value in values]}}
        for facet, values in query.chosen().items()
        if values
    ]
    if query.year_from is not None:
        found.append({"range": {"year": {"gte": query.year_from}}})
    if query.near:
        found.append({"geo_distance": {"distance": f"{query.near.km}km", "place": _centre(asked)}})
    if typed.insists:
        found.append({"bool": {"should": [clause for one in typed.phrases for clause in _phrase(one)]}})
    if typed.excluded:
        found.append({"bool": {"must_not": [clause for one in typed.excluded for clause in _phrase(one)]}})
    return found


def _phrase(text: str) -> list[Body]:
    return [
        {"match_phrase": {f"words.{language}": " ".join(tokens)}}
        for language in LANGUAGES
        if (tokens := content_tokens(text, language))
    ]


def _centre(asked: Asked) -> Body:
    near = asked.query.near
    assert near is not None
    return {"lat": near.lat, "lon": near.lon}


def held(index: str) -> Figures:
    """Disk of the index, and the memory of the server; its process is looked for on this machine."""
    with Elasticsearch(HOST, request_timeout=PATIENCE) as client:
        stored = client.indices.stats(index=index, metric="store")["_all"]["total"]["store"]["size_in_bytes"]
        nodes = client.nodes.stats(metric="jvm,process")["nodes"].values()
        pids = [node["process"]["id"] for node in client.nodes.info(metric="process")["nodes"].values()]
    return {
        "index, MB": stored / 1e6,
        "Elasticsearch, heap used, MB": sum(node["jvm"]["mem"]["heap_used_in_bytes"] for node in nodes) / 2**20,
        "Elasticsearch, memory, MB": sum(map(megabytes, pids)),
    }


def merge(index: str) -> None:
    """Write all that waits; a search would otherwise be timed beside it."""
    with Elasticsearch(HOST, request_timeout=600) as client:
        client.indices.refresh(index=index)
        client.indices.flush(index=index, wait_if_ongoing=True)


def drop(name: str) -> None:
    """Remove all indexes of that name."""
    with Elasticsearch(HOST, request_timeout=PATIENCE) as client:
        for index in client.indices.get(index=f"{name}-*", features=["aliases"]):
            client.indices.delete(index=index)
