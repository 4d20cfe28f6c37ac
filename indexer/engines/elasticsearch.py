"""The Elasticsearch engine: versioned indexes ``name-1``, ``name-2`` ... behind the alias ``name``.

Every process asks through the alias; a rebuild fills the next index and then moves the alias, which is atomic. The index
before it is kept until the next rebuild: a reader may be in the middle of it, and the way back is one request.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from elasticsearch import BadRequestError, Elasticsearch, NotFoundError
from elasticsearch.helpers import scan, streaming_bulk

from indexer.analysis import content_tokens, fold
from indexer.document import IndexDocument, name_key
from indexer.embedding import Model, Vectors
from indexer.engines import elastic_index
from indexer.engines.base import Answer, EngineStatus, Question, SearchEngine
from indexer.engines.elastic_client import PATIENCE, Address, Client, read
from indexer.engines.elastic_merge import merge
from indexer.engines.elastic_query import Query
from indexer.engines.elastic_state import State
from kb.errors import Unavailable
from schemas.language import LANGUAGES

#: Documents that get vectors at a time.
ATTACHED: Final = 200
#: Known words near to a misspelt one that are looked at.
NEAR: Final = 5
#: Seconds between two tries of a change that was refused for lack of room, doubled each time.
BACKOFF: Final = 0.5
_CONFLICT: Final = 409
_BAD: Final = 400


class ElasticsearchEngine:
    """See the module."""

    name = "Elasticsearch"

    def __init__(self, client: Client, address: Address, model: Model, pinned: str | None = None) -> None:
        self._client = client
        self._address = address
        self._model = model
        #: What is asked and written: the alias, or the alias of an index that is being filled.
        self._index = pinned or address.name
        self._pinned = pinned is not None
        self._state = State(client, self._index)
        self._is_there = self._pinned
        self._unread = False

    @classmethod
    def at(cls, url: str, model: Model, timeout: float) -> "ElasticsearchEngine":
        """The index of that URL. Raises ValueError for a URL that cannot be one."""
        address = read(url)
        return cls(Client(address, timeout), address, model)

    @property
    def model(self) -> Model:
        try:
            self._open()
            return self._state.model()
        except Unavailable:
            if not self._client.lost:
                raise
            # Somebody deleted the index; the next change makes it anew, for this model.
            return self._model

    # Opening

    def _open(self, making: bool = False) -> None:
        """Make the first index where there is none; and let what was written last be found."""
        self._is_there = self._is_there and not (making and self._client.lost)
        if not self._is_there:
            with self._client.asking() as client:
                if not client.indices.exists_alias(name=self._index):
                    self._create(f"{self._index}-1", self._index)
            self._is_there, self._client.lost = True, False
        if self._unread:
            with self._client.changing() as client:
                client.indices.refresh(index=self._index)
            self._unread = False

    def _create(self, index: str, alias: str) -> None:
        """Make an empty index; that another process was faster is fine."""
        with self._client.changing() as client:
            try:
                client.indices.create(
                    index=index,
                    aliases={alias: {"is_write_index": True}},
                    settings=elastic_index.settings(self._address.shards, self._address.replicas),
                    mappings=elastic_index.mappings(self._model),
                )
            except BadRequestError as error:
                if error.error != "resource_already_exists_exception":
                    raise

    # Writing

    def write(
        self, documents: Sequence[IndexDocument], version: int, vectors: Mapping[bytes, Vectors] = MappingProxyType({})
    ) -> dict[str, str]:
        latest = {elastic_index.key_of(document.id): document for document in documents}
        refused = self._put(
            (elastic_index.source(document, vectors), version, "external") for document in latest.values()
        )
        return {latest[key].id: reason for key, reason in refused.items()}

    def delete(self, ids: Iterable[str], version: int) -> None:
        self._put_all((elastic_index.tombstone(record_id), version, "external") for record_id in ids)

    def missing_vectors(self, limit: int) -> dict[bytes, str]:
        self._open()
        with self._client.changing() as client:
            found = client.search(
                index=self._index,
                size=min(limit, ATTACHED),
                query={"exists": {"field": "wanted"}},
                source_includes=["passages"],
                sort=[{"id": "asc"}],
            )
        texts = (text for hit in found["hits"]["hits"] for text in elastic_index.texts_waiting(hit["_source"]))
        return dict(list(dict(texts).items())[:limit])

    def attach(self, vectors: Mapping[bytes, Vectors]) -> None:
        """Each document is written again with its new vectors, in the version that it was read in: one that was changed
        meanwhile stays as it is, and its passages go on waiting."""
        known = {key.hex(): elastic_index.packed(vector) for key, vector in vectors.items()}
        after: list[Any] | None = None
        while known and (hits := self._waiting_for(list(known), after)):
            after = hits[-1]["sort"]
            self._put_all(
                (elastic_index.attached(hit["_source"], known), hit["_version"], "external_gte") for hit in hits
            )

    def _waiting_for(self, keys: list[str], after: list[Any] | None) -> list[Any]:
        self._open()
        with self._client.changing() as client:
            found = client.search(
                index=self._index, size=ATTACHED, version=True, sort=[{"id": "asc"}], query={"terms": {"wanted": keys}},
                search_after=after
            )  # fmt: skip
        hits: list[Any] = found["hits"]["hits"]
        return hits

    def _put_all(self, changes: Iterable[elastic_index.Change]) -> None:
        """Make these changes. Raises Unavailable also for those that are not taken as they are."""
        for key, reason in self._put(changes).items():
            raise Unavailable(f"Elasticsearch refused '{key}': {reason}")

    def _put(self, changes: Iterable[elastic_index.Change]) -> dict[str, str]:
        """Make these changes, all that are newer than what there is. Returns why, by the document's key, for those that are
        not taken as they are. Raises Unavailable for what may be taken later; all else is done."""
        self._open(making=True)
        actions = [
            {
                "_op_type": "index",
                "_id": elastic_index.key_of(whole["id"]),
                "_source": whole,
                "version": version,
                "version_type": kind,
            }
            for whole, version, kind in changes
        ]
        if not actions:
            return {}
        with self._client.changing() as client:
            refused = self._refused(self._bulk(client, actions))
        self._unread, self._state.stale = self._pinned, True
        return refused

    def _bulk(self, client: Elasticsearch, actions: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """The items that failed."""
        results = streaming_bulk(
            client,
            actions,
            index=self._index,
            require_alias=True,
            refresh=not self._pinned,
            raise_on_error=False,
            max_retries=5,
            initial_backoff=BACKOFF,
            retry_on_status=(429, 502, 503, 504),
        )
        return [result["index"] for fine, result in results if not fine]

    def _refused(self, failed: list[dict[str, Any]]) -> dict[str, str]:
        """Of the items that failed, those that are wrong in themselves, with the reason. Raises Unavailable for the others."""
        wrong = [item for item in failed if item["status"] not in (_CONFLICT, _BAD)]
        if any(item["status"] == 404 for item in wrong):
            self._client.lost = True
        if wrong:
            raise Unavailable(
                f"Elasticsearch took all but {len(wrong)} of the changes; '{wrong[0].get('_id')}' was refused: "
                f"{_reason(wrong[0])}"
            )
        return {item["_id"]: _reason(item) for item in failed if item["status"] == _BAD}

    # Searching

    def prepare(self) -> None:
        self._open()
        self._state.statistics(patience=PATIENCE)

    def search(self, question: Question) -> Answer:
        with self._client.one_question():
            self._open()
            information = self._state.information({one: words for one, words in question.words.items() if words})
            return Query(question, self._state.statistics(), information, self._ask).answer()

    def _ask(self, bodies: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        return self._client.search_many(self._index, bodies) if bodies else []

    def names_starting(self, prefix: str, limit: int) -> list[str]:
        self._open()
        start = name_key(prefix)
        words = elastic_index.words_of(start).split()[:20]
        if not words:
            return []
        inside = {"bool": {"filter": [{"prefix": {"names.words": word}} for word in words]}}
        opening = {"bool": {"filter": [inside, {"prefix": {"names.key": start}}]}}
        shortest = {"order": "asc", "mode": "min", "nested": {"path": "names", "filter": inside}}
        (found,) = self._ask([{
            "size": limit,
            "query": {
                "bool": {
                    "filter": [{"term": {"alive": True}}, {"nested": {"path": "names", "query": inside}}],
                    "should": [{"constant_score": {"filter": {"nested": {"path": "names", "query": opening}}}}],
                }
            },
            "sort": [{"_score": "desc"}, {"names.length": shortest}, {"id": "asc"}],
            "_source": False,
            "docvalue_fields": ["id"],
        }])  # fmt: skip
        return [hit["fields"]["id"][0] for hit in found["hits"]["hits"]]

    def knows(self, word: str) -> bool:
        return word in self._known([word])

    def _known(self, words: Sequence[str]) -> set[str]:
        """Those of the words that some text holds."""
        self._open()
        asked = [
            {
                "size": 0,
                "terminate_after": 1,
                "query": {
                    "bool": {
                        "should": [
                            {"terms": {f"words.{language}": tokens}}
                            for language in LANGUAGES
                            if (tokens := content_tokens(word, language))
                        ],
                        "filter": [{"term": {"alive": True}}],
                        "minimum_should_match": 1,
                    }
                },
            }
            for word in words
        ]
        return {
            word for word, found in zip(words, self._ask(asked), strict=True) if found["hits"]["total"]["value"] > 0
        }

    def spelled_like(self, word: str) -> str | None:
        if self.knows(word):
            return None
        folded = fold(word)
        near = {
            "field": "spellings", "max_edits": 1 if len(folded) < 10 else 2, "prefix_length": 0, "size": NEAR,
            "suggest_mode": "always", "string_distance": "damerau_levenshtein", "min_word_length": 4,
        }  # fmt: skip
        (found,) = self._ask([{"size": 0, "suggest": {"near": {"text": folded, "term": near}}}])
        options = [option["text"] for entry in found["suggest"]["near"] for option in entry["options"]]
        shown = [one for one in map(self._as_written, options) if one]
        # Spellings stay for a while when the last text that has them goes.
        known = self._known(shown)
        return next((one for one in shown if one in known), None)

    def _as_written(self, folded: str) -> str | None:
        (found,) = self._ask([{
            "size": 1,
            "query": {"bool": {"filter": [{"term": {"alive": True}}, {"term": {"spellings": folded}}]}},
            "_source": ["shown"],
        }])  # fmt: skip
        return next((hit["_source"]["shown"].get(folded) for hit in found["hits"]["hits"]), None)

    def vectors_of(self, record_id: str) -> Vectors | None:
        self._open()
        with self._client.asking() as client:
            try:
                found = client.get(
                    index=self._index, id=elastic_index.key_of(record_id), source_includes=["passages", "alive"]
                )
            except NotFoundError:
                return None
        vectors = elastic_index.vectors_in(found["_source"]) if found["_source"]["alive"] else []
        if not vectors:
            return None
        mean = np.mean(vectors, axis=0)
        return np.asarray(mean / np.linalg.norm(mean), dtype=np.float32)

    # Keeping

    def fingerprints(self) -> Iterator[tuple[str, str]]:
        self._open()
        with self._client.changing() as client:
            query = {"query": {"term": {"alive": True}}, "docvalue_fields": ["id", "fingerprint"], "_source": False}
            for hit in scan(client, query=query, index=self._index, size=2_000):
                yield hit["fields"]["id"][0], hit["fields"]["fingerprint"][0]

    def deleted_since(self, version: int) -> list[str]:
        self._open()
        with self._client.changing() as client:
            query = {"query": {"term": {"alive": False}}, "docvalue_fields": ["id"], "_source": False, "version": True}
            hits = scan(client, query=query, index=self._index, size=2_000)
            return [hit["fields"]["id"][0] for hit in hits if hit["_version"] > version]

    def status(self) -> EngineStatus:
        self._open()
        sums = {name: {"sum": {"field": name}} for name in ("passage_count", "waiting_count")}
        with self._client.asking() as client:
            found = client.search(
                index=self._index, size=0, query={"term": {"alive": True}}, aggs=sums, track_total_hits=True
            )
            stored = client.indices.stats(index=self._index, metric="store")
        passages, waiting = (int(found["aggregations"][name]["value"]) for name in sums)
        return EngineStatus(
            records=found["hits"]["total"]["value"],
            passages=passages,
            embedded=passages - waiting,
            bytes=stored["_all"]["total"]["store"]["size_in_bytes"],
        )

    def rebuild(self) -> "ElasticsearchEngine":
        self._open()
        number = 1 + max(map(self._number, self._indexes()), default=0)
        index, alias = f"{self._address.name}-{number}", f"{self._address.name}-filling-{number}"
        self._create(index, alias)
        with self._client.changing() as client:
            # Nobody reads it yet.
            client.indices.put_settings(index=index, settings={"refresh_interval": "-1"})
        return ElasticsearchEngine(self._client, self._address, self._model, alias)

    def settle(self, meanwhile: Callable[[], None]) -> None:
        merge(self._client, self._index, self._address.shards, meanwhile)

    def become(self, successor: SearchEngine) -> None:
        """Moves the alias, and removes all indexes but the new one and the one before it. Raises Unavailable, and leaves
        all as it was, when the new one does not answer."""
        assert isinstance(successor, ElasticsearchEngine)
        with self._client.changing() as client:
            (new,) = client.indices.get_alias(name=successor._index)
            old = list(client.indices.get_alias(name=self._index))
            client.indices.put_settings(index=new, settings={"refresh_interval": None})
            client.indices.refresh(index=new)
            client.search(index=new, size=1, query={"term": {"alive": True}})
            client.indices.update_aliases(actions=[
                *({"remove": {"index": index, "alias": self._index}} for index in old),
                {"remove": {"index": new, "alias": successor._index}},
                {"add": {"index": new, "alias": self._index, "is_write_index": True}},
            ])  # fmt: skip
            self._keep_only(new, *old)
        self._state.stale = True

    def drop_former(self) -> None:
        with self._client.changing() as client:
            self._keep_only(*client.indices.get_alias(name=self._index))

    def _keep_only(self, *kept: str) -> None:
        with self._client.changing() as client:
            for index in self._indexes():
                if index not in kept:
                    client.indices.delete(index=index, ignore_unavailable=True)

    def _indexes(self) -> list[str]:
        """All indexes of this name: the live one, the one before it, and those that were given up."""
        with self._client.changing() as client:
            found = client.indices.get(index=f"{self._address.name}-*", features=["aliases"])
        return [index for index in found if self._number(index)]

    def _number(self, index: str) -> int:
        number = index.removeprefix(f"{self._address.name}-")
        return int(number) if number.isdigit() else 0

    def close(self) -> None:
        """The connection is shared with the index that this one was made beside."""
        self._state.close()
        if not self._pinned:
            self._client.close()


def _reason(item: dict[str, Any]) -> str:
    """Why an item failed, with what lies behind it."""
    error = item.get("error", {})
    cause = error.get("caused_by", {}).get("reason") if isinstance(error, dict) else None
    said = error.get("reason", error) if isinstance(error, dict) else error
    return f"{said} ({cause})" if cause else str(said)
