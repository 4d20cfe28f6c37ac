"""Merging an index that has been filled. Each segment has a vector graph of its own that a question looks through, and a
filling leaves dozens."""

import logging
import math
import time
from collections.abc import Callable
from typing import Final

from elasticsearch import NotFoundError

from indexer.engines.elastic_client import Client

log = logging.getLogger(__name__)

#: Bytes of the largest segment that is wanted: Elasticsearch makes none above 5 GB by itself, and would leave a larger one
#: alone until half of it is deleted.
SEGMENT: Final = 5 * 2**30
#: Seconds between two looks at a merge.
LOOK: Final = 0.5


def merge(client: Client, index: str, shards: int, meanwhile: Callable[[], None]) -> None:
    """Merge each shard to one segment, or to as many as make none too large; ``meanwhile`` is called all the time. A merge
    that fails leaves an index that is slower, and no less true."""
    with client.changing() as asked:
        asked.indices.refresh(index=index)
        size = asked.indices.stats(index=index, metric="store")["_all"]["primaries"]["store"]["size_in_bytes"]
        most = max(math.ceil(size / shards / SEGMENT), 1)
        task = asked.indices.forcemerge(index=index, max_num_segments=most, wait_for_completion=False)["task"]
    while not _ended(client, task):
        meanwhile()
        time.sleep(LOOK)


def _ended(client: Client, task: str) -> bool:
    """Whether Elasticsearch is through with it, or has lost it with a node."""
    with client.changing() as asked:
        try:
            # Its own method in the client warns that the API is a preview.
            found = asked.perform_request("GET", f"/_tasks/{task}", headers={"accept": "application/json"}).body
        except NotFoundError:
            return True
    failed = found.get("error") or found.get("response", {}).get("_shards", {}).get("failures")
    if failed:
        log.warning("the new search index was not merged, so that it answers more slowly: %s", failed)
    return bool(found["completed"])
