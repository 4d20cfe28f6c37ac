"""Keeping the index what the database says: take in changes, compute vectors, rebuild beside the live index, compare.

A job carries an id only; the record is loaded as it is now and its whole document written, so that a job done twice,
late or out of order changes nothing.
"""

import logging
import os
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from indexer.document import IndexDocument, as_readers_see, build, city_id, published
from indexer.embedding import Embedder, Vectors
from indexer.engines.base import SearchEngine
from indexer.vector_cache import VectorCache
from kb import outbox
from kb.db import chunks, transaction
from kb.records import service as records
from kb.records.service import Edition
from schemas.records import City

log = logging.getLogger(__name__)

#: Jobs, and records of a rebuild, that are taken in at a time.
BATCH = 200
#: Passages that a thread embeds at least before they are kept.
EMBED_BATCH = 8
#: For so long, in milliseconds as versions are, a rebuilt index remembers that a record was deleted: by then, whoever was
#: about to write it has woken up.
REMEMBERED = 24 * 3_600 * 1_000
#: Seconds that a lease holds without being renewed; a batch takes far less.
LEASE = 120
#: The same for the taking in of changes: a batch takes a second, and nobody waits long for one whose process was killed.
SHORT_LEASE = 30

Progress = Callable[[int, int], None]
Stop = Callable[[], bool]


@dataclass(frozen=True)
class Differences:
    """Records of which the index and the database say different things, by id."""

    missing: tuple[str, ...]
    stale: tuple[str, ...]
    orphaned: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.missing) + len(self.stale) + len(self.orphaned)

    def ids(self) -> list[str]:
        """All of them."""
        return [*self.missing, *self.stale, *self.orphaned]


def _holder() -> str:
    return f"{socket.gethostname()} {os.getpid()}"


def _silent(_done: int, _all: int) -> None:
    pass


def drain(
    database: Engine,
    engine: SearchEngine,
    cache: VectorCache,
    progress: Progress = _silent,
    stop: Stop = lambda: False,
) -> int | None:
    """Take in all changes that wait, with the vectors that are known. Returns how many jobs were done; None when another
    process is at it."""
    with outbox.lease(database, "index", _holder(), SHORT_LEASE) as held:
        if not held:
            return None
        finished = 0
        while not stop() and held.renew():
            jobs = _take_in_batch(database, engine, cache, held.token)
            if not jobs:
                break
            finished += jobs
            with transaction(database, readonly=True) as session:
                progress(finished, finished + outbox.waiting(session))
        return finished


def _take_in_batch(database: Engine, engine: SearchEngine, cache: VectorCache, version: int) -> int:
    with transaction(database, readonly=True) as session:
        jobs = outbox.pending(session, BATCH)
        ids = list(dict.fromkeys(job.record_id for job in jobs))
        documents = documents_of(session, [*ids, *_dependents(session, ids)])
        session.expunge_all()
    refused = _write(engine, cache, ids, documents, version)
    taken = len(documents) - len(refused)
    holds_nothing_else = bool(jobs) and (taken or not refused) and engine.status().records <= taken
    with transaction(database, always=True) as session:
        outbox.done(session, jobs)
        outbox.note_refusals(session, {*ids, *(document.id for document in documents)}, refused)
        if holds_nothing_else:
            _ask_for_the_rest(session, {document.id for document in documents})
    return len(jobs)


def _ask_for_the_rest(session: Session, written: set[str]) -> None:
    """An index that somebody deleted is made anew by the next change, which must not be all that is ever in it."""
    there = written | outbox.queued(session)
    outbox.enqueue(session, [id for id, _ in records.published_ids(session) if id not in there])


def _write(
    engine: SearchEngine, cache: VectorCache, ids: Iterable[str], documents: Sequence[IndexDocument], version: int
) -> dict[str, str]:
    """Put these documents in, with the vectors that are known, and take the others of these ids out. Returns why, by id,
    for those that the engine refused: they wait for an edit or for the next comparison, and hold nobody up."""
    known = cache.get({key for document in documents for key in document.passage_keys()})
    refused = engine.write(documents, version, known)
    engine.delete(set(ids) - {document.id for document in documents}, version)
    for record_id, reason in refused.items():
        log.warning("the search engine refused the record '%s': %s", record_id, reason)
    return refused


def _dependents(session: Session, ids: Sequence[str]) -> set[str]:
    """Records that take their place from one of these cities, or from one that is no more."""
    found = records.load(session, ids)
    cities = [id for id in ids if id not in found or isinstance(found[id].record, City)]
    return records.pointing_ids(session, cities) - set(ids) if cities else set()


def documents_of(session: Session, ids: Iterable[str]) -> list[IndexDocument]:
    """The documents of those records that are published."""
    found = as_readers_see(published(session, ids))
    homes = {id: home for id, stored in found.items() if (home := city_id(stored.record))}
    cities = published(session, set(homes.values()))
    return [build(stored, cities.get(homes.get(id, ""))) for id, stored in found.items()]


def passage_keys(database: Engine) -> Iterator[bytes]:
    """The keys of all passages of all published records."""
    with transaction(database, readonly=True) as session:
        ids = [id for id, _ in records.published_ids(session)]
        for part in chunks(ids, BATCH):
            for document in documents_of(session, part):
                yield from document.passage_keys()
            session.expunge_all()


def embed(
    engine: SearchEngine,
    embedder: Embedder,
    cache: VectorCache,
    threads: int = 1,
    progress: Progress = _silent,
    stop: Stop = lambda: False,
) -> int:
    """Give every passage its vector, from the cache or computed. Returns how many were computed.

    Raises RuntimeError when the index is one of another model: vectors of two models are never mixed.
    """
    if engine.model.id != embedder.id:
        raise RuntimeError(f"The index has vectors of {engine.model.id}, not of {embedder.id}; run: kb index rebuild")
    computed = 0
    part = threads * max(EMBED_BATCH, embedder.batch)
    with ThreadPoolExecutor(threads) as pool:
        while not stop() and (missing := engine.missing_vectors(4 * part)):
            known = cache.get(missing)
            engine.attach(known)
            rest = {key: text for key, text in missing.items() if key not in known}
            while rest and not stop():
                some = {key: rest.pop(key) for key in list(rest)[:part]}
                cache.put(_computed(pool, embedder, some))
                # As they will come from there whenever the record is written again.
                engine.attach(cache.get(some))
                computed += len(some)
                status = engine.status()
                progress(status.embedded, status.passages)
    return computed


def _computed(pool: ThreadPoolExecutor, embedder: Embedder, texts: Mapping[bytes, str]) -> dict[bytes, Vectors]:
    """The vectors of these texts: so many in a call as the model likes, and calls side by side."""
    keys = list(texts)
    calls = [keys[start : start + embedder.batch] for start in range(0, len(keys), embedder.batch)]
    made = pool.map(lambda call: embedder.passages([texts[key] for key in call]), calls)
    return {
        key: vector
        for call, vectors in zip(calls, made, strict=True)
        for key, vector in zip(call, vectors, strict=True)
    }


def rebuild(
    database: Engine,
    engine: SearchEngine,
    cache: VectorCache,
    progress: Progress = _silent,
    embedder: Embedder | None = None,
    *,
    forgetting: bool = False,
) -> bool:
    """Fill a new index beside the live one, with the vectors that are known, and swap. False when another process is
    at it. With an ``embedder`` all other vectors are computed before the swap: so a change of the model is never seen
    as an index without meaning.

    Edits go on meanwhile and reach the live index as always; what changed since the filling began is taken over just
    before the swap, under the lease that keeps others from writing. ``forgetting``: not even the names of deleted records
    are taken over.
    """
    with outbox.lease(database, "rebuild", _holder(), LEASE) as rebuilding:
        if not rebuilding:
            return False
        successor = engine.rebuild()
        with transaction(database, readonly=True) as session:
            before = dict(records.editions(session))
            # Whoever got a token up to this one may be about to write what is older than this look.
            version = outbox.newest_token(session, "index")
        _align(database, successor, cache, list(before), [rebuilding], lambda: version, progress)
        if embedder:
            embed(
                successor,
                embedder,
                cache,
                progress=lambda done, total: _keep_and_say(rebuilding, progress, done, total),
            )
        successor.settle(lambda: _keep_and_say(rebuilding, progress, len(before), len(before)))
        with outbox.lease(database, "index", _holder(), LEASE) as held:
            while not (held or held.take()):
                _keep([rebuilding])
                time.sleep(0.2)
            leases = [rebuilding, held]
            if not forgetting:
                # A writer that fell asleep before a deletion may still wake up, and writes to whatever is in place then.
                successor.delete(set(engine.deleted_since(held.token - REMEMBERED)) - before.keys(), held.token)
            late = _changed_since(database, before)
            _align(database, successor, cache, late, leases, lambda: held.token, progress)
            _keep(leases)
            engine.become(successor)
        return True


def _changed_since(database: Engine, before: Mapping[str, Edition]) -> list[str]:
    """Records that came, changed or went, and those whose documents change with them. Documents that were read after
    ``before`` are otherwise as they would be now."""
    with transaction(database, readonly=True) as session:
        changed, gone = set[str](), set(before)
        for record_id, edition in records.editions(session):
            gone.discard(record_id)
            if before.get(record_id) != edition:
                changed.add(record_id)
        changed |= gone
        # A city may have come, lent its place to what was read then, and gone: neither look has seen it.
        others = _dependents(session, list(changed)) | records.dangling_ids(session, "city")
        return sorted(changed | records.public_editions(session, others).keys())


def _align(
    database: Engine,
    engine: SearchEngine,
    cache: VectorCache,
    ids: Sequence[str],
    leases: Sequence[outbox.Lease],
    version: Callable[[], int],
    progress: Progress = _silent,
) -> None:
    """Write these records as the database has them now, with the vectors that were computed before."""
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]
        with transaction(database, readonly=True) as session:
            documents = documents_of(session, part)
        _keep(leases)
        refused = _write(engine, cache, part, documents, version())
        with transaction(database) as session:
            outbox.note_refusals(session, part, refused)
        progress(start + len(part), len(ids))


def _keep_and_say(lease: outbox.Lease, progress: Progress, done: int, total: int) -> None:
    _keep([lease])
    progress(done, total)


def _keep(leases: Iterable[outbox.Lease]) -> None:
    """Hold these leases on. Raises RuntimeError when somebody else has one by now: then the new index is worth nothing."""
    if not all(lease.renew() for lease in leases):
        raise RuntimeError("This process was stopped for so long that another took over; run the command again.")


def differences(database: Engine, engine: SearchEngine, progress: Progress = _silent) -> Differences:
    """Compare every record's document with the one in the index, by fingerprint; batch by batch."""
    indexed = dict(engine.fingerprints())
    missing: list[str] = []
    stale: list[str] = []
    with transaction(database, readonly=True) as session:
        ids = [id for id, _ in records.published_ids(session)]
        for start in range(0, len(ids), BATCH):
            part = ids[start : start + BATCH]
            for document in documents_of(session, part):
                found = indexed.pop(document.id, None)
                if found is None:
                    missing.append(document.id)
                elif found != document.fingerprint:
                    stale.append(document.id)
            session.expunge_all()
            progress(start + len(part), len(ids))
    return Differences(tuple(missing), tuple(stale), tuple(indexed))


def check(database: Engine, engine: SearchEngine, progress: Progress = _silent) -> Differences:
    """Compare, and queue what differs."""
    found = differences(database, engine, progress)
    with transaction(database, always=True) as session:
        outbox.enqueue(session, found.ids())
    return found
