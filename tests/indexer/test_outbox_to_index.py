"""Whatever is edited, in whatever order the work is done and wherever it is cut short: the index says what the
database says once all waiting changes are taken in."""

import secrets
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from indexer import sync
from indexer.analysis import content_tokens
from indexer.engines.base import Question, SearchEngine, connect
from indexer.vector_cache import VectorCache
from kb import outbox
from kb.db import make_engine, migrate, transaction
from kb.records import service
from kb.settings import Settings
from schemas.language import LANGUAGES
from schemas.records import parse
from tests.indexer.samples import EMBEDDER, MODEL

CASES = ["case-1", "case-2", "case-3"]
CITIES = ["city-1", "city-2"]
#: Words that no dictionary knows: each is its own token.
UNIQUE = ["zuxawo", "quzemi", "vobyke", "jufary"]


class Killed(Exception):
    """Stands for the end of a process."""


class Killable:
    """An engine whose process ends when it is asked for its n-th step from now."""

    def __init__(self, engine: SearchEngine, steps: int) -> None:
        self._engine, self._steps = engine, steps

    def __getattr__(self, name: str) -> Any:
        if not callable(found := getattr(self._engine, name)):
            return found
        if self._steps == 0:
            raise Killed
        self._steps -= 1
        return found


def case(record_id: str, word: str, status: str = "published", city: str | None = None) -> dict[str, Any]:
    """A case study that one unique word finds, in two languages, perhaps in a city."""
    links = [{"rel": "city", "to": city}] if city else []
    return {
        "type": "case_study", "id": record_id, "language": "en", "status": status, "links": links,
        "title": {"en": f"About {word}", "fr": f"Sur {word}"},
    }  # fmt: skip


def city(record_id: str, word: str, status: str = "published", country: str = "CO") -> dict[str, Any]:
    """A city; the records that are in it are found by its name too."""
    return {
        "type": "city", "id": record_id, "language": "en", "status": status,
        "title": {"en": word}, "place": {"country": country},
    }  # fmt: skip


statuses = st.sampled_from(["published", "published", "published", "draft", "withdrawn"])
words = st.sampled_from(UNIQUE)


class Editing(RuleBasedStateMachine):
    """People edit, workers work and are killed; ``take_everything_in`` says what must hold, at any time and at the end."""

    saved = Bundle("saved")

    @initialize()
    def start(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        root = Path(self.folder.name)
        self.database = make_engine(Settings(data_dir=root, _env_file=None))  # type: ignore[call-arg]
        migrate(self.database)
        self.url = self._url_in(root)
        self.engine = connect(self.url, MODEL)
        self.cache = VectorCache(root / "vectors.db", MODEL.id)

    def _url_in(self, root: Path) -> str:
        return f"tantivy:{root / 'index'}"

    def teardown(self) -> None:
        if not hasattr(self, "engine"):
            return
        try:
            self.take_everything_in()
        finally:
            self.cache.close()
            self.engine.close()
            self.database.dispose()
            self.folder.cleanup()

    # People

    @rule(
        target=saved,
        record=st.builds(case, st.sampled_from(CASES), words, statuses, st.none() | st.sampled_from(CITIES)),
    )
    def save_a_case(self, record: dict[str, Any]) -> str:
        return self._save(record)

    @rule(target=saved, record=st.builds(city, st.sampled_from(CITIES), words, statuses, st.sampled_from(["CO", "FR"])))
    def save_a_city(self, record: dict[str, Any]) -> str:
        return self._save(record)

    def _save(self, value: dict[str, Any]) -> str:
        with transaction(self.database) as session:
            service.save_many(session, [parse(value)], "me")
        return str(value["id"])

    @rule(record_id=saved)
    def delete(self, record_id: str) -> None:
        with transaction(self.database) as session:
            if service.load(session, [record_id]):
                service.delete(session, record_id)

    # Workers

    @rule()
    def drain(self) -> None:
        self._drain(self.engine)

    def _drain(self, engine: SearchEngine) -> None:
        sync.drain(self.database, engine, self.cache)

    @rule(steps=st.integers(0, 2))
    def drain_until_killed(self, steps: int) -> None:
        """The worker ends before a change of the index, or before its look at the whole; its lease runs out at once."""
        try:
            self._drain(Killable(self.engine, steps))  # type: ignore[arg-type]
        except Killed:
            self._reopen()

    def _reopen(self) -> None:
        self.engine.close()
        self.engine = connect(self.url, MODEL)

    @rule()
    def drain_in_another_process(self) -> None:
        other = connect(self.url, MODEL)
        self._drain(other)
        other.close()

    @rule(record_id=st.sampled_from([*CASES, *CITIES]), times=st.integers(1, 3))
    def ask_for_a_record_again(self, record_id: str, times: int) -> None:
        """The same job twice, and jobs of records that never were."""
        with transaction(self.database) as session:
            outbox.enqueue(session, [record_id] * times)

    @rule()
    def do_the_newest_jobs_first(self) -> None:
        with transaction(self.database) as session:
            newest = outbox.pending(session, 1000)[::-1]
            outbox.done(session, newest)
            outbox.enqueue(session, [job.record_id for job in newest])

    @rule()
    def rebuild(self) -> None:
        assert sync.rebuild(self.database, self.engine, self.cache)

    @rule(steps=st.integers(0, 3))
    def rebuild_until_killed(self, steps: int) -> None:
        try:
            sync.rebuild(self.database, Killable(self.engine, steps), self.cache)  # type: ignore[arg-type]
        except Killed:
            self._reopen()

    @rule()
    def embed(self) -> None:
        sync.embed(self.engine, EMBEDDER, self.cache)

    @rule()
    def check(self) -> None:
        sync.check(self.database, self.engine)

    # What must hold

    @rule()
    def take_everything_in(self) -> None:
        self._drain(self.engine)
        with transaction(self.database, readonly=True) as session:
            assert outbox.waiting(session) == 0
            published = {stored.record.id: stored.record for stored in service.iterate(session)}
        assert len(sync.differences(self.database, self.engine)) == 0
        for word in UNIQUE:
            named = {record_id for record_id, record in published.items() if word in " ".join(record.title.values())}
            inside = {
                record_id
                for record_id, record in published.items()
                if {target for _, target in record.references()} & {one for one in named if one in CITIES}
            }
            assert find(self.engine, word) == named | inside

    @invariant()
    def an_index_never_has_a_record_twice(self) -> None:
        if hasattr(self, "engine"):
            found = [record_id for record_id, _ in self.engine.fingerprints()]
            assert len(found) == len(set(found))


def find(engine: SearchEngine, word: str) -> set[str]:
    """The ids of all records that have this word."""
    tokens = {language: tuple(content_tokens(word, language)) for language in LANGUAGES}
    return {hit.id for hit in engine.search(Question(mode="keyword", words=tokens, limit=100)).hits}


class DeletingJobsBeforeWriting(Editing):
    """The obvious mistake: a worker takes jobs off the list and only then does them."""

    def _drain(self, engine: SearchEngine) -> None:
        with transaction(self.database) as session:
            jobs = outbox.pending(session, sync.BATCH)
            outbox.done(session, jobs)
        ids = list(dict.fromkeys(job.record_id for job in jobs))
        with transaction(self.database, readonly=True) as session:
            documents = sync.documents_of(session, [*ids, *sync._dependents(session, ids)])
        engine.write(documents, time.time_ns())
        engine.delete(set(ids) - {document.id for document in documents}, time.time_ns())


class ForgettingWhatIsInACity(Editing):
    """Another one: only the record that changed is written again, not those that take their place from it."""

    def _drain(self, engine: SearchEngine) -> None:
        with transaction(self.database) as session:
            jobs = outbox.pending(session, sync.BATCH)
            documents = sync.documents_of(session, [job.record_id for job in jobs])
        engine.write(documents, time.time_ns())
        engine.delete({job.record_id for job in jobs} - {document.id for document in documents}, time.time_ns())
        with transaction(self.database) as session:
            outbox.done(session, jobs)


SOME = settings(max_examples=settings.default.max_examples // 4, stateful_step_count=20)  # type: ignore[union-attr]


#: Making an index there takes a third of a second.
FEW = settings(SOME, max_examples=max(SOME.max_examples // 3, 5), stateful_step_count=15)


def test_the_index_says_what_the_database_says() -> None:
    run_state_machine_as_test(Editing, settings=SOME)


@pytest.mark.cluster
def test_an_index_in_elasticsearch_says_what_the_database_says(elasticsearch: str) -> None:
    class InElasticsearch(Editing):
        def _url_in(self, root: Path) -> str:
            return f"{elasticsearch}/kb-test-{secrets.token_hex(6)}"

        def teardown(self) -> None:
            try:
                super().teardown()
            finally:
                urllib.request.urlopen(urllib.request.Request(f"{self.url}-*", method="DELETE")).close()

    run_state_machine_as_test(InElasticsearch, settings=FEW)


def test_a_worker_that_takes_jobs_off_the_list_before_doing_them_is_found_out() -> None:
    machine = DeletingJobsBeforeWriting()
    machine.start()
    machine.save_a_case(case("case-1", UNIQUE[0]))
    machine.drain_until_killed(0)
    with pytest.raises(AssertionError):
        machine.teardown()


def test_a_worker_that_forgets_what_is_in_a_city_is_found_out() -> None:
    machine = ForgettingWhatIsInACity()
    machine.start()
    machine.save_a_city(city("city-1", UNIQUE[0]))
    machine.save_a_case(case("case-1", UNIQUE[1], city="city-1"))
    machine.drain()
    machine.save_a_city(city("city-1", UNIQUE[2], country="FR"))
    with pytest.raises(AssertionError):
        machine.teardown()
